"""Command lines in messages for operators: each does what the message says if it is copied as it is."""

from __future__ import annotations

import shlex
from typing import Literal

from handlers.configuration import store_name


def to_start(flow: Literal["refund", "capture"], *arguments: str) -> str:
    """Return the command that starts the flow with these arguments of `request`, which alone starts nothing.

    Without TRANSACTIONS_TABLE the flow runs on this computer, as the donation did.
    """
    request = shlex.join(["python", "-m", f"handlers.{flow}s", "request", *arguments])
    if store_name("TRANSACTIONS_TABLE"):
        return f"{request} --state-machine ARN, with the ARN of payment-{flow}"
    return f"{request} | flowdsl run {flow}_flow.py --input -"
