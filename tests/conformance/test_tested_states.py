"""TestState against the recorded calls."""

from __future__ import annotations

from . import tested_states
from .known_failures import KNOWN_FAILURES


def test_every_recorded_answer_agrees_but_the_known_ones() -> None:
    verdicts = tested_states.judge()
    assert len(verdicts) > 0
    unknown = {v.case: v.differs for v in verdicts if v.differs and v.case not in KNOWN_FAILURES}
    assert unknown == {}


def test_every_known_failure_still_fails() -> None:
    agreeing = [v.case for v in tested_states.judge() if v.case in KNOWN_FAILURES and not v.differs]
    assert agreeing == []
