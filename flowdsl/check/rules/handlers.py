"""Retry and Catch. Source: ASL specification, "Errors", "Retrying after error", "Fallback states"."""

from __future__ import annotations

from typing import Any

from ...asl.tree import Node
from ...base.diagnostics import AslPath
from ...base.patterns import regex
from ...base.words import did_you_mean
from ..findings import Findings
from ..registry import Code, Rule
from ..subject import Subject

ERRORS = (
    "States.ALL",
    "States.Timeout",
    "States.HeartbeatTimeout",
    "States.TaskFailed",
    "States.Permissions",
    "States.ResultPathMatchFailure",
    "States.ParameterPathFailure",
    "States.BranchFailed",
    "States.NoChoiceMatched",
    "States.IntrinsicFailure",
    "States.ExceedToleratedFailureThreshold",
    "States.ItemReaderFailed",
    "States.ResultWriterFailed",
    "States.QueryEvaluationError",
    "States.DataLimitExceeded",
    "States.Runtime",
    "States.Http.Socket",
)
"""The reserved error names. Source: Developer Guide, "Handling errors in workflows"."""

_HTTP = regex(r"States\.Http\.StatusCode\.[1-5]\d\d")
"""What an HTTP Task fails with. Source: Developer Guide, "Call HTTPS APIs", "Error handling"."""


_NOT_FAILED = frozenset({"States.ALL", "States.Timeout", "States.HeartbeatTimeout", "States.Runtime"})
"""What States.TaskFailed does not match, and what has no need to come before it."""
_VERBS = {"Retry": "retried", "Catch": "caught"}


def check_handlers(subject: Subject, findings: Findings) -> None:
    tree = subject.tree
    raised = {error for state in tree if isinstance(error := state.fields.get("Error"), str)}
    for state in tree:
        for key in ("Retry", "Catch"):
            handlers = state.fields.get(key)
            if isinstance(handlers, list):
                _check_list(state, key, handlers, raised, findings)
        for index, retrier in enumerate(_dicts(state.fields.get("Retry"))):
            _check_delays(retrier, (*state.path, "Retry", index), findings)


def _dicts(value: Any) -> list[dict[str, Any]]:
    return [each if isinstance(each, dict) else {} for each in value] if isinstance(value, list) else []


def _check_list(state: Node, key: str, handlers: list[Any], raised: set[str], findings: Findings) -> None:
    seen: dict[str, int] = {}
    for index, handler in enumerate(handlers):
        names = handler.get("ErrorEquals") if isinstance(handler, dict) else None
        if not isinstance(names, list):
            continue
        path = (*state.path, key, index, "ErrorEquals")
        used = path[:-1] if findings.python else None  # where a shared handler is used
        if "States.ALL" in names:
            if len(names) > 1:
                hint = "remove the other names: States.ALL matches every error"
                findings.error("FD501", "States.ALL must be the only name in its ErrorEquals", path, hint=hint)
            if index < len(handlers) - 1:
                message = f"States.ALL must be in the last element of {key}: the elements after it would never be used"
                hint = f"move it to the end of {findings.either(key, key.lower() + '=[…]')}"
                findings.error("FD501", message, used or path, hint=hint, aws_at=path)
        for place, name in enumerate(names):
            if isinstance(name, str):
                if name.startswith("States.") and not (name in ERRORS or name in raised or _HTTP.fullmatch(name)):
                    message = f"unknown error name {name!r}: names that start with States. are reserved"
                    findings.warning("FD502", message, (*path, place), hint=did_you_mean(name, ERRORS))
                if name == "States.Runtime":
                    message = f"States.Runtime cannot be {_VERBS[key]}: it ends the execution immediately"
                    findings.warning("FD505", message, (*path, place), hint="remove it")
                general = seen.get("States.TaskFailed", index)
                if general < index and name not in _NOT_FAILED and name not in seen:
                    message = (
                        f"{key}[{general}] handles States.TaskFailed, which is every error except States.Timeout, "
                        f"so {key}[{index}] is never used for {name!r}"
                    )
                    findings.warning("FD503", message, used or (*path, place), hint="move it before States.TaskFailed")
                first = seen.setdefault(name, index)
                if first < index:
                    message = f"{key}[{first}] already handles {name!r}, so {key}[{index}] is never used for it"
                    findings.warning("FD503", message, used or (*path, place), hint="remove it here, or reorder them")


def _check_delays(retrier: dict[str, Any], path: AslPath, findings: Findings) -> None:
    limit, interval = retrier.get("MaxDelaySeconds"), retrier.get("IntervalSeconds", 1)
    if isinstance(limit, int) and isinstance(interval, int) and limit <= interval:
        message = f"MaxDelaySeconds ({limit}) must be greater than IntervalSeconds ({interval})"
        findings.warning("FD504", message, (*path, "MaxDelaySeconds"))


RULES = (
    Rule(
        check_handlers,
        (
            Code("FD501", "error", "States.ALL with other errors, or not last"),
            Code("FD502", "warning", "Unknown reserved error name"),
            Code("FD503", "warning", "An error that is handled before"),
            Code("FD504", "warning", "MaxDelaySeconds not above IntervalSeconds"),
            Code("FD505", "warning", "A handler for States.Runtime"),
        ),
    ),
)
