"""What holds states: a branch, a processor, and what all machines have."""

from __future__ import annotations

from collections.abc import Mapping

from . import kinds
from .fields import UNSET, Element, Unset, asl, element
from .states import ProcessorConfig, State


@element
class Graph(Element):
    """States and where they start: a branch of a Parallel, or what all machines have."""

    start_at: str | Unset = asl("StartAt", kinds.STATE_NAME, required=True, default=UNSET)
    states: Mapping[str, State] = asl("States", kinds.STATES, required=True, factory=dict)


@element
class Branch(Graph):
    """A branch of a Parallel."""

    comment: str | Unset = asl("Comment", kinds.STRING, default=UNSET)


@element
class Processor(Branch):
    """What a Map runs for each item."""

    config: ProcessorConfig | Unset = asl("ProcessorConfig", kinds.part(ProcessorConfig), default=UNSET)
