"""What other systems hear: delays, redirects, receipts, events; totals; the donor's return."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from handlers import redirects, sqlite
from handlers.document import MalformedEvent
from handlers.fundraising_totals import totals as totals_module
from handlers.logs import Unexpected
from handlers.outbox import Message, NotDelivered, send
from handlers.outbox.sending import sent
from tests.handlers.conftest import Call, document, donation, paid

pytestmark = pytest.mark.slow


def test_a_delay_is_told_once_for_each_attempt(call: Call) -> None:
    event = document("tok_later_twice")
    for _ in range(2):
        event["payment"] = call("psp_sandbox", event)
        for _ in range(2):
            assert call("notify_delay", event) == {"status": "done"}
    identity = event["donation"]["id"]
    messages = sent("payment.delayed")
    assert [message.key for message in messages] == [f"{identity}-1", f"{identity}-2"]
    assert [message.detail["delay_seconds"] for message in messages] == [300, 3600]
    assert messages[0].detail == {
        "donation": identity,
        "charity": "Lifeboats",
        "psp": "psp_sandbox",
        "attempt": 1,
        "delay_seconds": 300,
    }


def test_a_redirect_carries_the_url_and_a_ticket(call: Call) -> None:
    event = document("tok_3ds")
    event["payment"] = call("psp_sandbox", event)
    for token in ("first", "first", "second"):
        assert call("redirect_to_psp", {"token": token, "document": event}) == {"status": "done"}
    messages = sent("payment.redirect")
    assert len({message.detail["ticket"] for message in messages}) == len(messages) == 2
    assert "first" not in str(messages[0].detail), "the token itself stays here"
    donation = event["donation"]["id"]
    assert [redirects.donation_of(message.detail["ticket"]) for message in messages] == [donation] * 2
    assert redirects.token_of(donation) == "second"
    assert {message.detail["url"] for message in messages} == {event["payment"]["redirect_url"]}


def test_waiting_again_for_a_donor_sends_nothing(call: Call) -> None:
    event = {**document("tok_3ds_abandoned"), "redirect": {"status": "returned"}}
    event["payment"] = call("psp_sandbox", event)
    call("redirect_to_psp", {"token": "first", "document": event})
    event["payment"] = call("psp_sandbox", event)

    call("redirect_to_psp", {"token": "second", "document": event})

    assert len(sent("payment.redirect")) == 1
    assert redirects.token_of(event["donation"]["id"]) == "second"


def test_a_redirect_without_a_url_is_refused(call: Call) -> None:
    with pytest.raises(MalformedEvent, match=r"document\.payment\.redirect_url: is null; expected a string"):
        call("redirect_to_psp", {"token": "t", "document": paid()})


def test_a_receipt_is_sent_once(call: Call) -> None:
    event = paid(amount=123456, donor={"name": "Ada\nBcc: x@example.org", "email": "ada@example.org"})
    for _ in range(2):
        assert call("receipt", event) == {"status": "done"}
    (message,) = sent("email.receipt")
    assert message.detail["to"] == "ada@example.org"
    assert message.detail["subject"] == "Your donation of 1,234.56 GBP to Lifeboats"
    assert "Dear Ada Bcc: x@example.org,\n" in message.detail["text"]
    assert event["payment"]["reference"] in message.detail["text"]


def test_an_event_says_nothing_about_the_donor(call: Call) -> None:
    event = paid()
    for _ in range(2):
        assert call("publish_event", event) == {"status": "done"}
    (message,) = sent("donation.paid")
    assert message.detail == {
        "donation": event["donation"]["id"],
        "charity": "Lifeboats",
        "amount": 2500,
        "currency": "GBP",
        "psp": "psp_sandbox",
        "reference": event["payment"]["reference"],
        "attempts": 1,
    }


def totals(call: Call) -> None:
    charity = donation()["id"]
    one, two, other = paid(charity=charity), paid(charity=charity, amount=100), paid(charity=charity, currency="EUR")
    assert call("fundraising_totals", one) == {"status": "done", "total": 2500, "currency": "GBP"}
    assert call("fundraising_totals", one)["total"] == 2500
    assert call("fundraising_totals", two)["total"] == 2600
    assert call("fundraising_totals", other) == {"status": "done", "total": 2500, "currency": "EUR"}
    third = paid(charity=charity)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: call("fundraising_totals", third), range(8)))
    assert call("fundraising_totals", third)["total"] == 5100


def test_totals_count_a_donation_once(call: Call) -> None:
    totals(call)


@pytest.fixture
def totals_table(aws: str, monkeypatch: pytest.MonkeyPatch) -> str:
    table = f"totals-{donation()['id']}"
    monkeypatch.setenv("TOTALS_TABLE", table)
    boto3.client("dynamodb").create_table(
        TableName=table,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
    )
    return table


def test_totals_in_dynamodb(call: Call, totals_table: str) -> None:
    totals(call)


@pytest.mark.parametrize(("conflicts", "counted"), [(3, True), (99, False)])
def test_totals_that_collide_are_repeated(
    call: Call, totals_table: str, monkeypatch: pytest.MonkeyPatch, conflicts: int, counted: bool
) -> None:
    """Transactions of DynamoDB on one item exclude each other; moto has no such conflicts."""
    client = boto3.client("dynamodb")
    write, left = client.transact_write_items, [conflicts]

    def colliding(**request: Any) -> Any:
        if left[0]:
            left[0] -= 1
            reasons = [{"Code": "None"}, {"Code": "TransactionConflict"}]
            error: Any = {"Error": {"Code": "TransactionCanceledException"}, "CancellationReasons": reasons}
            raise client.exceptions.TransactionCanceledException(error, "TransactWriteItems")
        return write(**request)

    monkeypatch.setattr(client, "transact_write_items", colliding)
    monkeypatch.setattr(boto3, "client", lambda service: client)
    monkeypatch.setattr(totals_module.time, "sleep", lambda seconds: None)

    if counted:
        assert call("fundraising_totals", document())["total"] == 2500
    else:
        with pytest.raises(Unexpected, match=r"^TransactionCanceledException at "):
            call("fundraising_totals", document())
    assert left == [0 if counted else 99 - 8]


def test_the_total_of_a_charity_has_several_items(call: Call, totals_table: str) -> None:
    results = [call("fundraising_totals", document(id=f"don-{number}"))["total"] for number in range(40)]

    assert results == [2500 * number for number in range(1, 41)]
    items = boto3.client("dynamodb").scan(TableName=totals_table)["Items"]
    assert len([item for item in items if item["id"]["S"].startswith("total#Lifeboats#GBP#")]) > 8


@pytest.mark.parametrize("handler", ["receipt", "publish_event", "fundraising_totals", "notify_delay"])
def test_a_malformed_document_is_refused_by_the_field(call: Call, handler: str) -> None:
    event = paid()
    del event["donation"]["charity"]
    with pytest.raises(MalformedEvent, match=r"donation\.charity: missing; expected a string"):
        call(handler, event)
    assert sent() == []


# On AWS.


@pytest.fixture
def bus(aws: str, monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[dict[str, Any]]]:
    """An EventBridge bus whose events go to an SQS queue; a function that reads them."""
    name = donation()["id"]
    events, queues = boto3.client("events"), boto3.client("sqs")
    url = queues.create_queue(QueueName=name)["QueueUrl"]
    arn = queues.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    events.create_event_bus(Name=name)
    events.put_rule(Name=name, EventBusName=name, EventPattern=json.dumps({"source": ["payments"]}))
    events.put_targets(Rule=name, EventBusName=name, Targets=[{"Id": "queue", "Arn": arn}])
    monkeypatch.setenv("PAYMENTS_EVENT_BUS", name)

    def received() -> list[dict[str, Any]]:
        answer = queues.receive_message(QueueUrl=url, MaxNumberOfMessages=10)
        return [json.loads(message["Body"]) for message in answer.get("Messages", [])]

    return received


def test_messages_go_to_the_bus(call: Call, bus: Any) -> None:
    event = paid()
    call("publish_event", event)
    (received,) = bus()
    assert (received["source"], received["detail-type"]) == ("payments", "donation.paid")
    assert received["detail"]["key"] == event["donation"]["id"]
    assert received["detail"]["amount"] == 2500
    assert sent() == []


@pytest.mark.usefixtures("bus")
def test_an_entry_that_the_bus_does_not_take_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    class Client:
        def put_events(self, **_: Any) -> dict[str, Any]:
            return {"FailedEntryCount": 1, "Entries": [{"ErrorCode": "ThrottlingException"}]}

    monkeypatch.setattr(boto3, "client", lambda _: Client())
    with pytest.raises(NotDelivered, match=r"^donation\.paid don-1: ThrottlingException$"):
        send(Message("donation.paid", "don-1", {}))


def test_a_bus_that_nobody_reaches_is_an_error(aws: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAYMENTS_EVENT_BUS", "bus")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    with pytest.raises(NotDelivered, match="EndpointConnectionError"):
        send(Message("donation.paid", "don-1", {}))


@pytest.fixture
def step_functions(aws: str, monkeypatch: pytest.MonkeyPatch) -> Stubber:
    """boto3's own client for Step Functions with scripted answers; moto does not know task tokens."""
    client = boto3.client("stepfunctions")
    monkeypatch.setattr(boto3, "client", {"stepfunctions": client}.__getitem__)
    stubber = Stubber(client)
    stubber.activate()
    return stubber


