"""The sandbox behind the interface that all PSPs share."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from attrs import evolve, frozen

from handlers.psp import Answer, Authorisation, Capture, Lookup, Outcome, PspRefused, PspUnavailable, Refund
from handlers.psp_sandbox.codes import CODES, RETRY_SCHEDULE
from handlers.psp_sandbox.ledger import Down, KeyReused, Ledger, Payment, UnknownPayment


@frozen
class SandboxPsp:
    ledger: Ledger
    name: str = "psp_sandbox"
    schedule: tuple[int, ...] = RETRY_SCHEDULE
    continues: bool = False
    captures: bool = True
    patience: int = 30 * 24 * 3600

    def authorise(self, request: Authorisation) -> Answer:
        with _errors():
            payment = self.ledger.authorise(
                order=request.donation,
                token=request.token,
                amount=request.amount,
                currency=request.currency,
                key=request.key,
                capture=request.capture,
            )
        return _answer(payment)

    def capture(self, request: Capture) -> Answer:
        with _errors():
            return _answer(self.ledger.capture(request.reference, amount=request.amount, key=request.key))

    def refund(self, request: Refund) -> Answer:
        with _errors():
            return _refunded(self.ledger.refund(request.reference, amount=request.amount, key=request.key))

    def find_refund(self, request: Refund) -> Answer | None:
        with _errors():
            payment = self.ledger.find_refund(request.reference, amount=request.amount, key=request.key)
        return _refunded(payment) if payment else None

    def find(self, reference: str, returned: Mapping[str, str] | None = None) -> Answer:  # noqa: ARG002 - not needed here
        with _errors():
            return _answer(self.ledger.find(reference))

    def look_up(self, request: Lookup) -> list[Answer]:
        payments = self.ledger.payments(request.donation)
        # A bank that takes days acts when it is asked.
        with _errors():
            current = [self.ledger.find(each.reference) if each.status == "submitted" else each for each in payments]
        return [
            evolve(_answer(each), amount=each.amount, currency=each.currency, captured=each.captured)
            for each in current
        ]

    def cancel(self, reference: str) -> Answer:
        with _errors():
            return _answer(self.ledger.cancel(reference))


def _answer(payment: Payment) -> Answer:
    outcome, message = CODES[payment.code]
    if payment.status == "authorised" and outcome is Outcome.PAID:
        outcome = Outcome.AUTHORISED
    waiting = outcome is Outcome.REDIRECT
    url = f"https://psp-sandbox.example/3ds/{payment.reference}" if waiting else None
    return Answer(outcome, payment.code, message, payment.reference, url)


def _refunded(payment: Payment) -> Answer:
    answer = _answer(payment)
    return evolve(answer, outcome=Outcome.REFUNDED) if payment.code == "00" else answer


@contextmanager
def _errors() -> Iterator[None]:
    try:
        yield
    except Down as error:
        raise PspUnavailable(str(error)) from error
    except (KeyReused, UnknownPayment) as error:
        raise PspRefused(str(error)) from error
