"""Some of the bugs that benchmarks/planted plants, and of those written by hand: found, at the line, and no finding for
correct edits.

`python -m benchmarks.planted SEED COUNT` and `python -m benchmarks.written` measure more.
"""

from __future__ import annotations

import pytest

from benchmarks import written
from benchmarks.planted.measuring import is_at_line, measure

pytestmark = pytest.mark.slow


def test_planted_bugs_are_found_at_their_lines() -> None:
    results = measure(False, seed=20, count=60)
    found = [(edit, diagnostics) for _, edit, diagnostics in results if diagnostics]
    assert len(found) >= 0.9 * len(results)
    assert sum(is_at_line(edit, diagnostics) for edit, diagnostics in found) >= 0.92 * len(found)
    assert not [edit for edit, diagnostics in found if any(each.code == "CRASH" for each in diagnostics)]


def test_correct_edits_stay_without_a_finding() -> None:
    assert not [(edit.kind, edit.what, new) for _, edit, new in measure(True, seed=20, count=60) if new]


@pytest.mark.parametrize("flow", ["payout", "ledger"])
def test_bugs_written_by_hand_are_found_at_their_lines(flow: str) -> None:
    results = [*written.measure(flow, "bugs")]
    caught = [(edit, diagnostics) for edit, diagnostics in results if diagnostics]
    assert len(caught) >= 0.95 * len(results)
    assert sum(written.is_at_line(edit, diagnostics) for edit, diagnostics in caught) >= 0.95 * len(caught)
    assert not [edit.what for edit, diagnostics in caught if any(each.code == "CRASH" for each in diagnostics)]
    assert not [(edit.what, new) for edit, new in written.measure(flow, "correct") if new]


@pytest.mark.parametrize("flow", written.FLOWS)
def test_edits_fit_their_flows(flow: str) -> None:
    assert all(edit.places for edit in written.edits_of(flow, "bugs"))
    assert [*written.edits_of(flow, "correct")]
