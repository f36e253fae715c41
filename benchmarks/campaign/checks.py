"""Judge a scenario by the PSP's ledger: every violation is a sentence."""

from __future__ import annotations

import json
import os
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import boto3
from attrs import evolve

from benchmarks.campaign.banks import bank, taken_back
from benchmarks.campaign.plan import Plan
from benchmarks.campaign.scenario import Outcome, messages
from benchmarks.campaign.transport import FURTHER
from benchmarks.campaign.world import Ended
from handlers import captures, disputes, refunds, sqlite
from handlers.document import is_for_later
from handlers.fingerprint import fingerprint
from handlers.psp_adyen.facts import ANSWERED, facts_of
from handlers.psp_sandbox.ledger import Payment
from handlers.select_psp import choices
from handlers.transactions.record import Transaction
from handlers.transactions.store import store

_TAKEN, _UNDECIDED = "captured", ("action_required", "authorised", "processing")
_NOT_TAKEN = ("action_required", "declined", "cancelled")
_NO_RECORD = "nothing of it is stored, and no execution failed"


def violations(plan: Plan, outcome: Outcome) -> Iterator[str]:
    """Yield what is wrong; call it with PAYMENTS_DATA set to the scenario's folder."""
    submitted: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for submission in plan.submissions:
        submitted[submission.donation["id"]].append(submission.donation)
    folder = sqlite.database("any").parent
    payments, lost = bank(plan.psp, folder).payments(), taken_back(plan.psp, folder)
    for identity, donations in submitted.items():
        record = store().get(identity)
        everything = [each for each in payments if each.order_id == identity]
        of = _asked_for(everything, record)
        asked_for = {each.reference for each in of}
        executions = [each for each in outcome.executions if each.donation["id"] == identity]
        for problem in (
            *_ledger(identity, donations, of),
            *_refunds(identity, of, outcome),
            *_captured(plan, identity, of),
            *_further(identity, [each for each in everything if each.reference not in asked_for], outcome),
            *_record(identity, of, lost, record, outcome, executions),
            *(problem for execution in executions for problem in _execution(execution, of)),
            *_history(plan, identity),
        ):
            yield f"{identity}: {problem}"
    yield from outcome.forged
    yield from outcome.unsettled
    yield from outcome.not_erased
    yield from outcome.operators.mistakes
    for identity in sorted(outcome.operators.not_made & bank(plan.psp, folder).refund_keys()):
        yield f"{identity}: closed as not made, and made after that"
    yield from _totals(payments, lost)
    yield from _messages(payments)
    yield from _private(plan, outcome.log)


def _ledger(identity: str, donations: list[dict[str, Any]], payments: list[Payment]) -> Iterator[str]:
    """The donation is charged once at most, and as it was submitted by the one that owns the id."""
    taken = [payment for payment in payments if payment.captured]
    if len(taken) > 1:
        yield f"taken {len(taken)} times: {', '.join(payment.reference for payment in taken)}"
    choice = choices.find(identity)
    owners = [each for each in donations if choice and fingerprint(each) == choice.fingerprint]
    for payment in payments:
        if not owners or (payment.amount, payment.currency) != (owners[0]["amount"], owners[0]["currency"]):
            yield f"the PSP was asked for {payment.amount} {payment.currency}, which is not the first donation's amount"
    refunded = sum(payment.refunded for payment in payments)
    stored = refunds.of_donation(identity)
    if refunded != sum(refund.amount for refund in stored if refund.status == "refunded"):
        yield f"refunded {refunded} at the PSP; stored are {[(each.id, each.status, each.amount) for each in stored]}"


def _refunds(identity: str, payments: list[Payment], outcome: Outcome) -> Iterator[str]:
    """What the donor's bank has taken back is not given back a second time."""
    captured = sum(payment.captured for payment in payments)
    disputed = sum(each.amount for each in disputes.listed() if each.donation == identity and each.takes_back)
    for refund in refunds.of_donation(identity):
        before = outcome.operators.disputed.get(refund.id, 0)
        if min(before, disputed) + refund.amount > captured:
            yield f"{refund.id}: {refund.amount} of {captured}, although {before} was in a dispute"
        if not refund.is_final and refund.id not in {each.id for each in outcome.last}:
            yield f"{refund.id}: {refund.status}, and not in the list of open work"


def _asked_for(payments: list[Payment], record: Transaction | None) -> list[Payment]:
    """Return the payments of a donation that the flow asked for.

    If Adyen never answered, nothing that it signs tells the flow's payment from one that somebody typed in with its
    reference and amount. Then the one that is stored as the donation's is the flow's, and the other one is by hand. It
    is stored as a reservation, as asked for, even if Adyen took it at once, and listed until somebody looks at it.
    """
    own = [each for each in payments if each.code != FURTHER]
    stored = next((each for each in payments if record is not None and each.reference == record.reference), None)
    if record is None or stored is None or stored.code != FURTHER or record.psp != "psp_adyen":
        return own
    reference = stored.reference.partition(":")[0]
    answers = [each for each in facts_of(record.id) if (each.kind, each.reference) == (ANSWERED, reference)]
    asked = [each for each in own if each.reference.partition(":")[0] == reference]
    is_same = [(each.amount, each.currency) for each in asked] == [(stored.amount, stored.currency)]
    if any(each.psp_reference for each in answers) or not is_same:
        return own
    if record.status == "authorised":
        stored = evolve(stored, status="authorised", captured=0, capture=False)
    return [stored, *(each for each in own if each not in asked)]


