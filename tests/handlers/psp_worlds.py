"""One world per PSP, so that one test holds all of them: how to get each outcome, and what the PSP's ledger says."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlencode

import pytest

from benchmarks.campaign import stripe_books
from benchmarks.campaign.adyen_books import ACCOUNT, API_KEY, HMAC_KEY
from benchmarks.campaign.banks import signed
from benchmarks.campaign.gocardless_books import SECRET, TOKEN
from benchmarks.campaign.stripe_books import StripeBooks
from handlers import sqlite
from handlers.psp_sandbox.ledger import Ledger
from tests.handlers.conftest import invoke
from tests.handlers.psp_server import AdyenServer, GoCardlessServer, PspServer

RETURN_URL = "https://donate.example/returned"


class World(ABC):
    """A PSP, its ledger, and the people and banks around it. A PSP that has one in WORLDS is held by all tests of PSPs.

    The tests begin when the PSP has nothing in its books, and their environment has the `settings`.
    """

    name: str
    settings: ClassVar[dict[str, str]] = {}
    """The variables of its function and its webhook; the tests add `<NAME>_API_BASE`."""
    key: str
    """Which of them has the key that the PSP may reject."""
    tokens: ClassVar[dict[str, str]]
    """Payment methods by what they lead to: `paid`; `refused`, for good; `later`, refused at first and paid when it is
    tried again; `redirect`, to the PSP's page; `never back`, whose donor does nothing there unless `donor_completes`;
    and `pending`, if the PSP has payments that it decides later."""
    server: PspServer | None = None
    """None: the PSP is in this process, and has no answers to spoil."""
    without_key: tuple[str, ...] = ()
    """Paths of requests that may be done again: they need no idempotency key."""
    captures = True
    """False: it reserves nothing, and the tests of reservations leave it out."""
    webhook: str | None = None
    """The folder of the webhook's function. None: it has none, and the tests of webhooks leave it out."""
    secret: str
    """Which of the settings has the webhook's secret."""
    other_secret = "other"
    """That of somebody else, or the one that replaces ours."""

    @abstractmethod
    def __init__(self, folder: Path) -> None:
        """Set it up; the folder is empty, and for its files."""

    def pass_days(self) -> None:  # noqa: B027 - for most PSPs nothing happens
        """Everybody who has to do something does it: banks decide, webhooks arrive."""

    def donor_completes(self) -> dict[str, Any]:
        """The donor completes the payment at the PSP; return what the return page reports."""
        return {"status": "returned"}

    def reject_key(self, patch: pytest.MonkeyPatch) -> None:
        """From now on the PSP rejects our key."""
        patch.setenv(self.key, "wrong")

    @abstractmethod
    def charges(self, donation: str) -> list[int]:
        """The amounts that were taken, or are on their way (minor unit)."""

    @abstractmethod
    def refunds(self, donation: str) -> list[int]:
        """The amounts of refunds that were made, or are on their way (minor unit)."""

    def waits(self, donation: str) -> bool:
        """True while something of the donation is with the PSP, which has not decided it: then nothing is done."""
        return False

    # -- of a PSP with a webhook

    def event(self, donation: str) -> dict[str, Any]:
        """The signed request that the webhook gets for the donation's payment."""
        raise NotImplementedError

    def forged(self, donation: str) -> dict[str, Any]:
        """The same, signed by somebody else."""
        raise NotImplementedError

    def all_events(self, donation: str) -> list[dict[str, Any]]:
        """The signed requests that the webhook gets for everything that happened to the donation, oldest first."""
        raise NotImplementedError

    def by_hand(self, act: str, donation: str, amount: int) -> None:
        """Somebody acts in the PSP's dashboard: see benchmarks.campaign.banks.BY_HAND."""
        raise NotImplementedError

    def notify(self, request: dict[str, Any]) -> int:
        """Call the webhook; return the status of its answer."""
        assert self.webhook
        return int(invoke(self.webhook, request)["statusCode"])

    def unsigned(self, body: str) -> str:
        """The body without a signature, if it has one."""
        return body


class SandboxWorld(World):
    name = "psp_sandbox"
    tokens: ClassVar = {
        "paid": "tok_paid",
        "refused": "tok_declined",
        "later": "tok_later_once",
        "redirect": "tok_3ds",
        "never back": "tok_3ds_abandoned",
        "pending": "tok_debit",
    }

    def __init__(self, folder: Path) -> None:
        """Its ledger is in PAYMENTS_DATA."""

    def ledger(self) -> Ledger:
        return Ledger(sqlite.database("psp-sandbox"))

    def charges(self, donation: str) -> list[int]:
        payments = self.ledger().payments(donation)
        return [each.captured for each in payments if each.status == "captured"]

    def refunds(self, donation: str) -> list[int]:
        payments = self.ledger().payments(donation)
        return [each.refunded for each in payments if each.refunded]


