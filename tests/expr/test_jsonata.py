"""JSONata as Step Functions has it."""

from __future__ import annotations

import sys
import threading
from typing import Any

import pytest

from flowdsl.base.diagnostics import FlowError
from flowdsl.expr.chance import Dice, chance
from flowdsl.expr.jsonata import (
    JsonataSyntaxError,
    QueryEvaluationError,
    compile_jsonata,
    is_expression,
)
from flowdsl.expr.jsonata.engine import Limits, engine_module

STATES: dict[str, Any] = {
    "input": {
        "a": {"b": [1, 2, 3]},
        "x": 5,
        "none": None,
        "rows": [{"q": 1}, {"q": 2}],
        "mixed": [1, None, 2],
        "one": [7],
        "floats": {"whole": 1.0, "list": [2.0, 0.5], "big": 1e300},
    },
    "context": {"State": {"Name": "Pay"}},
}
VARIABLES: dict[str, Any] = {"rate": 7, "nothing": None, "list": [1, 2], "object": {"k": {"v": 1}}}


def evaluate(expression: str, expected: str | None = None, field: str = "Output") -> Any:
    return compile_jsonata("{% " + expression + " %}", field, expected, now=lambda: 1_700_000_000.5)(STATES, VARIABLES)


VALUES = [
    ("$states.input.x", 5),
    ("$states.input.a.b", [1, 2, 3]),
    ("$states.input.none", None),
    ("$states.input.rows.q", [1, 2]),
    ("$states.input.mixed", [1, None, 2]),
    ("$states.context.State.Name", "Pay"),
    ("$states", STATES),
    ("$rate", 7),
    ("$nothing", None),
    ("$object.k.v", 1),
    ("$list[0]", 1),
    ("'text'", "text"),
    ("null", None),
    ("true", True),
    ("4 / 2", 2),
    ("1 / 4", 0.25),
    ("$rate + $states.input.x", 12),
    ("$variable := 1", 1),
    ("($a := 2; $a * $rate)", 14),
    ("$sum($states.input.a.b)", 6),
    ("$count($states.input.mixed)", 3),
    ("$states.input.mixed[$ = null]", None),
    ("$exists($nothing)", True),
    ("$type($states.input.none)", "null"),
    ("$merge([{'a': 1}, $states.input.rows[0]])", {"a": 1, "q": 1}),
    ("{'gone': $nope, 'kept': $states.input.none}", {"kept": None}),
    ("$map($list, function($v) { $v * 2 })", [2, 4]),
    ("[1..4]", [1, 2, 3, 4]),
    ("$partition([1, 2, 3, 4, 5], 2.9)", [[1, 2], [3, 4], [5]]),
    ("$partition([1, 2])", [[1, 2]]),
    ("$range(0, 6, 2)", [0, 2, 4, 6]),
    ("$range(-1.7, 1, 1)", [-1, 0, 1]),
    ("$range(3, 3, 1)", 3),
    ("$hash('Hello', 'MD5')", "8b1a9953c4611296a827abf8c47804d7"),
    ("$random(42)", 0.7275636800328681),
    ("$parse('{\"a\": [1.0, null]}')", {"a": [1, None]}),
    ("$parse('null')", None),
    ("$map(['{\"a\":1}', '{\"a\":2}'], $parse).a", [1, 2]),
    ("$number('0x1F') + $number('1e2')", 131),
    ("$replace('68F today', /(\\d+)F/, function($m) {($number($m.groups[0]) - 32) * 5/9 & 'C'})", "20C today"),
    ("$replace('aXbX', /X/, function($m) {$m.match & $m.start & $m.end}, 1)", "aX12bX"),
    ("$replace('265USD', /([0-9]+)USD/, '$$1 $w $0 $12 $')", "$1 $w 265USD 2652 $"),
    ("$replace('265USD', 'USD', '$0')", "265$0"),
    ("$replace('ab', /(a)(x)?/, '[$2$1$3]')", "[a]b"),
    ("$replace('a/b', /\\//, '\\\\')", "a\\b"),
    ("/(a)(b+)/('xabbab').next().groups", ["a", "b"]),
    ("$filter(['ab', 'c'], /^a/)", "ab"),
    ("$millis()", 1_700_000_000_500),
    ("$now()", "2023-11-14T22:13:20.500Z"),
    ("1" + " + 1" * 99, 100),
    ("[1 / 0, -1 / 0, 0 / 0, 1e308 * 10]", ["Infinity", "-Infinity", "NaN", "Infinity"]),
    ("$states.input.floats", {"whole": 1, "list": [2, 0.5], "big": 1e300}),
    ("$string([$states.input.floats])", '[{"whole":1,"list":[2,0.5],"big":1e+300}]'),
    # What the reference implementation of JSONata 2.0.6 answers.
    ("[1.5 % 1, -5 % 3, 5 % 0]", [0.5, -2, "NaN"]),
    ("[1 in [true], null in [null], [1] in [[1]]]", [False, True, False]),
    ("$distinct([1, true, 1, {'a': 1}, {'a': 1}])", [1, True, {"a": 1}]),
    ("$distinct([1, 1])", [1]),
    ("[$count(null), $reverse([null, 1]), $zip([1, null], [null, 2])]", [1, 1, None, [1, None], [None, 2]]),
    (
        "$string({'é': [1e20, 1234567890123456, 1e-7, null, $sum]})",
        '{"é":[100000000000000000000,1234567890123456,1e-7,null,""]}',
    ),
    ("$string({'a': [1], 'b': []}, true)", '{\n  "a": [\n    1\n  ],\n  "b": []\n}'),
    ("'id-' & 1e21 & [1.0]", "id-1e+21[1]"),
    ("($uppercase ~> $lowercase)('aB')", "ab"),
    ("$map(['1', '2'], $number)", [1, 2]),
    ("$sort([{'n': 2}, {'n': 1}], function($l, $r){ $l.n > $r.n })", [{"n": 1}, {"n": 2}]),
    ("$sort(['b', 'a'])", ["a", "b"]),
    ("$split('a1b2c', /(\\d)/)", ["a", "b", "c"]),
    ("$toMillis('2020-01') + $toMillis('1970-01-01T01:00:00.001+01:00')", 1577836800001),
    ("[$formatNumber(0.125, '0.00'), $formatNumber(2.5, '0'), $formatNumber(0.145, '0%')]", ["0.12", "2", "14%"]),
    ("[$number('0x1f'), $number(true), $number('1.0')]", [31, 1, 1]),
]


