"""Stripe's part of PaymentIntents and refunds, as its documentation describes it, in a SQLite file.

It takes the place of the HTTP client of Stripe's library. The sandbox's test cards decide the outcome. The rules:

- A key's first answer is kept for 24 hours, even a 500, and given again; other parameters under it are an error
  (https://docs.stripe.com/api/idempotent_requests).
- A PaymentIntent whose card is declined waits for a payment method and can be confirmed again; it is paid once at most
  (https://docs.stripe.com/payments/paymentintents/lifecycle).
- A PaymentMethod without a customer that one PaymentIntent has used is refused for another one, without a code
  (https://github.com/stripe-archive/stripe-payments-demo/issues/45 shows the message).
- Search lags behind by a minute, and may ignore case (https://docs.stripe.com/search).
- A refund may be pending first, and fail later (https://docs.stripe.com/refunds).
"""

from __future__ import annotations

import json
import os
import re
import secrets
import signal
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import stripe
from attrs import define, field

from benchmarks.campaign.transport import FURTHER
from handlers import clock
from handlers.money import MINOR_DIGITS, NotPayable
from handlers.psp_sandbox.ledger import Payment
from handlers.psp_sandbox.testcards import BY_TOKEN, Card
from handlers.psp_stripe.amounts import to_stripe

KEYS_KEPT = 24 * 3600
SEARCH_LAG = 60
_PAGE = 2
"""Objects in a page, whatever the limit: Stripe's own pages have up to 100 (https://docs.stripe.com/api/pagination)."""
_CODES = {
    "05": "do_not_honor",
    "14": "incorrect_number",
    "41": "lost_card",
    "43": "stolen_card",
    "51": "insufficient_funds",
    "54": "expired_card",
    "59": "fraudulent",
    "91": "try_again_later",
    "N7": "incorrect_cvc",
}
_DISPUTES = {"dispute": "needs_response", "lose": "lost", "win": "won"}
_STATUSES = {"succeeded": "captured", "requires_capture": "authorised", "requires_action": "action_required"}
_SCHEMA = """
CREATE TABLE IF NOT EXISTS objects (id TEXT PRIMARY KEY, body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS keys (key TEXT PRIMARY KEY, request TEXT NOT NULL, status INTEGER, body TEXT, at REAL);
CREATE TABLE IF NOT EXISTS methods (id TEXT PRIMARY KEY, intent TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS events (number INTEGER PRIMARY KEY, type TEXT NOT NULL, body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS counts (name TEXT PRIMARY KEY, count INTEGER NOT NULL)
"""
_REUSED = (
    "The provided PaymentMethod was previously used with a PaymentIntent without Customer attachment, shared with a"
    " connected account without Customer attachment, or was detached from a Customer. It may not be used again."
)
Answer = tuple[int, dict[str, Any]]


class Refused(Exception):  # noqa: N818 - what Stripe says, not a mistake
    """An error of Stripe's API: the status and the `error` of the answer."""

    def __init__(self, status: int, type: str = "invalid_request_error", **error: Any) -> None:
        super().__init__(status)
        self.answer: Answer = (status, {"error": {"type": type, "message": error.get("code", "refused"), **error}})


