"""What an author writes besides states: paths, conditions, and the lambdas that a Task calls.

An expression means the same under both query languages: the machine writes it as JSONPath or as JSONata.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import Enum
from typing import Any, Final, Literal, NoReturn

import attrs

from ..base.source import Caller, caller
from .fields import Element, Language, element

_PLAIN_STEP = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class Discard(Enum):
    """The type of `DISCARD`."""

    DISCARD = "discard"


DISCARD: Final = Discard.DISCARD
"""As `into`: the result is thrown away and the state's input goes on unchanged (`"ResultPath": null`)."""


class Expression:
    """Something that is worked out when the flow runs. `write` says it in a query language."""

    __slots__ = ()

    def write(self, language: Language) -> str:
        """The text, without the `{% %}` around JSONata."""
        raise NotImplementedError

    def __bool__(self) -> NoReturn:
        raise TypeError(
            "an expression has no value until the flow runs: write &, | and ~ instead of and, or and not,"
            " and a Choice instead of if"
        )

    def __str__(self) -> str:
        raise TypeError(
            f'{self!r} has no text until the flow runs: write intrinsic.format("... {{}}", path), not an f-string'
        )

    def __format__(self, spec: str) -> str:
        return str(self)

    def __hash__(self) -> int:
        return id(self)


@attrs.frozen
class Jsonata:
    """A JSONata expression as its author wrote it, without the `{% %}`."""

    text: str


def jsonata(text: str) -> Jsonata:
    """A JSONata expression, for a state or machine whose query language is JSONata.

    >>> jsonata("$states.input.amount * 2")
    Jsonata(text='$states.input.amount * 2')
    """
    return Jsonata(text)


_ROOTS: dict[str, tuple[str, str]] = {
    "input": ("$", "$states.input"),
    "context": ("$$", "$states.context"),
    "result": ("$", "$states.result"),
    "error": ("$", "$states.errorOutput"),
}


@attrs.frozen(eq=False, repr=False, slots=True)
class Path(Expression):
    """A place in the state's input, the context object, a result, or a variable.

    Attributes and keys go deeper: `path.donation.amount`, `path["key with spaces"]`, `path[0]`. A name that begins
    with an underscore, and `write`, need the brackets. Comparisons give a condition for `when`.
    """

    _root: str = "input"
    _steps: tuple[str | int, ...] = ()
    _type: str | None = None

    def __getattr__(self, name: str) -> Path:
        if name.startswith("_"):
            raise AttributeError(f"write path[{name!r}] for a field whose name begins with an underscore")
        return self[name]

    def __getitem__(self, step: str | int) -> Path:
        return Path(self._root, (*self._steps, step))

    def __iter__(self) -> NoReturn:
        raise TypeError("a path cannot be looped over: its list is known only when the flow runs; use Map")

    def __contains__(self, item: object) -> NoReturn:
        raise TypeError(f"{self!r} is known only when the flow runs: write intrinsic.array_contains(path, {item!r})")

    def __len__(self) -> NoReturn:
        raise TypeError(f"{self!r} is known only when the flow runs: write intrinsic.array_length(path)")

    def __call__(self, *values: object) -> NoReturn:  # noqa: ARG002 - whatever it is called with
        raise TypeError(
            f"{self!r} is a path, which has no methods: matches(path, 'x*') and flowdsl.intrinsic do such work"
        )

    def __add__(self, other: object) -> NoReturn:
        raise TypeError(
            f"{self!r} is known only when the flow runs: write intrinsic.math_add or intrinsic.format for +"
        )

    __radd__ = __sub__ = __rsub__ = __add__

    def __and__(self, other: object) -> NoReturn:
        raise TypeError("put each comparison into parentheses: (a == 1) & (b == 2); & and | bind closer than ==")

    __rand__ = __or__ = __ror__ = __and__

    def write(self, language: Language) -> str:
        start = self._root if self._root.startswith("$") else _ROOTS[self._root][language == "JSONata"]
        return start + "".join(_step(step, language) for step in self._steps)

    def __repr__(self) -> str:
        return self.write("JSONPath")

    def __eq__(self, other: object) -> Condition:  # type: ignore[override]
        return _compare("Equals", self, other)

    def __ne__(self, other: object) -> Not:  # type: ignore[override]
        return Not(_compare("Equals", self, other))

    def __lt__(self, other: object) -> Condition:
        return _compare("LessThan", self, other)

    def __le__(self, other: object) -> Condition:
        return _compare("LessThanEquals", self, other)

    def __gt__(self, other: object) -> Condition:
        return _compare("GreaterThan", self, other)

    def __ge__(self, other: object) -> Condition:
        return _compare("GreaterThanEquals", self, other)

    __hash__ = Expression.__hash__


def _step(step: str | int, language: Language) -> str:
    if isinstance(step, int):
        return f"[{step}]"
    if _PLAIN_STEP.fullmatch(step):
        return f".{step}"
    if language == "JSONata":
        return f".`{step}`"
    escaped = step.replace("\\", "\\\\").replace("'", "\\'")
    return f"['{escaped}']"


