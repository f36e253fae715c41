"""The rules of a Choice. Source: ASL specification, "Choice State"; OPERATORS in expr/operators.py is the table."""

from __future__ import annotations

from typing import Any

from ...asl.placeholders import has_placeholder
from ...asl.tree import Node
from ...author.kinds import is_number, is_timestamp
from ...base.diagnostics import AslPath
from ...base.words import abbreviate, did_you_mean
from ...expr.operators import OPERATORS
from ..findings import Findings
from ..registry import Code, Rule
from ..subject import ComparedPath, Subject

LISTS = ("And", "Or")
BOOLEANS = ("And", "Or", "Not")
WORDS = frozenset({*BOOLEANS, "Variable", *OPERATORS})
_AROUND = frozenset({"Next", "Comment", "Assign", "Output", "Condition"})
_KINDS = {"string": "a string", "number": "a number", "boolean": "true or false", "timestamp": "an RFC 3339 timestamp"}


def check_choices(subject: Subject, findings: Findings) -> None:
    """Check every choice rule, and list the paths that they read in `subject.compared`."""
    for state in subject.tree:
        if state.type != "Choice":
            continue
        choices = state.fields.get("Choices")
        for index, rule in enumerate(choices if isinstance(choices, list) else []):
            if isinstance(rule, dict):
                _check_rule(state, rule, (*state.path, "Choices", index), findings, subject.compared)


def _check_rule(
    state: Node,
    rule: dict[str, Any],
    path: AslPath,
    findings: Findings,
    compared: list[ComparedPath],
) -> None:
    if state.language == "JSONata":
        _check_jsonata_rule(rule, path, findings)
        return
    todo: list[tuple[Any, AslPath]] = [(rule, path)]
    while todo:
        rule, at = todo.pop()
        if not isinstance(rule, dict):
            findings.error("FD511", f"a choice rule must be an object, not {abbreviate(rule)}", at)
            continue
        nested = at != path
        joined = [word for word in BOOLEANS if word in rule]
        tests = [word for word in rule if word in OPERATORS]
        _check_nested_fields(rule, at, nested, findings)
        if len(joined) > 1 or (joined and (tests or "Variable" in rule)):
            words = joined + (["Variable"] if "Variable" in rule else tests)
            message = f"a choice rule can have only one of {', '.join(words)}"
            findings.error("FD511", message, (*at, words[1]), hint='join conditions with {"And": [{…}, {…}]}')
        for word in joined:
            todo.extend(_nested_rules(word, rule[word], (*at, word), findings))
        if not joined:
            _check_comparison(rule, tests, at, findings)
        if isinstance(rule.get("Variable"), str):
            compared.append(ComparedPath(rule["Variable"], (*at, "Variable"), state))
        for word in tests:
            _check_operand(word, rule[word], (*at, word), findings)
            if OPERATORS[word].is_path and isinstance(rule[word], str):
                compared.append(ComparedPath(rule[word], (*at, word), state))


def _check_jsonata_rule(rule: dict[str, Any], path: AslPath, findings: Findings) -> None:
    for word in rule:
        if word in WORDS:
            findings.error(
                "FD105",
                f"{word} is a JSONPath field, but the query language here is JSONata",
                (*path, word),
                hint=findings.either('write "Condition": "{% … %}"', 'write when(jsonata("…"), …)'),
                aws_message=f"The QueryLanguage is set to 'JSONata', but field '{word}' is only supported for the "
                "'JSONPath' QueryLanguage",
                aws_at=path,
            )
    if "Condition" not in rule:
        findings.error(
            "FD104",
            "a choice rule needs Condition",
            path,
            aws_message="These fields are required: [Condition]",
        )
    elif not isinstance(rule["Condition"], bool) and not _is_expression(rule["Condition"]):
        message = f"Condition must be true, false or JSONata in {{% %}}, not {abbreviate(rule['Condition'])}"
        findings.error("FD103", message, (*path, "Condition"))


def _is_expression(value: Any) -> bool:
    return isinstance(value, str) and ("{%" in value or "%}" in value or has_placeholder(value))


