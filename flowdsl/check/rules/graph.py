"""Where states lead: targets that exist, states that can be reached, an end.

Source: ASL specification, "Transitions"; what the service answers for each.
"""

from __future__ import annotations

from collections.abc import Iterable

from ...asl.placeholders import has_placeholder
from ...asl.tree import Scope, StateAt
from ...base.diagnostics import AslPath
from ...base.words import did_you_mean, nearest
from ..findings import TARGET, Findings

MISWIRED = frozenset({"FD201", "FD210", "FD211"})
"""Steps of a flow that lead elsewhere than they seem to, and states that another of their name hides."""


def check_graph(scopes: list[Scope], findings: Findings) -> None:
    homes: dict[str, Scope] = {}
    for scope in scopes:
        for name in scope.states:
            homes.setdefault(name, scope)
    for scope in scopes:
        if isinstance(scope.fields.get("States"), dict):
            _check_scope(scope, homes, findings)


def _check_scope(scope: Scope, homes: dict[str, Scope], findings: Findings) -> None:
    names = scope.fields["States"]
    open_end = False  # a target that is known only when the definition is deployed
    missing: list[str] = []
    for target, path in _targets(scope):
        if has_placeholder(target):
            open_end = True
        elif isinstance(target, str) and target not in names:
            missing.append(target)
            findings.error(
                "FD401",
                f"no state named {target!r}" + _elsewhere(target, homes),
                path,
                hint=did_you_mean(target, names),
                aws=TARGET,
                said=f"Missing 'Next' target: {target}",
            )
    if not scope.states or open_end:
        return
    if not any(state.is_terminal() or state.cls is None for state in scope.states.values()):
        where = (*scope.path, "States")
        what = "the state machine has" if not scope.path else "this part of the state machine has"
        findings.error(
            "FD403",
            f"{what} no terminal state, so it can never end",
            where,
            hint=findings.either(
                'give one of its states "End": true, or add a Succeed or Fail state',
                "let one of its routes lead to end(), or to a Succeed or Fail state",
            ),
            aws="MISSING_END_STATE",
            said="Workflow has no terminal state",
            at="",
        )
        return  # as the service, which then asks no further
    reached = reachable(scope)
    if not reached or _is_miswired(scope, findings):
        return
    unreached = [name for name in scope.states if name not in reached]
    meant = [near for target in missing if (near := nearest(target, unreached))] if unreached else []
    if meant:
        reached = reachable(scope, meant)
    for name, state in scope.states.items():
        if name not in reached:
            findings.error(
                "FD402",
                f"no state leads to {name!r}",
                state.path,
                hint=findings.either(
                    "let a state lead to it, or remove it",
                    "put it into the chain, write goto(...) to it, or remove it",
                ),
                aws=TARGET,
                said=f'State "{name}" is not reachable.',
            )


def _is_miswired(scope: Scope, findings: Findings) -> bool:
    """Whether something is known of this level that may well be why a state cannot be reached."""
    level = (*scope.path, "States")
    return any(each.code in MISWIRED and each.path[: len(level)] == level for each in findings.found)


def _targets(scope: Scope) -> list[tuple[object, AslPath]]:
    found: list[tuple[object, AslPath]] = []
    if "StartAt" in scope.fields:
        found.append((scope.fields["StartAt"], (*scope.path, "StartAt")))
    for state in scope.states.values():
        found.extend(state.targets())
    return found


def _elsewhere(target: str, homes: dict[str, Scope]) -> str:
    home = homes.get(target)
    if home is None:
        return ""
    if home.owner is not None:
        return f" here: it stands inside state {home.owner.name!r}, and a state leads only to states of its own level"
    return " here: it stands outside, and a branch or an item processor leads only to its own states"


def reachable(scope: Scope, also: Iterable[str] = ()) -> set[str]:
    """The names of the states that StartAt leads to; `also` are states that count as reached."""
    start = scope.fields.get("StartAt")
    reached: set[str] = set()
    todo = [*also, start] if isinstance(start, str) and start in scope.states else [*also]
    while todo:
        name = todo.pop()
        if name in reached:
            continue
        reached.add(name)
        state = scope.states[name]
        todo.extend(target for target, _ in state.targets() if isinstance(target, str) and target in scope.states)
    return reached


def next_states(state: StateAt) -> list[str]:
    """The names of the states of the same level that can come next."""
    return [name for name, _ in state.targets() if isinstance(name, str) and name in state.scope.states]