state_input: Final = Path("input")
"""The input of the state that uses it: `$`, or `$states.input`."""

context: Final = Path("context")
"""The context object: `$$`, or `$states.context`. Source: Step Functions Developer Guide, "Context object"."""

result: Final = Path("result")
"""The result of the state's own work, for ResultSelector, Output and Assign: `$`, or `$states.result`."""

error_output: Final = Path("error")
"""What a Catch caught, for its Output and Assign: an object with Error and Cause."""

task_token: Final = context.Task.Token
"""The token that answers a Task which waits for a callback."""


def variable(name: str) -> Path:
    """The variable that an Assign set: `$name` in both languages.

    >>> variable("total").amount
    $total.amount
    """
    return Path("$" + name)


# Conditions


class Condition(Expression):
    """What a `when` asks. Combine with `&`, `|` and `~`."""

    __slots__ = ()

    def rule(self) -> dict[str, Any]:
        """The comparison fields of a JSONPath choice rule."""
        raise NotImplementedError

    def __and__(self, other: Condition) -> All:
        return All((*_flat(self, All), *_flat(other, All)))

    def __or__(self, other: Condition) -> Any_:
        return Any_((*_flat(self, Any_), *_flat(other, Any_)))

    def __invert__(self) -> Condition:
        return Not(self)


def _flat(condition: Condition, kind: type[All] | type[Any_]) -> tuple[Condition, ...]:
    return condition.conditions if isinstance(condition, kind) else (condition,)


@attrs.frozen(eq=False)
class All(Condition):
    """Every one of the conditions holds: `And`."""

    conditions: tuple[Condition, ...]

    def rule(self) -> dict[str, Any]:
        return {"And": [condition.rule() for condition in self.conditions]}

    def write(self, language: Language) -> str:
        return "(" + " and ".join(condition.write(language) for condition in self.conditions) + ")"


@attrs.frozen(eq=False)
class Any_(Condition):  # noqa: N801 - Any is taken
    """At least one of the conditions holds: `Or`."""

    conditions: tuple[Condition, ...]

    def rule(self) -> dict[str, Any]:
        return {"Or": [condition.rule() for condition in self.conditions]}

    def write(self, language: Language) -> str:
        return "(" + " or ".join(condition.write(language) for condition in self.conditions) + ")"


@attrs.frozen(eq=False)
class Not(Condition):
    """The condition does not hold."""

    condition: Condition

    def rule(self) -> dict[str, Any]:
        return {"Not": self.condition.rule()}

    def write(self, language: Language) -> str:
        return f"$not({self.condition.write(language)})"

    def __invert__(self) -> Condition:
        return self.condition


Kind = Literal["String", "Numeric", "Boolean", "Timestamp"]
_SIGNS = {
    "Equals": "=",
    "LessThan": "<",
    "LessThanEquals": "<=",
    "GreaterThan": ">",
    "GreaterThanEquals": ">=",
}


@attrs.frozen(eq=False)
class Comparison(Condition):
    """`Variable` compared with a constant or with another path."""

    variable: Path
    kind: Kind
    sign: str
    value: Any

    def rule(self) -> dict[str, Any]:
        operator = f"{self.kind}{self.sign}"
        if isinstance(self.value, Path):
            return {
                "Variable": self.variable.write("JSONPath"),
                operator + "Path": self.value.write("JSONPath"),
            }
        return {"Variable": self.variable.write("JSONPath"), operator: self.value}

    def write(self, language: Language) -> str:
        left = self.variable.write(language)
        right = self.value.write(language) if isinstance(self.value, Path) else json.dumps(self.value)
        if self.kind == "Timestamp":
            left, right = f"$toMillis({left})", f"$toMillis({right})"
        return f"{left} {_SIGNS[self.sign]} {right}"


@attrs.frozen(eq=False)
class Test(Condition):
    """A question about one value: IsPresent, IsNull, IsString and so on, or StringMatches."""

    variable: Path
    operator: str
    value: Any = True

    def rule(self) -> dict[str, Any]:
        return {"Variable": self.variable.write("JSONPath"), self.operator: self.value}

    def write(self, language: Language) -> str:
        path = self.variable.write(language)
        if self.operator == "StringMatches":
            return f"$contains({path}, /{_wildcard_regex(self.value)}/)"
        return _JSONATA_TESTS[self.operator].format(path)


@attrs.frozen(eq=False)
class Misused(Condition):
    """A comparison that choice rules do not have; the machine reports it where it was written."""

    variable: Path
    message: str
    instead: str
    origin: Caller | None = attrs.field(factory=caller, repr=False)

    def rule(self) -> dict[str, Any]:
        return is_present(self.variable).rule()

    def write(self, language: Language) -> str:
        return is_present(self.variable).write(language)


_JSONATA_TESTS = {
    "IsPresent": "$exists({0})",
    "IsNull": "{0} = null",
    "IsString": '$type({0}) = "string"',
    "IsNumeric": '$type({0}) = "number"',
    "IsBoolean": '$type({0}) = "boolean"',
    "IsTimestamp": '($type({0}) = "string" and $contains({0},'
    " /^\\d{{4}}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d(\\.\\d+)?(Z|[+-]\\d\\d:\\d\\d)$/))",
}


