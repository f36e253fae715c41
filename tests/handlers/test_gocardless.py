"""GoCardless's own rules: bank debits that are taken back, submitted again, or never were ours."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks.campaign import gocardless_books
from handlers import disputes, refunds
from handlers.fundraising_totals.totals import Contribution, add
from handlers.gocardless_webhook import settling
from handlers.outbox.sending import sent
from handlers.psp import Outcome, PspRefused, PspUnavailable
from handlers.psp_gocardless import codes
from handlers.transactions.closing import close
from handlers.transactions.record import from_document, intent
from handlers.transactions.store import Query, store
from tests.handlers.conftest import Call, document
from tests.handlers.psp_server import GoCardlessServer
from tests.handlers.psp_worlds import GoCardlessWorld, world

pytestmark = pytest.mark.slow


@pytest.fixture
def gocardless(data: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[GoCardlessServer]:
    monkeypatch.setattr("handlers.psp_webhook.execution_has_ended", lambda execution: True)
    with world("psp_gocardless", data, monkeypatch) as made:
        assert isinstance(made, GoCardlessWorld)
        yield made.gocardless


def donation(token: str = "MDPAID", identity: str = "don-1", **changes: Any) -> dict[str, Any]:
    event = document(id=identity, payment_method={"type": "bank_debit", "token": token}, **changes)
    arn = "arn:aws:lambda:eu-west-1:123456789012:function:psp"
    event["psp"] |= {"name": "psp_gocardless", "function_arn": arn}
    return event


def stored(call: Call, server: GoCardlessServer, event: dict[str, Any]) -> dict[str, Any]:
    """What the flow does with the donation until the bank has decided."""
    store().put(intent(event))
    event["payment"] = call("psp_gocardless", event)
    server.pass_days()
    event["payment"] = call("psp_gocardless", event)
    store().put(from_document(event))
    return event


def tell(call: Call, server: GoCardlessServer, since: int = 0) -> str:
    answer = call("gocardless_webhook", server.webhook(server.events[since:]))
    assert answer["statusCode"] == 200, answer
    return str(json.loads(answer["body"])["result"])


def total() -> int:
    """The charity's total, without the donation itself, which no test here counts."""
    return add(Contribution("none", "Lifeboats", 0, "GBP"))


