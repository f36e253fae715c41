"""Expressions mean the same in Python and as the JSONata that is written for them, whatever is inside what."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

import flowdsl as f
from flowdsl.author.describing import whole
from flowdsl.author.expressions import node_of
from flowdsl.author.jsonata import write_jsonata
from flowdsl.expr.jsonata import compile_jsonata

DOCUMENT: dict[str, Any] = {
    "n": 7,
    "negative": -2,
    "half": 0.5,
    "text": 'it\'s "odd"\\n',
    "word": "Word",
    "yes": True,
    "no": False,
    "numbers": [3, 1, 2],
    "one": [5],
    "empty": [],
    "lists": [[1, 2], [3]],
    "single": [[4, 5]],
    "rows": [{"name": "a", "n": 1, "tags": [4]}, {"name": "b", "n": 2, "tags": [5, 6]}],
    "row": [{"name": "only", "n": 3, "tags": [], "key": "a"}],
    "object": {"a": 1, "b c": {"d": [9]}, "true": 5, "and": 6, "ba`ck": 7, "function": 8},
}
compile_jsonata("{% 1 + 1 %}", "Output")({}, {})  # the engine is imported here, not inside Hypothesis
VARIABLES = {"v": 3, "row": 11, "x": [1]}
INPUT = f.state_input

Pair = tuple[Any, Any]
"""An expression, or JSON with expressions in it, and the value that it has."""
LIMIT = 10**6


def at(*steps: str | int) -> Pair:
    path, value = f.Path("input"), DOCUMENT
    for step in steps:
        path, value = path[step], value[step]  # type: ignore[index]
    return path, value


def pairs(*values: Pair) -> st.SearchStrategy[Pair]:
    return st.sampled_from(values)


def both(python: Callable[..., Any], written: Callable[..., Any], *parts: Any) -> st.SearchStrategy[Pair]:
    """What Python makes of the values, beside what the author writes with the expressions."""
    return st.tuples(*parts).map(
        lambda drawn: (written(*(pair[0] for pair in drawn)), python(*(pair[1] for pair in drawn)))
    )


def same(function: Callable[..., Any], *parts: Any) -> st.SearchStrategy[Pair]:
    """The same operators for both."""
    return both(function, function, *parts)


def constants(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Pair]:
    return values.map(lambda value: (value, value))


def kept(strategy: st.SearchStrategy[Pair], keep: Callable[[Any], bool], instead: Pair) -> st.SearchStrategy[Pair]:
    """Values that will do, or else another one. (A filter would make Hypothesis print the whole grammar.)"""
    return strategy.map(lambda pair: pair if keep(pair[1]) else instead)


def small(strategy: st.SearchStrategy[Pair]) -> st.SearchStrategy[Pair]:
    return kept(strategy, lambda value: abs(value) < LIMIT, at("n"))


def small_items(strategy: st.SearchStrategy[Pair]) -> st.SearchStrategy[Pair]:
    return kept(strategy, lambda value: all(abs(item) < LIMIT for item in value), at("numbers"))


def either(test: Any, then: Any, otherwise: Any) -> Any:
    return then if test else otherwise


def names(value: Any) -> Any:
    return value.name if isinstance(value, f.Expression) else value["name"]


NUMBER_PATHS = pairs(
    at("n"),
    at("negative"),
    at("half"),
    at("rows", 1, "n"),
    at("lists", 0, 1),
    at("single", 0, 0),
    at("object", "b c", "d", 0),
    at("object", "true"),
    at("object", "and"),
    at("object", "ba`ck"),
    at("object", "function"),
    (f.var.v, 3),
)
TEXT_PATHS = pairs(at("text"), at("word"), at("rows", 0, "name"), at("row", 0, "name"))
BOOLEAN_PATHS = pairs(at("yes"), at("no"))
LIST_PATHS = pairs(at("numbers"), at("one"), at("empty"), at("lists", 0), at("single", 0), (f.var.x, [1]))

numbers: st.SearchStrategy[Pair] = st.deferred(lambda: known_numbers | constants(st.sampled_from([0, 1, -3, 2.5])))
known_numbers: st.SearchStrategy[Pair] = st.deferred(
    lambda: st.one_of(
        NUMBER_PATHS,
        small(same(lambda a, b: a + b, known_numbers, numbers)),
        small(same(lambda a, b: b - a, known_numbers, numbers)),
        small(same(lambda a, b: a * b, known_numbers, numbers)),
        small(same(lambda a, b: a / b, known_numbers, constants(st.sampled_from([2, -4, 0.5])))),
        both(math.fmod, lambda a, b: a % b, known_numbers, constants(st.sampled_from([2, 3]))),
        same(lambda a: -a, known_numbers),
        both(either, f.cond, conditions, numbers, known_numbers),
        both(len, f.fn.count, lists | lists_of_lists | rows),
        both(sum, f.fn.sum, lists),
        both(max, f.fn.max, kept(known_lists, bool, at("numbers"))),
        same(lambda a: a[-1], kept(known_lists, bool, at("numbers"))),
        same(lambda a: a[0][-1], kept(lists_of_lists, lambda value: bool(value and value[0]), at("lists"))),
        small(
            both(
                lambda a, k: sum(k * each for each in a),
                lambda a, k: f.fn.reduce(a, lambda total, each: total + k * each, 0),
                lists,
                numbers,
            )
        ),
    )
)
constant_texts = constants(st.sampled_from(["", "a'b", 'c"d', "\\é\n%}"]))
texts: st.SearchStrategy[Pair] = st.deferred(lambda: known_texts | constant_texts)
known_texts: st.SearchStrategy[Pair] = st.deferred(
    lambda: st.one_of(
        TEXT_PATHS,
        same(lambda a, b: a + b, known_texts, constant_texts),
        same(lambda a, b: b + a, known_texts, constant_texts),
        both(lambda a, b: f"{a}-{b}", lambda a, b: f.fn.string(f"{a}-{b}"), known_texts, texts),
        both(
            lambda a, b: f"{a}{b}",
            lambda a, b: f.fn.string(f"{a}{b}"),
            pairs(at("n"), at("negative"), (f.var.v, 3)),
            texts,
        ),
        both(str.upper, f.fn.uppercase, known_texts),
        both(either, f.cond, conditions, texts, known_texts),
        both(lambda a, b: "-".join([a, b]), lambda a, b: f.fn.join([a, b], "-"), known_texts, texts),
        both(lambda a: names(a[-1]), lambda a: names(a[-1]), kept(rows, bool, at("rows"))),
    )
)
conditions: st.SearchStrategy[Pair] = st.deferred(
    lambda: st.one_of(
        BOOLEAN_PATHS,
        same(lambda a, b: a < b, known_numbers, numbers),
        same(lambda a, b: a >= b, known_numbers, numbers),
        same(lambda a, b: a == b, known_numbers, numbers),
        same(lambda a, b: a != b, known_texts, texts),
        same(lambda a, b: a == b, conditions, conditions),
        both(lambda a, b: a and b, lambda a, b: a & b, conditions, conditions),
        both(lambda a, b: a or b, lambda a, b: a | b, conditions, conditions),
        both(lambda a: not a, lambda a: ~a, conditions),
        both(lambda a, b, c: a in (b, c), f.one_of, known_numbers, numbers, numbers),
        both(lambda a, b: b in a, f.fn.contains, known_texts, known_texts),
        both(lambda a, b: b in a, f.fn.array_contains, lists, numbers),
    )
)
lists: st.SearchStrategy[Pair] = st.deferred(lambda: known_lists | same(lambda a, b: [a, b], numbers, numbers))
known_lists: st.SearchStrategy[Pair] = st.deferred(
    lambda: st.one_of(
        LIST_PATHS,
        both(
            lambda a, n: [each for each in a if each > n],
            lambda a, n: f.where(a, lambda row: row > n),
            lists,
            numbers,
        ),
        both(lambda a: [each for each in a if each], lambda a: f.fn.filter(a, lambda x: x != 0), lists),
        small_items(
            both(
                lambda a, n: [each * n + place for place, each in enumerate(a)],
                lambda a, n: f.fn.map(a, lambda x, v: x * n + v),
                lists,
                numbers,
            )
        ),
        both(lambda a, b: [*a, *b], f.fn.append, lists, lists),
        both(lambda a, n: [*a, n], f.fn.append, lists, numbers),
        both(lambda a: a[::-1], f.fn.reverse, lists),
        both(lambda a: sorted(a, key=lambda n: -n), lambda a: f.fn.sort(a, lambda count: -count), lists),
        both(lambda a: sorted(a, reverse=True), lambda a: f.fn.sort(a, descending=True), lists),
        both(lambda a: [each["n"] for each in a], lambda a: f.fn.map(a, lambda row: row.n), rows),
        both(lambda a: [*range(1, len(a) + 1)], lambda a: f.fn.range(1, f.fn.count(a)), lists),
        both(either, f.cond, conditions, lists, known_lists),
    )
)
lists_of_lists: st.SearchStrategy[Pair] = st.deferred(
    lambda: st.one_of(
        pairs(at("lists"), at("single")),
        both(
            lambda a, n: [each for each in a if len(each) > n],
            lambda a, n: f.where(a, lambda item: f.fn.count(item) > n),
            lists_of_lists,
            numbers,
        ),
        both(lambda a: [[each, each] for each in a], lambda a: f.fn.map(a, lambda item: [item, item]), lists),
        both(lambda a: [each[::-1] for each in a], lambda a: f.fn.map(a, f.fn.reverse), lists_of_lists),
        both(lambda a: [each["tags"] for each in a], lambda a: f.fn.map(a, lambda row: row.tags), rows),
        both(lambda a: [a[at : at + 2] for at in range(0, len(a), 2)], lambda a: f.fn.partition(a, 2), lists),
    )
)
rows: st.SearchStrategy[Pair] = st.deferred(
    lambda: st.one_of(
        pairs(at("rows"), at("row")),
        both(
            lambda a, n: [each for each in a if each["n"] > n and each["name"] != ""],
            lambda a, n: f.where(a, lambda row: (row.n > n) & (row.name != "")),
            rows,
            numbers,
        ),
        both(
            lambda a, t: [*a, {"name": t, "n": 0, "tags": []}],
            lambda a, t: f.fn.append(a, {"name": t, "n": 0, "tags": []}),
            rows,
            texts,
        ),
        both(
            lambda a, n: [{"name": each["name"], "n": n, "tags": [each["n"]]} for each in a],
            lambda a, n: f.fn.map(a, lambda row: {"name": row.name, "n": n, "tags": [row.n]}),
            rows,
            numbers,
        ),
        both(lambda a: sorted(a, key=lambda each: each["name"]), lambda a: f.fn.sort(a, lambda row: row.name), rows),
    )
)
objects: st.SearchStrategy[Pair] = st.deferred(
    lambda: st.one_of(
        pairs(at("object"), at("rows", 0)),
        both(lambda a, b: {**a, **b}, f.fn.merge, objects, objects),
        both(lambda a: {"it's": a}, lambda a: f.fn.merge({"it's": a}), anything),
        both(
            lambda a: {key: each for key, each in a.items() if key == "a"},
            lambda a: f.fn.sift(a, lambda value, key: key == "a"),
            objects,
        ),
    )
)
anything: st.SearchStrategy[Pair] = st.deferred(
    lambda: st.one_of(
        known_numbers,
        known_texts,
        conditions,
        known_lists,
        lists_of_lists,
        rows,
        objects,
        both(lambda a, b, c: [a, [b, c]], lambda a, b, c: [a, [b, c]], anything, anything, anything),
        both(list, f.fn.keys, objects),
    )
)


def value_of(written: Any) -> tuple[Any, str]:
    text = write_jsonata(node_of(written))
    return compile_jsonata(f"{{% {text} %}}", "Output")({"input": DOCUMENT}, VARIABLES), text


N, V = INPUT.n, f.var.v  # 7, 3
ROWS, ONE, EMPTY, LISTS, SINGLE = INPUT.rows, INPUT.one, INPUT.empty, INPUT.lists, INPUT.single
TRAPS: list[Pair] = [
    # How tightly operators bind
    (N - (V - 1), 5),
    (N - V - 1, 3),
    (N / (V * 2 + 1), 1),
    (N - (V + -1) * 2, 3),
    (-(N - V) * 2, -8),
    ((N > V) == (V > N), False),
    (~(N == V) & ((N == V) | (V == 3)), True),
    (f.cond(f.cond(N == 7, INPUT.no, INPUT.yes), 1, f.cond(V == 3, 2, 3)) + 1, 3),
    ("a" + f.fn.string(N - V) + "b", "a4b"),
    (f.fn.string(f"{N - V}-{f.cond(V == 3, 'x', 'y')}"), "4-x"),
    # Sequences of one item and of none
    (f.where(ROWS, lambda row: row.n == 2), DOCUMENT["rows"][1:]),
    (f.where(ROWS, lambda row: row.n == 5), []),
    (f.where(ROWS, lambda row: row.n > 0)[-1].name, "b"),
    (f.where(ROWS, lambda row: row.n == 2)[0].name, "b"),
    (f.where(SINGLE, lambda item: f.fn.count(item) == 2), [[4, 5]]),
    (f.where(SINGLE, lambda item: f.fn.count(item) == 2)[0], [4, 5]),
    (f.fn.map(ONE, lambda item: [item, 1]), [[5, 1]]),
    (f.fn.map(EMPTY, lambda item: item + 1), []),
    (f.fn.count(f.where(SINGLE, lambda item: f.fn.count(item) == 2)), 1),
    (f.fn.count(f.where(ROWS, lambda row: row.n == 2)), 1),
    (f.fn.sum(f.fn.map(f.where(ROWS, lambda row: row.n > 9), lambda row: row.n)), 0),
    (f.fn.keys({"a": N}), ["a"]),
    (f.fn.sift({"a": N}, lambda value: value == 0), {}),
    (f.fn.range(1, f.fn.count(ONE)), [1]),
    (f.fn.range(1, f.fn.count(EMPTY)), []),
    (f.fn.partition(EMPTY, 2), []),
    (f.fn.partition(ONE, 2), [[5]]),
    # An order of what JSONata does not compare, and the other way round
    (f.fn.sort(ROWS, lambda row: row.name == "a")[0].name, "b"),
    (f.fn.sort(INPUT.numbers, lambda a, b: a > b, descending=True), [3, 2, 1]),
    # Fields and indexes that are known only when the flow runs
    (INPUT.object[f.string(INPUT.row[0].key)], 1),
    (INPUT.object[f"{ROWS[0].name}"], 1),
    (f.fn.array_get_item(INPUT.numbers, INPUT.negative), 1),
    (f.fn.map(ONE, lambda each, index: INPUT.numbers[index] + each), [8]),
    (f.fn.each({"a": 1}, lambda value, key: INPUT.object[key] + value), [2]),
    # Lists in lists
    (f.fn.count([LISTS, N]), 2),
    (f.fn.append([LISTS[0]], [N]), [[1, 2], 7]),
    (f.fn.map(ONE, lambda item: INPUT.numbers), [[3, 1, 2]]),
    (f.fn.append(ONE, LISTS)[1], [1, 2]),
    (LISTS[0][-1], 2),
    # Names that mean something else
    (f.fn.map(ROWS, lambda count: f.fn.count(count.tags)), [1, 2]),
    (f.fn.map(ROWS, lambda v: v.n + V), [4, 5]),
    (f.fn.map(ROWS, lambda row: f.fn.map(row.tags, lambda row: row + f.var.row)), [[15], [16, 17]]),
    (INPUT.object["and"] + INPUT.object["true"] + INPUT.object["ba`ck"] + INPUT.object["function"], 26),
    # What is missing
    (f.fn.default(INPUT.nowhere, 1), 1),
    (f.where(ROWS, lambda row: row.email != ""), []),
    # Every character
    (f.matches(f.fn.string(f"{INPUT.word}\n!"), "W*!"), True),
]


@pytest.mark.parametrize(("written", "value"), TRAPS, ids=[repr(written)[:60] for written, _ in TRAPS])
def test_traps(written: Any, value: Any) -> None:
    actual, text = value_of(written)
    assert actual == value, text


NAMES = {
    "state_input": INPUT,
    **{name: getattr(f, name) for name in ("fn", "var", "cond", "one_of", "matches", "number", "string")},
}
NAMES |= {name: getattr(f, name) for name in dir(f) if name.startswith("is_")} | {"re": re}


@pytest.mark.parametrize("written", [each for each, _ in TRAPS], ids=[repr(each)[:60] for each, _ in TRAPS])
def test_what_a_message_says_is_what_an_author_writes(written: Any) -> None:
    text = whole(node_of(written))
    assert write_jsonata(node_of(eval(text, NAMES))) == write_jsonata(node_of(written)), text


PATTERNS = [
    (r"(?P<x>o).(?P=x)", "oro", True),
    (r"(?i)WO(?#rd)", "word", True),
    (r"", "word", True),
    (r"[(]x}", "(x}", True),
    (r"(a\\)b", "a\\b", True),
    (r"[\\]", "/", False),
    (r"[]a]\]", "]]", True),
    (r"[^]/]+/", "]/", False),
    (r"\Aa\Z", "a\nb", False),
    (r"(?m)\Aa$", "a\nb", True),
    (r"(?m)^b\Z", "a\nb", True),
    (r"(?m)\Ab", "a\nb", False),
    (r"(?m)\\\Z", "a\\", True),
    (r"^a{,2}$", "aaa", False),
    (r"a{,2}b{c}\{", "aab{c}{", True),
    ("a\nb/", "a\nb/", True),
    (r"\N{BULLET}\U0001F600\101\012\x2F\a", "•😀A\n/\x07", True),
    (r"\N{BULLET}", "*", False),
    (r"\057\N{SOLIDUS}\n\012", "//\n\n", True),
    (r"(.)\1", "aa", True),
    (r"(?<!x)o(?=r)(?!z)", "wor", True),
    (r"[/]b[\[\](){}]", "/b}", True),
]


@pytest.mark.parametrize(("pattern", "text", "is_there"), PATTERNS)
def test_a_pattern_finds_what_it_finds_in_python(pattern: str, text: str, is_there: bool) -> None:
    compiled = re.compile(pattern)
    assert bool(compiled.search(text)) is is_there
    written = f.fn.contains(f.fn.string(f"{text}{f.fn.string('')}"), compiled)
    assert value_of(written)[0] is is_there, value_of(written)[1]


@pytest.mark.parametrize("pattern", ["a++", "(?>a)b", "(a)?(?(1)b|c)", "(?i:a)b", "a{2}+"])
def test_a_pattern_that_jsonata_does_not_have(pattern: str) -> None:
    with pytest.raises(TypeError, match="JSONata's regular expressions have no"):
        f.fn.contains(N, re.compile(pattern))


@settings(
    max_examples=60,
    report_multiple_bugs=False,
    phases=(Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink),  # explaining a failure takes minutes
    suppress_health_check=[HealthCheck.too_slow],
)
@given(anything)
def test_an_expression_means_the_same_in_jsonata(pair: Pair) -> None:
    written, value = pair
    actual, text = value_of(written)
    assert actual == value, text
    described = whole(node_of(written))
    assert value_of(eval(described, NAMES))[0] == value, described
