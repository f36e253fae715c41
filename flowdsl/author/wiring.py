"""The wiring: it gives every state of a flow its way on, and writes the state in the machine's query language."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from ..base.arguments import WrongArgument
from ..base.diagnostics import AslPath, Diagnostic
from ..base.record import Record, evolve, field
from ..base.source import Caller
from .expressions import Expression
from .fields import UNSET, Language, Unset
from .flow import End, Flow, Goto, Guard, WiredStates, as_flow, states_within
from .functions import Dynamic, Function
from .graphs import Branch, Graph, Processor
from .integrations import Integration
from .jsonpath import JSONATA
from .lowering import lower
from .places import locate, unknown_settings
from .services import places
from .states import Catcher, Choice, Map, Parallel, ProcessorConfig, Rule, State, Stepping, Succeed, Task, Working

if TYPE_CHECKING:
    from .machine import StateMachine


def start_of(flow: Flow) -> str | Unset:
    """The name of the state at which a flow starts."""
    first = flow.items[0] if flow.items else None
    return first.name if isinstance(first, State | Goto | Guard | WiredStates) else UNSET


def _language(element: StateMachine | State, default: Language) -> Language:
    """The query language of a machine or state, also if its capitals are wrong, which the checker reports."""
    text = str(getattr(element, "query_language", UNSET)).lower()
    return "JSONata" if text == "jsonata" else "JSONPath" if text == "jsonpath" else default


def wire(machine: StateMachine, flow: Flow) -> None:
    """Wire the flow and every flow inside it, with a list of what is still to do instead of recursion."""
    language = _language(machine, "JSONPath")
    defaults = machine.defaults
    around = (_Around(defaults.catchers(), _END, defaults.targets()),) if defaults and defaults.catchers() else ()
    functions: dict[str, Function] = {}
    jobs: list[tuple[Flow, Graph, AslPath]] = [(flow, machine, ())]
    while jobs:
        inner, graph, path = jobs.pop()
        if not inner.items:
            span = inner.origin.span() if inner.origin else None
            hint = 'add a state, as in chain(Pass("First"))'
            machine.problems.append(
                Diagnostic("FD103", "the chain has no steps", (*path, "States"), span=span, hint=hint)
            )
        wiring = _Wiring(machine, (*path, "States"), language, flow, functions)
        wiring.run(inner, graph.states, () if path else around)  # type: ignore[arg-type]
        jobs.extend(reversed(wiring.inner))
    _join_language_problems(machine.problems)


def _join_language_problems(problems: list[Diagnostic]) -> None:
    """Make one problem of those that come from a forgotten query_language=."""
    several = [each for each in problems if JSONATA in (each.hint or "")]
    if len(several) < _FORGOTTEN:
        return
    first, *others = several
    lines = sorted({each.span.line for each in others if each.span})
    where = f" (line{'s' * (len(lines) > 1)} {', '.join(map(str, lines))})" if lines else ""
    message = f"{first.message}, and so do {len(others)} more expressions{where}"
    problems[problems.index(first)] = evolve(first, message=message, hint=JSONATA)
    for each in others:
        problems.remove(each)


_END = End(origin=None)
_FORGOTTEN = 3
"""The number of expressions that need JSONata from which on the machine lacks its query_language=."""


class _Around(Record):
    """Catchers around a run of steps, and what their own steps join. `exempt` is None if it is a `guard`."""

    catchers: tuple[Catcher, ...]
    follow: str | End
    exempt: frozenset[str] | None = None
    """For the machine's defaults: the states that do not get the catchers."""

    def applies(self, step: State) -> bool:
        return self.exempt is None or (getattr(step, "catch", UNSET) is UNSET and step.name not in self.exempt)


Guards = tuple[_Around, ...]
"""Innermost first."""


class _Fork(Record):
    """Steps that leave a state by a rule or a catcher, what they join, and the guards around them."""

    flow: Flow
    follow: str | End
    guards: Guards


