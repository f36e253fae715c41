"""What takes the place of AWS's services and of the PSPs' servers, and how they refuse."""

from __future__ import annotations

import importlib
import io
import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import requests
import stripe
from attrs import define

from benchmarks.campaign.banks import FILED, filed
from benchmarks.campaign.stripe_books import StripeBooks
from benchmarks.campaign.transport import Transport
from flowdsl.engine import UnknownTaskError
from flowdsl.testing import Runner
from handlers.adyen_webhook import handler as adyen_webhook
from handlers.gocardless_webhook import handler as gocardless_webhook
from handlers.outbox import NotDelivered
from handlers.psp_sandbox.ledger import Down
from handlers.stripe_webhook import handler as stripe_webhook

WEBHOOKS: dict[str, Callable[[dict[str, Any], Any], dict[str, Any]]] = {
    "stripe": stripe_webhook.handler,
    "adyen": adyen_webhook.handler,
    "gocardless": gocardless_webhook.handler,
}


@define
class StepFunctions:
    """The part of boto3's client that the return page and webhooks use."""

    runner: Runner

    def send_task_success(self, taskToken: str, output: str) -> None:  # noqa: N803 - AWS's name
        from botocore.exceptions import ClientError

        try:
            self.runner.scheduler.send_task_success(taskToken, json.loads(output))
        except UnknownTaskError as error:
            answer: Any = {"Error": {"Code": "TaskTimedOut", "Message": str(error)}}
            raise ClientError(answer, "SendTaskSuccess") from error


class LambdaFunctions:
    """The part of boto3's client with which the sweep and webhooks ask a PSP's function."""

    def invoke(self, FunctionName: str, Payload: str) -> dict[str, Any]:  # noqa: N803 - AWS's names
        name = FunctionName.rpartition(":")[2].removeprefix("payment-").replace("-", "_")
        function = importlib.import_module(f"handlers.{name}.handler").handler
        try:
            return {"Payload": io.BytesIO(json.dumps(function(json.loads(Payload), None)).encode())}
        except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever it is, the function failed
            answer = json.dumps({"errorType": type(error).__name__})
            return {"FunctionError": "Unhandled", "Payload": io.BytesIO(answer.encode())}


def refusal_of(name: str) -> Exception:
    if name == "psp-sandbox":
        return Down("injected")
    if name == "outbox":
        return NotDelivered("injected")
    return sqlite3.OperationalError("database is locked")


@contextmanager
def psps(folder: Path, disturb: Callable[[str], str | None] = lambda _: None) -> Iterator[None]:
    """Put books in the place of Stripe's, Adyen's and GoCardless's HTTP."""

    def session() -> requests.Session:
        opened = requests.Session()
        for psp in FILED:
            opened.mount(f"https://{psp}.example", Transport(filed(psp, folder), disturb))
        return opened

    books = StripeBooks(folder / "stripe.sqlite", disturb)
    with (
        patch.object(stripe, "RequestsClient", lambda **_: books),
        patch("handlers.psp_adyen.client.open_session", session),
        patch("handlers.psp_gocardless.client.open_session", session),
    ):
        yield
