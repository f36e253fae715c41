"""The rules of the checker, and the codes of all findings.

Each module of rules lists its rules in `RULES`: the function, and the codes that it reports with their severity and
title. `MODULES` says what a definition must have for a module to be imported and run, so that checking a small
definition imports little.

To add a rule to a module: write a function `(subject, findings)`, add it to the module's `RULES`, and describe its code
in docs/checks.md; `python -m tests.check.index` then updates the index there.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Literal

from ..base.named import NamedTuple
from .findings import Findings
from .subject import Subject

Severity = Literal["error", "warning", "error or warning"]


class Code(NamedTuple):
    """The code of a finding, such as FD401; docs/checks.md has a section for each."""

    code: str
    severity: Severity
    title: str

    @property
    def anchor(self) -> str:
        """The address of its section in docs/checks.md."""
        return f"#{self.code.lower()}"


class Rule(NamedTuple):
    """A rule: its function, the codes that are its own, and codes of other rules that it reports, too."""

    run: Callable[[Subject, Findings], None]
    codes: tuple[Code, ...]
    also: tuple[str, ...] = ()


class RuleModule(NamedTuple):
    """A module of rules, and when they run."""

    name: str
    is_needed: Callable[[Subject], bool]

    @property
    def rules(self) -> tuple[Rule, ...]:
        """Import the module and return its rules."""
        rules: tuple[Rule, ...] = import_module(f".{self.name}", __package__).RULES
        return rules


def _is_definition(subject: Subject) -> bool:
    return isinstance(subject.definition, dict)


def _has_states(*types: str) -> Callable[[Subject], bool]:
    return lambda subject: not subject.state_types.isdisjoint(types)


def _has_expressions(subject: Subject) -> bool:
    return bool(subject.compared) or any(use.may_read for use in subject.fields)


def _handles_errors(subject: Subject) -> bool:
    return '"ErrorEquals":' in subject.text


def _has_dynamodb_expressions(subject: Subject) -> bool:
    return "Expression" in subject.text and any(resource.service == "dynamodb" for _, resource in subject.tasks)


def _retries_jobs(subject: Subject) -> bool:
    return ".sync" in subject.text and '"Retry":' in subject.text


def _reads_context(subject: Subject) -> bool:
    return "$$" in subject.text or "states.context" in subject.text


def _has_jsonata(subject: Subject) -> bool:
    return any(use.language == "JSONata" for use in subject.fields)


def _calls_services(subject: Subject) -> bool:
    return any(resource.kind in ("sdk", "integration") for _, resource in subject.tasks)


def _has_comments_for_flowdsl(subject: Subject) -> bool:
    parts = [*subject.tree.machines, *subject.tree]
    return any(isinstance(text := part.fields.get("Comment"), str) and "flowdsl:" in text for part in parts)


MODULES = (
    RuleModule("rules.document", lambda subject: True),
    RuleModule("rules.fields", _is_definition),
    RuleModule("rules.graph", _is_definition),
    RuleModule("rules.names", _is_definition),
    RuleModule("rules.handlers", _has_states("Task", "Parallel", "Map")),
    RuleModule("rules.errors", _handles_errors),
    RuleModule("rules.maps", _has_states("Map")),
    RuleModule("rules.choices", _has_states("Choice")),
    RuleModule("rules.paths", _has_expressions),
    RuleModule("rules.jsonata", _has_jsonata),
    RuleModule("rules.variables", _has_expressions),
    RuleModule("rules.context", _reads_context),
    RuleModule("dataflow.rule", _has_expressions),
    RuleModule("rules.conditions", _has_states("Choice")),
    RuleModule("rules.loops", _has_states("Choice", "Wait", "Task", "Map", "Parallel")),
    RuleModule("rules.progress", _has_states("Task", "Choice")),
    RuleModule("rules.tasks", _has_states("Task")),
    RuleModule("rules.integrations", _calls_services),
    RuleModule("rules.repeated_jobs", _retries_jobs),
    RuleModule("rules.dynamodb", _has_dynamodb_expressions),
    RuleModule("ignores", _has_comments_for_flowdsl),
)
"""In the order in which they run."""


def run_rules(subject: Subject, findings: Findings) -> None:
    """Run the rules that the definition needs; of one that is too long for AWS only the first, for others would take
    minutes."""
    for module in MODULES:
        if module.is_needed(subject) and not findings.has("FD108"):
            for rule in module.rules:
                rule.run(subject, findings)


def checker_codes() -> list[Code]:
    """All codes of the checker's rules."""
    return [code for module in MODULES for rule in module.rules for code in rule.codes]
