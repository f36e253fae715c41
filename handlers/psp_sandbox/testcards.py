"""The sandbox's cards: the card alone decides a payment's outcome.

Numbers are Stripe's test numbers if it documents one for the outcome; the others are the sandbox's own.
"""

from __future__ import annotations

from typing import Literal

from attrs import frozen

ALWAYS = 1_000_000


@frozen
class Card:
    """A card and its outcome. Counts are per order (a donation), so that orders do not affect each other."""

    number: str
    token: str
    """A token that works without exchanging the number first."""
    about: str
    code: str = "00"
    """The answer's code after all faults; see codes.py."""
    later: int = 0
    """Number of attempts that are first answered with 91 (try again later)."""
    down: int = 0
    """Number of requests that first fail because the PSP is down."""
    lost: int = 0
    """Number of answers that are lost after the payment is stored."""
    donor: Literal["passes", "fails", "waits"] | None = None
    """The donor's behaviour at 3-D Secure, or None if the card does not require it."""
    bank: Literal["confirms", "returns", "waits"] | None = None
    """The bank's decision when it is asked the next time, or None for a bank that decides immediately."""


CARDS: tuple[Card, ...] = (
    Card("4242424242424242", "tok_paid", "paid at once"),
    Card("4000000000000002", "tok_declined", "declined: do not honour", "05"),
    Card("4000000000009995", "tok_insufficient_funds", "declined: insufficient funds", "51"),
    Card("4000000000000069", "tok_expired_card", "declined: expired card", "54"),
    Card("4000000000009987", "tok_lost_card", "declined: lost card", "41"),
    Card("4000000000009979", "tok_stolen_card", "declined: stolen card", "43"),
    Card("4100000000000019", "tok_fraud", "declined: suspected fraud", "59"),
    Card("4000000000000127", "tok_incorrect_cvc", "declined: wrong security code", "N7"),
    Card("4000009100000010", "tok_later_once", "try again later once, then paid", later=1),
    Card("4000009100000028", "tok_later_twice", "try again later twice, then paid", later=2),
    Card("4000009100000036", "tok_later_declined", "try again later once, then declined", "05", later=1),
    Card("4000009100000044", "tok_later_always", "always try again later", later=ALWAYS),
    Card("4000000000003220", "tok_3ds", "3-D Secure: the donor returns, paid", donor="passes"),
    Card(
        "4000008400001629",
        "tok_3ds_declined",
        "3-D Secure: the donor returns, declined",
        "05",
        donor="passes",
    ),
    Card("4000008260003178", "tok_3ds_failed", "3-D Secure: the donor fails, declined", donor="fails"),
    Card("4000002760003184", "tok_3ds_abandoned", "3-D Secure: the donor does nothing", donor="waits"),
    Card("4000002500003155", "tok_3ds_later", "3-D Secure, then later once, then paid", later=1, donor="passes"),
    Card("4000005000000019", "tok_down_once", "the PSP is down for one request, then paid", down=1),
    Card("4000005000000027", "tok_down_twice", "the PSP is down for two requests, then paid", down=2),
    Card("4000005000000035", "tok_down_always", "the PSP is down", down=ALWAYS),
    Card("4000005000000043", "tok_answer_lost", "paid, but the first answer gets lost", lost=1),
    Card("4000006000000017", "tok_debit", "a bank debit: pending, then paid", bank="confirms"),
    Card("4000006000000025", "tok_debit_returned", "a bank debit: pending, then declined", "51", bank="returns"),
    Card("4000006000000033", "tok_debit_waits", "a bank debit: stays pending", bank="waits"),
    Card("4000005000000050", "tok_answers_lost", "paid, but no answer ever arrives", lost=ALWAYS),
)

BY_NUMBER = {card.number: card for card in CARDS}
BY_TOKEN = {card.token: card for card in CARDS}
