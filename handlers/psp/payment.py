"""Take a payment with any PSP: attempts, idempotency keys, the retry schedule and the donor's return.

A payment is taken at most once. The idempotency key is the donation's id and the number of the attempt, and that number
is one more than the definite answers in the document. A function that runs again after a crash or a timeout gets the
same document, sends the same key, and receives the PSP's first answer. Another execution for the same donation asks the
same PSP (see handlers.select_psp.choices) with the same keys.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from attrs import evolve

from handlers import clock
from handlers.document import MOST_RETURNS, MalformedEvent, read, read_moment, read_objects
from handlers.psp.interface import (
    Answer,
    Attempt,
    Authorisation,
    Capture,
    Lookup,
    Operation,
    Outcome,
    Payment,
    Payments,
    Psp,
    PspRefused,
    PspUnavailable,
    Refund,
    Refunded,
    State,
    Status,
    bounded,
)

OPERATIONS = ("pay", "authorise", "capture", "refund")
INQUIRIES = ("look_up", "cancel", "find_refund")
"""Operations of the sweep and of webhooks, which `inquire` performs."""
_ANSWERED = {"code", "reference", "attempts"}
_OPEN = ("new", "retry")
_FINAL = ("paid", "authorised", "declined", "abandoned")
WAIT_FOR_DONOR = 24 * 3600
"""Seconds in which a donor may complete the payment at the PSP."""

_ASK_AGAIN = 600
"""Seconds after a return that completed nothing (the back button, a browser's prefetch) until the PSP is asked again;
doubled each time."""

_ASK_DAILY = 24 * 3600
"""Seconds after which a PSP that has not decided yet is asked, unless its webhook reports before."""

_NO_RESERVATIONS = Answer(
    Outcome.DECLINED, "no_reservations", "the PSP takes payments in one step and reserves nothing"
)
"""The answer if a PSP without reservations is to reserve or to capture: it is not asked at all."""

CAPTURED = "captured"
"""Our code of a reservation that was captured before the flow stored it: the sweep asks for the captured amount."""

REFUND_WITHIN = 1800
"""Seconds after RefundSetup checked a refund in which the PSP may be asked to make it. After an hour, when no request
is on its way, an operator may close a refund that the PSP does not have."""

_NOT_TAKEN = (Outcome.REDIRECT, Outcome.DECLINED, Outcome.RETRY)
_TIMEOUTS = ("States.Timeout", "States.HeartbeatTimeout")


def perform(event: Mapping[str, Any], psp: Psp) -> Payment:
    """Perform the event's `operation`; the default, which the flow uses, is `pay`: authorise and capture in one step.

    The event is the whole document. `pay` and `authorise` return the new value of `payment`. `capture` and `refund`
    return an Operation; they take all without an `amount` (minor unit), and `number` tells several of one payment apart
    (default: 1). Raises MalformedEvent, PspUnavailable, PspRefused.
    """
    operation = event.get("operation", "pay")
    if operation not in OPERATIONS:
        raise MalformedEvent(f"operation: expected one of {', '.join(OPERATIONS)}")
    if operation in ("capture", "refund"):
        return _capture_or_refund(event, psp, operation)
    payment = _continue_payment(event, psp, capture=operation == "pay")
    return payment if operation == "pay" or payment["status"] != "paid" else _as_reserved(payment)


def _continue_payment(event: Mapping[str, Any], psp: Psp, *, capture: bool) -> Payment:
    """Do the next step of a payment by its status, and return its new value; a final one stays as it is."""
    status = read(event, "payment.status", str)
    if status in _FINAL:
        if missing := sorted(_ANSWERED - event["payment"].keys()):
            raise MalformedEvent(f"payment.{missing[0]}: missing; expected the PSP's answer")
        return cast("Payment", dict(event["payment"]))
    if status == "redirect":
        return _after_redirect(event, psp)
    if status == "pending":
        return _after_pending(event, psp)
    if status not in _OPEN:
        raise MalformedEvent(f"payment.status: expected one of {', '.join((*_OPEN, 'redirect', 'pending', *_FINAL))}")
    return _attempt(event, psp, capture=capture)


def _as_reserved(payment: Payment) -> Payment:
    """Return a reservation that somebody has captured meanwhile as authorised: perhaps only a part of it was taken, and
    paid would mean all."""
    result = {"status": "authorised", "code": CAPTURED, "message": "captured already"}
    *before, last = _attempts({"payment": payment}, "was paid")
    return cast("Payment", {**payment, **result, "attempts": [*before, {**last, **result}]})


def inquire(event: Mapping[str, Any], psp: Psp) -> Payments | Refunded:
    """Return the state of every payment of the event's donation at the PSP, or that of one refund.

    By the event's `operation`: `look_up` returns the payments, or only the one whose reference is in `reported`;
    `cancel` first cancels those in `references`, unless it is too late; `find_refund` has the event of `refund` and the
    refund's id in `refund`, and refunds nothing. Raises MalformedEvent, PspRefused, and PspUnavailable, also while the
    PSP has not decided a cancellation.
    """
    if event.get("operation") == "find_refund":
        answer = psp.find_refund(evolve(_refund(event, psp), key=read(event, "refund", str)))
        return {"refund": None if answer is None else _state(bounded(answer))}
    cancelled: list[str] = []
    if event.get("operation") == "cancel":
        cancelled = [str(reference) for reference in read(event, "references", list[Any])]
        for reference in cancelled:
            psp.cancel(reference)
    # An erased donation has no token.
    method, selected = read(event, "donation", dict[str, Any]).get("payment_method"), event.get("psp")
    token = method.get("token") if isinstance(method, Mapping) else None
    since = selected.get("chosen_at") if isinstance(selected, Mapping) else None
    lookup = Lookup(
        read(event, "donation.id", str), str(token or ""), str(since or ""), str(event.get("reported") or "")
    )
    states = [_state(bounded(each)) for each in psp.look_up(lookup)]
    if any(each["reference"] in cancelled and each["status"] == Outcome.AUTHORISED for each in states):
        raise PspUnavailable(f"{psp.name} has not decided the cancellation yet")
    return {"payments": states, "patience": psp.patience}


def _state(answer: Answer) -> State:
    return {
        "status": str(answer.outcome),
        "code": answer.code,
        "message": answer.message,
        "reference": answer.reference,
        "amount": answer.amount,
        "currency": answer.currency,
        "captured": answer.captured,
        "further": answer.is_further,
    }


def _attempt(event: Mapping[str, Any], psp: Psp, *, capture: bool) -> Payment:
    attempts = read_objects(event, "payment.attempts")
    number = len(attempts) + 1
    donation = read(event, "donation.id", str)
    request = Authorisation(
        donation=donation,
        amount=read(event, "donation.amount", int),
        currency=read(event, "donation.currency", str),
        method=read(event, "donation.payment_method.type", str),
        token=read(event, "donation.payment_method.token", str),
        key=f"{donation}-{number}",
        since=read_moment(event, "psp.chosen_at"),
        capture=capture,
        earlier=_earlier(event, psp) if attempts else None,
    )
    answer = _definite(psp.authorise(request), psp) if capture or psp.captures else _NO_RESERVATIONS
    return _payment(psp, answer, [*attempts, {"number": number, "psp": psp.name, "idempotency_key": request.key}])


def _earlier(event: Mapping[str, Any], psp: Psp) -> str | None:
    reference = event["payment"].get("reference")
    return reference if psp.continues and isinstance(reference, str) and reference else None


def _after_redirect(event: Mapping[str, Any], psp: Psp) -> Payment:
    """Ask the PSP after the donor's return or timeout.

    A donor who is still at the PSP has a day; then the payment is cancelled. A refused card ends the attempt, but the
    donor's browser may still show the page on which another card completes the payment. So that is cancelled too.
    """
    redirect = read(event, "redirect", dict[str, Any])
    reference = _reference(event, psp)
    attempts = _attempts(event, "sent the donor to the PSP")
    *before, last = attempts
    last = {**last, "redirected_at": last.get("redirected_at", last["at"])}
    answer = _definite(psp.find(reference, _details(redirect)), psp)
    if answer.outcome is Outcome.REDIRECT and (seconds := _seconds_left(redirect, last)):
        last["returns"] = last.get("returns", 0) + 1
        url = answer.redirect_url or event["payment"].get("redirect_url")
        return _payment(psp, evolve(answer, redirect_url=url), [*before, last], redirect_seconds=seconds)
    goes_on = psp.continues and answer.outcome is Outcome.RETRY and len(attempts) <= len(psp.schedule)
    if answer.outcome in _NOT_TAKEN and not goes_on:
        closed = _definite(psp.cancel(reference), psp)
        if closed.outcome is Outcome.REDIRECT:
            raise PspUnavailable(f"{psp.name} neither completed nor cancelled {reference}")
        if answer.outcome is Outcome.REDIRECT or closed.outcome not in (Outcome.CANCELLED, *_NOT_TAKEN):
            answer = closed
    if answer.outcome is Outcome.CANCELLED:
        answer = Answer(answer.outcome, answer.code, _why_abandoned(redirect), reference)
    return _payment(psp, answer, [*before, last])


def _after_pending(event: Mapping[str, Any], psp: Psp) -> Payment:
    """Ask the PSP after its webhook, or after a day without one. A webhook is only a reason to ask."""
    attempts = _attempts(event, "the PSP has not decided")
    answer = _definite(psp.find(_reference(event, psp)), psp)
    if answer.outcome is Outcome.CANCELLED:
        # The PSP or the donor's bank cancelled it, not this flow: the donor abandoned nothing.
        answer = evolve(answer, outcome=Outcome.DECLINED)
    return _payment(psp, answer, attempts)


def _attempts(event: Mapping[str, Any], which: str) -> list[dict[str, Any]]:
    """Return the document's attempts, of which the last one is complete. Raises MalformedEvent, which names the attempt
    that is missing, if there is none."""
    attempts = read_objects(event, "payment.attempts")
    if not attempts:
        raise MalformedEvent(f"payment.attempts: is empty; expected the attempt that {which}")
    last = {"payment": {"attempts": {"-1": attempts[-1]}}}
    for name in ("at", *sorted({"redirected_at", "pending_at"} & attempts[-1].keys())):
        read_moment(last, f"payment.attempts.-1.{name}")
    if "returns" in attempts[-1]:
        read(last, "payment.attempts.-1.returns", int)
    return attempts


def _details(redirect: Mapping[str, Any]) -> dict[str, str]:
    """Return the parameters with which the donor's browser came back."""
    details = redirect.get("details")
    if not isinstance(details, Mapping):
        return {}
    return {str(name): value for name, value in details.items() if isinstance(value, str)}


def _seconds_left(redirect: Mapping[str, Any], attempt: Mapping[str, Any]) -> int:
    """Return the seconds for which to wait again for the donor; 0: no longer."""
    returns: int = attempt.get("returns", 0)
    left = int(WAIT_FOR_DONOR - clock.seconds_since(attempt["redirected_at"]))
    if redirect.get("Error") not in (None, *_TIMEOUTS) or left < 1:
        return 0
    return min(left, _ASK_AGAIN << min(returns, MOST_RETURNS))


def _why_abandoned(redirect: Mapping[str, Any]) -> str:
    error = redirect.get("Error")
    if error in _TIMEOUTS:
        return "the donor did not come back in time"
    return f"the donor was not sent to the PSP: {error}" if error else "the donor came back without completing"


def _reference(event: Mapping[str, Any], psp: Psp) -> str:
    """Return the PSP's id of the payment. Raises MalformedEvent if the payment is at another PSP."""
    owner = read(event, "payment.psp", str)
    if owner != psp.name:
        raise MalformedEvent(f"payment.psp: the payment is at {owner}; this is {psp.name}")
    return read(event, "payment.reference", str)


def _definite(answer: Answer, psp: Psp | None = None) -> Answer:
    """Return the answer. Raises PspUnavailable for a pending one, unless the PSP is one that takes days to decide."""
    answer = bounded(answer)
    if answer.outcome is Outcome.PENDING and not (psp and psp.patience and answer.reference):
        raise PspUnavailable(f"the PSP has not decided yet: {answer.message}")
    return answer


def _payment(
    psp: Psp, answer: Answer, attempts: list[dict[str, Any]], redirect_seconds: int = WAIT_FOR_DONOR
) -> Payment:
    """Return the document's `payment` after the answer to its last attempt, and record the answer in that attempt."""
    number = len(attempts)
    status, message, delay = str(answer.outcome), answer.message, 0
    if answer.outcome is Outcome.CANCELLED:
        status = "abandoned"
    elif answer.outcome is Outcome.RETRY and number <= len(psp.schedule):
        delay = psp.schedule[number - 1]
    elif answer.outcome is Outcome.RETRY:
        status, message = "declined", f"retry schedule exhausted after {number} attempts: {answer.message}"
    result = {"status": status, "code": answer.code, "message": message, "reference": answer.reference}
    last = {**attempts[-1], **result, "at": clock.now(), "delay_seconds": delay}
    pending = 0
    if answer.outcome is Outcome.PENDING:
        last.setdefault("pending_at", last["at"])
        left = int(psp.patience - clock.seconds_since(last["pending_at"]))
        if left < 1:
            raise PspRefused(f"{psp.name} has not decided {answer.reference} since {last['pending_at']}")
        pending = min(left, _ASK_DAILY)
    return Payment(
        status=cast("Status", status),
        code=answer.code,
        message=message,
        reference=answer.reference,
        psp=psp.name,
        delay_seconds=delay,
        redirect_url=answer.redirect_url,
        redirect_seconds=redirect_seconds if answer.outcome is Outcome.REDIRECT else 0,
        pending_seconds=pending,
        attempts=cast("list[Attempt]", [*attempts[:-1], last]),
    )


def _capture_or_refund(event: Mapping[str, Any], psp: Psp, operation: str) -> Operation:
    if operation == "refund":
        if "prepared_at" in event and clock.seconds_since(read_moment(event, "prepared_at")) > REFUND_WITHIN:
            raise PspUnavailable("the refund was prepared too long ago, and may be closed by now: prepare it again")
        refund = _refund(event, psp)
        request: Refund | Capture = refund
        answer = bounded(psp.refund(refund))
    else:
        request = capture = Capture(*_arguments(event, psp, operation))
        answer = _definite(psp.capture(capture)) if psp.captures else _NO_RESERVATIONS
    return Operation(
        status=cast("Status", str(answer.outcome)),
        code=answer.code,
        message=answer.message,
        reference=answer.reference,
        psp=psp.name,
        delay_seconds=0,
        redirect_url=None,
        redirect_seconds=0,
        pending_seconds=0,
        attempts=event["payment"].get("attempts", []),
        operation=operation,
        idempotency_key=request.key,
        amount=request.amount,
        at=clock.now(),
    )


def _refund(event: Mapping[str, Any], psp: Psp) -> Refund:
    return Refund(*_arguments(event, psp, "refund"))


def _arguments(event: Mapping[str, Any], psp: Psp, operation: str) -> tuple[str, str, str, int | None]:
    """Return what a Capture and a Refund have: the payment's reference, the currency, the key and the amount."""
    number = read(event, "number", int) if "number" in event else 1
    amount = read(event, "amount", int) if "amount" in event else None
    if amount is not None and amount < 1:
        raise MalformedEvent("amount: expected at least 1, in the currency's minor unit")
    # Ids contain no colon, so this never equals the key of another donation's attempt ("don-refund", attempt 1).
    key = f"{read(event, 'donation.id', str)}:{operation}:{number}"
    return _reference(event, psp), read(event, "donation.currency", str), key, amount
