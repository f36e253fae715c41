"""Conditions as formulas: what can never hold, what always does, what an earlier rule takes away."""

from __future__ import annotations

from typing import Any

import pytest

from flowdsl.check import check
from flowdsl.check.conditions import Not, formula_of_rule, is_possible


def rule(operator: str, constant: Any, variable: str = "$.a") -> dict[str, Any]:
    return {"Variable": variable, operator: constant}


def all_of(*rules: Any) -> dict[str, Any]:
    return {"And": [*rules]}


def any_of(*rules: Any) -> dict[str, Any]:
    return {"Or": [*rules]}


def no(inner: Any) -> dict[str, Any]:
    return {"Not": inner}


ONE, TWO = rule("NumericEquals", 1), rule("NumericEquals", 2)
NEVER = {
    "two values at once": all_of(ONE, TWO),
    "a value and not": all_of(ONE, no(ONE)),
    "an empty range": all_of(rule("NumericLessThan", 1), rule("NumericGreaterThan", 1)),
    "a range without its only value": all_of(rule("NumericLessThan", 1), rule("NumericGreaterThanEquals", 1)),
    "a value outside of a range": all_of(ONE, rule("NumericGreaterThan", 1)),
    "two kinds": all_of(ONE, rule("StringEquals", "1")),
    "a value of what is not there": all_of(ONE, no(rule("IsPresent", True))),
    "through alternatives": all_of(any_of(ONE, TWO), rule("NumericGreaterThan", 2)),
    "a test and its opposite": all_of(rule("IsNull", True), rule("IsNull", False)),
    "a text and another pattern": all_of(rule("StringEquals", "paid"), rule("StringMatches", "err-*")),
    "a text and not its pattern": all_of(rule("StringEquals", "err-1"), no(rule("StringMatches", "err-*"))),
}
MAYBE = {
    "on neither side of a number, for it may be text": all_of(
        no(rule("NumericLessThan", 1)), no(rule("NumericGreaterThanEquals", 1))
    ),
    "values of two paths": all_of(ONE, rule("NumericEquals", 2, "$.b")),
    "a range": all_of(rule("NumericLessThanEquals", 1), rule("NumericGreaterThanEquals", 1)),
    "neither less nor more, for it may be text": all_of(
        no(rule("NumericLessThan", 1)), no(rule("NumericGreaterThan", 1))
    ),
    "alternatives": all_of(any_of(ONE, TWO), rule("NumericGreaterThan", 1)),
    "not two values": all_of(no(ONE), no(TWO)),
    "a text and its pattern": all_of(rule("StringEquals", "err-1"), rule("StringMatches", "err-*")),
    "another kind": all_of(
        no(rule("NumericLessThan", 1)), no(rule("NumericGreaterThanEquals", 1)), rule("IsString", True)
    ),
    "true and a text": any_of(rule("BooleanEquals", True), rule("StringEquals", "x")),
}


@pytest.mark.parametrize("name", NEVER)
def test_contradictions_are_found(name: str) -> None:
    formula = formula_of_rule(NEVER[name])
    assert formula is not None
    assert not is_possible(formula)


@pytest.mark.parametrize("name", MAYBE)
def test_what_may_hold_is_possible(name: str) -> None:
    formula = formula_of_rule(MAYBE[name])
    assert formula is not None
    assert is_possible(formula)
    assert is_possible(Not(formula))


def codes(*rules: Any, default: str = "Other", language: str = "JSONPath") -> list[str]:
    states = {
        "Ask": {"Type": "Choice", "Choices": [*rules], "Default": default},
        "Done": {"Type": "Succeed"},
        "More": {"Type": "Succeed"},
        "Other": {"Type": "Succeed"},
    }
    names = [each["Next"] for each in rules]
    kept = {name: state for name, state in states.items() if name in ("Ask", default, *names)}
    found = check({"QueryLanguage": language, "StartAt": "Ask", "States": kept})
    return [each.code for each in found]


def to(target: str, condition: dict[str, Any]) -> dict[str, Any]:
    return {**condition, "Next": target}


def jsonata(target: str, condition: str) -> dict[str, Any]:
    return {"Condition": f"{{% {condition} %}}", "Next": target}


