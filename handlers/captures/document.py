"""The donation's document after its capture."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from handlers.captures.record import Capture


def captured(document: Mapping[str, Any], capture: Capture) -> dict[str, Any]:
    """Return the document whose donation is what was taken; `reserved` is what it was."""
    return {**document, "donation": {**document["donation"], "amount": capture.amount}, "reserved": capture.reserved}
