"""Coverage as text: a table of the state machines, and the missing items with their lines."""

from __future__ import annotations

from collections.abc import Iterator

from ..base.diagnostics import pointer
from .coverage import KINDS, Coverage, Measured

_HEADINGS = ("machine", "runs", "states", "branches", "retry", "catch", "covered")


def lines(coverage: Coverage) -> Iterator[str]:
    """The report, line by line."""
    rows = [_HEADINGS, *(_row(name, measured) for name, measured in coverage.machines.items())]
    if len(coverage.machines) > 1:
        rows.append(("all", *[""] * 5, _percent(coverage.percent)))
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADINGS))]
    for first, *rest in rows:
        cells = [cell.rjust(width) for cell, width in zip(rest, widths[1:], strict=True)]
        yield "  ".join([first.ljust(widths[0]), *cells])
    for name, measured in coverage.machines.items():
        yield from _missing(name, measured)


def _row(name: str, measured: Measured) -> tuple[str, ...]:
    counts = [measured.count(kind) for kind in KINDS]
    cells = [f"{reached}/{total}" if total else "-" for reached, total in counts]
    return (name, str(measured.runs), *cells, _percent(measured.percent))


def _percent(value: float) -> str:
    """Round down, so that 100% means that nothing is missing."""
    return f"{int(value * 10) / 10:g}%"


def _missing(name: str, measured: Measured) -> Iterator[str]:
    missing = [item for item, reached in measured.items() if not reached]
    if not missing:
        return
    yield ""
    yield f"{name}: not covered"
    places = [measured.places.get(pointer(item.path), "") for item in missing]
    width = max(map(len, places))
    for item, place in zip(missing, places, strict=True):
        yield f"  {place.ljust(width)}  {item.about}".rstrip() if width else f"  {item.about}"
