"""Refunds beside each other, beside people and beside the sweep: whatever happens between any two steps of theirs.

One of them stops before its first, second, … transaction or request, the other one runs, and the first one goes on; or
it is killed there, and run again. What is stored and counted then is what is in the PSP's books.
"""

from __future__ import annotations

import importlib
import json
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from attrs import define, field
from click.testing import CliRunner

from benchmarks.campaign.banks import FILED, SECRET, bank, environment, filed, signed
from benchmarks.campaign.stand_ins import WEBHOOKS, psps
from benchmarks.campaign.stripe_books import StripeBooks
from flowdsl.testing import Runner
from handlers import clock, psp_webhook, refunds, sqlite
from handlers.disputes.record import WAITING, Dispute
from handlers.disputes.store import put as put_dispute
from handlers.persist_refund.handler import handler as persist_refund
from handlers.reconcile.sweep import Finding, ask_psp, sweep
from handlers.refund_setup.handler import handler as refund_setup
from handlers.refunds.__main__ import main
from handlers.refunds.checking import NotRefundable
from handlers.refunds.record import RefundConflict
from handlers.transactions.store import store
from tests.payment.books import ROOT, donation

pytestmark = pytest.mark.slow

TOKENS = {"sandbox": "tok_paid", "stripe": "tok_paid", "adyen": "pm_paid"}
ID = "don-1:refund:1"
NOON = datetime.fromisoformat("2026-03-02T12:00:00.000+00:00")
HOUR = 3600
_transaction = sqlite.transaction


class Killed(BaseException):
    """kill -9."""


@define
class Lab:
    """A donation of 25.00 GBP that a PSP took, and all that is done with it."""

    psp: str
    folder: Path
    monkeypatch: pytest.MonkeyPatch
    before_step: Callable[[], None] = lambda: None
    is_down: bool = False
    """True while nobody reaches the PSP."""
    _kept: Path = field(init=False)

    def at(self, moment: datetime) -> None:
        self.monkeypatch.setenv("FLOWDSL_NOW", moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"))

    def later(self, seconds: int) -> None:
        self.at(datetime.fromisoformat(clock.now()) + timedelta(seconds=seconds))

    @contextmanager
    def transaction(self, path: Path, schema: str) -> Iterator[sqlite3.Connection]:
        self.before_step()
        if self.is_down and path.stem == "psp-sandbox":
            raise OSError("down")
        with _transaction(path, schema) as db:
            yield db

    def request(self, _what: str) -> str | None:
        self.before_step()
        return "refused" if self.is_down else None

    def keep(self) -> None:
        """Let each `restore` bring back what is stored now."""
        self._kept = self.folder.with_name("kept")
        shutil.copytree(self.folder, self._kept)

    def restore(self) -> None:
        shutil.rmtree(self.folder)
        shutil.copytree(self._kept, self.folder)
        self.at(NOON)

    # -- what is done

    def prepare(self, number: int, amount: int | None) -> dict[str, Any]:
        return dict(refund_setup({"donation": "don-1", "number": number, "amount": amount}, None))

    def make(self, document: dict[str, Any], pause: int = 0) -> str:
        """The rest of a round of the refund flow; each step begins so many seconds after the one before, as after a
        redrive."""
        if document["status"] in ("refunded", "declined", "failed", "closed"):
            return str(document["status"])
        self.later(pause)
        try:
            handler = importlib.import_module(f"handlers.psp_{self.psp}.handler").handler
            document["result"] = handler(json.loads(json.dumps(document)), None)
        except Exception as error:  # noqa: BLE001 - as Lambda reports it
            document["result"] = {"Error": type(error).__name__}
        self.later(pause)
        return persist_refund(document, None)["status"]

    def round(self, number: int, amount: int | None, pause: int = 0) -> str:
        return self.make(self.prepare(number, amount), pause)

    def close(self) -> str:
        result = CliRunner().invoke(main, ["close", ID, "--not-made", "--note", "paid otherwise"])
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return "closed" if result.exit_code == 0 else "left"

    def sweep(self) -> list[Finding]:
        return list(sweep(store(), ask_psp, lambda *_: True))

    def tell(self) -> None:
        """Let the PSP decide what it has received, and tell everything, the newest first."""
        events = []
        if self.psp in FILED:
            books = filed(self.psp, self.folder)
            while waiting := books.waiting():
                books.decide(waiting[0])
            events = [books.request(item, forged=False) for _, _, item in books.events(0)]
        elif self.psp == "stripe":
            listed = StripeBooks(self.folder / "stripe.sqlite").events(0)
            events = [signed(kind, item, secret=SECRET) for _, kind, item in listed]
        for event in reversed(events):
            assert WEBHOOKS[self.psp](event, None)["statusCode"] == 200

    # -- what came of it

    @property
    def given_back(self) -> int:
        return sum(payment.refunded for payment in bank(self.psp, self.folder).payments())

    def judge(self) -> None:
        """What is stored and counted is what is in the PSP's books."""
        self.later(2 * HOUR)
        self.tell()
        self.sweep()
        stored = sum(each.amount for each in refunds.listed("refunded"))
        with closing(sqlite3.connect(sqlite.database("totals"))) as db:
            [total] = db.execute("SELECT SUM(amount) FROM contributions").fetchone()
        assert (stored, total) == (self.given_back, 2500 - self.given_back), refunds.of_donation("don-1")
        assert self.given_back <= 2500


@pytest.fixture(params=["sandbox", "stripe", "adyen"])
def lab(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lab]:
    made = Lab(request.param, tmp_path / "books", monkeypatch)
    for name, value in environment(made.psp, made.folder).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sqlite, "transaction", made.transaction)
    monkeypatch.setattr(psp_webhook, "execution_has_ended", lambda *_: True)
    made.at(NOON - timedelta(days=1))
    with psps(made.folder, made.request):
        Runner.of(ROOT / "payment_flow.py", start=NOON - timedelta(days=1)).run(donation(TOKENS[made.psp]))
        made.tell()
        yield made


