"""Java's texts and order of values."""

from __future__ import annotations

from typing import Any

import pytest

from flowdsl.base.json import class_name, double_text, hash_code, hash_set, java_text, json_text, parse_json


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1.0, "1.0"),
        (0.001, "0.001"),
        (0.00012, "1.2E-4"),
        (9999999.0, "9999999.0"),
        (1e7, "1.0E7"),
        (-12345678.5, "-1.23456785E7"),
        (1e100, "1.0E100"),
        (-0.0, "-0.0"),
    ],
)
def test_doubles(value: float, text: str) -> None:
    assert double_text(value) == text


def test_escapes_are_those_of_jackson() -> None:
    assert json_text("a\x1f\n\\u001f\\\x0b") == r'"a\u001F\n\\u001f\\\u000B"'


def test_texts() -> None:
    value: Any = {"a": ["é", None, True, 1.5], "b": {}}
    assert json_text(value) == '{"a":["é",null,true,1.5],"b":{}}'
    assert java_text(value) == "{a=[é, null, true, 1.5], b={}}"


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (None, 0),
        (True, 1231),
        (7, 7),
        (-1, 0xFFFFFFFF),
        (2**40, 256),
        ("hello", 99162322),
        ([1, 2], 994),
        (1.5, 1073217536),
    ],
)
def test_hash_codes(value: Any, code: int) -> None:
    assert hash_code(value) == code


def test_hash_sets() -> None:
    assert hash_set([3, 1, 2, 3, 1]) == [1, 2, 3]
    assert hash_set([1, None, None]) == [None, 1]
    assert hash_set([{"a": 1, "b": 2}, {"b": 2, "a": 1}]) == [{"a": 1, "b": 2}]
    assert hash_set([True, 1]) == [1, True]


@pytest.mark.parametrize(
    ("value", "plain", "name"),
    [
        ("a", True, "java.lang.String"),
        (1, True, "java.lang.Integer"),
        (2**31, True, "java.lang.Long"),
        (2**63, True, "com.fasterxml.jackson.databind.node.BigIntegerNode"),
        (1.5, True, "java.lang.Double"),
        (True, True, "java.lang.Boolean"),
        (None, True, "null"),
        ([], True, "com.fasterxml.jackson.databind.node.ArrayNode"),
        ({}, False, "com.fasterxml.jackson.databind.node.ObjectNode"),
        (2**31, False, "com.fasterxml.jackson.databind.node.LongNode"),
        (None, False, "com.fasterxml.jackson.databind.node.NullNode"),
        (False, False, "com.fasterxml.jackson.databind.node.BooleanNode"),
    ],
)
def test_class_names(value: Any, plain: bool, name: str) -> None:
    assert class_name(value, plain=plain) == name


@pytest.mark.parametrize(
    "text", ["NaN", "[-Infinity]", "1e999", "[" * 100_000, "[" * 252 + "]" * 252, "9" * 5000, "", "'a'"]
)
def test_text_that_is_no_json(text: str) -> None:
    with pytest.raises(ValueError, match=r"not JSON|nested too deeply|Exceeds the limit|Expecting value"):
        parse_json(text)


def test_json_text_gives_its_value() -> None:
    assert parse_json("[" * 250 + "]" * 250)
    assert parse_json('{"a":[1,1.5,null]}') == parse_json(b'{"a":[1,1.5,null]}') == {"a": [1, 1.5, None]}
