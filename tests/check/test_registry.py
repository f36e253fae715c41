"""The registry of the checker's rules: its codes, and when rules run."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from flowdsl.check import check
from flowdsl.check.registry import MODULES, RuleModule

from .index import codes

ROOT = Path(__file__).parents[2]


def source_of(module: RuleModule) -> str:
    spec = importlib.util.find_spec(f"flowdsl.check.{module.name}")
    assert spec
    assert spec.origin
    return Path(spec.origin).read_text()


def test_codes_are_unique() -> None:
    assert [code for code, count in Counter(each.code for each in codes()).items() if count > 1] == []
    assert [title for title, count in Counter(each.title for each in codes()).items() if count > 1] == []


HELPERS = {
    "rules.paths": {"FD304", "FD309"},
    "dataflow.rule": {"FD801", "FD802", "FD803", "FD804", "FD805", "FD807", "FD808"},
}
"""Codes that a module's rules report by way of another module: rules/intrinsics and modules of dataflow/."""


REPORT = re.compile(r'(?:error|failure|warning|report|Diagnostic)\(\s*"(FD\d{3})"')


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.name)
def test_rules_declare_the_codes_that_they_report(module: RuleModule) -> None:
    declared = {code for rule in module.rules for code in (*(each.code for each in rule.codes), *rule.also)}
    assert declared == {*REPORT.findall(source_of(module))} | HELPERS.get(module.name, set())


DEFINITIONS: dict[str, tuple[dict[str, Any], set[str]]] = {
    "a Succeed": ({"Done": {"Type": "Succeed"}}, {"document", "fields", "graph", "names"}),
    "a Wait": ({"Wait": {"Type": "Wait", "Seconds": 1, "End": True}}, {"paths", "variables", "loops"}),
}


@pytest.mark.parametrize("name", DEFINITIONS)
def test_only_needed_modules_are_imported(name: str) -> None:
    states, expected = DEFINITIONS[name]
    definition = {"StartAt": next(iter(states)), "States": states}
    code = (
        f"import sys; from flowdsl.check import check; check({definition!r})\n"
        "print(*(name.rpartition('.')[2] for name in sys.modules if name.startswith('flowdsl.check.rules.')))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=True
    )
    loaded = set(done.stdout.split())
    assert expected <= loaded
    assert not loaded & {"maps", "handlers", "integrations", "choices", "tasks"}


def test_a_broken_route_silences_data_flow() -> None:
    states = {"A": {"Type": "Pass", "Result": {"a": 1}, "Next": "B"}, "B": {"Type": "Pass", "InputPath": "$.b"}}
    whole = {**states, "B": {**states["B"], "End": True}}
    assert [each.code for each in check({"StartAt": "A", "States": whole})] == ["FD801"]
    broken = {**whole, "B": {**states["B"], "Next": "C"}}
    assert {each.code for each in check({"StartAt": "A", "States": broken})} == {"FD401", "FD403"}
