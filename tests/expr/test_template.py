"""Payload templates."""

from __future__ import annotations

from typing import Any

import pytest

from flowdsl.expr.errors import StatesError
from flowdsl.expr.intrinsics import IntrinsicSyntaxError
from flowdsl.expr.path.tree import PathSyntaxError
from flowdsl.expr.scope import Scope
from flowdsl.expr.template import compile_template

SCOPE = Scope({"State": {"Name": "Pay"}}, {"total": 12})


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ({"a.$": "$.x", "b": "$.x"}, {"a": 1, "b": "$.x"}),
        ({"a": [{"b.$": "$total"}, {"c": 1}], "d": [1]}, {"a": [{"b": 12}, {"c": 1}], "d": [1]}),
        ({"name.$": "$$.State.Name"}, {"name": "Pay"}),
        ({"text.$": "States.Format('{}', $.x)"}, {"text": "1"}),
        ({"beyond.$": "$.list[9]"}, {"beyond": None}),
        ({"a.$.$": "$.x"}, {"a.$": 1}),
        ("$.x", "$.x"),
        (["$.x"], ["$.x"]),
        (5, 5),
    ],
)
def test_fills(template: Any, expected: Any) -> None:
    assert compile_template(template)({"x": 1, "list": []}, SCOPE) == expected


def test_keeps_the_order_of_the_template() -> None:
    made = compile_template({"b.$": "$.x", "a": 1, "c.$": "$.x"})({"x": 1}, SCOPE)
    assert list(made) == ["b", "a", "c"]


def test_constant_parts_are_not_rebuilt() -> None:
    template = {"constant": {"deep": [1]}, "x.$": "$.x"}
    made = compile_template(template)({"x": 1}, SCOPE)
    assert made["constant"] is template["constant"]
    constant = {"a": 1}
    assert compile_template(constant)({}, SCOPE) is constant


def test_names_the_field_that_fails() -> None:
    with pytest.raises(StatesError, match=r"specified for the field 'c\.\$' could not be found in the input '{}'"):
        compile_template({"a": {"b": [{"c.$": "$.x"}]}})({}, SCOPE)


@pytest.mark.parametrize(
    ("template", "error"),
    [({"a.$": "x"}, PathSyntaxError), ({"a.$": "States.X()"}, IntrinsicSyntaxError), ({"a.$": 1}, TypeError)],
)
def test_refuses_wrong_expressions(template: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        compile_template(template)
