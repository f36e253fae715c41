"""What the webhooks of all PSPs share: the request and the response, payments and refunds that somebody reports.

The request is that of a function URL or of API Gateway's HTTP API (payload format 2.0).
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from aws_lambda_powertools import Logger

from handlers import cards, clock, redirects, refunds
from handlers.disputes.keeping import keep
from handlers.disputes.record import Dispute
from handlers.document import MalformedEvent, Misconfigured, check_object
from handlers.logs import invocation
from handlers.metrics import report
from handlers.psp import KeyRejected, PspUnavailable
from handlers.psp.interface import is_amount
from handlers.reconcile.sweep import UNSWEPT, ask_psp, execution_has_ended, reconcile
from handlers.refunds import Refund
from handlers.secrets import fresh_secrets_after, settings
from handlers.transactions.record import Transaction
from handlers.transactions.store import store

T = TypeVar("T")

_READINGS = 5

MAX_BODY = 2_000_000
"""Bytes. A PSP's request has some thousand, or some hundred thousand with many events."""


class BadSignature(Exception):
    """The PSP did not sign this request with our secret."""


class UnknownSignature(BadSignature):
    """The signature has the PSP's form, and fits none of our secrets: the PSP uses another one, or somebody tries."""


class NeedsOperator(Exception):
    """Another try would not settle it: an operator has to look at the PSP."""


UNSETTLED = "not settled"


def settle_each(
    steps: Mapping[str, Callable[[], str]], log: Logger, lasting: tuple[type[Exception], ...] = ()
) -> dict[str, str]:
    """Run each step, and return the results by name. One that fails holds up no other.

    Raises the first error at the end, so that the PSP sends all events again; but KeyRejected, if one raised that, so
    that secrets are read anew. That would not help after a `lasting` error: its step has the result UNSETTLED, and an
    alarm tells an operator.
    """
    results: dict[str, str] = {}
    errors: list[Exception] = []
    for name, step in steps.items():
        try:
            results[name] = step()
        except Exception as error:  # noqa: BLE001 - raised below
            log.error(UNSETTLED, object=name, reason=_reason(error))
            results[name] = UNSETTLED
            if not isinstance(error, lasting):
                errors.append(error)
    if unsettled := sum(result == UNSETTLED for result in results.values()) - len(errors):
        report("UnsettledEvents", unsettled)
    if errors:
        raise min(errors, key=lambda error: not isinstance(error, KeyRejected))
    return results


def _reason(error: Exception) -> str:
    """Return the error's text: messages of our own errors contain no private data, those of other libraries may."""
    is_own = type(error).__module__.startswith("handlers.")
    return cards.redact(f"{type(error).__name__}: {error}") if is_own else type(error).__name__


def receive(
    log: Logger,
    event: Mapping[str, Any],
    context: Any,
    *,
    verify: Callable[[Mapping[str, Any]], T],
    settle: Callable[[T], str],
    unsigned: int,
) -> dict[str, Any]:
    """Return the response to a PSP's request: status 200 with the result, or `unsigned` if the PSP did not sign it.

    `verify` reads the request, or raises BadSignature. Any exception of `settle` makes the PSP send the request again.
    After a rejected key or signature the next invocation reads secrets anew.
    """
    with invocation(log, {}, context):
        check_object(event)
        try:
            with fresh_secrets_after(BadSignature, Misconfigured):
                reported = verify(event)
        except BadSignature as error:
            log.warning("refused", reason=str(error))
            if isinstance(error, UnknownSignature):
                report("UnknownSignatures", 1)
            return response(unsigned, "refused")
        with fresh_secrets_after(KeyRejected, Misconfigured):
            return response(200, settle(reported))


def signing_secrets(name: str) -> list[str]:
    """Return the secrets with which the PSP may sign, separated by white space in the setting of this name: two while a
    new one replaces an old one. Raises Misconfigured."""
    return settings(name)


def content(event: Mapping[str, Any]) -> bytes:
    """Return the request's body. Raises BadSignature if it is too large, or invalid base64."""
    body = str(event.get("body") or "")
    if len(body) > MAX_BODY:
        raise BadSignature("the body is too large")
    try:
        return base64.b64decode(body, validate=True) if event.get("isBase64Encoded") else body.encode()
    except ValueError as error:
        raise BadSignature("the body cannot be read") from error


def parse_signed(body: bytes | str) -> dict[str, Any]:
    """Return a signed body's JSON object. Raises MalformedEvent, so that an alarm tells an operator and the PSP sends
    the request again."""
    try:
        received = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise MalformedEvent("the signed body is not JSON") from error
    if not isinstance(received, dict):
        raise MalformedEvent("the signed body is not an object")
    return received


