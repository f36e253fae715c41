"""What an ASL field is: declared once, read by the constructor, load, dump, the checker and the span finder."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from enum import Enum
from functools import cache, wraps
from typing import Any, Final, Literal, ParamSpec, TypeVar, cast, dataclass_transform

import attrs

from ..base.source import Caller, caller

Language = Literal["JSONPath", "JSONata"]
T = TypeVar("T")
P = ParamSpec("P")


class Unset(Enum):
    """The type of `UNSET`, which says that a field is absent; None is a value (`"ResultPath": null` means discard)."""

    UNSET = "unset"

    def __repr__(self) -> str:
        return "UNSET"

    def __bool__(self) -> bool:
        return False


UNSET: Final = Unset.UNSET


class ByPath(str):
    """A value that is said by path: the JSONPath text goes into the field's `…Path` twin, such as `SecondsPath`."""

    __slots__ = ()


@attrs.frozen
class Kind:
    """A kind of JSON value that a field takes.

    `what` completes "must be …"; `accepts` tells of a JSON value whether it is one. `shape` tells the passes how to go
    on: a scalar, a path, a template, one part or a list of parts, one state machine or a list of them.
    """

    what: str
    accepts: Callable[[Any], bool]
    shape: Literal["scalar", "path", "template", "rule", "part", "parts", "machine", "machines", "states"] = "scalar"
    of: type[Any] | None = None
    """The class of a part."""
    text: bool = False
    """Whether its values are strings, so that a `${Substitution}` may stand there until the definition is deployed."""
    words: tuple[str, ...] = ()
    """The only words it takes, if it is one of a few."""
    said: str | None = None
    """What AWS says of a value that is none, where that is known."""
    least: float | None = None
    most: float | None = None
    """The bounds of a number."""
    is_duration: bool = False
    """True for seconds: authors may give a timedelta."""

    def complaint(self, value: Any) -> str | None:
        """What AWS says of this value, which is none, where that is known."""
        if isinstance(value, int | float) and not isinstance(value, bool):
            if self.least is not None and value < self.least:
                return f"Minimum value is {self.least}"
            if self.most is not None and value > self.most:
                return f"Maximum value is {self.most}"
        return self.said


@attrs.frozen
class Spec:
    """An ASL field: its JSON name, its kind, and where it is allowed."""

    name: str
    kind: Kind
    path: str | None = None
    """The twin that takes a JSONPath instead (`SecondsPath` for `Seconds`); JSONPath only."""
    language: Language | None = None
    """The only query language that has the field; None means both."""
    jsonata: bool = False
    """Whether a JSONata state may say it as `{% … %}`."""
    required: bool = False
    attribute: str = ""
    """The name of the Python attribute; filled in when the class is made."""
    said_by: tuple[str, ...] = ()
    """Other keywords of the constructor that lead to this field: `into` leads to ResultPath."""
    by: Kind | None = None
    """The kind of path that the twin takes; None means a Reference Path."""


def asl(
    name: str,
    kind: Kind,
    *,
    path: str | None = None,
    language: Language | None = None,
    jsonata: bool = False,
    required: bool = False,
    said_by: tuple[str, ...] = (),
    by: Kind | None = None,
    default: Any = UNSET,
    kw_only: bool = True,
) -> Any:
    """Declare an ASL field on a state or a part of one."""
    spec = Spec(name, kind, path, language, jsonata, required, said_by=said_by, by=by)
    converter = in_seconds if kind.is_duration else None
    return attrs.field(default=default, kw_only=kw_only, metadata={"asl": spec}, converter=converter)


def in_seconds(value: Any) -> Any:
    """A timedelta as seconds, any other value as it is."""
    if not isinstance(value, timedelta):
        return value
    seconds = value.total_seconds()
    return int(seconds) if seconds.is_integer() else seconds


def sugar(*, default: Any = UNSET, kw_only: bool = True) -> Any:
    """Declare a keyword for authors that is not a field of ASL: the machine turns it into fields when it is made."""
    return attrs.field(default=default, kw_only=kw_only)


