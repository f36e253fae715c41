"""Intrinsic functions: values, errors and syntax."""

from __future__ import annotations

from typing import Any

import pytest

from flowdsl.author import jsonpath
from flowdsl.expr.errors import StatesError
from flowdsl.expr.intrinsic_parser import (
    MAX_NESTING,
    ConstantArgument,
    IntrinsicCall,
    IntrinsicSyntaxError,
    PathArgument,
    parse_intrinsic,
)
from flowdsl.expr.intrinsics import FUNCTIONS, compile_intrinsic
from flowdsl.expr.scope import Scope

DOCUMENT: dict[str, Any] = {
    "one": 1,
    "float": 1.5,
    "big": 12345678.5,
    "text": "a,b;;c",
    "null": None,
    "array": [10, 20, 30],
    "object": {"k": [1, None, "s", True]},
    "long": "x" * 10_001,
    "template": "n={}",
    "json": '{"a": [1.0, true]}',
}
SCOPE = Scope({"Execution": {"Name": "run"}}, {"rate": 3})

VALUES = [
    ("States.Array()", []),
    ("States.Array('a', 2, -1.5, true, null, $.one, $rate)", ["a", 2, -1.5, True, None, 1, 3]),
    ("States.ArrayPartition($.array, 2.9)", [[10, 20], [30]]),
    ("States.ArrayPartition(States.Array(), 5)", []),
    ("States.ArrayContains($.array, 20)", True),
    ("States.ArrayContains(States.Array('true'), true)", True),
    ("States.ArrayContains(States.Array(0), false)", False),
    ("States.ArrayRange(1, 9, 2)", [1, 3, 5, 7, 9]),
    ("States.ArrayRange(5.4, -0.6, -2.4)", [5, 3, 1]),
    ("States.ArrayRange(3, 1, 1)", []),
    ("States.ArrayGetItem($.array, 1.2)", 20),
    ("States.ArrayGetItem(States.Array(), 4)", None),
    ("States.ArrayLength($.object.k)", 4),
    ("States.ArrayUnique(States.Array(1, '1', 1, '01'))", [1, "1", "01"]),
    ("States.ArrayUnique(States.Array(true, false, true))", [False, True]),
    ("States.Base64Encode('Data to encode')", "RGF0YSB0byBlbmNvZGU="),
    ("States.Base64Decode(' RGF0YSB0byBlbmNvZGU ')", "Data to encode"),
    ("States.Hash('input data', 'MD5')", "812f45842bc6d66ee14572ce20db8e86"),
    ("States.Hash(1, 'SHA-1')", "356a192b7913b04c54574d18c28d46e6395428ab"),
    ("States.JsonMerge($.object, States.StringToJson('{\"k\": 1}'), false)", {"k": 1}),
    ("States.StringToJson($.json)", {"a": [1.0, True]}),
    ("States.StringToJson(' ')", None),
    ("States.JsonToString($.object)", '{"k":[1,null,"s",true]}'),
    ("States.JsonToString($.big)", "1.23456785E7"),
    ("States.MathAdd(1.5, -1.5)", 1),
    ("States.MathAdd(2147483646, 1)", 2147483647),
    ("States.MathRandom(4, 5)", 4),
    ("States.StringSplit($.text, ',;')", ["a", "b", "c"]),
    ("States.StringSplit('', ',')", []),
    ("States.Format('a {} b {}', $.one, $.text)", "a 1 b a,b;;c"),
    ("States.Format('{}', $.object)", "{k=[1, null, s, true]}"),
    (r"States.Format('\{\} \'{}\' \\', 1)", r"{} '1' " + "\\"),
    ("States.Format($.template, $$.Execution.Name)", "n=run"),
    ("States.Format('{}', States.Format('{}', 1))", "1"),
]


@pytest.mark.parametrize(("text", "value"), VALUES, ids=[text for text, _ in VALUES])
def test_gives(text: str, value: Any) -> None:
    assert compile_intrinsic(text)(DOCUMENT, SCOPE) == value


INVALID = [
    "States.MathAdd('1', 2)",
    "States.MathAdd(true, 2)",
    "States.MathAdd(2147483647, 1)",
    "States.MathAdd(3000000000, 1)",
    "States.MathAdd(1)",
    "States.MathRandom(1, 1)",
    "States.MathRandom(1, 5, 'seed')",
    "States.ArrayPartition($.array, 0.6)",
    "States.ArrayPartition('a', 1)",
    "States.ArrayRange(1, 1001, 1)",
    "States.ArrayRange(1, 2, 0)",
    "States.ArrayGetItem($.array, 3)",
    "States.ArrayGetItem($.array, -1)",
    "States.ArrayGetItem($.array, '1')",
    "States.ArrayLength($.object)",
    "States.ArrayUnique('a')",
    "States.ArrayContains('a', 'a')",
    "States.Base64Encode(1)",
    "States.Base64Encode($.long)",
    "States.Hash('a', 'sha-1')",
    "States.Hash()",
    "States.JsonMerge($.array, $.object, false)",
    "States.JsonMerge($.object, $.object, true)",
    "States.StringToJson('{')",
    "States.StringToJson('[1e400]')",
    "States.StringToJson($.one)",
    "States.StringSplit($.one, ',')",
    "States.StringSplit('a', 1)",
    "States.UUID(1)",
]


@pytest.mark.parametrize("text", INVALID)
def test_names_the_function_whose_arguments_are_wrong(text: str) -> None:
    name = text.partition("(")[0]
    with pytest.raises(StatesError) as caught:
        compile_intrinsic(text)(DOCUMENT, SCOPE)
    assert caught.value.error == "States.Runtime"
    assert caught.value.cause == f"The function '{text}' had the following error: Invalid arguments in {name}"


