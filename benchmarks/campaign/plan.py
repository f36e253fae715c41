"""What happens in one scenario: a pure function of the seed and the scenario's number."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random
from typing import Any

from attrs import frozen

from benchmarks.campaign import adyen_books, gocardless_books
from benchmarks.campaign.banks import PSPS
from handlers.psp_sandbox.testcards import CARDS

HOUR = 3600
DAY = 24 * HOUR

_CURRENCIES = ("GBP", "EUR", "JPY", "UGX", "ISK", "MGA", "KWD")
_DEBITED = ("GBP", "EUR", "SEK", "DKK")
_AMOUNTS = (1, 10, 99, 100, 2500, 9990, 99_999_990)
_CHARITIES = ("Lifeboats", "Médecins du Monde", "救命艇")
_NAMES = ("Ada Lovelace", "Grace Hopper", "山田 花子", "Zoë Ó Súilleabháin")
_DECIDED = [card for card in CARDS if card.bank != "waits"]
"""Those that a PSP decides in the end: a debit that stays pending is left for people, rightly."""

_OFTEN = ("tok_paid", "tok_3ds", "tok_later_once", "tok_3ds_abandoned", "tok_answer_lost", "tok_declined")
_CARDS = (_OFTEN, tuple(card.token for card in _DECIDED))

TOKENS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    # By PSP: those that most donations have, and all.
    "sandbox": _CARDS,
    "stripe": _CARDS,
    "adyen": (("pm_paid", "pm_3ds", "pm_pending"), tuple(adyen_books.BANKS)),
    "gocardless": (("MDPAID", "new_mandate", "MDLATER"), (*gocardless_books.BANKS, "new_mandate", "MDUNKNOWN")),
}


@frozen
class Submission:
    """StartExecution, `at` seconds after the start."""

    at: int
    name: str
    donation: dict[str, Any]


@frozen
class Outage:
    """A store, the PSP (the name of its SQLite file) or a step's function is down for a while, in seconds after the
    start."""

    store: str
    start: int
    end: int


@frozen
class Plan:
    seed: int
    index: int
    psp: str
    """One of banks.PSPS."""
    submissions: tuple[Submission, ...]
    visits: tuple[tuple[tuple[int, str], ...], ...]
    """For each redirect in turn, what the donor and others do: seconds after it, and one of `DONOR`."""
    stops: tuple[tuple[int, int], ...]
    """StopExecution: seconds after the start, and the number of the submission."""
    sweeps: tuple[int, ...]
    """Runs of handlers.reconcile beside the executions, in seconds after the start."""
    refunds: tuple[tuple[int, str, int, int | None], ...]
    """Requests of refunds: seconds after the start, the donation, the refund's number, and the amount: None for all
    that is left. A number is also requested again, with another amount."""
    captures: tuple[tuple[int, str, int | None], ...]
    """Requests to take reserved donations: seconds after the start, the donation, and the amount: None for all, 0 to
    release it."""
    by_hand: tuple[tuple[int, str, str, int], ...]
    """What somebody does in the PSP's dashboard, or the donor's bank: seconds after the start, one of banks.BY_HAND or
    banks.BY_BANK, the donation, and the amount."""
    operators: tuple[tuple[int, str, str], ...]
    """Commands of operators: seconds after the start, one of `OPERATORS`, and the donation."""
    outages: tuple[Outage, ...]
    call_faults: float
    """The share of calls that are disturbed."""
    store_faults: float
    """The share of the stores' transactions that are disturbed."""
    psp_faults: float
    """The share of requests to the PSP that are disturbed."""
    races: float
    """The share of transactions before which the same, or another execution, runs from its start to its end."""
    clock_skew: int
    """Seconds by which a function's clock may be ahead or behind, at each look another time."""
    tables: bool
    """True if the stores are DynamoDB's tables, which take more time, and no process is killed."""
    webhook: str
    """How the PSP's events arrive: one of `WEBHOOKS`."""
    kill_at: int | None
    """The transaction at which the process is killed; the donations are then run again in a new one."""


OPERATORS = ("close", "close not taken", "close refunds", "erase")
"""`python -m handlers.transactions close`, with --not-taken, or erase; `python -m handlers.refunds close` of each
refund that failed, and with --not-made of each that the PSP does not have."""

DONOR = ("pay", "fail", "return", "return again", "spoof", "garbage", "stale")
"""pay, fail: at the PSP. return: the return page is called. spoof: with a claim to have paid. garbage: the task is
answered with something else than the return page sends. stale: a token is used that nobody issued."""

WEBHOOKS = ("never", "at once", "late", "in disorder")
"""late: after minutes to days. in disorder: late, lost, twice, and mixed with forged ones."""


