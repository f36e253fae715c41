"""Find the branch of a Choice that an execution took."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..base.diagnostics import AslPath, FlowError
from ..calls.replies import refuse_call
from ..engine import execute, prepare
from ..run.visits import Visit
from .history import History


def find_branch(choice: Mapping[str, Any], visit: Visit, history: History, language: str) -> AslPath | None:
    """The path of the rule (`("Choices", 0)`), or of the Default, that the execution took.

    `language` is the state machine's query language. None if no rule leads to the next state.
    """
    leading: list[AslPath] = [
        ("Choices", index) for index, rule in enumerate(choice["Choices"]) if rule.get("Next") == visit.following
    ]
    if choice.get("Default") == visit.following:
        leading.append(("Default",))
    if len(leading) <= 1:
        return leading[0] if leading else None
    again = _evaluate(choice, visit, history, language)
    return again if again in leading else leading[0]


def _evaluate(choice: Mapping[str, Any], visit: Visit, history: History, language: str) -> AslPath | None:
    """Evaluate the rules again, in a state machine with only this Choice, its input and its variables."""
    targets: dict[str, AslPath] = {f"rule {index}": ("Choices", index) for index in range(len(choice["Choices"]))}
    rules = [
        {key: value for key, value in rule.items() if key not in ("Next", "Output", "Assign")} | {"Next": target}
        for rule, target in zip(choice["Choices"], targets, strict=True)
    ]
    targets["default"] = ("Default",)
    alone = {key: value for key, value in choice.items() if key not in ("Output", "OutputPath", "Assign")}
    before = {"Type": "Pass", "Result": visit.input, "Assign": _variables(history, visit), "Next": visit.name}
    definition = {
        "StartAt": "before",
        "States": {
            "before": before,
            visit.name: {"QueryLanguage": language, **alone, "Choices": rules, "Default": "default"},
            **{target: {"Type": "Succeed"} for target in targets},
        },
    }
    try:
        result = execute(prepare(definition), history.input, invoke=refuse_call)
    except FlowError:
        return None
    reached = [event.name for event in result.history if event.type == "SucceedStateEntered"]
    return targets[reached[0]] if reached and reached[0] else None


def _variables(history: History, visit: Visit) -> dict[str, Any]:
    """The variables assigned before the state was entered, possibly including those of other branches."""
    variables: dict[str, Any] = {}
    for event in history:
        if event.id >= visit.id:
            break
        variables.update((event.details or {}).get("assignedVariables", {}))
    return variables