FAILURES = [
    ("States.Format('{}', $.nope)", "The JsonPath argument for the field '$.nope' could not be found in the input '"),
    ("States.Format('{}', $.array[7])", "The JsonPath argument for the field '$.array[7]' could not be found"),
    ("States.Format('{}', $$.A.B)", "The JsonPath argument for the field '$.A.B' could not be found in the input '{"),
    ("States.Format('{}', $.one[0])", "Filter: [0] can only be applied to arrays. Current context is: 1"),
    ("States.Array(States.MathAdd('a', 1))", "Invalid arguments in States.MathAdd"),
    (
        "States.Format('{} {}', 1)",
        "Invalid arguments in States.Format: number of arguments do not match the occurrences of {}.",
    ),
    ("States.Format('a {', 1)", "Invalid template in States.Format: matching '}' not found for '{'."),
]


def test_no_argument_is_looked_for_in_null() -> None:
    with pytest.raises(StatesError, match="had the following error: Unable to apply Path transformation to null"):
        compile_intrinsic("States.Format('{}', $.a)")(None, SCOPE)


@pytest.mark.parametrize(("text", "reason"), FAILURES, ids=[text for text, _ in FAILURES])
def test_says_what_failed_and_names_the_whole_call(text: str, reason: str) -> None:
    with pytest.raises(StatesError) as caught:
        compile_intrinsic(text)(DOCUMENT, SCOPE)
    assert (caught.value.cause or "").startswith(f"The function '{text}' had the following error: {reason}")


REFUSED = [
    ("States.Nope(1)", 0),
    ("states.Format('a')", 0),
    ("States.Format", 13),
    ("States.Format('a'", 17),
    ("States.Format('a", 14),
    ("States.Format('a',)", 18),
    ("States.Array(1e400)", 13),
    ("States.Array(\u0661)", 13),
    ("States.Format('a\\n')", 14),
    ("States.Format('a') b", 19),
    ("States.Format('a', $.b[)", 23),
    ("States.Array(" * 11 + ")" * 11, 130),
]


@pytest.mark.parametrize(("text", "offset"), REFUSED, ids=[text[:30] for text, _ in REFUSED])
def test_refuses_what_is_no_call(text: str, offset: int) -> None:
    with pytest.raises(IntrinsicSyntaxError) as caught:
        compile_intrinsic(text)
    assert caught.value.offset == offset


def test_ten_deep_is_allowed() -> None:
    assert compile_intrinsic("States.Array(" * 10 + ")" * 10)({}, SCOPE) == [[[[[[[[[[]]]]]]]]]]


def test_the_tree_has_offsets() -> None:
    tree = parse_intrinsic("States.Format('{}', $.a[?(@.b == ',)')])")
    assert tree.name == "States.Format"
    template, path = tree.arguments
    assert isinstance(template, ConstantArgument)
    assert (template.value, template.offset) == ("{}", 14)
    assert isinstance(path, PathArgument)
    assert (path.path.text, path.offset) == ("$.a[?(@.b == ',)')]", 20)
    assert isinstance(parse_intrinsic("States.Array(States.UUID())").arguments[0], IntrinsicCall)


def test_a_record_says_how_many_arguments_a_function_takes() -> None:
    assert len(FUNCTIONS) == 18
    assert [FUNCTIONS["States.Format"].takes(count) for count in (0, 1, 9)] == [False, True, True]
    assert [FUNCTIONS["States.MathRandom"].takes(count) for count in (1, 2, 3, 4)] == [False, True, True, False]


SAMPLES: dict[str, Any] = {"any": 1, "array": [1], "boolean": False, "number": 1, "object": {"a": 1}, "string": "abc"}
"""A value of each kind; as the second of two numbers a larger one."""
TYPES = {"array": list, "boolean": bool, "number": int, "object": dict, "string": str}
ARGUMENTS: dict[str, list[Any]] = {
    "States.ArrayGetItem": [[1], 0],
    "States.Base64Decode": ["YWJj"],
    "States.Hash": ["abc", "MD5"],
    "States.MathRandom": [1, 2, 3],
    "States.StringToJson": ["1"],
}
"""Functions for which not every value of the right kind is valid."""


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_record_says_what_a_function_takes_and_returns(name: str) -> None:
    function = FUNCTIONS[name]
    valid = ARGUMENTS.get(name) or [SAMPLES[kind] for kind in function.arguments]
    paths = ", ".join(f"$[{index}]" for index in range(len(valid)))
    call = compile_intrinsic(f"{name}({paths})")
    result = call(valid, SCOPE)
    assert function.result == "any" or type(result) is TYPES[function.result]
    for index, kind in enumerate(function.arguments):
        if kind in ("array", "object", "number", "string"):
            with pytest.raises(StatesError, match=f"Invalid arguments in {name}"):
                call([*valid[:index], False, *valid[index + 1 :]], SCOPE)


def test_nesting_is_limited_alike_for_authors() -> None:
    assert jsonpath.MOST_NESTED == MAX_NESTING


def test_a_seed_repeats_and_an_identifier_does_not() -> None:
    seeded = compile_intrinsic("States.MathRandom(0, 1000000, 7)")
    assert seeded({}, SCOPE) == seeded({}, SCOPE)
    identifier = compile_intrinsic("States.UUID()")
    assert identifier({}, SCOPE) != identifier({}, SCOPE)
