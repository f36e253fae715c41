"""Where in the author's Python an ASL path was written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..base.diagnostics import AslPath, Diagnostic
from ..base.record import evolve
from ..base.source import Caller, Span
from ..base.words import did_you_mean
from .fields import Element, by_asl_name, fields_of
from .functions import Function
from .states import Catcher, Retrier, Rule


def locate(
    element: Element, path: AslPath, links: Mapping[AslPath, Caller | None], needle: str | float | None = None
) -> Span | None:
    """The place of the innermost value on the path whose place is known; `needle` is a name or a constant in it."""
    origin, at = element.origin, element
    used: Span | None = None
    keywords: tuple[str, ...] = ()
    inside: AslPath = ()
    for index, step in enumerate(path):
        owner = at
        at, names = _into(at, step)
        if names:
            keywords, inside = _argument(owner, names, path[index + 1 :])
            inside = path[index:] if names is _CONDITION else inside
        if isinstance(at, Element) and not isinstance(at, Function) and "errors" not in keywords:
            if isinstance(step, int) and keywords and origin is not None and isinstance(at, Retrier | Catcher):
                place = origin.span(keywords, path[index:])
                used = place if place != origin.span() else None
                if used is not None and index + 1 == len(path):
                    return _with_definition(used, at.origin)  # a handler's place among others is where it is used
            origin, keywords = at.origin or origin, ()
        linked = links.get(path[: index + 1])
        if linked is not None:
            name, *below = [*path[index + 1 :], ""]
            words = (str(name).removesuffix(".$"),) if name else keywords
            return linked.span(words, tuple(below[:-1]), needle)
    return origin.span(keywords, inside, needle) if origin else None


def _with_definition(used: Span, origin: Caller | None) -> Span:
    """The place where a retrier or catcher is used, with that of its definition if it is elsewhere."""
    defined = origin.span() if origin else None
    if defined is None or (used.file == defined.file and used.line <= defined.line <= (used.end_line or used.line)):
        return used
    return evolve(used, defined_at=defined)


def _argument(owner: Any, names: tuple[str, ...], below: AslPath) -> tuple[tuple[str, ...], AslPath]:
    """The keywords of a value, and the path inside of it; of arguments without names each is a value of its own."""
    first = below[0] if below else None
    variadic = (owner.rest or owner.spread) if isinstance(owner, Element) else ""
    if isinstance(first, int) and variadic in names:
        position = owner.__positional__.index(variadic) + first
        return (*(name for name in names if not name.startswith("#")), f"#{position}"), below[1:]
    return names, below


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
        if spec is None and isinstance(at, Rule):
            return None, _CONDITION
        if spec is None:
            return at.extras.get(step), (snake(step),)
        return getattr(at, spec.attribute), (spec.attribute, *spec.keywords, *_position(type(at), spec.attribute))
    try:
        return at[step], ()
    except (KeyError, IndexError, TypeError):
        return None, ()


_CONDITION = ("condition", "#0")
"""What holds the tests of a rule, whose words such as And are not fields of their own."""


def _position(cls: type[Any], attribute: str) -> tuple[str, ...]:
    """The position of an argument as `Caller.span` names it."""
    names: tuple[str, ...] = cls.__positional__
    return (f"#{names.index(attribute)}",) if attribute in names else ()


def snake(name: str) -> str:
    return "".join("_" + letter.lower() if letter.isupper() else letter for letter in name).lstrip("_")
