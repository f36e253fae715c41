"""Replace card data and personal data in JSON values and texts.

Equal values are replaced by equal ones (`masked-1`), in all values that one Masking sees, so what compares, passes on
or counts values still does the same. What is masked: the values of keys that name such data (`email`, `card_number`),
every text below keys that name people (`donor`, `customer`), and, wherever they are, e-mail addresses and card numbers.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from attrs import define, field

from . import cards

_PRIVATE = re.compile(
    r"""
    (first|last|full|given|family|middle|maiden|holder|cardholder|donor|customer|payer|account)_?name
    | (\w+_)?e_?mail(_address)? | (\w+_)?phone(_number)? | mobile | fax
    | (\w+_)?address(_?line)?_?\d* | street | city | town | post_?code | postal_code | zip(_code)?
    | (date_of_)?birth(day|_date|date)? | dob | ssn | passport\w* | national_id | tax_id
    | (card|account|routing)_?(number|no) | pan | cvc | cvv | cv2 | security_code | exp(iry)?(_month|_year|_date)?
    | iban | sort_code | (\w+_)?ip(_address)?
    | (\w+_)?(password|passwd|secret|api_?key|token|authorization|credentials?|signature)
    """,
    re.VERBOSE,
)
_PEOPLE = re.compile(
    r"donor|customer|payer|person|user|contact|recipient|cardholder|holder|beneficiary|billing(_details)?"
)
_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(\.[\w-]+)+")
_ACCOUNT = re.compile(r"(?<=:)\d{12}(?=:)")
_SHORTEST = 4
"""Characters of a masked value that is also replaced inside of other texts; shorter ones match by chance."""


def mask_text(text: str) -> str:
    """Remove e-mail addresses and card numbers from a text for people."""
    return cards.replace(_EMAIL.sub("[e-mail]", text), lambda number: "[card number]")


@define
class Masking:
    """The replacements of one recording. Learn all values first, then mask: a later one may tell what is private."""

    _replaced: dict[str, str] = field(factory=dict)

    def learn(self, values: Iterable[Any]) -> None:
        for value in values:
            self._learn(value, private=False)

    def mask(self, value: Any, *, private: bool = False) -> Any:
        """The value with replacements; numbers become 0 if their key names private data."""
        if isinstance(value, dict):
            return {self._text(key): self.mask(item, private=_below(key, private)) for key, item in value.items()}
        if isinstance(value, list):
            return [self.mask(item, private=private) for item in value]
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return 0 if private or any(cards.matches(str(value))) else value
        return value

    def _learn(self, value: Any, *, private: bool) -> None:
        if isinstance(value, dict):
            for key, item in value.items():
                self._learn(key, private=False)
                self._learn(item, private=_below(key, private))
        elif isinstance(value, list):
            for item in value:
                self._learn(item, private=private)
        elif isinstance(value, str):
            if private and value:
                self._replace(value)
            for match in _EMAIL.finditer(value):
                self._replace(match[0])
            for place in cards.matches(value):
                self._replace(value[place])

    def _replace(self, text: str) -> None:
        if text not in self._replaced:
            number = len(self._replaced) + 1
            self._replaced[text] = f"masked-{number}@example.org" if _EMAIL.fullmatch(text) else f"masked-{number}"

    def _text(self, text: str) -> str:
        if text in self._replaced:
            return self._replaced[text]
        for secret in sorted(self._replaced, key=len, reverse=True):
            if len(secret) >= _SHORTEST and secret in text:
                text = text.replace(secret, self._replaced[secret])
        return _ACCOUNT.sub("123456789012", text)


def _below(key: str, private: bool) -> bool:
    """True if what is below this key is private."""
    name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", key).replace("-", "_").lower()
    return private or _PRIVATE.fullmatch(name) is not None or _PEOPLE.fullmatch(name) is not None
