"""The values that paths and expressions give to the arguments of services, against what the APIs take.

Constants are for rules/integrations. Source: botocore's models; the messages of Step Functions, which sends text
arguments of its own integrations as text only (asl/texts); DynamoDB API reference, "AttributeValue".
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final

from ...asl.apis import Api, member_name, read_api
from ...asl.integrations import api_of, find_action
from ...asl.resource import Resource
from ...asl.texts import names_one_thing
from ...base.diagnostics import AslPath
from ...base.named import NamedTuple
from ...base.words import abbreviate
from ..rules.values import NUMBERS, is_number
from .kinds import NAMES, kind_of_shape, misfit
from .shapes import ArrayShape, ObjectShape, ScalarShape, Shape, UnionShape, UnknownShape

MAX_DEPTH: Final = 8
_TEXTS: Final = frozenset({"string", "blob", "character"})


class Wrong(NamedTuple):
    """An argument of the wrong kind: its path, and what is wrong with it."""

    path: AslPath
    message: str


class _Value(NamedTuple):
    """A value that is known when the flow runs: the names that lead to it, its path and its shape."""

    names: tuple[str | int, ...]
    path: AslPath
    shape: Shape


def wrong_arguments(resource: Resource, value: Any, shape: Shape, path: AslPath, language: str) -> Iterator[Wrong]:
    """Yield the arguments of a Task that an API cannot take; `value` is what the definition has, `shape` what it is."""
    known = [each for each in _dynamic(value, shape, path, language, ()) if not isinstance(each.shape, UnknownShape)]
    if not known:
        return
    is_optimized = resource.kind != "sdk"
    action = find_action(resource.integration, resource.action)
    if action is not None and not action.calls_api:
        return
    names = {*action.required, *action.optional} if action is not None else set()
    as_text = {"type": "string"}  # Nearly all well-known arguments are text: then the API's model is not needed.
    rest = [
        each
        for each in known
        if each.names[0] not in names or (len(each.names) == 1 and any(_check(each.shape, as_text, each, is_optimized)))
    ]
    api_id = api_of(resource.integration, resource.action)
    api = read_api(api_id) if rest and api_id else None
    root = api.input_of(resource.action) if api is not None else None
    if api is None or api_id is None or not root:
        return
    for each in rest:
        details = _details(api, api_id, root, each.names, not is_optimized)
        if details is not None:
            yield from _check(each.shape, details, each, is_optimized)


def texts_of_other_kinds(
    value: Any, shape: Shape, path: AslPath, language: str, names: Collection[str]
) -> Iterator[Wrong]:
    """Yield the arguments of these names that are given something else than text."""
    for each in _dynamic(value, shape, path, language, ()):
        if each.names[-1] in names and (problem := misfit(each.shape, "string")):
            yield Wrong(each.path, f"{each.names[-1]} must be {problem}")


def _dynamic(value: Any, shape: Shape, path: AslPath, language: str, names: tuple[str | int, ...]) -> Iterator[_Value]:
    """Yield the values that a path or an expression gives."""
    if len(names) > MAX_DEPTH:
        return
    if isinstance(value, dict) and isinstance(shape, ObjectShape):
        for key, each in value.items():
            is_path = language == "JSONPath" and key.endswith(".$")
            name = key.removesuffix(".$") if is_path else key
            member = shape.fields.get(name)
            if member is not None and is_path:
                yield _Value((*names, name), (*path, key), member.shape)
            elif member is not None:
                yield from _dynamic(each, member.shape, (*path, key), language, (*names, name))
    elif isinstance(value, list) and isinstance(shape, ArrayShape) and shape.items is not None:
        for index, (each, item) in enumerate(zip(value, shape.items, strict=False)):
            yield from _dynamic(each, item, (*path, index), language, (*names, index))
    elif isinstance(value, str) and language == "JSONata" and value.startswith("{%") and names:
        yield _Value(names, path, shape)


def _details(api: Api, api_id: str, root: str, names: tuple[str | int, ...], is_sdk: bool) -> Mapping[str, Any] | None:
    """Return botocore's shape at the names; None where the API takes any JSON, or has no such parameter."""
    shape = root
    for name in names:
        details = api.shape(shape)
        kind = details.get("type")
        if kind == "structure" and not details.get("document"):
            members = details.get("members", {})
            member = next((each for each in members if member_name(api_id, each, is_sdk) == name), None)
            if member is None:
                return None
            shape = members[member]["shape"]
        elif kind == "list" and isinstance(name, int):
            shape = details["member"]["shape"]
        elif kind == "map" and isinstance(name, str):
            shape = details["value"]["shape"]
        else:
            return None
    details = _marked(api, api_id, shape, len(names) > 1)
    items = details.get("member")
    return {**details, "items": _marked(api, api_id, items["shape"], True)} if items else details


