"""What is brought in: a definition, and what its file tells besides."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

import attrs

from ..base.diagnostics import AslPath, Diagnostic
from ..base.source import Span


@attrs.frozen
class Imported:
    """A definition as JSON values, with its name and what else the Python file should say."""

    name: str
    """The name of the state machine."""
    definition: dict[str, Any]
    file: str = ""
    """Where it comes from, for people: a file's name, or an ARN."""
    type: Literal["STANDARD", "EXPRESS"] = "STANDARD"
    locate: Callable[..., Span | None] = attrs.field(default=lambda *_: None, repr=False)
    """Returns the place of an ASL path in the file."""
    twice: tuple[AslPath, ...] = ()
    """The paths of duplicate keys in the file."""
    functions: Mapping[str, Mapping[str, Any]] = attrs.field(factory=dict)
    """By the name of a Lambda function, the keywords of its `Function`: `source`, `handler`, `timeout` and so on.

    A Task whose Resource is `arn:aws:lambda:${AWS::Region}:${AWS::AccountId}:function:NAME` calls it.
    """
    comments: Mapping[AslPath, tuple[str, ...]] = attrs.field(factory=dict)
    """Comments of the file, by the ASL path at which they stand; they go above the state that they are in."""
    warnings: tuple[Diagnostic, ...] = ()
    """What the source says that cannot be brought in, for the command to show."""
    notes: tuple[str, ...] = ()
    """What the file says that no flow can say: comments at the top of the Python file."""


def comments_by_state(comments: Mapping[AslPath, tuple[str, ...]]) -> dict[AslPath, list[str]]:
    """The comments by the path of the innermost state around them; () for those outside all states."""
    by_state: dict[AslPath, list[str]] = {}
    for path, lines in comments.items():
        ends = [
            index for index in range(2, len(path) + 1) if path[index - 2] == "States" and _is_graph(path[: index - 2])
        ]
        by_state.setdefault(path[: ends[-1]] if ends else (), []).extend(lines)
    return by_state


def _is_graph(path: AslPath) -> bool:
    """True for the path of a machine, a branch or a processor."""
    return not path or path[-1] in ("ItemProcessor", "Iterator") or (len(path) > 1 and path[-2] == "Branches")
