"""The words of a comparison."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any, Final, Literal

from attrs import field, frozen

from ..base.diagnostics import AslPath, pointer

Kind = Literal[
    "added",
    "removed",
    "renamed",
    "moved",
    "type",
    "route",
    "condition",
    "retry",
    "catch",
    "timeout",
    "wait",
    "call",
    "data",
    "map",
    "failure",
    "language",
    "machine",
    "permission",
    "function",
    "other",
]
KINDS: Final[Mapping[Kind, str]] = {
    "added": "added",
    "removed": "removed",
    "renamed": "renamed",
    "moved": "moved",
    "type": "type",
    "route": "route",
    "condition": "condition",
    "retry": "retry",
    "catch": "catch",
    "timeout": "timeout",
    "wait": "wait",
    "call": "what is called",
    "data": "what is read and written",
    "map": "how items are processed",
    "failure": "failure",
    "language": "query language",
    "machine": "state machine",
    "permission": "permission",
    "function": "function",
    "other": "other",
}
"""The kinds of changes, and their words."""

Risk = Literal["in flight", "at most once", "stored data"]
RISKS: Final[tuple[Risk, ...]] = ("in flight", "at most once", "stored data")


@frozen
class Touch:
    """What a change may do: to executions in flight and their redrives, to effects that must happen at most once, or to
    data that outlives the execution."""

    risk: Risk
    text: str


@frozen(kw_only=True)
class Change:
    """A change in meaning. `state` is the state's name, the new one if it was renamed; "" if it is about no state."""

    kind: Kind
    state: str = ""
    text: str
    """What changed, in a line."""
    details: tuple[str, ...] = ()
    """More lines: each value that changed, as `place: old → new`."""
    old: AslPath | None = None
    """Where it is in the old definition; None if it is not there."""
    new: AslPath | None = None
    before: Any = None
    """The old value: of a field, of a list of rules; for an added state None."""
    after: Any = None
    touches: tuple[Touch, ...] = ()

    def as_json(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "state": self.state or None,
            "text": self.text,
            "details": [*self.details],
            "old_path": None if self.old is None else pointer(self.old),
            "new_path": None if self.new is None else pointer(self.new),
            "before": self.before,
            "after": self.after,
            "touches": [{"risk": each.risk, "text": each.text} for each in self.touches],
        }


@frozen
class Neutral:
    """A change of the text that changes nothing in meaning."""

    text: str
    states: tuple[str, ...] = ()
    """Where it is; () for the state machine itself."""


@frozen
class Permission:
    """What somebody may do: the role of the state machine (`who` is ""), or a function."""

    who: str
    action: str
    resource: str
    condition: str = ""

    def __str__(self) -> str:
        return f"{self.action} on {self.resource}{f' if {self.condition}' if self.condition else ''}"


@frozen
class FunctionFacts:
    """What is known of a function: digests of its code, by what they are of, and settings by name."""

    code: Mapping[str, str] = {}
    """`inputs` of all that decides what is in the zip, `contents` of what is in it."""
    settings: Mapping[str, Any] = {}


@frozen(kw_only=True)
class Side:
    """A state machine as one of the two that are compared."""

    name: str
    definition: Any
    type: str | None = None
    """STANDARD or EXPRESS; None if it is not known."""
    derived: frozenset[Permission] | None = None
    """What the role may do, as far as the definition alone tells; None if it is not known."""
    declared: frozenset[Permission] | None = None
    """The same, with what only the author's file declares: functions that are chosen at run time, and what functions
    may do. None if there is no such file."""
    functions: Mapping[str, FunctionFacts] | None = None


@frozen(kw_only=True)
class Comparison:
    """What changed in one state machine. `old` or `new` is None if only one side has it."""

    name: str
    old: Side | None
    new: Side | None
    changes: tuple[Change, ...] = ()
    neutral: tuple[Neutral, ...] = ()
    matches: Mapping[AslPath, AslPath] = field(factory=dict)
    """The paths of the states in the old definition, and of the same states in the new one."""

    @property
    def risks(self) -> Counter[Risk]:
        """How many changes touch what."""
        return Counter(risk for change in self.changes for risk in {touch.risk for touch in change.touches})

    def as_json(self) -> dict[str, Any]:
        return {
            "machine": self.name,
            "same": not self.changes,
            "changes": [change.as_json() for change in self.changes],
            "neutral": [{"text": each.text, "states": [*each.states]} for each in self.neutral],
        }