def _wildcard_regex(pattern: str) -> str:
    """`*` matches any characters, `\\*` and `\\\\` are the characters themselves. Source: ASL, "StringMatches"."""
    pieces = re.findall(r"\\[*\\]|\*|[^*\\]+|\\", pattern)
    text = "".join(".*" if piece == "*" else re.escape(piece.lstrip("\\") or "\\") for piece in pieces)
    return "^" + text.replace("/", "\\/") + "$"


def _compare(sign: str, left: Path, right: object) -> Condition:
    if sign == "Equals" and right is None:
        return Test(left, "IsNull")
    if isinstance(right, Path):
        kind = left._type or right._type
        if kind is None:
            instead = "number(a) == b, string(a) == b, boolean(a) == b or timestamp(a) == b"
            return Misused(left, f"comparing {left!r} with {right!r} does not say what is compared", f"write {instead}")
        return Comparison(left, kind, sign, right)  # type: ignore[arg-type]
    if isinstance(right, bool) and sign == "Equals":
        return Comparison(left, "Boolean", sign, right)
    if isinstance(right, int | float) and not isinstance(right, bool):
        return Comparison(left, "Numeric", sign, right)
    if isinstance(right, str):
        return Comparison(left, "Timestamp" if left._type == "Timestamp" else "String", sign, right)
    if isinstance(right, datetime):
        if right.tzinfo is None:
            return Misused(left, f"comparing {left!r} with a datetime that has no time zone", "give it one: tzinfo=UTC")
        return Comparison(left, "Timestamp", sign, right.isoformat().replace("+00:00", "Z"))
    what = "a string, a number, a boolean, a datetime, None or another path"
    return Misused(left, f"comparing {left!r} with {right!r}", f"compare with {what}")


def number(path: Path) -> Path:
    """The path as a number, for a comparison with another path."""
    return attrs.evolve(path, type="Numeric")


def string(path: Path) -> Path:
    """The path as a string, for a comparison with another path."""
    return attrs.evolve(path, type="String")


def boolean(path: Path) -> Path:
    """The path as a boolean, for a comparison with another path."""
    return attrs.evolve(path, type="Boolean")


def timestamp(path: Path) -> Path:
    """The path as a timestamp, for a comparison with another path or with RFC 3339 text."""
    return attrs.evolve(path, type="Timestamp")


def is_present(path: Path) -> Condition:
    """Whether the path leads to a value, which may be null."""
    return Test(path, "IsPresent")


def is_null(path: Path) -> Condition:
    """Whether the value is null."""
    return Test(path, "IsNull")


def is_string(path: Path) -> Condition:
    """Whether the value is a string."""
    return Test(path, "IsString")


def is_numeric(path: Path) -> Condition:
    """Whether the value is a number."""
    return Test(path, "IsNumeric")


def is_boolean(path: Path) -> Condition:
    """Whether the value is a boolean."""
    return Test(path, "IsBoolean")


def is_timestamp(path: Path) -> Condition:
    """Whether the value is a string that holds an RFC 3339 timestamp."""
    return Test(path, "IsTimestamp")


def matches(path: Path, pattern: str) -> Condition:
    r"""Whether the string matches a pattern in which `*` stands for any characters (`\*` for itself)."""
    return Test(path, "StringMatches", pattern)


# Functions


@element
class Function(Element):
    """An AWS Lambda function of this project, packaged from a folder.

    `name` is the Lambda function's name; `source` its folder, relative to the project; `handler` the module in that
    folder and the function in it. `timeout` is in seconds, `memory` in MB; `include` names data files elsewhere.
    """

    name: str = attrs.field(kw_only=False)
    source: str = attrs.field(kw_only=False)
    handler: str = attrs.field(default="handler.handler", kw_only=True)
    architecture: Literal["arm64", "x86_64"] = attrs.field(default="arm64", kw_only=True)
    python: str = attrs.field(default="3.14", kw_only=True)
    timeout: int = attrs.field(default=30, kw_only=True)
    memory: int = attrs.field(default=256, kw_only=True)
    environment: Mapping[str, str] = attrs.field(factory=dict, kw_only=True)
    include: Sequence[str] = attrs.field(default=(), kw_only=True)

    @property
    def arn(self) -> str:
        """The ARN in the account and region where the definition is deployed (CloudFormation's pseudo parameters)."""
        return f"arn:aws:lambda:${{AWS::Region}}:${{AWS::AccountId}}:function:{self.name}"


@attrs.frozen
class Dynamic:
    """A Lambda function that is chosen when the flow runs: its ARN or name comes from `path`."""

    path: Path
    allowed: tuple[Function, ...]


def dynamic(path: Path, *, allowed: Sequence[Function]) -> Dynamic:
    """A Lambda function whose ARN comes from a path; `allowed` names all that it may be.

    Permissions, packaging and local runs go by `allowed`.
    """
    return Dynamic(path, tuple(allowed))
