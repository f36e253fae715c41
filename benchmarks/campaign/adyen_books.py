"""Adyen's Checkout API as its documentation describes it, with state; requests and answers are validated against the
OpenAPI document that Adyen publishes.

The stored payment method decides what the bank does. Modifications are only received; `decide` does them, and makes the
webhooks. The rules: https://docs.adyen.com/development-resources/api-idempotency and …/webhooks,
https://docs.adyen.com/online-payments/capture, …/refund and …/cancel.
"""

from __future__ import annotations

import hashlib
import json
import re
from functools import cache
from typing import Any

from Adyen.util import generate_notification_sig

from benchmarks.campaign.published import published
from benchmarks.campaign.transport import FURTHER
from handlers import clock
from handlers.money import NotPayable
from handlers.psp_adyen.amounts import from_adyen, to_adyen
from handlers.psp_sandbox.ledger import Payment

API_KEY = "key_test"
ACCOUNT = "DonationsECOM"
HMAC_KEY = "44782DEF547AAA06C910C43932B1EB0C71FC68D9D0C057550C48EC2ACF6BA056"
DOCUMENT = "adyen-checkout-v72.openapi.json"

BANKS: dict[str, list[tuple[str, str, str]]] = {
    # By stored payment method: resultCode, refusalReasonCode and refusalReason of each payment, in turn.
    "pm_paid": [("Authorised", "", "")],
    "pm_refused": [("Refused", "12", "Not enough balance")],
    "pm_later": [("Error", "4", "Acquirer Error"), ("Authorised", "", "")],
    "pm_unavailable": [("Refused", "9", "Issuer Unavailable"), ("Authorised", "", "")],
    "pm_3ds": [("RedirectShopper", "", "")],
    "pm_pending": [("Received", "", "")],
}
_DISPUTES = {
    # The events of each act of BY_BANK; appeal: it is won after it was lost.
    "dispute": ("NOTIFICATION_OF_CHARGEBACK", "CHARGEBACK"),
    "lose": ("SECOND_CHARGEBACK",),
    "win": ("CHARGEBACK_REVERSED", "ISSUER_RESPONSE_TIMEFRAME_EXPIRED"),
    "appeal": ("PREARBITRATION_WON",),
}
KEYS_KEPT = 7 * 24 * 3600
Answer = tuple[int, Any]
_PATHS = re.compile(r"/(payments/details|payments|cancels|payments/([A-Z0-9]+)/(captures|refunds|cancels|reversals))")


class _Refused(Exception):  # noqa: N818 - what Adyen says, not a mistake
    def __init__(self, status: int, code: str, message: str, kind: str = "validation") -> None:
        super().__init__(message)
        self.answer = status, {"status": status, "errorCode": code, "message": message, "errorType": kind}


