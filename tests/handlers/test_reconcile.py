"""Reconcile as a function, and how it asks AWS."""

from __future__ import annotations

import io
import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import boto3
import pytest

from handlers.outbox.sending import sent
from handlers.reconcile.finding import AskingFailed
from handlers.reconcile.finishing import finish
from handlers.reconcile.settling import settle
from handlers.reconcile.sweep import ask_psp, execution_has_ended, execution_has_settled, reconcile, sweep
from handlers.transactions.record import Transaction, from_document, intent
from handlers.transactions.store import Query, store
from tests.handlers.conftest import Call, document, paid

ARN = "arn:aws:lambda:eu-west-1:123456789012:function:payment-psp-sandbox"


class Client:
    """AWS's API with one answer; it keeps what it was asked."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self.asked: list[dict[str, Any]] = []

    exceptions = SimpleNamespace(
        ExecutionDoesNotExist=type("ExecutionDoesNotExist", (Exception,), {}),
        InvalidArn=type("InvalidArn", (Exception,), {}),
    )

    def _ask(self, **request: Any) -> Any:
        self.asked.append(request)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    invoke = describe_execution = _ask


def aws(monkeypatch: pytest.MonkeyPatch, answer: Any) -> Client:
    client = Client(answer)
    monkeypatch.setenv("TRANSACTIONS_TABLE", "transactions")
    monkeypatch.setattr(boto3, "client", lambda service: client)
    return client


def answer(value: Any, **more: Any) -> dict[str, Any]:
    return {"Payload": io.BytesIO(json.dumps(value).encode()), **more}


def test_the_function_stores_what_was_taken_and_counts_the_rest(call: Call) -> None:
    for token in ("tok_paid", "tok_3ds_abandoned"):
        event = document(token)
        event["psp"]["name"] = "psp_sandbox"
        store().put(intent(event))
        call("psp_sandbox", event)

    result = call("reconcile", {})

    assert (result["repaired"], result["waiting"], result["open"]) == (2, 1, 0), "paid, and its post-processing"
    assert result["findings"] == []


@pytest.mark.parametrize(
    ("token", "days", "is_listed"),
    [("tok_debit_waits", 29, False), ("tok_debit_waits", 31, True), ("tok_3ds_abandoned", 1, False)],
)
def test_what_only_waits_is_listed_when_its_time_is_over(
    call: Call, monkeypatch: pytest.MonkeyPatch, token: str, days: int, is_listed: bool
) -> None:
    """A bank has a month, a donor a day; an execution waits for both."""
    monkeypatch.setenv("FLOWDSL_NOW", "2026-01-01T00:00:00.000Z")
    event = document(token)
    event["psp"]["name"] = "psp_sandbox"
    store().put(intent(event))
    call("psp_sandbox", event)
    now = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=days)
    monkeypatch.setenv("FLOWDSL_NOW", now.isoformat(timespec="milliseconds").replace("+00:00", "Z"))

    result = call("reconcile", {})

    assert (result["waiting"], result["open"]) == ((0, 1) if is_listed else (1, 0))


def test_the_psps_function_is_invoked(monkeypatch: pytest.MonkeyPatch) -> None:
    event = {**document(), "psp": {"name": "psp_sandbox", "function_arn": ARN}}
    client = aws(monkeypatch, answer({"payments": []}))

    assert ask_psp(intent(event), event) == {"payments": []}
    assert client.asked[0]["FunctionName"] == ARN
    assert json.loads(client.asked[0]["Payload"]) == event


def test_a_function_that_fails_is_not_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    event = {**document(), "psp": {"name": "psp_sandbox", "function_arn": ARN}}
    aws(monkeypatch, answer({"errorType": "PspUnavailable", "errorMessage": "down"}, FunctionError="Unhandled"))

    with pytest.raises(AskingFailed, match="PspUnavailable"):
        ask_psp(intent(event), event)


def test_an_outage_leaves_the_sweep_time_for_everything_else(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    """A thousand donations that wait for a PSP that is down would take hours, and the sweep has 15 minutes."""
    seconds = [0.0]
    monkeypatch.setattr("handlers.reconcile.asking.time.monotonic", lambda: seconds[0])
    for number in range(40):
        psp = "psp_sandbox" if number % 2 else "psp_stripe"
        store().put(intent({**document(id=f"don-{number:02}"), "psp": {"name": psp, "function_arn": ARN}}))
    paid_one = paid(id="don-paid")
    call("persist_output", paid_one)
    asked = []

    def ask(transaction: Transaction, _: Any) -> Any:
        asked.append(transaction.psp)
        seconds[0] += 15 if transaction.psp == "psp_stripe" else 1
        if transaction.psp == "psp_stripe":
            raise AskingFailed("PspUnavailable")
        return {"payments": [], "patience": 0}

    findings = {finding.id: finding for finding in sweep(store(), ask, lambda _: False)}

    assert Counter(asked) == {"psp_stripe": 8, "psp_sandbox": 20}
    assert {findings[f"don-{number:02}"].reason for number in range(0, 40, 2)} == {
        "psp_stripe could not be asked: PspUnavailable"
    }
    assert findings["don-paid"].repaired == "paid", "its post-processing is finished meanwhile"


def test_the_list_of_open_work_tells_a_rejected_key_from_an_outage() -> None:
    store().put(intent({**document(), "psp": {"name": "psp_sandbox", "function_arn": ARN}}))

    def ask(*_: Any) -> Any:
        raise AskingFailed("KeyRejected")

    [finding] = sweep(store(), ask, lambda _: False)
    assert (finding.reason, finding.is_open_work) == ("psp_sandbox could not be asked: KeyRejected", True)


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ({"status": "RUNNING"}, False),
        ({"status": "PENDING_REDRIVE"}, False),
        ({"status": "ABORTED"}, True),
        ({"status": "SUCCEEDED"}, True),
        (Client.exceptions.ExecutionDoesNotExist(), None),
    ],
)
def test_executions_are_asked_for(monkeypatch: pytest.MonkeyPatch, state: Any, expected: bool | None) -> None:
    aws(monkeypatch, state)
    assert execution_has_ended("arn:one") is expected


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ({"status": "RUNNING"}, False),
        ({"status": "ABORTED", "stopDate": datetime(2026, 1, 31, 11, 1, tzinfo=UTC)}, False),
        ({"status": "ABORTED", "stopDate": datetime(2026, 1, 31, 10, 59, tzinfo=UTC)}, True),
        (Client.exceptions.ExecutionDoesNotExist(), None),
    ],
)
def test_the_last_request_of_an_execution_has_an_hour_to_reach_the_psp(
    monkeypatch: pytest.MonkeyPatch, state: Any, expected: bool | None
) -> None:
    """It may have been stopped while the request was underway, and a PSP's search lags behind."""
    aws(monkeypatch, state)
    monkeypatch.setenv("FLOWDSL_NOW", "2026-01-31T12:00:00.000Z")
    assert execution_has_settled("arn:one") is expected