class _StripeServer(PspServer):
    """Stripe's documented rules over HTTP."""

    def __init__(self, books: StripeBooks) -> None:
        super().__init__()
        self.books = books

    def answer(
        self, method: str, path: str, query: dict[str, str], headers: dict[str, str], body: bytes
    ) -> tuple[int, bytes]:
        content, status, _ = self.books.request(method, f"{path}?{urlencode(query)}", headers, body.decode())
        return status, content


class StripeWorld(World):
    name = "psp_stripe"
    webhook = "stripe_webhook"
    settings: ClassVar = {
        "STRIPE_API_KEY": "sk_test_12345",
        "STRIPE_RETURN_URL": RETURN_URL,
        "STRIPE_WEBHOOK_SECRET": "whsec_test",
    }
    secret = "STRIPE_WEBHOOK_SECRET"
    tokens: ClassVar = {kind: token for kind, token in SandboxWorld.tokens.items() if kind != "pending"}

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.books = StripeBooks(folder / "stripe.sqlite")
        self.server = _StripeServer(self.books)

    def reject_key(self, patch: pytest.MonkeyPatch) -> None:
        patch.setattr(self.books, "disturb", lambda _: "unauthorized")

    def pass_days(self) -> None:
        for refund in self.books.objects("refund"):
            if refund["status"] == "pending":
                self.books.settle_refund(refund["id"], "succeeded")

    def donor_completes(self) -> dict[str, Any]:
        for payment in self.books.payments():
            self.books.authenticate(payment.reference, passed=True)
        return super().donor_completes()

    def charges(self, donation: str) -> list[int]:
        return [each.captured for each in self.books.payments() if each.order_id == donation and each.captured]

    def refunds(self, donation: str) -> list[int]:
        return [each["amount"] for each in self._refunds(donation)]

    def waits(self, donation: str) -> bool:
        return any(each["status"] == "pending" for each in self._refunds(donation))

    def _refunds(self, donation: str) -> list[dict[str, Any]]:
        intents = {each.reference for each in self.books.payments() if each.order_id == donation}
        return [each for each in self.books.objects("refund") if each["payment_intent"] in intents]

    def event(self, donation: str) -> dict[str, Any]:
        return self._signed(donation, "whsec_test")

    def forged(self, donation: str) -> dict[str, Any]:
        return self._signed(donation, self.other_secret)

    def all_events(self, donation: str) -> list[dict[str, Any]]:
        return [signed(kind, item, secret="whsec_test") for _, kind, item in self.books.events(0)]

    def by_hand(self, act: str, donation: str, amount: int) -> None:
        self.books.by_hand(act, donation, amount)

    def _signed(self, donation: str, secret: str) -> dict[str, Any]:
        of = [each.reference for each in self.books.payments() if each.order_id == donation]
        metadata = {"donation": donation, "attempt": f"{donation}-1"}
        item = {"id": of[0] if of else "pi_1", "object": "payment_intent", "metadata": metadata}
        return signed("payment_intent.succeeded", item, secret=secret)


class GoCardlessWorld(World):
    name = "psp_gocardless"
    captures = False
    without_key = ("/billing_request_flows",)
    webhook = "gocardless_webhook"
    settings: ClassVar = {
        "GOCARDLESS_ACCESS_TOKEN": TOKEN,
        "GOCARDLESS_ENVIRONMENT": "sandbox",
        "GOCARDLESS_RETURN_URL": RETURN_URL,
        "GOCARDLESS_WEBHOOK_SECRET": SECRET,
    }
    key = "GOCARDLESS_ACCESS_TOKEN"
    secret = "GOCARDLESS_WEBHOOK_SECRET"
    tokens: ClassVar = {
        "paid": "MDPAID",
        "refused": "MDREFUSED",
        "later": "MDLATER",
        "redirect": "new_mandate",
        "never back": "new_mandate",
        "pending": "MDPAID",
    }

    def __init__(self, folder: Path) -> None:
        self.gocardless = GoCardlessServer()
        self.server = self.gocardless

    def pass_days(self) -> None:
        self.gocardless.pass_days()

    def donor_completes(self) -> dict[str, Any]:
        self.gocardless.pass_days()
        return super().donor_completes()

    def _of(self, donation: str) -> list[dict[str, Any]]:
        return [each for each in self.gocardless.of("PM") if each["metadata"]["donation"] == donation]

    def charges(self, donation: str) -> list[int]:
        ended = ("failed", "cancelled", "charged_back")
        return [each["amount"] for each in self._of(donation) if each["status"] not in ended]

    def refunds(self, donation: str) -> list[int]:
        return [each["amount"] for each in self._refunds(donation)]

    def waits(self, donation: str) -> bool:
        undecided = ("pending_submission", "submitted", "created")
        return any(each["status"] in undecided for each in [*self._of(donation), *self._refunds(donation)])

    def _refunds(self, donation: str) -> list[dict[str, Any]]:
        payments = {each["id"] for each in self._of(donation)}
        return [each for each in self.gocardless.of("RF") if each["links"]["payment"] in payments]

    def event(self, donation: str) -> dict[str, Any]:
        payments = {each["id"] for each in self._of(donation)}
        events = [each for each in self.gocardless.events if each["links"].get("payment") in payments]
        return self.gocardless.webhook(events)

    def all_events(self, donation: str) -> list[dict[str, Any]]:
        return [self.gocardless.webhook([each]) for each in self.gocardless.events]

    def by_hand(self, act: str, donation: str, amount: int) -> None:
        self.gocardless.by_hand(act, donation, amount)

    def forged(self, donation: str) -> dict[str, Any]:
        request = self.event(donation)
        return {
            **request,
            "headers": self.gocardless.webhook(json.loads(request["body"])["events"], self.other_secret)["headers"],
        }


