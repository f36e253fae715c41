"""Immutable values with named fields, for what every command imports.

    class Span(Record):
        file: str
        line: int
        column: int = 1

They read like classes of attrs.frozen, and type checkers treat them alike. attrs writes and compiles methods for each
class when its module is imported: for the classes of the author and the checker that was a third of the time of
`flowdsl build --asl-only`. Here all classes share their methods. An object takes about a microsecond longer to make, so
what an execution makes by the thousand is attrs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Final, NoReturn, TypeVar, cast, dataclass_transform

T = TypeVar("T")

REQUIRED: Final = object()
"""The default of a field that has none."""


class Field:
    """What a class declares of a field; see `field`."""

    __slots__ = ("convert", "default", "eq", "factory", "init", "kw_only", "repr", "takes_self")

    def __init__(
        self,
        default: Any = REQUIRED,
        factory: Callable[..., Any] | None = None,
        kw_only: bool = False,
        init: bool = True,
        eq: bool = True,
        repr: bool = True,
        convert: Callable[[Any], Any] | None = None,
        takes_self: bool = False,
    ) -> None:
        self.default = default
        self.factory = factory
        self.kw_only = kw_only
        self.init = init
        self.eq = eq
        self.repr = repr
        self.convert = convert
        self.takes_self = takes_self


def field(
    *,
    default: Any = REQUIRED,
    factory: Callable[..., Any] | None = None,
    kw_only: bool = False,
    eq: bool = True,
    repr: bool = True,
    convert: Callable[[Any], Any] | None = None,
    takes_self: bool = False,
) -> Any:
    """Declare a field that needs more than a default, as `attrs.field` does.

    `factory` makes the default of each object, from the fields before it if it `takes_self`. `convert` changes what the
    constructor gets.
    """
    return Field(default, factory, kw_only, True, eq, repr, convert, takes_self)


class _Signature:
    """The signature of a class, built on demand (`help`, notebooks)."""

    def __get__(self, instance: object, owner: type[Immutable]) -> Any:
        from inspect import Parameter, Signature  # nothing else needs it

        parameters = []
        for name, each in owner.__fields__.items():
            if each.init:
                kind = Parameter.KEYWORD_ONLY if each.kw_only else Parameter.POSITIONAL_OR_KEYWORD
                is_required = each.default is REQUIRED and not each.factory
                default = None if each.default is REQUIRED else each.default
                parameters.append(Parameter(name, kind, default=Parameter.empty if is_required else default))
        return Signature(sorted(parameters, key=lambda each: each.kind))


class Immutable:
    """What every class with declared fields shares: equality, text, and that an object cannot be changed."""

    __fields__: ClassVar[Mapping[str, Field]] = {}
    __signature__: ClassVar[Any] = _Signature()

    def __setattr__(self, name: str, value: Any) -> NoReturn:
        raise AttributeError(f"a {type(self).__name__} cannot be changed")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"a {type(self).__name__} cannot be changed")

    def __eq__(self, other: object) -> bool:
        if type(self) is not type(other):
            return NotImplemented
        return all(getattr(self, name) == getattr(other, name) for name, each in self.__fields__.items() if each.eq)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        values = [f"{name}={getattr(self, name)!r}" for name, each in self.__fields__.items() if each.repr]
        return f"{type(self).__name__}({', '.join(values)})"


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
class Record(Immutable):
    """The base of a class of values: its annotations are the fields, after those of its own base.

    `class A(Record, eq=False)` compares objects by identity; `kw_only=True` takes its fields by name only;
    `frozen=False` lets objects change, for what collects.
    """

    __positional__: ClassVar[tuple[str, ...]] = ()
    __defaults__: ClassVar[dict[str, Any]] = {}
    __factories__: ClassVar[tuple[tuple[str, Field], ...]] = ()
    __converters__: ClassVar[tuple[tuple[str, Callable[[Any], Any]], ...]] = ()

    def __init_subclass__(cls, *, eq: bool = True, frozen: bool = True, kw_only: bool = False) -> None:
        own = {}
        for name, hint in cls.__annotations__.items():
            if not hint.startswith("ClassVar"):
                default = cls.__dict__.get(name, REQUIRED)
                own[name] = each = default if isinstance(default, Field) else Field(default)
                each.kw_only = each.kw_only or kw_only
                if default is not REQUIRED:
                    delattr(cls, name)
        fields = {name: each for name, each in cls.__fields__.items() if name not in own} | own
        cls.__fields__ = fields
        cls.__positional__ = tuple(name for name, each in fields.items() if not each.kw_only)
        cls.__defaults__ = {name: each.default for name, each in fields.items() if each.default is not REQUIRED}
        cls.__factories__ = tuple((name, each) for name, each in fields.items() if each.factory)
        cls.__converters__ = tuple((name, each.convert) for name, each in fields.items() if each.convert)
        target: Any = cls
        target.__match_args__ = cls.__positional__  # type: ignore[misc]
        if not eq:
            target.__eq__, target.__hash__ = object.__eq__, object.__hash__
        if not frozen:
            target.__setattr__, target.__delattr__ = object.__setattr__, object.__delattr__

    def __init__(self, *values: Any, **named: Any) -> None:
        own = self.__dict__
        own.update(self.__defaults__)
        own.update(zip(self.__positional__, values, strict=False))
        own.update(named)
        for name, convert in self.__converters__:
            own[name] = convert(own[name])
        for name, each in self.__factories__:
            if name not in own and each.factory:
                own[name] = each.factory(self) if each.takes_self else each.factory()
        if len(own) != len(self.__fields__) or len(values) > len(self.__positional__):
            self._refuse(values, own)
        if values and named:
            for name in self.__positional__[: len(values)]:
                if name in named:
                    raise TypeError(f"{type(self).__name__}(...) has two values for {name}")

    def _refuse(self, values: tuple[Any, ...], own: Mapping[str, Any]) -> NoReturn:
        name, most = type(self).__name__, len(self.__positional__)
        unknown = [each for each in own if each not in self.__fields__]
        if unknown:
            raise TypeError(f"{name}() got an unexpected keyword argument {unknown[0]!r}")
        if len(values) > most:
            raise TypeError(f"{name}(...) takes at most {most} positional argument{'s' * (most != 1)}")
        raise TypeError(f"{name}(...) needs {' and '.join(each for each in self.__fields__ if each not in own)}")

    def __hash__(self) -> int:  # type: ignore[override]
        return hash((type(self), *[getattr(self, name) for name, each in self.__fields__.items() if each.eq]))


def evolve(value: T, **changes: Any) -> T:
    """A copy with some fields changed, without running the constructor again."""
    copy: Any = object.__new__(type(value))
    fields = copy.__fields__
    # Cached properties are left behind.
    copy.__dict__.update({name: each for name, each in vars(value).items() if name in fields}, **changes)
    return cast("T", copy)


def as_dict(value: Immutable) -> dict[str, Any]:
    """The fields and their values, in the order of their declaration."""
    return {name: getattr(value, name) for name in value.__fields__}