class _Wiring(Record, frozen=False):
    """The wiring of one graph."""

    machine: StateMachine
    path: AslPath
    language: Language
    whole: Flow
    """The machine's whole flow, for its names."""
    functions: dict[str, Function]
    """Every function that a Task of the machine calls, by its name."""
    seen: dict[str, tuple[State, str | End]] = field(factory=dict)
    inner: list[tuple[Flow, Graph, AslPath]] = field(factory=list)
    forks: list[_Fork] = field(factory=list)
    """The forks of the state that is being added."""
    end: Succeed | None = None
    """Where rules and catchers lead that end the flow, once one of them does."""

    def run(self, flow: Flow, states: dict[str, State], guards: Guards) -> None:
        rest: list[tuple[tuple[Any, ...], int, str | End, Guards]] = [(flow.items, 0, _END, guards)]
        while rest:
            items, index, after, guards = rest.pop()
            while index < len(items):
                step, index = items[index], index + 1
                if isinstance(step, Goto | End):
                    if index < len(items):
                        self._problem("FD210", (), "steps after goto(...) or end() never run", step.origin)
                    break
                follow = self._entry(items, index, after)
                if isinstance(step, Guard):
                    rest.append((items, index, after, guards))
                    rest.append((step.flow.items, 0, follow, (_Around(step.catchers, follow), *guards)))
                    break
                if index < len(items) and isinstance(items[index], Goto):
                    self.machine.links[(*self.path, step.name, "Next")] = items[index].origin
                if isinstance(step, WiredStates):
                    self._block(step, follow, states, guards)
                else:
                    self._add(step, follow, states, guards)
                if self.forks:
                    rest.append((items, index, after, guards))
                    rest.extend((fork.flow.items, 0, fork.follow, fork.guards) for fork in reversed(self.forks))
                    self.forks = []
                    break
        if self.end:
            states[self.end.name] = self.end

    def _entry(self, items: tuple[Any, ...], index: int, after: str | End) -> str | End:
        if index >= len(items):
            return after
        step = items[index]
        return step if isinstance(step, End) else step.name

    def _add(
        self, step: State, follow: str | End, states: dict[str, State], guards: Guards, *, keeps_default: bool = False
    ) -> None:
        """Put a state into the graph; the flows that fork off it are left in `forks`, to be wired next."""
        if step.name in self.seen:
            self._again(step, follow)
            return
        self.seen[step.name] = (step, follow)
        self._note_functions(step)
        own = _language(step, self.language)
        links = {(*self.path, step.name, *below): origin for below, origin in places(step, own).items()}
        self.machine.links.update(links)
        guarded, joins = self._guarded(step, follow, guards)
        lowered = lower(guarded, own, partial(self._report, step))
        state, tail = lowered.state, lowered.tail
        states[step.name] = state
        if tail and isinstance(state, Stepping):
            tail = evolve(tail, next=state.next, end=state.end)
            state = evolve(state, next=tail.name, end=UNSET)
            states[tail.name] = self._follow(tail, follow)
        if isinstance(state, Choice) and isinstance(step, Choice) and not keeps_default:
            state = self._choice(state, step, follow, guards)
        elif isinstance(state, Stepping):
            state = self._follow(state, follow)
        if getattr(state, "catch", UNSET):
            state = self._catch(state, joins)
        states[step.name] = self._inner_flows(state, step, (*self.path, step.name))

    def _block(self, block: WiredStates, follow: str | End, states: dict[str, State], guards: Guards) -> None:
        """Put the states of a block into the graph: a Choice without a default keeps having none."""
        for state in block.states:
            self._add(state, follow, states, guards, keeps_default=True)
        problems = (evolve(each, path=(*self.path, *each.path[1:])) for each in block.problems)
        self.machine.problems.extend(problems)

    def _guarded(self, step: State, follow: str | End, guards: Guards) -> tuple[State, list[tuple[str | End, Guards]]]:
        """The state with the machine's defaults and the guards' catchers, and what each of its catchers joins.

        What a States.ALL catches does not come to the guards around it.
        """
        if self.machine.defaults:
            step = self.machine.defaults.applied(step)
        if not isinstance(step, Working):
            return step, []
        caught = step.catch if isinstance(step.catch, list | tuple) else (step.catch,)
        catchers: list[Any] = [each for each in caught if isinstance(each, Catcher | Mapping)]
        joins: list[tuple[str | End, Guards]] = [(follow, guards)] * len(catchers)
        added = False
        for index, around in enumerate(guards):
            if not around.applies(step) or any("States.ALL" in getattr(each, "errors", ()) for each in catchers):
                continue
            catchers += around.catchers
            joins += [(around.follow, guards[index + 1 :])] * len(around.catchers)
            added = True
        wrong = [each for each in caught if not isinstance(each, Catcher | Mapping | Unset)]
        return (evolve(step, catch=(*catchers, *wrong)) if added else step), joins

    def _follow(self, state: Any, target: str | End) -> Any:
        if state.next is not UNSET or state.end is not UNSET:
            return state
        return evolve(state, end=True) if isinstance(target, End) else evolve(state, next=target)

    def _choice(self, state: Choice, step: Choice, follow: str | End, guards: Guards) -> Choice:
        def branch(index: int, rule: Any) -> Any:
            return self._branch(rule, (follow, guards), step, ("Choices", index)) if isinstance(rule, Rule) else rule

        if not state.choices:
            self._problem(
                "FD104", (step.name,), "the Choice has no rules", step.origin, "add when(condition, steps...)"
            )
        for index, rule in enumerate(step.choices if isinstance(step.choices, list | tuple) else ()):
            if isinstance(rule, Rule) and isinstance(rule.condition, Expression):
                self.machine.conditions[(*self.path, step.name, "Choices", index)] = rule.condition
        rules = _each(state.choices, branch)
        state = evolve(state, choices=rules, otherwise=UNSET)
        if state.default is not UNSET or step.otherwise is None:
            return state
        other = self._steps(step.otherwise, step, ("Default",), step) if step.otherwise is not UNSET else Flow(())
        return evolve(state, default=self._target(other, (follow, guards), step, ("Default",)))

    def _catch(self, state: Any, joins: list[tuple[str | End, Guards]]) -> Any:
        def branch(index: int, each: Any) -> Any:
            return self._branch(each, joins[index], state, ("Catch", index)) if isinstance(each, Catcher) else each

        catchers = _each(state.catch, branch)
        return evolve(state, catch=catchers)

    def _branch(self, part: Any, join: tuple[str | End, Guards], state: State, at: AslPath) -> Any:
        if part.next is not UNSET:
            if part.steps:
                what = "next= and steps both set where it leads"
                self._problem("FD212", (state.name, *at), what, part.origin, "remove next=")
            return evolve(part, steps=())
        steps = self._steps(part.steps, state, at, part) if part.steps else Flow(())
        target = self._target(steps, join, state, (*at, "Next"))
        return evolve(part, steps=(), next=target)

    def _steps(self, steps: Any, state: State, at: AslPath, written: Any) -> Flow:
        """The steps as a chain; `written` is the rule, catcher or Choice that they were given to."""
        try:
            return as_flow(steps)
        except WrongArgument as wrong:
            index = int(wrong.names[0][1:])
            if isinstance(written, Choice):
                names, inside = ("otherwise",), ((index,) if isinstance(steps, list | tuple) else ())
            else:
                names, inside = (f"#{index + 1}",), ()  # the condition or the errors come first
            span = written.origin.span(names, inside) if written.origin else None
            path = (*self.path, state.name, *at)
            self.machine.problems.append(Diagnostic("FD214", wrong.message, path, span=span, hint=wrong.hint))
            return Flow(())

    def _target(self, steps: Flow, join: tuple[str | End, Guards], state: State, at: AslPath) -> str:
        """Where a fork leads. The end of the flow needs a state here, for a rule or a catcher has no End."""
        target = self._entry(steps.items, 0, join[0])
        if steps.items and isinstance(steps.items[0], Goto):
            self.machine.links[(*self.path, state.name, *at)] = steps.items[0].origin
        if steps.items:
            self.forks.append(_Fork(steps, *join))
        if not isinstance(target, End):
            return target
        if self.end is None:
            self.end = Succeed(self._end_name(state), origin=state.origin)
        return self.end.name

    def _end_name(self, state: State) -> str:
        """`End`, or that of the enclosing state, if the author has not named a state so."""
        owner = [step for step in self.path if isinstance(step, str)][-3:-2]  # …, "States", owner, "Branches", "States"
        index = self.path[-2] if len(self.path) > 1 and isinstance(self.path[-2], int) else 0
        name = (f"{owner[0]}.End" if owner else "End") + (str(index + 1) if index else "")
        taken = {each.name for each in states_within(self.whole)}
        return name if name not in taken else state.name + ".End"

    def _inner_flows(self, state: State, step: State, here: AslPath) -> State:
        if isinstance(state, Parallel):
            listed = () if state.branches is UNSET else state.branches
            branches = _each(listed, lambda index, item: self._graph(item, Branch, (*here, "Branches", index)))
            return evolve(state, branches=branches)
        if isinstance(state, Map) and isinstance(step, Map) and state.processor is not UNSET:
            processor = self._graph(state.processor, Processor, (*here, "ItemProcessor"))
            if step.mode is not UNSET or step.execution_type is not UNSET:
                config = ProcessorConfig(mode=step.mode, execution_type=step.execution_type, origin=step.origin)
                processor = evolve(processor, config=config)
            return evolve(state, processor=processor)
        if isinstance(state, Map) and state.iterator is not UNSET:
            return evolve(state, iterator=self._graph(state.iterator, Processor, (*here, "Iterator")))
        return state

    def _graph(self, flow: Any, cls: type[Any], path: AslPath) -> Any:
        if isinstance(flow, Graph):
            return flow
        if not isinstance(flow, State | Flow | Guard | WiredStates | list | tuple):
            return flow
        inner = as_flow(flow)
        graph = cls(start_at=start_of(inner), origin=None)
        self.inner.append((inner, graph, path))
        return graph

    def _note_functions(self, step: State) -> None:
        if not isinstance(step, Task):
            return
        resource = step.resource
        named: Iterable[Any] = (resource,)
        if isinstance(resource, Dynamic):
            named = resource.allowed
        elif isinstance(resource, Integration):  # aws.lambda_.invoke(FunctionName=function, …)
            named = resource.arguments.values()
        functions = tuple(each for each in named if isinstance(each, Function))
        own = tuple(each for each in functions if each.source)
        if own:
            self.machine.callees[(*self.path, step.name)] = own
        for function in functions:
            if function.name not in self.functions:
                at = (*self.path, step.name, "Resource")
                self.machine.problems.extend(evolve(each, path=at) for each in unknown_settings(function))
            known = self.functions.setdefault(function.name, function)
            if function.source:
                self.machine.functions.setdefault(function.name, function)
            if known != function:
                message = f"two different functions are named {function.name!r}"
                self._problem("FD213", (step.name, "Resource"), message, function.origin, "give one another name")

    def _again(self, step: State, follow: str | End) -> None:
        """The same state a second time: a join, if both lead on to the same state."""
        first, before = self.seen[step.name]
        where = f" (first at line {first.origin.span().line})" if first.origin else ""
        if first is not step:
            message = f"two states are named {step.name!r}{where}"
            hint = 'give one of them another name, or put a prefix before its names with .as_("...")'
            self._problem("FD201", (step.name,), message, step.origin, hint)
        elif before != follow and isinstance(step, Stepping):
            message = (
                f"state {step.name!r} is used twice and leads on to {_target_text(before)} and {_target_text(follow)}"
            )
            hint = f'write goto({step.name!r}) at one of them, or use a copy with .as_("...")'
            self._problem("FD211", (step.name,), message, step.origin, hint)

    def _report(self, step: State, path: AslPath, message: str, hint: str, origin: Caller | None) -> None:
        calls = {**places(step, "JSONPath"), **places(step, "JSONata")}
        span = origin.span() if origin else locate(step, path, calls)
        self.machine.problems.append(Diagnostic("FD212", message, (*self.path, step.name, *path), span=span, hint=hint))

    def _problem(self, code: str, path: AslPath, message: str, origin: Caller | None, hint: str | None = None) -> None:
        span = origin.span() if origin else None
        self.machine.problems.append(Diagnostic(code, message, (*self.path, *path), span=span, hint=hint))


def _each(value: Any, change: Callable[[int, Any], Any]) -> Any:
    """The list of parts with each changed; anything else is left as it is, for the checker to report."""
    return tuple(change(index, item) for index, item in enumerate(value)) if isinstance(value, list | tuple) else value


def _target_text(target: str | End) -> str:
    return "the end" if isinstance(target, End) else repr(target)