@pytest.mark.parametrize(("expression", "value"), VALUES, ids=[expression[:40] for expression, _ in VALUES])
def test_gives(expression: str, value: Any) -> None:
    found = evaluate(expression)
    assert found == value
    assert type(found) is type(value)


NOTHING = [
    "$nope",
    "$states.input.nope",
    "$states.input.x.y",
    "$states.input.none.y",
    "$states.result",
    "$list[9]",
    "$partition([], 2)",
    "$partition([1], 0)",
    "$range(5, 1, 1)",
    "$range(1e21, 5, 2)",
    "$range(1, 5)",
    "$hash('a')",
    "$$",
    "name",
]


@pytest.mark.parametrize("expression", NOTHING)
def test_undefined_is_an_error(expression: str) -> None:
    with pytest.raises(QueryEvaluationError) as caught:
        evaluate(expression, field="Assign/total")
    assert caught.value.error == "States.QueryEvaluationError"
    assert caught.value.location == "Assign/total"
    assert caught.value.cause == (
        f"The JSONata expression '{expression}' specified for the field 'Assign/total' returned nothing (undefined)."
    )


THROWN = [
    ("$randomSeeded(1)", "T1006: Attempted to invoke a non-function"),
    ("$eval('1')", "T1006: Attempted to invoke a non-function"),
    ("1 + {}", 'T2002: The right side of the "+" operator must evaluate to a number'),
    ("1 < 'a'", 'T2009: The values 1 and "a" either side of operator "<" must be of the same data type'),
    ("$sum(['a'])", 'T0412: Argument 1 of function "sum" must be an array of "numbers"'),
    ("$abs('x')", 'T0410: Argument 1 of function "abs" does not match function signature'),
    ("$sqrt(-1)", "D3060: The sqrt function cannot be applied to a negative number: -1"),
    ("$number('abc')", 'D3030: Unable to cast value to a number: "abc"'),
    ("-'a'", 'D1002: Cannot negate a non-numeric value: "a"'),
    ("$split('a', 'b', -1)", "D3020: Third argument of split function must evaluate to a positive number"),
    ("$replace('a', 'a', 'b', -1)", "D3011: Fourth argument of replace function must evaluate to a positive number"),
    ("$replace('a', /a/, function() {5})", "D3012: Attempted to replace a matched string with a non-string value"),
    (
        "$formatNumber(1, '#.0.0')",
        "D3081: The sub-picture must not contain more than one instance of the 'decimal-separator' character",
    ),
    (
        "$formatInteger(1, 'x;o')",
        'D3130: Formatting or parsing an integer as a sequence starting with "x" is not supported by this '
        "implementation",
    ),
    ("$fromMillis(1, '[q]')", 'D3132: Unknown component specifier "q" in date/time picture string'),
    (
        "$toMillis('1', '[YN]')",
        "D3133: The 'name' modifier can only be applied to months and days in the date/time picture string, not \"Y\"",
    ),
    ("$replace('a', '', 'b')", "D3010: Second argument of replace function cannot be an empty string"),
    ("$error('boom')", "D3137: boom"),
    ("$partition([1], -1)", "D3137: Second argument must be zero or greater"),
    ("$partition(null, 1)", 'T0412: Argument 1 of function "partition" must be an array of undefined'),
    ("$range(1)", 'T0410: Argument 2 of function "range" does not match function signature'),
    ("$hash('a', 'sha-1')", "D3137: Hash algorithm 'sha-1' must be one of SHA-1, SHA-384, SHA-256, SHA-512, MD5"),
    ("$hash('a', 5)", 'T0410: Argument 2 of function "hash" does not match function signature'),
    ("$random(1, 2)", 'T0410: Argument 2 of function "random" does not match function signature'),
    ("$uuid('x')", 'T0410: Argument 1 of function "uuid" does not match function signature'),
    ("$parse(null)", 'T0410: Argument 1 of function "parse" does not match function signature'),
    ('$parse(\'{"a":1,"a":2}\')', "D3137: Invalid JSON"),
    ("$parse('1e400')", "D3137: Invalid JSON"),
    # In the words of the reference implementation of JSONata 2.0.6.
    ("$sum(null)", 'T0412: Argument 1 of function "sum" must be an array of "numbers"'),
    ("$sum(1, 2)", 'T0410: Argument 2 of function "sum" does not match function signature'),
    ("$length(null)", 'T0410: Argument 1 of function "length" does not match function signature'),
    ("$join(['a'], 1)", 'T0410: Argument 2 of function "join" does not match function signature'),
    ("$map([1], 1)", 'T0410: Argument 2 of function "map" does not match function signature'),
    ("$map([1], $uppercase)", 'T0410: Argument 1 of function "map" does not match function signature'),
    (
        "[1].$uppercase()",
        'T0411: Context value is not a compatible type with argument 1 of function "uppercase"',
    ),
    (
        "($f := function($x)<n:n>{$x}; $f('a'))",
        'T0410: Argument 1 of function "f" does not match function signature',
    ),
    ("true and $uppercase(1)", 'T0410: Argument 1 of function "and" does not match function signature'),
    ("true and 1 + 'a'", 'T2002: The right side of the "and" operator must evaluate to a number'),
    ("false or 1 < 'a'", 'T2009: The values 1 and "a" either side of operator "or" must be of the same data type'),
    ("true * 2", 'T2001: The left side of the "*" operator must evaluate to a number'),
    ("1 / 0 + 1", "D1001: Number out of range: null"),
    ("$string(1 / 0)", "D3001: Attempting to invoke string function on Infinity or NaN"),
    ("-null", "D1002: Cannot negate a non-numeric value: null"),
    ("(1)()", "T1006: Attempted to invoke a non-function"),
    ("$error()", "D3137: $error() function evaluated"),
    ("$assert(false, 'no')", "D3141: no"),
    (
        "$sort([1, 'a'])",
        "D3070: The single argument form of the sort function can only be applied to an array of strings or an array "
        "of numbers.  Use the second argument to specify a comparison function",
    ),
    (
        "$toMillis('bad')",
        'D3110: The argument of the toMillis function must be an ISO 8601 formatted timestamp. Given "bad"',
    ),
    ("$toMillis('1', '[Y')", "D3135: No matching closing bracket ']' in date/time picture string"),
    (
        "$formatBase(1, 99)",
        "D3100: The radix of the formatBase function must be between 2 and 36.  It was given 99",
    ),
    (
        "$formatNumber(1, 'x')",
        "D3086: The sub-picture must not contain a passive character that is preceded by an active character and that "
        "is followed by another active character",
    ),
    (
        "$power(10, 400)",
        "D3061: The power function has resulted in a value that cannot be represented as a JSON number: base=10, "
        "exponent=400",
    ),
    ("$match('ab', /x*/)", "D1004: Regular expression matches zero length string"),
    ("$decodeUrl('%')", 'D3140: Malformed URL passed to $decodeUrl(): "%"'),
]


