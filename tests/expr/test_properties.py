"""What holds for every text and every value."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowdsl.expr.choice import RuleError, compile_rule
from flowdsl.expr.errors import StatesError
from flowdsl.expr.intrinsics import FUNCTIONS, IntrinsicSyntaxError, compile_intrinsic
from flowdsl.expr.jsonata import QueryEvaluationError, compile_jsonata
from flowdsl.expr.operators import OPERATORS
from flowdsl.expr.path.jsonpath import compile_path, compile_reference
from flowdsl.expr.path.tree import PathSyntaxError
from flowdsl.expr.scope import Scope

pytestmark = pytest.mark.slow

SCOPE = Scope({"Execution": {"Id": "x"}}, {"v": {"a": [1, {"b": None}]}})
NAMES = st.sampled_from(["a", "b", "c", "d e"])
NUMBERS = st.integers(-9, 9) | st.floats(allow_nan=False, allow_infinity=False)
SCALARS = st.none() | st.booleans() | NUMBERS | st.text("ab1", max_size=3)
DOCUMENTS = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3), max_leaves=12
)
STEPS = st.lists(
    NAMES.map(lambda name: f"['{name}']") | st.integers(-2, 2).map(lambda at: f"[{at}]"), min_size=1, max_size=3
)


def texts(pieces: str) -> st.SearchStrategy[str]:
    """Texts made of these pieces, with white space between some, and any other text."""
    return st.lists(st.sampled_from([*pieces.split(), " "]), max_size=10).map("".join) | st.text(max_size=12)


def outcome(function: Callable[..., Any], *arguments: Any) -> Any:
    """What the function gives, or the error of ours that it raises; any other goes through."""
    try:
        return function(*arguments)
    except (PathSyntaxError, IntrinsicSyntaxError, StatesError) as error:
        return error


@given(
    texts("$ $$ $v . .. a b [ ] 0 -1 : * ' \" , ( ) ? @ == < =~ && || ! \\ /a/ in length() ['a'] [*] [?(@.a)] é"),
    DOCUMENTS,
)
def test_a_path_is_refused_or_gives_a_value_or_a_states_error(text: str, document: Any) -> None:
    find = outcome(compile_path, text)
    if isinstance(find, Exception):
        assert isinstance(find, PathSyntaxError)
        assert 0 <= find.offset <= len(text)
        return
    before = copy.deepcopy(document)
    found = outcome(find, document, SCOPE)
    assert not isinstance(found, Exception) or found.error == "States.Runtime"  # type: ignore[attr-defined]
    assert document == before


@given(
    texts("States.Format States.Array States.JsonMerge ( ) , '{}' '[1]' $.a $ $$.Execution $v 1 -2.5 true ' \\"),
    DOCUMENTS,
)
def test_a_call_is_refused_or_gives_a_value_or_a_states_error(text: str, document: Any) -> None:
    call = outcome(compile_intrinsic, text)
    if isinstance(call, Exception):
        assert isinstance(call, IntrinsicSyntaxError)
        assert 0 <= call.offset <= len(text)
        return
    before = copy.deepcopy(document)
    found = outcome(call, document, SCOPE)
    assert not isinstance(found, Exception) or found.error == "States.Runtime"  # type: ignore[attr-defined]
    assert document == before


@given(st.sampled_from(sorted(FUNCTIONS)), st.lists(DOCUMENTS, max_size=3))
def test_every_function_takes_or_refuses_every_value(name: str, arguments: list[Any]) -> None:
    text = f"{name}({', '.join(f'$[{at}]' for at in range(len(arguments)))})"
    before = copy.deepcopy(arguments)
    found = outcome(compile_intrinsic(text), arguments, SCOPE)
    if isinstance(found, StatesError):
        assert (found.cause or "").startswith(f"The function '{text}' had the following error: Invalid ")
    assert arguments == before


@given(STEPS, DOCUMENTS, SCALARS)
def test_what_is_put_is_found_and_nothing_else_changes(steps: list[str], document: Any, value: Any) -> None:
    path = "$" + "".join(steps)
    before = copy.deepcopy(document)
    changed = outcome(compile_reference(path).put, document, value)
    if isinstance(changed, StatesError):
        assert changed.error == "States.ResultPathMatchFailure"
    else:
        assert compile_path(path)(changed, SCOPE) == value
    assert document == before


@given(st.sampled_from(sorted(OPERATORS)), DOCUMENTS, DOCUMENTS)
def test_a_rule_is_true_or_false_for_every_value(name: str, value: Any, operand: Any) -> None:
    is_path = OPERATORS[name].is_path
    try:
        holds = compile_rule({"Variable": "$.v", name: "$.w" if is_path else operand})
    except RuleError:
        assert not is_path  # the operand is of another kind
    else:
        assert holds({"v": value, "w": operand}, SCOPE) in (True, False)


EXPRESSIONS = [
    "$states.input",
    "$states.input.a",
    "$states.input.a.b",
    "$v.a.b",
    "$states.input.*",
    "$states.input[0]",
    "$merge($states.input)",
    "$reverse($states.input)",
    "$append($states.input, 1)",
    "$distinct($states.input)",
    "$spread($states.input)",
    "$map($states.input, function($x){ $x })",
    "$sort($states.input)",
    "$keys($states.input)",
    "$string($states.input)",
    "{'a': $states.input, 'b': [$states.input]}",
    "$states.input ~> |$|{'z': 1}|",
]


@pytest.mark.parametrize("expression", EXPRESSIONS)
@given(document=DOCUMENTS)
def test_jsonata_gives_json_or_a_states_error_and_changes_nothing(expression: str, document: Any) -> None:
    before = copy.deepcopy(document)
    try:
        found = compile_jsonata("{% " + expression + " %}", "Output")({"input": document}, {"v": document})
    except QueryEvaluationError:
        pass
    else:
        assert _is_json(found)
    assert document == before


@given(st.sampled_from(["a", "b"]), st.sampled_from(["a", "b"]), DOCUMENTS)
def test_the_short_way_to_a_field_gives_what_the_library_gives(first: str, second: str, document: Any) -> None:
    short = compile_jsonata("{% $states.input." + first + "." + second + " %}", "Output")
    library = compile_jsonata("{% ($states.input." + first + "." + second + ") %}", "Output")
    left, right = (outcome(each, {"input": document}, {}) for each in (short, library))
    assert left == right or (isinstance(left, StatesError) and isinstance(right, StatesError))


@given(
    st.sampled_from(["<", "<=", ">", ">=", "=", "!=", "+", "-", "*", "&", "/", "%", "and", "or", "in"]),
    DOCUMENTS,
    DOCUMENTS,
)
def test_the_short_way_of_an_operator_gives_what_the_library_gives(name: str, one: Any, other: Any) -> None:
    short = compile_jsonata("{% $one " + name + " $states.input.other %}", "Output")
    library = compile_jsonata("{% ($one " + name + " $states.input.other) %}", "Output")
    left, right = (outcome(each, {"input": {"other": other}}, {"one": one}) for each in (short, library))
    assert (left == right and type(left) is type(right)) or isinstance(left, StatesError)
    assert isinstance(left, StatesError) == isinstance(right, StatesError)


def _is_json(value: Any) -> bool:
    if type(value) is list:
        return all(map(_is_json, value))
    if type(value) is dict:
        return all(type(key) is str and _is_json(item) for key, item in value.items())
    return value is None or type(value) in (bool, int, float, str)
