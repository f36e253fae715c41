"""JSONata's own functions where jsonata-python answers other than the language's reference implementation, 2.0.6.

Their arguments have been held to their signatures; an undefined one is None. `Value` is the library's: JSON, with its
own object for null, and functions.
"""

from __future__ import annotations

import base64
import decimal
import functools
import json
import math
import operator
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import unquote_to_bytes

from .chance import chance
from .jsonata_errors import InternalError
from .jsonata_patterns import match, replace, split
from .jsonata_signatures import FunctionError

Value = Any
Function = Callable[..., Value]


def corrected(
    original: Mapping[str, Function],
    kind_of: Callable[[Value], str],
    call: Callable[[Value, list[Value]], Value],
    like: Callable[[list[Value], list[Value]], list[Value]],
) -> dict[str, Function]:
    """The functions by their names.

    `original` are the library's; `kind_of` gives the letter of a value's kind in signatures; `call` calls a function of
    the language; `like` makes the second list a sequence, which is its item where there is one, if the first is one.
    """
    string = functools.partial(text_of, kind_of)
    return {
        "string": string,
        "number": number,
        "power": power,
        "round": rounded,
        "sum": total,
        "formatBase": functools.partial(format_base, original["formatBase"]),
        "formatNumber": functools.partial(format_number, original["formatNumber"]),
        "formatInteger": functools.partial(format_integer, original["formatInteger"]),
        "parseInteger": functools.partial(parse_integer, original["parseInteger"]),
        "fromMillis": functools.partial(from_millis, original["fromMillis"]),
        "base64decode": base64_decode,
        "toMillis": functools.partial(to_millis, original["toMillis"]),
        "distinct": functools.partial(distinct, kind_of, like),
        "shuffle": shuffle,
        "sort": functools.partial(sort, kind_of, call),
        "match": functools.partial(match, original["match"]),
        "replace": functools.partial(replace, call),
        "split": functools.partial(split, original["split"]),
        "type": lambda value: "function" if kind_of(value) == "f" else original["type"](value),
        "error": lambda message: _raise("D3137", message or "$error() function evaluated"),
        "assert": lambda held, message: None if held else _raise("D3141", message or "$assert() statement failed"),
        **{name: functools.partial(_decode, name, original[name]) for name in ("decodeUrl", "decodeUrlComponent")},
    }


def _raise(code: str, message: str) -> Value:
    raise FunctionError(f"{code}: {message}")


def text_of(kind_of: Callable[[Value], str], value: Value, prettify: Value = None) -> str | None:
    """`$string`, and what `&` makes of its sides: JSON with numbers of fifteen digits, functions as empty strings."""
    if value is None or isinstance(value, str):
        return value
    if kind_of(value) == "f":
        return ""
    return _json_text(kind_of, value, "\n" if prettify else "")


def _json_text(kind_of: Callable[[Value], str], value: Value, line: str) -> str:
    """`line` is the line feed with its indentation, or empty where all is on one line."""
    inner = line and line + "  "
    kind = kind_of(value)
    if kind == "n":
        return number_text(value)
    if kind in "lm":
        return "null"
    if kind == "f":
        return '""'
    if kind == "a":
        parts = [_json_text(kind_of, item, inner) for item in value]
    elif kind == "o":
        colon = ": " if line else ":"
        parts = [f"{_quoted(key)}{colon}{_json_text(kind_of, item, inner)}" for key, item in value.items()]
    else:
        return _quoted(value)
    opening, closing = "[]" if kind == "a" else "{}"
    return opening + ",".join(inner + part for part in parts) + (line if parts else "") + closing


def _quoted(value: Value) -> str:
    return json.dumps(value, ensure_ascii=False)


def number_text(value: float) -> str:
    """A number of at most fifteen digits as JavaScript writes it: plain from 10^-6 up to 10^21."""
    if not math.isfinite(_double(value)):
        raise FunctionError("D3001: Attempting to invoke string function on Infinity or NaN")
    digits = decimal.Decimal(repr(float(f"{_double(value):.15g}"))).normalize()
    if digits == 0:
        return "0"
    exponent = digits.adjusted()
    if -7 < exponent < 21:
        return format(digits, "f")
    mantissa = format(digits.scaleb(-exponent), "f")
    return f"{mantissa}e{exponent:+d}"


def _double(value: float) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


_NUMBER: Final = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?")
_WHOLE: Final = re.compile(r"0[xX][0-9A-Fa-f]+|0[oO][0-7]+|0[bB][01]+")


