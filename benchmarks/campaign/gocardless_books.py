"""GoCardless as its API reference describes it (https://developer.gocardless.com/api-reference/), with state.

The mandate decides what the bank does; `decide` lets it. Answers are compared with those that GoCardless publishes.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any

from benchmarks.campaign.published import check_shape, published
from benchmarks.campaign.transport import FURTHER
from handlers import clock
from handlers.psp_sandbox.ledger import Payment

TOKEN = "token_test"
SECRET = "secret_test"

BANKS: dict[str, list[str]] = {
    # By mandate: what becomes of each submission, in turn: confirmed, or why not, with the scheme's code.
    "MDPAID": ["confirmed"],
    "MDREFUSED": ["bank_account_closed"],
    "MDLATER": ["insufficient_funds", "confirmed"],
    "MDNEVER": ["insufficient_funds"] * 9,
    "MDNEW": ["confirmed"],
    "MDLATE": ["confirmed"],
    "MDBACK": ["confirmed"],
    "MDWON": ["confirmed"],
}
AFTERWARDS: dict[str, list[tuple[str, str]]] = {
    # By mandate: the actions of the bank after the payment was confirmed, and the payment's status then.
    "MDLATE": [("failed", "failed"), ("late_failure_settled", "failed")],
    "MDBACK": [("charged_back", "charged_back"), ("chargeback_settled", "charged_back")],
    "MDWON": [("charged_back", "charged_back"), ("chargeback_cancelled", "paid_out")],
}
_LOST = ("late_failure_settled", "chargeback_settled")
_LEDGER = {"pending_submission": "processing", "submitted": "processing", "cancelled": "cancelled"}
KEYS_KEPT = 24 * 3600
"""Seconds; GoCardless does not say how long it knows a key."""
_PREFIXES = {"payments": "PM", "refunds": "RF", "billing_requests": "BRQ"}
"""What the ids of resources begin with."""
Answer = tuple[int, Any]


class _Refused(Exception):  # noqa: N818 - what GoCardless says, not a mistake
    def __init__(self, status: int, kind: str, reason: str, **error: Any) -> None:
        super().__init__(reason)
        entry = {"reason": reason, "message": reason, **error}
        url = "https://developer.gocardless.com/api-reference"
        body = {"code": status, "type": kind, "message": reason, "documentation_url": url, "errors": [entry]}
        self.answer = status, {"error": {**body, "request_id": "00000000-0000-0000-0000-000000000000"}}


class GoCardlessBooks:
    def __init__(self, *, validates: bool = True) -> None:
        self.validates = validates
        self.mistakes: list[str] = []
        """Where an answer differs from what GoCardless publishes."""
        self.objects: dict[str, dict[str, Any]] = {}
        self.events: list[dict[str, Any]] = []
        self.keys: dict[str, tuple[str, str]] = {}
        """The id of what was created, and when, by idempotency key."""
        self.submissions: dict[str, int] = {}
        self.confirmed: dict[str, int] = {}
        """How many of AFTERWARDS the bank has done, by the payments that were ever confirmed."""

    # -- what only the bank, the donor and the dashboard do

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [each for identity, each in self.objects.items() if identity.startswith(kind)]

    def waiting(self) -> list[str]:
        """The ids of payments and refunds that banks have to decide, or take back."""
        payments = [
            each["id"]
            for each in self.of("PM")
            if each["status"] in ("pending_submission", "submitted") or self._afterwards(each)
        ]
        return payments + [each["id"] for each in self.of("RF") if each["status"] == "created"]

    def _afterwards(self, payment: dict[str, Any]) -> list[tuple[str, str]]:
        if payment["id"] not in self.confirmed:
            return []
        return AFTERWARDS.get(payment["links"]["mandate"], [])[self.confirmed[payment["id"]] :]

    def decide(self, what: str) -> None:
        item = self.objects[what]
        if what.startswith("RF") and item["status"] == "created":
            item["status"] = "paid"
            self._tell("refunds", "paid", refund=what)
        elif item["status"] in ("pending_submission", "submitted"):
            item["status"] = "submitted"
            number = self.submissions.setdefault(what, 0)
            self.submissions[what] += 1
            self.answered(item, BANKS[item["links"]["mandate"]][number])
        elif what.startswith("PM") and (rest := self._afterwards(item)):
            self.confirmed[what] += 1
            self.change(item, *rest[0])

    def authenticate(self, reference: str, *, passed: bool) -> None:
        """The donor sets up a mandate on GoCardless's pages, or gives up."""
        if reference not in self.objects:
            raise LookupError(reference)
        request = self.objects[reference]
        if request["status"] == "pending" and passed:
            request["status"] = "fulfilled"
            request["links"]["mandate_request_mandate"] = "MDNEW"
            self._tell("billing_requests", "fulfilled", billing_request=request["id"])

    def returned(self, _reference: str) -> dict[str, str]:
        return {}

    def by_hand(self, act: str, donation: str, amount: int) -> None:
        """Somebody acts in the dashboard: see banks.BY_HAND. What GoCardless refuses changes nothing."""
        payments = [each for each in self.of("PM") if each["metadata"].get("donation") == donation]
        if act == "give back":
            payments = [each for each in payments if "attempt" not in each["metadata"]]
        payment = next(iter(payments), None)
        if payment is None:
            return
        if act == "another":
            number = len(self.objects) + 1
            new = {"id": f"PM{number}", "created_at": clock.now(), "amount": amount, "amount_refunded": 0}
            more = {"status": "confirmed", "metadata": {"donation": donation}}
            self.objects[f"PM{number}"] = {**payment, **new, **more}
            self.confirmed[f"PM{number}"] = 9  # the last of its events
            self._tell("payments", "confirmed", payment=f"PM{number}")
        elif act == "return refund":
            ids = {each["id"] for each in payments}
            paid = [each for each in self.of("RF") if each["links"]["payment"] in ids and each["status"] == "paid"]
            if paid:
                paid[-1]["status"] = "bounced"
                self._get(paid[-1]["links"]["payment"])["amount_refunded"] -= paid[-1]["amount"]
                self._tell("refunds", "bounced", refund=paid[-1]["id"])
        elif act in ("refund", "give back") and payment["status"] == "confirmed":
            total = payment["amount_refunded"] + amount
            if total <= payment["amount"]:
                links = {"payment": payment["id"]}
                refund = self._refund(
                    len(self.objects) + 1,
                    {"amount": amount, "total_amount_confirmation": total, "links": links, "metadata": {}},
                )
                self.objects[refund["id"]] = refund

    def pass_days(self) -> None:
        """The bank decides all payments, and donors set up their mandates."""
        for request in self.of("BRQ"):
            self.authenticate(request["id"], passed=True)
        for each in self.waiting():
            if each not in self.confirmed:
                self.decide(each)

    def payments(self) -> list[Payment]:
        """All payments, and the billing requests that donors may complete, as the sandbox's ledger shows payments."""
        requests = [
            self._row(each, "action_required", int(each["metadata"]["amount"]), each["mandate_request"]["currency"])
            for each in self.of("BRQ")
            if each["status"] == "pending"
        ]
        return requests + [
            self._row(each, _LEDGER.get(each["status"], "declined"), each["amount"], each["currency"])
            for each in self.of("PM")
        ]

    def _row(self, item: dict[str, Any], status: str, amount: int, currency: str) -> Payment:
        is_taken = item["id"] in self.confirmed
        return Payment(
            reference=item["id"],
            order_id=item["metadata"]["donation"],
            card="",
            status="captured" if is_taken else status,
            code="" if "attempt" in item["metadata"] else FURTHER,
            amount=amount,
            currency=currency,
            captured=amount if is_taken else 0,
            refunded=item.get("amount_refunded", 0),
            capture=True,
            created_at=item["created_at"],
        )

    def taken_back(self) -> dict[str, int]:
        lost = {each["links"].get("payment") for each in self.events if each["action"] in _LOST}
        return {each["id"]: each["amount"] for each in self.of("PM") if each["id"] in lost}

    def refund_keys(self) -> set[str]:
        return {each["metadata"]["key"] for each in self.of("RF") if "key" in each["metadata"]}

    def all_events(self) -> list[tuple[str, Any]]:
        return [(f"{each['action']} {each['links']}", each) for each in self.events]

    def request(self, event: dict[str, Any], *, forged: bool) -> dict[str, Any]:
        return self.webhook([event], "guessed" if forged else SECRET)

    def fail(self, _headers: dict[str, str]) -> tuple[int, bytes]:
        refused = _Refused(500, "gocardless", "internal_server_error")
        return 500, json.dumps(refused.answer[1]).encode()

    def refuse(self, status: int) -> bytes:
        reason = {401: "access_token_not_found", 429: "rate_limit_exceeded"}[status]
        return json.dumps(_Refused(status, "invalid_api_usage", reason).answer[1]).encode()

    def answered(self, payment: dict[str, Any], decision: str) -> None:
        if decision == "confirmed":
            payment["status"] = "confirmed"
            self.confirmed.setdefault(payment["id"], 0)
            self._tell("payments", "confirmed", payment=payment["id"])
        else:
            payment["status"] = "failed"
            self._tell("payments", "failed", decision, payment=payment["id"])

    def change(self, payment: dict[str, Any], action: str, status: str) -> None:
        """A chargeback, its end, and the like."""
        payment["status"] = status
        self._tell("payments", action, payment=payment["id"])

    def _tell(self, resource: str, action: str, cause: str | None = None, **links: str) -> None:
        cause, _, reason = (cause or f"payment_{action}").partition(" ")
        details = {"origin": "bank", "cause": cause, "description": action, "reason_code": reason or "OTHER"}
        if action == "failed":
            details["will_attempt_retry"] = False  # type: ignore[assignment]
        event = {"id": f"EV{len(self.events) + 1}", "created_at": clock.now(), "resource_type": resource}
        self.events.append({**event, "action": action, "links": links, "details": details, "metadata": {}})

    def webhook(self, events: list[dict[str, Any]], secret: str = SECRET) -> dict[str, Any]:
        """Return the request with these events, as GoCardless signs it."""
        body = json.dumps({"events": events, "meta": {"webhook_id": "WB1"}})
        signature = hmac.new(secret.encode(), body.encode(), hashlib.sha256).hexdigest()
        return {"body": body, "headers": {"Webhook-Signature": signature}}

    # -- the API

    def answer(
        self, method: str, path: str, query: dict[str, str], headers: dict[str, str], body: bytes
    ) -> tuple[int, bytes]:
        try:
            if headers.get("authorization") != f"Bearer {TOKEN}":
                raise _Refused(401, "invalid_api_usage", "unauthorized")
            if headers.get("gocardless-version") != "2015-07-06":
                raise _Refused(400, "invalid_api_usage", "version_not_found")
            status, content = self._work(method, path, query, headers, json.loads(body or b"{}"))
        except _Refused as refused:
            status, content = refused.answer
        return status, json.dumps(content).encode()

    def _work(
        self, method: str, path: str, query: dict[str, str], headers: dict[str, str], body: dict[str, Any]
    ) -> Answer:
        resource, *rest = path.strip("/").split("/")
        if rest and not rest[0].startswith(_PREFIXES[resource]):
            raise _Refused(404, "invalid_api_usage", "resource_not_found")
        if method == "GET" and not rest:
            return 200, self._compared(resource, "list", self._list(resource, query))
        if method == "GET":
            return 200, self._compared(resource, "get", {resource: self._get(rest[0])})
        if rest:
            action = rest[2]
            return 200, self._compared(resource, action, {resource: self._act(self._get(rest[0]), action)})
        key = headers.get("idempotency-key", "")
        if key in self.keys and clock.seconds_since(self.keys[key][1]) < KEYS_KEPT:
            links = {"conflicting_resource_id": self.keys[key][0]}
            raise _Refused(409, "invalid_state", "idempotent_creation_conflict", links=links)
        created = self._create(resource, body[resource])
        self.keys[key] = created["id"], clock.now()
        self.objects[created["id"]] = created
        return 201, self._compared(resource, "create", {resource: created})

    def _compared(self, resource: str, action: str, answer: dict[str, Any]) -> dict[str, Any]:
        fixtures = published(f"gocardless/{resource}.json") if self.validates else None
        if fixtures:
            self.mistakes += check_shape(answer, fixtures[action]["body"])
        return answer

    def _get(self, identity: str) -> dict[str, Any]:
        if identity not in self.objects:
            raise _Refused(404, "invalid_api_usage", "resource_not_found")
        return self.objects[identity]

    def _list(self, resource: str, query: dict[str, str]) -> dict[str, Any]:
        if resource == "events":
            items = [each for each in self.events if each["links"].get("payment") == query["payment"]]
            items = [each for each in items if query.get("action") in (None, each["action"])]
        else:
            items = self.of(_PREFIXES[resource])
            if "mandate" in query:
                items = [each for each in items if each["links"]["mandate"] == query["mandate"]]
            if "payment" in query:
                items = [each for each in items if each["links"]["payment"] == query["payment"]]
            items = [each for each in items if each["created_at"] >= query.get("created_at[gte]", "")]
        # Newest first, in pages: https://developer.gocardless.com/api-reference/#api-usage-cursor-pagination
        ids = [each["id"] for each in items[::-1]]
        start = ids.index(query["after"]) + 1 if "after" in query else 0
        size = min(int(query.get("limit", 50)), 2)
        after = ids[start + size - 1] if len(ids) > start + size else None
        meta = {"cursors": {"before": None, "after": after}, "limit": size}
        return {"meta": meta, resource: items[::-1][start : start + size]}

    def _create(self, resource: str, body: dict[str, Any]) -> dict[str, Any]:
        number = len(self.objects) + 1
        if resource == "billing_requests":
            request = {"currency": body["mandate_request"]["currency"], "scheme": "bacs", "links": {}, "metadata": {}}
            new = {"id": f"BRQ{number}", "created_at": clock.now(), "status": "pending", "mandate_request": request}
            return {**new, "metadata": body["metadata"], "links": {"creditor": "CR1", "mandate_request": "MRQ1"}}
        if resource == "billing_request_flows":
            url = f"https://pay-sandbox.gocardless.com/billing/static/flow?id=BRF{number}"
            return {"id": f"BRF{number}", "created_at": clock.now(), "authorisation_url": url, "links": body["links"]}
        if resource == "refunds":
            return self._refund(number, body)
        mandate = body["links"]["mandate"]
        if mandate not in BANKS:
            raise _Refused(422, "invalid_state", "mandate_is_inactive")
        if not all(isinstance(value, str) for value in body["metadata"].values()) or len(body["metadata"]) > 3:
            raise _Refused(422, "validation_failed", "is invalid", field="metadata")
        links = {"mandate": mandate, "creditor": "CR1"}
        new = {"id": f"PM{number}", "created_at": clock.now(), "amount": body["amount"], "currency": body["currency"]}
        state = {"status": "pending_submission", "amount_refunded": 0, "metadata": body["metadata"]}
        return {**new, **state, "links": links}

    def _refund(self, number: int, body: dict[str, Any]) -> dict[str, Any]:
        payment = self._get(body["links"]["payment"])
        if payment["status"] not in ("confirmed", "paid_out"):
            raise _Refused(422, "invalid_state", "refund_payment_invalid_state")
        if body["total_amount_confirmation"] != payment["amount_refunded"] + body["amount"]:
            raise _Refused(422, "invalid_state", "total_amount_confirmation_invalid")
        payment["amount_refunded"] += body["amount"]
        new = {"id": f"RF{number}", "created_at": clock.now(), "amount": body["amount"], "status": "created"}
        links = {"payment": payment["id"], "mandate": payment["links"]["mandate"]}
        return {**new, "currency": payment["currency"], "metadata": body["metadata"], "links": links}

    def _act(self, item: dict[str, Any], action: str) -> dict[str, Any]:
        if action == "cancel" and item["status"] not in ("pending", "pending_submission"):
            raise _Refused(422, "invalid_state", "cancellation_failed")
        if action == "retry" and (item["status"] != "failed" or self.submissions.get(item["id"], 0) > 3):
            raise _Refused(422, "invalid_state", "retry_failed")
        item["status"] = {"cancel": "cancelled", "retry": "pending_submission"}[action]
        return item
