"""Comparisons as Markdown for a pull request on GitHub, with a picture that GitHub draws.

Names and values come from anywhere. They stand in code, where they can neither format, nor link, nor mention anybody.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from ..graph.output import draw
from .model import Change, Comparison
from .picture import picture
from .text import RISK_WORDS, heading, neutral_words, summary, tone_of

MOST: Final = 55_000
"""Characters of the text: GitHub refuses comments of more than 65,536."""
_MOST_PICTURE: Final = 20_000
"""Characters of a picture; GitHub's Mermaid refuses more than 50,000, and a larger one cannot be read."""
_SIGNS: Final = {"added": "🟢", "removed": "🔴", "changed": "🟠"}


def markdown(comparisons: Iterable[Comparison], *, title: str = "") -> str:
    """The text of all comparisons; what is too long for a comment is cut, with a word about it."""
    parts = [f"### {title}"] if title else []
    for comparison in comparisons:
        parts += _comparison(comparison)
    text = ""
    for part in parts:
        if len(text) + len(part) > MOST:
            # A picture is left out as a whole, a list of changes from where it is too long.
            kept = "" if part.startswith("<") else part[: MOST - len(text)].rpartition("\n")[0]
            return f"{text}{kept}\n\n*The rest is too long for a comment: run `flowdsl diff`.*\n"
        text += f"{part}\n\n"
    return f"{text.rstrip()}\n"


def _comparison(comparison: Comparison) -> Iterator[str]:
    mark = "⚠️ " if comparison.risks else "" if comparison.changes else "✅ "
    yield f"**{mark}{code(comparison.name)}: {summary(comparison)}**"
    if comparison.changes:
        yield "\n".join(line for change in comparison.changes for line in _change(change))
    if comparison.neutral:
        listed = "\n".join(
            f"- {plain(each.text)}: {_names(neutral_words(each), each.text)}" for each in comparison.neutral
        )
        yield f"<details><summary>Without meaning</summary>\n\n{listed}\n\n</details>"
    if comparison.changes and comparison.old and comparison.new:
        chart = draw(picture(comparison), "mermaid")
        if isinstance(chart, str) and len(chart) <= _MOST_PICTURE:
            legend = "🟢 added 🔴 removed 🟠 changed"
            fence = "```"
            yield f"<details><summary>Picture</summary>\n\n{legend}\n\n{fence}mermaid\n{chart}{fence}\n\n</details>"


def _change(change: Change) -> Iterator[str]:
    state = f"{code(change.state)} " if change.state else ""
    kind = heading(change).rpartition(": ")[2] if change.state else heading(change)
    yield f"- {_SIGNS[tone_of(change)]} {state}**{kind}**: {code(change.text)}"
    yield from (f"  - {code(line)}" for line in change.details)
    yield from (f"  - ⚠️ may touch **{RISK_WORDS[touch.risk]}**: {plain(touch.text)}" for touch in change.touches)


def _names(words: str, text: str) -> str:
    return code(words.removeprefix(text).removeprefix(": ").removeprefix("in ") or "the state machine")


def code(text: str) -> str:
    """Text as code: in a fence that it does not end, in a line.

    >>> code("a`b")
    '`` a`b ``'
    """
    line = " ".join(text.split()) or "(empty)"
    longest = max((len(run) for run in re.findall("`+", line)), default=0)
    if not longest:
        return f"`{line}`"
    fence = "`" * (longest + 1)
    return f"{fence} {line} {fence}"


_JOINER = "\u2060"


def plain(text: str) -> str:
    """Text that formats, links and mentions nothing: special characters are escaped, and what GitHub would make a link
    of is broken by a character without width."""
    line = re.sub(r"([\\`*_<>\[\]#|~&!])", r"\\\1", " ".join(text.split()))
    line = re.sub(r"(@|#|www)(?=[\w.-])", rf"\1{_JOINER}", line)
    return line.replace("://", f":{_JOINER}//")
