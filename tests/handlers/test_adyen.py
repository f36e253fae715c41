"""Adyen's own rules for payments: amounts, donors' redirects, keys, what it rarely answers."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks.campaign.adyen_books import DOCUMENT
from benchmarks.campaign.published import PUBLISHED, WITHOUT
from handlers import clock
from handlers.money import MINOR_DIGITS, NotPayable
from handlers.psp import Outcome, PspRefused, PspUnavailable
from handlers.psp_adyen import facts
from handlers.psp_adyen.amounts import from_adyen, to_adyen
from handlers.psp_adyen.client import open_adyen
from handlers.psp_adyen.facts import ANSWERED, SENT, Fact
from handlers.psp_adyen.provider import AdyenPsp
from tests.cloud.starter import serving
from tests.handlers.adyen_payments import adyen, donation, paid
from tests.handlers.conftest import Call, a_day_later
from tests.handlers.psp_server import AdyenServer

__all__ = ["adyen"]

pytestmark = pytest.mark.slow


def test_requests_are_what_adyen_publishes(call: Call, adyen: AdyenServer) -> None:
    """The server validates; this shows that it would notice."""
    if not PUBLISHED.is_dir():
        pytest.skip(WITHOUT)
    adyen.answer("POST", "/payments", {}, {"x-api-key": "wrong"}, b"{}")
    assert adyen.mistakes == []
    operation = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/PaymentResponse"}}}}
    adyen._validate("answer", operation, {"resultCode": 7, "invented": True})
    assert len(adyen.mistakes) == 3  # the type, the enumeration, the unknown field
    adyen.mistakes.clear()


@pytest.mark.parametrize("currency", sorted(MINOR_DIGITS))
def test_amounts_survive_the_way_to_adyen_and_back_or_are_refused(currency: str) -> None:
    for amount in (1, 10, 99, 100, 12_300, 99_999_999):
        try:
            converted = to_adyen(amount, currency)
        except NotPayable:
            assert currency in ("CVE", "IDR")
            continue
        assert from_adyen(converted, currency) == amount
    assert (to_adyen(100, currency) != 100) == (currency in ("CLP", "CVE", "IDR", "ISK"))


def test_an_amount_that_adyen_cannot_take_is_declined(call: Call, adyen: AdyenServer) -> None:
    event = donation("pm_paid")
    event["donation"] |= {"amount": 2501, "currency": "IDR"}

    assert call("psp_adyen", event)["code"] == "invalid_amount"
    assert adyen.requests == []


def test_a_received_payment_waits_for_the_webhook(call: Call, adyen: AdyenServer) -> None:
    event = donation("pm_pending")
    event["payment"] = call("psp_adyen", event)
    assert event["payment"]["status"] == "pending"
    adyen.pass_days()
    assert call("adyen_webhook", adyen.webhook(adyen.events[0]))["statusCode"] == 200

    assert call("psp_adyen", event)["status"] == "paid"
    assert adyen.requests == ["POST /payments"], "what the webhook told is not asked for"


def test_an_unknown_method_is_declined_and_stays_so(call: Call, adyen: AdyenServer) -> None:
    event = donation("pm_nobody_knows")
    answer = call("psp_adyen", event)

    assert (answer["status"], answer["code"]) == ("declined", "803")
    [state] = call("psp_adyen", {**event, "operation": "look_up"})["payments"]
    assert state["status"] == "declined"


def test_a_result_that_does_not_say_whose_it_is_waits_for_the_webhook(
    call: Call, adyen: AdyenServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in Adyen's own examples of /payments/details."""
    event = donation("pm_3ds")
    event["payment"] = call("psp_adyen", event)
    event["redirect"] = {"status": "returned", "details": {"redirectResult": adyen.redirect_result("don-1-1")}}
    work = adyen._work

    def silent(method: str, path: str, body: dict[str, Any]) -> tuple[int, Any]:
        status, content = work(method, path, body)
        content.pop("merchantReference", None)
        return status, content

    monkeypatch.setattr(adyen, "_work", silent)
    event["payment"] = call("psp_adyen", event)
    assert event["payment"]["status"] == "redirect"
    adyen.pass_days()
    assert call("adyen_webhook", adyen.webhook(adyen.events[-1]))["statusCode"] == 200
    event["redirect"] = {"status": "told by the PSP"}
    assert call("psp_adyen", event)["status"] == "paid"


