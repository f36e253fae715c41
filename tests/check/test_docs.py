"""Every code has an entry in docs/checks.md whose examples are true."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest

from flowdsl.check import check, check_text
from flowdsl.diagnostics import Diagnostic

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs" / "checks.md").read_text()
ENTRY = re.compile(
    r"^### (FD\d+)\n\n[^\n]+\n\nBad:\n\n```json( states)?( express)?\n(.*?)```\n\nGood:\n\n```json.*?\n(.*?)```",
    re.M | re.S,
)
ENTRIES = ENTRY.findall(GUIDE)
WITHOUT_EXAMPLE = {"FD108", "FD750"}


def found_in(block: str, states: str, express: str) -> list[Diagnostic]:
    if states:
        first = json.dumps(next(iter(json.loads(block))))
        block = f'{{"StartAt": {first}, "States": {block}}}'
    return check_text(block, type="EXPRESS" if express else "STANDARD")


@pytest.mark.parametrize("entry", ENTRIES, ids=[entry[0] for entry in ENTRIES])
def test_examples(entry: tuple[str, ...]) -> None:
    code, states, express, bad, good = entry
    assert code in {each.code for each in found_in(bad, states, express)}
    assert not found_in(good, states, express)


def test_every_code_has_an_entry() -> None:
    used = {
        code
        for file in (ROOT / "flowdsl" / "check").glob("*.py")
        for code in re.findall(r"\"(FD\d{3})\"", file.read_text())
    }
    assert used == {entry[0] for entry in ENTRIES} | WITHOUT_EXAMPLE
    assert all(f"### {code}\n" in GUIDE for code in WITHOUT_EXAMPLE)


def test_a_definition_that_is_too_long() -> None:
    definition = {"StartAt": "A", "States": {"A": {"Type": "Pass", "Result": "x" * 1_048_577, "End": True}}}
    assert [each.code for each in check(definition)] == ["FD108"]


def test_without_jsonata(monkeypatch: pytest.MonkeyPatch) -> None:
    from flowdsl.check import jsonata
    from flowdsl.expr import jsonata as language

    for module in [name for name in sys.modules if name.partition(".")[0] == "jsonata"]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, "jsonata", None)
    language._library.cache_clear()
    jsonata.read_text.cache_clear()
    state = {"Type": "Pass", "Output": ["{% 1 + %}", "{% 2 %}"], "End": True}
    definition = {"QueryLanguage": "JSONata", "StartAt": "A", "States": {"A": state}}
    assert [each.code for each in check(definition)] == ["FD750"]
    monkeypatch.undo()
    language._library.cache_clear()
    jsonata.read_text.cache_clear()
    assert [each.code for each in check(definition)] == ["FD751"]