def plan(seed: int, index: int) -> Plan:
    """Return the scenario of this number."""
    dice = Random(f"{seed}/{index}")
    calm = dice.random() < 0.15
    psp = dice.choice(PSPS)
    donations = [_donation(dice, psp, f"c{index}-{number}") for number in range(dice.choice((1, 1, 1, 2, 3)))]
    submissions = tuple(
        Submission(at, f"{donation['id']}-{number}", donation if number == 0 else _again(dice, psp, donation))
        for donation in donations
        for number, at in enumerate(_times(dice))
    )
    harsh = 0.0 if calm else dice.choice((0.03, 0.1, 0.3, 0.6))
    more = Random(f"{seed}/{index}/by hand")
    later = Random(f"{seed}/{index}/later")
    tables = Random(f"{seed}/{index}/tables").random() < 0.08
    identities = [donation["id"] for donation in donations]
    closed = _closed_meanwhile(later, identities) if not calm and later.random() < 0.25 else ((), (), ())
    erased = _erased_meanwhile(later, identities) if not calm and later.random() < 0.15 else ((), (), ())
    return Plan(
        seed,
        index,
        psp,
        submissions,
        visits=tuple(_visit(dice) for _ in range(6)),
        stops=tuple((dice.choice((0, 1, 30, 400, DAY)), _index(dice, submissions)) for _ in range(_few(dice, calm))),
        sweeps=(
            *(dice.choice((0, 5, 600, HOUR, 2 * HOUR, 2 * DAY)) for _ in range(_few(dice, calm) + 1)),
            *erased[0],
        ),
        refunds=(
            *(_refund(later, donation) for donation in donations for _ in range(later.choice((0, 0, 1, 3)))),
            *closed[0],
        ),
        captures=tuple(_capture(dice, donation) for donation in donations if "capture" in donation for _ in range(2)),
        outages=(
            *(_outage(dice) for _ in range(_few(dice, calm))),
            *(() if calm else _long_outages(later)),
            *closed[1],
            *erased[1],
        ),
        call_faults=harsh,
        store_faults=0.0 if calm else dice.choice((0.0, 0.02, 0.1, 0.3)),
        psp_faults=0.0 if calm else later.choice((0.0, 0.05, 0.2, 0.5)),
        races=0.0 if calm else dice.choice((0.0, 0.0, 0.05)),
        kill_at=_kill(later) if not calm and dice.random() < 0.15 and not tables else None,
        tables=tables,
        webhook=dice.choice(WEBHOOKS),
        clock_skew=Random(f"{seed}/{index}/clocks").choice((0, 0, 170)),
        by_hand=(*_all(more, donations, _by_hand), *_all(later, donations, _by_bank)),
        operators=(
            *(
                (later.choice((HOUR, DAY, 5 * DAY, 15 * DAY)), later.choice(OPERATORS), later.choice(identities))
                for _ in range(later.choice((0, 0, 1, 3)))
            ),
            *closed[2],
            *erased[2],
        ),
    )


def _donation(dice: Random, psp: str, identity: str) -> dict[str, Any]:
    later = {"capture": "later"} if dice.random() < 0.15 else {}
    often, every = TOKENS[psp]
    token = dice.choice(often) if dice.random() < 0.6 else dice.choice(every)
    return {
        "id": identity,
        **later,
        "charity": dice.choice(_CHARITIES),
        "amount": dice.choice(_AMOUNTS),
        "currency": dice.choice(_DEBITED if psp == "gocardless" else _CURRENCIES),
        "payment_method": {"type": "card", "token": token},
        "donor": {"name": dice.choice(_NAMES), "email": f"donor-{identity}@example.org"},
    }


def _times(dice: Random) -> list[int]:
    """When a donation is submitted: once, twice at the same moment, again later."""
    return [0, *(dice.choice((0, 0, 1, 7, 300, HOUR, DAY, 8 * DAY)) for _ in range(dice.choice((0, 0, 1, 1, 2))))]


def _again(dice: Random, psp: str, donation: dict[str, Any]) -> dict[str, Any]:
    """The donation once more, or another one with its id."""
    if dice.random() < 0.6:
        return donation
    changes: list[dict[str, Any]] = [
        {"amount": donation["amount"] + 10},
        {"currency": "USD"},
        {"charity": "Rainforest"},
        {"payment_method": {"type": "card", "token": dice.choice(TOKENS[psp][1])}},
        {"donor": {**donation["donor"], "email": "somebody@example.org"}},
    ]
    return {**donation, **dice.choice(changes)}


def _visit(dice: Random) -> tuple[tuple[int, str], ...]:
    acts = dice.choices(("return", "pay", *DONOR), k=dice.choice((0, 1, 2, 2, 3, 5)))
    times = sorted(dice.choice((0, 1, 20, 90, 600, HOUR, DAY - 1, DAY, DAY + 1, 3 * DAY)) for _ in acts)
    return tuple(zip(times, acts, strict=True))