def test_somebody_elses_redirect_result_pays_nothing(call: Call, adyen: AdyenServer) -> None:
    """A donor brings the result of a cheap donation back for an expensive one, or invents one."""
    cheap, dear = donation("pm_3ds", "don-cheap"), donation("pm_3ds", "don-dear")
    for event in (cheap, dear):
        event["payment"] = call("psp_adyen", event)
    for result in (adyen.redirect_result("don-cheap-1"), "invented", "x" * 20_000):
        dear["redirect"] = {"status": "returned", "details": {"redirectResult": result}}
        assert call("psp_adyen", dear)["status"] == "redirect"
    assert [each["captured"] for each in adyen.of("don-dear")] == [0]
    own = {"status": "returned", "details": {"redirectResult": adyen.redirect_result("don-dear-1")}}
    assert call("psp_adyen", {**dear, "redirect": own})["status"] == "paid"


def test_a_closed_payment_is_never_completed_and_reversed_if_it_is(call: Call, adyen: AdyenServer) -> None:
    event = donation("pm_3ds")
    event["payment"] = call("psp_adyen", event)
    timeout = {"Error": "States.Timeout", "Cause": ""}
    assert call("psp_adyen", {**a_day_later(event), "redirect": timeout})["status"] == "abandoned"
    late = {"status": "returned", "details": {"redirectResult": adyen.redirect_result("don-1-1")}}

    assert call("psp_adyen", {**event, "redirect": late})["status"] == "abandoned"
    assert [each["captured"] for each in adyen.of("don-1")] == [0]
    # A payment method that is completed at the bank needs nobody to hand on a result.
    adyen.of("don-1")[0].update(status="Authorised", captured=2500)
    adyen.pass_days()
    told = [call("adyen_webhook", adyen.webhook(each)) for each in adyen.events if each["eventCode"] == "AUTHORISATION"]
    assert [json.loads(each["body"])["result"] for each in told] == ["reversed"]
    adyen.pass_days()
    assert [each["captured"] for each in adyen.of("don-1")] == [0]


def test_a_cancel_that_adyen_did_not_receive_is_sent_again(call: Call, adyen: AdyenServer) -> None:
    gone = donation("pm_3ds")
    gone["payment"] = call("psp_adyen", gone)
    late = {**a_day_later(gone), "redirect": {"Error": "States.Timeout"}}
    adyen.faults = ["down"]
    with pytest.raises(PspUnavailable):
        call("psp_adyen", late)
    assert adyen.modifications == []

    look_up = {**gone, "operation": "look_up"}
    back = {**gone, "redirect": {"details": {"redirectResult": adyen.redirect_result("don-1-1")}}}
    for asked in (look_up, look_up, back):
        answer = call("psp_adyen", asked)
        assert [each["status"] for each in answer.get("payments", [answer])] == ["redirect"], "Adyen does not know"
    assert (adyen.modifications, adyen.of("don-1")[0]["captured"]) == ([], 0), "asking changes nothing"
    assert call("psp_adyen", late)["status"] == "abandoned"
    assert [each["kind"] for each in adyen.modifications] == ["cancels"]
    assert call("psp_adyen", {**gone, "operation": "cancel", "references": ["don-1-1"]})["payments"]
    assert len(adyen.modifications) == 1, "once is enough"


def answers(adyen: AdyenServer, monkeypatch: pytest.MonkeyPatch, status: int, **content: Any) -> None:
    """Let the server answer this to the next requests, without doing anything."""
    monkeypatch.setattr(adyen, "answer", lambda *_: (status, json.dumps(content).encode()))


