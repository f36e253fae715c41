"""Loops and guards in the chains of a graph."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from .layout import Chain, Guarded, Item, Jump, Layout, Loop, Step, items_within

FEWEST_GUARDED = 3
"""The number of states with the same catchers from which on they are in a `guard`."""


def with_loops(layout: Layout, states: Mapping[str, Any]) -> Layout:
    """The layout with each Choice that leads back to an earlier step of its chain as a `repeat`."""
    for chain in _chains(layout):
        _loops(chain, states)
    return layout


def _chains(layout: Layout) -> list[Chain]:
    """Every chain, inner ones first."""
    from .layout import inner_chains

    every = [layout.main, *layout.shared.values()]
    at = 0
    while at < len(every):
        for item in every[at]:
            every.extend(inner_chains(item))
        at += 1
    return every[::-1]


def _loops(chain: Chain, states: Mapping[str, Any]) -> None:
    index = 0
    while index < len(chain):
        loop_at = _loop(chain, index, states)
        if loop_at is not None:
            begin, loop = loop_at
            chain[begin : index + 1] = [loop]
            index = begin
        index += 1


def _loop(chain: Chain, index: int, states: Mapping[str, Any]) -> tuple[int, Loop] | None:
    """The loop that the Choice at the index closes, and where it begins. Its first rule leaves it, its default repeats
    it, or else its last rule, which counts.
    """
    item = chain[index]
    if not isinstance(item, Step) or not states[item.name].keys() <= {"Type", "Choices", "Default"}:
        return None
    state = states[item.name]
    if "Default" not in state or state["Type"] != "Choice":
        return None
    rules = state["Choices"]
    if rules[0].keys() & {"Comment", "Assign", "Output"} or item.arms["Choices", 0]:
        return None
    last = len(rules) - 1
    begin = _begin(chain, index, item.arms["Default", 0])
    if begin is not None and last <= 1:
        failed = item.arms["Choices", 1] if last == 1 else None
        return begin, Loop(item.name, chain[begin:index], failed, item.arms["Default", 0][:-1])
    begin = _begin(chain, index, item.arms["Choices", last])
    if begin is None or begin == 0 or last not in (1, 2):
        return None
    counter = _counter(rules[last], chain[begin - 1], states, first_state(chain[begin]) or "")
    if counter is None:
        return None
    failed = item.arms["Choices", 1] if last == 2 else None
    between = item.arms["Choices", last][:-1]
    return begin - 1, Loop(item.name, chain[begin:index], failed, between, counter, item.arms["Default", 0])


def _begin(chain: Chain, index: int, again: Chain) -> int | None:
    """Where the steps begin to which the fork leads back."""
    if not again or not isinstance(again[-1], Jump):
        return None
    target = again[-1].target
    return next((at for at in range(index) if first_state(chain[at]) == target), None)


def _counter(rule: Mapping[str, Any], item: Item, states: Mapping[str, Any], first: str) -> str | None:
    """The variable that the Pass before a loop sets to 1 and the rule raises by 1, as `repeat` has it."""
    if not isinstance(item, Step) or item.name != f"{first}.Count":
        return None
    before = states[item.name]
    assign = before.get("Assign")
    if before.keys() - {"Next"} != {"Type", "Assign"} or not isinstance(assign, dict) or len(assign) != 1:
        return None
    ((name, value),) = assign.items()
    raised = ({name: f"{{% ${name} + 1 %}}"}, {f"{name}.$": f"States.MathAdd(${name}, 1)"})
    is_counted = value == 1 and value is not True and rule.get("Assign") in raised
    return name if is_counted and not rule.keys() & {"Comment", "Output"} else None


def first_state(item: Item) -> str | None:
    """The state with which an item begins."""
    while isinstance(item, Loop | Guarded):
        item = item.steps[0]
    return item.name if isinstance(item, Step) else None


def with_guards(layout: Layout, states: Mapping[str, Any]) -> Layout:
    """The layout with runs of steps that have the same catchers in a `guard`."""
    busy = {head for head, chain in layout.shared.items() if any(_works(item, states) for item in items_within(chain))}
    for chain in (layout.main, *layout.shared.values()):
        _guard(chain, states, busy)
    return layout


def _works(item: Item, states: Mapping[str, Any]) -> bool:
    return isinstance(item, Step) and states[item.name]["Type"] in ("Task", "Map", "Parallel")


def _guard(chain: Chain, states: Mapping[str, Any], busy: set[str]) -> None:
    begin = 0
    while begin < len(chain):
        best: tuple[int, str] | None = None
        wanted: list[str] | None = None
        count = 0
        last = begin - 1
        for at in range(begin, len(chain)):
            item = chain[at]
            working = [each for each in items_within([item]) if _works(each, states)]
            leads_away = any(isinstance(each, Jump) and each.target in busy for each in _outside_catch(item))
            if not isinstance(item, Step | Loop) or leads_away:
                break
            catchers = [_catchers(each, states) for each in working if isinstance(each, Step)]
            for each in catchers:
                wanted = each if wanted is None else wanted
            if any(each != wanted for each in catchers) or wanted == []:
                break
            if working:
                last, count = at, count + len(working)
                best = (count, next(each.name for each in working if isinstance(each, Step)))
            elif at == begin:
                break
        if best and best[0] >= FEWEST_GUARDED:
            run = chain[begin : last + 1]
            _wrap(chain, begin, last, run, states)
        begin += 1


def _outside_catch(item: Item) -> list[Item]:
    """The items of the forks that are no catchers."""
    outside: list[Item] = []
    for each in items_within([item]):
        if isinstance(each, Step):
            outside.extend(part for key, arm in each.arms.items() if key[0] != "Catch" for part in items_within(arm))
        elif isinstance(each, Loop):
            outside.extend(part for part in items_within([*(each.failed or []), *each.between]))
    return outside


def _catchers(step: Step, states: Mapping[str, Any]) -> list[str]:
    """The catchers of a state as texts, if each of them goes on elsewhere."""
    catchers = states[step.name].get("Catch") or []
    arms = [step.arms["Catch", index] for index in range(len(catchers))]
    if not all(len(arm) == 1 and isinstance(arm[0], Jump) for arm in arms):
        return []
    return [json.dumps(each, sort_keys=True) for each in catchers]


def _wrap(chain: Chain, begin: int, last: int, run: Chain, states: Mapping[str, Any]) -> None:
    working = [each for each in items_within(run) if isinstance(each, Step) and _works(each, states)]
    arms = {key: arm for key, arm in working[0].arms.items() if key[0] == "Catch"}
    for step in working:
        for key in [key for key in step.arms if key[0] == "Catch"]:
            del step.arms[key]
    chain[begin : last + 1] = [Guarded(run, len(arms), working[0].name, arms)]