def test_the_donors_return_answers_the_token(call: Call, step_functions: Stubber) -> None:
    """The ticket of the first message answers the token of the step that waits now."""
    first = redirects.keep("don-1", "t-1")
    redirects.keep("don-1", "t-2")
    plain, cancelled = '{"status": "returned"}', '{"status": "returned", "outcome": "cancelled"}'
    step_functions.add_response("send_task_success", {}, {"taskToken": "t-2", "output": plain})
    step_functions.add_response("send_task_success", {}, {"taskToken": "t-2", "output": cancelled})
    assert call("donor_returned", {"ticket": first}) == {"status": "done"}
    assert call("donor_returned", {"ticket": first, "outcome": "cancelled"}) == {"status": "done"}
    step_functions.assert_no_pending_responses()


def test_what_the_browser_says_is_kept_short_and_without_cards(call: Call, step_functions: Stubber) -> None:
    """More than the document has room for would end the execution, with the payment maybe taken at the PSP."""
    ticket = redirects.keep("don-1", "t")
    output = json.dumps({"status": "returned", "outcome": "[card number removed]" + " " * 179})
    step_functions.add_response("send_task_success", {}, {"taskToken": "t", "output": output})
    event = {"ticket": ticket, "outcome": "4242424242424242" + " " * 300_000}
    assert call("donor_returned", event) == {"status": "done"}