@define
class StripeBooks(stripe.HTTPClient):
    """`disturb` returns the fault of a request (its method and path), or None; see `request`."""

    path: Path
    disturb: Callable[[str], str | None] = lambda _: None
    requests: list[str] = field(factory=list)
    name = "books"

    def __attrs_post_init__(self) -> None:
        super().__init__()

    def request(
        self, method: str, url: str, headers: Mapping[str, str] | None, post_data: Any = None
    ) -> tuple[bytes, int, Mapping[str, str]]:
        """Answer a request.

        Faults: refused, answer lost, unauthorized, throttled, failed (a 500 that is kept), garbled, crash, kill.
        """
        parts = urlsplit(url)
        self.requests.append(f"{method.upper()} {parts.path}")
        fault = self.disturb(self.requests[-1])
        if fault == "refused":
            raise stripe.APIConnectionError("nobody there")
        if fault == "unauthorized":
            return b'{"error": {"type": "invalid_request_error", "message": "Invalid API Key provided"}}', 401, {}
        if fault == "throttled":
            return b'{"error": {"type": "invalid_request_error", "code": "rate_limit", "message": "slow"}}', 429, {}
        form = dict(parse_qsl(post_data or "", keep_blank_values=True))
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        key = next((value for name, value in (headers or {}).items() if name.lower() == "idempotency-key"), None)
        with closing(sqlite3.connect(self.path, timeout=30, isolation_level=None)) as db:
            for statement in _SCHEMA.split(";"):
                db.execute(statement)
            db.execute("BEGIN IMMEDIATE")
            work = _Work(db, form, query, fails=fault == "failed")
            status, body = work.once(key, method.upper(), parts.path)
            db.execute("COMMIT")
        if fault == "crash":
            raise SystemExit(137)
        if fault == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        if fault == "answer lost" or work.is_lost:
            raise stripe.APIConnectionError("the connection was closed")
        text = json.dumps(body)
        return (text[: len(text) // 2] if fault == "garbled" else text).encode(), status, {}

    def close(self) -> None:
        """Nothing stays open."""

    # -- the donor, and what the dashboard shows

    def authenticate(self, reference: str, *, passed: bool) -> None:
        """The donor's part of 3-D Secure."""
        with closing(sqlite3.connect(self.path, timeout=30)) as db, db:
            work = _Work(db, {}, {})
            intent = work.load(reference)
            if intent["status"] == "requires_action":
                work.authenticated(intent, passed=passed)

    def settle_refund(self, reference: str, status: str) -> dict[str, Any]:
        """Decide a refund: succeeded or failed."""
        return self.change(reference, status=status)

    def change(self, reference: str, **changes: Any) -> dict[str, Any]:
        """Change an object as only Stripe, or somebody in the dashboard, can; return it."""
        with closing(sqlite3.connect(self.path, timeout=30)) as db, db:
            work = _Work(db, {}, {})
            return work.save({**work.load(reference), **changes})

    def refund_in_dashboard(self, reference: str, amount: int) -> dict[str, Any]:
        """Somebody refunds a part of a PaymentIntent by hand."""
        with closing(sqlite3.connect(self.path, timeout=30)) as db, db:
            return _Work(db, {"payment_intent": reference, "amount": str(amount)}, {}).refund()

    def by_hand(self, act: str, donation: str, amount: int) -> None:
        """Somebody acts in the dashboard: see banks.BY_HAND. What Stripe refuses changes nothing."""
        intents = [each for each in self.objects("payment_intent") if each["metadata"].get("donation") == donation]
        if act in ("give back", *_DISPUTES):
            intents = [each for each in intents if ("attempt" in each["metadata"]) == (act in _DISPUTES)]
        if not intents:
            return
        intent = intents[0]
        if act in _DISPUTES:
            self._dispute(intent, act)
            return
        if act == "return refund":
            refunds = [each for each in self.objects("refund") if each["payment_intent"] in {i["id"] for i in intents}]
            if refunds:
                self.settle_refund(refunds[-1]["id"], "failed")
            return
        try:
            amount = to_stripe(amount, intent["currency"].upper())
        except NotPayable:
            return
        more = {"amount": str(amount), "amount_to_capture": str(amount)}
        with closing(sqlite3.connect(self.path, timeout=30)) as db, db, suppress(Refused):
            work = _Work(db, {**more, "payment_intent": intent["id"]}, {})
            if act == "another":
                new = {"id": f"pi_{secrets.token_hex(8)}", "amount": amount, "amount_received": amount}
                new |= {"capture_method": "automatic", "status": "succeeded", "metadata": {"donation": donation}}
                work.save({**intent, **new})
            else:
                {"capture": work.capture, "release": work.cancel}.get(act, lambda _: work.refund())(intent)

    def dispute(self, reference: str, status: str, identity: str = "dp_1") -> dict[str, Any]:
        """The donor's bank disputes a PaymentIntent, or the dispute goes on."""
        with closing(sqlite3.connect(self.path, timeout=30)) as db, db:
            work = _Work(db, {}, {})
            intent = work.load(reference)
            body = {"id": identity, "object": "dispute", "payment_intent": reference, "status": status}
            body["is_charge_refundable"] = status.startswith("warning_")  # an inquiry
            more = {"amount": intent["amount"], "currency": intent["currency"], "reason": "fraudulent"}
            return work.save({**body, **more})

    def _dispute(self, intent: dict[str, Any], act: str) -> None:
        """The bank disputes what is left of a payment that was taken, or decides."""
        identity = f"dp_{intent['id']}"
        stored = next((each for each in self.objects("dispute") if each["id"] == identity), None)
        refunded = sum(each.refunded for each in self.payments() if each.reference == intent["id"])
        left = intent["amount_received"] - to_stripe(refunded, intent["currency"].upper())
        if stored is not None and act != "dispute":
            self.change(identity, status=_DISPUTES[act])
        elif stored is None and act == "dispute" and left > 0:
            self.dispute(intent["id"], _DISPUTES[act], identity)
            self.change(identity, amount=left)

    def taken_back(self) -> dict[str, int]:
        """Return what banks took back by disputes that were lost, by the PaymentIntent's id."""
        lost = [each for each in self.objects("dispute") if each["status"] == "lost"]
        return {each["payment_intent"]: in_minor_units(each["amount"], each["currency"].upper()) for each in lost}

    def refund_keys(self) -> set[str]:
        return {each["metadata"]["key"] for each in self.objects("refund") if "key" in each["metadata"]}

    def payments(self) -> list[Payment]:
        """Return the PaymentIntents as the sandbox's ledger shows its payments."""
        refunds = self.objects("refund")
        return [
            Payment(
                reference=each["id"],
                order_id=each["metadata"].get("donation", ""),
                card=each["payment_method"] or "",
                status=_STATUSES.get(each["status"], each["status"]),
                code="" if "attempt" in each["metadata"] else FURTHER,
                amount=in_minor_units(each["amount"], each["currency"].upper()),
                currency=each["currency"].upper(),
                captured=in_minor_units(each["amount_received"], each["currency"].upper()),
                refunded=sum(
                    in_minor_units(refund["amount"], each["currency"].upper())
                    for refund in refunds
                    if refund["payment_intent"] == each["id"] and refund["status"] != "failed"
                ),
                capture=each["capture_method"] != "manual",
                created_at=str(each["created"]),
            )
            for each in self.objects("payment_intent")
        ]

    def events(self, after: int) -> list[tuple[int, str, dict[str, Any]]]:
        """Return number, type and object of the events after one, oldest first."""
        if not self.path.exists():
            return []
        with closing(sqlite3.connect(self.path, timeout=30)) as db:
            query = "SELECT number, type, body FROM events WHERE number > ? ORDER BY number"
            return [(number, kind, json.loads(body)) for number, kind, body in db.execute(query, (after,))]

    def objects(self, kind: str) -> list[dict[str, Any]]:
        """Return all objects of a kind, oldest first: `payment_intent`, `refund` or `dispute`."""
        if not self.path.exists():
            return []
        with closing(sqlite3.connect(self.path, timeout=30)) as db:
            bodies = [json.loads(body) for (body,) in db.execute("SELECT body FROM objects ORDER BY rowid")]
        return [body for body in bodies if body["object"] == kind]


@define
class _Work:
    """One request in its transaction."""

    db: sqlite3.Connection
    form: dict[str, str]
    query: dict[str, str]
    fails: bool = False
    is_lost: bool = False

    def once(self, key: str | None, method: str, path: str) -> Answer:
        request = json.dumps([method, path, self.form])
        if key is not None and method == "POST":
            row = self.db.execute("SELECT request, status, body, at FROM keys WHERE key = ?", (key,)).fetchone()
            if row and _now() - row[3] < KEYS_KEPT:
                if row[0] != request:
                    return Refused(400, "idempotency_error", message="used with other parameters").answer
                return row[1], json.loads(row[2])
        try:
            status, body = self.answer(method, path)
        except Refused as refused:
            status, body = refused.answer
        if self.fails:
            status, body = 500, {"error": {"type": "api_error", "message": "failed"}}
        if key is not None and method == "POST" and status != 503:
            values = (key, request, status, json.dumps(body), _now())
            self.db.execute("INSERT OR REPLACE INTO keys VALUES (?, ?, ?, ?, ?)", values)
        return status, body

    def answer(self, method: str, path: str) -> Answer:
        parts = path.removeprefix("/v1/").split("/")
        if parts[0] in ("refunds", "disputes") and len(parts) == 2:
            return 200, self.expanded(self.load(parts[1]))
        if parts[0] == "refunds":
            return 200, self.refund() if method == "POST" else self.refunds()
        if method == "GET":
            return 200, self.search() if parts[1] == "search" else self.retrieve(parts[1])
        if len(parts) == 1:
            return 200, self.create()
        operations = {"confirm": self.confirm, "cancel": self.cancel, "capture": self.capture}
        return 200, operations[parts[2]](self.load(parts[1]))

    def load(self, identity: str) -> dict[str, Any]:
        row = self.db.execute("SELECT body FROM objects WHERE id = ?", (identity,)).fetchone()
        if row is None:
            raise Refused(404, code="resource_missing", param="intent")
        body: dict[str, Any] = json.loads(row[0])
        return body

    def expanded(self, body: dict[str, Any]) -> dict[str, Any]:
        """The object with the objects that the request wants inside it (https://docs.stripe.com/api/expanding_objects)."""
        names = [name for name in ("payment_intent",) if name in {*self.query.values()}]
        return {**body, **{name: self.load(body[name]) for name in names}}

    def save(self, body: dict[str, Any]) -> dict[str, Any]:
        row = self.db.execute("SELECT body FROM objects WHERE id = ?", (body["id"],)).fetchone()
        self.db.execute(
            "INSERT INTO objects VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET body = excluded.body",
            (body["id"], json.dumps(body)),
        )
        kinds = _EVENTS.get((body["object"], body["status"]), ()) if "status" in body else ()
        if row is None or json.loads(row[0]).get("status") != body.get("status"):
            for kind in kinds:
                self.db.execute("INSERT INTO events (type, body) VALUES (?, ?)", (kind, json.dumps(_event(kind, body))))
        return body

    # -- PaymentIntents

    def create(self) -> dict[str, Any]:
        card = BY_TOKEN.get(self.form["payment_method"])
        if card is None:
            raise Refused(400, code="resource_missing", param="payment_method")
        donation = self.form.get("metadata[donation]", "")
        if self.happens(f"down {donation}", card.down):
            raise Refused(503, "api_error")
        self.is_lost = self.happens(f"lost {donation}", card.lost)
        intent = {
            "id": f"pi_{secrets.token_hex(8)}",
            "object": "payment_intent",
            "amount": int(self.form["amount"]),
            "amount_received": 0,
            "currency": self.form["currency"],
            "capture_method": self.form.get("capture_method", "automatic"),
            "metadata": _metadata(self.form),
            "status": "requires_confirmation",
            "payment_method": None,
            "last_payment_error": None,
            "next_action": None,
            "created": int(_now()),
        }
        return self.confirm(intent)

    def confirm(self, intent: dict[str, Any]) -> dict[str, Any]:
        if intent["status"] not in ("requires_payment_method", "requires_confirmation", "requires_action"):
            raise Refused(400, code="payment_intent_unexpected_state", payment_intent=intent)
        method = self.form["payment_method"]
        row = self.db.execute(
            "SELECT intent FROM methods WHERE id = ?", (_once_per_donation(method, intent),)
        ).fetchone()
        if row and row[0] != intent["id"]:
            raise Refused(400, param="payment_method", message=_REUSED)
        self.db.execute(
            "INSERT OR REPLACE INTO methods VALUES (?, ?)", (_once_per_donation(method, intent), intent["id"])
        )
        intent = {**intent, "payment_method": method, "last_payment_error": None, "metadata": {**intent["metadata"]}}
        intent["metadata"] |= _metadata(self.form)
        if BY_TOKEN[method].donor:
            action = {
                "type": "redirect_to_url",
                "redirect_to_url": {"url": f"https://hooks.stripe.example/{intent['id']}"},
            }
            return self.save({**intent, "status": "requires_action", "next_action": action})
        decided = self.decided(intent, BY_TOKEN[method])
        if decided["last_payment_error"]:
            raise Refused(402, **decided["last_payment_error"], payment_intent=decided)
        return decided

    def decided(self, intent: dict[str, Any], card: Card) -> dict[str, Any]:
        """Let the card's bank decide."""
        later = self.happens(f"later {intent['metadata'].get('donation')}", card.later)
        code = "91" if later else card.code
        if code != "00":
            error = {"type": "card_error", "code": "card_declined", "decline_code": _CODES[code], "message": "declined"}
            error["payment_method"] = {"id": intent["payment_method"], "object": "payment_method"}  # type: ignore[assignment]
            return self.save(_unpaid(intent, error))
        if intent["capture_method"] == "manual":
            return self.save({**intent, "status": "requires_capture", "next_action": None})
        return self.save({**intent, "status": "succeeded", "amount_received": intent["amount"], "next_action": None})

    def authenticated(self, intent: dict[str, Any], *, passed: bool) -> dict[str, Any]:
        if passed:
            return self.decided(intent, BY_TOKEN[intent["payment_method"]])
        error = {"type": "invalid_request_error", "code": "payment_intent_authentication_failure", "message": "failed"}
        return self.save(_unpaid(intent, error))

    def retrieve(self, identity: str) -> dict[str, Any]:
        intent = self.load(identity)
        donor = BY_TOKEN[intent["payment_method"]].donor if intent["status"] == "requires_action" else "waits"
        return intent if donor == "waits" else self.authenticated(intent, passed=donor == "passes")

    def cancel(self, intent: dict[str, Any]) -> dict[str, Any]:
        if intent["status"] in ("succeeded", "canceled"):
            raise Refused(400, code="payment_intent_unexpected_state", payment_intent=intent)
        return self.save({**intent, "status": "canceled", "next_action": None})

    def capture(self, intent: dict[str, Any]) -> dict[str, Any]:
        if intent["status"] != "requires_capture":
            raise Refused(400, code="payment_intent_unexpected_state", payment_intent=intent)
        amount = int(self.form.get("amount_to_capture", intent["amount"]))
        if amount > intent["amount"]:
            raise Refused(400, code="amount_too_large")
        return self.save({**intent, "status": "succeeded", "amount_received": amount})

    def search(self) -> dict[str, Any]:
        asked = re.fullmatch(r"""metadata\['(\w+)'\]:"([\w-]+)\"""", self.query["query"])
        assert asked, self.query
        bodies = [json.loads(body) for (body,) in self.db.execute("SELECT body FROM objects ORDER BY rowid DESC")]
        data = [
            each
            for each in bodies
            if each["object"] == "payment_intent"
            and each["metadata"].get(asked[1], "").lower() == asked[2].lower()
            and each["created"] <= _now() - SEARCH_LAG
        ]
        start = int(self.query.get("page", 0))
        more = len(data) > start + _PAGE
        rest = {"has_more": more, "next_page": str(start + _PAGE) if more else None}
        return {
            "object": "search_result",
            "url": "/v1/payment_intents/search",
            "data": data[start : start + _PAGE],
            **rest,
        }

    # -- refunds

    def refund(self) -> dict[str, Any]:
        intent = self.load(self.form["payment_intent"])
        earlier = [each for each in self.refunds_of_payment() if each["status"] not in ("failed", "canceled")]
        left = intent["amount_received"] - sum(each["amount"] for each in earlier)
        amount = int(self.form.get("amount", left))
        # https://docs.stripe.com/error-codes#charge-disputed
        disputed = self.db.execute("SELECT body FROM objects WHERE id = ?", (f"dp_{intent['id']}",)).fetchone()
        if disputed and json.loads(disputed[0])["status"] != "won":
            raise Refused(400, code="charge_disputed")
        if not left:
            raise Refused(400, code="charge_already_refunded")
        if amount > left:
            raise Refused(400, code="amount_too_large")
        pending = self.happens(f"refund {intent['id']}", int("pending" in intent["metadata"].get("donation", "")))
        body = {
            "id": f"re_{secrets.token_hex(8)}",
            "object": "refund",
            "amount": amount,
            "currency": intent["currency"],
        }
        status = "pending" if pending else "succeeded"
        more = {
            "payment_intent": intent["id"],
            "metadata": _metadata(self.form),
            "status": status,
            "created": int(_now()),
        }
        return self.save({**body, **more})

    def refunds_of_payment(self) -> list[dict[str, Any]]:
        """Return the refunds of the PaymentIntent that the request names, newest first."""
        bodies = [json.loads(body) for (body,) in self.db.execute("SELECT body FROM objects ORDER BY rowid DESC")]
        of = self.query.get("payment_intent") or self.form.get("payment_intent")
        return [each for each in bodies if each["object"] == "refund" and each["payment_intent"] == of]

    def refunds(self) -> dict[str, Any]:
        data = self.refunds_of_payment()
        ids = [each["id"] for each in data]
        start = ids.index(self.query["starting_after"]) + 1 if "starting_after" in self.query else 0
        more = len(data) > start + _PAGE
        return {"object": "list", "url": "/v1/refunds", "has_more": more, "data": data[start : start + _PAGE]}

    def happens(self, name: str, times: int) -> bool:
        row = self.db.execute("SELECT count FROM counts WHERE name = ?", (name,)).fetchone()
        count = row[0] if row else 0
        self.db.execute("INSERT OR REPLACE INTO counts VALUES (?, ?)", (name, count + 1))
        return bool(count < times)


_EVENTS = {
    # https://docs.stripe.com/api/events/types
    ("payment_intent", "succeeded"): ("payment_intent.succeeded",),
    ("payment_intent", "canceled"): ("payment_intent.canceled",),
    ("payment_intent", "requires_payment_method"): ("payment_intent.payment_failed",),
    ("payment_intent", "requires_action"): ("payment_intent.requires_action",),
    ("payment_intent", "requires_capture"): ("payment_intent.amount_capturable_updated",),
    ("refund", "pending"): ("refund.created",),
    ("refund", "succeeded"): ("refund.updated", "charge.refunded"),
    ("refund", "failed"): ("refund.failed", "refund.updated"),
    ("dispute", "needs_response"): ("charge.dispute.created",),
    ("dispute", "won"): ("charge.dispute.closed",),
    ("dispute", "lost"): ("charge.dispute.closed",),
}


def _event(kind: str, body: dict[str, Any]) -> dict[str, Any]:
    charge = {"id": "ch_1", "object": "charge", "payment_intent": body.get("payment_intent")}
    return charge if kind == "charge.refunded" else body


def _unpaid(intent: dict[str, Any], error: dict[str, Any]) -> dict[str, Any]:
    more = {"status": "requires_payment_method", "payment_method": None, "next_action": None}
    return {**intent, **more, "last_payment_error": error}


def _metadata(form: Mapping[str, str]) -> dict[str, str]:
    metadata = {re.fullmatch(r"metadata\[(\w+)\]", name): value for name, value in form.items()}
    return {match[1]: value for match, value in metadata.items() if match}


def _once_per_donation(method: str, intent: Mapping[str, Any]) -> str:
    """The PaymentMethod of one donor: the names of test cards are the same for all."""
    return f"{method} {intent['metadata'].get('donation')}"


def _now() -> float:
    return datetime.fromisoformat(clock.now()).timestamp()


def in_minor_units(amount: int, currency: str) -> int:
    """Convert Stripe's amount to ISO 4217's minor unit (https://docs.stripe.com/currencies#special-cases)."""
    digits = {"ISK": 2, "UGX": 2, "MGA": 0}.get(currency, MINOR_DIGITS[currency])
    return amount * 10 ** (MINOR_DIGITS[currency] - digits) if digits <= MINOR_DIGITS[currency] else amount // 100
