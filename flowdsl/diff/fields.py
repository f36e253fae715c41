"""The other fields of a state that both definitions have, in groups."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from ..asl.tree import Node
from . import meaning
from .matching import called
from .model import Change, Kind, Neutral
from .routes import change
from .rules import details

GROUPS: Final[Mapping[str, Kind]] = {
    **dict.fromkeys(("Resource", "Credentials"), "call"),
    **dict.fromkeys(
        ("TimeoutSeconds", "TimeoutSecondsPath", "HeartbeatSeconds", "HeartbeatSecondsPath"),
        "timeout",
    ),
    **dict.fromkeys(("Seconds", "SecondsPath", "Timestamp", "TimestampPath"), "wait"),
    **dict.fromkeys(("Error", "ErrorPath", "Cause", "CausePath"), "failure"),
    **dict.fromkeys(
        (
            "MaxConcurrency",
            "MaxConcurrencyPath",
            "ToleratedFailureCount",
            "ToleratedFailureCountPath",
            "ToleratedFailurePercentage",
            "ToleratedFailurePercentagePath",
            "ProcessorConfig",
            "ItemBatcher",
            "Label",
        ),
        "map",
    ),
    **dict.fromkeys(
        (
            "InputPath",
            "Parameters",
            "Arguments",
            "ResultSelector",
            "ResultPath",
            "Result",
            "Output",
            "OutputPath",
            "Assign",
            "Items",
            "ItemsPath",
            "ItemSelector",
            "ItemReader",
            "ResultWriter",
        ),
        "data",
    ),
}
"""Fields by the kind of their changes; any other is `other`."""
_WRITTEN: Final = frozenset(
    {"ResultPath", "Output", "OutputPath", "Assign", "ResultSelector", "Result", "ResultWriter"}
)
_NO_TIMEOUT: Final = 99_999_999


def changed_fields(old: Node, new: Node) -> Iterator[Change]:
    """The changes in meaning of all fields but routes, rules, retriers and catchers."""
    if meaning.token(old.fields.get("Type")) != meaning.token(new.fields.get("Type")):
        text = f"{old.fields.get('Type')} → {new.fields.get('Type')}"
        yield change("type", old, new, text, ("Type",), old.fields.get("Type"), new.fields.get("Type"))
    if old.language != new.language:
        yield change("language", old, new, f"{old.language} → {new.language}", (), old.language, new.language)
    left, right = meaning.fields_of(old), meaning.fields_of(new)
    names = [name for name in dict.fromkeys([*left, *right]) if name != "Type"]
    for name in names:
        if name in left and name in right and meaning.same(left[name], right[name]):
            continue
        is_written = name in old.fields or name in new.fields
        if not is_written and (old.language, old.type) != (new.language, new.type):
            continue  # another language, or another type, has other defaults
        before, after = _written(old, name, left), _written(new, name, right)
        yield _change(old, new, name, before, after)


def _written(node: Node, name: str, plain: Mapping[str, Any]) -> Any:
    """The value as its author wrote it, or else the default."""
    if name in node.fields:
        return node.fields[name]
    if name == "ItemSelector" and "Parameters" in node.fields:
        return node.fields["Parameters"]
    return plain.get(name)


def _change(old: Node, new: Node, name: str, before: Any, after: Any) -> Change:
    kind = GROUPS.get(name, "other")
    lines = details(before, after, name)
    targets = called(old), called(new)
    if name in ("Parameters", "Arguments") and targets[0] != targets[1]:
        kind = "call"
        text = f"calls {targets[1] or 'what is chosen at run time'}, not {targets[0] or 'what is chosen at run time'}"
    elif kind == "data":
        way = "writes" if name in _WRITTEN else "reads"
        text = f"{way}: {lines[0]}" if len(lines) == 1 else f"{way}: {name}"
    elif kind == "timeout":
        text = _timeout(name, before, after)
    else:
        text = lines[0] if len(lines) == 1 else name
    return change(kind, old, new, text, (name,), before, after, lines if len(lines) > 1 else ())


def _timeout(name: str, before: Any, after: Any) -> str:
    values = ["none" if value is None or value == _NO_TIMEOUT else _seconds(value) for value in (before, after)]
    return f"{name.removesuffix('Path')}: {values[0]} → {values[1]}"


def _seconds(value: Any) -> str:
    return f"{value} s" if isinstance(value, int | float) else str(value)


def neutral_fields(old: Node, new: Node) -> Iterator[Neutral]:
    """What differs in the text of a state and means the same."""
    name = (new.name,)
    one, other = old.fields, new.fields
    common = [key for key in one if key in other], [key for key in other if key in one]
    if common[0] != common[1]:
        yield Neutral("order of fields", name)
    if not meaning.same(one.get("Comment"), other.get("Comment")):
        yield Neutral("comments", name)
    left, right = meaning.fields_of(old), meaning.fields_of(new)
    for key in dict.fromkeys([*one, *other]):
        if key in meaning.ROUTES or key in ("Comment", "Type"):
            continue
        if key == "QueryLanguage":
            if old.language == new.language and (key in one) != (key in other):
                yield Neutral("defaults written out", name)
        elif (key in one) != (key in other):
            if key in ("Parameters", "ItemSelector") and new.type == "Map":
                yield Neutral("Parameters or ItemSelector of a Map", name)
            elif (key in left) == (key in right) and meaning.same(left.get(key), right.get(key)):
                yield Neutral("defaults written out", name)
        elif not meaning.same(one[key], other[key]) and meaning.same(left.get(key), right.get(key)):
            yield Neutral("spelling of expressions", name)
    for key in ("Choices", "Retry", "Catch"):
        yield from _neutral_list(key, old, new)
    keys = [next((key for key in ("ItemProcessor", "Iterator") if key in fields), None) for fields in (one, other)]
    if None not in keys and keys[0] != keys[1]:
        yield Neutral("Iterator or ItemProcessor", name)


def _neutral_list(key: str, old: Node, new: Node) -> Iterator[Neutral]:
    left, right = old.fields.get(key), new.fields.get(key)
    if not left and not right and left != right:
        yield Neutral("defaults written out", (new.name,))
    if not isinstance(left, list) or not isinstance(right, list):
        return
    texts = [sorted(meaning.token(_without(each, "Comment")) for each in side) for side in (left, right)]
    if any(_comments(one) != _comments(other) for one, other in zip(left, right, strict=False)):
        yield Neutral("comments", (new.name,))
    if texts[0] != texts[1]:
        yield from _spelling(key, old, new, left, right)


def _spelling(key: str, old: Node, new: Node, left: list[Any], right: list[Any]) -> Iterator[Neutral]:
    for one, other in zip(left, right, strict=False):
        if not isinstance(one, Mapping) or not isinstance(other, Mapping):
            continue
        if meaning.same(_without(one, "Comment"), _without(other, "Comment")):
            continue
        if key == "Choices":
            plains = [meaning.rule_of(one, old.language), meaning.rule_of(other, new.language)]
            if meaning.same(*plains) and not meaning.same(
                *(_without(rule, "Comment", "Next", "Assign", "Output") for rule in (one, other))
            ):
                yield Neutral("spelling of conditions", (new.name,))
        else:
            plain = meaning.retrier_of if key == "Retry" else lambda each: meaning.catcher_of(each, new.language)
            if meaning.same(plain(one), plain(other)) and one.keys() != other.keys():
                yield Neutral("defaults written out", (new.name,))
            elif meaning.same(plain(one), plain(other)) and not meaning.same(
                _without(one, "Comment", "Next"), _without(other, "Comment", "Next")
            ):
                yield Neutral("order of error names", (new.name,))


def _without(value: Any, *names: str) -> Any:
    """A value without these keys, at any depth."""
    if isinstance(value, Mapping):
        return {name: _without(each, *names) for name, each in value.items() if name not in names}
    return [_without(each, *names) for each in value] if isinstance(value, list) else value


def _comments(value: Any) -> Any:
    return value.get("Comment") if isinstance(value, Mapping) else None
