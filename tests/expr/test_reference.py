"""ResultPath: where a result goes."""

from __future__ import annotations

from typing import Any

import pytest

from flowdsl.expr.errors import StatesError
from flowdsl.expr.path.jsonpath import compile_reference
from flowdsl.expr.path.tree import PathSyntaxError

PUT = [
    ("$", {"a": 1}, "new"),
    ("$.b", {"a": 1}, {"a": 1, "b": "new"}),
    ("$.a", {"a": {"x": 1}}, {"a": "new"}),
    ("$.a.b.c", {"z": 0}, {"z": 0, "a": {"b": {"c": "new"}}}),
    ("$.a['b c']", {"a": {"x": 1}}, {"a": {"x": 1, "b c": "new"}}),
    ("$[1].x", [{"a": 1}, {"b": 2}], [{"a": 1}, {"b": 2, "x": "new"}]),
    ("$.list[-1]", {"list": [1, 2]}, {"list": [1, "new"]}),
]


@pytest.mark.parametrize(("path", "document", "expected"), PUT, ids=[path for path, _, _ in PUT])
def test_puts(path: str, document: Any, expected: Any) -> None:
    assert compile_reference(path).put(document, "new") == expected


@pytest.mark.parametrize(
    ("path", "document"),
    [
        ("$.a", "text"),
        ("$.a", None),
        ("$.a", [1]),
        ("$[0]", {}),
        ("$[1]", [0]),
        ("$[-2]", [0]),
        ("$.a.b", {"a": "text"}),
        ("$.a.b", {"a": None}),
        ("$.a[0]", {}),
    ],
)
def test_refuses_to_overwrite_what_is_in_the_way(path: str, document: Any) -> None:
    with pytest.raises(StatesError) as caught:
        compile_reference(path).put(document, 1)
    assert caught.value.error == "States.ResultPathMatchFailure"


def test_shares_what_it_does_not_change() -> None:
    document = {"keep": {"x": 1}, "go": {"y": 1}}
    changed = compile_reference("$.go.z").put(document, 2)
    assert changed["keep"] is document["keep"]
    assert document == {"keep": {"x": 1}, "go": {"y": 1}}


@pytest.mark.parametrize("path", ["$$.a", "$v", "$.a[*]", "$..a", "$.a[0:1]", "a"])
def test_takes_reference_paths_into_the_input_only(path: str) -> None:
    with pytest.raises(PathSyntaxError):
        compile_reference(path)
