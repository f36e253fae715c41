"""Select the PSP for a donation: by its settings, then by percentage."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from handlers.configuration import is_on_lambda
from handlers.document import Misconfigured, is_for_later, read
from handlers.modes import is_trial
from handlers.money import ACCEPTED

_FILE = Path(__file__).with_name("psps.toml")
_ROOT = Path(__file__).parents[2]
"""The project's root, which is that of the zip, too."""
_KINDS: dict[str, type] = {"function": str, "enabled": bool, "percentage": int}
_OPTIONAL = "reservations"
_LISTS = ("currencies", "payment_methods", "charities")

SANDBOX = frozenset({"psp_sandbox", "payment-psp-sandbox"})
"""The name and the function of the sandbox, which takes no money: on Lambda an environment has to allow it."""


class NoPspAvailable(Exception):
    """No PSP accepts the donation; the message has the reason of each."""


class PspSettings(NamedTuple):
    """A table of psps.toml; an empty tuple accepts everything.

    A named tuple, because payment_flow.py checks the routing: a flow should import little.
    """

    name: str
    function: str
    enabled: bool
    percentage: int
    currencies: tuple[str, ...] = ()
    payment_methods: tuple[str, ...] = ()
    charities: tuple[str, ...] = ()
    reservations: bool = True
    """False if the PSP cannot reserve amounts: donations with `capture` `later` go elsewhere."""

    def objection(self, donation: Mapping[str, Any]) -> str | None:
        """Return why the PSP cannot take the donation, or None if it can."""
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
        if not self.reservations and is_for_later({"donation": donation}):
            return "does not reserve amounts"
        return None if self.percentage else "its percentage is 0"


def settings(environ: Mapping[str, str] | None = None) -> list[PspSettings]:
    """Return the PSPs of the configuration file, in its order. Raises Misconfigured, which names all mistakes.

    With `environ`, read the file as a function on Lambda with these variables does.
    """
    psps, mistakes = read_routing(environ)
    if mistakes:
        raise Misconfigured("; ".join(mistakes))
    return psps


def read_routing(
    environ: Mapping[str, str] | None = None, functions: Collection[str] | None = None
) -> tuple[list[PspSettings], list[str]]:
    """Return the PSPs whose tables can be read, and all mistakes, each as `file:line: mistake`.

    With `functions`, a PSP whose function is not among them is a mistake, too; `environ` is that of `settings`.
    """
    is_deployed, environ = environ is not None or is_on_lambda(), os.environ if environ is None else environ
    path = Path(environ.get("PSPS") or _FILE)
    if is_deployed and not path.is_absolute() and not path.exists():
        path = _ROOT / path
    label = path.relative_to(_ROOT).as_posix() if path.is_relative_to(_ROOT) else str(path)
    try:
        text = path.read_text(encoding="utf-8")
        tables = tomllib.loads(text)
    except OSError as error:
        return [], [f"PSPS: {label}: {error.strerror}"]
    except ValueError as error:
        line = re.search(r"\(at line (\d+),", str(error))
        return [], [f"{label}:{line[1] if line else text.count(chr(10)) + 1}: {error}"]
    psps, mistakes = [], []
    for name, table in tables.items():
        problems = [*_mistakes(table)]
        if not problems:
            psps.append(_settings(name, table))
        if is_deployed and not is_trial(environ) and _is_enabled_sandbox(name, table):
            problems.append(
                ".enabled: the sandbox takes no money: disable it, set PSPS to another file, or set PAYMENTS_SANDBOX to"
                " allowed where no money is to be taken"
            )
        if not problems and functions is not None and table["function"] not in functions:
            known = ", ".join(sorted(functions))
            problems.append(f".function: {table['function']}: not in PSPS of the flow, which has {known}")
        mistakes += [f"{label}:{_line_of(text, name, each)}: {name}{each}" for each in problems]
    return psps, mistakes


def _settings(name: str, table: Mapping[str, Any]) -> PspSettings:
    return PspSettings(
        name,
        table["function"],
        table["enabled"],
        table["percentage"],
        reservations=table.get(_OPTIONAL, True),
        **{key: tuple(table.get(key, [])) for key in _LISTS},
    )


def _line_of(text: str, name: str, problem: str) -> int:
    """Return the line of a PSP's key (`.enabled: …`), or else of its table, or 1."""
    key, table, best = problem.removeprefix(".").partition(":")[0], "", 1
    for number, line in enumerate(text.splitlines(), 1):
        if header := re.match(r"""\s*\[\s*["']?([^\]"']+?)["']?\s*\]""", line):
            table = header[1]
            best = number if table == name else best
        elif re.match(rf"""\s*["']?{re.escape(key if table else name)}["']?\s*[.=]""", line) and table in ("", name):
            return number
    return best


def check_routing(functions: Iterable[str], environ: Mapping[str, str] | None = None) -> list[PspSettings]:
    """Return the PSPs. Raises Misconfigured for a mistake, or a function that is not among these; see `settings`."""
    psps, mistakes = read_routing(environ, [*functions])
    if mistakes:
        raise Misconfigured("; ".join(mistakes))
    return psps


def _is_enabled_sandbox(name: str, table: Any) -> bool:
    """Return true if the table enables the sandbox, by its name or by its function."""
    is_enabled = isinstance(table, dict) and table.get("enabled") is True
    return is_enabled and bool({name, str(table.get("function"))} & SANDBOX)


def _mistakes(table: Any) -> Iterator[str]:
    """Yield the mistakes in a PSP's table, each with its key."""
    if not isinstance(table, dict):
        yield ": expected a table"
        return
    for key, kind in _KINDS.items():
        if type(table.get(key)) is not kind:
            yield f".{key}: expected a value of type {kind.__name__}"
    if type(table.get("percentage")) is int and table["percentage"] < 0:
        yield ".percentage: expected 0 or more"
    if type(table.get(_OPTIONAL, True)) is not bool:
        yield f".{_OPTIONAL}: expected a value of type bool"
    if table.get("function") == "":
        yield ".function: expected a function's name"
    for key in _LISTS:
        values = table.get(key, [])
        if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
            yield f".{key}: expected a list of strings"
        elif key == "currencies" and (unknown := [value for value in values if value not in ACCEPTED]):
            yield f".currencies: expected ISO 4217 codes; unknown: {', '.join(unknown)}"
    known = (*_KINDS, *_LISTS, _OPTIONAL)
    yield from (f".{key}: unknown; expected {', '.join(known)}" for key in sorted(table.keys() - {*known}))


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
    import hashlib  # the flow, which only checks the routing, does without

    total = sum(psp.percentage for psp in fitting)
    digest = hashlib.sha256(read(donation, "id", str).encode()).digest()
    bucket = int.from_bytes(digest[:8], "big") % total
    for psp in fitting:
        if bucket < psp.percentage:
            break
        bucket -= psp.percentage
    return psp, f"{psp.percentage} of {total} among {', '.join(each.name for each in fitting)}"