@pytest.mark.parametrize("code", ["703", "704"])
def test_a_key_that_is_still_at_work_is_asked_for_again(
    call: Call, adyen: AdyenServer, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    """https://docs.adyen.com/development-resources/api-idempotency: the first request is not finished."""
    with monkeypatch.context() as busy:
        answers(adyen, busy, 422, errorCode=code, message="in progress", errorType="validation")
        with pytest.raises(PspUnavailable, match=code):
            call("psp_adyen", donation("pm_paid"))

    assert call("psp_adyen", donation("pm_paid"))["status"] == "paid"


def test_a_payment_without_adyens_id_is_not_paid_yet(
    call: Call, adyen: AdyenServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It could be neither captured nor refunded; the webhook names it."""
    answers(adyen, monkeypatch, 200, resultCode="Authorised", merchantReference="don-1-1")

    with pytest.raises(PspUnavailable, match="no pspReference"):
        call("psp_adyen", donation("pm_paid"))


def test_a_key_in_its_last_hour_is_not_sent_again(
    call: Call, adyen: AdyenServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Adyen knows it for 7 days at least, by its own clock."""
    monkeypatch.setenv("FLOWDSL_NOW", "2026-01-01T00:00:00.000Z")
    event = donation("pm_paid")
    adyen.faults = ["lost"]
    with pytest.raises(PspUnavailable):
        call("psp_adyen", event)
    monkeypatch.setenv("FLOWDSL_NOW", "2026-01-07T23:30:00.000Z")

    with pytest.raises(PspRefused, match="its outcome is unknown since 2026-01-01"):
        call("psp_adyen", event)
    assert adyen.requests == ["POST /payments"]


def test_a_refund_whose_answer_was_lost_is_not_called_missing(call: Call, adyen: AdyenServer) -> None:
    event = {**paid(call), "amount": 500}
    adyen.faults = ["lost"]
    with pytest.raises(PspUnavailable):
        call("psp_adyen", {**event, "operation": "refund"})

    with pytest.raises(PspUnavailable, match="Adyen has not answered"):
        call("psp_adyen", {**event, "operation": "find_refund", "refund": "don-1:refund:1"})


def test_more_than_is_reserved_is_not_captured(call: Call, adyen: AdyenServer) -> None:
    event = donation("pm_paid")
    event["payment"] = call("psp_adyen", {**event, "operation": "authorise"})

    assert call("psp_adyen", {**event, "operation": "capture", "amount": 2501})["status"] == "declined"
    assert adyen.modifications == []


@pytest.mark.parametrize(
    ("amount", "currency", "expected"), [(1000, "GBP", "paid"), (1500, "GBP", None), (1000, "EUR", None)]
)
def test_what_somebody_has_captured_is_not_captured_a_second_time(
    call: Call, adyen: AdyenServer, amount: int, currency: str, expected: str | None
) -> None:
    """In the Customer Area, during an outage; an account may have several captures of a payment enabled."""
    event = {**donation("pm_paid"), "operation": "authorise"}
    event["payment"] = call("psp_adyen", event)
    original = event["payment"]["reference"].partition(":")[2]
    about = {"psp_reference": "C1", "original": original, "amount": 1000, "currency": currency}
    capture = {**event, "operation": "capture", "amount": amount}
    adyen.faults = ["down"]
    with pytest.raises(PspUnavailable):
        call("psp_adyen", capture)
    facts.keep(Fact("don-1-1", "CAPTURE", clock.now(), "true", **about))

    if expected:
        assert call("psp_adyen", capture)["status"] == expected
    else:
        with pytest.raises(PspRefused, match="was captured with another amount"):
            call("psp_adyen", capture)
    assert adyen.modifications == []


def test_a_refund_that_adyen_never_answered_leaves_the_rest_to_another_one(call: Call, adyen: AdyenServer) -> None:
    """Whether it was received, only Adyen knows, and refuses what is too much."""
    event = {**paid(call), "operation": "refund"}
    adyen.faults = ["down"]
    with pytest.raises(PspUnavailable):
        call("psp_adyen", {**event, "amount": 2000})

    assert call("psp_adyen", {**event, "amount": 2000, "number": 2})["status"] == "pending"
    assert call("psp_adyen", {**event, "amount": 2000, "number": 3})["status"] == "declined"
    assert [each["value"] for each in adyen.modifications] == [2000]


def test_a_cancellation_is_done_when_adyen_says_so(call: Call, adyen: AdyenServer) -> None:
    event = donation("pm_paid")
    reference = call("psp_adyen", {**event, "operation": "authorise"})["reference"]
    psp = AdyenPsp(open_adyen(), "https://donate.example/returned")

    assert psp.cancel(reference).outcome is Outcome.PENDING
    adyen.pass_days()
    for each in adyen.events:
        call("adyen_webhook", adyen.webhook(each))
    assert psp.cancel(reference).outcome is Outcome.CANCELLED


def test_an_id_that_is_too_short_for_adyen_is_declined_unasked(call: Call, adyen: AdyenServer) -> None:
    assert call("psp_adyen", donation("pm_paid", "d1"))["status"] == "declined"
    assert adyen.requests == []


@pytest.fixture(scope="module")
def prism() -> Iterator[str]:
    """Prism (npm: @stoplight/prism-cli) with Adyen's OpenAPI document; its base URL."""
    tools = Path(os.environ.get("FLOWDSL_TOOLS") or Path(__file__).parents[2] / ".tools", "node_modules", ".bin")
    command = shutil.which("prism") or shutil.which("prism", path=tools)
    if not command:
        pytest.skip("prism is not installed: run make test-tools, which needs npm")
    if not (PUBLISHED / DOCUMENT).is_file():
        pytest.skip(WITHOUT)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    arguments = [command, "mock", "--port", str(port), "--errors", str(PUBLISHED / DOCUMENT)]
    with serving(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL):
        for _ in range(300):
            try:
                with socket.create_connection(("127.0.0.1", port), timeout=1):
                    break
            except OSError:
                time.sleep(0.2)
        yield f"http://127.0.0.1:{port}"


def test_prism_accepts_our_requests(
    call: Call, adyen: AdyenServer, prism: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Prism validates each request and answers with one of Adyen's examples, which are of other payments."""
    event = {**paid(call), "operation": "refund"}
    reserved = [{**donation("pm_paid", name), "operation": "authorise"} for name in ("don-4", "don-5")]
    for each in reserved:
        each["payment"] = call("psp_adyen", each)
    monkeypatch.setenv("ADYEN_API_BASE", prism)

    # The first example is of 3-D Secure on a page of one's own, which our requests turn off.
    with pytest.raises(PspRefused, match="asks for IdentifyShopper without a page"):
        call("psp_adyen", donation("pm_paid", "don-2"))
    assert call("psp_adyen", event)["status"] == "pending"
    event = {**donation("pm_paid", "don-3"), "redirect": {"status": "returned"}}
    facts.keep(Fact("don-3-1", SENT, "2026-01-01T00:00:00.000Z", amount=2500, currency="GBP"))
    facts.keep(Fact("don-3-1", ANSWERED, "2026-01-01T00:00:00.000Z", "RedirectShopper", url="https://adyen.example"))
    cancelled = call("psp_adyen", {**event, "operation": "cancel", "references": ["don-3-1"]})
    assert [each["status"] for each in cancelled["payments"]] == ["cancelled"]
    with pytest.raises(PspUnavailable, match="has not decided yet"):
        call("psp_adyen", {**reserved[0], "operation": "capture", "amount": 1500})
    release = {**reserved[1], "operation": "cancel", "references": [reserved[1]["payment"]["reference"]]}
    with pytest.raises(PspUnavailable, match="has not decided the cancellation yet"):
        call("psp_adyen", release)
    back = {"status": "returned", "details": {"redirectResult": "X6XtfGC3!Y"}}
    sent = {**donation("pm_3ds", "don-6"), "redirect": back}
    facts.keep(Fact("don-6-1", SENT, clock.now(), amount=2500, currency="GBP"))
    facts.keep(Fact("don-6-1", ANSWERED, clock.now(), "RedirectShopper", url="https://adyen.example"))
    attempt = {"number": 1, "at": clock.now(), "psp": "psp_adyen", "idempotency_key": "don-6-1"}
    sent["payment"] = {"status": "redirect", "psp": "psp_adyen", "reference": "don-6-1", "attempts": [attempt]}
    assert call("psp_adyen", sent)["status"] == "redirect", "the example is of another payment"
    request = urllib.request.Request(f"{prism}/payments", b"{}", {"Content-Type": "application/json"})
    with pytest.raises(urllib.error.HTTPError):
        urllib.request.urlopen(request)