def test_of_the_pages_parameters_only_the_psps_own_are_handed_on(call: Call, step_functions: Stubber) -> None:
    ticket = redirects.keep("don-1", "t")
    output = json.dumps({"status": "returned", "details": {"redirectResult": "X6XtfGC3"}})
    step_functions.add_response("send_task_success", {}, {"taskToken": "t", "output": output})
    details = {"redirectResult": "X6XtfGC3", "status": "paid", "card": "4242424242424242"}
    assert call("donor_returned", {"ticket": ticket, "details": details}) == {"status": "done"}
    with pytest.raises(MalformedEvent, match="at most 20000 characters per parameter"):
        call("donor_returned", {"ticket": ticket, "details": {"redirectResult": "x" * 20_001}})


@pytest.mark.parametrize("code", ["TaskTimedOut", "TaskDoesNotExist", "InvalidToken"])
def test_a_late_return_is_no_error(call: Call, step_functions: Stubber, code: str) -> None:
    ticket = redirects.keep("don-1", "t")
    step_functions.add_client_error("send_task_success", code)
    assert call("donor_returned", {"ticket": ticket}) == {"status": "late"}


def test_a_ticket_that_was_never_issued_is_refused(call: Call, step_functions: Stubber) -> None:
    with pytest.raises(MalformedEvent, match="ticket: was never issued"):
        call("donor_returned", {"ticket": "t"})
    with pytest.raises(MalformedEvent, match="ticket: missing; expected a string"):
        call("donor_returned", {})