class AdyenBooks:
    def __init__(self, *, validates: bool = True) -> None:
        self.validates = validates
        self.mistakes: list[str] = []
        """Where a request or an answer differs from what Adyen publishes."""
        self.by_id: dict[str, dict[str, Any]] = {}
        """By pspReference."""
        self.modifications: list[dict[str, Any]] = []
        self.refunded: list[dict[str, Any]] = []
        """The refunds that were made, and that no bank has returned."""
        self.events: list[dict[str, Any]] = []
        self.keys: dict[str, tuple[str, Answer, str]] = {}
        """The request, its answer and when, by idempotency key."""
        self.tries: dict[str, int] = {}

    # -- the donor, the bank and the webhook

    def of(self, reference_or_donation: str) -> list[dict[str, Any]]:
        return [each for each in self.by_id.values() if each["reference"].startswith(f"{reference_or_donation}-")]

    def redirect_result(self, reference: str) -> str:
        """What Adyen adds to the return URL when the donor has passed 3-D Secure."""
        return f"result!{reference}"

    def authenticate(self, reference: str, *, passed: bool) -> None:
        """The donor's part of 3-D Secure; the return page has to bring what comes of it."""
        self._named(reference).setdefault("passed", passed)

    def returned(self, reference: str) -> dict[str, str]:
        payment = next((each for each in self.by_id.values() if each["reference"] == reference), {})
        return {"redirectResult": self.redirect_result(reference)} if "passed" in payment else {}

    def _named(self, reference: str) -> dict[str, Any]:
        return next(each for each in self.by_id.values() if each["reference"] == reference)

    def waiting(self) -> list[str]:
        """The ids of payments and modifications that are to be decided, or told."""
        payments = [each["pspReference"] for each in self.by_id.values() if not each.get("told") and _is_decided(each)]
        return payments + [each["pspReference"] for each in self.modifications if "received" in each]

    def decide(self, what: str) -> None:
        payment = self.by_id.get(what)
        if payment is not None and not payment.get("told"):
            if payment["status"] == "Received":
                self._authorise(payment)
            payment["told"] = True
            success = str(payment["status"] == "Authorised").lower()
            self._tell("AUTHORISATION", success, what, payment["reference"], payment)
        for each in self.modifications:
            if each["pspReference"] == what and each.pop("received", False):
                self._modified(each)

    def by_hand(self, act: str, donation: str, amount: int) -> None:
        """Somebody acts in the Customer Area, or the donor's bank: see banks.BY_HAND and BY_BANK. What Adyen refuses
        changes nothing."""
        if act in _DISPUTES or act == "return refund":
            self._by_bank(act, donation)
            return
        authorised = [each for each in self.of(donation) if each["status"] == "Authorised"]
        if act == "give back":
            authorised = [each for each in authorised if "further" in each]
        payment = next(iter(authorised or (self.of(donation) if act == "another" else ())), None)
        if payment is None:
            return
        own, psp, number = payment["reference"], payment["pspReference"], len(self.events)
        try:
            amount = to_adyen(amount, payment["currency"])
        except NotPayable:
            return
        modification = hashlib.sha256(f"{act} {own} {number}".encode()).hexdigest()[:16].upper()
        value = {"value": amount, "currency": payment["currency"]}
        if act == "another":
            new = {"pspReference": modification, "value": amount, "captured": amount, "refunded": 0, "manual": False}
            new["status"] = "Authorised"
            self.by_id[modification] = {**payment, **new, "told": True, "further": True}
            self._tell("AUTHORISATION", "true", modification, own, value)
        elif act == "capture" and payment["manual"] and payment["captured"] + amount <= payment["value"]:
            payment["captured"] += amount
            self._tell("CAPTURE", "true", modification, own, value, psp)
        elif act == "release" and not payment["captured"]:
            payment["status"] = "Cancelled"
            self._tell("EXPIRE", "true", modification, own, {**value, "value": payment["value"]}, psp)
        elif act in ("refund", "give back") and self._refunds(payment, amount):
            self.refunded.append({"payment": psp, "pspReference": modification, "reference": own, "value": amount})
            self._tell("REFUND", "true", modification, own, value, psp)

    def _by_bank(self, act: str, donation: str) -> None:
        """The bank returns the last refund, or disputes what is left of a payment that was taken, and decides
        (https://docs.adyen.com/risk-management/understanding-disputes/dispute-process-and-flow)."""
        taken = [each for each in self.of(donation) if each["captured"] and "further" not in each]
        refunds = [each for each in self.refunded if self.by_id[each["payment"]] in self.of(donation)]
        if act == "return refund" and refunds:
            self.refunded.remove(refunds[-1])
            payment = self.by_id[refunds[-1]["payment"]]
            payment["refunded"] -= refunds[-1]["value"]
            value = {"value": refunds[-1]["value"], "currency": payment["currency"]}
            mine = refunds[-1]["pspReference"], refunds[-1]["reference"]
            self._tell("REFUND_FAILED", "true", *mine, value, payment["pspReference"])
        if act == "return refund" or not taken:
            return
        payment = taken[0]
        before = payment.get("dispute")
        if before is None:
            payment["disputed"] = payment["captured"] - payment["refunded"]
        left = payment["disputed"]
        if (act == "dispute") == (before is None) and left > 0:
            for kind in _DISPUTES[act if (before, act) != ("lose", "win") else "appeal"]:
                own, psp = payment["reference"], payment["pspReference"]
                value = {"value": left, "currency": payment["currency"]}
                identity = hashlib.sha256(f"{kind} {psp}".encode()).hexdigest()[:16].upper()
                self._tell(kind, "true", identity, own, value, psp)
            payment["dispute"] = act

    def pass_days(self) -> None:
        """Do all modifications that were received, and make the events of everything that was decided."""
        for each in self.waiting():
            self.decide(each)

    def _modified(self, each: dict[str, Any]) -> None:
        payment = each["payment"] and self.by_id[each["payment"]]
        done = getattr(self, f"_{each['kind']}")(payment, each["value"])
        if done and each["kind"] == "refunds":
            self.refunded.append(each)
        kinds = {"captures": "CAPTURE", "refunds": "REFUND", "reversals": "CANCEL_OR_REFUND"}
        kind = kinds.get(each["kind"], "TECHNICAL_CANCEL" if each["by_reference"] else "CANCELLATION")
        original = payment["pspReference"] if payment else ""
        amount = {"value": each["value"], "currency": payment["currency"] if payment else "GBP"}
        self._tell(kind, str(done).lower(), each["pspReference"], each["reference"], amount, original)

    def _authorise(self, payment: dict[str, Any]) -> None:
        payment["status"] = "Authorised"
        if not payment["manual"]:
            payment["captured"] = payment["value"]

    def payments(self) -> list[Payment]:
        """All payments as the sandbox's ledger shows them."""
        return [
            Payment(
                reference=f"{each['reference']}:{each['pspReference']}",
                order_id=each["reference"].rpartition("-")[0],
                card="",
                status=_ledger_status(each),
                code=FURTHER if "further" in each else "",
                amount=from_adyen(each["value"], each["currency"]),
                currency=each["currency"],
                captured=from_adyen(each["captured"], each["currency"]),
                refunded=from_adyen(each["refunded"], each["currency"]),
                capture=not each["manual"],
                created_at="",
            )
            for each in self.by_id.values()
        ]

    def taken_back(self) -> dict[str, int]:
        lost = [each for each in self.by_id.values() if each.get("dispute") == "lose"]
        return {
            f"{each['reference']}:{each['pspReference']}": from_adyen(each["disputed"], each["currency"])
            for each in lost
        }

    def refund_keys(self) -> set[str]:
        return {each["reference"] for each in self.modifications if each["kind"] == "refunds"}

    def all_events(self) -> list[tuple[str, Any]]:
        return [(f"{each['eventCode']} {each['merchantReference']}", each) for each in self.events]

    def request(self, event: dict[str, Any], *, forged: bool) -> dict[str, Any]:
        return self.webhook(event, "AB" * 32 if forged else HMAC_KEY)

    def _captures(self, payment: dict[str, Any], value: int) -> bool:
        if payment["status"] != "Authorised" or payment["captured"] or value > payment["value"]:
            return False
        payment["captured"] = value
        return True

    def _refunds(self, payment: dict[str, Any], value: int) -> bool:
        if payment["refunded"] + value > payment["captured"] or payment.get("dispute") in ("dispute", "lose"):
            return False
        payment["refunded"] += value
        return True

    def _cancels(self, payment: dict[str, Any] | None, _value: int) -> bool:
        if payment is None:
            return False
        if payment["status"] == "RedirectShopper":
            # Adyen does not say whether this closes the page; here it does for some.
            closes = payment["pspReference"] < "8"
            payment["status"] = "Cancelled" if closes else "RedirectShopper"
            return closes
        if payment["status"] != "Authorised" or payment["captured"]:
            return False
        payment["status"] = "Cancelled"
        return True

    def _reversals(self, payment: dict[str, Any], _value: int) -> bool:
        payment["status"], payment["captured"], payment["refunded"] = "Cancelled", 0, 0
        return True

    def _tell(
        self, kind: str, success: str, psp: str, reference: str, amount: dict[str, Any], original: str = ""
    ) -> None:
        item = {"eventCode": kind, "success": success, "pspReference": psp, "merchantReference": reference}
        value = {"value": amount["value"], "currency": amount["currency"]}
        more = {"merchantAccountCode": ACCOUNT, "amount": value, "reason": "", "eventDate": "2026-01-01T00:00:00Z"}
        self.events.append({**item, **more, **({"originalReference": original} if original else {})})

    def webhook(self, event: dict[str, Any], key: str = HMAC_KEY) -> dict[str, Any]:
        """Return the request with an event, as Adyen signs it."""
        # As its library for Java has it, what is missing counts as empty, which the one for Python does not.
        amount = event.get("amount") or {}
        plain = {name: "" if (value := amount.get(name)) is None else value for name in ("value", "currency")}
        signature = generate_notification_sig({**event, "amount": plain}, key).decode()
        signed = {**event, "additionalData": {"hmacSignature": signature}}
        return {
            "headers": {},
            "body": json.dumps({"live": "false", "notificationItems": [{"NotificationRequestItem": signed}]}),
        }

    # -- the API

    def answer(
        self,
        method: str,
        path: str,
        query: dict[str, str],  # noqa: ARG002 - Adyen's API has none
        headers: dict[str, str],
        body: bytes,
    ) -> tuple[int, bytes]:
        status, content = self._once(method, path, headers, body)
        template = re.sub(r"/payments/[A-Z0-9]+/", "/payments/{paymentPspReference}/", path)
        if self.validates and (operation := _operation(template)):
            if status < 300:
                self._validate(f"{path}, the request", operation["requestBody"], json.loads(body))
            self._validate(f"{path}, the answer {status}", operation["responses"][str(status)], content)
        return status, json.dumps(content).encode()

    def _once(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Answer:
        """The first answer to a key is given again; only what was processed counts."""
        key = headers.get("idempotency-key", "")
        try:
            if headers.get("x-api-key") != API_KEY:
                raise _Refused(401, "000", "HTTP Status Response - Unauthorized", "security")
            if not 0 < len(key) <= 64:
                raise _Refused(422, "702", "Idempotency-Key")
            request = f"{path} {body.decode()}"
            if key in self.keys and clock.seconds_since(self.keys[key][2]) < KEYS_KEPT:
                if self.keys[key][0] != request:
                    raise _Refused(422, "704", "request already processed or in progress")
                return self.keys[key][1]
            answer = self._work(method, path, json.loads(body))
        except _Refused as refused:
            return refused.answer
        self.keys[key] = request, answer, clock.now()
        return answer

    def fail(self, headers: dict[str, str]) -> tuple[int, bytes]:
        """The issuer did not answer, and may have acted: the error is the key's answer from now on
        (RequestedTestErrorResponseCode in the OpenAPI document, IOEXCEPTION_RECEIVED)."""
        content = {"status": 500, "errorCode": "905_1", "message": "Could not read XML stream", "errorType": "internal"}
        key = headers.get("idempotency-key", "")
        if key in self.keys:
            self.keys[key] = self.keys[key][0], (500, content), self.keys[key][2]
        return 500, json.dumps(content).encode()

    def refuse(self, status: int) -> bytes:
        return json.dumps({"status": status, "errorCode": "000", "message": "no", "errorType": "security"}).encode()

    def _work(self, method: str, path: str, body: dict[str, Any]) -> Answer:
        match = _PATHS.fullmatch(path)
        if method != "POST" or match is None:
            raise _Refused(404, "000", "not found")
        if match[1] == "payments/details":
            return 200, self._details(body)
        if body["merchantAccount"] != ACCOUNT:
            raise _Refused(403, "901", "Invalid Merchant Account", "security")
        if match[1] == "payments":
            return 200, self._payment(body)
        if match[1] == "cancels":
            reference = body["paymentReference"]
            closed = next((each for each in self.by_id.values() if each["reference"] == reference), None)
            if closed:
                closed["closing"] = True
            mine = self._modify("cancels", closed, body, by_reference=True)
            return 201, {**mine, "paymentReference": reference}
        payment = self.by_id.get(match[2])
        if payment is None:
            raise _Refused(422, "167", "Original pspReference required for this operation")
        answer = {**self._modify(match[3], payment, body), "paymentPspReference": match[2]}
        return 201, {**answer, "amount": body["amount"]} if "amount" in body else answer

    def _payment(self, body: dict[str, Any]) -> dict[str, Any]:
        token = body["paymentMethod"]["storedPaymentMethodId"]
        if token not in BANKS:
            raise _Refused(422, "803", "PaymentDetail not found")
        number = self.tries.setdefault(f"{body['shopperReference']} {token}", 0)
        self.tries[f"{body['shopperReference']} {token}"] += 1
        result, code, reason = BANKS[token][min(number, len(BANKS[token]) - 1)]
        again = sum(each["reference"] == body["reference"] for each in self.by_id.values())
        psp = hashlib.sha256(f"{body['reference']} {again}".encode()).hexdigest()[:16].upper()
        manual = body.get("additionalData", {}).get("manualCapture") == "true"
        payment = {"pspReference": psp, "reference": body["reference"], "value": body["amount"]["value"]}
        payment |= {
            "status": result,
            "manual": manual,
            "captured": 0,
            "refunded": 0,
            "currency": body["amount"]["currency"],
        }
        self.by_id[psp] = payment
        if result == "RedirectShopper":
            url = "https://checkoutshopper-test.adyen.com/checkoutshopper/threeDS/redirect?MD=1"
            action = {"type": "redirect", "method": "GET", "paymentMethodType": "scheme", "url": url}
            return {"resultCode": result, "action": action}
        return self._result(payment, code, reason)

    def _result(self, payment: dict[str, Any], code: str = "", reason: str = "") -> dict[str, Any]:
        if payment["status"] == "Authorised" and not payment["captured"]:
            self._authorise(payment)
        refusal = {"refusalReasonCode": code, "refusalReason": reason} if code else {}
        amount = {"value": payment["value"], "currency": payment["currency"]}
        ids = {"pspReference": payment["pspReference"], "merchantReference": payment["reference"]}
        return {**ids, "resultCode": payment["status"], **({"amount": amount} if not code else {}), **refusal}

    def _details(self, body: dict[str, Any]) -> dict[str, Any]:
        mark, _, reference = body["details"]["redirectResult"].partition("!")
        payment = next((each for each in self.by_id.values() if each["reference"] == reference), None)
        if mark != "result" or payment is None:
            raise _Refused(422, "14_018", "Invalid redirectResult provided.")
        if payment["status"] == "RedirectShopper":
            payment["status"] = "Authorised" if payment.get("passed", True) else "Refused"
        refusal = ("11", "3D Not Authenticated") if payment["status"] == "Refused" else ("", "")
        return self._result(payment, *refusal)

    def _modify(
        self, kind: str, payment: dict[str, Any] | None, body: dict[str, Any], *, by_reference: bool = False
    ) -> dict[str, Any]:
        reference = body.get("reference") or (payment or {}).get("reference", "")
        psp = hashlib.sha256(f"{kind} {reference} {len(self.modifications)}".encode()).hexdigest()[:16].upper()
        value = body.get("amount", {}).get("value") or (payment or {}).get("value", 0)
        about = payment["pspReference"] if payment else None
        mine = {"kind": kind, "payment": about, "value": value, "reference": reference, "pspReference": psp}
        self.modifications.append({**mine, "by_reference": by_reference, "received": True})
        return {"merchantAccount": ACCOUNT, "pspReference": psp, "reference": reference, "status": "received"}

    def _validate(self, what: str, part: dict[str, Any], content: Any) -> None:
        schema = part["content"]["application/json"]["schema"]
        self.mistakes += [
            f"{what}: {error.json_path}: {error.message}"
            for error in _validator(json.dumps(schema)).iter_errors(content)
        ]


def _is_decided(payment: dict[str, Any]) -> bool:
    return payment["status"] in ("Received", "Authorised", "Refused", "Error")


def _ledger_status(payment: dict[str, Any]) -> str:
    if payment["captured"]:
        return "captured"
    if payment["status"] == "RedirectShopper" and payment.get("closing"):
        return "cancelled"  # the donor's result of the redirect is not submitted after that
    statuses = {"Authorised": "authorised", "RedirectShopper": "action_required", "Received": "processing"}
    return statuses.get(payment["status"], "declined")


@cache
def _document() -> dict[str, Any] | None:
    document: dict[str, Any] | None = published(DOCUMENT)
    return document


def _operation(template: str) -> dict[str, Any] | None:
    document = _document()
    return document["paths"].get(template, {}).get("post") if document else None


@cache
def _validator(schema: str) -> Any:
    """A validator of a schema of the document; its references lead into the document."""
    from jsonschema import Draft202012Validator
    from referencing import Registry, Resource
    from referencing.jsonschema import DRAFT202012

    document = _document()
    assert document is not None
    registry: Any = Registry().with_resource("urn:adyen", Resource(contents=document, specification=DRAFT202012))
    absolute = json.loads(schema.replace('"#/', '"urn:adyen#/'))
    return Draft202012Validator(absolute, registry=registry)
