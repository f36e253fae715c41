"""The PSPs of the campaign: what they have in their books, whatever the flow believes."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from pathlib import Path
from typing import Any, Protocol

from attrs import frozen

from benchmarks.campaign import adyen_books, gocardless_books
from benchmarks.campaign.adyen_books import AdyenBooks
from benchmarks.campaign.gocardless_books import GoCardlessBooks
from benchmarks.campaign.stripe_books import StripeBooks
from benchmarks.campaign.transport import Filed
from handlers import sqlite
from handlers.psp_sandbox.ledger import SCHEMA, Ledger, Payment

ROUTING = """
[psp_sandbox]
function = "payment-psp-sandbox"
enabled = {sandbox}
percentage = 100

[psp_stripe]
function = "payment-psp-stripe"
enabled = {stripe}
percentage = 100

[psp_adyen]
function = "payment-psp-adyen"
enabled = {adyen}
percentage = 100

[psp_gocardless]
function = "payment-psp-gocardless"
enabled = {gocardless}
percentage = 100
"""

PSPS = ("sandbox", "stripe", "adyen", "gocardless")

SECRET = "whsec_campaign"


BY_HAND = ("capture", "release", "refund", "another", "give back")
"""What somebody does in a PSP's dashboard: takes a part of a reservation, releases it (or it expires), refunds a part,
takes another payment for the same donation, refunds a part of that one."""

BY_BANK = ("return refund", "dispute", "lose", "win")
"""What donors' banks do: return the last refund that was made, dispute the flow's payment, and decide that. At
GoCardless the mandate decides about chargebacks; the sandbox has none."""


class Bank(Protocol):
    def payments(self) -> list[Payment]:
        """Return all payments, with amounts in ISO 4217's minor unit."""
        ...

    def authenticate(self, reference: str, *, passed: bool) -> object:
        """Play the donor's part of 3-D Secure. Raises LookupError for an unknown payment."""
        ...

    def by_hand(self, act: str, donation: str, amount: int) -> None:
        """Play somebody at the dashboard, or the donor's bank: one of BY_HAND and BY_BANK. What the PSP refuses
        changes nothing."""
        ...

    def refund_keys(self) -> set[str]:
        """Return the keys of all refunds that the flow asked for and the PSP made, or is about to."""
        ...


@frozen
class _Sandbox:
    """The sandbox's ledger. The sandbox has no webhook, so nothing tells the flow what somebody does there by hand."""

    ledger: Ledger

    def payments(self) -> list[Payment]:
        return self.ledger.payments()

    def authenticate(self, reference: str, *, passed: bool) -> object:
        return self.ledger.authenticate(reference, passed=passed)

    def by_hand(self, act: str, donation: str, amount: int) -> None:
        payment = next(iter(self.ledger.payments(donation)), None)
        if payment is None:
            return
        if act == "capture":
            self.ledger.capture(payment.reference, amount=amount, key=f"{donation}:by-hand:{act}")
        elif act == "release" and payment.status == "authorised":
            self.ledger.cancel(payment.reference)

    def refund_keys(self) -> set[str]:
        with sqlite.transaction(self.ledger.path, SCHEMA) as db:
            return {row["key"] for row in db.execute("SELECT key FROM movements WHERE kind = 'refund'")}


def bank(psp: str, folder: Path) -> Bank:
    """Return the books of one of PSPS in the scenario's folder."""
    if psp == "sandbox":
        return _Sandbox(Ledger(folder / "psp-sandbox.sqlite"))
    return StripeBooks(folder / "stripe.sqlite") if psp == "stripe" else filed(psp, folder)


def filed(psp: str, folder: Path) -> Filed:
    """Return the books of `adyen` or `gocardless`."""
    kind = AdyenBooks if psp == "adyen" else GoCardlessBooks
    return Filed(folder / f"{psp}.books", lambda: kind(validates=False))


def taken_back(psp: str, folder: Path) -> dict[str, int]:
    """Return what banks took back of the payments that were taken, by their references."""
    if psp == "sandbox":
        return {}
    return filed(psp, folder).taken_back() if psp in FILED else StripeBooks(folder / "stripe.sqlite").taken_back()


FILED = ("adyen", "gocardless")


def environment(psp: str, folder: Path) -> dict[str, str]:
    """Return the variables of the functions, after writing a routing file that has only this PSP."""
    folder.mkdir(parents=True, exist_ok=True)
    enabled = {name: str(name == psp).lower() for name in PSPS}
    routing = folder / "psps.toml"
    routing.write_text(ROUTING.format_map(enabled), encoding="utf-8")
    return {
        "PAYMENTS_DATA": str(folder),
        "PSPS": str(routing),
        "STRIPE_API_KEY": "sk_test_campaign",
        "STRIPE_WEBHOOK_SECRET": SECRET,
        "STRIPE_RETURN_URL": "https://donate.example/returned",
        "ADYEN_API_KEY": adyen_books.API_KEY,
        "ADYEN_API_BASE": "https://adyen.example",
        "ADYEN_ENVIRONMENT": "test",
        "ADYEN_HMAC_KEY": adyen_books.HMAC_KEY,
        "ADYEN_MERCHANT_ACCOUNT": adyen_books.ACCOUNT,
        "ADYEN_RETURN_URL": "https://donate.example/returned",
        "GOCARDLESS_ACCESS_TOKEN": gocardless_books.TOKEN,
        "GOCARDLESS_API_BASE": "https://gocardless.example",
        "GOCARDLESS_ENVIRONMENT": "sandbox",
        "GOCARDLESS_RETURN_URL": "https://donate.example/returned",
        "GOCARDLESS_WEBHOOK_SECRET": gocardless_books.SECRET,
    }


def signed(kind: str, item: dict[str, Any], *, secret: str = SECRET, at: float | None = None) -> dict[str, Any]:
    """Return the request of an event as Stripe signs it (https://docs.stripe.com/webhooks#verify-manually)."""
    body = json.dumps({"id": "evt_1", "object": "event", "type": kind, "data": {"object": item}})
    moment = int(time.time() if at is None else at)
    digest = hmac.new(secret.encode(), f"{moment}.{body}".encode(), hashlib.sha256).hexdigest()
    return {"body": body, "headers": {"Stripe-Signature": f"t={moment},v1={digest}"}}