def number(value: Value) -> Value:
    if value is None or not isinstance(value, str | bool):
        return value
    if isinstance(value, bool):
        return int(value)
    if _WHOLE.fullmatch(value):
        return int(value, 0)
    if not _NUMBER.fullmatch(value) or math.isinf(found := float(value)):
        raise FunctionError(f"D3030: Unable to cast value to a number: {_quoted(value)}")
    return int(found) if found.is_integer() else found


def power(base: Value, exponent: Value) -> Value:
    if base is None:
        return None
    with_words = f"base={_shown(base)}, exponent={_shown(exponent)}"
    try:
        found = None if exponent is None else math.pow(base, exponent)
    except (OverflowError, ValueError):
        found = None
    if found is None or not math.isfinite(found):
        raise FunctionError(
            "D3061: The power function has resulted in a value that cannot be represented as a JSON number: "
            + with_words
        )
    return found


def _shown(value: Value) -> str:
    return "undefined" if value is None else number_text(value)


def total(numbers: Value) -> Value:
    """In doubles from the left, as JavaScript adds."""
    if numbers is None:
        return None
    return functools.reduce(operator.add, numbers, 0)


_DECIMALS: Final = 400
"""No double has digits that are farther from the point."""


def rounded(value: Value, precision: Value) -> Value:
    """Half to even, of the digits as they are written."""
    if value is None or not math.isfinite(_double(value)):
        return value
    digits = 0 if precision is None else max(-_DECIMALS, min(int(precision), _DECIMALS))
    with decimal.localcontext(prec=2 * _DECIMALS):
        return float(round(decimal.Decimal(repr(value)), digits))


def format_base(original: Function, value: Value, radix: Value) -> Value:
    if value is not None and radix is not None and not 2 <= (base := round(radix)) <= 36:
        raise FunctionError(
            f"D3100: The radix of the formatBase function must be between 2 and 36.  It was given {base}"
        )
    return original(value, radix)


_ACTIVE: Final = re.compile(r"[0-9#]")


def format_number(original: Function, value: Value, picture: Value, options: Value) -> Value:
    """Rounded half to even to the digits that the picture has, before the library would round half up.

    A picture without any digit is refused in the words measured for `$formatNumber(1, "x")`.
    """
    if value is None or picture is None:
        return None if value is None else original(value, picture, options)
    if not options and not _ACTIVE.search(picture):
        raise FunctionError(
            "D3086: The sub-picture must not contain a passive character that is preceded by an active character and "
            "that is followed by another active character"
        )
    if not options and math.isfinite(_double(value)):
        part = picture.split(";")[-1 if value < 0 else 0]
        shift = 2 if "%" in part else 3 if "\u2030" in part else 0
        if "e" not in part:
            fraction = sum(letter.isdigit() or letter == "#" for letter in part.partition(".")[2])
            unit = decimal.Decimal(1).scaleb(-fraction - shift)
            with decimal.localcontext(prec=400):
                exact = decimal.Decimal(repr(value)).quantize(unit, decimal.ROUND_HALF_EVEN)
            value = int(exact) if exact == exact.to_integral_value() else float(exact)
    return original(value, picture, options)


def format_integer(original: Function, value: Value, picture: Value) -> Value:
    _check_integer_picture(picture)
    return original(value, picture)


def _check_integer_picture(picture: Value) -> None:
    """What begins as no digits, letters, words or Roman numerals do; `#` stands for a digit, beside which is one."""
    first = picture if picture is None or ";" not in picture else picture.rpartition(";")[0]
    if first is not None and first not in _NUMERALS and not any(letter.isdecimal() for letter in first):
        raise FunctionError(
            f"D3130: Formatting or parsing an integer as a sequence starting with {_quoted(first)} is not supported by "
            "this implementation"
        )


def parse_integer(original: Function, text: Value, picture: Value) -> Value:
    """What is no number in the picture's digits, letters or words is NaN."""
    if text is not None:
        _check_integer_picture(picture)
    try:
        return original(text, picture)
    except (KeyError, TypeError, ValueError):
        return math.nan


def base64_decode(text: Value) -> Value:
    """Padding may be missing; anything else that is no Base64 has been seen to be an error inside the service."""
    if text is None:
        return None
    padding = "" if "=" in text else "=" * (-len(text) % 4)
    try:
        return base64.b64decode(text + padding, validate=True).decode(errors="replace")
    except ValueError:
        raise InternalError from None


_TIMESTAMP: Final = re.compile(
    r"(\d{4})(?:-([01]\d))?(?:-([0-3]\d))?(?:T([0-2]\d):([0-5]\d):([0-5]\d))?(\.\d+)?([+-][0-2]\d:?[0-5]\d|Z)?",
    re.ASCII,
)


