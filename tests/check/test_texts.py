"""Texts that look like a value: the name of a variable, and a function that nothing calls."""

from __future__ import annotations

from typing import Any

import pytest

from flowdsl.check import check


def reports(value: Any, language: str = "JSONata") -> list[str]:
    key = "Output" if language == "JSONata" else "Parameters"
    states = {
        "A": {"Type": "Pass", "Assign": {"total": 1}, "Next": "B"},
        "B": {"Type": "Pass", key: {"v": value}, "End": True},
    }
    return [each.code for each in check({"QueryLanguage": language, "StartAt": "A", "States": states})]


@pytest.mark.parametrize(
    ("value", "codes"),
    [
        ("{% $total %}", []),
        ("$total", ["FD305"]),
        ("$total.cents", ["FD305"]),
        ("$other", []),
        ("$5", []),
        ("costs $total", []),
        ("{% $count %}", ["FD757"]),
        ("{% $count([1]) %}", []),
        ("{% $map([1], $string) %}", []),
    ],
)
def test_texts_in_jsonata(value: str, codes: list[str]) -> None:
    pytest.importorskip("jlens")
    assert reports(value) == codes


@pytest.mark.parametrize(
    ("value", "codes"),
    [("$total", ["FD305"]), ("$other", []), ("$5", []), ("{% $total %}", ["FD305"]), ("a {% b %}", [])],
)
def test_texts_in_jsonpath(value: str, codes: list[str]) -> None:
    assert reports(value, "JSONPath") == codes
