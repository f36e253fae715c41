"""Logs: the donation and the execution in every line, and nothing private."""

from __future__ import annotations

import json
from typing import Any

import pytest

from handlers.logs import Unexpected
from handlers.psp import PspUnavailable
from handlers.setup.donation import MalformedDonation
from tests.handlers.conftest import Call, document, donation, paid
from tests.handlers.stripe_proxy import StripeProxy

SECRETS = ("tok_", "pm_", "ada@example.org", "Ada", "4242", "the-task-token", "sk_test")


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    captured = capsys.readouterr()
    assert captured.out == ""
    for secret in SECRETS:
        assert secret not in captured.err
    return [json.loads(line) for line in captured.err.splitlines()]


EVENTS = {
    "setup": lambda: {"donation": donation(), "execution": document()["execution"]},
    "select_psp": document,
    "psp_sandbox": document,
    "notify_delay": lambda: paid("tok_later_once"),
    "redirect_to_psp": lambda: {"token": "the-task-token", "document": paid("tok_3ds")},
    "receipt": paid,
    "fundraising_totals": paid,
    "publish_event": paid,
    "persist_output": paid,
}


@pytest.mark.parametrize("handler", EVENTS)
def test_every_line_names_the_donation_and_the_execution(
    call: Call, capsys: pytest.CaptureFixture[str], handler: str
) -> None:
    event = EVENTS[handler]()
    capsys.readouterr()
    call(handler, event)
    logged = lines(capsys)
    assert logged[0]["message"] == "started"
    assert logged[-1]["message"] == "finished"
    inside = event.get("document", event)
    for line in logged:
        assert line["donation"] == inside["donation"]["id"]
        assert line["execution"] == document()["execution"]
        assert line["service"] == handler


def test_stripe_logs_no_secret(call: Call, capsys: pytest.CaptureFixture[str], stripe_server: StripeProxy) -> None:
    event = document("pm_card_visa")
    call("psp_stripe", event)
    stripe_server.refuse = [(500, {"type": "api_error", "message": "pm_card_visa ada@example.org"})]
    with pytest.raises(PspUnavailable):
        call("psp_stripe", event)
    logged = lines(capsys)
    assert {line["donation"] for line in logged} == {event["donation"]["id"]}
    assert logged[-1]["message"] == "failed"
    assert logged[-1]["error_type"] == "PspUnavailable"


def test_a_refused_card_number_is_not_logged(call: Call, capsys: pytest.CaptureFixture[str]) -> None:
    event = donation(id="4242424242424242", note="4242 4242 4242 4242")
    with pytest.raises(MalformedDonation):
        call("setup", event)
    logged = lines(capsys)
    assert logged[-1]["error_type"] == "MalformedDonation"
    assert logged[-1]["donation"] == "[card number removed]"


def test_one_invocation_does_not_speak_for_the_next(call: Call, capsys: pytest.CaptureFixture[str]) -> None:
    call("setup", donation(id="don-1"))
    with pytest.raises(MalformedDonation):
        call("setup", {})
    assert [line.get("donation") for line in lines(capsys)] == ["don-1", "don-1", None, None]


def test_what_others_say_in_an_error_is_not_logged(
    call: Call, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> Any:
        raise ValueError("cannot send to ada@example.org")

    monkeypatch.setattr("handlers.receipt.handler.send", fail)
    event = paid()
    with pytest.raises(Unexpected, match=r"^ValueError at test_logs\.py:\d+$"):
        call("receipt", event)
    last = lines(capsys)[-1]
    assert last["error_type"] == "ValueError"
    assert "ada@example.org" not in json.dumps(last)


def test_our_own_errors_say_why(call: Call, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(MalformedDonation):
        call("setup", donation(amount=0))
    assert lines(capsys)[-1]["cause"].startswith("amount: expected an integer from 1")


def test_lines_outside_an_invocation_name_no_donation(call: Call, capsys: pytest.CaptureFixture[str]) -> None:
    from handlers.setup.handler import LOG

    call("setup", donation())
    LOG.info("outside")
    assert "donation" not in lines(capsys)[-1]
