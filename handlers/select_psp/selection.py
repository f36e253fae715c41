"""Select the PSP for a donation: by its settings, then by percentage."""

from __future__ import annotations

import hashlib
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from attrs import frozen

from handlers.document import Misconfigured, read

_FILE = Path(__file__).with_name("psps.toml")


class NoPspAvailable(Exception):
    """No PSP accepts the donation; the message gives each one's reason."""


@frozen
class PspSettings:
    """A table of psps.toml; an empty tuple accepts everything."""

    name: str
    function: str
    enabled: bool
    percentage: int
    currencies: tuple[str, ...] = ()
    payment_methods: tuple[str, ...] = ()
    charities: tuple[str, ...] = ()

    def objection(self, donation: Mapping[str, Any]) -> str | None:
        """Return why it cannot take the donation, or None if it can."""
        issuer = donation["payment_method"].get("psp")
        method, currency = read(donation, "payment_method.type", str), read(donation, "currency", str)
        charity = read(donation, "charity", str)
        if not self.enabled:
            return "disabled"
        if issuer is not None and issuer != self.name:
            return f"the token was issued by {issuer}"
        if self.currencies and currency not in self.currencies:
            return f"does not take {currency}"
        if self.payment_methods and method not in self.payment_methods:
            return f"does not take payment method {method}"
        if self.charities and charity not in self.charities:
            return f"does not serve {charity}"
        return None if self.percentage else "its percentage is 0"


def settings() -> list[PspSettings]:
    """Read the PSPs of the configuration file, in its order. Raises Misconfigured."""
    path = Path(os.environ.get("PSPS") or _FILE)
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise Misconfigured(f"{path.name}: {error}") from error
    return [_settings(f"{path.name}: {name}", name, table) for name, table in tables.items()]


def _settings(where: str, name: str, table: Any) -> PspSettings:
    kinds: dict[str, type] = {"function": str, "enabled": bool, "percentage": int}
    lists = ("currencies", "payment_methods", "charities")
    if not isinstance(table, dict):
        raise Misconfigured(f"{where}: expected a table")
    for key, kind in kinds.items():
        if type(table.get(key)) is not kind:
            raise Misconfigured(f"{where}.{key}: expected a value of type {kind.__name__}")
    for key in lists:
        if not isinstance(table.get(key, []), list):
            raise Misconfigured(f"{where}.{key}: expected a list of strings")
    unknown = sorted(table.keys() - {*kinds, *lists})
    if unknown:
        raise Misconfigured(f"{where}.{unknown[0]}: unknown; expected {', '.join((*kinds, *lists))}")
    if table["percentage"] < 0:
        raise Misconfigured(f"{where}.percentage: expected 0 or more")
    return PspSettings(
        name,
        table["function"],
        table["enabled"],
        table["percentage"],
        *(tuple(str(value) for value in table.get(key, [])) for key in lists),
    )


def select(donation: Mapping[str, Any], psps: list[PspSettings]) -> tuple[PspSettings, str]:
    """Return the PSP and the reason. With the same configuration, a donation always gets the same PSP.

    Raises NoPspAvailable.
    """
    objections = {psp.name: psp.objection(donation) for psp in psps}
    fitting = [psp for psp in psps if objections[psp.name] is None]
    if not fitting:
        reasons = "; ".join(f"{name}: {why}" for name, why in objections.items())
        raise NoPspAvailable(reasons or "no PSP is configured; add one to psps.toml")
    if len(fitting) == 1:
        return fitting[0], "the only suitable PSP"
    total = sum(psp.percentage for psp in fitting)
    digest = hashlib.sha256(read(donation, "id", str).encode()).digest()
    bucket = int.from_bytes(digest[:8], "big") % total
    for psp in fitting:
        if bucket < psp.percentage:
            break
        bucket -= psp.percentage
    return psp, f"{psp.percentage} of {total} among {', '.join(each.name for each in fitting)}"