def outcome(act: Callable[[], object]) -> object:
    try:
        return act()
    except (NotRefundable, RefundConflict, Killed) as error:
        return type(error).__name__


def each_way(
    lab: Lab, first: Callable[[], object], second: Callable[[], object], *, kills: bool = False
) -> Iterator[tuple[object, object]]:
    """Yield what came of the two, each time with the second one before another step of the first one."""
    lab.keep()
    for number in count(1):
        lab.restore()
        turn = Turn(lab, number, None if kills else second)
        lab.before_step = turn.before_step
        result = outcome(first)
        lab.before_step = lambda: None
        if not turn.results:
            turn.results.append(outcome(second))
        yield (outcome(first) if kills else result), turn.results[0]
        if turn.steps < number:
            return


@define
class Turn:
    """What happens before the step with this number: something else, or the end of the process."""

    lab: Lab
    number: int
    act: Callable[[], object] | None
    steps: int = 0
    results: list[object] = field(factory=list)

    def before_step(self) -> None:
        self.steps += 1
        if self.steps == self.number:
            self.lab.before_step = lambda: None
            if self.act is None:
                raise Killed
            self.results.append(outcome(self.act))


@contextmanager
def outage(lab: Lab) -> Iterator[None]:
    lab.is_down = True
    yield
    lab.is_down = False


def waiting(lab: Lab, number: int, amount: int) -> None:
    """Let the refund wait for the end of an outage; the next round is at noon."""
    lab.at(NOON - timedelta(hours=6))
    with outage(lab):
        assert lab.round(number, amount) == "open"
    lab.at(NOON)


@pytest.mark.parametrize("kills", [False, True])
@pytest.mark.parametrize("pause", [0, 2 * HOUR])
def test_a_refund_is_made_or_closed(lab: Lab, kills: bool, pause: int) -> None:
    waiting(lab, 1, 500)
    for ended, closed in each_way(lab, lambda: lab.round(1, 500, pause), lab.close, kills=kills):
        lab.judge()
        assert closed != "closed" or (ended in ("declined", "open") and not lab.given_back)


def test_a_refund_is_not_closed_while_it_is_prepared(lab: Lab) -> None:
    waiting(lab, 1, 500)
    for closed, document in each_way(lab, lab.close, lambda: lab.prepare(1, 500)):
        lab.make(document)  # type: ignore[arg-type]
        lab.judge()
        assert (closed == "closed") == (not lab.given_back)


