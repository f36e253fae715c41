"""The order of steps: `chain`, `goto`, `end`, `guard`. Steps are immutable values; the machine wires them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeVar, Union, cast

from ..base.arguments import WrongArgument
from ..base.diagnostics import Diagnostic
from ..base.record import Record, evolve, field
from ..base.source import Caller, caller
from .fields import Element
from .tokens import has_tokens, tokens_in

if TYPE_CHECKING:
    from .states import Catcher, State

T = TypeVar("T")
Step = Union["State", "Flow", "Goto", "End", "Guard", "WiredStates"]
"""What a chain takes."""


class Goto(Record):
    """Go on at a state that has its place elsewhere in the same flow."""

    target: Any
    """The state itself, or its name."""
    origin: Caller | None = field(factory=caller, kw_only=True, eq=False, repr=False)

    @property
    def name(self) -> str:
        return self.target if isinstance(self.target, str) else self.target.name


class End(Record):
    """The flow ends here and succeeds."""

    origin: Caller | None = field(factory=caller, kw_only=True, eq=False, repr=False)


class Flow(Record):
    """Steps in their order; `chain` makes it."""

    items: tuple[Any, ...]
    origin: Caller | None = field(default=None, kw_only=True, eq=False, repr=False)

    def __rshift__(self, step: Step) -> Flow:
        return chain(self, step)

    def as_(self, name: str) -> Flow:
        """The same steps under other names, inner states included: `name` and a dot before each name.

        With a `{}` in it, `name` shows where each state's own name goes: `as_("{}Receipt")`.

        >>> from flowdsl import Pass
        >>> [state.name for state in chain(Pass("Render"), Pass("Send")).as_("Receipt").items]
        ['Receipt.Render', 'Receipt.Send']
        """
        return renamed(self, naming(name))


class Guard(Record):
    """Steps with catchers for all of them; `guard` makes it."""

    flow: Flow
    catchers: tuple[Catcher, ...]
    origin: Caller | None = field(factory=caller, kw_only=True, eq=False, repr=False)

    @property
    def name(self) -> str:
        """The name of the first state."""
        return cast("str", self.flow.items[0].name)

    def __rshift__(self, step: Step) -> Flow:
        return chain(self, step)

    def as_(self, name: str) -> Guard:
        """The same steps under other names, as `as_` of a chain makes them."""
        return renamed(self, naming(name))


class WiredStates(Record):
    """States that are wired already, as another tool wrote them: the first is where they start.

    A state that ends goes on to what follows the block; all others lead where they say.
    """

    states: tuple[State, ...]
    settings: Mapping[str, Any] = field(factory=dict, kw_only=True)
    """The other fields of the definition, such as Comment and TimeoutSeconds, by ASL name. A machine that has no other
    steps takes them over."""
    problems: tuple[Diagnostic, ...] = field(default=(), kw_only=True, eq=False, repr=False)
    """Findings about where the states come from, with paths that begin at `States`."""
    origin: Caller | None = field(default=None, kw_only=True, eq=False, repr=False)

    @property
    def name(self) -> str:
        """The name of the first state."""
        return self.states[0].name

    def __rshift__(self, step: Step) -> Flow:
        return chain(self, step)

    def as_(self, name: str) -> WiredStates:
        """The same states under other names, as `as_` of a chain makes them."""
        return renamed(self, naming(name))


def chain(*steps: Step) -> Flow:
    """Steps one after the other: states, other chains, and at the end perhaps `goto(...)` or `end()`.

    >>> from flowdsl import Pass
    >>> [state.name for state in chain(Pass("A"), chain(Pass("B"), Pass("C"))).items]
    ['A', 'B', 'C']
    """
    items: list[Any] = []
    for index, step in enumerate(steps):
        if isinstance(step, Flow):
            items.extend(step.items)
        elif is_step(step):
            items.append(step)
        else:
            raise WrongArgument(f"{describe(step)} is not a step", _instead(step), f"#{index}")
    return Flow(tuple(items), origin=caller())


def _instead(step: Any) -> str:
    """What to write instead of something that is not a step."""
    kind = type(step).__name__
    if isinstance(step, str):
        return f"to go on at the state of this name, write goto({step!r})"
    if isinstance(step, list | tuple | set) or hasattr(step, "__next__"):
        return "write the steps one after the other, or *steps"
    if isinstance(step, type):
        return f'make one: {step.__name__}("Name", ...)' if issubclass(step, Element) else _STEPS
    return _INSTEAD.get(kind, _STEPS)


_STEPS = "a step is a state, a chain, guard(...), goto(...) or end()"
_INSTEAD = {
    "Rule": 'put it into a Choice: Choice("Name", when(condition, steps...))',
    "Catcher": "give it to a state: catch=catch(...), or to many: guard(steps, catch(...))",
    "Retrier": "give it to a state: retry=retry(...)",
    "Defaults": "give it to the machine: StateMachine(..., defaults=Defaults(...))",
    "Function": 'call it with a Task: Task("Name", function)',
    "Dynamic": 'call it with a Task: Task("Name", dynamic(...))',
    "Integration": 'call it with a Task: Task("Name", aws.sqs.send_message(...))',
    "StateMachine": 'to start its execution, write Task("Name", aws.states.start_execution.sync(...))',
    "Expression": 'to hand a value on, write Pass("Name", output=...)',
    "Path": 'to hand a value on, write Pass("Name", output=...)',
    "Condition": 'to decide, write Choice("Name", when(condition, steps...))',
    "NoneType": "does a function that builds steps lack its return?",
}


def guard(steps: Step, *catchers: Catcher) -> Guard:
    """The steps with these catchers on each Task, Map and Parallel of them, after the state's own.

    The steps of a catcher join what follows the guarded ones. What they contain is not guarded by it.
    """
    flow = as_flow(steps, "#0")
    write = "write guard(chain(...), catch(...))"
    if not flow.items:
        raise WrongArgument("guard has no steps", write, "#0")
    if not catchers:
        raise WrongArgument("guard has no catch(...) after its steps", write)
    for index, catcher in enumerate(catchers, 1):
        if not isinstance(catcher, Element) or not hasattr(catcher, "errors") or not hasattr(catcher, "steps"):
            raise WrongArgument(f"guard takes catch(...) after the steps, not {describe(catcher)}", write, f"#{index}")
    return Guard(flow, catchers, origin=caller())


def goto(state: State | Guard | str) -> Goto:
    """Go on at a state that has its place elsewhere in the same flow: for loops and joins."""
    if isinstance(state, str) and has_tokens(state):
        hint = "use a Choice with a goto in each when(...)"
        tokens_in(state)
        raise WrongArgument("goto takes the name of a state as constant text, not an expression", hint, "#0", "state")
    if not isinstance(state, str | Guard | WiredStates) and not hasattr(state, "as_"):
        raise WrongArgument(
            f"goto takes a state or its name, not {describe(state)}", 'write goto("Name")', "#0", "state"
        )
    if isinstance(state, Flow):
        first = getattr(state.items[0], "name", "") if state.items else ""
        hint = f"name its first state: goto({first or 'Name'!r})"
        raise WrongArgument("goto takes a state or its name, not a chain", hint, "#0", "state")
    return Goto(state, origin=caller())


def end() -> End:
    """The flow ends here and succeeds."""
    return End(origin=caller())


def is_step(value: object) -> bool:
    """True if a chain takes the value."""
    return isinstance(value, Flow | Goto | End | Guard | WiredStates) or (
        isinstance(value, Element) and hasattr(value, "as_")
    )


def as_flow(steps: Any, *names: str) -> Flow:
    """One step or a list of steps as a chain. `names` are those of the argument, if it is one of several."""
    if isinstance(steps, Flow):
        return steps
    is_list = isinstance(steps, list | tuple)
    try:
        return chain(*steps) if is_list else chain(steps)
    except WrongArgument as wrong:
        if not names:
            raise
        inside = (int(wrong.names[0][1:]),) if is_list else ()
        raise WrongArgument(wrong.message, wrong.hint, *names, inside=inside) from None


def describe(value: object) -> str:
    """A value in the words of a message, without what is inside it."""
    if isinstance(value, Goto):
        return f'goto("{value.name}")'
    if isinstance(value, End):
        return "end()"
    if isinstance(value, Flow):
        return "a chain"
    if isinstance(value, str | int | float | bool | None):
        return repr(value)
    if isinstance(value, WiredStates):
        return f"a block that starts at {value.name!r}"
    if isinstance(value, type):
        return f"the class {value.__name__}"
    name = getattr(value, "name", None) if isinstance(value, Element) else None
    kind = type(value).__name__
    maker = {"Retrier": "retry(...)", "Catcher": "catch(...)", "Rule": "when(...)", "Guard": "guard(...)"}.get(kind)
    if kind == "Template":
        return "a t-string"
    if kind in ("Expression", "Path", "Condition"):
        return repr(value)
    return maker or (f"the {kind} {name!r}" if name else f"{'an' if kind[0] in 'AEIO' else 'a'} {kind}")


def naming(name: str) -> Callable[[str], str]:
    """The renaming that `as_` means: the name put into the `{}`, or the text and a dot before the name."""
    if not isinstance(name, str):
        raise WrongArgument(f"as_ takes text, not {describe(name)}", 'write as_("Receipt")', "#0", "name")
    pattern = name if "{}" in name else name + ".{}"
    return lambda old: pattern.replace("{}", old)


def renamed(value: T, rename: Callable[[str], str]) -> T:
    """A state or flow with other names for all its states; a goto to a state outside stays."""
    names = {state.name: rename(state.name) for state in states_within(value)}
    return cast("T", _renamed(value, names))


def states_within(value: Any) -> Iterator[Any]:
    """Every state in a state, a flow or a list of them, the inner ones included."""
    return (part for part in parts_within(value) if isinstance(part, Element) and is_step(part))


def gotos_within(value: Any) -> Iterator[Goto]:
    """Every goto in a state, a flow or a list of them, the inner ones included."""
    return (part for part in parts_within(value) if isinstance(part, Goto))


def parts_within(value: Any, branches: list[Any] | None = None) -> Iterator[Any]:
    """A state, a flow or a list of them, and every element, chain and step inside it.

    With `branches`, those of Parallel and Map, whose variables are their own, are added to this list instead.
    """
    stack = [value]
    while stack:
        item = stack.pop()
        if item.__class__ in _PLAIN:
            continue
        if isinstance(item, Element | Flow | Guard | WiredStates | Goto | End):
            yield item
        if isinstance(item, Flow):
            stack.extend(reversed(item.items))
        elif isinstance(item, Guard):
            stack.extend(reversed([item.flow, *item.catchers]))
        elif isinstance(item, WiredStates):
            stack.extend(reversed(item.states))
        elif isinstance(item, list | tuple):
            stack.extend(reversed(item))
        elif isinstance(item, Element):
            names = _fields_with_steps(item)
            if branches is not None:
                branches += [getattr(item, name) for name in names if name in _BRANCHES]
                names = [name for name in names if name not in _BRANCHES]
            stack.extend(reversed([getattr(item, name) for name in names]))
        elif isinstance(item, Mapping):
            stack.extend(
                reversed([part for part in item.values() if isinstance(part, Flow | Element | Guard | WiredStates)])
            )


_PLAIN = (str, int, float, bool)
_BRANCHES = ("branches", "named", "processor", "iterator")


def _fields_with_steps(element: Element) -> list[str]:
    return [
        name
        for name, value in vars(element).items()
        if isinstance(value, Element | Flow | Guard | WiredStates | tuple | list)
        or (name == "named" and isinstance(value, Mapping))
    ]


def _renamed(value: Any, names: Mapping[str, str]) -> Any:
    if isinstance(value, Flow):
        return Flow(tuple(_renamed(item, names) for item in value.items), origin=value.origin)
    if isinstance(value, WiredStates):
        return evolve(value, states=_renamed(value.states, names))
    if isinstance(value, Guard):
        catchers = tuple(_renamed(each, names) for each in value.catchers)
        return Guard(_renamed(value.flow, names), catchers, origin=value.origin)
    if isinstance(value, list | tuple):
        return tuple(_renamed(item, names) for item in value)
    if isinstance(value, Goto):
        return Goto(names[value.name], origin=value.origin) if value.name in names else value
    if isinstance(value, Mapping):
        return {key: _renamed(item, names) for key, item in value.items()}
    if not isinstance(value, Element):
        return value
    changes = {name: _renamed(getattr(value, name), names) for name in _fields_with_steps(value)}
    for name in ("name", "next", "default") if is_step(value) else ("next",):
        old = getattr(value, name, None)
        if isinstance(old, str) and old in names:
            changes[name] = names[old]
    return evolve(value, **changes)
