"""SelectPsp: choose the PSP by currency, payment method, charity and configuration, once per donation."""

from __future__ import annotations

import os
from typing import Any, TypedDict

from handlers import cards, clock
from handlers.configuration import is_on_lambda
from handlers.document import Misconfigured, read
from handlers.fingerprint import fingerprint
from handlers.logs import invocation, logger
from handlers.modes import is_trial
from handlers.select_psp import choices
from handlers.select_psp.choices import Choice
from handlers.select_psp.selection import SANDBOX, select, settings
from handlers.transactions.record import intent
from handlers.transactions.store import store

LOG = logger("select_psp")


class Selected(TypedDict):
    """The document's `psp`."""

    name: str
    function_arn: str
    reason: str
    chosen_at: str


def handler(event: dict[str, Any], context: Any) -> Selected:
    """Return `name`, `function_arn`, `reason` and `chosen_at`; a donation that has a PSP keeps it.

    Stores the donation as an open transaction.

    Raises DonationConflict, NoPspAvailable, MalformedEvent, Misconfigured.
    """
    with invocation(LOG, event, context):
        donation = read(event, "donation", dict[str, Any])
        read(donation, "payment_method", dict[str, Any])
        identity = read(donation, "id", str)
        # The configuration first: a mistake must stop the flow here, before any charge.
        transactions, psps = store(), settings()
        mark = fingerprint(donation)
        choice = choices.find(identity)
        if choice is None:
            psp, reason = select(donation, psps)
            choice = choices.keep(Choice(identity, psp.name, psp.function, reason, clock.now(), mark))
        choices.check(choice, mark)
        if {choice.psp, choice.function} & SANDBOX and is_on_lambda() and not is_trial(os.environ):
            raise Misconfigured(
                f"{cards.redact(identity)}: chose the sandbox in a trial; here donations need ids of their own"
            )
        LOG.info("selected", psp=choice.psp, reason=choice.reason, chosen_at=choice.chosen_at)
        arn = _beside(context.invoked_function_arn, choice.function)
        selected: Selected = {
            "name": choice.psp,
            "function_arn": arn,
            "reason": choice.reason,
            "chosen_at": choice.chosen_at,
        }
        # Before the PSP is asked: if the execution cannot store its result, the sweep settles this open transaction.
        transactions.put(intent({**event, "psp": selected}))
        return selected


def _beside(own_arn: str, function: str) -> str:
    """Return the ARN of another function in the same partition, region and account."""
    parts = own_arn.split(":")
    if len(parts) < 7:
        raise Misconfigured("invoked_function_arn: expected arn:partition:lambda:region:account:function:name")
    # A template of deployed names, such as test-{}-pr7.
    names = os.environ.get("FLOWDSL_FUNCTION_NAMES", "{}")
    return ":".join([*parts[:6], names.replace("{}", function)])