@pytest.mark.parametrize(("expression", "sentence"), THROWN, ids=[expression for expression, _ in THROWN])
def test_throws_in_the_words_of_jsonata(expression: str, sentence: str) -> None:
    with pytest.raises(QueryEvaluationError) as caught:
        evaluate(expression)
    assert caught.value.cause == (
        f"The JSONata expression '{expression}' specified for the field 'Output' threw an error during evaluation. "
        f"{sentence}"
    )


@pytest.mark.parametrize(
    "expression",
    ["1" + "+1" * 100, "(" * 100 + "1" + ")" * 100, "($f := function($x){ $x <= 0 ? 0 : 1 + $f($x-1) }; $f(32))"],
    ids=["sum", "brackets", "recursion"],
)
def test_nests_a_hundred_deep_at_most(expression: str) -> None:
    with pytest.raises(QueryEvaluationError) as caught:
        evaluate(expression)
    assert (caught.value.cause or "").endswith(
        "threw an error during evaluation: Stack overflow error: Check for non-terminating recursive function. "
        "Consider rewriting as tail-recursive. Depth=101 max=100"
    )


@pytest.mark.parametrize("expression", ["[1..873783] ~> $count()", "$sum([1..900000])", "$range(1, 500000, 1)"])
def test_has_memory_for_so_many_numbers(expression: str) -> None:
    with pytest.raises(QueryEvaluationError) as caught:
        evaluate(expression)
    assert (caught.value.cause or "").endswith(
        "during evaluation: Expression evaluation memory limit exceeded: Check for excessive memory usage"
    )


