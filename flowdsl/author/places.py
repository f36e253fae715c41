"""Where in the author's Python an ASL path was written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..base.diagnostics import AslPath, Diagnostic
from ..base.source import Caller, Span
from ..base.words import did_you_mean
from .fields import Element, by_asl_name, fields_of
from .functions import Function


def locate(element: Element, path: AslPath, links: Mapping[AslPath, Caller | None]) -> Span | None:
    """The place of the innermost value on the path whose place is known."""
    origin, at = element.origin, element
    keywords: tuple[str, ...] = ()
    inside: AslPath = ()
    for index, step in enumerate(path):
        owner = at
        at, names = _into(at, step)
        if names:
            keywords, inside = names, path[index + 1 :]
            if isinstance(owner, Element) and owner.spread in names and inside and isinstance(inside[0], int):
                keywords, inside = (f"#{inside[0]}",), inside[1:]
        if isinstance(at, Element) and not isinstance(at, Function):
            used = origin.span(keywords, path[index:]) if index + 1 == len(path) and keywords and origin else None
            if used is not None and isinstance(step, int) and origin is not None and used != origin.span():
                return used  # a handler's place among others is where it is used, not where it is defined
            origin, keywords = at.origin or origin, ()
        linked = links.get(path[: index + 1])
        if linked is not None:
            name, *below = [*path[index + 1 :], ""]
            return linked.span((str(name).removesuffix(".$"),), tuple(below[:-1]))
    return origin.span(keywords, inside) if origin else None


def unknown_settings(function: Function) -> Iterator[Diagnostic]:
    """Report the keywords that a Function does not have."""
    known = [name for name in fields_of(type(function)) if name not in ("extras", "origin")]
    for setting in map(snake, function.extras):
        message = f"unknown setting {setting!r} of a Function"
        span = function.origin.span((setting,)) if function.origin else None
        hint = did_you_mean(setting, known) or "it has " + ", ".join(known)
        yield Diagnostic("FD102", message, (), span=span, hint=hint)


def _into(at: Any, step: str | int) -> tuple[Any, tuple[str, ...]]:
    """One step down an ASL path: the value there, and the keywords that the author may have used for it."""
    if isinstance(at, Element) and step == 0:
        return at, ()  # a single part, without a list
    if isinstance(at, Element) and isinstance(step, str):
        spec = by_asl_name(type(at)).get(step)
        if spec is None:
            return at.extras.get(step), (snake(step),)
        return getattr(at, spec.attribute), (spec.attribute, *spec.keywords, *_position(type(at), spec.attribute))
    try:
        return at[step], ()
    except (KeyError, IndexError, TypeError):
        return None, ()


def _position(cls: type[Any], attribute: str) -> tuple[str, ...]:
    """The position of an argument as `Caller.span` names it."""
    names: tuple[str, ...] = cls.__positional__
    return (f"#{names.index(attribute)}",) if attribute in names else ()


def snake(name: str) -> str:
    return "".join("_" + letter.lower() if letter.isupper() else letter for letter in name).lstrip("_")