@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(asl, sugar, attrs.field))
def element(cls: type[T]) -> type[T]:
    """A frozen attrs class for a state or a part of one.

    A keyword that the class does not have is kept in `extras`, so that the checker can report it at its place together
    with every other mistake of the file.
    """
    # Generating these for each class would be half of the time that importing flowdsl takes: Element has them once.
    made: Any = attrs.frozen(cls, eq=False, repr=False)
    initialise = made.__init__
    known = {attribute.alias for attribute in attrs.fields(made)}
    rest = getattr(made, "rest", "")

    def __init__(self: Any, *values: Any, **fields: Any) -> None:  # noqa: N807 - it becomes the class's own
        if not fields.keys() <= known:
            unknown = {pascal(key): fields.pop(key) for key in [*fields] if key not in known}
            fields["extras"] = {**fields.get("extras", {}), **unknown}
        if rest and len(values) > 1:
            values = (values[0], values[1:])
        initialise(self, *values, **fields)
        note(self)

    __init__.__doc__ = initialise.__doc__
    __init__.__wrapped__ = initialise  # type: ignore[attr-defined]
    made.__init__ = __init__
    return made  # type: ignore[no-any-return]


def keeping_unknown(make: Callable[P, T]) -> Callable[P, T]:
    """For a function that makes an element: it takes every keyword of the element's class.

    A keyword that the class does not have is kept in the element's `extras`.
    """
    known = make.__code__.co_varnames[: make.__code__.co_argcount + make.__code__.co_kwonlyargcount]

    @wraps(make)
    def make_element(*values: Any, **fields: Any) -> T:
        others = {key: fields.pop(key) for key in [*fields] if key not in known}
        element = make(*values, **fields)
        own = {key: others.pop(key) for key in [*others] if key in specs(type(element))}
        extras = {pascal(key): value for key, value in others.items()}
        return evolve(element, **own, **({"extras": extras} if extras else {})) if own or extras else element

    return cast("Callable[P, T]", make_element)


_written: list[Any] | None = None


@contextmanager
def noting_elements() -> Iterator[list[Any]]:
    """Collect every element that is made meanwhile."""
    global _written
    before, _written = _written, []
    try:
        yield _written
    finally:
        _written = before


def note(value: T) -> T:
    """The element, collected by `noting_elements`."""
    if _written is not None:
        _written.append(value)
    return value


@element
class Element:
    """A state or a part of a state: something that the author said at one place and ASL writes as a JSON object."""

    extras: Mapping[str, Any] = attrs.field(factory=dict, kw_only=True, repr=False)
    """Fields that ASL does not know here, as they were given."""
    origin: Caller | None = attrs.field(factory=caller, kw_only=True, eq=False, repr=False)

    def __eq__(self, other: object) -> bool:
        if type(self) is not type(other):
            return NotImplemented
        return all(
            getattr(self, attribute.name) == getattr(other, attribute.name)
            for attribute in attrs.fields(class_of(self))
            if attribute.eq
        )

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        shown = [
            f"{attribute.alias}={getattr(self, attribute.name)!r}"
            for attribute in attrs.fields(class_of(self))
            if attribute.repr and getattr(self, attribute.name) is not UNSET
        ]
        return f"{type(self).__name__}({', '.join(shown)})"


def class_of(value: object) -> type[Any]:
    """The type checkers do not know that `element` makes classes of attrs."""
    return type(value)


def per_class(function: Callable[[type[Any]], T]) -> Callable[[type[Any]], T]:
    """`functools.cache`, which the type checkers do not take for classes of frozen values."""
    return cache(function)  # type: ignore[return-value]


def pascal(keyword: str) -> str:
    """`max_delay` as ASL would spell it: `MaxDelay`."""
    return "".join(part[:1].upper() + part[1:] for part in keyword.split("_"))


@per_class
def specs(cls: type[Any]) -> dict[str, Spec]:
    """The ASL fields of a class by Python attribute, in the order in which they are written."""
    return {
        attribute.name: attrs.evolve(attribute.metadata["asl"], attribute=attribute.name)
        for attribute in attrs.fields(cls)
        if "asl" in attribute.metadata
    }


@per_class
def by_asl_name(cls: type[Any]) -> dict[str, Spec]:
    """The ASL fields of a class by JSON name, the `…Path` twins included."""
    found: dict[str, Spec] = {}
    for spec in specs(cls).values():
        found[spec.name] = spec
        if spec.path:
            found[spec.path] = spec
    return found


def given(element: Element) -> Iterator[tuple[Spec, Any]]:
    """The ASL fields that were said, in the order in which they are written."""
    for attribute, spec in specs(type(element)).items():
        value = getattr(element, attribute)
        if value is not UNSET:
            yield spec, value


def evolve(value: T, **changes: Any) -> T:
    """A copy of a frozen attrs value with some attributes changed, without running its constructor again."""
    copy = object.__new__(type(value))
    for name in _slots(type(value)):
        object.__setattr__(copy, name, changes[name] if name in changes else getattr(value, name))
    return copy


@per_class
def _slots(cls: type[Any]) -> tuple[str, ...]:
    return tuple(attribute.name for attribute in attrs.fields(cls))
