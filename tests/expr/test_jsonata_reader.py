"""What an expression reads, found without running it."""

from __future__ import annotations

import pytest

from flowdsl.expr.jsonata.reader import read_expression


@pytest.mark.parametrize(
    ("expression", "reads"),
    [
        ("$states.input.a.b + $x", [("states", ("input", "a", "b"), 0), ("x", (), 20)]),
        ("$map($items, function($v){ $v.price * $rate })", [("items", (), 5), ("rate", (), 38)]),
        ("($q := 3; $q + $w)", [("w", (), 15)]),
        ("$states.input.rows[price > $limit].name", [("states", ("input", "rows", "name"), 0), ("limit", (), 27)]),
        ("{'a': $states.result}", [("states", ("result",), 6)]),
        ("$states.input.rows@$r.{'a': $r.b, 'c': $d}", [("states", ("input", "rows"), 0), ("d", (), 39)]),
        ("'text'", []),
    ],
)
def test_reads(expression: str, reads: list[tuple[str, tuple[str, ...], int]]) -> None:
    assert [(each.name, each.fields, each.offset) for each in read_expression(expression).reads] == reads


@pytest.mark.parametrize(
    ("expression", "names"),
    [
        ("phone", ["phone"]),
        ("a ? b : $c", ["a", "b"]),
        ("[1, foo, -bar]", ["foo", "bar"]),
        ("$sum(Order.Product.(Price * Quantity))", ["Order"]),
        ("$states.input.rows[price > 3].{'n': name}", []),
        ("$map($x, function($v){ $v.a })", []),
    ],
)
def test_finds_fields_of_no_input(expression: str, names: list[str]) -> None:
    assert [each.name for each in read_expression(expression).top_level] == names


def test_finds_calls_and_roots() -> None:
    expression = read_expression("($mine := function($x){ $x }; $mine($eval('1')) & $$.a)")
    assert [each.name for each in expression.calls] == ["eval"]
    assert expression.roots == (50,)