_NUMERALS: Final = frozenset(("A", "a", "I", "i", "W", "w", "Ww"))
_MARKER: Final = re.compile(r"\[\[|\[([^\]]*)\]")
_COMPONENTS: Final = "YMDdFWwXxHhPmsfZzCE"
_UNNAMED: Final = "YDdWwXHhmsf"


def _check_time_picture(picture: Value) -> None:
    for marker in _MARKER.finditer(picture or ""):
        found = "".join((marker[1] or "").split())
        kind, name = found[:1], found[1:2] in ("N", "n")
        if len(found) == 1 and kind not in _COMPONENTS:
            raise FunctionError(f"D3132: Unknown component specifier {_quoted(kind)} in date/time picture string")
        if name and kind in _UNNAMED:
            raise FunctionError(
                "D3133: The 'name' modifier can only be applied to months and days in the date/time picture string, "
                f"not {_quoted(kind)}"
            )


def from_millis(original: Function, millis: Value, picture: Value, zone: Value) -> Value:
    if millis is not None:
        _check_time_picture(picture)
    return original(millis, picture, zone)


def to_millis(original: Function, text: Value, picture: Value) -> Value:
    """Without a picture, of an ISO 8601 timestamp; a part that is left out is the first."""
    if text is None or picture is not None:
        if text is not None:
            _check_time_picture(picture)
        return original(text, picture)
    found = _TIMESTAMP.fullmatch(text)
    if found is None:
        raise FunctionError(
            "D3110: The argument of the toMillis function must be an ISO 8601 formatted timestamp. "
            f"Given {_quoted(text)}"
        )
    year, month, day, hour, minute, second, fraction, zone = found.groups()
    try:
        first = datetime(int(year), int(month or 1), 1, int(hour or 0), int(minute or 0), int(second or 0), tzinfo=UTC)
    except ValueError:
        return math.nan
    moment = first + timedelta(days=int(day or 1) - 1, milliseconds=int(f"{fraction or '.'}000"[1:4]))
    if zone and zone != "Z":
        ahead = timedelta(hours=int(zone[1:3]), minutes=int(zone[-2:]))
        moment += -ahead if zone[0] == "+" else ahead
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


def shuffle(items: Value) -> Value:
    """Drawn from the execution's own numbers, so that a replay has the same order."""
    return None if items is None else chance.source.sample(items, len(items))


def sort(
    kind_of: Callable[[Value], str], call: Callable[[Value, list[Value]], Value], items: Value, comparator: Value
) -> Value:
    """By merging; a comparator says whether its first argument comes after its second."""
    if items is None or len(items) < 2:
        return items
    if comparator is None:
        if {kind_of(item) for item in items} not in ({"n"}, {"s"}):
            raise FunctionError(
                "D3070: The single argument form of the sort function can only be applied to an array of strings or "
                "an array of numbers.  Use the second argument to specify a comparison function"
            )
        return sorted(items)

    def after(one: Value, other: Value) -> bool:
        said = call(comparator, [one, other])
        kind = kind_of(said)
        return kind in "aof" or (kind in "nsb" and bool(said) and said == said)

    def merged(part: list[Value]) -> list[Value]:
        if len(part) < 2:
            return part
        left, right = merged(part[: len(part) // 2]), merged(part[len(part) // 2 :])
        made: list[Value] = []
        at = 0
        for item in left:
            while at < len(right) and after(item, right[at]):
                made.append(right[at])
                at += 1
            made.append(item)
        return made + right[at:]

    return merged(list(items))


def distinct(
    kind_of: Callable[[Value], str], like: Callable[[list[Value], list[Value]], list[Value]], items: Value
) -> Value:
    """Every item once; true is not 1, and an array of one item stays an array."""
    if not isinstance(items, list) or len(items) < 2:
        return items
    made: list[Value] = []
    for item in items:
        if not any(_same(kind_of, item, other) for other in made):
            made.append(item)
    return like(items, made)


def _same(kind_of: Callable[[Value], str], one: Value, other: Value) -> bool:
    kind = kind_of(one)
    if kind != kind_of(other):
        return False
    if kind == "a":
        return len(one) == len(other) and all(_same(kind_of, *pair) for pair in zip(one, other, strict=True))
    if kind == "o":
        return one.keys() == other.keys() and all(_same(kind_of, value, other[key]) for key, value in one.items())
    return bool(one == other)


def _decode(name: str, original: Function, text: Value) -> Value:
    if text is None:
        return None
    try:
        if re.search("%(?![0-9A-Fa-f]{2})", text):
            raise ValueError
        unquote_to_bytes(text).decode()
    except ValueError:
        raise FunctionError(f"D3140: Malformed URL passed to ${name}(): {_quoted(text)}") from None
    return original(text)
