"""The engine's JSONata against JSONata's own test suite."""

from __future__ import annotations

import pytest

from .jsonata_suite import NO_SUITE, judge, suite_folder


@pytest.mark.skipif(suite_folder() is None, reason=NO_SUITE)
def test_every_case_of_the_suite_agrees() -> None:
    verdicts = list(judge())
    assert len(verdicts) > 1_000
    assert {verdict.case: verdict.differs for verdict in verdicts if verdict.differs} == {}
    assert all("$eval" in str(verdict.skipped) for verdict in verdicts if verdict.skipped)
