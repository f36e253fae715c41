"""The engine against executions recorded from Step Functions."""

from __future__ import annotations

from .cases import executions, judge, replayed, run
from .known_failures import KNOWN_FAILURES


def test_every_recorded_execution_agrees_but_the_known_ones() -> None:
    verdicts = [judge(case) for case in executions()]
    assert len(verdicts) > 0
    unknown = {v.case: v.differs for v in verdicts if v.differs and v.case not in KNOWN_FAILURES}
    assert unknown == {}


def test_every_recorded_execution_replays_from_its_journal() -> None:
    for case in executions():
        if case.get("needs_s3"):
            continue
        result = run(case)
        assert replayed(case, result).history == result.history, case["id"]


def test_every_known_failure_still_fails() -> None:
    agreeing = [v.case for v in map(judge, executions()) if v.case in KNOWN_FAILURES and not v.differs]
    assert agreeing == []
