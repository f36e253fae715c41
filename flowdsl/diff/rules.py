"""Lists in which order counts: choice rules, retriers and catchers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from attrs import frozen

from ..asl.tree import Node
from ..graph.wording import condition as in_words
from ..graph.wording import short
from . import meaning
from .model import Change, Neutral
from .routes import Routes, change

_BROAD: Final = frozenset({"States.ALL", "States.TaskFailed"})
"""Errors that stand for others. Source: ASL specification, "Errors"."""
_TIMEOUTS: Final = frozenset({"States.Timeout", "States.HeartbeatTimeout"})


@frozen
class _Item:
    """An element of a list."""

    index: int
    value: Mapping[str, Any]
    plain: Any
    """What it is matched by, in one spelling."""

    @property
    def key(self) -> str:
        return meaning.token(self.plain)


def _items(values: Any, plain: Callable[[Mapping[str, Any]], Any]) -> list[_Item]:
    listed = values if isinstance(values, list) else []
    return [_Item(index, value, plain(value)) for index, value in enumerate(listed) if isinstance(value, Mapping)]


def _pairs(
    old: list[_Item], new: list[_Item], alike: Callable[[_Item, _Item], bool]
) -> tuple[list[tuple[_Item, _Item]], list[_Item], list[_Item]]:
    """The pairs, in the order of the new list, and what has no partner: equal ones first, then those that are alike."""
    pairs: list[tuple[_Item, _Item]] = []
    left, right = [*old], [*new]
    for test in (lambda one, other: one.key == other.key, alike):
        for other in [*right]:
            near = sorted(left, key=lambda each: abs(each.index - other.index))
            partner = next((each for each in near if test(each, other)), None)
            if partner is not None:
                pairs.append((partner, other))
                left.remove(partner)
                right.remove(other)
    return sorted(pairs, key=lambda pair: pair[1].index), left, right


def _turned(
    pairs: list[tuple[_Item, _Item]], are_apart: Callable[[_Item, _Item], bool]
) -> tuple[tuple[_Item, _Item] | None, bool]:
    """The first two of the new list whose order is another one and counts; whether others changed places."""
    any_turned = False
    for index, (one, new_one) in enumerate(pairs):
        for other, new_other in pairs[index + 1 :]:
            if other.index < one.index:
                if not are_apart(new_one, new_other):
                    return (new_one, new_other), True
                any_turned = True
    return None, any_turned


# Choice


def choices(old: Node, new: Node, routes: Routes) -> Iterator[Change | Neutral]:
    """The changes of a Choice's rules."""

    def goal(item: _Item, *, is_old: bool) -> object:
        name = item.value.get("Next")
        return routes.old_goal(name, old.machine) if is_old else routes.new_goal(name, new.machine)

    left = _items(old.fields.get("Choices"), lambda rule: meaning.rule_of(rule, old.language))
    right = _items(new.fields.get("Choices"), lambda rule: meaning.rule_of(rule, new.language))
    pairs, removed, added = _pairs(left, right, lambda one, other: goal(one, is_old=True) == goal(other, is_old=False))
    if len(removed) == len(added) == 1 and removed[0].index == added[0].index:
        pairs = sorted([*pairs, (removed.pop(), added.pop())], key=lambda pair: pair[1].index)
    for one, other in pairs:
        at = ("Choices", other.index)
        words = in_words(other.value)
        if one.key != other.key:
            text = f"rule {other.index + 1}: {words}, not {in_words(one.value)}"
            yield change("condition", old, new, text, at, dict(one.value), dict(other.value))
        if not routes.same(one.value.get("Next"), old.machine, other.value.get("Next"), new.machine):
            text = f"if {words} → {short(other.value.get('Next'))}, not {short(one.value.get('Next'))}"
            yield change("route", old, new, text, (*at, "Next"), one.value.get("Next"), other.value.get("Next"))
        for name in ("Assign", "Output"):
            yield from _extra(old, new, name, one, other, at, words)
    for item in removed:
        text = f"rule removed: if {in_words(item.value)} → {short(item.value.get('Next'))}"
        yield change("condition", old, new, text, ("Choices",), dict(item.value), None)
    for item in added:
        text = f"rule added: if {in_words(item.value)} → {short(item.value.get('Next'))}"
        yield change("condition", old, new, text, ("Choices",), None, dict(item.value))
    turned, any_turned = _turned(pairs, lambda one, other: meaning.exclude_each_other(one.plain, other.plain))
    if turned:
        first, second = (in_words(item.value) for item in turned)
        text = f"the order of the rules: {first} is tested before {second} now"
        values = [[dict(item.value) for item in side] for side in (left, right)]
        yield change("condition", old, new, text, ("Choices",), values[0], values[1])
    elif any_turned:
        yield Neutral("order of rules that exclude each other", (new.name,))


def _extra(
    old: Node, new: Node, name: str, one: _Item, other: _Item, at: tuple[str, int], words: str
) -> Iterator[Change]:
    before, after = (item.value.get(name) for item in (one, other))
    left, right = meaning.plain(before, old.language), meaning.plain(after, new.language)
    usual = {"Output": "{%$states.input%}", "Assign": {}}[name]
    if not meaning.same(usual if left is None else left, usual if right is None else right):
        yield change("data", old, new, f"if {words}: {name}", (*at, name), before, after, details(before, after, name))


# Retry and Catch


def _errors(item: _Item) -> str:
    names = item.value.get("ErrorEquals")
    return ", ".join(map(short, names)) if isinstance(names, list) else short(names)


