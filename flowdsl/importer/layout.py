"""The order of the steps of a graph: chains, forks that join again, and jumps where neither serves.

A chain takes over a state if every route to the state leads through the chain (its dominator is in it); so no chain
swallows what belongs to another one. Several routes into one state that no chain goes on with make it the head of a
chain of its own, which all of them name.

Source for placing by dominators: Ramsey, "Beyond Relooper" (ICFP 2022).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

import attrs

MOST_NESTED = 5
"""Deeper forks go into chains of their own."""
ArmKey = tuple[str, int]
"""("Choices", 0), ("Catch", 1) or ("Default", 0)."""


@attrs.define(eq=False)
class Step:
    """A state and the steps that fork off it."""

    name: str
    arms: dict[ArmKey, Chain]


@attrs.frozen
class Jump:
    """Go on at a state that has its place elsewhere, or with the chain that begins with it."""

    target: str


@attrs.frozen
class Stop:
    """The flow ends here."""


@attrs.define(eq=False)
class Loop:
    """`repeat`: steps until a rule of the Choice holds."""

    choice: str
    steps: Chain
    failed: Chain | None
    between: Chain
    counter: str = ""
    """The variable that counts the runs, if there is one."""
    otherwise: Chain | None = None
    """What is done after the last run."""


@attrs.define(eq=False)
class Guarded:
    """`guard`: steps whose states have the same last catchers."""

    steps: Chain
    catchers: int
    """How many catchers at the end of each state's own are the guard's."""
    first: str
    """A state that has them."""
    arms: dict[ArmKey, Chain]


Item: TypeAlias = "Step | Jump | Stop | Loop | Guarded"
Chain: TypeAlias = "list[Item]"


@attrs.frozen
class Layout:
    """A graph in chains."""

    main: Chain
    shared: dict[str, Chain]
    """Chains that several steps lead to, by their first state; each ends the flow or jumps."""
    unreachable: tuple[str, ...]


_END = ""
"""The end of the flow; no state has this name in a valid definition."""
_NOWHERE = "\0"


def targets(state: Mapping[str, Any]) -> Iterator[tuple[ArmKey, str]]:
    """Where the rules, the default and the catchers of a state lead."""
    for key in ("Choices", "Catch"):
        for index, part in enumerate(state.get(key) or ()):
            yield (key, index), part["Next"]
        if key == "Choices" and "Default" in state:
            yield ("Default", 0), state["Default"]


def successors(state: Mapping[str, Any]) -> list[str]:
    """The states that may follow, the next one first."""
    names = [state["Next"]] if "Next" in state else []
    return list(dict.fromkeys([*names, *(target for _, target in targets(state))]))


def lay_out(graph: Mapping[str, Any]) -> Layout:
    """The states of a graph in chains."""
    return _Planner(graph["StartAt"], graph["States"]).layout()


def in_a_row(graph: Mapping[str, Any]) -> Layout:
    """The states of a graph one after the other, whatever leads where: every fork is a jump."""
    states = graph["States"]
    names = [graph["StartAt"], *(name for name in states if name != graph["StartAt"])]
    return Layout([Step(name, {key: [Jump(to)] for key, to in targets(states[name])}) for name in names], {}, ())


class _Planner:
    def __init__(self, start: str, states: Mapping[str, Any]) -> None:
        self.states = states
        self.start = start
        self.order = _reverse_postorder(start, states)
        self.rank = {name: index for index, name in enumerate(self.order)}
        self.sources: dict[str, list[str]] = {name: [] for name in self.order}
        for name in self.order:
            for target in successors(states[name]):
                self.sources[target].append(name)
        self.dominator = self._dominators()
        self.weight = dict.fromkeys(self.order, 1)
        for name in reversed(self.order[1:]):
            self.weight[self.dominator[name]] += self.weight[name]
        self.failing = self._failing()
        self.placed: set[str] = set()
        self.heads: list[str] = []

    def _dominators(self) -> dict[str, str]:
        """The closest state that every route to a state leads through. Cooper, Harvey, Kennedy (2001)."""
        dominator = {self.start: self.start}
        is_changed = True
        while is_changed:
            is_changed = False
            for name in self.order[1:]:
                known = [source for source in self.sources[name] if source in dominator]
                new = known[0]
                for other in known[1:]:
                    while new != other:
                        if self.rank[new] > self.rank[other]:
                            new = dominator[new]
                        else:
                            other = dominator[other]
                if dominator.get(name) != new:
                    dominator[name] = new
                    is_changed = True
        return dominator

    def _failing(self) -> set[str]:
        """The states from which every route ends in a Fail state."""
        hopeful: set[str] = set()
        todo = [name for name in self.order if self.states[name].get("End") or self.states[name]["Type"] == "Succeed"]
        while todo:
            name = todo.pop()
            if name not in hopeful:
                hopeful.add(name)
                todo.extend(self.sources[name])
        return set(self.order) - hopeful

    def layout(self) -> Layout:
        main = self.chain(self.start, _END, 0)
        shared: dict[str, Chain] = {}
        chains = [main]
        at = 0
        while at < len(chains):
            for target in [*_jumps(chains[at])]:
                if target not in self.placed:
                    shared[target] = self.chain(target, _NOWHERE, 1)
                    chains.append(shared[target])
            at += 1
        main, shared = _with_single_uses_inline(main, shared)
        return Layout(main, shared, tuple(name for name in self.states if name not in self.rank))

    def chain(self, head: str, follow: str, depth: int) -> Chain:
        """The steps from a state on, up to what follows them."""
        items: Chain = []
        members: set[str] = set()
        here = head
        while here != follow:
            if here == _END:
                items.append(Stop())
                break
            if here in self.placed or not (here == head or self.dominator[here] in members):
                items.append(Jump(here))
                break
            self.placed.add(here)
            members.add(here)
            step = Step(here, {})
            items.append(step)
            state = self.states[here]
            if state["Type"] in ("Succeed", "Fail"):
                break
            here = self._joint(here, members, follow) if state["Type"] == "Choice" else state.get("Next", _END)
            for key, target in targets(state):
                step.arms[key] = self._arm(step.name, target, here, depth)
            if here == _NOWHERE:
                break
        return items

    def _arm(self, owner: str, target: str, joint: str, depth: int) -> Chain:
        if target == joint:
            return []
        alone = self.sources[target] == [owner] and target not in self.placed and depth < MOST_NESTED
        return self.chain(target, joint, depth + 1) if alone else [Jump(target)]

    def _joint(self, choice: str, members: set[str], follow: str) -> str:
        """Where the steps of a Choice's rules join: what the chain goes on with."""
        arms = [target for _, target in targets(self.states[choice])]
        reached = [self._reached(target, members) for target in arms]
        counts: dict[str, int] = {}
        for names in reached:
            for name in names:
                counts[name] = counts.get(name, 0) + 1
        merges = [
            name
            for name, count in counts.items()
            if count > 1
            and name not in self.placed
            and name not in self.failing
            and self.dominator[name] in members
            and (len(self.sources[name]) > 1 or arms.count(name) > 1)
        ]
        if merges:
            return min(merges, key=lambda name: (-counts[name], self.rank[name]))
        own = [name for name in dict.fromkeys(arms) if self.sources[name] == [choice] and name not in self.placed]
        own = [name for name in own if name != follow]
        if follow in arms or not own:
            return follow
        own = [name for name in own if self._leads_on(name, members, follow)]
        if len(own) < 2:
            return own[0] if own else follow
        default = self.states[choice].get("Default")
        heaviest = max(own, key=lambda name: (self.weight[name], name == default))
        others = sum(self.weight[name] for name in own) - self.weight[heaviest]
        is_main = self.weight[heaviest] > others or (heaviest == default and self.weight[heaviest] > 1)
        return heaviest if is_main else follow

    def _leads_on(self, target: str, members: set[str], follow: str) -> bool:
        """True if a route from here goes on, instead of back to an earlier step or to a Fail state."""
        if target in self.failing:
            return False
        reached = self._reached(target, members)
        return any(
            self.states[name].get("End")
            or self.states[name]["Type"] == "Succeed"
            or follow in successors(self.states[name])
            for name in reached
        )

    def _reached(self, target: str, members: set[str]) -> set[str]:
        """The states that a route from here may lead through, without going back."""
        seen: set[str] = set()
        todo = [target]
        while todo:
            name = todo.pop()
            if name not in seen and name not in self.placed and name not in members:
                seen.add(name)
                todo.extend(successors(self.states[name]))
        return seen


