"""The syntax tree of JSONata, and the checks that are written into expressions by it."""

from __future__ import annotations

from typing import Any

import jlens
import pytest

from flowdsl.expr.jsonata import QueryEvaluationError, compile_jsonata
from flowdsl.expr.jsonata.checks import with_checks
from flowdsl.expr.jsonata.functions import ADDED, BUILT_IN
from flowdsl.expr.jsonata.tree import Node, parse, walk

EXPRESSIONS = [
    "1 + 2 * 3 - -4",
    "$states.input.`a b`.'c d'[price > 3 and stock != 0][0].{'n': name, \"m\": $v}",
    "$map($items, function($item, $at)<nn:n>{ $item.price * $at }) ~> $sum()",
    "( $x := 1; /* a comment with ' and ( */ $y := $x ? 'yes' : 'no'; [$x..10, $y] )",
    "rows@$row#$i[$i > 0].{kind: $row.price}",
    "rows^(>price, <name)[].sku{kind: $sum(price)}",
    "$ ~> |order|{'paid': true}, ['draft', 'old']|",
    "$replace($text, /a\\/[bc]+/i, '$1')",
    "$add := $sum(?, 1)",
    "a.and.or.in in [true, false, null] and **.b or c.%.d",
    "a?b:c?d:e",
    "\u03bb($x){$x & '\\u00e9\\n'}",
]


def show(node: Node) -> Any:
    return (node.kind, node.value, *map(show, node.parts)) if node.parts or node.value else node.kind


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_every_node_has_its_place_in_the_text(expression: str) -> None:
    root = parse(expression)
    assert expression[root.start : root.end] == expression.strip()
    for node in walk(root):
        places = [node.start, *(place for part in node.parts for place in (part.start, part.end)), node.end]
        assert places == sorted(places), node


@pytest.mark.parametrize(
    ("expression", "shape"),
    [
        ("1+2*3", ("binary", "+", ("number", "1"), ("binary", "*", ("number", "2"), ("number", "3")))),
        ("1-2-3", ("binary", "-", ("binary", "-", ("number", "1"), ("number", "2")), ("number", "3"))),
        ("$a.b[0]", ("path", ".", ("variable", "a"), ("filter", "", ("name", "b"), ("number", "0")))),
        ("$a:=$b:=1", ("bind", "a", ("bind", "b", ("number", "1")))),
        ("a/b/c", ("binary", "/", ("binary", "/", ("name", "a"), ("name", "b")), ("name", "c"))),
        ("'\\u0041\\n'", ("string", "A\n")),
    ],
)
def test_operators_bind_as_in_jsonata(expression: str, shape: Any) -> None:
    assert show(parse(expression)) == shape


@pytest.mark.parametrize("exact", [False, True])
@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_an_expression_with_checks_still_parses(expression: str, exact: bool) -> None:
    jlens.Expression(with_checks(expression, parse(expression), exact=exact))


def test_an_expression_without_need_has_no_checks() -> None:
    for expression in EXPRESSIONS[:2]:
        assert with_checks(expression, parse(expression)) == expression


@pytest.mark.parametrize("name", sorted(BUILT_IN))
def test_the_engine_has_every_function_of_jsonata(name: str) -> None:
    assert name in ADDED or jlens.Expression(f"$type(${name})").evaluate() == "function"


def evaluate(expression: str, variables: dict[str, Any]) -> Any:
    return compile_jsonata("{% " + expression + " %}", "Output")({"input": variables}, variables)


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("[$id]", [2**53 + 1]),
        ("{'id': $states.input.id, 'other': [$negative, 1]}", {"id": 2**53 + 1, "other": [-(2**60) - 1, 1]}),
        ("$merge([$states.input.nested, {'x': 1}])", {"id": 12345678901234567, "x": 1}),
    ],
)
def test_large_whole_numbers_are_passed_on_exactly(expression: str, value: Any) -> None:
    variables = {"id": 2**53 + 1, "negative": -(2**60) - 1, "nested": {"id": 12345678901234567}}
    assert evaluate(expression, variables) == value


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("{'a': 1 / $zero, 'b': [$text, $none, $nope]}", {"a": "Infinity", "b": ["t", None]}),
        ("(-1 / $zero) & ''", None),
        ("1 / $zero > 2", None),
        ("[$parse($none_text), $parse('[null, [1]]')]", [None, None, [1]]),
        ("$map(['null', '1'], $parse)", [None, 1]),
        ("$toMillis('2020-13')", "NaN"),
        ("$parse('null') = null", True),
        ("(1 / $zero) + $nope", None),
        ("$parse('null') + 1", None),
    ],
)
def test_exact_evaluation(expression: str, value: Any) -> None:
    variables = {"zero": 0, "text": "t", "none": None, "none_text": "null"}
    if value is None:
        with pytest.raises(QueryEvaluationError, match=r"D1001|D3001|T2001"):
            evaluate(expression, variables)
    else:
        assert evaluate(expression, variables) == value


def test_a_variable_may_have_the_name_of_a_function() -> None:
    assert evaluate("$sum + $count", {"sum": 1, "count": 2}) == 3
    assert evaluate("$sum([1, 2])", {"count": 2}) == 3