def _check_nested_fields(rule: dict[str, Any], path: AslPath, nested: bool, findings: Findings) -> None:
    """Check the fields of rules inside And, Or and Not, which rules/fields does not see."""
    if not nested:
        return
    for word in rule:
        if word in WORDS or word == "Comment":
            continue
        unsupported = f"Field '{word}' is not supported"
        if word in _AROUND:
            message = f"{word} is allowed only in the outermost rule"
            findings.error("FD512", message, (*path, word), aws_message=unsupported, aws_at=path, needle=word)
        else:
            hint = did_you_mean(word, WORDS)
            message = f"unknown field {word!r} in a choice rule"
            at = (*path, word)
            findings.error("FD102", message, at, hint=hint, aws_message=unsupported, aws_at=path, needle=word)


def _nested_rules(word: str, value: Any, path: AslPath, findings: Findings) -> list[tuple[Any, AslPath]]:
    if word == "Not":
        return [(value, path)]
    if not isinstance(value, list) or not value:
        findings.error("FD511", f"{word} must be a list of at least one rule", path)
        return []
    return [(each, (*path, index)) for index, each in enumerate(value)][::-1]


def _check_comparison(rule: dict[str, Any], tests: list[str], path: AslPath, findings: Findings) -> None:
    if "Variable" not in rule and "Condition" not in rule:
        hint = findings.either(
            'write {"Variable": "$.…", "StringEquals": "…", "Next": "…"}',
            'use when(state_input.status == "paid", …) for each rule, and otherwise=… for the default',
        )
        findings.error("FD511", "a choice rule needs Variable, And, Or or Not", path, hint=hint)
    elif "Variable" in rule and not isinstance(rule["Variable"], str):
        findings.error("FD103", f"Variable must be a path, not {abbreviate(rule['Variable'])}", (*path, "Variable"))
    if "Variable" in rule and not tests:
        unknown = [word for word in rule if word not in WORDS and word not in _AROUND]
        near = did_you_mean(unknown[0], OPERATORS) if unknown else None
        message = "a choice rule with a Variable needs a comparison, such as StringEquals"
        findings.error("FD511", message, path, hint=near)
    elif len(tests) > 1:
        hint = findings.either('join several with {"And": [{…}, {…}]}', "join several conditions with &")
        findings.error("FD511", f"a choice rule can have only one of {', '.join(tests)}", (*path, tests[1]), hint=hint)


def _check_operand(word: str, value: Any, path: AslPath, findings: Findings) -> None:
    operator = OPERATORS[word]
    if operator.is_path:
        fits, what = isinstance(value, str), "a path"
    elif operator.kind == "test":
        fits, what = isinstance(value, bool), "true or false"
    else:
        what = _KINDS[operator.kind]
        fits = {
            "string": isinstance(value, str),
            "number": is_number(value),
            "boolean": isinstance(value, bool),
            "timestamp": is_timestamp(value) or has_placeholder(value),
        }[operator.kind]
    if not fits:
        aws_message = "String does not match RFC3339 timestamp" if operator.kind == "timestamp" else None
        findings.error("FD513", f"{word} takes {what}, not {abbreviate(value)}", path, aws_message=aws_message)
    elif not operator.is_path and isinstance(value, str) and value.startswith(("$.", "$$.")):
        findings.warning(
            "FD306",
            f"{word} compares with the text {abbreviate(value)}, not with the value at that path",
            path,
            hint=_hint_for_path(word, value, findings),
            aws="NO_PATH",
        )


def _hint_for_path(word: str, value: str, findings: Findings) -> str | None:
    if word + "Path" not in OPERATORS:
        return None
    asl = f"to compare with the value at a path, use {word}Path"
    if not findings.python:
        return asl
    from ..wording import path_in_python

    return f"to compare with the value at a path, write {path_in_python(value)} without quotes"


RULES = (
    Rule(
        check_choices,
        (
            Code("FD306", "warning", "A comparison with a text that looks like a path"),
            Code("FD511", "error", "A choice rule that is incomplete, or tests two things"),
            Code("FD512", "error", "A nested choice rule with Next or Assign"),
            Code("FD513", "error", "A comparison with a value of the wrong kind"),
        ),
        also=("FD102", "FD103", "FD104", "FD105"),
    ),
)