def _captured(plan: Plan, identity: str, payments: list[Payment]) -> Iterator[str]:
    """What was reserved is taken only if somebody asked for just that, and it is stored as what was taken."""
    choice = choices.find(identity)
    capture = captures.find(identity)
    reserved = {payment.amount for payment in payments}
    requested = [amount for _, donation, amount in plan.captures if donation == identity]
    asked = {amount for each in requested for amount in (reserved if each is None else {each})}
    asked |= {amount for _, act, donation, amount in plan.by_hand if (act, donation) == ("capture", identity)}
    for payment in payments:
        if choice is None or payment.capture or not payment.captured:
            continue
        if payment.captured not in asked:
            yield f"{payment.captured} was taken of a reservation; requested were {asked}"
        if capture is None or (capture.status, capture.amount) != ("captured", payment.captured):
            yield f"{payment.captured} was taken of a reservation; stored is {capture}"


def _further(identity: str, payments: list[Payment], outcome: Outcome) -> Iterator[str]:
    """What somebody took by hand, beside what the flow asked for, is stored with its amount, and for people."""
    conflicts = {
        (each.reference, each.amount, each.currency)
        for each in store().history(identity)
        if each.status in ("conflict", "closed")
    }
    for payment in (each for each in payments if each.captured):
        if (payment.reference, payment.captured, payment.currency) not in conflicts:
            taken = f"{payment.captured} {payment.currency}"
            yield f"{taken} was taken by hand; {payment.reference} is not stored as a conflict"
        elif identity not in {*outcome.operators.closed, *(each.id for each in outcome.last if each.is_open_work)}:
            yield f"taken by hand, and not in the list of open work: {payment.reference}"


def _record(
    identity: str,
    payments: list[Payment],
    lost: dict[str, int],
    record: Transaction | None,
    outcome: Outcome,
    executions: list[Ended],
) -> Iterator[str]:
    """Paid is taken with that amount, taken is stored, anything else is in the list of open work."""
    is_paid = record is not None and record.status == "paid"
    taken = [
        payment for payment in payments if payment.captured and (is_paid or not _is_taken_back(payment, record, lost))
    ]
    listed = {finding.id for finding in outcome.first}
    if record is None:
        if payments:
            yield f"the PSP has {len(payments)} payments, but no record of the donation is stored"
        elif executions and all(each.status == "SUCCEEDED" for each in executions):
            yield _NO_RECORD
        return
    if record.status == "paid":
        if [(each.reference, each.captured, each.currency) for each in taken] != [
            (record.reference, record.amount, record.currency)
        ]:
            yield f"stored as paid, {record.amount} {record.currency} by {record.reference}; the PSP took {taken}"
        if not record.complete:
            yield "post-processing was never finished"
    elif taken:
        yield f"taken by {taken[0].reference}, and stored as {record.status} after the sweep"
    elif record.status in ("open", "broken") and not _is_for_people(record, payments, outcome):
        yield f"still {record.status} after the sweep"
    if record.status == "authorised" and identity not in {each.id for each in outcome.final}:
        yield "still reserved, and not in the list of open work"
    undecided = [each.status for each in payments if each.status in _UNDECIDED]
    if record.status == "authorised" and undecided != ["authorised"]:
        yield f"stored as authorised; the PSP: {payments}"
    if record.status in ("declined", "abandoned"):
        for payment in payments:
            if payment.status in _UNDECIDED:
                yield f"stored as {record.status}, but {payment.reference} can still be paid"
    before = [each for each in store().history(identity) if each.status != "conflict"]
    if taken and not listed & {identity} and not any(each.status == "paid" for each in before):
        yield "taken, not stored, and not in the list of open work"


def _is_taken_back(payment: Payment, record: Transaction | None, lost: dict[str, int]) -> bool:
    """Return true if the bank took the payment back before anybody knew that it was taken, and just that is stored: a
    declined donation with this payment. Its total is 0, as _totals sees."""
    is_stored = record is not None and (record.status, record.reference) == ("declined", payment.reference)
    return is_stored and payment.reference in lost


def _is_for_people(record: Transaction, payments: list[Payment], outcome: Outcome) -> bool:
    """Return true if the last sweep lists the donation as open work and should: the PSP has no payment for it, or is
    Adyen, which cannot be asked, and has taken nothing, and never told us the page on which the donor could pay."""
    work = [each for each in outcome.last if each.id == record.id and each.is_open_work]
    if not payments:
        return bool(work)
    answered = {each.reference for each in facts_of(record.id) if each.kind == ANSWERED}
    is_unknown = all(
        each.status in _NOT_TAKEN
        and (each.status != "action_required" or each.reference.partition(":")[0] not in answered)
        for each in payments
    )
    return record.psp == "psp_adyen" and is_unknown and any(each.is_for_the_dashboard for each in work)


