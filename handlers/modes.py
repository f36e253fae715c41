"""Live and test modes: an environment takes money, with live keys, or is for trials, with the PSPs' test keys.

PAYMENTS_SANDBOX says which. On Lambda a key of the wrong mode is an error before the PSP is asked: with a test key
donations would be stored as paid without any money, and a live key would take money in a trial.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping

from handlers.configuration import is_on_lambda
from handlers.document import Misconfigured
from handlers.secrets import setting

TRIAL = "PAYMENTS_SANDBOX"
"""`allowed`: the environment takes no money."""

_MODES = {
    # https://docs.stripe.com/keys; an organisation's key has `org`.
    "STRIPE_API_KEY": r"(?i)\s*(?:sk|rk)_(?:org_)?(live|test)_",
    "ADYEN_ENVIRONMENT": r"(live|test)\Z",
    "GOCARDLESS_ENVIRONMENT": r"(live|sandbox)\Z",
    "GOCARDLESS_ACCESS_TOKEN": r"(?i)\s*(live|sandbox)_",
}
"""Patterns of the settings that show a mode; their group is the mode."""

_WORDS = {"ADYEN_ENVIRONMENT": "live or test", "GOCARDLESS_ENVIRONMENT": "live or sandbox"}
"""The settings whose value is the name of a mode."""

_SERVER, _RETURN = "_API_BASE", "_RETURN_URL"
"""The ends of the names of settings that name another server than the PSP's, and the page to which donors return."""


class WrongMode(Exception):
    """The PSP reports real money to an environment that takes none: the PSP has the wrong URL."""


def is_trial(environ: Mapping[str, str]) -> bool:
    """Return true if an environment with these variables takes no money."""
    return environ.get(TRIAL) == "allowed"


def is_live(name: str, value: str) -> bool | None:
    """Return true if a setting's value is of the PSP's live mode, None if it shows no mode."""
    match = re.match(_MODES[name], value) if name in _MODES else None
    return match and match[1].lower() == "live"


def mistakes(variables: Mapping[str, str], environ: Mapping[str, str]) -> Iterator[str]:
    """Yield a message for each of a function's variables that has the wrong mode for its environment, or with which
    one that takes money would send payments or donors to a server for tests."""
    takes_money = not is_trial(environ)
    for name, value in variables.items():
        live = is_live(name, value)
        if takes_money and name.endswith(_SERVER) and value.strip():
            yield (
                f"{name} sends payments to a server for tests, in place of the PSP: remove it, or set {TRIAL} to"
                " allowed where no money is to be taken"
            )
        elif takes_money and name.endswith(_RETURN) and value.strip() and not _is_reference_or_https(value.strip()):
            yield f"{name} is {value!r}: expected an address that begins with https://"
        elif live and is_trial(environ):
            yield f"{name} is of the live mode, and {TRIAL} is allowed: use a test key, or remove {TRIAL}"
        elif live is None and value and name in _WORDS and ":" not in value:  # a secret is read by the function
            yield f"{name} is {value!r}: expected {_WORDS[name]}"
        elif live is False and not is_trial(environ):
            yield f"{name} is of a test mode, which takes no money: use the live one, or set {TRIAL} to allowed"


def _is_reference_or_https(value: str) -> bool:
    return re.match(r"(?i)https://[^/\s]|(secretsmanager|ssm):.", value) is not None


def checked(name: str) -> str:
    """Return the setting of this name. Raises Misconfigured, on Lambda also if `mistakes` finds one in it."""
    value = setting(name)
    for mistake in mistakes({name: value}, os.environ) if is_on_lambda() else ():
        raise Misconfigured(mistake)
    return value


def other_server(name: str) -> str | None:
    """Return the address of a server for tests that takes the PSP's place, or None for the PSP's own.

    Raises Misconfigured on Lambda where money is taken: donations would be stored as paid that nobody has charged.
    """
    return checked(name) if os.environ.get(name, "").strip() else None


def setting_if_live(name: str, mode: str) -> str | None:
    """Return the setting of this name, which the PSP's live mode needs; None if the setting `mode` is of a test mode.

    Raises Misconfigured.
    """
    return setting(name) if is_live(mode, setting(mode)) else None


def is_for_us(event: bool | None, name: str, psp: str) -> bool:
    """Return false for a test event if the setting `name` is live: no money is involved, and the event is ignored.

    `event` is true for a live event, None if it does not show its mode. Raises WrongMode for a live event if the
    setting is of a test mode: the PSP sends the event again until it has the right URL.
    """
    ours = None if event is None else is_live(name, setting(name))
    if ours is None or event == ours:
        return True
    if event:
        raise WrongMode(f"{psp} reports real money to an environment for trials: give it the URL of the live one")
    return False
