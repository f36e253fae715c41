"""What is around a definition: permissions, and functions."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from attrs import astuple

from . import meaning
from .model import Change, Permission, Side

_ARN = re.compile(r"arn:[\w-]+:(?:[\w-]*):(?:REGION)?:(?:ACCOUNT)?:(?=.)")
"""The beginning of an ARN that says nothing: the service is in the action."""


def changed_permissions(old: Side, new: Side) -> Iterator[Change]:
    """What the role and each function may do now, and what no longer."""
    one, other = permissions_of(old, new)
    for kind, extra in (("added", other - one), ("removed", one - other)):
        by_who: dict[str, list[Permission]] = {}
        for each in sorted(extra, key=astuple):
            by_who.setdefault(each.who, []).append(each)
        for who, mine in by_who.items():
            lines = [*_lines(mine)]
            whose = who or "the role"
            verb = "may now call" if kind == "added" else "may no longer call"
            text = f"{whose} {verb} {lines[0]}" if len(lines) == 1 else f"{whose} {verb}"
            value = [{"who": who or None, "action": each.action, "resource": each.resource} for each in mine]
            before, after = (None, value) if kind == "added" else (value, None)
            details = tuple(lines) if len(lines) > 1 else ()
            yield Change(kind="permission", text=text, details=details, before=before, after=after)


def _lines(permissions: Iterable[Permission]) -> Iterator[str]:
    """The actions on each resource, as a line."""
    by_resource: dict[tuple[str, str], list[str]] = {}
    for each in permissions:
        by_resource.setdefault((each.resource, each.condition), []).append(each.action)
    for (resource, condition), actions in by_resource.items():
        yield f"{', '.join(actions)} on {short_resource(resource)}{f' if {condition}' if condition else ''}"


def short_resource(arn: str) -> str:
    """
    >>> short_resource("arn:aws:dynamodb:REGION:ACCOUNT:table/orders"), short_resource("arn:aws:s3:::data/*")
    ('table/orders', 'data/*')
    >>> short_resource("arn:aws:lambda:eu-west-1:123456789012:function:pay")
    'arn:aws:lambda:eu-west-1:123456789012:function:pay'
    """
    return _ARN.sub("", arn, count=1) if _ARN.match(arn) else arn


def permissions_of(old: Side, new: Side) -> tuple[frozenset[Permission], frozenset[Permission]]:
    """The permissions of both sides that can be compared: what both declare, or else what both definitions tell."""
    if old.declared is not None and new.declared is not None:
        return old.declared, new.declared
    if old.derived is not None and new.derived is not None:
        return old.derived, new.derived
    return frozenset(), frozenset()


def changed_functions(old: Side, new: Side) -> Iterator[Change]:
    """Functions that are new or gone, settings that changed, and all those whose code did."""
    if old.functions is None or new.functions is None:
        return
    code: dict[str, tuple[str, str]] = {}
    for name in sorted({*old.functions, *new.functions}):
        one, other = old.functions.get(name), new.functions.get(name)
        if one is None or other is None:
            text = f"{name}: {'added' if one is None else 'removed'}"
            yield Change(kind="function", text=text, before=one and name, after=other and name)
            continue
        kinds = [kind for kind in ("contents", "inputs") if kind in one.code and kind in other.code]
        if kinds and all(one.code[kind] != other.code[kind] for kind in kinds):
            code[name] = one.code[kinds[0]], other.code[kinds[0]]
        yield from _settings(name, one.settings, other.settings)
    if code:
        lines = tuple(f"{name}: {before[:12]} → {after[:12]}" for name, (before, after) in code.items())
        what = f"the code of {len(code)} functions changed"
        text = f"the code of {lines[0]}" if len(lines) == 1 else what
        sides = ({name: digests[index] for name, digests in code.items()} for index in (0, 1))
        before, after = sides
        yield Change(kind="function", text=text, details=lines[1:] and lines, before=before, after=after)


def _settings(name: str, one: Mapping[str, Any], other: Mapping[str, Any]) -> Iterator[Change]:
    lines = tuple(
        f"{key}: {_or_none(one.get(key))} → {_or_none(other.get(key))}"
        for key in dict.fromkeys([*one, *other])
        if not meaning.same(one.get(key), other.get(key))
    )
    if lines:
        text = f"{name}: {lines[0]}" if len(lines) == 1 else f"{name}: settings"
        before, after = {"function": name, **one}, {"function": name, **other}
        yield Change(kind="function", text=text, details=lines[1:] and lines, before=before, after=after)


def _or_none(value: Any) -> str:
    return "none" if value is None else meaning.token(value)
