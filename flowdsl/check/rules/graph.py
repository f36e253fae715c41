"""Where states lead: every target exists, every state can be reached, every machine can end.

Source: ASL specification, "Transitions"; the service's answers.
"""

from __future__ import annotations

from ...asl.placeholders import has_placeholder
from ...asl.tree import Machine, Tree
from ...base.words import did_you_mean, nearest
from ..findings import TARGET, Findings
from ..registry import Code, Rule
from ..subject import Subject

MISWIRED = frozenset({"FD201", "FD210", "FD211"})
"""Codes of mistakes in a flow that may be the reason why a state is unreachable."""


def check_graph(subject: Subject, findings: Findings) -> None:
    tree = subject.tree
    for machine in tree.machines:
        if isinstance(machine.fields.get("States"), dict):
            _check_machine(machine, tree, findings)


def _check_machine(machine: Machine, tree: Tree, findings: Findings) -> None:
    names = machine.fields["States"]
    has_unknown_target = False
    missing: list[str] = []
    for edge in machine.edges:
        target = edge.name
        if has_placeholder(target):
            has_unknown_target = True
        elif edge.kind not in ("branch", "processor") and isinstance(target, str) and target not in names:
            missing.append(target)
            findings.error(
                "FD401",
                f"no state named {target!r}" + _explain_other_level(target, tree),
                edge.path,
                hint=did_you_mean(target, names) or _explain_placing(target, tree, findings),
                aws=TARGET,
                aws_message=f"Missing 'Next' target: {target}",
            )
    if not machine.states or has_unknown_target:
        return
    if not any(state.is_terminal or not state.type for state in machine.states.values()):
        findings.error(
            "FD403",
            f"the {_KINDS[machine.kind]} never ends: no state is terminal",
            (*machine.path, "States"),
            hint=findings.either(
                'add a way out: "End": true on a state, or a Succeed or Fail state',
                "add a way out: end(), a Succeed state or a Fail state",
            ),
            aws="MISSING_END_STATE",
            aws_message="Workflow has no terminal state",
            aws_at="",
        )
        return  # the service stops here, too
    if machine.start is not None and not _is_miswired(machine, findings):
        _check_reachable(machine, missing, findings)


_KINDS = {"machine": "state machine", "branch": "branch", "processor": "item processor"}


def _check_reachable(machine: Machine, missing: list[str], findings: Findings) -> None:
    reached = machine.reachable()
    unreached = [name for name, state in machine.states.items() if state not in reached]
    if unreached:  # a state whose name was misspelt somewhere counts as reached
        meant = [near for target in missing if (near := nearest(target, unreached))]
        reached = machine.reachable(machine.states[name] for name in meant)
    for name, state in machine.states.items():
        if state not in reached:
            findings.error(
                "FD402",
                f"state {name!r} is unreachable",
                state.path,
                hint=findings.either(
                    "lead to it from another state, or remove it",
                    "put it into the chain, lead to it with goto(...), or remove it",
                ),
                aws=TARGET,
                aws_message=f'State "{name}" is not reachable.',
            )


def _is_miswired(machine: Machine, findings: Findings) -> bool:
    """Return True if a known mistake in this machine's wiring may be why a state is unreachable."""
    level = (*machine.path, "States")
    return any(each.code in MISWIRED and each.path[: len(level)] == level for each in findings.diagnostics)


def _explain_placing(target: str, tree: Tree, findings: Findings) -> str | None:
    """Say how a state that the author made gets into the flow: a transition alone does not put it there."""
    if not findings.python or tree.find(target) is not None:
        return None
    return "put the state into a chain: use it as a step of chain(…), or instead of goto(…) in when(…) or catch(…)"


def _explain_other_level(target: str, tree: Tree) -> str:
    """Explain that a state of this name exists, but inside another state or outside of this one."""
    state = tree.find(target)
    if state is None:
        return ""
    if state.parent is not None:
        return f" on this level: it is inside {state.parent.name!r}, and states lead only to states of their own level"
    return " on this level: it is outside, and a branch or an item processor leads only to its own states"


RULES = (
    Rule(
        check_graph,
        (
            Code("FD401", "error", "A transition to a state that does not exist"),
            Code("FD402", "error", "An unreachable state"),
            Code("FD403", "error", "No terminal state"),
        ),
    ),
)
