"""Loops and limits: what goes on for ever, and what outgrows an execution.

Source: Step Functions Developer Guide, "Quotas": 25,000 events and a year for a Standard execution, five minutes for an
Express one.
"""

from __future__ import annotations

import json
from typing import Any

from ...asl.tree import Scope, StateAt
from ..findings import Findings
from .graph import next_states, reachable

MAX_EVENTS = 25_000
YEAR = 31_536_000
EXPRESS_SECONDS = 300
SOON = 3_600
"""A loop that reaches the greatest number of events within this many seconds is worth a word."""
_EVENTS = {"Task": 5, "Wait": 2, "Choice": 2, "Pass": 2, "Map": 6, "Parallel": 6}
_MOVING = ("$$.", "$states.context", "$now", "$millis", "$random", "$uuid")
"""What gives something else each time that it is asked."""


def check_loops(scopes: list[Scope], type: str, findings: Findings) -> None:
    for scope in scopes:
        reached = reachable(scope)
        if not reached:
            continue
        _endless(scope, reached, findings)
        for loop in _loops(scope, reached):
            _unchanged(scope, loop, findings)
            if type == "STANDARD":
                _too_many_events(scope, loop, findings)
        for name in reached:
            _long(scope.states[name], type, findings)


def _endless(scope: Scope, reached: set[str], findings: Findings) -> None:
    """States from which no end can be reached, although the scope has one."""
    before: dict[str, list[str]] = {}
    for name in reached:
        for target in next_states(scope.states[name]):
            before.setdefault(target, []).append(name)
    todo = [name for name in reached if scope.states[name].is_terminal() or scope.states[name].cls is None]
    if not todo:
        return
    ending: set[str] = set()
    while todo:
        name = todo.pop()
        if name not in ending:
            ending.add(name)
            todo.extend(before.get(name, ()))
    stuck = [name for name in scope.states if name in reached and name not in ending]
    if stuck:
        names = ", ".join(repr(name) for name in stuck[:5]) + (" …" if len(stuck) > 5 else "")
        message = f"an execution that comes to {names} never ends: no terminal state can be reached from there"
        findings.warning("FD951", message, scope.states[stuck[0]].path)


def _loops(scope: Scope, reached: set[str]) -> list[list[str]]:
    """The strongly connected parts of the graph that hold a cycle (Tarjan's algorithm, without recursion)."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    on_stack: set[str] = set()
    found: list[list[str]] = []
    for root in scope.states:
        if root not in reached or root in index:
            continue
        work = [(root, iter(next_states(scope.states[root])))]
        index[root] = low[root] = len(index)
        stack.append(root)
        on_stack.add(root)
        while work:
            name, targets = work[-1]
            target = next(targets, None)
            if target is None:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[name])
                if low[name] == index[name]:
                    part = _popped(stack, on_stack, name)
                    if len(part) > 1 or name in next_states(scope.states[name]):
                        found.append(part)
            elif target not in index:
                index[target] = low[target] = len(index)
                stack.append(target)
                on_stack.add(target)
                work.append((target, iter(next_states(scope.states[target]))))
            elif target in on_stack:
                low[name] = min(low[name], index[target])
    return found


def _popped(stack: list[str], on_stack: set[str], name: str) -> list[str]:
    part: list[str] = []
    while not part or part[-1] != name:
        part.append(stack.pop())
        on_stack.discard(part[-1])
    return part[::-1]


def _unchanged(scope: Scope, loop: list[str], findings: Findings) -> None:
    states = [scope.states[name] for name in loop]
    if any(state.type not in ("Choice", "Wait", "Pass") or _changes(state) for state in states):
        return
    choices = [state for state in states if state.type == "Choice"]
    if not choices or any(word in _text(state.fields) for state in choices for word in _MOVING):
        return
    names = " → ".join([*loop, loop[0]])
    message = f"nothing in the loop {names} changes what its Choice asks, so it is left at once or never"
    findings.warning("FD952", message, choices[0].path, hint="do something in the loop, or count its rounds")


def _changes(state: StateAt) -> bool:
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


def _too_many_events(scope: Scope, loop: list[str], findings: Findings) -> None:
    """A loop that waits a fixed time for something, and how soon its history is full."""
    states = [scope.states[name] for name in loop]
    waits = [state for state in states if state.type == "Wait"]
    seconds = [state.fields.get("Seconds") for state in waits]
    if not waits or not all(isinstance(each, int) and not isinstance(each, bool) for each in seconds):
        return
    if any("Assign" in state.fields or ("Parameters" in state.fields and state.type == "Pass") for state in states):
        return  # it may count
    round_events = sum(_EVENTS.get(state.type, 2) for state in states)
    round_seconds = sum(each for each in seconds if isinstance(each, int))
    until = MAX_EVENTS // round_events * round_seconds
    if until < SOON:
        message = (
            f"the loop through {waits[0].name!r} fills the execution's history of {MAX_EVENTS:,} events "
            f"in about {max(1, until // 60)} minutes"
        )
        findings.warning("FD953", message, waits[0].path, hint="wait longer, or count the rounds and stop")


def _long(state: StateAt, type: str, findings: Findings) -> None:
    limit, what = (YEAR, "a year") if type == "STANDARD" else (EXPRESS_SECONDS, "five minutes")
    kind = "a Standard" if type == "STANDARD" else "an Express"
    for key in ("Seconds", "TimeoutSeconds"):
        value = state.fields.get(key)
        if isinstance(value, int) and value > limit and not (key == "TimeoutSeconds" and value == 99_999_999):
            message = f"{key} {value:,} is more than {what}, the longest that {kind} execution runs"
            findings.warning("FD954", message, (*state.path, key))
    for index, retrier in enumerate(_list(state.fields.get("Retry"))):
        if isinstance(retrier, dict):
            _retrier(state, retrier, index, limit, what, findings)


def _retrier(state: StateAt, retrier: dict[str, Any], index: int, limit: int, what: str, findings: Findings) -> None:
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
            message = f"the waits between these attempts come to more than {what}"
            findings.warning(
                "FD955",
                message,
                path,
                hint=findings.either("fewer attempts, or a MaxDelaySeconds", "fewer max_attempts, or max_delay=…"),
            )
            return
        delay = min(delay * max(rate, 1.0), 1e12)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
