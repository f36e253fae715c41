"""The wiring: it gives every state of a flow its way on, and writes the state in the machine's query language."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import attrs

from ..base.diagnostics import AslPath, Diagnostic
from ..base.source import Caller
from .fields import UNSET, Language, Unset, class_of, evolve
from .flow import End, Flow, Goto, as_flow
from .functions import Dynamic, Function
from .graphs import Branch, Graph, Processor
from .lowering import lower
from .places import locate, snake
from .states import Catcher, Choice, Map, Parallel, ProcessorConfig, Rule, State, Stepping, Succeed, Task

if TYPE_CHECKING:
    from .machine import StateMachine


def start_of(flow: Flow) -> str | Unset:
    first = flow.items[0] if flow.items else None
    return first.name if isinstance(first, State | Goto) else UNSET


def wire(machine: StateMachine, flow: Flow) -> None:
    """Wire the flow and every flow inside it, with a list of what is still to do instead of recursion."""
    jobs: list[tuple[Flow, Graph, AslPath]] = [(flow, machine, ())]
    language: Language = "JSONata" if machine.query_language == "JSONata" else "JSONPath"
    while jobs:
        inner, graph, path = jobs.pop()
        wiring = _Wiring(machine, (*path, "States"), language)
        wiring.run(inner, graph.states)  # type: ignore[arg-type]
        jobs.extend(reversed(wiring.inner))


_END = End(origin=None)


@attrs.define
class _Wiring:
    """The wiring of one graph."""

    machine: StateMachine
    path: AslPath
    language: Language
    seen: dict[str, tuple[State, str | End]] = attrs.field(factory=dict)
    inner: list[tuple[Flow, Graph, AslPath]] = attrs.field(factory=list)

    def run(self, flow: Flow, states: dict[str, State]) -> None:
        rest: list[tuple[tuple[Any, ...], int, str | End]] = [(flow.items, 0, _END)]
        while rest:
            items, index, after = rest.pop()
            while index < len(items):
                step, index = items[index], index + 1
                if isinstance(step, Goto | End):
                    if index < len(items):
                        self._problem("FD210", (), "nothing can follow goto(...) or end() in a chain", step.origin)
                    break
                follow = self._entry(items, index, after)
                if index < len(items) and isinstance(items[index], Goto):
                    self.machine.links[(*self.path, step.name, "Next")] = items[index].origin
                forks = self._add(step, follow, states)
                if forks:
                    rest.append((items, index, after))
                    rest.extend((fork.items, 0, follow) for fork in reversed(forks))
                    break

    def _entry(self, items: tuple[Any, ...], index: int, after: str | End) -> str | End:
        if index >= len(items):
            return after
        step = items[index]
        return step if isinstance(step, End) else step.name

    def _add(self, step: State, follow: str | End, states: dict[str, State]) -> list[Flow]:
        """Put a state into the graph; the flows that fork off it are returned, to be wired next."""
        if step.name in self.seen:
            self._again(step, follow)
            return []
        self.seen[step.name] = (step, follow)
        self._note_functions(step)
        here = (*self.path, step.name)
        own: Language = "JSONata" if getattr(step, "query_language", UNSET) == "JSONata" else self.language
        lowered = lower(step, own, partial(self._report, step))
        state, tail = lowered.state, lowered.tail
        states[step.name] = state
        forks: list[Flow] = []
        extra: dict[str, State] = {}
        if isinstance(state, Choice) and isinstance(step, Choice):
            state = self._choice(state, step, follow, forks, extra)
        elif isinstance(state, Stepping) and state.next is UNSET and state.end is UNSET:
            state = _follow(state, tail.name if tail else follow)
        if getattr(state, "catch", UNSET):
            state = self._catch(state, follow, forks, extra)
        if tail:
            states[tail.name] = _follow(tail, follow)
        states[step.name] = self._inner_flows(state, step, here)
        states.update(extra)
        return forks

    def _choice(
        self, state: Choice, step: Choice, follow: str | End, forks: list[Flow], extra: dict[str, State]
    ) -> Choice:
        def branch(index: int, rule: Any) -> Any:
            at = ("Choices", index)
            return self._branch(rule, follow, step, at, forks, extra) if isinstance(rule, Rule) else rule

        rules = _each(state.choices, branch)
        state = evolve(state, choices=rules, otherwise=UNSET)
        if state.default is not UNSET:
            return state
        other = self._steps(step.otherwise, step, ("Default",)) if step.otherwise is not UNSET else Flow(())
        return evolve(state, default=self._target(other, follow, step, ("Default",), forks, extra))

    def _catch(self, state: Any, follow: str | End, forks: list[Flow], extra: dict[str, State]) -> Any:
        def branch(index: int, each: Any) -> Any:
            at = ("Catch", index)
            return self._branch(each, follow, state, at, forks, extra) if isinstance(each, Catcher) else each

        catchers = _each(state.catch, branch)
        return evolve(state, catch=catchers)

    def _branch(
        self,
        part: Any,
        follow: str | End,
        state: State,
        at: AslPath,
        forks: list[Flow],
        extra: dict[str, State],
    ) -> Any:
        steps = self._steps(part.steps, state, at, part.origin) if part.steps else Flow(())
        if part.next is not UNSET:
            return evolve(part, steps=())
        target = self._target(steps, follow, state, (*at, "Next"), forks, extra)
        return evolve(part, steps=(), next=target)

    def _steps(self, steps: Any, state: State, at: AslPath, origin: Caller | None = None) -> Flow:
        try:
            return as_flow(steps)
        except TypeError as error:
            self._problem(
                "FD214", (state.name, *at), str(error), origin or state.origin, "steps follow one another: a, b"
            )
            return Flow(())

    def _target(
        self,
        steps: Flow,
        follow: str | End,
        state: State,
        at: AslPath,
        forks: list[Flow],
        extra: dict[str, State],
    ) -> str:
        """Where a fork leads. The end of the flow needs a state here, for a rule or a catcher has no End."""
        target = self._entry(steps.items, 0, follow)
        if steps.items and isinstance(steps.items[0], Goto):
            self.machine.links[(*self.path, state.name, *at)] = steps.items[0].origin
        if steps.items:
            forks.append(steps)
        if not isinstance(target, End):
            return target
        done = Succeed(state.name + ".End", origin=state.origin)
        extra[done.name] = done
        return done.name

    def _inner_flows(self, state: State, step: State, here: AslPath) -> State:
        if isinstance(state, Parallel):
            given = () if state.branches is UNSET else state.branches
            branches = _each(given, lambda index, item: self._graph(item, Branch, (*here, "Branches", index)))
            return evolve(state, branches=branches)
        if isinstance(state, Map) and isinstance(step, Map) and state.processor is not UNSET:
            processor = self._graph(state.processor, Processor, (*here, "ItemProcessor"))
            if step.mode is not UNSET or step.execution_type is not UNSET:
                config = ProcessorConfig(mode=step.mode, execution_type=step.execution_type, origin=step.origin)
                processor = evolve(processor, config=config)
            return evolve(state, processor=processor)
        return state

    def _graph(self, flow: Any, cls: type[Any], path: AslPath) -> Any:
        if isinstance(flow, Graph):
            return flow
        if not isinstance(flow, State | Flow | list | tuple):
            return flow
        inner = as_flow(flow)
        graph = cls(start_at=start_of(inner), origin=None)
        self.inner.append((inner, graph, path))
        return graph

    def _note_functions(self, step: State) -> None:
        if not isinstance(step, Task):
            return
        resource = step.resource
        named = resource.allowed if isinstance(resource, Dynamic) else (resource,)
        functions = tuple(each for each in named if isinstance(each, Function))
        if functions:
            self.machine.callees[(*self.path, step.name)] = functions
        for function in functions:
            if function.name not in self.machine.functions:
                self._unknown_settings(step, function)
            known = self.machine.functions.setdefault(function.name, function)
            if known != function:
                message = f"two different functions are named {function.name!r}"
                self._problem("FD213", (step.name, "Resource"), message, function.origin, "give one another name")

    def _unknown_settings(self, step: State, function: Function) -> None:
        known = [each.name for each in attrs.fields(class_of(function)) if each.name not in ("extras", "origin")]
        for setting in map(snake, function.extras):
            message = f"a Function has no setting {setting!r}"
            at = (step.name, "Resource")
            self._problem("FD102", at, message, function.origin, "it has " + ", ".join(known))

    def _again(self, step: State, follow: str | End) -> None:
        """The same state a second time: a join, if both lead on to the same state."""
        first, before = self.seen[step.name]
        where = f" (first at line {first.origin.span().line})" if first.origin else ""
        if first is not step:
            message = f"two states are named {step.name!r}{where}"
            hint = 'give one of them another name, or put a prefix before its names with .as_("...")'
            self._problem("FD201", (step.name,), message, step.origin, hint)
        elif before != follow and isinstance(step, Stepping):
            message = f"state {step.name!r} stands at two places that lead on to {_said(before)} and {_said(follow)}"
            hint = f'write goto({step.name!r}) at one of them, or use a copy with .as_("...")'
            self._problem("FD211", (step.name,), message, step.origin, hint)

    def _report(self, step: State, path: AslPath, message: str, hint: str, origin: Caller | None) -> None:
        span = origin.span() if origin else locate(step, path, {})
        self.machine.problems.append(Diagnostic("FD212", message, (*self.path, step.name, *path), span=span, hint=hint))

    def _problem(self, code: str, path: AslPath, message: str, origin: Caller | None, hint: str | None = None) -> None:
        span = origin.span() if origin else None
        self.machine.problems.append(Diagnostic(code, message, (*self.path, *path), span=span, hint=hint))


def _each(value: Any, change: Callable[[int, Any], Any]) -> Any:
    """The list of parts with each changed; what is no list is left as it is, for the checker to report."""
    return tuple(change(index, item) for index, item in enumerate(value)) if isinstance(value, list | tuple) else value


def _follow(state: Any, target: str | End) -> Any:
    return evolve(state, end=True) if isinstance(target, End) else evolve(state, next=target)


def _said(target: str | End) -> str:
    return "the end" if isinstance(target, End) else repr(target)
