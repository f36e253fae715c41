"""Loops: `repeat` does steps until a condition holds, `poll` asks again after a while."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

from ..base.arguments import WrongArgument
from ..base.record import evolve
from ..base.source import caller
from .expressions import Expression, Path, var
from .fields import UNSET, Unset, in_seconds
from .flow import Flow, Goto, Guard, Step, WiredStates, as_flow, chain, describe, parts_within
from .places import snake
from .states import Choice, Pass, Rule, State, Wait, fail


def repeat(
    *steps: Step,
    until: Expression,
    failed: Expression | Rule | Unset = UNSET,
    at_most: int | Expression | Unset = UNSET,
    otherwise: Step | list[Step] | Unset = UNSET,
    between: Step | list[Step] | Unset = UNSET,
    name: str | Unset = UNSET,
    counter: Path | Unset = UNSET,
) -> Flow:
    """Do the steps again and again until a condition holds; it is asked after them, so they run once at least.

    `failed` ends the loop too: a condition fails the execution, `when(condition, steps...)` goes another way.
    `at_most` is how often the steps run, the first time included; after that `otherwise` is done, or else the
    execution fails. The count of the runs, 1 in the first, is a variable, which `counter=var.turn` names. `between` is
    done before each new try. `name` is the Choice's, by default that of the first step and `.Repeat`; the other states
    that the loop needs are named after it.
    """
    flow = as_flow(steps)
    pause = as_flow(() if between is UNSET else between, "between")
    return _loop(_first(flow), flow, pause, until, failed, at_most, otherwise, name, counter)


def poll(
    step: Step,
    *,
    every: int | timedelta | Expression,
    until: Expression,
    failed: Expression | Rule | Unset = UNSET,
    at_most: int | Expression | Unset = UNSET,
    otherwise: Step | list[Step] | Unset = UNSET,
    waits_first: bool = False,
    name: str | Unset = UNSET,
    counter: Path | Unset = UNSET,
) -> Flow:
    """Do a step until a condition holds, with a pause of `every` seconds before each new try.

    With `waits_first` there is a pause before the first try too. The rest is as in `repeat`.
    """
    flow = as_flow(step, "step", "#0")
    first = _first(flow)
    _check_pause(every)
    wait = Wait(f"{first}.Wait", seconds=every)
    steps, pause = (chain(wait, flow), Flow(())) if waits_first else (flow, Flow((wait,)))
    return _loop(first, steps, pause, until, failed, at_most, otherwise, name, counter)


def _loop(
    first: str,
    flow: Flow,
    between: Flow,
    until: Expression,
    failed: Expression | Rule | Unset,
    at_most: int | Expression | Unset,
    otherwise: Step | list[Step] | Unset,
    name: str | Unset,
    counter: Path | Unset,
) -> Flow:
    """The loop; its states are named after `first`."""
    if not isinstance(name, str | Unset):
        raise WrongArgument(f"name= is the name of the Choice, not {describe(name)}", 'write name="Again"', "name")
    if not isinstance(until, Expression):
        raise WrongArgument(f"until= is a condition, not {describe(until)}", _COMPARE, "until")
    choice = f"{first}.Repeat" if isinstance(name, Unset) else name
    rules = [_rule("until", until), *_failing(failed, first)]
    again = chain(between, Goto(flow.items[0], origin=None))
    if isinstance(at_most, Unset):
        if otherwise is not UNSET:
            raise WrongArgument("otherwise= is for the time after at_most= tries", "give at_most= too", "otherwise")
        if counter is not UNSET:
            raise WrongArgument("counter= counts the tries for at_most=", "give at_most= too", "counter")
        return chain(flow, Choice(choice, *rules, otherwise=again))
    is_count = isinstance(at_most, int) and not isinstance(at_most, bool) and at_most >= 1
    if not is_count and not isinstance(at_most, Expression):
        what = f"at_most= is how often the steps run, 1 or more, not {describe(at_most)}"
        raise WrongArgument(what, "write at_most=8", "at_most")
    counting = _counter(first, counter)
    if isinstance(counter, Unset):
        _check_counter(counting, (flow, between, *rules))
    tries = var[counting]
    count = _Count if isinstance(counter, Unset) else dict
    rules.append(_rule("at_most", tries < at_most, again, assign=count({counting: tries + 1})))
    if isinstance(otherwise, Unset):
        cause = f"The condition of {choice} did not hold after the last try"
        otherwise = fail(f"{first}.Exhausted", error=f"{first}.Exhausted", cause=cause)
    otherwise = as_flow(otherwise, "otherwise")
    return chain(Pass(f"{first}.Count", assign=count({counting: 1})), flow, Choice(choice, *rules, otherwise=otherwise))


_COMPARE = 'compare a value of the flow, such as check.out.status == "done"'


def _check_pause(every: Any) -> None:
    """Raise for what is not whole seconds."""
    seconds = in_seconds(every)
    is_whole = isinstance(seconds, int) and not isinstance(seconds, bool) and seconds >= 0
    if not is_whole and not isinstance(seconds, Expression):
        written = f"{seconds} seconds" if isinstance(every, timedelta) else describe(every)
        raise WrongArgument(f"every= is whole seconds, 0 or more, not {written}", "write every=30", "every")


def _first(flow: Flow) -> str:
    """The name of the first state."""
    first = flow.items[0] if flow.items else None
    if not isinstance(first, State | Guard | WiredStates):
        what = f"a loop begins with a state, not {describe(first)}" if flow.items else "the loop has no steps"
        raise WrongArgument(what, "write the state that is done again first", "#0", "step")
    return first.name


def _rule(argument: str, condition: Expression, *steps: Step, assign: Mapping[str, Any] | Unset = UNSET) -> Rule:
    """The rule that an argument of the loop stands for, with its place."""
    origin = caller()
    return Rule(condition, steps=steps, assign=assign, origin=evolve(origin, argument=argument) if origin else None)


def _failing(failed: Expression | Rule | Unset, first: str) -> list[Rule]:
    """The rule that leaves the loop because the steps failed."""
    if isinstance(failed, Unset):
        return []
    if isinstance(failed, Rule):
        return [failed]
    if not isinstance(failed, Expression):
        hint = f"{_COMPARE}, or when(condition, steps...)"
        raise WrongArgument(f"failed= is a condition, not {describe(failed)}", hint, "failed")
    return [
        _rule(
            "failed", failed, fail(f"{first}.Failed", error=f"{first}.Failed", cause="The condition in failed= holds")
        )
    ]


def _check_counter(counting: str, inside: tuple[Flow | Rule, ...]) -> None:
    """Raise if a step of the loop sets the variable that counts the tries: the loop might never end."""
    for part in parts_within(inside):
        if counting in _variables_set(part):
            whose = f"state {part.name!r}" if isinstance(part, State) else "a rule or catcher"
            what = f"the loop counts its tries in var.{counting}, which {whose} inside it sets too"
            raise WrongArgument(what, "name another variable for the count: counter=var.turn", "at_most")


class _Count(dict[str, Any]):
    """The assignment of a counter whose name the author did not choose."""


def _variables_set(part: Any) -> list[str]:
    """The variables that a state, rule or catcher sets."""
    into, assigned = getattr(part, "into", UNSET), getattr(part, "assign", UNSET)
    names = [*assigned] if isinstance(assigned, Mapping) else []
    return [*names, into._variable] if isinstance(into, Path) and into._variable else names


def overwritten(flow: Flow) -> Iterator[tuple[Any, str]]:
    """The states, rules and catchers that set a variable in which a loop of the same flow counts, with its name."""
    todo: list[Any] = [flow]
    while todo:
        parts = [*parts_within(todo.pop(), todo)]
        counters = {name for part in parts if isinstance(getattr(part, "assign", None), _Count) for name in part.assign}
        for part in parts:
            if not isinstance(getattr(part, "assign", None), _Count):
                yield from ((part, name) for name in _variables_set(part) if name in counters)


def _counter(first: str, counter: Path | Unset) -> str:
    """The variable that counts the tries."""
    if not isinstance(counter, Unset):
        if not isinstance(counter, Path) or not counter._variable:
            what = f"counter= is a variable, not {describe(counter)}"
            raise WrongArgument(what, "write counter=var.turn", "counter")
        return counter._variable
    name = re.sub(r"[\W_]+", "_", snake(first)).strip("_")
    return f"{name if name[:1].isalpha() else 'step'}_tries"[-80:]