def header(event: Mapping[str, Any], name: str) -> str:
    """Return a header's value, empty without one; names are compared without case."""
    headers = event.get("headers")
    values = {str(key).lower(): value for key, value in headers.items()} if isinstance(headers, Mapping) else {}
    return str(values.get(name.lower()) or "")


def response(status: int, result: str) -> dict[str, Any]:
    return {
        "statusCode": status,
        "headers": {"content-type": "application/json"},
        "body": json.dumps({"result": result}),
    }


def record_with(donation: object, payment: str) -> Transaction | None:
    """Return the record of the donation that this payment pays, or None.

    A payment that is stored as a conflict pays no donation: its refunds and disputes change no total. `payment` is the
    PSP's id, with or without our reference before it.
    """
    record = store().get(donation) if isinstance(donation, str) and donation else None
    if record is None or record.status == "paid":
        return record if record and _id(record.reference) == _id(payment) else None
    conflicts = [each for each in store().history(record.id) if each.status in ("conflict", "closed")]
    return None if _id(payment) in {_id(each.reference) for each in conflicts} else record


def _id(reference: str | None) -> str:
    return str(reference).rpartition(":")[2]


def begin_dashboard_refund(
    record: Transaction, identity: str, *, amount: Any, currency: str, payment: str, psp: str, at: str
) -> Refund:
    """Store a refund that somebody made in the PSP's dashboard, and return it: it lowers what is left of the donation,
    and the total.

    `identity` is the PSP's id of the refund, `payment` that of the payment, `at` the PSP's display name; the amount is
    in the minor unit. Raises NeedsOperator unless it is positive and in the donation's currency.
    """
    if not is_amount(amount) or amount < 1 or currency != record.currency:
        raise NeedsOperator(f"{record.id}: {at} reports a refund without a valid amount in {record.currency}")
    now = clock.now()
    return refunds.begin(
        Refund(
            id=f"{record.id}:refund:{identity}",
            donation=record.id,
            number=0,
            amount=amount,
            currency=currency,
            charity=str(record.charity),
            psp=psp,
            reference=payment,
            status="open",
            code="",
            reason=f"made at {at}",
            requested_at=now,
            stored_at=now,
        )
    )


def store_latest(read: Callable[[], T], store: Callable[[T], str]) -> str:
    """Store what `read` returns, and again as long as that has changed meanwhile; return the last result.

    A webhook that runs at the same time may have read a newer state, and stored it earlier: then this one has just
    replaced it by an older state. Raises PspUnavailable if it keeps changing.
    """
    state = read()
    for _ in range(_READINGS):
        result, before = store(state), state
        state = read()
        if state == before:
            return result
    raise PspUnavailable("the PSP's state changes while it is stored")


def store_dispute(
    record: Transaction,
    identity: str,
    *,
    amount: Any,
    currency: object,
    payment: str,
    psp: str,
    status: str,
    reason: str,
    is_inquiry: bool = False,
) -> Dispute:
    """Store the state of a dispute of the donation, and return the stored one; see handlers.disputes.keeping.keep.

    The disputed amount is what the PSP says, which may be a part of the donation; all of it, if the PSP names no valid
    amount in the donation's currency, or more than the donation.
    """
    whole = record.amount or 0
    is_part = is_amount(amount) and 0 < amount <= whole and currency == record.currency
    return keep(
        Dispute(
            id=identity,
            donation=record.id,
            charity=str(record.charity),
            amount=amount if is_part else whole,
            currency=str(record.currency),
            psp=psp,
            reference=payment,
            status=status,
            reason=reason[:100],
            stored_at=clock.now(),
            is_inquiry=is_inquiry,
        )
    )


def settle(donation: str, *, is_decided: bool, payment: str, is_further: bool = False) -> str:
    """Resume the execution that waits for the PSP, if the PSP has decided; if none waits, settle the donation.

    `payment` is the PSP's reference of the payment, which `is_further` if the flow did not ask for it: no execution can
    settle it. Nothing else of an event counts, so events may come late, twice and in any order. Raises PspUnavailable
    if the PSP has to send the event again, because no sweep would ask for the payment.
    """
    if is_decided and not is_further and redirects.resume(donation, json.dumps({"status": "reported by the PSP"})):
        return "resumed"
    finding = reconcile(donation, store(), ask_psp, execution_has_ended, payment, is_further=is_further)
    if finding is None:
        return "nothing to do"
    if finding.repaired is None and (is_further or finding.status in UNSWEPT):
        raise PspUnavailable(f"{donation}: {finding.status}; {finding.reason}")
    return finding.repaired or "left open"
