"""The machine: it wires the steps that it is given and writes them in its query language."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Literal

import attrs

from ..base.diagnostics import AslPath, Diagnostic
from ..base.source import Caller, Span
from . import kinds
from .expressions import Dynamic, Function
from .fields import UNSET, Element, Language, Unset, asl, by_asl_name, class_of, element, evolve, per_class, sugar
from .flow import End, Flow, Goto, as_flow, chain
from .lowering import lower
from .states import (
    Catcher,
    Choice,
    Fail,
    Map,
    Parallel,
    ProcessorConfig,
    Rule,
    State,
    Step,
    Stepping,
    Succeed,
    Task,
)


@element
class Graph(Element):
    """States and where they start: a branch of a Parallel, or what all machines have."""

    start_at: str | Unset = asl("StartAt", kinds.STATE_NAME, required=True, default=UNSET)
    states: Mapping[str, State] = asl("States", kinds.STATES, required=True, default=attrs.Factory(dict))


@element
class Branch(Graph):
    """A branch of a Parallel."""

    comment: str | Unset = asl("Comment", kinds.STRING, default=UNSET)


@element
class Processor(Branch):
    """What a Map runs for each item."""

    config: ProcessorConfig | Unset = asl("ProcessorConfig", kinds.part(ProcessorConfig), default=UNSET)


@element
class StateMachine(Graph):
    """A whole state machine: `StateMachine("payment", chain(...))`.

    `type` is STANDARD or EXPRESS, `timeout` the execution's time limit in seconds, `input` the type of the execution's
    input (for the checker). The constructor never fails on a mistake in the flow: `problems` has what it found.
    """

    name: str = attrs.field(kw_only=False)
    flow: Step | list[Step] | tuple[Step, ...] | Unset = sugar(default=UNSET, kw_only=False)
    comment: str | Unset = asl("Comment", kinds.STRING, default=UNSET)
    query_language: Language | Unset = asl("QueryLanguage", kinds.LANGUAGE, default=UNSET)
    version: str | Unset = asl("Version", kinds.STRING, default=UNSET)
    timeout: int | Unset = asl("TimeoutSeconds", kinds.POSITIVE_SECONDS, default=UNSET)
    type: Literal["STANDARD", "EXPRESS"] = attrs.field(default="STANDARD", kw_only=True)
    input: Any = attrs.field(default=None, kw_only=True, eq=False)
    problems: list[Diagnostic] = attrs.field(factory=list, init=False, eq=False, repr=False)
    related: Sequence[Function] = attrs.field(default=(), kw_only=True, eq=False, repr=False)
    """Functions that no state calls but that belong to the flow, such as the one that answers a task token."""
    functions: dict[str, Function] = attrs.field(factory=dict, init=False, eq=False, repr=False)
    """The Lambda functions that the flow may call and the related ones, by name."""
    callees: dict[AslPath, tuple[Function, ...]] = attrs.field(factory=dict, init=False, eq=False, repr=False)
    """The functions that the Task at an ASL path may call."""
    links: dict[AslPath, Caller | None] = attrs.field(factory=dict, init=False, eq=False, repr=False)
    """Where a `goto` said the target that stands at an ASL path."""

    def __attrs_post_init__(self) -> None:
        if not isinstance(self.name, str):
            raise TypeError('a StateMachine takes its name first: StateMachine("payment", chain(...))')
        if self.flow is UNSET:
            return
        flow = as_flow(self.flow)
        object.__setattr__(self, "flow", UNSET)
        object.__setattr__(self, "start_at", start_of(flow))
        _wire_all(self, flow)
        for function in self.related:
            self.functions.setdefault(function.name, function)

    def span(self, path: AslPath) -> Span | None:
        """Where the author said what stands at an ASL path, or None where that is not known."""
        return _located(self, path, self.links)


def _located(element: Element, path: AslPath, links: Mapping[AslPath, Caller | None]) -> Span | None:
    """The innermost thing on the way down the path of which it is known where it was said."""
    found, at = element.origin, element
    keywords: tuple[str, ...] = ()
    for index, step in enumerate(path):
        at, names = _into(at, step)
        keywords = names or keywords
        if isinstance(at, Element) and not isinstance(at, Function):
            found, keywords = at.origin or found, ()
        linked = links.get(path[: index + 1])
        if linked is not None:
            return linked.span()
    return found.span(keywords) if found else None


def _into(at: Any, step: str | int) -> tuple[Any, tuple[str, ...]]:
    """One step down an ASL path: what stands there, and the keywords with which the author may have said it."""
    if isinstance(at, Element) and isinstance(step, str):
        spec = by_asl_name(type(at)).get(step)
        if spec is None:
            return at.extras.get(step), (snake(step),)
        return getattr(at, spec.attribute), (spec.attribute, *spec.said_by, *_position(type(at), spec.attribute))
    try:
        return at[step], ()
    except (KeyError, IndexError, TypeError):
        return None, ()


@per_class
def _positional(cls: type[Any]) -> list[str]:
    return [attribute.name for attribute in attrs.fields(cls) if attribute.init and not attribute.kw_only]


def _position(cls: type[Any], attribute: str) -> tuple[str, ...]:
    """The place of a positional argument as `Caller.span` names it."""
    names = _positional(cls)
    return (f"#{names.index(attribute)}",) if attribute in names else ()


def snake(name: str) -> str:
    return "".join("_" + letter.lower() if letter.isupper() else letter for letter in name).lstrip("_")


def start_of(flow: Flow) -> str | Unset:
    first = flow.items[0] if flow.items else None
    return first.name if isinstance(first, State | Goto) else UNSET


def _wire_all(machine: StateMachine, flow: Flow) -> None:
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
        span = origin.span() if origin else _located(step, path, {})
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


def fail(name: str, error: Any = UNSET, cause: Any = UNSET) -> Fail:
    """End the execution as FAILED at a state of this name."""
    return Fail(name, error=error, cause=cause)


def poll(decision: str, step: State, *between: Step, until: Any) -> Flow:
    """Do the step again and again until a condition holds; `between` is done before each new try.

    `decision` names the Choice that asks; `between` usually holds a Wait.
    """
    return chain(step, Choice(decision, Rule(until), otherwise=chain(*between, Goto(step, origin=None))))
