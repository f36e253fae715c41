"""The intrinsic functions: one record each in `FUNCTIONS`, and `compile_intrinsic`, which makes a call runnable.

Source: Step Functions Developer Guide, "Intrinsic functions", and recorded executions where that is vague: numbers that
must be whole lose their fraction, and wrong arguments, in kind or in number, are all `Invalid arguments in States.X`.
"""

from __future__ import annotations

import base64
import hashlib
import math
import random
import re
from collections.abc import Callable
from typing import Any, Final, Literal, NoReturn

from ..base.json import hash_set, java_text, json_text, parse_json
from ..base.record import Record, field
from .chance import chance, random_uuid
from .errors import StatesError
from .intrinsic_parser import (
    Argument,
    ConstantArgument,
    IntrinsicCall,
    IntrinsicSyntaxError,
    PathArgument,
    parse_intrinsic,
)
from .path.jsonpath import ABSENT, NotApplicable, NotFound, compile_lookup
from .path.tree import Path, Root
from .scope import Evaluate, Scope

__all__ = ["FUNCTIONS", "Intrinsic", "IntrinsicSyntaxError", "compile_intrinsic", "is_intrinsic", "parse_intrinsic"]

MAX_STRING = 10_000
"""The most characters that a limited function accepts."""
MAX_RANGE = 1_000
"""The most items that ArrayRange returns."""


class InvalidArgument(Exception):  # noqa: N818 - becomes a StatesError that names the whole call
    """The arguments of a function are invalid. `reason`, if any, says why; `what` is what is invalid."""

    def __init__(self, reason: str = "", what: str = "arguments") -> None:
        super().__init__(reason, what)
        self.reason = reason
        self.what = what


Kind = Literal["any", "array", "boolean", "number", "object", "string"]


class Intrinsic(Record):
    """An intrinsic function: everything that flowdsl knows of it."""

    evaluate: Callable[..., Any]
    """From JSON values to one; raises InvalidArgument."""
    arguments: tuple[Kind, ...] = ()
    result: Kind = "any"
    optional: int = 0
    """How many of the last arguments may be omitted."""
    is_variadic: bool = False
    """True if any number of further arguments may follow."""
    is_limited: bool = False
    """True if its strings have at most MAX_STRING characters."""
    names_error: bool = field(factory=lambda function: function.result == "string", takes_self=True)
    """True if ErrorPath and CausePath accept it. Source: Developer Guide, "Fail workflow state"."""

    @property
    def least(self) -> int:
        """The least number of arguments."""
        return len(self.arguments) - self.optional

    @property
    def most(self) -> int | None:
        """The greatest number of arguments; None if there is none."""
        return None if self.is_variadic else len(self.arguments)

    def takes(self, count: int) -> bool:
        """True if it accepts this number of arguments."""
        return self.least <= count and (self.most is None or count <= self.most)


def is_intrinsic(text: str) -> bool:
    """True if the text is an intrinsic function rather than a path."""
    return text.startswith("States.")


def compile_intrinsic(text: str) -> Evaluate:
    """Compile a call; raises IntrinsicSyntaxError if CreateStateMachine refuses the text.

    A wrong number of arguments fails at run time. States.Runtime then quotes the whole call as written.
    """
    evaluate = _compile(parse_intrinsic(text))

    def call(document: Any, scope: Scope) -> Any:
        try:
            return evaluate(document, scope)
        except StatesError as wrong:
            reason = wrong.cause or ""
        except (_Failed, NotApplicable) as wrong:
            reason = str(wrong)
        raise StatesError("States.Runtime", f"The function '{text}' had the following error: {reason}")

    return call


class _Failed(Exception):  # noqa: N818 - becomes a StatesError that names the whole call
    """The evaluation failed; the argument is the message."""


def _compile(argument: Argument) -> Evaluate:
    match argument:
        case ConstantArgument(value):
            return lambda document, scope: value
        case PathArgument(path):
            return _compile_path(path)
        case IntrinsicCall(name, arguments, offset):
            function = FUNCTIONS.get(name)
            if function is None:
                raise IntrinsicSyntaxError(f"unknown intrinsic function {name}", offset)
            values = tuple(_compile(each) for each in arguments)
            if name == "States.Format" and arguments and isinstance(arguments[0], ConstantArgument):
                raw = arguments[0].raw  # Only Format interprets the escapes \{ and \}.
                values = (lambda document, scope: raw, *values[1:])
            return _apply(name, function, values)


