"""Definitions and what becomes of them: each of cases/ is a list of {name, definition, input, replies, expect}."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from flowdsl.engine import execute, prepare, replay

from .script import Script, value

CASES = [
    pytest.param(case, id=f"{file.stem}: {case['name']}")
    for file in sorted((Path(__file__).parent / "cases").glob("*.json"))
    for case in json.loads(file.read_text())
]


@pytest.mark.parametrize("case", CASES)
def test_case(case: dict[str, Any]) -> None:
    program = prepare(case["definition"], name="machine", type=case.get("type", "STANDARD"))
    script = Script(case.get("replies"))
    given = value(case["input"])
    result = execute(program, given, invoke=script, name="run", seed=7)
    expect = case["expect"]
    assert (result.status, result.error) == (expect.get("status", "SUCCEEDED"), expect.get("error", result.error))
    for key in ("output", "cause"):
        if key in expect:
            assert getattr(result, key) == expect[key]
    if "seconds" in expect:
        assert result.duration == expect["seconds"]
    if "seconds_at_most" in expect:
        assert 0 < result.duration <= expect["seconds_at_most"]
    if "types" in expect:
        assert [event.type for event in result.history] == expect["types"]
    if "calls" in expect:
        assert [call.arguments for call in script.calls] == expect["calls"]
    for kind, details in expect.get("details", {}).items():
        assert [event.details for event in result.history if event.type == kind] == [details]
    again = replay(program, given, result.identity, result.settings, result.journal)
    assert again.history == result.history
    result.history.render()