DOUBLING = '($p := function($s, $n) {{ $n = 0 ? $s : $p($s & $s, $n - 1) }}; $length($p("x", {})))'


def test_has_memory_for_so_long_a_text() -> None:
    assert evaluate(DOUBLING.format(22)) == 2**22
    with pytest.raises(QueryEvaluationError, match="Expression evaluation memory limit exceeded"):
        evaluate(DOUBLING.format(23))


@pytest.mark.parametrize(
    "replace",
    [
        "$replace($long, 'x', $long)",
        "$long ~> $replace('x', $long)",
        "$map($long, function($each){$replace($each, 'x', $each)})",
    ],
)
def test_has_no_memory_for_a_replacement_that_grows(replace: str) -> None:
    """It is refused before it is made: here it would have four terabytes."""
    with pytest.raises(QueryEvaluationError, match="Expression evaluation memory limit exceeded"):
        evaluate(f"($long := $pad('x', 2000000, 'x'); $length({replace}))")


@pytest.mark.parametrize(
    ("replace", "result"),
    [
        ("$replace('abcb', 'b', $b)", "a12c12"),
        ("'abcb' ~> $replace('b', $b, 1)", "a12cb"),
        ("$replace('abcb', /b/, $b)", "a12c12"),
        ("$replace('abcb', /(b)/, function($m){ $m.match & $b })", "ab12cb12"),
        ("($replace := function($x){ $x & $b }; $replace('a'))", "a12"),
        ("$length($replace($pad('x', 2000000, 'x'), 'x', $pad('y', 100), 2))", 2_000_198),
    ],
)
def test_replacements_that_are_calculated(replace: str, result: Any) -> None:
    assert evaluate(f"($b := $string(12); {replace})") == result


@pytest.mark.parametrize(("text", "picture"), [("a", "0"), ("nothing", "w")])
def test_what_parse_integer_cannot_read_is_no_number(text: str, picture: str) -> None:
    assert evaluate(f"$parseInteger('{text}', '{picture}')") == "NaN"