def test_other_errors_of_step_functions_are_not_swallowed(call: Call, step_functions: Stubber) -> None:
    ticket = redirects.keep("don-1", "t")
    step_functions.add_client_error("send_task_success", "AccessDeniedException")
    with pytest.raises(Unexpected, match=r"^ClientError at redirects\.py"):
        call("donor_returned", {"ticket": ticket})


def test_tickets_in_dynamodb(aws: str, monkeypatch: pytest.MonkeyPatch) -> None:
    key = {"AttributeName": "id"}
    boto3.client("dynamodb").create_table(
        TableName="redirects",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{**key, "AttributeType": "S"}],
        KeySchema=[{**key, "KeyType": "HASH"}],
    )
    monkeypatch.setenv("REDIRECTS_TABLE", "redirects")
    first, second = redirects.keep("don-1", "t-1"), redirects.keep("don-1", "t-2")
    assert [redirects.donation_of(ticket) for ticket in (first, second, "other")] == ["don-1", "don-1", None]
    assert (redirects.token_of("don-1"), redirects.token_of("don-2")) == ("t-2", None)
    earlier = {"id": {"S": "donation#don-3"}, "token": {"S": "t-3"}, "expires_at": {"N": "9999999999"}}
    boto3.client("dynamodb").put_item(TableName="redirects", Item=earlier)
    assert [redirects.token_of("don-3", each) for each in (redirects.DONOR, redirects.PSP)] == ["t-3"] * 2


def test_a_file_of_an_earlier_version_is_read_and_written() -> None:
    """Its tokens do not say whom an execution waits for: everybody may end the wait."""
    with sqlite.transaction(sqlite.database("redirects"), "") as db:
        db.execute("CREATE TABLE tokens (donation TEXT PRIMARY KEY, token TEXT NOT NULL, expires_at INTEGER NOT NULL)")
        db.execute("INSERT INTO tokens VALUES ('don-1', 't-1', 9999999999)")

    for awaits in ((), (redirects.DONOR,), (redirects.PSP,)):
        assert redirects.token_of("don-1", *awaits) == "t-1"
    redirects.keep("don-1", "t-2", redirects.PSP)
    assert (redirects.token_of("don-1", redirects.DONOR), redirects.token_of("don-1")) == (None, "t-2")


@pytest.mark.parametrize("where", ["file", "table"])
def test_tickets_and_tokens_expire(where: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A token of a payment that ended long ago leads nowhere; what is used again starts anew."""
    if where == "table":
        request.getfixturevalue("aws")
        client = boto3.client("dynamodb")
        client.create_table(
            TableName="expiring",
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        )
        request.addfinalizer(lambda: client.delete_table(TableName="expiring"))
        monkeypatch.setenv("REDIRECTS_TABLE", "expiring")
    monkeypatch.setenv("FLOWDSL_NOW", "2025-01-01T00:00:00.000Z")
    ticket = redirects.keep("don-1", "t-1")

    monkeypatch.setenv("FLOWDSL_NOW", "2025-01-02T23:59:59.000Z")
    assert (redirects.donation_of(ticket), redirects.token_of("don-1")) == ("don-1", "t-1")
    monkeypatch.setenv("FLOWDSL_NOW", "2025-01-03T00:00:00.000Z")
    assert (redirects.donation_of(ticket), redirects.token_of("don-1")) == (None, None)
    assert redirects.resume("don-1", "{}") is False
    redirects.keep("don-1", "t-2")
    assert (redirects.donation_of(ticket), redirects.token_of("don-1")) == (None, "t-2")
    if where == "table":
        item = client.get_item(TableName="expiring", Key={"id": {"S": "donation#don-1"}})["Item"]
        assert item["expires_at"] == {"N": str(1735862400 + redirects.KEPT)}, (
            "DynamoDB deletes it by seconds since 1970"
        )
