"""How data goes through a state: from the raw input to what the work sees, from its result to the output.

JSONPath: InputPath, Parameters → work → ResultSelector, Assign, ResultPath, OutputPath.
JSONata: Arguments → work → Assign, Output.
Source: ASL specification, "Input and output processing", "Assign field".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from attrs import field, frozen

from ...author.fields import Spec
from ...expr.errors import StatesError
from ...expr.scope import Evaluate, Scope
from ..core import Fiber
from ..history import JSON, text

Transform = Callable[[JSON, Scope], JSON]
Finish = Callable[[JSON, JSON, Scope], tuple[JSON, dict[str, JSON] | None]]
"""From the raw input and the result to the output and what is assigned."""
CatchFlow = Finish
"""From the raw input and the error output to the output and what is assigned."""


@frozen
class DataFlow:
    """A state's data flow. `effective` gives what the work sees; `finish` the output of the state."""

    effective: Transform
    finish: Finish
    is_identity: bool = False
    """Output is input, and nothing is assigned."""


@frozen
class Items:
    """Where a Map's items come from."""

    find: Callable[[JSON, JSON, Fiber], JSON] = field(repr=False)
    """From the raw and the effective input: an array, or an object for its pairs."""
    select: Callable[[JSON, JSON, Fiber], JSON] | None = field(repr=False)
    """The input of one iteration, from the state's raw and effective input, in a scope whose context holds Map.Item;
    None if it is the item itself."""
    max_concurrency: Callable[[JSON, Fiber], int] = field(repr=False)
    """From the effective input; 0 is no limit."""


def concurrency(number: float | None) -> int:
    """MaxConcurrency as a whole number. The message follows those recorded for the other numbers of a Map."""
    if number is not None and number < 0:
        raise StatesError("States.Runtime", "MaxConcurrency cannot be negative.")
    return int(number or 0)


_NUMBERS = {
    "integer": (re.compile(r"[+-]?0*[0-9]{1,19}"), int),
    "float": (re.compile(r"[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?"), float),
}


def parse_number(value: JSON, kind: str) -> float | None:
    """Parse a number that a Map refers to by path, an `integer` or a `float`; return None if it is invalid.

    The service reads its text: digits in a string will do (recorded for MaxItemsPerBatchPath), 1.0 is no integer, and
    neither is what takes more than 64 bits.
    """
    written = value if isinstance(value, str) else text(value)
    pattern, number = _NUMBERS[kind]
    if pattern.fullmatch(written) is None:
        return None
    parsed = number(written)
    return parsed if kind == "float" or -(2**63) <= parsed < 2**63 else None


Body = Mapping[str, Any]
"""A state, or a part of one, as JSON."""
Evaluated = Callable[[JSON, "Fiber"], JSON]
"""The value of a field of a Map, from the state's effective input: InputPath says what a state sees of its input
(ASL specification, "Input and output processing")."""
Number = Callable[[JSON, "Fiber"], float | None]
"""A number of a Map, from the state's effective input; None if the state has no such field."""
Limit = Callable[[JSON, "Fiber"], Any]
"""A field of a Task that may be read from the state's raw input, such as TimeoutSeconds."""


class QueryLanguage(Protocol):
    """Compile the fields of a state in one query language."""

    def flow(self, state: Body, *, merges: bool = True, payload: str | None = None) -> DataFlow:
        """`payload` is the JSONPath field for the input of the work; `merges` means that the state has a result."""

    def input(self, state: Body) -> Transform: ...
    def catch(self, catcher: Body, index: int) -> CatchFlow: ...
    def rule(self, rule: Body, index: int) -> Callable[[JSON, Scope], bool]: ...
    def rule_flow(self, state: Body, rule: Body, index: int) -> DataFlow: ...
    def text(self, state: Body, field: str) -> Evaluate: ...
    def limit(self, state: Body, spec: Spec) -> Limit:
        """The field, or its `…Path` twin; the state has one of them."""

    def until(self, state: Body) -> Callable[[JSON, Fiber], float]: ...
    def credentials(self, state: Body) -> Callable[[JSON, Fiber], JSON] | None: ...
    def items(self, state: Body) -> Items: ...
    def value(self, part: Body, field: str, path: str) -> Evaluated | None:
        """Any JSON value in a part of the state, its expressions evaluated; None if the part has no such field."""

    def number(self, part: Body, field: str, kind: str, path: str = "") -> Number:
        """A number of a Map, or of a part of it at this path; `kind` is `integer` or `float`."""

    def payload(self, part: Body, path: str) -> Evaluated:
        """Parameters or Arguments of a part of the state; an empty object if there are none."""


def same(value: JSON, scope: Scope) -> JSON:  # noqa: ARG001 - a Transform
    return value


def unchanged(raw: JSON, result: JSON, scope: Scope) -> tuple[JSON, dict[str, JSON] | None]:  # noqa: ARG001 - a Finish
    return result, None


def nothing(value: JSON, scope: Scope) -> JSON:  # noqa: ARG001 - a Transform
    """The result of a path that is null: an empty object."""
    return {}
