"""What counts as too large: at the edges, and whatever shortcut is taken for small values."""

from __future__ import annotations

from typing import Any

import pytest

from flowdsl.base.json import MAX_NESTING
from flowdsl.engine.limits import MAX_DATA, size, too_large, variables_too_large

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    "item", ["a", "\x00", "é", "\U0001f600", "\ud800", '"', True, False, None, 1, 2**80, 0.1, [], {}]
)
def test_the_edge_is_where_the_text_is_too_long(item: Any) -> None:
    count = MAX_DATA // (size([item, item]) - size([item]))
    for length in range(count - 3, count + 4):
        value = [item] * length
        assert too_large(value) is (size(value) > MAX_DATA)


def nested(levels: int, inner: Any, *, as_object: bool) -> Any:
    for _ in range(levels):
        inner = {"": inner} if as_object else [inner]
    return inner


@pytest.mark.parametrize("as_object", [True, False])
def test_the_edge_of_nesting(as_object: bool) -> None:
    assert not too_large(nested(MAX_NESTING, 1, as_object=as_object))
    assert too_large(nested(MAX_NESTING + 1, 1, as_object=as_object))
    assert too_large(nested(5000, 1, as_object=as_object))


def test_a_number_that_python_does_not_write_out() -> None:
    assert not too_large(10**4000)
    assert too_large(10**5000)
    assert too_large({"n": [-(10**5000)]})


def test_variables() -> None:
    assert not variables_too_large({"a": 1}, {"b": ["x" * 2**20] * 11})  # nothing that could have filled it
    assert variables_too_large({"a": "x" * 5000}, {"b": ["x" * 2**20] * 11})
    assert variables_too_large({"a": "x" * MAX_DATA}, {})
    assert not variables_too_large({"a": "x" * 5000}, {})
