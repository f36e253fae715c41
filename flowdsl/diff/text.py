"""A comparison as lines of text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, Literal

from ..base.named import NamedTuple
from ..base.words import join_words
from .model import KINDS, RISKS, Change, Comparison, Neutral

Tone = Literal["title", "added", "removed", "changed", "risk", "quiet", "plain"]
_MOST_NAMES: Final = 4


class Line(NamedTuple):
    tone: Tone
    text: str


def lines(comparisons: Iterable[Comparison]) -> Iterator[Line]:
    """All comparisons, each with a summary at its end."""
    for number, comparison in enumerate(comparisons):
        if number:
            yield Line("plain", "")
        yield Line("title", comparison.name)
        for change in comparison.changes:
            yield from _change(change)
        for each in comparison.neutral:
            yield Line("quiet", f"= {neutral_words(each)}")
        yield Line("plain", summary(comparison))


def _change(change: Change) -> Iterator[Line]:
    tone = tone_of(change)
    sign = {"added": "+", "removed": "-"}.get(tone, "~")
    yield Line(tone, f"{sign} {heading(change)}: {change.text}")
    yield from (Line("plain", f"    {line}") for line in change.details)
    yield from (Line("risk", f"    ! {touch.risk}: {touch.text}") for touch in change.touches)


def tone_of(change: Change) -> Literal["added", "removed", "changed"]:
    """How a change is shown: by a sign, and a colour."""
    if change.kind == "added" or (change.kind in ("permission", "function") and change.before is None):
        return "added"
    if change.kind == "removed" or (change.kind in ("permission", "function") and change.after is None):
        return "removed"
    return "changed"


def heading(change: Change) -> str:
    """What changed: the state, and the kind of the change."""
    return f"{change.state}: {KINDS[change.kind]}" if change.state else KINDS[change.kind]


def neutral_words(neutral: Neutral) -> str:
    """A change without meaning, with its first states."""
    names = [*neutral.states]
    if not names:
        return neutral.text
    if len(names) > _MOST_NAMES:
        return f"{neutral.text}: in {len(names)} states"
    return f"{neutral.text}: {join_words(names)}"


def summary(comparison: Comparison) -> str:
    """The comparison in a sentence."""
    count = len(comparison.changes)
    if not count:
        return "same in meaning" if comparison.neutral else "no difference"
    parts = [f"{count} change{'s' * (count != 1)} in meaning"]
    for risk in RISKS:
        if comparison.risks[risk]:
            number = comparison.risks[risk]
            parts.append(f"{number} may touch {RISK_WORDS[risk]}")
    return "; ".join(parts)


RISK_WORDS: Final = {
    "in flight": "executions in flight",
    "at most once": "at-most-once",
    "stored data": "stored data",
}
