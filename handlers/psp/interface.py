"""The interface of PSPs: requests, answers and operations. Amounts are integers in ISO 4217's minor unit."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Literal, NotRequired, Protocol, TypedDict, TypeGuard

from attrs import evolve, field, frozen

from handlers.terminal import plain


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
    """Neither taken nor refused yet, and the donor has nothing to do: ask again. A bank debit stays so for days."""
    CANCELLED = "cancelled"
    """Cancelled at the PSP: it can no longer be taken."""


class PspUnavailable(Exception):
    """The PSP could not be reached, or its answer is not definite: repeat the same request with the same key.

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
    token: str = field(default="", repr=False)
    """The payment method's, empty if the donor's data was erased: some PSPs list payments by it only."""
    since: str = ""
    """When this PSP was selected for the donation (RFC 3339): its payments are not older. Empty if unknown."""
    reported: str = ""
    """The reference of a payment that the PSP has reported: only that one has to be among the answers."""


@frozen
class Answer:
    """A definite answer. `code` and `message` are the PSP's own, `reference` its id of the payment."""

    outcome: Outcome
    code: str
    message: str
    reference: str | None = None
    redirect_url: str | None = None
    amount: int | None = None
    """The payment's amount. This and all below is set by `look_up` only; None: no whole amount of the minor unit."""
    currency: str | None = None
    captured: int | None = None
    """The amount that was taken, whatever was refunded since; 0: nothing. None as for `amount`."""
    is_further: bool = False
    """True if the flow did not ask for this payment: somebody took it at the PSP."""


_TEXT, _ID, _URL = 500, 255, 8192
LARGEST = 10**12
"""In the minor unit: ten thousand times the largest donation."""


def bounded(answer: Answer) -> Answer:
    """Return the answer with its texts cut, in one line: a document that gets too large ends its execution, whatever
    was taken.

    Raises PspUnavailable if a part has another type or is out of range: the PSPs' libraries accept any JSON for a
    status, an amount or an id.
    """
    # Without its id, a payment that was taken could be neither refunded nor told from another one.
    is_needed = answer.outcome in (Outcome.PAID, Outcome.AUTHORISED)
    if not (_is_text(answer.reference, _ID) or (answer.reference is None and not is_needed)):
        raise PspUnavailable("the PSP's answer has no usable reference")
    url = answer.redirect_url
    if url is not None and not (_is_text(url, _URL) and url.startswith("https://")):
        raise PspUnavailable("the PSP's answer has no usable URL for the donor")
    if not (isinstance(answer.code, str) and isinstance(answer.message, str)):
        raise PspUnavailable("the PSP's answer has no usable status")
    if not all(each is None or is_amount(each) for each in (answer.amount, answer.captured)):
        raise PspUnavailable("the PSP's answer has no usable amount")
    if answer.currency is not None and not re.fullmatch("[A-Z]{3}", str(answer.currency)):
        raise PspUnavailable("the PSP's answer has no usable currency")
    return evolve(answer, code=plain(answer.code)[:_ID], message=plain(answer.message)[:_TEXT])


def is_amount(value: object) -> TypeGuard[int]:
    """Return true if the value is an integer from 0 to LARGEST."""
    return type(value) is int and 0 <= value <= LARGEST


def _is_text(value: object, longest: int) -> bool:
    return isinstance(value, str) and 0 < len(value) <= longest


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
    pending_at: NotRequired[str]
    """When the PSP first said that it has not decided yet."""
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
    pending_seconds: int
    """Seconds to wait for the PSP's webhook before asking again; 0 unless the status is `pending`."""
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
    amount: int | None
    currency: str | None
    captured: int | None
    further: bool
    """For the last four see Answer."""


class Refunded(TypedDict):
    """The answer to `find_refund`."""

    refund: State | None
    """None: the PSP has no such refund."""


class Payments(TypedDict):
    """The answer to a look-up: every payment of the donation at the PSP."""

    payments: list[State]
    patience: int
    """Seconds for which a payment may be pending before an operator has to look."""


class Psp(Protocol):
    """A payment service provider.

    Whatever the PSP answers (another type, HTML, half of an object), an operation returns an Answer, or raises
    PspUnavailable or PspRefused.
    """

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

    @property
    def captures(self) -> bool:
        """False if a payment cannot be authorised first and captured later: `perform` declines both operations."""
        ...

    @property
    def patience(self) -> int:
        """Seconds for which a payment may be PENDING before an operator has to look. 0: the PSP decides within moments,
        so that repeating the request is enough."""
        ...

    def authorise(self, request: Authorisation) -> Answer:
        """Authorise; return the first answer again if the key was used before, however long ago."""
        ...

    def capture(self, request: Capture) -> Answer: ...

    def refund(self, request: Refund) -> Answer:
        """Refund; the answer may be PENDING: asking again with the same key returns the refund's current state."""
        ...

    def find(self, reference: str, returned: Mapping[str, str] | None = None) -> Answer:
        """Return the payment's current state. Raises PspRefused if the PSP does not know it, which is not a decline.

        `returned` has the parameters with which the donor's browser came back: do not trust them, but some PSPs need
        theirs.
        """
        ...

    def find_refund(self, request: Refund) -> Answer | None:
        """Return the current state of the refund with this key, or None if there is none; refund nothing.

        The key of a refund that somebody made at the PSP ends with a colon and the PSP's id of it. Raises
        PspUnavailable if the PSP cannot say whether there is one, PspRefused if it has another amount.
        """
        ...

    def look_up(self, request: Lookup) -> list[Answer]:
        """Return the current state of every payment of the donation, of whatever amount, and of those that somebody
        made at the PSP."""
        ...

    def cancel(self, reference: str) -> Answer:
        """Cancel the payment, so that it can never be taken; if it is too late, return its current state."""
        ...
