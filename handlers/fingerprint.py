"""The fingerprint of a donation: what makes two donations with one id the same."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from handlers.document import read

_TEXTS = ("currency", "charity", "payment_method.type", "payment_method.token", "donor.email")


def fingerprint(donation: Mapping[str, Any]) -> str:
    """Return a digest of the amount, the currency, the charity, the payment method and the e-mail address.

    Neither the token nor the address can be read from it. Raises MalformedEvent if one of them is missing.
    """
    values = [read(donation, "amount", int), *(read(donation, name, str) for name in _TEXTS)]
    if "capture" in donation:
        values.append(read(donation, "capture", str))
    return hashlib.sha256(json.dumps(values).encode()).hexdigest()