def _marked(api: Api, api_id: str, shape: str, is_inside: bool) -> dict[str, Any]:
    """Return botocore's shape, and whether it is an attribute of DynamoDB, or the value under S, N or another type."""
    is_value = api_id in ("dynamodb", "dynamodbstreams") and shape.endswith("AttributeValue")
    marks = {"is_attribute": is_value and shape == "AttributeValue"}
    return {**api.shape(shape), **marks, "in_attribute": is_value and shape != "AttributeValue" and is_inside}


def _check(shape: Shape, details: Mapping[str, Any], value: _Value, is_optimized: bool) -> Iterator[Wrong]:
    if isinstance(shape, UnionShape):
        problems = {_problem(each, details, value, is_optimized) for each in shape.ways}
        problem = None if None in problems else next(iter(problems))
    else:
        problem = _problem(shape, details, value, is_optimized)
    if problem:
        name = next((name for name in reversed(value.names) if isinstance(name, str)), "")
        yield Wrong(value.path, f"{name} must be {problem}")


def _problem(shape: Shape, details: Mapping[str, Any], value: _Value, is_optimized: bool) -> str | None:
    """Say what a parameter must be and is not."""
    wanted, kind = details.get("type"), kind_of_shape(shape)
    if kind is None or kind == "null" or details.get("document") or details.get("jsonvalue"):
        return None
    is_text = kind == "string"
    if wanted in ("structure", "map"):
        takes_text = details.get("is_attribute") and is_optimized
        return None if kind == "object" or (is_text and takes_text) else f"an object, not {NAMES[kind]}"
    if wanted == "list" and isinstance(shape, ArrayShape):
        wrong = _problem(shape.item, details.get("items", {}), value, is_optimized)
        return f"a list; each item must be {wrong}" if wrong else None
    if wanted == "list":
        return f"a list, not {NAMES[kind]}"
    if wanted in _TEXTS:
        return _text_problem(shape, kind, details, value, is_optimized)
    values = shape.values if isinstance(shape, ScalarShape) and is_text else None
    if wanted in NUMBERS and kind != "number":
        may_be_number = is_text and (values is None or any(map(is_number, values)))
        return None if may_be_number else f"a number, not {NAMES[kind]}"
    if wanted == "boolean" and kind != "boolean":
        may_be = is_text and not details.get("in_attribute") and (values is None or values & {"true", "false"})
        return None if may_be else f"true or false, not {NAMES[kind]}"
    return None


def _text_problem(shape: Shape, kind: str, details: Mapping[str, Any], value: _Value, is_optimized: bool) -> str | None:
    if kind == "string":
        words = details.get("enum")
        values = shape.values if isinstance(shape, ScalarShape) else None
        if words and values is not None and not values & {*words}:
            return f"one of {', '.join(words[:8])}, not {', '.join(sorted(map(abbreviate, values)))}"
        return None
    if kind in ("number", "boolean"):
        return f"text, not {NAMES[kind]}" if is_optimized or details.get("in_attribute") else None
    is_one = details.get("in_attribute") or details.get("enum") or names_one_thing(str(value.names[-1]))
    return f"text, not {NAMES[kind]}" if is_one else None
