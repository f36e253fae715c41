"""JSONata's errors in the service's words, which are those of the reference implementation 2.0.6."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from ...base.patterns import regex
from ..errors import StatesError

if TYPE_CHECKING:
    from jlens import JlensError


class QueryEvaluationError(StatesError):
    """States.QueryEvaluationError. `location` is the field, as the EvaluationFailed event names it."""

    def __init__(self, cause: str, location: str | None) -> None:
        super().__init__("States.QueryEvaluationError", cause)
        self.location = location


class JsonataSyntaxError(ValueError):
    """The expression does not parse. `code` is JSONata's (`S0201`), `offset` counts characters of the expression."""

    def __init__(self, code: str, message: str, offset: int) -> None:
        super().__init__(f"{code}: {message} (at offset {offset})")
        self.code = code
        self.message = message
        self.offset = offset


class Unsupported(Exception):  # noqa: N818 - an outcome; the caller knows the field and makes it an error
    """The result is or holds a function."""


class Thrown(Exception):  # noqa: N818 - as Unsupported
    """The evaluation threw; the argument is the rest of the sentence."""


class InternalError(Exception):
    """The service has no error of its own for this failure; it answers with a random number for each."""


class FunctionError(Exception):
    """A function cannot take its arguments; the text is JSONata's code and sentence."""


def expression_error(expression: str, field: str, what: str) -> QueryEvaluationError:
    """`The JSONata expression '…' specified for the field '…' …`."""
    cause = f"The JSONata expression '{expression}' specified for the field '{field}' {what}"
    return QueryEvaluationError(cause, field)


MAX_DEPTH: Final = 100
"""How deep an evaluation may nest (measured: floci-io/floci#2737)."""
MAX_CHARACTERS: Final = 8 * 873_782
"""Length of one text, and of the result as JSON, in bytes: 2^22 characters have been seen to be kept, 2^23 not."""
STACK_OVERFLOW: Final = (
    "Stack overflow error: Check for non-terminating recursive function. Consider rewriting as tail-recursive. "
    f"Depth={MAX_DEPTH + 1} max={MAX_DEPTH}"
)
MEMORY: Final = "Expression evaluation memory limit exceeded: Check for excessive memory usage"
OUT_OF_RANGE: Final = "D1001: Number out of range: null"
TIMEOUT: Final = "Expression evaluation timeout: Check for infinite loop"

_LIMITS: Final = {
    "D1011": STACK_OVERFLOW,
    "D1012": TIMEOUT,
    "D2015": MEMORY,
    "D2016": MEMORY,
    "U1001": MEMORY,
    "U1006": TIMEOUT,
}
"""Codes of limits, which the service reports without a code: JSONata's later ones and the engine's own."""
_WHOLE: Final = regex(r"(?<=[0-9])\.0(?![0-9])")
_WITH_NUMBERS: Final = ("D3060", "D3061", "D3100", "S0212", "S0213")
"""Codes whose messages have numbers in them, which the engine writes as `1.0`."""

_NOT_PARTITIONED: Final = 'Argument 1 of function "partition" does not match function signature'


def sentence(error: JlensError, operator: str | None) -> str:
    """The end of the sentence that begins with `threw an error during evaluation`: `. T2001: The left side …`.

    `operator` is the `and` or `or` around the place of the error, which the reference implementation then names.
    """
    if error.code in _LIMITS:
        return f": {_LIMITS[error.code]}"
    if error.code == "U1004":  # a number of the input is beyond a double
        return f". {OUT_OF_RANGE}"
    message = message_of(error)
    if operator is not None and error.token:
        message = re.sub(f'(operator|function|the) "{re.escape(error.token)}"', rf'\1 "{operator}"', message)
    if message == _NOT_PARTITIONED:
        return '. T0412: Argument 1 of function "partition" must be an array of undefined'
    return f". {error.code}: {message}"


def message_of(error: JlensError) -> str:
    """The engine's message, with numbers as JavaScript writes them."""
    return _WHOLE.sub("", str(error)) if error.code in _WITH_NUMBERS else str(error)
