"""The parsed form of a path: what the checker and the data-flow analysis read and what the evaluator runs.

The dialect is Jayway JsonPath, the one Step Functions uses (Developer Guide, "Paths"), with the backslash escapes of
the ASL specification, "Reference Paths", and with `$$` and `$name` as roots.
"""

from __future__ import annotations

import enum
import re
from typing import Final, TypeAlias

from ...base.record import Record


class PathSyntaxError(ValueError):
    """The text is not a path. `offset` counts characters from the start of the text."""

    def __init__(self, message: str, offset: int) -> None:
        super().__init__(f"{message} (at offset {offset})")
        self.message = message
        self.offset = offset


class Root(enum.Enum):
    """Which document a path starts from."""

    INPUT = "$"
    CONTEXT = "$$"
    VARIABLE = "$name"


class Name(Record):
    """`.name`, `['name']`, or several names `['a', 'b']`, which as the last step make one object of them."""

    names: tuple[str, ...]


class Index(Record):
    """`[0]`, `[-1]` or a union `[0, 2]`; a negative index counts from the end."""

    indexes: tuple[int, ...]


class Slice(Record, eq=False):
    """`[start:end]`; Jayway reads no step, so `[0:9:2]` is `[0:9]`."""

    start: int | None
    end: int | None


class Wildcard(Record, eq=False):
    """`.*` or `[*]`."""


class Descend(Record, eq=False):
    """`..`: the next step applies to this node and to everything below it."""


class Filter(Record, eq=False):
    """`[?(condition)]`."""

    condition: Condition
    text: str


class FunctionStep(Record, eq=False):
    """`.length()` and its like; only as the last step."""

    name: str
    arguments: tuple[Operand, ...]


Step: TypeAlias = Name | Index | Slice | Wildcard | Descend | Filter | FunctionStep


class Path(Record, eq=False):
    """A parsed path: `text` as written, the root, the variable's name if the root is one, and the steps."""

    text: str
    root: Root
    variable: str | None
    steps: tuple[Step, ...]

    @property
    def is_definite(self) -> bool:
        """Whether the path selects at most one node; an indefinite path gives a list of what it finds."""
        return all(is_definite_step(step, step is self.steps[-1]) for step in self.steps)

    @property
    def is_reference(self) -> bool:
        """Whether it is a Reference Path: single names and indexes only (ASL specification, "Reference Paths")."""
        return all(
            (isinstance(step, Name) and len(step.names) == 1) or (isinstance(step, Index) and len(step.indexes) == 1)
            for step in self.steps
        )


def is_definite_step(step: Step, is_last: bool) -> bool:
    """Several names as the last step are merged into one object, so they count as definite, as in Jayway."""
    match step:
        case Name(names):
            return len(names) == 1 or is_last
        case Index(indexes):
            return len(indexes) == 1
        case FunctionStep():
            return True
        case _:
            return False


class Literal(Record, eq=False):
    """A JSON value in a filter."""

    value: object


class Pattern(Record, eq=False):
    """`/regular expression/flags` in a filter."""

    pattern: str
    flags: str

    @property
    def regex(self) -> re.Pattern[str]:
        """Raises re.error, OverflowError or RecursionError for a pattern that is none."""
        known = {"i": re.IGNORECASE, "x": re.VERBOSE, "m": re.MULTILINE, "s": re.DOTALL}
        return re.compile(self.pattern, sum({known[letter] for letter in self.flags if letter in known}))


class Query(Record, eq=False):
    """A path in a filter: relative to the candidate (`@`) or to the document (`$`)."""

    relative: bool
    path: Path


Operand: TypeAlias = Literal | Pattern | Query


class Comparison(Record, eq=False):
    """`left operator right`; operators as Jayway lists them, in upper case."""

    left: Operand
    operator: str
    right: Operand


class Exists(Record, eq=False):
    """A query alone: true where it finds something."""

    query: Query


class Not(Record, eq=False):
    """`!condition`."""

    condition: Condition


class AllOf(Record, eq=False):
    """`a && b`."""

    conditions: tuple[Condition, ...]


class AnyOf(Record, eq=False):
    """`a || b`."""

    conditions: tuple[Condition, ...]


Condition: TypeAlias = Comparison | Exists | Not | AllOf | AnyOf | Literal


class Absent:
    """The type of ABSENT."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "ABSENT"


ABSENT: Final = Absent()
"""What an index outside an array selects.

Step Functions reads it as null in a payload template and as nothing in a Choice rule or an intrinsic's argument, so it
differs both from null and from a path that cannot be found.
"""


class NotFound(Exception):  # noqa: N818 - an outcome of a search, turned into an error by whoever asked
    """A definite path found nothing; the argument is Jayway's sentence."""


class NotApplicable(Exception):  # noqa: N818
    """A step cannot apply to the kind of value it met; the argument is Jayway's sentence."""