@pytest.mark.parametrize("hours", [0, 2])
def test_a_reported_payment_that_the_psp_does_not_list_yet_is_not_called_declined(
    call: Call, monkeypatch: pytest.MonkeyPatch, hours: int
) -> None:
    monkeypatch.setenv("FLOWDSL_NOW", "2026-01-31T09:30:00.000Z")
    event = document(id="don-1")
    event["psp"]["name"] = "psp_sandbox"
    store().put(intent({**event, "execution": "ended"}))
    monkeypatch.setenv("FLOWDSL_NOW", f"2026-01-31T{9 + hours:02}:31:00.000Z")

    finding = reconcile("don-1", store(), lambda *_: {"payments": [], "patience": 0}, lambda _: True, "p1")

    assert finding is not None
    assert finding.reason == "not taken at psp_sandbox so far; wait for late answers"
    record = store().get("don-1")
    assert record is not None
    assert record.status == "open"


def test_a_state_that_is_not_known_yet_is_no_refusal(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLOWDSL_NOW", "2026-01-01T00:00:00.000Z")
    event = document(id="don-1")
    event["psp"]["name"] = "psp_sandbox"
    store().put(intent({**event, "execution": "ended"}))
    monkeypatch.setenv("FLOWDSL_NOW", "2026-01-04T00:00:00.000Z")
    state = {"status": "unheard of", "code": "", "message": "", "reference": "p1", "amount": 2500, "currency": "GBP"}
    payments = [{**state, "captured": 0, "further": False}]

    [finding] = sweep(store(), lambda *_: {"payments": payments, "patience": 0}, lambda _: True)

    assert (finding.repaired, finding.reason) == (None, "unheard of at psp_sandbox: p1")
    assert finding.is_open_work


@pytest.mark.parametrize("change", [{"captured": 1000}, {"captured": 2501}, {"captured": None}, {"currency": "EUR"}])
def test_a_payment_of_which_another_amount_was_taken_is_for_people(call: Call, change: dict[str, Any]) -> None:
    """Its receipt and its total would be wrong."""
    event = document(id="don-1")
    event["psp"]["name"] = "psp_sandbox"
    store().put(intent({**event, "execution": "ended"}))
    state = {"status": "paid", "code": "", "message": "", "reference": "p1", "amount": 2500, "currency": "GBP"}
    payment = {**state, "captured": 2500, "further": False, **change}

    list(sweep(store(), lambda *_: {"payments": [payment], "patience": 0}, lambda _: True))

    assert sent() == []
    [conflict] = store().list(Query(status="conflict"))
    assert (conflict.reference, conflict.amount, conflict.currency) == ("p1", payment["captured"], payment["currency"])
    assert [each.status for each in store().history("don-1") if each.status == "paid"] == []


def test_a_donation_that_another_payment_pays_meanwhile_is_a_conflict(call: Call) -> None:
    event = document(id="don-1")
    event["psp"]["name"] = "psp_sandbox"
    state = {"status": "paid", "code": "", "message": "", "reference": "p1", "amount": 2500, "currency": "GBP"}
    opened = store().put(intent({**event, "execution": "ended"}))

    def ask(*_: Any) -> dict[str, Any]:
        """An execution stores another payment while the PSP is asked."""
        store().put(from_document({**event, "payment": {"psp": "psp_sandbox", "status": "paid", "reference": "p2"}}))
        return {"payments": [{**state, "captured": 2500, "further": False}], "patience": 0}

    finding = settle(opened, store(), ask, lambda _: True)

    assert finding.repaired == "conflict"
    assert [each.reference for each in store().list(Query(status="conflict"))] == ["p1"]
    assert [each.reference for each in store().list(Query(status="paid"))] == ["p2"]


def test_only_what_is_not_done_is_done_again() -> None:
    """The bus of the deployed functions sends again what it is given again."""
    done = {"status": "done"}
    payment = {"psp": "psp_sandbox", "status": "paid", "reference": "p1", "attempts": []}
    event = {**document(id="don-1"), "payment": payment}

    finished = finish({**event, "post_processing": {"receipt": done, "totals": {"status": "failed"}}})

    assert [message.kind for message in sent()] == ["donation.paid"]
    assert {each["status"] for each in finished["post_processing"].values()} == {"done"}
    assert finished["post_processing"]["totals"]["total"] == 2500


@pytest.mark.parametrize("status", ["paid", "authorised"])
def test_all_that_the_psp_took_besides_a_stored_payment_is_for_people(call: Call, status: str) -> None:
    """Even while an execution runs: it cannot give anything back."""
    event = document(id="don-1")
    event["psp"]["name"] = "psp_sandbox"
    store().put(intent({**event, "execution": "running"}))
    store().put(from_document({**event, "payment": {"psp": "psp_sandbox", "status": status, "reference": "p1"}}))
    known = {"status": "paid", "code": "", "message": "", "reference": "p1", "amount": 2500, "currency": "GBP"}
    known |= {"captured": 2500, "further": False}
    payments = [known, {**known, "reference": "p2"}, {**known, "reference": "p3"}]

    finding = reconcile("don-1", store(), lambda *_: {"payments": payments, "patience": 0}, lambda _: False, "p2")

    assert finding is not None
    assert (finding.repaired, finding.reason) == ("conflict", "taken at psp_sandbox: p2, p3")
    assert [each.reference for each in store().list(Query(status="conflict"))] == ["p2", "p3"]
    record = store().get("don-1")
    assert record is not None
    assert (record.status, record.reference) == (status, "p1")


def test_nothing_is_known_of_local_executions() -> None:
    assert execution_has_ended("arn:one") is None


@pytest.mark.parametrize("status", ["open", "broken"])
def test_a_donation_that_is_run_again_while_its_psp_is_asked_stays_open_work(
    call: Call, monkeypatch: pytest.MonkeyPatch, status: str
) -> None:
    """The new execution may take a payment, whatever the PSP had before."""
    event = document(id="don-1")
    event["psp"]["name"] = "psp_sandbox"
    record = store().put(intent({**event, "execution": "ended"}))
    if status == "broken":
        record = store().put(from_document({**event, "execution": "ended", "error": {"Error": "E", "Cause": ""}}))
    monkeypatch.setenv("FLOWDSL_NOW", "2100-01-01T00:00:00.000Z")

    def ask(*_: Any) -> dict[str, Any]:
        store().put(intent({**event, "execution": "again"}))
        return {"payments": [], "patience": 0}

    settle(record, store(), ask, lambda _: True)

    stored = store().get("don-1")
    assert stored is not None
    assert (stored.status, json.loads(stored.document)["execution"]) == ("open", "again")