def test_no_base64_is_an_error_inside_the_service() -> None:
    assert evaluate("$base64decode('w6k=') & $base64decode('YQ')") == "\u00e9a"
    with pytest.raises(QueryEvaluationError, match=r"threw an internal error during evaluation\. [0-9a-f-]{36}$"):
        evaluate('$base64decode("!!!")')


def test_a_long_range_is_no_failure() -> None:
    assert evaluate("[1..873782] ~> $count()") == 873_782


def test_what_the_library_slips_is_the_expression_s_failure() -> None:
    with pytest.raises(QueryEvaluationError, match="threw an error during evaluation"):
        evaluate("$parseInteger('a', '')")


def test_threads_evaluate_one_expression_at_times_of_their_own() -> None:
    wrong: list[Any] = []
    shared = "$map([1..20], function($x){ $millis() })"
    evaluate(shared)

    def evaluate_at(second: int) -> None:
        run = compile_jsonata("{% " + shared + " %}", "Output", None, lambda: second)
        for _ in range(100):
            wrong.extend(found for found in run(STATES, {}) if found != second * 1000)

    switched = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        threads = [threading.Thread(target=evaluate_at, args=(second,)) for second in (1, 2, 3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(switched)
    assert not wrong


@pytest.mark.parametrize("expression", ["$shuffle([1..99])", "$random()", "$uuid()"])
def test_chance_is_the_execution_s(expression: str) -> None:
    found = []
    for seed in ("a", "a", "b"):
        chance.dice = Dice(seed)
        found.append(evaluate(expression))
    assert found[0] == found[1] != found[2]


@pytest.mark.parametrize("sign", [1, -1])
def test_a_number_beyond_a_double_has_no_text(sign: int) -> None:
    run = compile_jsonata("{% $string($huge) %}", "Output")
    with pytest.raises(QueryEvaluationError, match="D1001"):
        run(STATES, {"huge": sign * 10**400})


@pytest.mark.parametrize("expression", ["($f := function($x){ $f($x+1) }; $f(1))", "[1..9999].[1..9999]"])
def test_an_endless_loop_ends(expression: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flowdsl.expr.jsonata.engine.LIMITS", Limits(seconds=0.05))
    with pytest.raises(QueryEvaluationError, match="Expression evaluation timeout: Check for infinite loop"):
        evaluate(expression)


@pytest.mark.parametrize("expression", ["$sum", "function($x){$x}", "{'f': $sum}", "[function(){1}, 1]"])
def test_a_function_is_no_result(expression: str) -> None:
    with pytest.raises(QueryEvaluationError, match=r"returned an unsupported result type\.$"):
        evaluate(expression)


@pytest.mark.parametrize(
    ("expression", "expected", "actual", "shown"),
    [
        ("1", "array", "number", "1"),
        ("'s'", "array", "string", '"s"'),
        ("null", "array", "null", "null"),
        ("{'foo': 'bar'}", "array", "object", '{"foo":"bar"}'),
        ("[1]", "boolean", "array", "[1]"),
        ("true", "string", "boolean", "true"),
    ],
)
def test_names_the_type_it_expected(expression: str, expected: str, actual: str, shown: str) -> None:
    with pytest.raises(QueryEvaluationError) as caught:
        evaluate(expression, expected, "Items")
    assert caught.value.cause == (
        f"The JSONata expression '{expression}' specified for the field 'Items' returned an unexpected result type. "
        f"Expected '{expected}', but was '{actual}' for value: {shown}"
    )


def test_nested_values_name_their_place() -> None:
    value = {"a": [1, {"b": "{% $nope %}"}]}
    with pytest.raises(QueryEvaluationError) as caught:
        compile_jsonata(value, "Arguments")(STATES, VARIABLES)
    assert caught.value.location == "Arguments/a[1]/b"


def test_builds_containers_and_keeps_constants() -> None:
    value = {"same": {"deep": [1]}, "made": ["{% $rate %}", "{% not closed", " {% 1 %}"]}
    made = compile_jsonata(value, "Output")(STATES, VARIABLES)
    assert made == {"same": {"deep": [1]}, "made": [7, "{% not closed", " {% 1 %}"]}
    assert made["same"] is value["same"]
    assert value["made"][0] == "{% $rate %}"


def test_a_binding_does_not_outlive_its_expression() -> None:
    value = ["{% $rate := 1 %}", "{% $rate %}", "{% $other := 2 %}"]
    assert compile_jsonata(value, "Output")(STATES, VARIABLES) == [1, 7, 2]
    with pytest.raises(QueryEvaluationError):
        evaluate("$other")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{% 1 %}", True),
        ("{%1%}", True),
        ("{%}", False),
        ("{% 1", False),
        (" {% 1 %}", False),
        ("1", False),
        (1, False),
    ],
)
def test_expressions_fill_the_whole_string(text: Any, expected: bool) -> None:
    assert is_expression(text) is expected


@pytest.mark.parametrize(
    ("text", "code", "message"),
    [
        ("1 ?? 2", "S0211", 'The symbol "?" cannot be used as a unary operator'),
        ("$list[0] ?: 2", "S0211", 'The symbol ":" cannot be used as a unary operator'),
        (r"'a\q'", "S0103", r'Unsupported escape sequence: \"q"'),
    ],
)
def test_refuses_what_the_service_s_version_does_not_have(text: str, code: str, message: str) -> None:
    with pytest.raises(JsonataSyntaxError) as caught:
        evaluate(text)
    assert (caught.value.code, caught.value.message) == (code, message)


def test_a_group_of_a_regular_expression_is_no_operator() -> None:
    assert evaluate("$contains('??a?:', /(?:a)/) ? '??' : '?:'") == "??"


@pytest.mark.parametrize(
    "text", ["1 +", "{'a':}", "'open", "(1", "$f(", "[1,", "/a", "1 := 2", "!1", "$match('a', /(/)"]
)
def test_refuses_what_does_not_parse(text: str) -> None:
    with pytest.raises(JsonataSyntaxError) as caught:
        compile_jsonata("{% " + text + " %}", "Output")
    assert caught.value.code.startswith("S")


def test_says_what_to_install_if_the_engine_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "jlens", None)
    engine_module.cache_clear()
    try:
        with pytest.raises(FlowError, match="needs jlens"):
            evaluate("1 + 1 + 12345")
    finally:
        engine_module.cache_clear()


