"""JSONata's errors in the words of its reference implementation, which the service shows."""

from __future__ import annotations

import json
import re
from typing import Any, Final

from .errors import StatesError


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
    """The evaluation stumbles over what the service foresees no error for; it gives a number of its own for each."""


def expression_error(expression: str, field: str, what: str) -> QueryEvaluationError:
    """`The JSONata expression '…' specified for the field '…' …`."""
    cause = f"The JSONata expression '{expression}' specified for the field '{field}' {what}"
    return QueryEvaluationError(cause, field)


STACK_OVERFLOW: Final = (
    "Stack overflow error: Check for non-terminating recursive function. Consider rewriting as tail-recursive"
)
MEMORY: Final = "Expression evaluation memory limit exceeded: Check for excessive memory usage"
TIMEOUT: Final = "Expression evaluation timeout: Check for infinite loop"

_UNCODED: Final = {
    "Second argument of replace function cannot be an empty string": "D3010",
    "Fourth argument of replace function must evaluate to a positive number": "D3011",
}
_PLACEHOLDER: Final = re.compile(r"\{\{\{?\w+\}?\}\}")


def thrown(error: Any, templates: dict[str, str]) -> str:
    """What follows `threw an error during evaluation`: `. T2001: The left side …`, or `: …` without a code.

    `error` is jsonata's JException, which keeps the code and the values of the message apart.
    """
    code = error.error
    if code in _UNCODED:
        return f". {_UNCODED[code]}: {code}"
    template = templates.get(code)
    if template is None:
        return f": {code}"
    if code == "S0301" and error.current is not None:  # What is no regular expression is an escape in a string.
        return f'. S0103: Unsupported escape sequence: \\"{error.current}"'
    values = [error.current, error.expected, error.extra]
    if code == "D1002":
        values = [error.expected]
    remaining = iter(values)

    def fill(placeholder: re.Match[str]) -> str:
        value = next(remaining, None)
        return str(value) if placeholder.group().startswith("{{{") else _shown(value)

    return f". {code}: " + _PLACEHOLDER.sub(fill, _worded(template))


def _worded(template: str) -> str:
    """In the words of the reference implementation, of which jsonata-python's are a translation to Java and back."""
    return template.replace("Object", "function").replace('"', "'")


def slipped(error: Exception, templates: dict[str, str]) -> str:
    """The same of another exception of jsonata-python, which raises some of the language's sentences without code."""
    text = str(error)
    code = next((code for code, template in templates.items() if _worded(template) == text), None)
    return f": {text}" if code is None else f". {code}: {text}"


def _shown(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=_unknown)


def _unknown(value: Any) -> str | None:
    """The library's null is null."""
    return None if repr(value) == "null" else str(value)
