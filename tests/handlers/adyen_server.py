"""Adyen's Checkout API as its documentation describes it, with state; every request and every answer is validated
against the OpenAPI document that Adyen publishes.

The stored payment method decides what the bank does. Modifications are only received; `pass_days` does them, and makes
the webhooks. The rules: https://docs.adyen.com/development-resources/api-idempotency and …/webhooks,
https://docs.adyen.com/online-payments/capture, …/refund and …/cancel.
"""

from __future__ import annotations

import hashlib
import json
import re
from functools import cache
from typing import Any

from Adyen.util import generate_notification_sig

from tests.handlers.psp_server import Answer, PspServer, published

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
_PATHS = re.compile(r"/(payments/details|payments|cancels|payments/([A-Z0-9]+)/(captures|refunds|cancels|reversals))")


class _Refused(Exception):  # noqa: N818 - what Adyen says, not a mistake
    def __init__(self, status: int, code: str, message: str, kind: str = "validation") -> None:
        super().__init__(message)
        self.answer = status, {"status": status, "errorCode": code, "message": message, "errorType": kind}


class AdyenServer(PspServer):
    def __init__(self) -> None:
        super().__init__()
        self.payments: dict[str, dict[str, Any]] = {}
        """By pspReference."""
        self.modifications: list[dict[str, Any]] = []
        self.events: list[dict[str, Any]] = []
        self.keys: dict[str, tuple[str, Answer]] = {}
        self.tries: dict[str, int] = {}

    # -- the donor, the bank and the webhook

    def of(self, reference_or_donation: str) -> list[dict[str, Any]]:
        return [each for each in self.payments.values() if each["reference"].startswith(f"{reference_or_donation}-")]

    def redirect_result(self, reference: str) -> str:
        """What Adyen adds to the return URL when the donor has passed 3-D Secure."""
        return f"result!{reference}"

    def pass_days(self) -> None:
        """Do all modifications that were received, and make the events of everything that was decided."""
        for payment in self.payments.values():
            if payment["status"] == "Received":
                payment["status"] = "Authorised"
            decided = {"Authorised": "true", "Refused": "false", "Error": "false"}.get(payment["status"])
            if decided and not payment.get("told"):
                payment["told"] = True
                self._tell("AUTHORISATION", decided, payment["pspReference"], payment["reference"], payment["value"])
        for each in self.modifications:
            if not each.pop("received", False):
                continue
            payment, value = each["payment"], each["value"]
            done = getattr(self, f"_{each['kind']}")(payment, value)
            kind = {"captures": "CAPTURE", "refunds": "REFUND", "reversals": "CANCEL_OR_REFUND"}.get(
                each["kind"], "CANCELLATION"
            )
            original = payment["pspReference"] if payment else ""
            self._tell(kind, str(done).lower(), each["pspReference"], each["reference"], value, original)

    def _captures(self, payment: dict[str, Any], value: int) -> bool:
        if payment["status"] != "Authorised" or payment["captured"] + value > payment["value"]:
            return False
        payment["captured"] += value
        return True

    def _refunds(self, payment: dict[str, Any], value: int) -> bool:
        if payment["refunded"] + value > payment["captured"]:
            return False
        payment["refunded"] += value
        return True

    def _cancels(self, payment: dict[str, Any] | None, value: int) -> bool:
        if payment is None or payment["status"] != "Authorised" or payment["captured"]:
            return False
        payment["status"] = "Cancelled"
        return True

    def _reversals(self, payment: dict[str, Any], value: int) -> bool:
        payment["status"], payment["captured"] = "Cancelled", 0
        return True

    def _tell(self, kind: str, success: str, psp: str, reference: str, value: int, original: str = "") -> None:
        item = {"eventCode": kind, "success": success, "pspReference": psp, "merchantReference": reference}
        more = {"merchantAccountCode": ACCOUNT, "amount": {"value": value, "currency": "GBP"}, "reason": ""}
        self.events.append(
            {
                **item,
                **more,
                **({"originalReference": original} if original else {}),
                "eventDate": "2026-01-01T00:00:00Z",
            }
        )

    def webhook(self, event: dict[str, Any], key: str = HMAC_KEY) -> dict[str, Any]:
        """Return the request with an event, as Adyen signs it."""
        signed = {**event, "additionalData": {"hmacSignature": generate_notification_sig(event, key).decode()}}
        return {
            "headers": {},
            "body": json.dumps({"live": "false", "notificationItems": [{"NotificationRequestItem": signed}]}),
        }

    # -- the API

    def answer(
        self, method: str, path: str, query: dict[str, str], headers: dict[str, str], body: bytes
    ) -> tuple[int, bytes]:
        status, content = self._once(method, path, headers, body)
        template = re.sub(r"/payments/[A-Z0-9]+/", "/payments/{paymentPspReference}/", path)
        if operation := _operation(template):
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
            if key in self.keys:
                if self.keys[key][0] != request:
                    raise _Refused(422, "704", "request already processed or in progress")
                return self.keys[key][1]
            answer = self._work(method, path, json.loads(body))
        except _Refused as refused:
            return refused.answer
        self.keys[key] = request, answer
        return answer

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
            found = next(
                (each for each in self.payments.values() if each["reference"] == body["paymentReference"]), None
            )
            mine = self._modify("cancels", found, body)
            return 201, {**mine, "paymentReference": body["paymentReference"]}
        payment = self.payments.get(match[2])
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
        psp = hashlib.sha256(body["reference"].encode()).hexdigest()[:16].upper()
        manual = body.get("additionalData", {}).get("manualCapture") == "true"
        payment = {"pspReference": psp, "reference": body["reference"], "value": body["amount"]["value"]}
        payment |= {
            "status": result,
            "manual": manual,
            "captured": 0,
            "refunded": 0,
            "currency": body["amount"]["currency"],
        }
        self.payments[psp] = payment
        if result == "RedirectShopper":
            url = "https://checkoutshopper-test.adyen.com/checkoutshopper/threeDS/redirect?MD=1"
            action = {"type": "redirect", "method": "GET", "paymentMethodType": "scheme", "url": url}
            return {"resultCode": result, "action": action}
        return self._result(payment, code, reason)

    def _result(self, payment: dict[str, Any], code: str = "", reason: str = "") -> dict[str, Any]:
        if payment["status"] == "Authorised" and not payment["manual"]:
            payment["captured"] = payment["value"]
        refusal = {"refusalReasonCode": code, "refusalReason": reason} if code else {}
        amount = {"value": payment["value"], "currency": payment["currency"]}
        ids = {"pspReference": payment["pspReference"], "merchantReference": payment["reference"]}
        return {**ids, "resultCode": payment["status"], **({"amount": amount} if not code else {}), **refusal}

    def _details(self, body: dict[str, Any]) -> dict[str, Any]:
        mark, _, reference = body["details"]["redirectResult"].partition("!")
        payment = next((each for each in self.payments.values() if each["reference"] == reference), None)
        if mark != "result" or payment is None:
            raise _Refused(422, "14_018", "Invalid redirectResult provided.")
        payment["status"] = "Authorised"
        return self._result(payment)

    def _modify(self, kind: str, payment: dict[str, Any] | None, body: dict[str, Any]) -> dict[str, Any]:
        reference = body.get("reference") or (payment or {}).get("reference", "")
        psp = hashlib.sha256(f"{kind} {reference}".encode()).hexdigest()[:16].upper()
        value = body.get("amount", {}).get("value") or (payment or {}).get("value", 0)
        mine = {"kind": kind, "payment": payment, "value": value, "reference": reference, "pspReference": psp}
        self.modifications.append({**mine, "received": True})
        return {"merchantAccount": ACCOUNT, "pspReference": psp, "reference": reference, "status": "received"}

    def _validate(self, what: str, part: dict[str, Any], content: Any) -> None:
        schema = part["content"]["application/json"]["schema"]
        self.mistakes += [
            f"{what}: {error.json_path}: {error.message}"
            for error in _validator(json.dumps(schema)).iter_errors(content)
        ]


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