def test_whole_numbers_beyond_a_double_s_digits_are_doubles() -> None:
    def evaluate(text: str) -> Any:
        return compile_jsonata(f"{{% {text} %}}", "Output")({"input": {"n": 10**400}}, {})

    assert evaluate("$power(2, 70)") == 2.0**70
    assert isinstance(evaluate("$power(2, 70)"), float)
    assert evaluate("$power(2, 60)") == 2**60
    assert isinstance(evaluate("1e21"), float)
    assert isinstance(evaluate("-1e30"), float)
    with pytest.raises(QueryEvaluationError, match="D1001"):
        evaluate("[$states.input.n]")


def test_a_group_of_an_empty_array_leaves_the_array_empty() -> None:
    states = {"input": {"orders": []}}
    assert compile_jsonata("{% $states.input.orders{kind: $count($)} %}", "Output")(states, {}) == {}
    assert compile_jsonata("{% $states.input.orders{'kind': $count($)} %}", "Output")(states, {}) == {"kind": 0}
    assert states == {"input": {"orders": []}}


def test_a_transform_is_held_to_its_signature() -> None:
    with pytest.raises(
        QueryEvaluationError, match="T0410: Argument 1 of function undefined does not match function signature"
    ):
        evaluate("5 ~> |$|{'b': 2}|")
    with pytest.raises(QueryEvaluationError, match='T0410: Argument 1 of function "change" does not match'):
        evaluate("($change := |$|{'b': 2}|; $change('text'))")
    assert evaluate("({'a': 0.1234567890123456789} ~> |$|{'b': a}|)") == {
        "a": 0.123456789012346,
        "b": 0.123456789012346,
    }
    assert evaluate("($f := |$|{'b': 2}| ~> |$|{'c': 3}|; $f({'a': 1}))") == {"a": 1, "b": 2, "c": 3}


@pytest.mark.parametrize(
    ("text", "value"),
    [("$round(1e28, 2)", 1e28), ("$round(1.25, 100)", 1.25), ("$round(2.5)", 2), ("$round(15, -1)", 20)],
)
def test_rounds_however_many_digits_there_are(text: str, value: float) -> None:
    assert evaluate(text) == value


def test_a_step_has_nothing_of_the_value_that_a_predicate_leaves_of_an_array() -> None:
    assert evaluate("$exists([1, 2, 3][-1].a)") is False
