"""What every PSP's webhook has to do: believe only what the PSP signed."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import time
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import boto3
import pytest

from flowdsl import Metric
from handlers.document import MalformedEvent, Misconfigured
from handlers.transactions.store import store
from payment_flow import machine
from tests.handlers.conftest import Call
from tests.handlers.psp_contract import notify, of, open_donation
from tests.handlers.psp_worlds import World, psp

__all__ = ["psp"]

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("executions_have_ended")]


def test_a_webhook_that_the_psp_signed(call: Call, psp: World) -> None:
    if psp.webhook is None:
        pytest.skip("the sandbox has no webhook")
    event = open_donation(call, psp)
    request = psp.event(of(event))

    for _ in range(3):  # it is replayed, too
        assert notify(call, psp, request)[0] == 200
    record = store().get(of(event))

    assert record is not None
    assert (record.status, record.amount) == ("paid", 2500)
    assert psp.charges(of(event)) == [2500]
    assert len([each for each in store().history(of(event)) if each.status == "paid"]) == 1


def test_a_webhook_without_its_secret_takes_nothing(call: Call, psp: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Everybody can sign with an empty one."""
    if psp.webhook is None:
        pytest.skip("the sandbox has no webhook")
    request = psp.event(of(open_donation(call, psp)))
    for blank in ("", " ", "\n"):
        monkeypatch.setenv(psp.secret, blank)
        with pytest.raises(Misconfigured, match=psp.secret):
            call(psp.webhook, request)


def test_a_webhooks_secret_that_was_rotated_is_read_anew(
    call: Call, psp: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    if psp.webhook is None:
        pytest.skip("the sandbox has no webhook")
    request = psp.event(of(open_donation(call, psp)))
    values = ["AB" * 32, os.environ[psp.secret]]
    client = SimpleNamespace(get_parameter=lambda **_: {"Parameter": {"Value": values.pop(0)}})
    boto = boto3.client
    monkeypatch.setattr(boto3, "client", lambda name, **more: client if name == "ssm" else boto(name, **more))
    monkeypatch.setenv(psp.secret, "ssm:/payments/webhook")

    assert [psp.notify(request) == 200 for _ in range(2)] == [False, True]


@pytest.mark.parametrize("forgery", ["signature", "body", "none", "not text", "empty", "huge", "html"])
def test_a_webhook_that_somebody_else_sent(call: Call, psp: World, forgery: str) -> None:
    if psp.webhook is None:
        pytest.skip("the sandbox has no webhook")
    event = open_donation(call, psp)
    good = psp.event(of(event))
    forged = {
        "signature": psp.forged(of(event)),
        "body": {
            **good,
            "body": good["body"].replace(of(event)[4:], "0" * 8).replace("EV", "EX").replace("true", "false"),
        },
        "none": {**good, "headers": {}, "body": psp.unsigned(good["body"])},
        "not text": {**good, "body": "\udcff", "isBase64Encoded": True},
        "empty": {"body": "", "headers": good["headers"]},
        "huge": {**good, "body": good["body"] + " " * 3_000_000},
        "html": {"headers": {**good["headers"], "content-type": "text/html"}, "body": "<html>"},
    }[forgery]
    if forgery == "body":
        assert forged["body"] != good["body"]

    assert 400 <= notify(call, psp, forged)[0] < 500
    record = store().get(of(event))
    assert record is not None
    assert record.status == "open"


def test_two_secrets_are_accepted_while_one_replaces_the_other(
    call: Call, psp: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    if psp.webhook is None:
        pytest.skip("the sandbox has no webhook")
    event = open_donation(call, psp)
    both = f"{psp.settings[psp.secret]} {psp.other_secret}"
    requests = [psp.event(of(event)), psp.forged(of(event))]

    assert [notify(call, psp, each)[0] // 100 for each in requests] == [2, 4]
    monkeypatch.setenv(psp.secret, both)
    assert [notify(call, psp, each)[0] for each in requests] == [200, 200]
    monkeypatch.setenv(psp.secret, psp.other_secret)
    assert [notify(call, psp, each)[0] // 100 for each in requests] == [4, 2]
    monkeypatch.setenv(psp.secret, f"\n{both}\r\n")
    assert [notify(call, psp, each)[0] for each in requests] == [200, 200]


def test_signatures_that_fit_no_secret_are_counted_and_garbage_is_not(
    call: Call, psp: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The PSP's secret was rotated and ours was not: its events are refused for days, which has an alarm."""
    if psp.webhook is None:
        pytest.skip("the sandbox has no webhook")
    event = open_donation(call, psp)
    good, other = psp.event(of(event)), psp.forged(of(event))
    garbage = [
        {},
        {"headers": {}, "body": psp.unsigned(good["body"])},
        {"headers": {}, "body": "<html>"},
        {"headers": {"stripe-signature": "t=1,v1=x", "webhook-signature": "x"}, "body": psp.unsigned(good["body"])},
    ]
    function = f"payment-{psp.webhook.replace('_', '-')}"
    [alarm] = [each for each in machine.alarms if each.name == f"{function}-signatures"]
    assert isinstance(alarm.of, Metric)
    assert alarm.of.function.name == function
    assert alarm.datapoints > 2, "a burst of attempts is in two periods at most"
    assert alarm.within * alarm.periods >= timedelta(hours=4), "as long as Stripe takes for three attempts"
    monkeypatch.setattr("handlers.metrics.is_on_lambda", lambda: True)
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", function)
    capsys.readouterr()

    for request, count in ((other, 1), *((each, 0) for each in garbage)):
        assert psp.notify(request) // 100 == 4
        lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        assert [line[alarm.of.name] for line in lines] == [[1.0]] * count


def test_what_the_psp_has_signed_is_never_refused(call: Call, psp: World) -> None:
    """Refused events ring no alarm. A signed one that nobody can read does."""
    if psp.webhook not in ("stripe_webhook", "gocardless_webhook"):
        pytest.skip("Adyen signs fields")
    for body in ("{}", "[]", "null", "not JSON", '{"events": 1}', '{"events": [1]}', '{"type": "x", "data": {}}'):
        with pytest.raises(MalformedEvent):
            call(psp.webhook, signed_as(psp, body))


def signed_as(psp: World, body: str) -> dict[str, Any]:
    """A request with this body, as the PSP signs it."""
    moment = int(time.time())
    text = f"{moment}.{body}" if psp.webhook == "stripe_webhook" else body
    digest = hmac.new(psp.settings[psp.secret].encode(), text.encode(), hashlib.sha256).hexdigest()
    headers = {"Stripe-Signature": f"t={moment},v1={digest}", "Webhook-Signature": digest}
    return {"headers": headers, "body": body}
