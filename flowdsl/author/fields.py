"""What an ASL field is: declared once, read by the constructor, load, dump, the checker and the span finder."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from enum import Enum
from functools import cache, wraps
from typing import Any, ClassVar, Final, Literal, ParamSpec, TypeVar, cast, dataclass_transform

from ..base.record import REQUIRED, Field, Immutable, Record, evolve
from ..base.source import Caller, caller

Language = Literal["JSONPath", "JSONata"]
T = TypeVar("T")
P = ParamSpec("P")


class Unset(Enum):
    """The type of `UNSET`, which means that a field is absent; None is a value (`"ResultPath": null` means discard)."""

    UNSET = "unset"

    def __repr__(self) -> str:
        return "UNSET"

    def __bool__(self) -> bool:
        return False


UNSET: Final = Unset.UNSET


class ByPath(str):
    """A value given by a path: the JSONPath text goes into the field's `…Path` twin, such as `SecondsPath`."""

    __slots__ = ()


class Kind(Record):
    """A kind of JSON value that a field takes.

    `what` completes "must be …" in messages; `accepts` returns True for a JSON value of the kind. `shape` tells the
    passes how to go on: a scalar, a path, a template, one part or a list of parts, one state machine or a list of them.
    """

    what: str
    accepts: Callable[[Any], bool]
    shape: Literal["scalar", "path", "template", "rule", "part", "parts", "machine", "machines", "states"] = "scalar"
    of: type[Any] | None = None
    """The class of a part."""
    text: bool = False
    """True if its values are strings, so that the value may be a `${Substitution}` until the definition is deployed."""
    words: tuple[str, ...] = ()
    """The values that it takes, if they are a few words."""
    aws_message: str | None = None
    """AWS's message for a value of another kind, if it is known."""
    least: float | None = None
    most: float | None = None
    """The bounds of a number."""
    is_duration: bool = False
    """True for seconds: authors may give a timedelta."""

    def complaint(self, value: Any) -> str | None:
        """Return AWS's message for a value of another kind, if it is known."""
        if isinstance(value, int | float) and not isinstance(value, bool):
            if self.least is not None and value < self.least:
                return f"Minimum value is {self.least}"
            if self.most is not None and value > self.most:
                return f"Maximum value is {self.most}"
        return self.aws_message


class Spec(Record):
    """An ASL field: its JSON name, its kind, and where it is allowed."""

    name: str
    kind: Kind
    path: str | None = None
    """The twin that takes a JSONPath instead (`SecondsPath` for `Seconds`); JSONPath only."""
    language: Language | None = None
    """The only query language that has the field; None means both."""
    jsonata: bool = False
    """True if a JSONata state may give it as `{% … %}`."""
    required: bool = False
    attribute: str = ""
    """The name of the Python attribute; filled in by `specs`."""
    keywords: tuple[str, ...] = ()
    """Other keywords of the constructor that lead to this field: `into` leads to ResultPath."""
    by: Kind | None = None
    """The kind of path that the twin takes; None means a Reference Path."""


class AslField(Field):
    """An attribute of an element that is an ASL field."""

    __slots__ = ("spec",)

    def __init__(
        self,
        default: Any,
        factory: Callable[[], Any] | None,
        kw_only: bool,
        spec: Spec,
        convert: Callable[[Any], Any] | None,
    ) -> None:
        super().__init__(default, factory, kw_only, convert=convert)
        self.spec = spec


def asl(
    name: str,
    kind: Kind,
    *,
    path: str | None = None,
    language: Language | None = None,
    jsonata: bool = False,
    required: bool = False,
    keywords: tuple[str, ...] = (),
    by: Kind | None = None,
    default: Any = UNSET,
    factory: Callable[[], Any] | None = None,
    kw_only: bool = True,
) -> Any:
    """Declare an ASL field on a state or a part of one."""
    spec = Spec(name, kind, path, language, jsonata, required, keywords=keywords, by=by)
    return AslField(default, factory, kw_only, spec, in_seconds if kind.is_duration else None)


def in_seconds(value: Any) -> Any:
    """A timedelta as seconds, any other value as it is."""
    if not isinstance(value, timedelta):
        return value
    seconds = value.total_seconds()
    return int(seconds) if seconds.is_integer() else seconds


def sugar(*, default: Any = UNSET, kw_only: bool = True) -> Any:
    """Declare a keyword for authors that is not an ASL field: lowering turns it into fields."""
    return Field(default, None, kw_only)


