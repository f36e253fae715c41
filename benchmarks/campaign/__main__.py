"""`python -m benchmarks.campaign`: run scenarios and report violations, each with the command that reproduces it."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from contextlib import nullcontext
from functools import cache
from pathlib import Path
from unittest.mock import patch

import click
from attrs import frozen

from benchmarks.campaign.banks import bank
from benchmarks.campaign.checks import violations
from benchmarks.campaign.plan import Plan, plan
from benchmarks.campaign.scenario import play
from benchmarks.campaign.tables import tables
from flowdsl.project import Loaded, load

ROOT = Path(__file__).parents[2]


@frozen
class Report:
    """What came of one scenario."""

    plan: Plan
    violations: tuple[str, ...]
    executions: int
    payments: int
    """How many the PSP has."""
    taken: int
    faults: Counter[str]
    left: Counter[str]
    """What is left for people, by reason: the list of open work after the last sweep."""


@cache
def _flows() -> tuple[Loaded, tuple[Loaded, ...]]:
    return load(ROOT / "payment_flow.py")[0], (load(ROOT / "refund_flow.py")[0], load(ROOT / "capture_flow.py")[0])


def scenario(seed: int, index: int, folder: Path | None = None) -> Report:
    """Run one scenario, with its stores in the folder or in a temporary one."""
    what = plan(seed, index)
    memory = Path("/dev/shm")
    own = Path(tempfile.mkdtemp(prefix="campaign-", dir=memory if memory.is_dir() else None))
    stores = folder or own
    environment = {name: value for name, value in os.environ.items() if not name.endswith("_TABLE")}
    environment |= {"PAYMENTS_DATA": str(stores), "AWS_DEFAULT_REGION": "eu-west-1"}
    for name in ("PSPS", "PAYMENTS_EVENT_BUS", "AWS_LAMBDA_FUNCTION_NAME"):
        environment.pop(name, None)
    try:
        with patch.dict(os.environ, environment, clear=True), tables() if what.tables else nullcontext() as client:
            outcome = play(what, *_flows(), stores, client)
            wrong = tuple(violations(what, outcome))
            payments = bank(what.psp, stores).payments()
    except Exception as error:  # noqa: BLE001 - the campaign goes on, and the scenario is reported
        return Report(
            what, (f"the scenario itself failed: {type(error).__name__}: {error}",), 0, 0, 0, Counter(), Counter()
        )
    finally:
        shutil.rmtree(own)
    taken = sum(bool(payment.captured) for payment in payments)
    work = [finding for finding in outcome.last if finding.is_open_work]
    left = Counter(f"{finding.status}: {finding.reason.partition('; ')[0]}" for finding in work)
    return Report(what, wrong, len(outcome.executions), len(payments), taken, outcome.faults.counts, left)


def _scenario(seed_and_index: tuple[int, int]) -> Report:
    return scenario(*seed_and_index)


@click.command()
@click.option("--scenarios", default=1000, show_default=True, help="How many scenarios to run.")
@click.option("--seed", default=1, show_default=True, help="Another seed, other scenarios.")
@click.option("--first", default=0, show_default=True, help="The number of the first scenario.")
@click.option("--only", type=int, help="Run only the scenario with this number, and show its plan.")
@click.option("--keep", type=click.Path(path_type=Path), help="With --only: keep the stores in this folder.")
@click.option("--jobs", default=os.cpu_count() or 1, show_default=True, help="Processes at the same time.")
def main(scenarios: int, seed: int, first: int, only: int | None, keep: Path | None, jobs: int) -> None:
    """Run payments with faults everywhere, and compare the PSP's ledger with what is stored.

    Exits with status 1 if anything is violated.
    """
    if only is not None:
        report = scenario(seed, only, keep)
        click.echo(_plan_text(report.plan))
        sys.exit(_summary([report], seed, 0.0))
    began, reports = time.monotonic(), []
    work = [(seed, index) for index in range(first, first + scenarios)]
    with ProcessPoolExecutor(jobs) as pool:
        for report in pool.map(_scenario, work, chunksize=8):
            reports.append(report)
            if sys.stderr.isatty() and len(reports) % 50 == 0:
                click.echo(f"\r{len(reports)} of {scenarios}", err=True, nl=False)
    sys.exit(_summary(reports, seed, time.monotonic() - began))


def _summary(reports: list[Report], seed: int, seconds: float) -> int:
    faults: Counter[str] = sum((report.faults for report in reports), Counter())
    for kind, count in sorted(faults.items()):
        click.echo(f"{count:>8,}  {kind}")
    for reason, count in sorted(sum((report.left for report in reports), Counter()).items()):
        click.echo(f"{count:>8,}  left for people: {reason}")
    wrong = [(report, problem) for report in reports for problem in report.violations]
    for report, problem in wrong:
        click.echo(f"VIOLATION  {problem}")
        click.echo(f"           python -m benchmarks.campaign --seed {seed} --only {report.plan.index}")
    executions, payments, taken = (
        sum(values) for values in zip(*((each.executions, each.payments, each.taken) for each in reports), strict=True)
    )
    click.echo(
        f"{len(reports):,} scenarios, {executions:,} executions, {payments:,} payments at the PSP, {taken:,} taken, "
        f"{sum(faults.values()):,} faults, {len(wrong):,} violations; seed {seed}, {seconds:.0f} s"
    )
    return 1 if wrong else 0


def _plan_text(what: Plan) -> str:
    lines = [f"{each.at:>7} s  submit {each.name}: {each.donation}" for each in what.submissions]
    lines += [f"{at:>7} s  stop {what.submissions[number].name}" for at, number in what.stops]
    lines += [f"{at:>7} s  sweep" for at in what.sweeps]
    lines += [f"{at:>7} s  refund {number} of {donation}: {amount}" for at, donation, number, amount in what.refunds]
    lines += [f"{at:>7} s  capture {donation}: {amount}" for at, donation, amount in what.captures]
    lines += [f"{at:>7} s  by hand: {act} {donation}: {amount}" for at, act, donation, amount in what.by_hand]
    lines += [f"{at:>7} s  operator: {command} {donation}" for at, command, donation in what.operators]
    lines += [f"{each.start:>7} s  {each.store} is down until {each.end} s" for each in what.outages]
    lines += [f"  redirect {number}: {visit}" for number, visit in enumerate(what.visits, 1)]
    shares = (
        f"calls {what.call_faults}, transactions {what.store_faults}, requests {what.psp_faults}, races {what.races}"
    )
    disturbed = f"disturbed: {shares}; kill -9 at transaction {what.kill_at}"
    stores = "DynamoDB" if what.tables else "SQLite"
    psp = f"PSP: {what.psp}, its events: {what.webhook}; stores: {stores}; clocks differ by {what.clock_skew} s"
    return "\n".join([*lines, psp, disturbed])


if __name__ == "__main__":
    main(prog_name="python -m benchmarks.campaign")