def _apply(name: str, function: Intrinsic, arguments: tuple[Evaluate, ...]) -> Evaluate:
    apply = function.evaluate
    has_valid_count = function.takes(len(arguments))

    def call(document: Any, scope: Scope) -> Any:
        values = [argument(document, scope) for argument in arguments]
        if not has_valid_count:
            raise _Failed(f"Invalid arguments in {name}")
        try:
            return apply(*values)
        except InvalidArgument as wrong:
            detail = f": {wrong.reason}" if wrong.reason else ""
            raise _Failed(f"Invalid {wrong.what} in {name}{detail}") from None

    return call


def _compile_path(path: Path) -> Evaluate:
    lookup = compile_lookup(path)
    # The service rewrites a path into the context object to one that starts with a single $.
    field = path.text[1:] if path.root is Root.CONTEXT else path.text

    def evaluate(document: Any, scope: Scope) -> Any:
        try:
            value = lookup(document, scope)
        except NotFound:
            value = ABSENT
        if value is ABSENT:
            raise _Failed(
                f"The JsonPath argument for the field '{field}' could not be found in the input '{json_text(document)}'"
            )
        return value

    return evaluate


# The functions


def _refuse(reason: str = "", what: str = "arguments") -> NoReturn:
    raise InvalidArgument(reason, what)


def _array(value: Any) -> list[Any]:
    return value if isinstance(value, list) else _refuse()


def _string(value: Any) -> str:
    return value if isinstance(value, str) else _refuse()


def _limited(value: Any) -> str:
    return value if isinstance(value, str) and len(value) <= MAX_STRING else _refuse()


def _whole(value: Any) -> int:
    """A number without its fraction, in the range of a Java int."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 2**63:
        _refuse()
    whole = int(value)
    return whole if -(2**31) <= whole < 2**31 else _refuse()


def _rounded(value: Any) -> int:
    return _whole(math.floor(value + 0.5) if isinstance(value, float) and math.isfinite(value) else value)


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else _refuse()


def _format(template: Any, *arguments: Any) -> str:
    pieces = re.split(r"(\\.|\{\}|\{|\})", _string(template), flags=re.DOTALL)
    remaining = iter(arguments)
    written: list[str] = []
    used = 0
    for piece in pieces:
        if piece == "{}":
            used += 1
            if used > len(arguments):
                break
            written.append(java_text(next(remaining)))
        elif piece == "{":
            _refuse("matching '}' not found for '{'.", "template")
        elif piece == "}":
            _refuse("matching '{' not found for '}'.", "template")
        else:
            written.append(piece[1:] if piece.startswith("\\") and len(piece) == 2 else piece)
    if used != len(arguments):
        _refuse("number of arguments do not match the occurrences of {}.")
    return "".join(written)


def _string_to_json(text: Any) -> Any:
    if not _string(text).strip():
        return None
    try:
        return parse_json(text)
    except ValueError:
        _refuse()


def _partition(array: Any, size: Any) -> list[Any]:
    items, step = _array(array), _whole(size)
    if step < 1:
        _refuse()
    return [items[start : start + step] for start in range(0, len(items), step)]


def _contains(array: Any, wanted: Any) -> bool:
    """The service compares text: "1" equals 1, and the order of an object's keys matters."""
    text = java_text(wanted)
    return any(java_text(item) == text for item in _array(array))


def _range(first: Any, last: Any, step: Any) -> list[int]:
    start, end, by = _whole(first), _whole(last), _whole(step)
    if by == 0:
        _refuse()
    numbers = range(start, end + (1 if by > 0 else -1), by)
    return list(numbers) if len(numbers) <= MAX_RANGE else _refuse()


def _get_item(array: Any, index: Any) -> Any:
    """An index beyond the end is an error, but every item of an empty array is null."""
    items, position = _array(array), _whole(index)
    if not items:
        return None
    return items[position] if 0 <= position < len(items) else _refuse()