def field(
    *,
    default: Any = REQUIRED,
    factory: Callable[[], Any] | None = None,
    kw_only: bool = True,
    init: bool = True,
    eq: bool = True,
    repr: bool = True,
    convert: Callable[[Any], Any] | None = None,
) -> Any:
    """Declare any other attribute of an element, as `attrs.field` does."""
    return Field(default, factory, kw_only, init, eq, repr, convert)


@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(asl, sugar, field))
def element(cls: type[T]) -> type[T]:
    """Make a class for a state or a part of one from its declarations and those of its bases.

    Element has the methods for all of them. attrs would generate each class's own, which is most of the time that
    importing flowdsl takes. The defaults are attributes of the class; an object holds only what its author wrote.
    """
    own = {name: value for name, value in vars(cls).items() if isinstance(value, Field)}
    table = {name: each for name, each in fields_of(cls.__base__ or object).items() if name not in own} | own
    for name, each in own.items():
        if each.default is REQUIRED:
            delattr(cls, name)
        else:
            setattr(cls, name, each.default)
    target: Any = cls
    target.__fields__ = table
    target.__positional__ = tuple(name for name, each in table.items() if each.init and not each.kw_only)
    target.__required__ = tuple(name for name, each in table.items() if each.default is REQUIRED and not each.factory)
    target.__factories__ = tuple((name, each.factory) for name, each in table.items() if each.factory)
    return cls


def fields_of(cls: type[Any]) -> Mapping[str, Field]:
    """The attributes of a class of elements, those of its bases first."""
    fields: Mapping[str, Field] = getattr(cls, "__fields__", {})
    return fields


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
    """Collect every element that is built in the meantime."""
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
class Element(Immutable):
    """A state or a part of a state: an immutable value that the author wrote at one place and ASL has as an object.

    A keyword that the class does not have is kept in `extras`, so that the checker can report it at its place together
    with every other mistake of the file.
    """

    __positional__: ClassVar[tuple[str, ...]]
    __required__: ClassVar[tuple[str, ...]]
    __factories__: ClassVar[tuple[tuple[str, Callable[[], Any]], ...]]
    rest: ClassVar[str] = ""
    """The field that takes all positional arguments after the name."""
    spread: ClassVar[str] = ""
    """The field that the function which makes the element takes one by one."""

    extras: Mapping[str, Any] = field(factory=dict, repr=False)
    """Fields that ASL does not know here."""
    origin: Caller | None = field(factory=caller, eq=False, repr=False)

    def __init__(self, *values: Any, **keywords: Any) -> None:
        own = self.__dict__
        if self.rest and len(values) > 1:
            values = (values[0], values[1:])
        if len(values) > len(self.__positional__):
            most = len(self.__positional__)
            raise TypeError(f"{type(self).__name__}(...) takes at most {most} positional argument{'s' * (most > 1)}")
        own.update(zip(self.__positional__, values, strict=False))
        unknown = {}
        for name, value in keywords.items():
            declared = self.__fields__.get(name)
            if declared is None or not declared.init:
                unknown[pascal(name)] = value
            elif name in own:
                raise TypeError(f"{type(self).__name__}(...) has two values for {name}")
            else:
                own[name] = declared.convert(value) if declared.convert else value
        for name, factory in self.__factories__:
            if name not in own:
                own[name] = factory()
        if unknown:
            own["extras"] = {**own["extras"], **unknown}
        missing = [name for name in self.__required__ if name not in own]
        if missing:
            raise TypeError(f"{type(self).__name__}(...) needs {' and '.join(missing)}")
        note(self)
        self.__post_init__()

    def __post_init__(self) -> None:
        """Called when an object has its attributes."""

    def __repr__(self) -> str:
        values = [
            f"{name}={getattr(self, name)!r}"
            for name, each in self.__fields__.items()
            if each.repr and getattr(self, name) is not UNSET
        ]
        return f"{type(self).__name__}({', '.join(values)})"


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
        name: evolve(each.spec, attribute=name) for name, each in fields_of(cls).items() if isinstance(each, AslField)
    }


@per_class
def by_asl_name(cls: type[Any]) -> dict[str, Spec]:
    """The ASL fields of a class by JSON name, the `…Path` twins included."""
    table: dict[str, Spec] = {}
    for spec in specs(cls).values():
        table[spec.name] = spec
        if spec.path:
            table[spec.path] = spec
    return table


def set_fields(element: Element) -> Iterator[tuple[Spec, Any]]:
    """The ASL fields that have a value, in the order in which they are written."""
    written = vars(element)  # ASL fields are UNSET by default
    for attribute, spec in specs(type(element)).items():
        value = written.get(attribute, UNSET)
        if value is not UNSET:
            yield spec, value