def _reverse_postorder(start: str, states: Mapping[str, Any]) -> list[str]:
    order: list[str] = []
    seen = {start}
    stack = [(start, iter(successors(states[start])[::-1]))]
    while stack:
        name, following = stack[-1]
        for target in following:
            if target not in seen:
                seen.add(target)
                stack.append((target, iter(successors(states[target])[::-1])))
                break
        else:
            stack.pop()
            order.append(name)
    return order[::-1]


def items_within(chain: Chain) -> Iterator[Item]:
    """Every item of a chain and of its forks, in reading order."""
    todo: list[Item] = chain[::-1]
    while todo:
        item = todo.pop()
        yield item
        for inner in reversed(inner_chains(item)):
            todo.extend(reversed(inner))


def inner_chains(item: Item) -> list[Chain]:
    match item:
        case Step(arms=arms):
            return [*arms.values()]
        case Loop(steps=steps, failed=failed, between=between, otherwise=otherwise):
            return [steps, failed or [], between, otherwise or []]
        case Guarded(steps=steps, arms=arms):
            return [steps, *arms.values()]
    return []


def _jumps(chain: Chain) -> Iterator[str]:
    return (item.target for item in items_within(chain) if isinstance(item, Jump))


def _with_single_uses_inline(main: Chain, shared: dict[str, Chain]) -> tuple[Chain, dict[str, Chain]]:
    """A short chain that only one step leads to has its place there."""
    while True:
        uses: dict[str, int] = {}
        for chain in (main, *shared.values()):
            for target in _jumps(chain):
                uses[target] = uses.get(target, 0) + 1
        single = [head for head, chain in shared.items() if uses[head] == 1 and _is_short(head, chain)]
        if not single:
            return main, shared
        steps = shared.pop(single[0])
        for chain in (main, *shared.values()):
            for part in [chain, *(inner for item in items_within(chain) for inner in inner_chains(item))]:
                if part and part[-1] == Jump(single[0]):
                    part[-1:] = steps


def _is_short(head: str, chain: Chain) -> bool:
    return len(chain) <= MOST_NESTED and not any(map(any, map(inner_chains, chain))) and Jump(head) not in chain
