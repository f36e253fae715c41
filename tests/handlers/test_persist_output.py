"""PersistOutput and `python -m handlers.transactions`, on SQLite and on DynamoDB."""

from __future__ import annotations

import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import boto3
import pytest
from click.testing import CliRunner, Result

from handlers.document import MalformedEvent, Misconfigured
from handlers.transactions import retention
from handlers.transactions.__main__ import main
from handlers.transactions.dynamodb import definition
from handlers.transactions.record import from_document, intent
from handlers.transactions.store import ConflictingTransaction, Query, store
from tests.handlers.conftest import Call, document, donation, paid

pytestmark = pytest.mark.slow

DONE = {name: {"status": "done"} for name in ("receipt", "totals", "event")}
FAILED = {**DONE, "receipt": {"status": "failed", "error": "NotDelivered", "cause": "bus"}}
ERROR = {"Error": "PspUnavailable", "Cause": "down"}


@pytest.fixture(params=["sqlite", "dynamodb"], autouse=True)
def backend(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Every test here runs on both stores."""
    if request.param == "dynamodb":
        endpoint = request.getfixturevalue("aws")
        monkeypatch.delenv("AWS_ENDPOINT_URL")
        monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", endpoint)
        table = f"transactions-{donation()['id']}"
        boto3.client("dynamodb").create_table(**definition(table))
        monkeypatch.setenv("TRANSACTIONS_TABLE", table)
        monkeypatch.setattr("handlers.commands.STORES", ())  # the other stores are not used
    return str(request.param)


def final(token: str = "tok_paid", *, started: str = "2026-01-31T09:30:00.000Z", **changes: Any) -> dict[str, Any]:
    found = {**paid(token, **changes), "started_at": started}
    return {**found, "post_processing": DONE} if found["payment"]["status"] == "paid" else found


def transactions(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


def show(identity: str) -> dict[str, Any]:
    result = transactions("show", identity, "--format", "json")
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def listed(*arguments: str) -> list[str]:
    result = transactions("list", "--format", "json", *arguments)
    assert result.exit_code == 0, result.output
    return [transaction["id"] for transaction in json.loads(result.stdout)]


def broken(event: dict[str, Any]) -> dict[str, Any]:
    return {**event, "payment": {"status": "new", "attempts": []}, "error": ERROR}


CASES: list[tuple[str, dict[str, Any], str, bool]] = [
    ("paid", {"payment": {"status": "paid"}, "post_processing": DONE}, "paid", True),
    ("paid, a receipt failed", {"payment": {"status": "paid"}, "post_processing": FAILED}, "paid", False),
    ("paid, nothing processed", {"payment": {"status": "paid"}}, "paid", False),
    ("paid, then an error", {"payment": {"status": "paid"}, "error": ERROR}, "paid", False),
    ("declined", {"payment": {"status": "declined"}}, "declined", True),
    ("abandoned", {"payment": {"status": "abandoned"}}, "abandoned", True),
    ("declined, then an error", {"payment": {"status": "declined"}, "error": ERROR}, "broken", True),
    ("reserved, then an error", {"payment": {"status": "authorised"}, "error": ERROR}, "broken", True),
    ("an error", {"payment": {"status": "new"}, "error": ERROR}, "broken", True),
    ("an error after a delay", {"payment": {"status": "retry"}, "error": ERROR}, "broken", True),
    ("cut off", {"payment": {"status": "retry"}}, "broken", True),
    ("no payment", {"payment": None}, "broken", True),
]


@pytest.mark.parametrize(("change", "status", "complete"), [case[1:] for case in CASES], ids=[c[0] for c in CASES])
def test_the_status_follows_from_the_document(call: Call, change: dict[str, Any], status: str, complete: bool) -> None:
    event = {**document(), **change}
    answer = call("persist_output", event)
    assert answer["id"] == event["donation"]["id"]
    assert answer["status"] == status
    found = show(answer["id"])
    assert (found["status"], found["complete"], found["stored_at"]) == (status, complete, answer["stored_at"])


def test_the_whole_document_is_kept_as_it_is(call: Call) -> None:
    event = {**final("tok_later_once"), "ratio": 0.1, "big": 2**53 + 1, "nothing": None, "text": "ünïcode €"}
    call("persist_output", event)
    assert show(event["donation"]["id"])["document"] == event


def test_a_repetition_changes_nothing(call: Call) -> None:
    event = final()
    first = call("persist_output", event)
    assert call("persist_output", event) == first
    assert listed() == [first["id"]]


def test_a_paid_record_is_never_replaced_by_a_worse_one(call: Call) -> None:
    event = final()
    first = call("persist_output", event)
    unpaid = {**event, "payment": {**event["payment"], "status": "declined"}}
    for worse in (broken(event), unpaid, {**event, "post_processing": FAILED}):
        assert call("persist_output", worse) == first
    assert show(first["id"])["document"] == event


def test_a_better_record_replaces_a_worse_one(call: Call) -> None:
    event = final()
    identity = event["donation"]["id"]
    for each, expected in (
        ({**event, "payment": {"status": "declined"}}, ("declined", True)),
        (broken(event), ("broken", True)),  # perhaps taken: nobody may believe that it is declined
        ({**event, "payment": {"status": "declined"}}, ("broken", True)),  # a later refusal does not settle that
        ({**event, "post_processing": FAILED}, ("paid", False)),
        (event, ("paid", True)),
    ):
        call("persist_output", each)
        found = show(identity)
        assert (found["status"], found["complete"]) == expected


def test_what_is_reserved_stays_so_although_a_later_execution_is_refused(call: Call) -> None:
    """It can still be taken, and somebody has to."""
    event = document(id="don-1", capture="later")
    payment = {"psp": "psp_sandbox", "reference": "sbx_1", "attempts": []}
    for status in ("authorised", "declined", "abandoned"):
        answer = call("persist_output", {**event, "payment": {**payment, "status": status}})
        assert answer["status"] == "authorised"


def test_everything_that_was_stored_stays_in_the_history(call: Call) -> None:
    event = final()
    declined = {**event, "payment": {**event["payment"], "status": "declined"}}
    conflict = {**event, "error": {"Error": "DonationConflict", "Cause": "amount"}, "payment": {"status": "new"}}
    events = [declined, broken(event), event, conflict, declined, event]
    for each in events:
        call("persist_output", each)
    record = show(event["donation"]["id"])
    assert record["status"] == "paid"
    assert sorted(each["status"] for each in record["history"]) == ["broken", "conflict", "declined", "paid"]
    assert listed("--status", "conflict") == listed("--status", "paid") == [record["id"]]
    assert listed("--status", "declined") == listed("--status", "broken") == []
    assert listed() == listed("--date", "2026-01-31") == listed("--charity", "Lifeboats") == [record["id"]] * 2


def test_a_donation_that_only_conflicts_can_be_shown(call: Call) -> None:
    event = {**document(), "error": {"Error": "DonationConflict"}}
    assert call("persist_output", event)["status"] == "conflict"
    assert show(event["donation"]["id"])["status"] == "conflict"


@pytest.mark.parametrize("other", [{"reference": "sbx_other"}, {"psp": "psp_other"}])
def test_a_second_payment_is_an_alarm_while_the_first_one_is_incomplete(call: Call, other: dict[str, Any]) -> None:
    event = {**final(id="don-1"), "post_processing": FAILED}
    call("persist_output", event)
    for post_processing in (DONE, FAILED):
        second = {**event, "payment": {**event["payment"], **other}, "post_processing": post_processing}
        with pytest.raises(ConflictingTransaction):
            call("persist_output", second)
    assert (show("don-1")["psp"], show("don-1")["reference"]) == ("psp_sandbox", event["payment"]["reference"])


def test_two_payments_for_a_donation_are_an_alarm(call: Call) -> None:
    event = final()
    call("persist_output", event)
    other = {**event, "payment": {**event["payment"], "reference": "sbx_other"}}
    for post_processing in (DONE, FAILED):
        with pytest.raises(ConflictingTransaction, match=r"already paid by .*, now also by psp_sandbox sbx_other"):
            call("persist_output", {**other, "post_processing": post_processing})
    record = show(event["donation"]["id"])
    assert record["reference"] == event["payment"]["reference"]
    conflicts = [each for each in record["history"] if each["status"] == "conflict"]
    assert [each["reference"] for each in conflicts] == ["sbx_other"] * 2
    assert listed("--status", "conflict") == [record["id"]] * 2, "open work, whatever became of its post-processing"


def test_concurrent_duplicates_leave_the_paid_record(call: Call) -> None:
    event = final()
    events = [event, broken(event)] * 6
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda each: call("persist_output", each), events))
    assert show(event["donation"]["id"])["status"] == "paid"


def test_a_donation_that_setup_refused_is_kept_without_its_card_number(call: Call) -> None:
    event = {**donation(note="4242 4242 4242 4242", card=4242424242424242), "error": {"Error": "MalformedDonation"}}
    answer = call("persist_output", event)
    assert (answer["id"], answer["status"]) == (event["id"], "broken")
    assert show(event["id"])["document"]["note"] == "[card number removed]"
    assert "4242" not in transactions("show", event["id"], "--format", "json").stdout


@pytest.mark.parametrize("event", [{}, {"id": 1}, {"id": ""}, {"donation": None}, {"id": "x" * 3000}])
def test_a_donation_without_an_id_is_kept_too(call: Call, event: dict[str, Any]) -> None:
    first, second = call("persist_output", event), call("persist_output", event)
    assert first["id"] == second["id"]
    assert first["id"].startswith("unnamed-")
    assert show(first["id"])["document"] == event


def test_an_event_that_is_no_object_is_refused(call: Call) -> None:
    with pytest.raises(MalformedEvent, match="expected the execution's document"):
        call("persist_output", [])


@pytest.fixture
def three(call: Call) -> list[str]:
    """Three transactions: two charities, three days, two outcomes."""
    events = [
        final(started="2026-01-30T23:59:59.999Z"),
        final("tok_declined", started="2026-01-31T00:00:00.000Z", charity="Rainforest"),
        final(started="2026-02-01T12:00:00.000Z", charity="Rainforest"),
    ]
    return [call("persist_output", event)["id"] for event in events]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ((), [0, 1, 2]),
        (("--status", "paid"), [0, 2]),
        (("--status", "broken"), []),
        (("--charity", "Rainforest"), [1, 2]),
        (("--charity", "Rainforest", "--status", "declined"), [1]),
        (("--charity", "Nobody"), []),
        (("--date", "2026-01-31"), [1]),
        (("--since", "2026-01-31"), [1, 2]),
        (("--until", "2026-01-31"), [0, 1]),
        (("--since", "2026-01-30", "--until", "2026-01-31"), [0, 1]),
        (("--charity", "Rainforest", "--since", "2026-02-01"), [2]),
        (("--charity", "Rainforest", "--until", "2026-01-31"), [1]),
        (("--status", "paid", "--date", "2026-01-30"), [0]),
    ],
)
def test_list(three: list[str], arguments: tuple[str, ...], expected: list[int]) -> None:
    assert listed(*arguments) == [three[index] for index in expected]


def test_many_transactions_come_in_pages(call: Call) -> None:
    for _ in range(12):
        call("persist_output", {**final(), "padding": "x" * 150_000})  # DynamoDB's pages hold 1 MB
    assert len(listed()) == len(listed("--status", "paid")) == 12


def test_no_key_of_an_index_takes_all_donations(call: Call, backend: str) -> None:
    for number in range(40):
        call("persist_output", final(id=f"don-{number}"))
    assert len(list(store().list(Query(status="paid")))) == 40
    if backend == "dynamodb":
        items = boto3.client("dynamodb").scan(TableName=os.environ["TRANSACTIONS_TABLE"])["Items"]
        for name in ("status_part", "charity_part", "day_part"):
            assert len({item[name]["S"] for item in items}) > 8, name


def test_incomplete_donations_are_found_without_reading_the_others(call: Call) -> None:
    call("persist_output", final(id="don-done"))
    failed = final(id="don-failed")
    call("persist_output", {**failed, "post_processing": FAILED})

    assert [each.id for each in store().list(Query(status="paid", complete=False))] == ["don-failed"]
    assert len(list(store().list(Query(status="paid")))) == 2
    call("persist_output", failed)
    assert list(store().list(Query(status="paid", complete=False))) == []
    assert len(list(store().list(Query(status="paid")))) == 2


PRIVATE = ("Ada", "ada@example.org", "tok_paid", "window seat", "from a library")


def test_what_cannot_be_compared_with_the_ids_owner_is_another_donation(call: Call) -> None:
    """Its execution must not end with the other one's status."""
    owner = final(id="don-1")
    store().put(intent(owner))
    call("persist_output", owner)
    error = {"Error": "MalformedEvent", "Cause": ""}

    assert call("persist_output", {"donation": {"id": "don-1"}, "error": error})["status"] == "conflict"
    assert show("don-1")["status"] == "paid"


def test_a_donors_data_is_erased_everywhere(call: Call) -> None:
    failed = {**FAILED, "event": {"status": "failed", "error": "X", "cause": "ada@example.org, from a library"}}
    first = {**final(id="don-1", note="window seat"), "redirect": {"status": "returned", "outcome": "ada@example.org"}}
    first["payment"]["message"] = "charged ada@example.org"
    call("persist_output", {**first, "post_processing": failed})
    assert transactions("erase", "don-1").exit_code == 1, "it is open work"
    call("persist_output", first)
    call("persist_output", {**first, "donation": {**first["donation"], "id": "don-2"}})

    result = transactions("erase", "don-1")

    assert (result.exit_code, result.stdout) == (0, "don-1  erased, 2 entries\n")
    found = show("don-1")
    assert not any(
        text in json.dumps([found, *(each.document for each in store().history("don-1"))]) for text in PRIVATE
    )
    assert (found["status"], found["amount"], found["charity"]) == ("paid", 2500, "Lifeboats")
    assert found["document"]["donation"] == {
        "id": "don-1",
        "charity": "Lifeboats",
        "amount": 2500,
        "currency": "GBP",
        "payment_method": {"type": "card"},
    }
    assert found["document"]["payment"]["reference"] == found["reference"]
    assert "ada@example.org" in json.dumps(show("don-2"))
    assert call("persist_output", first)["status"] == "paid", "a repetition does not bring it back"
    assert "ada@example.org" not in json.dumps(show("don-1"))
    assert transactions("erase", "don-unknown").exit_code == 1


def test_what_is_old_is_erased(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    for day in ("01", "02", "03"):
        call("persist_output", final(id=f"don-{day}", started=f"2026-01-{day}T23:59:59.999Z"))
    monkeypatch.setenv("FLOWDSL_NOW", "2026-02-01T23:00:00.000Z")
    assert retention.apply(store()) == 0, "no limit is set"
    monkeypatch.setenv("PAYMENTS_RETENTION_DAYS", "30")
    assert retention.apply(store()) == 1
    kept = [identity for identity in ("don-01", "don-02", "don-03") if "ada@example.org" in json.dumps(show(identity))]
    assert kept == ["don-02", "don-03"]
    assert retention.apply(store()) == 0
    assert transactions("erase", "--before", "2026-01-03").stdout == "don-02  erased, 1 entry\n"
    monkeypatch.setenv("PAYMENTS_RETENTION_DAYS", "a month")
    with pytest.raises(Misconfigured, match="PAYMENTS_RETENTION_DAYS: expected a number of days"):
        retention.apply(store())


def test_text_is_for_people(call: Call) -> None:
    event = {**final("tok_paid", amount=123456), "post_processing": FAILED}
    call("persist_output", event)
    identity = event["donation"]["id"]
    lines = transactions("list").stdout.splitlines()
    assert lines[0].split() == ["ID", "STATUS", "AMOUNT", "CHARITY", "PSP", "STARTED"]
    row = f"{identity}  paid, incomplete  1,234.56 GBP  Lifeboats  psp_sandbox  2026-01-31T09:30:00.000Z"
    assert lines[1:] == [row]
    text = transactions("show", identity).stdout
    assert f"{identity}: paid, post-processing incomplete" in text
    assert "paid (00 approved)" in text
    assert "receipt    failed (NotDelivered: bus)" in text
    assert "error" not in text
    call("persist_output", broken(document(id="don-broken")))
    assert "error      PspUnavailable: down" in transactions("show", "don-broken").stdout


def test_a_transaction_that_is_not_there() -> None:
    result = transactions("show", "don-none")
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: no transaction 'don-none'; `python -m handlers.transactions list`")
    empty = transactions("list", "--format", "json")
    assert (empty.exit_code, json.loads(empty.stdout)) == (0, [])


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("--date", "31.1.2026"), "'31.1.2026' is not a date; write it as 2026-01-31"),
        (("--date", "2026-01-31", "--since", "2026-01-31"), "--date cannot be combined with --since or --until"),
        (
            ("--status", "lost"),
            "'lost' is not one of 'open', 'paid', 'authorised', 'declined', 'abandoned', 'broken', 'conflict', ",
        ),
    ],
)
def test_mistakes_in_the_command(arguments: tuple[str, ...], expected: str) -> None:
    result = transactions("list", *arguments)
    assert result.exit_code == 2
    assert expected in result.stderr


def test_looking_makes_no_file(data: Path) -> None:
    transactions("list")
    assert not data.exists()


def test_a_broken_transaction_names_the_psp_where_the_payment_is_to_be_looked_for() -> None:
    document = {"id": "don-1", "psp": {"name": "sandbox"}, "payment": {"status": "retry"}, "error": ERROR}
    assert from_document(document).psp == "sandbox"
    assert from_document({**document, "payment": {"status": "paid", "psp": "stripe"}}).psp == "stripe"
    assert from_document({**document, "psp": None}).psp is None
