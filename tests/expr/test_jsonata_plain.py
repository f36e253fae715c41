"""What `plain` reads without the engine, the engine accepts."""

from __future__ import annotations

import random

import jlens
import pytest

from flowdsl.expr.jsonata.plain import plain_tree
from flowdsl.expr.jsonata.tree import parse

PLAIN = [
    "$states.input.psp.function_arn",
    "$merge([$states.input, {'post_processing': {'receipt': $states.result[0], 'totals': $states.result[1]}}])",
    "$states.input.payment.status = 'retry' and $not($exists($turn))",
    "$string($round($number($item.amount) * 100))",
    "$filter($rows, function($row) { $number($row.amount) > 0 })[0].id",
    "$failed > 0 ? 'PARTIAL' : 'COMPLETE'",
    "'Grüße ' & $x / 2 % 3",
    "-$x in [1, 2.5, null]",
]


@pytest.mark.parametrize("text", PLAIN)
def test_plain_expressions_are_read(text):
    assert plain_tree(text) == parse(text)


NOT_PLAIN = {
    "number as a step": "$x.1",
    "predicate on a number as a step": "$x.2.5[0]",
    "negative step": "$x.-3",
    "comma before a bracket": "[1, 2, ]",
    "comma before a parenthesis": "$f(1,)",
    "parameter that is no variable": "function(x) { 1 }",
    "word that goes on with a quote": "$x and'y'",
    "regular expression after a bracket": "{'a': 1} / 2",
    "escape": r"'\q'",
    "comment": "1 /* open",
    "later operator": "$x ?: 1",
    "later operator for null": "$x ?? 1",
    "bind": "1 := 2",
    "parent": "%",
    "half": "$f(",
    "nothing": "",
    "too deep": "(" * 1200 + "1" + ")" * 1200,
    "large number": "1e999",
    "leading zero": "01",
}


@pytest.mark.parametrize("text", NOT_PLAIN.values(), ids=NOT_PLAIN)
def test_all_else_is_left_to_the_engine(text):
    assert plain_tree(text) is None


def accepts(text: str) -> bool:
    try:
        jlens.Expression(text)
    except jlens.JlensError:
        return False
    return True


_WORDS = """
a b $x $ $states 'text' "q" 1 2.5 0 true null . . . , , ( ) ( ) [ ] { } : ? = != <= > + - * / % & ;
and or in function function($x){ $f( $merge([
"""
WORDS = _WORDS.split()


def expression(chance: random.Random, depth: int) -> str:
    def part() -> str:
        return expression(chance, depth - 1)

    def listed(separator: str) -> str:
        return separator.join(part() for _ in range(chance.randrange(3)))

    leaf = chance.choice(["a", "$x", "$", "true", "null", "and", "in", "function", "'t'", "7", "2.5", "$states"])
    if depth == 0 or chance.random() < 0.2:
        return leaf
    match chance.randrange(11):
        case 0 | 1 | 2:
            operator = chance.choice([".", ".", ".", " + ", "-", "*", "/", "%", " & ", "=", "<", " and ", " in "])
            return f"{part()}{operator}{part()}"
        case 3:
            return f"{part()}[{part()}]"
        case 4:
            return f"({listed(';')})"
        case 5:
            return f"[{listed(',')}]"
        case 6:
            return f"{{{part()}:{part()}}}"
        case 7:
            return f"{chance.choice(['$f', 'a', part()])}({listed(',')})"
        case 8:
            return f"function($x, $y){{{part()}}}"
        case 9:
            return f"{part()}?{part()}:{part()}"
    return f"-{part()}"


@pytest.mark.parametrize("seed", range(4))
def test_the_engine_accepts_every_plain_expression(seed):
    chance = random.Random(seed)
    plain = 0
    for number in range(1000):
        text = expression(chance, 3)
        if number % 3 == 1:
            text = " ".join(chance.choice(WORDS) for _ in range(chance.randrange(1, 9)))
        elif number % 3 == 2:
            at = chance.randrange(len(text) + 1)
            text = text[:at] + chance.choice(["", *WORDS]) + text[at + chance.randrange(3) :]
        if plain_tree(text) is not None:
            plain += 1
            assert accepts(text), text
    assert plain > 150


@pytest.mark.parametrize("brackets", ["()", "[]", ("{'a':", "}"), ("$f(", ")"), ("function($x){", "}"), ("a+", "")])
def test_the_engine_accepts_every_depth(brackets):
    before, after = brackets
    texts = {depth: before * depth + "1" + after * depth for depth in (1, 25, 100, 180, 240, 320, 490, 700)}
    deepest = max(depth for depth, text in texts.items() if plain_tree(text))
    assert deepest > 20
    assert accepts(texts[deepest])
