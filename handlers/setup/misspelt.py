"""Find misspelt fields of a donation: `captur` must not be taken for an additional field, and the amount charged."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from difflib import SequenceMatcher
from typing import Any
from unicodedata import normalize

_SIMILAR = 0.82
"""The ratio of difflib from which a name counts as misspelt: `captur` has 0.92, `account` for `amount` 0.77."""

_SHORT = 4
"""Letters of a name, up to which many other names differ in one letter only: `fname`, `cid`."""

_LONGEST = 60
"""The longest name that a message repeats."""

ANYWHERE = "capture"
"""The field that decides when the donor is charged: it is missed wherever it is, and whatever is added to its name."""


def misspelt(donation: Mapping[str, Any], known: Iterable[str]) -> Iterator[str]:
    """Yield a message for each field that resembles a known one, such as `donor.email`, and is none of them."""
    names: dict[str, set[str]] = {}
    for path in known:
        parent, _, name = path.rpartition(".")
        names.setdefault(parent, set()).add(name)
        if parent:
            names.setdefault("", set()).add(parent)
    for parent, fields in sorted(names.items()):
        value = donation.get(parent) if parent else donation
        for name in value if isinstance(value, Mapping) else ():
            path = f"{parent}.{name[:_LONGEST]}" if parent else name[:_LONGEST]
            right = None if name in fields else next((each for each in sorted(fields) if _is_near(name, each)), None)
            if right:
                yield f"{path}: unknown; write {right}, or give an additional field another name"
            elif name not in fields and (_is_near(name, ANYWHERE) or _words(name)[:1] == [ANYWHERE]):
                where = f" beside {parent}" if parent else ""
                yield f'{path}: unknown; write "{ANYWHERE}": "later"{where}, or give an additional field another name'


def _is_near(name: str, known: str) -> bool:
    """Return true if the name is the known one in other letters, a plural or one that is misspelt; not if it has more
    words, as `charity_id`."""
    letters, right = _letters(name), _letters(known)
    plurals = {right, f"{right}s", re.sub("y$", "ies", right)}
    if letters in plurals:
        return True
    if {*_words(known)} < {*_words(name)} or any(each.isdigit() for each in letters) or len(right) < 3:
        return False
    if sorted(letters) == sorted(right):
        return True
    if len(right) <= _SHORT and letters[:1] != right[:1]:
        return False
    return SequenceMatcher(None, letters, right).ratio() >= _SIMILAR


def _letters(name: str) -> str:
    return re.sub(r"[\W_]", "", normalize("NFKC", name)).lower()


def _words(name: str) -> list[str]:
    """Return the words of `charity_id`, `charity-id` or `charityId`."""
    return [each.lower() for each in re.split(r"[\W_]+|(?<=[a-z])(?=[A-Z])", name) if each]
