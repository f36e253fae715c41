"""What all tables of the payments share: reads see the last write, lists have all pages, a write in between stays."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import boto3
import pytest
from attrs import evolve
from botocore.exceptions import ClientError
from moto import mock_aws

import payment_flow
from benchmarks.campaign.tables import definition
from flowdsl import Table
from handlers import captures, disputes, redirects, refunds
from handlers.captures import Capture
from handlers.disputes.record import LOST, WAITING, WON, Dispute
from handlers.disputes.store import put
from handlers.document import Misconfigured
from handlers.fingerprint import fingerprint
from handlers.fundraising_totals.totals import Contribution, add, is_counted
from handlers.psp_adyen import facts
from handlers.psp_adyen.facts import Fact
from handlers.psp_sandbox.table import open_ledger
from handlers.refunds import Refund
from handlers.select_psp import choices, selection
from handlers.select_psp.choices import Choice
from handlers.transactions.record import from_document
from handlers.transactions.store import Query, store
from tests.handlers.conftest import Call, document

NOW = "2026-01-31T09:30:00.000Z"
REFUND = Refund("don-1:refund:1", "don-1", 1, 5, "GBP", "Lifeboats", "psp", "pi_1", "open", "", "", NOW, NOW)
CAPTURE = Capture("don-1", 5, 9, "GBP", "Lifeboats", "psp", "pi_1", "open", "", NOW, NOW)
DISPUTE = Dispute("dp_1", "don-1", "Lifeboats", 5, "GBP", "psp", "pi_1", WAITING, "fraudulent", NOW)

Listen = Callable[[dict[str, Any], str], None]


@pytest.fixture(autouse=True)
def tables(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The tables as the flow declares them."""
    for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY"):
        monkeypatch.setenv(f"AWS_{name}", "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    with mock_aws():
        monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
        for access in vars(payment_flow).values():
            table = getattr(access, "resource", None)
            if isinstance(table, Table):
                boto3.client("dynamodb").create_table(**definition(table))
                monkeypatch.setenv(str(access.variable), table.name)
        yield


def listen(operations: str, listener: Listen) -> None:
    """Let the listener see, and change, the parameters of each call of these operations."""
    if boto3.DEFAULT_SESSION is None:
        boto3.setup_default_session()
    for operation in operations.split():
        boto3.DEFAULT_SESSION.events.register(
            f"provide-client-params.dynamodb.{operation}",
            lambda params, model, **_: listener(params, model.name),
        )


def paid(identity: str) -> Any:
    """The transaction of a paid donation."""
    payment = {"status": "paid", "psp": "psp_stripe", "reference": f"pi_{identity}", "attempts": []}
    return from_document({**document(id=identity), "payment": payment})


READS: dict[str, Callable[[], object]] = {
    "the choice": lambda: choices.find("don-1"),
    "the record": lambda: store().get("don-1"),
    "the history": lambda: store().history("don-1"),
    "the token": lambda: redirects.token_of("don-1"),
    "a ticket": lambda: redirects.donation_of("ticket"),
    "the refunds": lambda: refunds.of_donation("don-1"),
    "a refund": lambda: refunds.finish(REFUND),
    "the capture": lambda: captures.find("don-1"),
    "a dispute": lambda: put(DISPUTE),
    "facts": lambda: facts.facts_of("don-1"),
    "the sandbox's payments": lambda: open_ledger().payments("don-1"),
    "a total": lambda: add(Contribution("don-1", "Lifeboats", 5, "GBP")),
}


@pytest.mark.parametrize("name", READS)
def test_a_read_sees_the_last_write(name: str) -> None:
    """DynamoDB reads may be a second old unless they are asked not to be: long enough to charge or refund twice."""
    reads: list[bool] = []
    listen("GetItem Query", lambda params, _: reads.append(params.get("ConsistentRead", False)))
    listen(
        "BatchGetItem",
        lambda params, _: reads.extend(each.get("ConsistentRead", False) for each in params["RequestItems"].values()),
    )
    READS[name]()
    assert reads
    assert all(reads)


def _three_conflicts() -> list[str]:
    for number in range(3):
        started = f"2026-01-31T09:30:0{number}.000Z"
        store().put(evolve(paid("don-1"), status="conflict", reference=f"pi_{number}", started_at=started))
    return [f"pi_{number}" for number in range(3)]


def _three_refunds() -> list[str]:
    for number in range(1, 4):
        refunds.begin(evolve(REFUND, id=f"don-1:refund:{number}", number=number))
    return [f"don-1:refund:{number}" for number in range(1, 4)]


def _three_captures() -> list[str]:
    for number in range(3):
        captures.begin(evolve(CAPTURE, donation=f"don-{number}"))
    return [f"don-{number}" for number in range(3)]


def _three_disputes() -> list[str]:
    for number in range(3):
        put(evolve(DISPUTE, id=f"dp_{number}"))
    return [f"dp_{number}" for number in range(3)]


def _three_facts() -> list[str]:
    for number in range(1, 4):
        facts.keep(Fact(f"don-1-{number}", "sent", NOW))
    return [f"don-1-{number}" for number in range(1, 4)]


LISTS: dict[str, tuple[Callable[[], list[str]], Callable[[], list[str | None]]]] = {
    "a history": (_three_conflicts, lambda: [each.reference for each in store().history("don-1")]),
    "transactions": (_three_conflicts, lambda: [each.reference for each in store().list(Query())]),
    "a donation's refunds": (_three_refunds, lambda: [each.id for each in refunds.of_donation("don-1")]),
    "refunds": (_three_refunds, lambda: [each.id for each in refunds.listed()]),
    "captures": (_three_captures, lambda: [each.donation for each in captures.listed()]),
    "disputes": (_three_disputes, lambda: [each.id for each in disputes.listed()]),
    "facts": (_three_facts, lambda: [each.reference for each in facts.facts_of("don-1")]),
}


@pytest.mark.parametrize("name", LISTS)
def test_a_list_has_all_its_pages(name: str) -> None:
    """DynamoDB answers with a megabyte at most; here with one item."""
    write, read = LISTS[name]
    written = write()
    listen("Query Scan", lambda params, _: params.update(Limit=1))
    assert sorted(map(str, read())) == written


WRITES: dict[str, tuple[Callable[[], object], Callable[[], object], Callable[[], object]]] = {
    # The first write, another one in between, and what is stored: the other's, as if it had come first.
    "a choice": (
        lambda: choices.keep(Choice("don-1", "psp_one", "f", "", NOW, "print")),
        lambda: choices.keep(Choice("don-1", "psp_two", "f", "", NOW, "print")),
        lambda: choices.find("don-1"),
    ),
    "a refund's number": (
        lambda: refunds.begin(REFUND),
        lambda: refunds.begin(evolve(REFUND, requested_at="2026-01-30T00:00:00.000Z")),
        lambda: refunds.of_donation("don-1"),
    ),
    "a refund's state": (
        lambda: refunds.finish(evolve(REFUND, status="broken")),
        lambda: refunds.finish(evolve(REFUND, status="refunded")),
        lambda: refunds.of_donation("don-1"),
    ),
    "a capture's request": (
        lambda: captures.begin(CAPTURE),
        lambda: captures.begin(evolve(CAPTURE, requested_at="2026-01-30T00:00:00.000Z")),
        lambda: captures.find("don-1"),
    ),
    "a capture's state": (
        lambda: captures.finish(evolve(CAPTURE, status="broken")),
        lambda: captures.finish(evolve(CAPTURE, status="captured")),
        lambda: captures.find("don-1"),
    ),
    "a new dispute": (
        lambda: put(DISPUTE),
        lambda: put(evolve(DISPUTE, status=LOST)),
        lambda: [*disputes.listed()],
    ),
    "a fact": (
        lambda: facts.keep(Fact("don-1-1", "sent", NOW, amount=5)),
        lambda: facts.keep(Fact("don-1-1", "sent", NOW, amount=6)),
        lambda: facts.facts_of("don-1"),
    ),
    "a record": (
        lambda: store().put(evolve(paid("don-1"), status="broken", complete=True)),
        lambda: store().put(paid("don-1")),
        lambda: store().get("don-1"),
    ),
}
BEFORE: dict[str, Callable[[], object]] = {
    "a refund's state": lambda: refunds.begin(REFUND),
    "a capture's state": lambda: captures.begin(CAPTURE),
}


@pytest.mark.parametrize("name", WRITES)
def test_what_another_process_writes_in_between_stays(name: str) -> None:
    """It writes after this one has read, and before it writes."""
    first, other, stored = WRITES[name]
    BEFORE.get(name, lambda: None)()
    after: list[object] = []

    def interrupt(_params: dict[str, Any], _name: str) -> None:
        if not after:
            after.append(None)
            other()
            after[0] = stored()

    listen("PutItem", interrupt)
    with suppress(ClientError):
        first()
    # Whoever was refused is run again, and reads what the other has written.
    first()
    assert after == [stored()]


def test_a_decided_dispute_stays_decided_beside_an_older_event() -> None:
    put(DISPUTE)
    in_between = iter([lambda: put(evolve(DISPUTE, status=WON))])
    listen("PutItem", lambda *_: next(in_between, lambda: DISPUTE)() and None)
    with pytest.raises(ClientError, match="ConditionalCheckFailed"):
        put(evolve(DISPUTE, reason="general"))
    assert [each.status for each in disputes.listed()] == [WON]


def test_a_choice_of_the_sandbox_takes_no_payment_where_money_is_taken(
    call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The environment was for trials before, with the same tables."""
    event = document()
    donation = event["donation"]
    choices.keep(Choice(donation["id"], "psp_sandbox", "payment-psp-sandbox", "only", NOW, fingerprint(donation)))
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "payment-select-psp")
    monkeypatch.setenv("PSPS", str(Path(selection.__file__).with_name("stripe.toml")))

    with pytest.raises(Misconfigured, match="chose the sandbox in a trial"):
        call("select_psp", event)
    assert store().get(donation["id"]) is None


def test_what_was_counted_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    add(Contribution("don-1:refund:1", "Lifeboats", -5, "GBP"))

    assert [is_counted(f"don-1:refund:{number}") for number in (1, 2)] == [True, False]


@pytest.mark.parametrize("listed", [refunds.listed, disputes.listed, captures.listed], ids=lambda each: each.__module__)
def test_what_was_just_stored_is_listed(listed: Callable[[], Iterator[object]]) -> None:
    """RefundSetup gives nothing back that a dispute of a second ago takes."""
    consistent: list[bool] = []
    listen("Scan", lambda params, _: consistent.append(params.get("ConsistentRead", False)))

    assert list(listed()) == []
    assert consistent == [True]