def _outage(dice: Random) -> Outage:
    start = dice.choice((0, 0, 1, 60, HOUR))
    length = dice.choice((10, 300, HOUR, 5 * HOUR, 2 * DAY, 9 * DAY))
    return Outage(dice.choice(("psp", "psp", "choices", "transactions", "totals", "outbox")), start, start + length)


_Commands = tuple[tuple[int, str, str], ...]
_Refunds = tuple[tuple[int, str, int, int | None], ...]


def _erased_meanwhile(dice: Random, identities: list[str]) -> tuple[tuple[int, ...], tuple[Outage, ...], _Commands]:
    """Donors that are erased after a sweep has stored what their executions cannot store yet."""
    at = dice.choice((900, 2 * HOUR, DAY))
    outage = Outage("PersistOutput", 0, at + dice.choice((60, HOUR)))
    return (at,), (outage,), tuple((at + 30, "erase", each) for each in identities)


def _closed_meanwhile(dice: Random, identities: list[str]) -> tuple[_Refunds, tuple[Outage, ...], _Commands]:
    """Refunds that are requested while the PSP is down, and that somebody closes when it is back, or before."""
    start = dice.choice((5 * HOUR, 2 * DAY, 12 * DAY))
    end = start + dice.choice((HOUR, 5 * HOUR, 2 * DAY, 9 * DAY))
    at = end + dice.choice((-HOUR, 60, HOUR, 3 * HOUR, 5 * HOUR))
    return (
        tuple((start + dice.choice((0, 60, 600)), each, 1, 10) for each in identities),
        (Outage("psp", start, end),),
        tuple((at, "close refunds", each) for each in identities),
    )


def _kill(dice: Random) -> int:
    return int(dice.choice((30, 120)) * dice.random()) + 1


def _long_outages(dice: Random) -> Iterator[Outage]:
    if dice.random() < 0.15:
        start = dice.choice((0, HOUR, 3 * DAY))
        store = dice.choice(("refunds", "captures", "redirects", "disputes", "adyen"))
        yield Outage(store, start, start + dice.choice((300, 5 * HOUR, 2 * DAY)))
    if dice.random() < 0.1:
        start = dice.choice((0, HOUR, 2 * DAY))
        yield Outage("psp", start, start + dice.choice((*(9 * DAY,) * 6, 40 * DAY, 100 * DAY)))


def _refund(dice: Random, donation: dict[str, Any]) -> tuple[int, str, int, int | None]:
    at = dice.choice((0, 900, 5 * HOUR, 2 * DAY, 2 * DAY, 12 * DAY, 20 * DAY))
    amount = dice.choice((10, 10, 10, None, max(1, donation["amount"] // 20 * 10)))
    return at, donation["id"], dice.choice((1, 1, 2)), amount


def _capture(dice: Random, donation: dict[str, Any]) -> tuple[int, str, int | None]:
    amount = dice.choice((None, None, donation["amount"], max(1, donation["amount"] // 20 * 10), 0))
    return dice.choice((5, 900, HOUR, DAY, 4 * DAY)), donation["id"], amount


_Act = tuple[int, str, str, int]


def _all(
    dice: Random, donations: list[dict[str, Any]], acts: Callable[[Random, dict[str, Any]], Iterator[_Act]]
) -> tuple[_Act, ...]:
    return tuple(act for each in donations for act in acts(dice, each))


def _by_hand(dice: Random, donation: dict[str, Any]) -> Iterator[_Act]:
    if dice.random() >= (0.5 if "capture" in donation else 0.1):
        return
    act = dice.choice(("capture", "capture", "release", "another") if "capture" in donation else ("another", "refund"))
    amount = dice.choice((donation["amount"], max(1, donation["amount"] // 20 * 10), 10))
    at = dice.choice((30, 900, HOUR, DAY, 3 * DAY, 8 * DAY))
    yield at, act, donation["id"], amount
    if act == "another" and dice.random() < 0.3:
        yield at + dice.choice((0, 900, DAY)), "give back", donation["id"], amount


def _by_bank(dice: Random, donation: dict[str, Any]) -> Iterator[_Act]:
    if dice.random() < 0.25:
        yield dice.choice((3 * DAY, 14 * DAY, 21 * DAY)), "return refund", donation["id"], 0
    if dice.random() < 0.25:
        at = dice.choice((HOUR, 3 * DAY, 13 * DAY))
        for act in ("dispute", *dice.choice(((), ("lose",), ("win",), ("lose", "win"), ("win", "lose")))):
            yield at, act, donation["id"], 0
            at += dice.choice((60, 2 * DAY, 10 * DAY))


def _few(dice: Random, calm: bool) -> int:
    return 0 if calm else dice.choice((0, 0, 0, 1, 2))


def _index(dice: Random, items: tuple[Any, ...]) -> int:
    return dice.randrange(len(items))