@pytest.mark.parametrize("kills", [False, True])
def test_of_two_refunds_that_are_too_much_together_one_is_made(lab: Lab, kills: bool) -> None:
    for results in each_way(lab, lambda: lab.round(1, 2000), lambda: lab.round(2, 2000), kills=kills):
        lab.judge()
        assert (lab.given_back, len({*results} & {"NotRefundable", "declined"})) == (2000, 1)


def test_of_two_refunds_that_wait_and_are_too_much_together_the_first_is_made(lab: Lab) -> None:
    """Both were requested before either was stored. The second one is not asked for any more."""
    with outage(lab):
        for _ in each_way(lab, lambda: lab.round(1, 2000), lambda: lab.round(2, 2000)):
            if len(refunds.of_donation("don-1")) == 2:
                break
    lab.later(6 * HOUR)

    results = [outcome(lambda number=number: lab.round(number, 2000)) for number in (2, 1)]  # type: ignore[misc]

    assert results[0] == "NotRefundable"
    assert results[1] in ("refunded", "pending")
    lab.judge()
    assert lab.given_back == 2000


@pytest.mark.parametrize("amounts", [(500, 500), (None, 500)])
@pytest.mark.parametrize("kills", [False, True])
def test_a_refund_twice_at_once_is_made_once(lab: Lab, amounts: tuple[int | None, int], kills: bool) -> None:
    ways = each_way(lab, lambda: lab.round(1, amounts[0]), lambda: lab.round(1, amounts[1]), kills=kills)
    for results in ways:
        lab.judge()
        assert lab.given_back in (500, 2500)
        assert "RefundConflict" in results or lab.given_back == 500


@pytest.mark.parametrize("is_inside", [False, True])
def test_the_sweep_beside_a_refund(lab: Lab, is_inside: bool) -> None:
    waiting(lab, 1, 500)
    both = (lambda: lab.round(1, 500)), lab.sweep
    for _ in each_way(lab, *(both if is_inside else both[::-1])):
        lab.judge()
        assert lab.given_back == 500


def test_a_refund_that_was_made_is_told_so_beside_another_one_that_is_too_much(lab: Lab) -> None:
    lab.at(NOON)
    documents = [lab.prepare(1, 2000)]
    lab.monkeypatch.setattr("handlers.refunds.checking.of_donation", lambda _: [])
    documents.append(lab.prepare(2, 2000))  # it did not see the first one
    lab.monkeypatch.setattr("handlers.refunds.checking.of_donation", refunds.of_donation)
    made = lab.make(documents[1])

    lab.later(6 * HOUR)

    assert lab.round(2, 2000) == made
    lab.tell()
    assert lab.round(2, 2000) == "refunded"


def test_a_refund_that_waits_is_not_made_once_the_bank_takes_the_donation_back(lab: Lab) -> None:
    """The donor would get it twice."""
    waiting(lab, 1, 500)
    dispute = Dispute(
        "dp_1", "don-1", "Lifeboats", 2500, "GBP", f"psp_{lab.psp}", "", WAITING, "fraudulent", clock.now()
    )
    put_dispute(dispute)

    assert outcome(lambda: lab.round(1, 500)) == "NotRefundable"
    lab.judge()
    assert (lab.given_back, [each.status for each in refunds.listed()]) == (0, ["open"])
    [finding] = lab.sweep()
    assert (finding.id, finding.is_open_work) == (ID, True)
    lab.later(7 * 24 * HOUR)
    assert lab.close() == "closed"


def test_a_refund_that_the_psp_has_goes_on_beside_a_dispute(lab: Lab) -> None:
    """Asked again, the PSP makes none."""
    lab.at(NOON)
    made = lab.round(1, 500)
    dispute = Dispute(
        "dp_1", "don-1", "Lifeboats", 2500, "GBP", f"psp_{lab.psp}", "", WAITING, "fraudulent", clock.now()
    )
    put_dispute(dispute)

    assert lab.round(1, 500) == made
    lab.judge()
    assert lab.round(1, 500) == "refunded"
    assert lab.given_back == 500