def test_rules_of_jsonpath() -> None:
    big, seven = rule("NumericGreaterThan", 5), rule("NumericEquals", 7)
    assert codes(to("Done", ONE), to("More", ONE)) == ["FD514"]
    assert codes(to("Done", big), to("More", seven)) == ["FD514"]
    assert codes(to("Done", seven), to("More", big)) == []
    assert codes(to("Done", ONE), to("More", all_of(ONE, rule("IsPresent", True, "$.b")))) == ["FD514"]
    assert codes(to("Done", all_of(ONE, rule("IsPresent", True, "$.b"))), to("More", ONE)) == []
    assert codes(to("Done", any_of(no(ONE), no(TWO)))) == ["FD515"]
    assert codes(to("Done", all_of(no(ONE), no(TWO)))) == []
    assert codes(to("Done", any_of(ONE, ONE))) == ["FD515"]
    assert codes(to("Done", ONE), to("Other", TWO)) == ["FD516"]
    assert codes(to("Other", ONE), to("Done", TWO)) == []


def test_rules_of_jsonata() -> None:
    pytest.importorskip("jlens")
    one, two = "$states.input.a = 1", "$states.input.a = 2"
    assert codes(jsonata("Done", one), jsonata("More", one), language="JSONata") == ["FD514"]
    assert codes(jsonata("Done", f"{one} and {two}"), language="JSONata") == ["FD514"]
    assert codes(jsonata("Done", "$states.input.a != 1 or $states.input.a != 2"), language="JSONata") == ["FD515"]
    assert codes(jsonata("Done", f"{one} or {two}"), language="JSONata") == []
    assert codes(jsonata("Done", f"$not({one})"), jsonata("More", two), language="JSONata") == ["FD514"]
    asked = "$not($exists($states.input.a))"
    rules = (jsonata("Done", one), jsonata("More", "$states.input.a != 1"), jsonata("Other", asked))
    assert codes(*rules, default="Done", language="JSONata") == []


def places(*choices: dict[str, Any]) -> list[tuple[str, tuple[str | int, ...]]]:
    rules = [{**each, "Next": f"S{index}"} for index, each in enumerate(choices)]
    ends = {f"S{index}": {"Type": "Succeed"} for index in range(len(choices))}
    choice = {"Type": "Choice", "Choices": rules, "Default": "End"}
    states = {"C": choice, **ends, "End": {"Type": "Succeed"}}
    found = check({"StartAt": "C", "States": states})
    return [(each.code, each.path[3:]) for each in found]


def test_the_place_of_a_contradiction_is_its_test() -> None:
    x, y = rule("StringEquals", "x"), rule("StringEquals", "y")
    assert places(all_of(x, y)) == [("FD514", (0, "And", 1, "StringEquals"))]
    assert places(all_of(x, y, rule("NumericEquals", 1, "$.b"))) == [("FD514", (0, "And", 1, "StringEquals"))]
    assert places(any_of(x, y, x)) == [("FD515", (0, "Or", 2, "StringEquals"))]


def test_an_alternative_that_an_earlier_rule_takes_away() -> None:
    x, y = rule("StringEquals", "x"), rule("StringEquals", "y")
    assert places(x, any_of(y, x)) == [("FD514", (1, "Or", 1, "StringEquals"))]
    assert places(x, any_of(y, rule("StringEquals", "x", "$.b"))) == []
    assert places(rule("StringMatches", "z*"), any_of(y, x)) == []


def test_messages_quote_a_condition_as_it_is() -> None:
    choice = {
        "Type": "Choice",
        "Choices": [{**all_of(rule("StringEquals", "a"), rule("StringEquals", "b")), "Next": "E"}],
    }
    (found,) = check({"StartAt": "C", "States": {"C": choice, "E": {"Type": "Succeed"}}})
    assert found.message.endswith('the condition is never true: $.a == "a" and $.a == "b"')


@pytest.mark.parametrize("language", ["JSONPath", "JSONata"])
def test_a_guard_against_what_is_no_number_may_hold(language: str) -> None:
    pytest.importorskip("jlens")
    guard = (
        all_of(no(rule("NumericGreaterThanEquals", 0)), no(rule("NumericLessThan", 0)))
        if language == "JSONPath"
        else {"Condition": "{% $not($states.input.a >= 0) and $not($states.input.a < 0) %}"}
    )
    assert codes(to("Done", guard), language=language) == []
