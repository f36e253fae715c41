"""Every code has an entry in docs/checks.md whose examples are true."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest

from flowdsl import project
from flowdsl.base.diagnostics import Diagnostic, FlowError
from flowdsl.check import check, check_text
from flowdsl.check.registry import checker_codes

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs" / "checks.md").read_text()
ENTRY = re.compile(
    r"^### (FD\d+)\n\n[^\n]+\n\nBad:\n\n```(json|python)( states)?( express)?\n(.*?)```\n"
    r"\nGood:\n\n```[^\n]*\n(.*?)```",
    re.M | re.S,
)
ENTRIES = ENTRY.findall(GUIDE)
WITHOUT_EXAMPLE = {"FD001", "FD108", "FD665", "FD750"}
"""What depends on more than a definition; so do packages, projects and runs (FD6xx, FD7xx, FD9xx)."""


def found_in(block: str, language: str, states: str, express: str, folder: Path) -> list[Diagnostic]:
    if language == "python":
        return found_in_flow(block, folder)
    if states:
        first = json.dumps(next(iter(json.loads(block))))
        block = f'{{"StartAt": {first}, "States": {block}}}'
    return check_text(block, type="EXPRESS" if express else "STANDARD")


def found_in_flow(text: str, folder: Path) -> list[Diagnostic]:
    (folder / "pyproject.toml").touch()
    file = folder / "flow.py"
    file.write_text(text)
    try:
        return project.review(project.load(file), packaging=False)
    except FlowError as error:
        return [*error.diagnostics]


@pytest.mark.parametrize("entry", ENTRIES, ids=[entry[0] for entry in ENTRIES])
def test_examples(entry: tuple[str, ...], tmp_path: Path) -> None:
    code, language, states, express, bad, good = entry
    (tmp_path / "bad").mkdir()
    (tmp_path / "good").mkdir()
    assert code in {each.code for each in found_in(bad, language, states, express, tmp_path / "bad")}
    assert not found_in(good, language, states, express, tmp_path / "good")


def test_every_finding_of_the_checker_has_an_example() -> None:
    checked = {each.code for each in checker_codes()}
    assert checked - WITHOUT_EXAMPLE <= {entry[0] for entry in ENTRIES}


def test_a_definition_that_is_too_long() -> None:
    definition = {"StartAt": "A", "States": {"A": {"Type": "Pass", "Result": "x" * 1_048_577, "End": True}}}
    assert [each.code for each in check(definition)] == ["FD108"]


def test_without_jsonata(monkeypatch: pytest.MonkeyPatch) -> None:
    from flowdsl.check.rules import jsonata
    from flowdsl.expr.jsonata.engine import engine_module

    monkeypatch.setitem(sys.modules, "jlens", None)
    engine_module.cache_clear()
    jsonata.read_text.cache_clear()
    state = {"Type": "Pass", "Output": ["{% 1 + %}", "{% 2 %}"], "End": True}
    definition = {"QueryLanguage": "JSONata", "StartAt": "A", "States": {"A": state}}
    assert [each.code for each in check(definition)] == ["FD750"]
    monkeypatch.undo()
    engine_module.cache_clear()
    jsonata.read_text.cache_clear()
    assert [each.code for each in check(definition)] == ["FD751"]


def test_without_botocore(monkeypatch: pytest.MonkeyPatch) -> None:
    from flowdsl.check.rules import integrations

    monkeypatch.setattr(integrations, "api_names", dict)
    state = {"Type": "Task", "Resource": "arn:aws:states:::dynamodb:putItem", "Parameters": {}, "Next": "B"}
    own = {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "Parameters": {"FunctionName": "f"}}
    states = {"A": state, "B": {**state, "Next": "C"}, "C": {**own, "End": True}}
    assert [(each.code, each.path[1]) for each in check({"StartAt": "A", "States": states})] == [("FD665", "A")]