def _share_errors(one: _Item, other: _Item) -> bool:
    return bool(_names(one) & _names(other)) or one.index == other.index


def _names(item: _Item) -> set[str]:
    names = item.value.get("ErrorEquals")
    return {each for each in names if isinstance(each, str)} if isinstance(names, list) else set()


def _catch_other_errors(one: _Item, other: _Item) -> bool:
    """Whether no error matches both, so that their order does not count."""
    first, second = _names(one), _names(other)
    if first & second or (first | second) & _BROAD:
        return False
    return not (first & _TIMEOUTS and second & _TIMEOUTS)


def retriers(old: Node, new: Node) -> Iterator[Change | Neutral]:
    left = _items(old.fields.get("Retry"), lambda each: meaning.retrier_of(each)["ErrorEquals"])
    right = _items(new.fields.get("Retry"), lambda each: meaning.retrier_of(each)["ErrorEquals"])
    pairs, removed, added = _pairs(left, right, _share_errors)
    for one, other in pairs:
        before, after = meaning.retrier_of(one.value), meaning.retrier_of(other.value)
        if not meaning.same(before, after):
            lines = details({**meaning.RETRIER_DEFAULTS, **before}, {**meaning.RETRIER_DEFAULTS, **after}, "")
            if after == {"ErrorEquals": after["ErrorEquals"], "MaxAttempts": 0}:
                lines = ("never repeated now",)
            text = f"{_errors(other)}: {', '.join(lines)}" if len(lines) <= 3 else _errors(other)
            field = ("Retry", other.index)
            yield change("retry", old, new, text, field, dict(one.value), dict(other.value), lines[3:] and lines)
    for item in removed:
        text = f"{_errors(item)}: not repeated by a retrier of its own any more"
        yield change("retry", old, new, text, ("Retry",), dict(item.value), None)
    for item in added:
        plain = meaning.retrier_of(item.value)
        count = plain["MaxAttempts"]
        text = f"{_errors(item)}: repeated up to {count}× now" if count else f"{_errors(item)}: never repeated"
        yield change("retry", old, new, text, ("Retry", item.index), None, dict(item.value))
    yield from _order(old, new, "Retry", "retry", "retriers", left, right, pairs)


def catchers(old: Node, new: Node, routes: Routes) -> Iterator[Change | Neutral]:
    left = _items(old.fields.get("Catch"), lambda each: meaning.catcher_of(each, old.language)["ErrorEquals"])
    right = _items(new.fields.get("Catch"), lambda each: meaning.catcher_of(each, new.language)["ErrorEquals"])
    pairs, removed, added = _pairs(left, right, _share_errors)
    for one, other in pairs:
        lines = []
        if one.key != other.key:
            lines.append(f"{_errors(one)} → {_errors(other)}")
        before, after = one.value.get("Next"), other.value.get("Next")
        if not routes.same(before, old.machine, after, new.machine):
            lines.append(f"→ {short(after)}, not {short(before)}")
        plains = [
            {
                name: value
                for name, value in meaning.catcher_of(item.value, node.language).items()
                if name != "ErrorEquals"
            }
            for item, node in ((one, old), (other, new))
        ]
        if not meaning.same(plains[0], plains[1]):
            lines += details(plains[0], plains[1], "")
        if lines:
            text = f"{_errors(other)}: {lines[0]}" if len(lines) == 1 else _errors(other)
            field = ("Catch", other.index)
            more = tuple(lines) if len(lines) > 1 else ()
            yield change("catch", old, new, text, field, dict(one.value), dict(other.value), more)
    for item in removed:
        text = f"{_errors(item)}: not caught by a catcher of its own any more (→ {short(item.value.get('Next'))})"
        yield change("catch", old, new, text, ("Catch",), dict(item.value), None)
    for item in added:
        text = f"{_errors(item)} → {short(item.value.get('Next'))} now"
        yield change("catch", old, new, text, ("Catch", item.index), None, dict(item.value))
    yield from _order(old, new, "Catch", "catch", "catchers", left, right, pairs)


def _order(
    old: Node,
    new: Node,
    field: str,
    kind: str,
    words: str,
    left: list[_Item],
    right: list[_Item],
    pairs: list[tuple[_Item, _Item]],
) -> Iterator[Change | Neutral]:
    turned, any_turned = _turned(pairs, _catch_other_errors)
    if turned:
        text = f"the order of the {words}: {_errors(turned[0])} before {_errors(turned[1])} now"
        values = [[dict(item.value) for item in side] for side in (left, right)]
        yield change(kind, old, new, text, (field,), values[0], values[1])
    elif any_turned:
        yield Neutral(f"order of {words} for different errors", (new.name,))


# Values


def details(before: Any, after: Any, place: str) -> tuple[str, ...]:
    """The values inside that changed, each as a line: `Payload.id: $.a → $.b`, `+ Payload.x: 1`, `- Payload.y`."""
    old = {where or "value": value for where, value in meaning.leaves(before, place)} if before is not None else {}
    new = {where or "value": value for where, value in meaning.leaves(after, place)} if after is not None else {}
    lines = []
    for where, value in old.items():
        if where not in new:
            lines.append(f"- {where}: {short(value)}")
        elif not meaning.same(value, new[where]):
            lines.append(f"{where}: {short(value)} → {short(new[where])}")
    lines += [f"+ {where}: {short(value)}" for where, value in new.items() if where not in old]
    return tuple(lines)