def _execution(execution: Ended, payments: list[Payment]) -> Iterator[str]:
    """An execution ends, and what it says is true."""
    if execution.status == "RUNNING":
        yield f"execution {execution.name} hangs"
    if execution.status != "SUCCEEDED":
        return
    payment, stored = execution.output["payment"], execution.output["transaction"]
    if not isinstance(payment, dict):
        payment = {}  # a malformed answer, of a donation that another execution settled
    by_reference = {each.reference: each for each in payments}
    matching = by_reference.get(payment.get("reference"))
    donation = execution.donation
    if payment.get("status") == "paid" and (
        matching is None
        or matching.status != _TAKEN
        or (matching.captured, matching.currency) != (_taken_of(donation), donation["currency"])
    ):
        yield f"execution {execution.name} says paid; the PSP: {matching}"
    choice = choices.find(donation["id"])
    if choice is None or choice.fingerprint != fingerprint(donation):
        yield f"execution {execution.name} ended {stored['status']}, but another donation has the id"
    if stored["status"] not in ("paid", "authorised", "declined", "abandoned"):
        yield f"execution {execution.name} SUCCEEDED with the status {stored['status']}"


def _taken_of(donation: dict[str, Any]) -> int:
    """What is to be taken of a donation: its amount, or what was requested of a reserved one."""
    capture = captures.find(donation["id"]) if is_for_later({"donation": donation}) else None
    return capture.amount if capture else int(donation["amount"])


def _history(plan: Plan, identity: str) -> Iterator[str]:
    entries = store().history(identity)
    # In a table they are in the order of the writers' clocks, which stand still here.
    first = entries if plan.tables else entries[:1]
    if entries and not any(each.status in ("open", "broken", "conflict", "closed") for each in first):
        yield f"the history begins with {entries[0].status}: the intent is missing"


def _totals(payments: list[Payment], lost: dict[str, int]) -> Iterator[str]:
    """Each taken and stored donation counts once, and nothing else does."""
    expected: Counter[tuple[str, str]] = Counter()
    for payment in payments:
        record = store().get(payment.order_id)
        is_records = record is not None and record.reference == payment.reference
        if payment.captured and record is not None and is_records and record.status == "paid" and record.complete:
            left = payment.captured - payment.refunded - lost.get(payment.reference, 0)
            expected[(str(record.charity), payment.currency)] += left
    totals: Counter[tuple[str, str]] = Counter()
    for charity, currency, amount in _contributions():
        totals[(charity, currency)] += amount
    taken: Counter[tuple[str, str]] = Counter()
    for payment in payments:
        record = store().get(payment.order_id)
        left = payment.captured - payment.refunded - lost.get(payment.reference, 0)
        taken[(str(record.charity) if record else "?", payment.currency)] += left
    for key in expected.keys() | totals.keys():
        if not expected[key] <= totals[key] <= taken[key]:
            yield f"the total of {key} is {totals[key]}; complete are {expected[key]}, taken {taken[key]}"


def _contributions() -> Iterator[tuple[str, str, int]]:
    table, path = os.environ.get("TOTALS_TABLE"), sqlite.database("totals")
    if table:
        pages = boto3.client("dynamodb").get_paginator("scan").paginate(TableName=table)
        for item in (item for page in pages for item in page["Items"] if item["id"]["S"].startswith("donation#")):
            yield item["charity"]["S"], item["currency"]["S"], int(item["amount"]["N"])
    elif path.exists():
        with closing(sqlite3.connect(path)) as db:
            yield from db.execute("SELECT charity, currency, amount FROM contributions")


def _messages(payments: list[Payment]) -> Iterator[str]:
    """A receipt and an event for each complete donation, once, and none for what was not taken."""
    taken = {payment.order_id for payment in payments if payment.captured}
    for kind in ("email.receipt", "donation.paid"):
        counted = Counter(donation for each, donation in messages() if each == kind)
        for donation, times in counted.items():
            if times > 1:
                yield f"{donation}: {times} messages {kind}"
            if donation not in taken:
                yield f"{donation}: a {kind} message was sent, although no payment was taken"
        for donation in taken:
            record = store().get(donation)
            if record is not None and record.complete and record.status == "paid" and not counted[donation]:
                yield f"{donation}: complete without a message {kind}"


def _private(plan: Plan, log: str) -> Iterator[str]:
    """Logs have neither tokens nor donors."""
    texts = {
        text
        for submission in plan.submissions
        for text in (submission.donation["donor"]["email"], submission.donation["donor"]["name"])
    }
    for text in sorted(texts):
        if text in log or json.dumps(text).strip('"') in log:
            yield f"a log line has the donor's data: {text}"
