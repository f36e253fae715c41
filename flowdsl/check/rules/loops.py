"""Loops and limits: loops without an end, times and histories beyond the limits of an execution.

Source: Step Functions Developer Guide, "Quotas": 25,000 events and a year for a Standard execution, five minutes for an
Express one.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Container
from typing import Any

from ...asl.tree import Machine, Node
from ..findings import Findings
from ..registry import Code, Rule
from ..subject import Subject

MAX_EVENTS = 25_000
YEAR = 31_536_000
EXPRESS_SECONDS = 300
SOON = 3_600
"""A loop that fills the history in fewer seconds is reported."""
_EVENTS = {"Task": 5, "Wait": 2, "Choice": 2, "Pass": 2, "Map": 6, "Parallel": 6}
_MOVING = ("$$.", "$states.context", "$now", "$millis", "$random", "$uuid")
"""Texts in an expression whose value changes by itself."""


def check_loops(subject: Subject, findings: Findings) -> None:
    for machine in subject.tree.machines:
        reached = machine.reachable()
        _check_end(machine, reached, findings)
        for loop in machine.cycles():
            if loop[0] in reached:
                idle = [state for state in loop if state.type in ("Choice", "Wait", "Pass") and not _changes(state)]
                for cycle in machine.cycles(idle):
                    _check_progress(cycle, findings)
                for state in loop:
                    _check_again(state, findings)
                if subject.type == "STANDARD":
                    _check_events(loop, findings)
        for state in reached:
            _check_times(state, subject, findings)


def _check_end(machine: Machine, reached: Container[Node], findings: Findings) -> None:
    """Report states from which no terminal state can be reached, although the machine has one."""
    ends = [node for node in machine.states.values() if node in reached and (node.is_terminal or not node.type)]
    if not ends:
        return
    ending = machine.leading_to(ends)
    stuck = [node for node in machine.states.values() if node in reached and node not in ending]
    if stuck:
        names = ", ".join(repr(node.name) for node in stuck[:5]) + (" …" if len(stuck) > 5 else "")
        message = f"an execution that enters {names} never ends: it cannot reach a terminal state"
        findings.warning("FD951", message, stuck[0].path, hint="add a transition to a terminal state, or an End")


def _check_progress(cycle: list[Node], findings: Findings) -> None:
    """Report states that lead to each other and change nothing: whoever comes back once comes back for ever."""
    choices = [state for state in cycle if state.type == "Choice"]
    if not choices or any(word in _text(state.fields) for state in choices for word in _MOVING):
        return
    names = " → ".join(state.name for state in [*_way_back(choices[0], cycle), choices[0]])
    message = f"the loop {names} never changes the values that its Choice tests: it runs once or for ever"
    hint = "add a Task that looks again, or count the rounds in a variable"
    findings.warning("FD952", message, choices[0].path, hint=hint)


def _way_back(node: Node, cycle: list[Node]) -> list[Node]:
    """Return a shortest way from a state back to it inside the cycle, that state first."""
    members, ways = {*cycle}, deque([[node]])
    seen: set[Node] = set()
    while ways:
        way = ways.popleft()
        for target in way[-1].following:
            if target is node:
                return way
            if target in members and target not in seen:
                seen.add(target)
                ways.append([*way, target])
    return [node]


def _check_again(state: Node, findings: Findings) -> None:
    """Report a state that is entered again at once after it failed, and one that leads to itself."""
    if state.type not in ("Task", "Parallel", "Map"):
        return
    for edge in state.transitions:
        if edge.target is None or _counts(edge.fields.get("Assign")) or not _returns(edge.target, state):
            continue
        if edge.kind == "catch":
            message = f"when state {state.name!r} fails, it is entered again at once and without end"
            hint = "use Retry, which waits and counts, or put a Wait between them"
            findings.warning("FD956", message, edge.path, hint=hint)
        elif edge.kind == "next" and edge.target is state:
            message = f"state {state.name!r} leads to itself: only an error ends the loop"
            findings.warning("FD956", message, edge.path, hint="test with a Choice whether it is done")


def _returns(target: Node, state: Node) -> bool:
    """Return True if a state leads to another by Pass states alone that count nothing."""
    seen: set[Node] = set()
    while target is not state:
        counts = _counts(target.fields.get("Assign"))
        if target.type != "Pass" or target in seen or counts or len(target.following) != 1:
            return False
        seen.add(target)
        target = target.following[0]
    return True


def _counts(assign: Any) -> bool:
    """True if an Assign calculates a variable from its own value."""
    if not isinstance(assign, dict):
        return False
    names = [name.removesuffix(".$") for name in assign]
    return any(
        f"${name}" in _text(value) and len(_text(value)) > len(name) + 11
        for name, value in zip(names, assign.values(), strict=True)
    )


def _changes(state: Node) -> bool:
    words = ("Assign", "Parameters", "Result", "Output", "InputPath", "OutputPath")
    if any(word in state.fields for word in words):
        return True
    rules = state.fields.get("Choices")
    return any(isinstance(rule, dict) and ("Assign" in rule or "Output" in rule) for rule in _list(rules))


def _text(value: Any) -> str:
    try:
        return json.dumps(value, default=str)
    except (ValueError, RecursionError):
        return "$$."


def _check_events(loop: list[Node], findings: Findings) -> None:
    """Report a loop that polls with fixed waits and soon fills the history."""
    waits = [state for state in loop if state.type == "Wait"]
    seconds = [state.fields.get("Seconds") for state in waits]
    if not waits or not all(isinstance(each, int) and not isinstance(each, bool) for each in seconds):
        return
    if any("Assign" in state.fields or ("Parameters" in state.fields and state.type == "Pass") for state in loop):
        return  # it may count its rounds
    round_events = sum(_EVENTS.get(state.type, 2) for state in loop)
    round_seconds = sum(each for each in seconds if isinstance(each, int))
    until = MAX_EVENTS // round_events * round_seconds
    if until < SOON:
        message = (
            f"the loop through {waits[0].name!r} fills the execution's history of {MAX_EVENTS:,} events "
            f"in about {max(1, until // 60)} minutes"
        )
        findings.warning("FD953", message, waits[0].path, hint="wait longer, or count the rounds and stop")


def _check_times(state: Node, subject: Subject, findings: Findings) -> None:
    is_standard = subject.type == "STANDARD" and not state.machine.is_express_child
    limit, what = (YEAR, "a year") if is_standard else (EXPRESS_SECONDS, "five minutes")
    kind = "a Standard" if is_standard else "an Express"
    whole = None if _is_distributed(state) else subject.tree.root.fields.get("TimeoutSeconds")
    for key in ("Seconds", "TimeoutSeconds"):
        value = state.fields.get(key)
        if not isinstance(value, int) or isinstance(value, bool) or (key == "TimeoutSeconds" and value == 99_999_999):
            continue
        if value > limit:
            message = f"{key} is {value:,}, but {kind} execution runs for at most {what}"
            findings.warning("FD954", message, (*state.path, key))
        elif isinstance(whole, int) and value >= whole:
            message = (
                f"{key} is {value:,}, but the state machine's own TimeoutSeconds ends the execution after {whole:,}"
            )
            findings.warning("FD954", message, (*state.path, key))
    for index, retrier in enumerate(_list(state.fields.get("Retry"))):
        if isinstance(retrier, dict):
            _check_retrier(state, retrier, index, limit, what, findings)


def _is_distributed(state: Node) -> bool:
    """True inside a Distributed Map, whose child executions have time limits of their own."""
    return state.machine.is_distributed or any(each.machine.is_distributed for each in state.ancestors)


def _check_retrier(state: Node, retrier: dict[str, Any], index: int, limit: int, what: str, findings: Findings) -> None:
    attempts, interval = retrier.get("MaxAttempts", 3), retrier.get("IntervalSeconds", 1)
    rate, most = retrier.get("BackoffRate", 2.0), retrier.get("MaxDelaySeconds", float("inf"))
    numbers = (attempts, interval, rate, most)
    if not all(isinstance(each, int | float) and not isinstance(each, bool) for each in numbers):
        return
    path = (*state.path, "Retry", index, "MaxAttempts" if "MaxAttempts" in retrier else "ErrorEquals")
    if state.type == "Task" and limit == YEAR and attempts * 3 > MAX_EVENTS:
        message = f"{attempts:,} attempts fill the execution's history of {MAX_EVENTS:,} events"
        findings.warning("FD955", message, path)
        return
    total, delay = 0.0, float(interval)
    for _ in range(min(int(attempts), MAX_EVENTS)):
        total += min(delay, most)
        if total > limit:
            message = f"the delays between these attempts add up to more than {what}, the longest execution"
            findings.warning(
                "FD955",
                message,
                path,
                hint=findings.either(
                    "reduce MaxAttempts, or add MaxDelaySeconds", "reduce max_attempts, or add max_delay=…"
                ),
            )
            return
        delay = min(delay * max(rate, 1.0), 1e12)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


RULES = (
    Rule(
        check_loops,
        (
            Code("FD951", "warning", "States that never lead to an end"),
            Code("FD952", "warning", "A loop that never changes what it tests"),
            Code("FD953", "warning", "A loop that fills the history within an hour"),
            Code("FD954", "warning", "A time beyond the longest execution"),
            Code("FD955", "warning", "Retries beyond the longest execution"),
            Code("FD956", "warning", "A state that is entered again at once"),
        ),
    ),
)
