"""The fingerprint of a donation, which tells two donations with one id apart."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from handlers.document import read

_TEXTS = ("currency", "charity", "payment_method.type", "payment_method.token", "donor.email")


def fingerprint(donation: Mapping[str, Any]) -> str:
    """Return a digest of amount, currency, charity, payment method, e-mail address and `capture`.

    Raises MalformedEvent if one of them, except `capture`, is missing.
    """
    values = [read(donation, "amount", int), *(read(donation, name, str) for name in _TEXTS)]
    if "capture" in donation:
        values.append(read(donation, "capture", str))
    return hashlib.sha256(json.dumps(values).encode()).hexdigest()
