"""What a picture shows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import frozen

from ..base.diagnostics import AslPath
from .picture import Mark, Point
from .timeline import Timeline


@frozen(kw_only=True)
class Subject:
    """What to draw."""

    name: str
    definition: Any
    """ASL as JSON values, however broken."""
    comment: str = ""
    """The text under the name; by default the definition's Comment."""
    words: Mapping[AslPath, str] = {}
    """The labels of rules in their author's words, by the paths of the rules; by default the definition's."""
    like: Mapping[str, Point] = {}
    """Where states are in an earlier picture, by their keys: they stay there as far as possible."""
    marks: Mapping[AslPath, Mark] = {}
    timeline: Timeline | None = None
    """What an execution did when: it is drawn below the picture."""
    details: Mapping[AslPath, Mapping[str, Any]] = {}
    """What the page of HTML tells of a state apart from its ASL: texts by heading."""
    views: Mapping[str, Mapping[AslPath, Mark]] = {}
    """Further sets of marks that the page of HTML can switch to, by name."""

    @property
    def explanation(self) -> str:
        """The comment, or else that of the definition; "" for none."""
        if self.comment or not isinstance(self.definition, Mapping):
            return self.comment
        comment = self.definition.get("Comment")
        return comment if isinstance(comment, str) else ""
