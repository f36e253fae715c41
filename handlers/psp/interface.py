"""The agreed interface: requests, answers and operations. Amounts are integers in the currency's minor unit."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal, NotRequired, Protocol, TypedDict

from attrs import field, frozen


class Outcome(StrEnum):
    """What an answer of the PSP means, whatever its own codes are."""

    PAID = "paid"
    AUTHORISED = "authorised"
    REFUNDED = "refunded"
    DECLINED = "declined"
    RETRY = "retry"
    """Not now: a later attempt may succeed."""
    REDIRECT = "redirect"
    """The donor has to visit `redirect_url` first, and may still be there."""
    PENDING = "pending"
    """Neither taken nor refused yet, and nothing that the donor could do: ask again."""
    CANCELLED = "cancelled"
    """Given up at the PSP: it cannot be taken any more."""


class PspUnavailable(Exception):
    """The PSP was not reached, or its answer is not definite. Repeat the same request with the same key.

    The payment may have been taken, so no attempt is counted.
    """


class PspRefused(Exception):
    """The PSP does not take our requests (credentials, a key used for another payment, …): people have to look."""


@frozen
class Authorisation:
    """Reserve an amount, and take it at once where `capture` says so."""

    donation: str
    amount: int
    currency: str
    method: str
    """The type of the payment method, such as `card`."""
    token: str = field(repr=False)
    """The PSP's own token for the payment method; never a card number."""
    key: str
    """The idempotency key: the PSP does the operation at most once for it."""
    since: str
    """When the donation was given to this PSP (RFC 3339): the key was not used before. A PSP that forgets keys has
    to look for an earlier payment once the key may be forgotten."""
    capture: bool = True


@frozen
class Capture:
    """Take an authorised amount, or a part of it (`amount` None takes all)."""

    reference: str
    currency: str
    key: str
    amount: int | None = None


@frozen
class Refund:
    """Give back a taken amount, or a part of it (`amount` None gives back all that is left)."""

    reference: str
    currency: str
    key: str
    amount: int | None = None


@frozen
class Answer:
    """A definite answer. `code` and `message` are the PSP's own, `reference` its id of the payment."""

    outcome: Outcome
    code: str
    message: str
    reference: str | None = None
    redirect_url: str | None = None


Status = Literal["paid", "authorised", "declined", "retry", "redirect", "abandoned", "refunded", "cancelled"]
"""How a payment stands for the flow: an Outcome, but `abandoned` for one that the donor left."""


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


class Payment(TypedDict):
    """What a PSP's function answers: the new value of the document's `payment`."""

    status: Status
    code: str
    message: str
    reference: str | None
    psp: str
    delay_seconds: int
    """Seconds to wait before the next attempt; 0 where there is none to make."""
    redirect_url: str | None
    attempts: list[Attempt]


class Operation(Payment):
    """The answer to a capture or a refund."""

    operation: str
    idempotency_key: str
    amount: int | None
    at: str


class Psp(Protocol):
    """A payment service provider. Every operation may raise PspUnavailable and PspRefused."""

    @property
    def name(self) -> str: ...

    @property
    def schedule(self) -> tuple[int, ...]:
        """Seconds to wait before the second attempt, the third, …; after the last one a payment is declined."""
        ...

    def authorise(self, request: Authorisation) -> Answer:
        """The answer; the first one again where the key was used before, however long ago."""
        ...

    def capture(self, request: Capture) -> Answer: ...

    def refund(self, request: Refund) -> Answer: ...

    def find(self, reference: str) -> Answer:
        """How the payment stands now. Raises PspRefused where the PSP does not know it: that is no decline."""
        ...

    def cancel(self, reference: str) -> Answer:
        """Give the payment up, so that it cannot be taken later; where it is too late, how it stands."""
        ...
