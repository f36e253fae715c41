"""Python's names for states, chains, retriers and catchers."""

from __future__ import annotations

import builtins
import keyword
import re
import unicodedata
from collections.abc import Iterable

from ..author import api

_WORDS = re.compile(r"[A-Z]+(?![a-z])[0-9]*|[A-Z]?[a-z0-9]+|[0-9]+")
MOST = 40
"""The letters of a name; longer ones are cut between words."""


def snake(name: str) -> str:
    """A state's name as a name of Python: `WaitForPSP` is `wait_for_psp`.

    >>> snake("Job Complete?")
    'job_complete'
    """
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    words = [word.lower() for word in _WORDS.findall(plain)]
    while len(words) > 1 and len("_".join(words)) > MOST:
        words.pop()
    text = "_".join(words) or "state"
    return text if text[0].isalpha() else f"state_{text}"


class Names:
    """The names of a module; each is given once."""

    def __init__(self, others: Iterable[str] = ()) -> None:
        self.taken = {*others, *api.__all__, *dir(builtins), *keyword.kwlist, *keyword.softkwlist}
        self.taken |= {"f", "flow", "machine", "re", "timedelta"}

    def give(self, wanted: str, ending: str = "step") -> str:
        """The wanted name, or one like it, which is then taken."""
        name = self.peek(wanted, ending)
        self.taken.add(name)
        return name

    def peek(self, wanted: str, ending: str = "step") -> str:
        """The name that `give` would give."""
        name = wanted if wanted not in self.taken else f"{wanted}_{ending}".rstrip("_")
        base, number = name, 1
        while name in self.taken:
            number += 1
            name = f"{base}_{number}"
        return name