def _unique(array: Any) -> list[Any]:
    return hash_set(_array(array))


def _utf8(text: str) -> bytes:
    """Half of a surrogate pair becomes a question mark, as in Java."""
    return text.encode(errors="replace")


def _base64_encode(text: Any) -> str:
    return base64.b64encode(_utf8(_limited(text))).decode()


def _base64_decode(text: Any) -> str:
    """As lenient as the service: other characters are ignored, the first `=` ends the text, padding is optional."""
    encoded = re.sub(r"[^A-Za-z0-9+/]", "", _limited(text).partition("=")[0].replace("-", "+").replace("_", "/"))
    if len(encoded) % 4 == 1:
        encoded = encoded[:-1]
    return base64.b64decode(encoded + "=" * (-len(encoded) % 4)).decode(errors="replace")


_ALGORITHMS: Final = {"MD5": "md5", "SHA-1": "sha1", "SHA-256": "sha256", "SHA-384": "sha384", "SHA-512": "sha512"}


def _hash(data: Any, algorithm: Any) -> str:
    name = _ALGORITHMS.get(algorithm) if isinstance(algorithm, str) else None
    text = java_text(data)
    if name is None or len(text) > MAX_STRING:
        _refuse()
    return hashlib.new(name, _utf8(text), usedforsecurity=False).hexdigest()


def _merge(first: Any, second: Any, deep: Any) -> dict[str, Any]:
    """The service only merges shallowly: `deep` may be any value but true."""
    if deep is True:
        _refuse()
    return {**_object(first), **_object(second)}


def _random(first: Any, last: Any, *seed: Any) -> int:
    start, end = _whole(first), _whole(last)
    if start >= end:
        _refuse()
    # Not for secrets: with a seed, the service returns predictable numbers too.
    source = random.Random(_whole(seed[0])) if seed else chance.source  # noqa: S311
    return source.randrange(start, end)


def _add(left: Any, right: Any) -> int:
    """Rounds to the nearest whole number, as Java does: halves go up."""
    total = _rounded(left) + _rounded(right)
    return total if -(2**31) <= total < 2**31 else _refuse()


def _split(text: Any, delimiters: Any) -> list[str]:
    """Every character of `delimiters` separates; empty items are dropped."""
    separators = _string(delimiters)
    if not separators:
        return [text] if _string(text) else []
    return [part for part in re.split("[" + re.escape(separators) + "]", _string(text)) if part]


FUNCTIONS: Final[dict[str, Intrinsic]] = {
    "States.Array": Intrinsic(lambda *items: list(items), (), "array", is_variadic=True),
    "States.ArrayContains": Intrinsic(_contains, ("array", "any"), "boolean"),
    "States.ArrayGetItem": Intrinsic(_get_item, ("array", "number"), names_error=True),
    "States.ArrayLength": Intrinsic(lambda array: len(_array(array)), ("array",), "number"),
    "States.ArrayPartition": Intrinsic(_partition, ("array", "number"), "array"),
    "States.ArrayRange": Intrinsic(_range, ("number", "number", "number"), "array"),
    "States.ArrayUnique": Intrinsic(_unique, ("array",), "array"),
    "States.Base64Decode": Intrinsic(_base64_decode, ("string",), "string", is_limited=True),
    "States.Base64Encode": Intrinsic(_base64_encode, ("string",), "string", is_limited=True),
    "States.Format": Intrinsic(_format, ("string",), "string", is_variadic=True),
    "States.Hash": Intrinsic(_hash, ("any", "string"), "string", is_limited=True),
    "States.JsonMerge": Intrinsic(_merge, ("object", "object", "boolean"), "object"),
    "States.JsonToString": Intrinsic(json_text, ("any",), "string"),
    "States.MathAdd": Intrinsic(_add, ("number", "number"), "number"),
    "States.MathRandom": Intrinsic(_random, ("number", "number", "number"), "number", optional=1),
    "States.StringSplit": Intrinsic(_split, ("string", "string"), "array"),
    "States.StringToJson": Intrinsic(_string_to_json, ("string",)),
    "States.UUID": Intrinsic(random_uuid, (), "string"),
}
"""The one place to add an intrinsic function. In Python it may have another name: see author/fn."""