def test_a_debit_that_is_referred_to_its_payer_is_submitted_again(
    call: Call, gocardless: GoCardlessServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    decisions = ["refer_to_payer ARUDD-0", "refer_to_payer ARUDD-0", "confirmed"]
    monkeypatch.setitem(gocardless_books.BANKS, "MDREFER", decisions)
    event = donation("MDREFER")
    delays = []
    for _ in range(6):
        event["payment"] = call("psp_gocardless", event)
        delays.append(event["payment"]["delay_seconds"])
        gocardless.pass_days()

    assert [each for each in delays if each] == [259200, 604800]
    assert event["payment"]["status"] == "paid"
    assert [each["status"] for each in gocardless.of("PM")] == ["confirmed"]


@pytest.mark.parametrize(
    ("cause", "reason", "outcome"),
    [
        ("insufficient_funds", "AM04", Outcome.RETRY),
        ("refer_to_payer", "ARUDD-0", Outcome.RETRY),
        ("refer_to_payer", "ACH_RETURN-R01", Outcome.RETRY),
        ("refer_to_payer", "ACH_RETURN-R08", Outcome.DECLINED),
        ("refer_to_payer", "ACH_RETURN-R16", Outcome.DECLINED),
        ("refer_to_payer", "None", Outcome.DECLINED),
        ("bank_account_closed", "ARUDD-B", Outcome.DECLINED),
        ("mandate_cancelled", "ARUDD-1", Outcome.DECLINED),
    ],
)
def test_a_lack_of_money_is_tried_again_by_whichever_name_the_scheme_has_for_it(
    cause: str, reason: str, outcome: Outcome
) -> None:
    assert codes.failed(cause, reason) is outcome


def both_have_looked(server: GoCardlessServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two executions list the donation's payments at the same moment: each finds none, and creates one."""
    empty = {"meta": {"cursors": {"before": None, "after": None}, "limit": 50}, "payments": []}
    monkeypatch.setattr(server, "_list", lambda *_: empty)


def test_two_executions_at_once_debit_once(
    call: Call, gocardless: GoCardlessServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    both_have_looked(gocardless, monkeypatch)

    answers = [call("psp_gocardless", donation()) for _ in range(2)]

    assert [(each["status"], each["reference"]) for each in answers] == [("pending", "PM1")] * 2
    assert len(gocardless.of("PM")) == 1


@pytest.mark.parametrize("change", [{"amount": 9900}, {"currency": "EUR"}])
@pytest.mark.parametrize("at_once", [True, False])
def test_a_payment_of_another_amount_is_not_the_donations(
    call: Call, gocardless: GoCardlessServer, monkeypatch: pytest.MonkeyPatch, change: dict[str, Any], at_once: bool
) -> None:
    """GoCardless does not compare what is sent under one key."""
    call("psp_gocardless", donation())
    if at_once:
        both_have_looked(gocardless, monkeypatch)

    with pytest.raises(PspRefused, match="has a payment with another amount"):
        call("psp_gocardless", donation(**change))


def test_a_new_mandate_is_looked_up_as_what_became_of_it(call: Call, gocardless: GoCardlessServer) -> None:
    event = {**donation("new_mandate"), "redirect": {"status": "returned"}}

    def looked_up() -> list[str]:
        return [each["status"] for each in call("psp_gocardless", {**event, "operation": "look_up"})["payments"]]

    event["payment"] = call("psp_gocardless", event)
    assert looked_up() == ["redirect"]
    gocardless.pass_days()
    assert looked_up() == ["pending"], "the donor has a mandate, and an execution creates the payment"
    event["payment"] = call("psp_gocardless", event)
    gocardless.pass_days()
    assert looked_up() == ["paid"]


def test_a_mandate_that_is_not_there_yet_is_waited_for(call: Call, gocardless: GoCardlessServer) -> None:
    event = {**donation("new_mandate"), "redirect": {"status": "returned"}}
    event["payment"] = call("psp_gocardless", event)
    gocardless.pass_days()
    [request] = gocardless.of("BRQ")
    del request["links"]["mandate_request_mandate"]

    with pytest.raises(PspUnavailable, match="has no mandate yet"):
        call("psp_gocardless", event)


def test_all_payments_are_looked_up_and_the_first_one_is_the_flows(call: Call, gocardless: GoCardlessServer) -> None:
    event = donation()
    first = call("psp_gocardless", event)
    for _ in range(3):
        gocardless.by_hand("another", "don-1", 2500)

    assert len(call("psp_gocardless", {**event, "operation": "look_up"})["payments"]) == 4
    assert call("psp_gocardless", event)["reference"] == first["reference"]


def test_gocardless_clock_may_be_behind_ours(
    call: Call, gocardless: GoCardlessServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLOWDSL_NOW", "2026-01-01T09:00:00.000Z")
    event = donation()
    call("psp_gocardless", event)
    event["psp"]["chosen_at"] = "2026-01-01T09:59:00.000Z"

    assert len(call("psp_gocardless", {**event, "operation": "look_up"})["payments"]) == 1
    call("psp_gocardless", event)
    assert len(gocardless.of("PM")) == 1


@pytest.mark.parametrize(("status", "is_told"), [("pending", False), ("fulfilled", True), ("cancelled", True)])
def test_a_donor_with_a_mandate_need_not_come_back(
    call: Call, gocardless: GoCardlessServer, monkeypatch: pytest.MonkeyPatch, status: str, is_told: bool
) -> None:
    """The execution that waits for the donor goes on, and creates the payment."""
    resumed: list[str] = []
    monkeypatch.setattr("handlers.redirects.resume", lambda donation, *_: bool(resumed.append(donation) or True))
    call("psp_gocardless", donation("new_mandate"))
    [request] = gocardless.of("BRQ")
    request["status"] = status
    gocardless._tell("billing_requests", status, billing_request=request["id"])

    tell(call, gocardless)

    assert resumed == (["don-1"] if is_told else [])


def test_a_refund_in_a_state_that_is_not_known_yet_is_pending(call: Call, gocardless: GoCardlessServer) -> None:
    event = {**stored(call, gocardless, donation()), "amount": 500}
    call("psp_gocardless", {**event, "operation": "refund"})
    gocardless.of("RF")[0]["status"] = "unheard_of"

    answer = call("psp_gocardless", {**event, "operation": "find_refund", "refund": "don-1:refund:1"})
    assert answer["refund"]["status"] == "pending"


def test_a_late_failure_leaves_the_total_once(call: Call, gocardless: GoCardlessServer) -> None:
    stored(call, gocardless, donation())
    [payment] = gocardless.of("PM")
    gocardless.answered(payment, "bank_account_closed")

    assert [tell(call, gocardless) for _ in range(3)] == ["PM1: dispute lost"] * 3
    assert (total(), len(sent("donation.dispute_lost"))) == (-2500, 1)
    gocardless.change(payment, "late_failure_settled", "failed")
    tell(call, gocardless)
    assert (total(), [each.status for each in disputes.listed()]) == (-2500, ["lost"])
    record = store().get("don-1")
    assert record is not None
    assert record.status == "paid"


def test_a_late_failure_that_is_submitted_again_is_back_in_the_total(call: Call, gocardless: GoCardlessServer) -> None:
    stored(call, gocardless, donation())
    [payment] = gocardless.of("PM")
    gocardless.answered(payment, "insufficient_funds")
    tell(call, gocardless)
    assert total() == -2500
    gocardless._tell("payments", "resubmission_requested", payment="PM1")
    gocardless.answered(payment, "confirmed")
    assert not [each for each in disputes.listed() if not each.takes_back]
    for _ in range(2):
        tell(call, gocardless)
    assert total() == 0
    assert [(each.status, each.takes_back) for each in disputes.listed()] == [("regained", False)]
    assert (len(sent("donation.dispute_lost")), len(sent("donation.dispute_regained"))) == (1, 1)
    assert call("refund_setup", {"donation": "don-1", "number": 1, "amount": None, "reason": ""})["amount"] == 2500
    gocardless.answered(payment, "bank_account_closed")
    tell(call, gocardless)
    assert total() == -2500


def test_each_chargeback_counts(call: Call, gocardless: GoCardlessServer) -> None:
    """The bank takes the payment back, gives it back, and takes it back again, for good."""
    stored(call, gocardless, donation())
    [payment] = gocardless.of("PM")
    for action, status in (
        ("charged_back", "charged_back"),
        ("chargeback_cancelled", "paid_out"),
        ("charged_back", "charged_back"),
        ("chargeback_settled", "charged_back"),
    ):
        gocardless.change(payment, action, status)
        tell(call, gocardless)

    assert sorted(each.status for each in disputes.listed()) == ["lost", "won"]
    assert total() == -2500


@pytest.mark.parametrize(
    ("action", "status", "result", "left"),
    [("charged_back", "charged_back", "under review", 0), ("failed", "failed", "lost", -2500)],
)
def test_a_debit_whose_first_events_are_archived_is_taken_back(
    call: Call, gocardless: GoCardlessServer, action: str, status: str, result: str, left: int
) -> None:
    stored(call, gocardless, donation())
    gocardless.events.clear()
    gocardless.change(gocardless.objects["PM1"], action, status)

    assert [tell(call, gocardless) for _ in range(2)] == [f"PM1: dispute {result}"] * 2
    assert (total(), len(list(disputes.listed()))) == (left, 1)


def test_a_late_confirmation_after_archived_events_makes_no_failure_late(
    call: Call, gocardless: GoCardlessServer
) -> None:
    stored(call, gocardless, donation())
    gocardless.events.insert(0, {**gocardless.events[0], "id": "EV0", "action": "failed", "details": {}})

    assert tell(call, gocardless) == "PM1: nothing to do"
    gocardless.events.insert(0, {**gocardless.events[0], "id": "EV00", "action": "created"})
    gocardless.events.pop()  # is not listed yet
    assert tell(call, gocardless) == "PM1: nothing to do"
    assert list(disputes.listed()) == []


@pytest.mark.parametrize("told", ["each", "at the end"])
def test_a_chargeback_that_is_cancelled_after_it_was_settled(
    call: Call, gocardless: GoCardlessServer, told: str
) -> None:
    stored(call, gocardless, donation())
    for action, status in (
        ("charged_back", "charged_back"),
        ("chargeback_settled", "charged_back"),
        ("chargeback_cancelled", "paid_out"),
    ):
        gocardless.change(gocardless.objects["PM1"], action, status)
        if told == "each":
            tell(call, gocardless)
    tell(call, gocardless)

    assert total() == 0
    assert [each.takes_back for each in disputes.listed()] == [False]


def test_an_older_state_of_a_chargeback_is_not_what_stays(
    call: Call, gocardless: GoCardlessServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two webhooks at once: this one has read the events, and the other one stores a later one first."""
    stored(call, gocardless, donation())
    gocardless.change(gocardless.objects["PM1"], "charged_back", "charged_back")
    gocardless.change(gocardless.objects["PM1"], "chargeback_settled", "charged_back")
    overtaken = settling.store_dispute

    def slow(*arguments: Any, **state: Any) -> Any:
        monkeypatch.setattr(settling, "store_dispute", overtaken)
        gocardless.change(gocardless.objects["PM1"], "chargeback_cancelled", "paid_out")
        tell(call, gocardless)
        return overtaken(*arguments, **state)

    monkeypatch.setattr(settling, "store_dispute", slow)
    tell(call, gocardless)

    assert total() == 0
    assert [each.status for each in disputes.listed()] == ["regained"]


def test_a_refund_of_a_mandate_is_ignored(call: Call, gocardless: GoCardlessServer) -> None:
    """https://developer.gocardless.com/api-reference/#core-endpoints-refunds: `links` has a payment or a mandate."""
    stored(call, gocardless, donation())
    refund = {"id": "RF9", "amount": 500, "currency": "GBP", "status": "paid", "metadata": {}}
    for links in ({"mandate": "MDPAID"}, {"mandate": "MDPAID", "payment": None}):
        gocardless.objects["RF9"] = {**refund, "links": links}
        gocardless._tell("refunds", "paid", refund="RF9")
        assert tell(call, gocardless).endswith("RF9: ignored")


@pytest.mark.parametrize("wrong", [{"amount": None}, {"currency": None}, {"status": None}], ids=str)
def test_a_refund_that_cannot_be_read_is_told_again(
    call: Call, gocardless: GoCardlessServer, wrong: dict[str, Any]
) -> None:
    stored(call, gocardless, donation())
    refund = {"id": "RF9", "amount": 500, "currency": "GBP", "status": "paid", "links": {"payment": "PM1"}}
    gocardless.objects["RF9"] = {**refund, **wrong}
    gocardless._tell("refunds", "paid", refund="RF9")

    with pytest.raises(PspUnavailable, match="GoCardless: the answer"):
        tell(call, gocardless)
    assert (total(), refunds.of_donation("don-1")) == (0, [])
    gocardless.objects["RF9"] = refund  # without metadata
    assert tell(call, gocardless).endswith("RF9: refunded")
    assert total() == -500


def test_an_event_that_cannot_be_settled_holds_up_no_other(call: Call, gocardless: GoCardlessServer) -> None:
    stored(call, gocardless, donation())
    seen = len(gocardless.events)
    gocardless._tell("payments", "confirmed", payment="PMGONE")
    gocardless.answered(gocardless.of("PM")[0], "bank_account_closed")

    with pytest.raises(PspRefused, match="resource_not_found"):
        tell(call, gocardless, since=seen)
    assert total() == -2500


def test_a_chargeback_that_is_told_twice_is_one(call: Call, gocardless: GoCardlessServer) -> None:
    stored(call, gocardless, donation())
    for action in ("charged_back", "charged_back", "chargeback_settled", "charged_back"):
        gocardless.change(gocardless.objects["PM1"], action, "charged_back")

    assert tell(call, gocardless) == "PM1: dispute lost"
    assert (total(), len(list(disputes.listed()))) == (-2500, 1)


def test_a_failure_before_the_confirmation_is_no_late_one(call: Call, gocardless: GoCardlessServer) -> None:
    event = donation("MDLATER")
    store().put(intent(event))
    event["payment"] = call("psp_gocardless", event)
    for status in ("pending", "retry", "pending", "paid"):
        assert event["payment"]["status"] == status
        if status == "pending":
            gocardless.pass_days()
        if status != "paid":
            event["payment"] = call("psp_gocardless", event)
    store().put(from_document(event))

    assert tell(call, gocardless) == "PM1: nothing to do"
    assert list(disputes.listed()) == []


def test_a_debit_that_somebody_submits_again_is_stored_as_paid(call: Call, gocardless: GoCardlessServer) -> None:
    """The flow has given up; then the payment is retried in GoCardless's dashboard."""
    stored(call, gocardless, donation("MDREFUSED"))
    record = store().get("don-1")
    assert record is not None
    assert record.status == "declined"
    [payment] = gocardless.of("PM")
    payment["status"] = "submitted"
    gocardless._tell("payments", "resubmission_requested", payment="PM1")
    assert tell(call, gocardless) == "PM1: nothing to do"
    gocardless.answered(payment, "confirmed")

    assert tell(call, gocardless) == "PM1: paid"
    record = store().get("don-1")
    assert record is not None
    assert (record.status, record.reference, record.complete) == ("paid", "PM1", False)
    call("reconcile", {})
    assert [message.detail["to"] for message in sent("email.receipt")] == ["ada@example.org"]


def test_gocardless_tells_again_what_could_not_be_settled(
    call: Call, gocardless: GoCardlessServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No sweep looks at a declined donation, so that the webhook must not be answered."""
    stored(call, gocardless, donation("MDREFUSED"))
    [payment] = gocardless.of("PM")
    gocardless.answered(payment, "confirmed")
    monkeypatch.setattr("handlers.psp_webhook.ask_psp", lambda transaction, event: 1 / 0)

    with pytest.raises(PspUnavailable, match="don-1: declined; psp_gocardless could not be asked"):
        tell(call, gocardless)


def test_a_second_payment_is_a_conflict_once(call: Call, gocardless: GoCardlessServer) -> None:
    """Somebody debits the donation's mandate again, by hand, with the same metadata."""
    stored(call, gocardless, donation())
    [first] = gocardless.of("PM")
    gocardless.objects["PM9"] = {**first, "id": "PM9"}
    gocardless._tell("payments", "confirmed", payment="PM9")

    assert tell(call, gocardless) == "PM1: nothing to do, PM9: conflict"
    assert tell(call, gocardless) == "PM1: nothing to do, PM9: nothing to do"
    conflicts = list(store().list(Query(status="conflict")))
    assert [(each.id, each.reference) for each in conflicts] == [("don-1", "PM9")]
    gocardless.objects["RF9"] = {"id": "RF9", "status": "paid", "amount": 2500, "currency": "GBP", "metadata": {}}
    gocardless.objects["RF9"]["links"] = {"payment": "PM9"}
    gocardless._tell("refunds", "paid", refund="RF9")
    assert tell(call, gocardless).endswith("RF9: ignored"), "it was in no total"
    assert total() == 0
    found = call("reconcile", {})
    assert ["a second payment was taken" in each["reason"] for each in found["findings"]] == [True]


def paid_again(server: GoCardlessServer, *identities: str, like: str = "PM1") -> None:
    """Somebody debits the donation's mandate by hand, with the same metadata."""
    for identity in identities:
        server.objects[identity] = {**server.objects[like], "id": identity, "status": "confirmed"}
        server._tell("payments", "confirmed", payment=identity)


def conflicts() -> list[str | None]:
    return [each.reference for each in store().list(Query(status="conflict"))]


def test_a_second_payment_is_told_again_until_it_is_stored(
    call: Call, gocardless: GoCardlessServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No sweep looks at the payments of a paid donation."""
    stored(call, gocardless, donation())
    paid_again(gocardless, "PM9")
    with monkeypatch.context() as outage:
        outage.setattr("handlers.psp_webhook.ask_psp", lambda transaction, event: 1 / 0)
        with pytest.raises(PspUnavailable, match="don-1: paid; psp_gocardless could not be asked"):
            tell(call, gocardless)

    assert tell(call, gocardless) == "PM1: nothing to do, PM9: conflict"
    assert conflicts() == ["PM9"]


def test_each_further_payment_is_a_conflict(call: Call, gocardless: GoCardlessServer) -> None:
    stored(call, gocardless, donation())
    paid_again(gocardless, "PM8", "PM9")

    assert tell(call, gocardless) == "PM1: nothing to do, PM8: conflict, PM9: conflict"
    assert conflicts() == ["PM8", "PM9"]


def test_a_refused_debit_that_is_submitted_again_after_another_was_paid(
    call: Call, gocardless: GoCardlessServer
) -> None:
    stored(call, gocardless, donation("MDREFUSED"))
    paid_again(gocardless, "PM9")
    assert tell(call, gocardless, since=1) == "PM9: paid"
    gocardless.answered(gocardless.objects["PM1"], "confirmed")

    assert tell(call, gocardless) == "PM1: conflict, PM9: nothing to do"
    assert conflicts() == ["PM1"]


def test_a_debit_that_is_submitted_again_after_its_donor_was_erased_is_for_people(
    call: Call, gocardless: GoCardlessServer
) -> None:
    """Without the mandate GoCardless lists nothing, and nobody is left who could get a receipt."""
    stored(call, gocardless, donation("MDREFUSED"))
    store().erase("don-1")
    gocardless.answered(gocardless.objects["PM1"], "confirmed")

    assert tell(call, gocardless) == "PM1: conflict"
    assert tell(call, gocardless) == "PM1: nothing to do"
    [finding] = call("reconcile", {})["findings"]
    assert (
        "taken at psp_gocardless: PM1, 25.00 GBP; the donation is declined, and its donor's data was erased"
        in finding["reason"]
    )
    refunded = {"id": "RF9", "status": "paid", "amount": 2500, "currency": "GBP", "metadata": {}}
    gocardless.objects["RF9"] = {**refunded, "links": {"payment": "PM1"}}
    close(store(), "don-1", "refunded at GoCardless")
    gocardless._tell("refunds", "paid", refund="RF9")
    assert tell(call, gocardless) == "PM1: nothing to do, RF9: ignored"
    assert total() == 0, "it was never counted"
    assert call("reconcile", {})["findings"] == []


def test_a_second_payment_of_an_erased_donation_is_a_conflict(call: Call, gocardless: GoCardlessServer) -> None:
    event = stored(call, gocardless, donation())
    done = {name: {"status": "done"} for name in ("receipt", "totals", "event")}
    store().put(from_document({**event, "post_processing": done}))
    store().erase("don-1")
    paid_again(gocardless, "PM9")

    assert tell(call, gocardless) == "PM1: nothing to do, PM9: conflict"
    assert conflicts() == ["PM9"]


def test_what_gocardless_reports_has_to_be_of_the_donation(call: Call, gocardless: GoCardlessServer) -> None:
    event = stored(call, gocardless, donation())
    stored(call, gocardless, donation(identity="don-2"))
    gocardless.objects["PM9"] = {**gocardless.objects["PM1"], "id": "PM9", "amount": 1}

    assert call("psp_gocardless", {**event, "operation": "look_up", "reported": "PM2"})["payments"] == []
    [another] = call("psp_gocardless", {**event, "operation": "look_up", "reported": "PM9"})["payments"]
    assert (another["amount"], another["captured"]) == (1, 1)


def test_an_unknown_payment_is_not_a_decline(call: Call, gocardless: GoCardlessServer) -> None:
    """Another account's access token does not know it; its bank may take it all the same."""
    event = donation()
    event["payment"] = call("psp_gocardless", event)
    known = dict(gocardless.objects)
    gocardless.objects.clear()
    for status in ("pending", "retry"):
        with pytest.raises(PspRefused, match="resource_not_found"):
            call("psp_gocardless", {**event, "payment": {**event["payment"], "status": status}})

    gocardless.objects.update(known)
    assert call("psp_gocardless", event)["status"] == "pending"


def test_an_unknown_mandate_is_a_decline(call: Call, gocardless: GoCardlessServer) -> None:
    assert call("psp_gocardless", donation("MDUNKNOWN"))["status"] == "declined"
    assert gocardless.of("PM") == []


def test_two_executions_send_the_donor_to_one_billing_request(call: Call, gocardless: GoCardlessServer) -> None:
    """Even when GoCardless has forgotten the key, and the donor completes both pages."""
    first, second = donation("new_mandate"), donation("new_mandate")
    first["payment"] = call("psp_gocardless", first)
    gocardless.keys.clear()
    second["payment"] = call("psp_gocardless", second)
    gocardless.pass_days()
    for event in (first, second):
        event["redirect"] = {"status": "returned"}
        assert call("psp_gocardless", event)["status"] == "pending"

    assert first["payment"]["reference"] == second["payment"]["reference"]
    assert (len(gocardless.of("BRQ")), len(gocardless.of("PM"))) == (1, 1)