class AdyenWorld(World):
    name = "psp_adyen"
    webhook = "adyen_webhook"
    settings: ClassVar = {
        "ADYEN_API_KEY": API_KEY,
        "ADYEN_ENVIRONMENT": "test",
        "ADYEN_HMAC_KEY": HMAC_KEY,
        "ADYEN_MERCHANT_ACCOUNT": ACCOUNT,
        "ADYEN_RETURN_URL": RETURN_URL,
    }
    key = "ADYEN_API_KEY"
    secret = "ADYEN_HMAC_KEY"
    other_secret = "AB" * 32
    tokens: ClassVar = {
        "paid": "pm_paid",
        "refused": "pm_refused",
        "later": "pm_later",
        "redirect": "pm_3ds",
        "never back": "pm_3ds",
        "pending": "pm_pending",
    }

    def __init__(self, folder: Path) -> None:
        self.adyen = AdyenServer()
        self.server = self.adyen
        self._told = 0

    def pass_days(self) -> None:
        """Adyen does what it has received, and tells it, in another order and twice."""
        self.adyen.pass_days()
        new, self._told = self.adyen.events[self._told :], len(self.adyen.events)
        for event in [*new[::-1], *new]:
            invoke("adyen_webhook", self.adyen.webhook(event))

    def donor_completes(self) -> dict[str, Any]:
        references = [each["reference"] for each in self.adyen.by_id.values()]
        return {"status": "returned", "details": {"redirectResult": self.adyen.redirect_result(references[-1])}}

    def charges(self, donation: str) -> list[int]:
        return [each["captured"] for each in self.adyen.of(donation) if each["captured"]]

    def refunds(self, donation: str) -> list[int]:
        return [each["value"] for each in self._modifications(donation) if each["kind"] == "refunds"]

    def waits(self, donation: str) -> bool:
        is_received = any(each["status"] in ("Received", "Pending") for each in self.adyen.of(donation))
        return is_received or any("received" in each for each in self._modifications(donation))

    def _modifications(self, donation: str) -> list[dict[str, Any]]:
        return [each for each in self.adyen.modifications if each["reference"].startswith(f"{donation}:")]

    def event(self, donation: str) -> dict[str, Any]:
        return self.adyen.webhook(self._event(donation))

    def forged(self, donation: str) -> dict[str, Any]:
        return self.adyen.webhook(self._event(donation), self.other_secret)

    def unsigned(self, body: str) -> str:
        content = json.loads(body)
        del content["notificationItems"][0]["NotificationRequestItem"]["additionalData"]
        return json.dumps(content)

    def all_events(self, donation: str) -> list[dict[str, Any]]:
        return [self.adyen.webhook(each) for each in self.adyen.events]

    def by_hand(self, act: str, donation: str, amount: int) -> None:
        self.adyen.by_hand(act, donation, amount)

    def _event(self, donation: str) -> dict[str, Any]:
        self.adyen.pass_days()
        return next(each for each in self.adyen.events if each["merchantReference"].startswith(f"{donation}-"))


WORLDS: dict[str, type[World]] = {each.name: each for each in (SandboxWorld, StripeWorld, AdyenWorld, GoCardlessWorld)}
TOKENS = {name: each.tokens for name, each in WORLDS.items()}


@contextmanager
def world(name: str, folder: Path, patch: pytest.MonkeyPatch) -> Iterator[World]:
    """Set up a PSP and the environment of its functions."""
    patch.setattr(stripe_books, "SEARCH_LAG", 0)
    made = WORLDS[name](folder)
    for variable, value in made.settings.items():
        patch.setenv(variable, value)
    if made.server is None:
        yield made
        return
    with made.server:
        patch.setenv(f"{name.removeprefix('psp_').upper()}_API_BASE", made.server.url)
        yield made
        assert made.server.mistakes == []


@pytest.fixture(params=WORLDS)
def psp(request: pytest.FixtureRequest, data: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with world(request.param, data, monkeypatch) as made:
        yield made
