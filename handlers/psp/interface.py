"""The interface of PSPs: requests, answers and operations. Amounts are integers in the currency's minor unit."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal, NotRequired, Protocol, TypedDict

from attrs import field, frozen


class Outcome(StrEnum):
    """The meaning of a PSP's answer, independent of its own codes."""

    PAID = "paid"
    AUTHORISED = "authorised"
    REFUNDED = "refunded"
    DECLINED = "declined"
    RETRY = "retry"
    """Not now: a later attempt may succeed."""
    REDIRECT = "redirect"
    """The donor must visit `redirect_url` first, and may still be there."""
    PENDING = "pending"
    """Neither taken nor refused yet, and the donor cannot help: ask again."""
    CANCELLED = "cancelled"
    """Cancelled at the PSP: it can no longer be taken."""


class PspUnavailable(Exception):
    """The PSP was not reached, or its answer is not definite: repeat the same request with the same key.

    The payment may have been taken, so the attempt does not count.
    """


class KeyRejected(PspUnavailable):
    """The PSP rejects our API key, perhaps because it is being rotated: raise an alarm, and repeat the same request."""


class PspRefused(Exception):
    """The PSP rejects our request itself (a key used for another payment, …): somebody has to investigate."""


@frozen
class Authorisation:
    """Reserve an amount, and take it immediately if `capture` is true."""

    donation: str
    amount: int
    currency: str
    method: str
    """The type of the payment method, such as `card`."""
    token: str = field(repr=False)
    """The PSP's own token for the payment method; never a card number."""
    key: str
    """The idempotency key: the PSP performs the operation at most once per key."""
    since: str
    """When this PSP was selected for the donation (RFC 3339): the key is not older. A PSP that forgets keys must search
    for an earlier payment once the key may be forgotten."""
    capture: bool = True
    earlier: str | None = None
    """The payment of the earlier attempts, at a PSP that `continues` it."""


@frozen
class Capture:
    """Capture an authorised amount, or part of it (`amount` None: all)."""

    reference: str
    currency: str
    key: str
    amount: int | None = None


@frozen
class Refund:
    """Refund a captured amount, or part of it (`amount` None: all that is left)."""

    reference: str
    currency: str
    key: str
    amount: int | None = None


@frozen
class Lookup:
    """Ask for all payments of a donation."""

    donation: str
    amount: int
    currency: str


@frozen
class Answer:
    """A definite answer. `code` and `message` are the PSP's own, `reference` its id of the payment."""

    outcome: Outcome
    code: str
    message: str
    reference: str | None = None
    redirect_url: str | None = None


Status = Literal["paid", "authorised", "declined", "retry", "redirect", "abandoned", "refunded", "pending", "cancelled"]
"""A payment's status in the flow: an Outcome, except `abandoned` if the donor did not complete it."""


class Attempt(TypedDict):
    """One attempt to take the payment, with the PSP's definite answer."""

    number: int
    psp: str
    idempotency_key: str
    status: str
    code: str
    message: str
    reference: str | None
    at: str
    """RFC 3339."""
    delay_seconds: int
    redirected_at: NotRequired[str]
    returns: NotRequired[int]
    """How often the donor came back, or a wait was over, while the payment was still open at the PSP."""


class Payment(TypedDict):
    """The answer of a PSP's function: the new value of the document's `payment`."""

    status: Status
    code: str
    message: str
    reference: str | None
    psp: str
    delay_seconds: int
    """Seconds to wait before the next attempt; 0 if there is none."""
    redirect_url: str | None
    redirect_seconds: int
    """Seconds to wait for the donor; 0 unless the status is `redirect`."""
    attempts: list[Attempt]


class Operation(Payment):
    """The answer to a capture or a refund."""

    operation: str
    idempotency_key: str
    amount: int | None
    at: str


class State(TypedDict):
    """The current state of one payment at the PSP; `status` is an Outcome."""

    status: str
    code: str
    message: str
    reference: str | None


class Payments(TypedDict):
    """The answer to a look-up: every payment of the donation at the PSP."""

    payments: list[State]


class Psp(Protocol):
    """A payment service provider. Every operation may raise PspUnavailable and PspRefused."""

    @property
    def name(self) -> str: ...

    @property
    def schedule(self) -> tuple[int, ...]:
        """Seconds to wait before the second attempt, the third, …; after the last one the payment is declined."""
        ...

    @property
    def continues(self) -> bool:
        """True if a later attempt goes on with the payment of the first one, which is taken once at most."""
        ...

    def authorise(self, request: Authorisation) -> Answer:
        """Authorise; return the first answer again if the key was used before, however long ago."""
        ...

    def capture(self, request: Capture) -> Answer: ...

    def refund(self, request: Refund) -> Answer:
        """Refund; the answer may be PENDING: asking again with the same key returns the refund's current state."""
        ...

    def find(self, reference: str) -> Answer:
        """Return the payment's current state. Raises PspRefused if the PSP does not know it, which is not a decline."""
        ...

    def look_up(self, request: Lookup) -> list[Answer]:
        """Return the current state of every payment of the donation. Raises PspRefused if an amount differs."""
        ...

    def cancel(self, reference: str) -> Answer:
        """Cancel the payment, so that it can never be taken; if it is too late, return its current state."""
        ...
