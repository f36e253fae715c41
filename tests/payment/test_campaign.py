"""The campaign: a small run finds no violation, and it does find what breaks the rules."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from click.testing import CliRunner

from benchmarks.campaign.__main__ import main, scenario
from benchmarks.campaign.plan import DONOR, plan
from handlers.psp_sandbox import ledger
from handlers.transactions.file import FileStore
from handlers.transactions.record import Transaction

pytestmark = pytest.mark.slow


def test_a_small_campaign_has_no_violations() -> None:
    result = CliRunner().invoke(main, ["--scenarios", "60", "--seed", "12", "--jobs", "2"])

    assert result.exit_code == 0, result.output
    assert "60 scenarios" in result.output
    assert "VIOLATION" not in result.output


def test_a_scenario_is_the_same_each_time() -> None:
    first, second = scenario(3, 5), scenario(3, 5)

    assert first == second
    assert sum(first.faults.values()) > 0


def test_plans_have_everything_that_may_happen() -> None:
    plans = [plan(1, index) for index in range(300)]

    acts = Counter(act for each in plans for visit in each.visits for _, act in visit)
    assert acts.keys() == set(DONOR)
    assert any(each.kill_at for each in plans)
    assert any(each.stops for each in plans)
    assert any(each.outages for each in plans)
    assert any(each.races for each in plans)
    donations = [[submission.donation for submission in each.submissions] for each in plans]
    assert any(a["id"] == b["id"] and a != b for each in donations for a in each for b in each)


def _violated(first: int = 0, last: int = 40) -> set[str]:
    return {problem for index in range(first, last) for problem in scenario(4, index).violations}


def test_a_psp_that_forgets_its_keys_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger, "_once", lambda db, key, request, work: work())

    assert any("taken 2 times" in problem for problem in _violated())


def test_a_store_that_loses_results_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    put = FileStore.put

    def forgetful(self: FileStore, transaction: Transaction, **more: Any) -> Transaction:
        return transaction if transaction.status == "paid" else put(self, transaction, **more)

    monkeypatch.setattr(FileStore, "put", forgetful)

    assert any("stored as open after the sweep" in problem for problem in _violated())


def test_a_violation_comes_with_the_command_that_reproduces_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger, "_once", lambda db, key, request, work: work())
    number = next(index for index in range(60) if scenario(4, index).violations)

    result = CliRunner().invoke(main, ["--seed", "4", "--only", str(number)])

    assert result.exit_code == 1
    assert f"python -m benchmarks.campaign --seed 4 --only {number}" in result.output
