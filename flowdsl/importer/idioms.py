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
        item = chain[index]
        begin = _begin(chain, index, states[item.name]) if isinstance(item, Step) else None
        if begin is not None and isinstance(item, Step):
            between = item.arms["Default", 0][:-1]
            loop = Loop(item.name, chain[begin:index], item.arms.get(("Choices", 1)), between)
            chain[begin : index + 1] = [loop]
            index = begin
        index += 1


def _begin(chain: Chain, index: int, state: Mapping[str, Any]) -> int | None:
    """Where the loop begins that the Choice at the index closes: its first rule leaves it, its default repeats it."""
    item = chain[index]
    if not isinstance(item, Step) or not state.keys() <= {"Type", "Choices", "Default"} or "Default" not in state:
        return None
    rules = state["Choices"]
    is_plain = not rules[0].keys() & {"Comment", "Assign", "Output"}
    again = item.arms["Default", 0]
    if len(rules) > 2 or not is_plain or item.arms["Choices", 0] or not again or not isinstance(again[-1], Jump):
        return None
    target = again[-1].target
    return next((at for at in range(index) if first_state(chain[at]) == target), None)


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
