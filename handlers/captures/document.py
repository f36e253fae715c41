"""The donation's document after its capture."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def captured(document: Mapping[str, Any], amount: int) -> dict[str, Any]:
    """Return the document with the captured amount as the donation's; `reserved` has the amount before."""
    donation = document["donation"]
    return {**document, "donation": {**donation, "amount": amount}, "reserved": donation["amount"]}
