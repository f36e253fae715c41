"""The order of steps: `chain`, `goto`, `end`. Steps are immutable values; the machine wires them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeVar, cast

import attrs

from ..base.source import Caller, caller
from .fields import Element, evolve

T = TypeVar("T")


@attrs.frozen
class Goto:
    """Go on at a state that stands elsewhere in the same flow."""

    target: Any
    """The state itself, or its name."""
    origin: Caller | None = attrs.field(factory=caller, kw_only=True, eq=False, repr=False)

    @property
    def name(self) -> str:
        return self.target if isinstance(self.target, str) else self.target.name


@attrs.frozen
class End:
    """The flow ends here and succeeds."""

    origin: Caller | None = attrs.field(factory=caller, kw_only=True, eq=False, repr=False)


@attrs.frozen
class Flow:
    """Steps in their order; made by `chain`."""

    items: tuple[Any, ...]

    def __rshift__(self, step: Any) -> Flow:
        return chain(self, step)

    def as_(self, prefix: str) -> Flow:
        """The same steps with `prefix` put in front of every state's name, inner states included."""
        return renamed(self, prefix)


def chain(*steps: Any) -> Flow:
    """Steps one after the other: states, other chains, and at the end perhaps `goto(...)` or `end()`.

    >>> from flowdsl.states import Pass
    >>> [state.name for state in chain(Pass("A"), chain(Pass("B"), Pass("C"))).items]
    ['A', 'B', 'C']
    """
    items: list[Any] = []
    for step in steps:
        if isinstance(step, Flow):
            items.extend(step.items)
        elif isinstance(step, Goto | End) or (isinstance(step, Element) and hasattr(step, "as_")):
            items.append(step)
        else:
            raise TypeError(f"chain takes states, chains, goto(...) and end(), not {step!r}")
    return Flow(tuple(items))


def goto(state: Any) -> Goto:
    """Go on at a state that has its place elsewhere in the same flow: this is how a loop or a join is said."""
    return Goto(state, origin=caller())


def end() -> End:
    """The flow ends here and succeeds."""
    return End(origin=caller())


def as_flow(steps: Any) -> Flow:
    """One step or a list of steps as a chain."""
    if isinstance(steps, Flow):
        return steps
    return chain(*steps) if isinstance(steps, list | tuple) else chain(steps)


def renamed(value: T, prefix: str) -> T:
    """A state or flow with `prefix` in front of the names of all its states; a goto to a state outside stays."""
    names = frozenset(state.name for state in states_within(value))
    return cast("T", _renamed(value, prefix, names))


def states_within(value: Any) -> Iterator[Any]:
    """Every state in a state, a flow or a list of them, the inner ones included."""
    stack = [value]
    while stack:
        item = stack.pop()
        if isinstance(item, Flow):
            stack.extend(reversed(item.items))
        elif isinstance(item, list | tuple):
            stack.extend(reversed(item))
        elif isinstance(item, Mapping):
            stack.extend(reversed([part for part in item.values() if isinstance(part, Flow | Element)]))
        elif isinstance(item, Element):
            if hasattr(item, "name"):
                yield item
            stack.extend(reversed([getattr(item, name) for name in _fields_with_steps(item)]))


def _fields_with_steps(element: Element) -> list[str]:
    return [
        attribute.name
        for attribute in attrs.fields(type(element))  # type: ignore[arg-type]
        if isinstance(getattr(element, attribute.name), Element | Flow | tuple | list)
        or (attribute.name == "named" and isinstance(getattr(element, attribute.name), Mapping))
    ]


def _renamed(value: Any, prefix: str, names: frozenset[str]) -> Any:
    if isinstance(value, Flow):
        return Flow(tuple(_renamed(item, prefix, names) for item in value.items))
    if isinstance(value, list | tuple):
        return tuple(_renamed(item, prefix, names) for item in value)
    if isinstance(value, Goto):
        return Goto(prefix + value.name, origin=value.origin) if value.name in names else value
    if isinstance(value, Mapping):
        return {key: _renamed(item, prefix, names) for key, item in value.items()}
    if not isinstance(value, Element):
        return value
    changes = {name: _renamed(getattr(value, name), prefix, names) for name in _fields_with_steps(value)}
    if hasattr(value, "name"):
        changes["name"] = prefix + value.name
    for target in ("next", "default"):
        if getattr(value, target, None) in names:
            changes[target] = prefix + getattr(value, target)
    return evolve(value, **changes)
