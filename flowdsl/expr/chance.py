"""Where expressions get what is random: States.UUID, States.MathRandom, `$uuid()` and `$random()`."""

from __future__ import annotations

import threading
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random


class Dice:
    """A generator of random numbers; it is seeded when the first is drawn, since that takes as long as two states."""

    def __init__(self, seed: str | None = None) -> None:
        self._seed = seed

    @cached_property
    def numbers(self) -> random.Random:
        import random  # compiling a flow draws none

        return random.Random(self._seed)  # noqa: S311 - jitter and identifiers, not secrets


class _Chance(threading.local):
    """`dice` are those that this thread's expressions draw from; the engine sets each execution's own, so that a replay
    draws the same."""

    def __init__(self) -> None:
        self.dice = Dice()

    @property
    def source(self) -> random.Random:
        return self.dice.numbers


chance = _Chance()


def random_uuid() -> str:
    """A version 4 UUID."""
    import uuid

    return str(uuid.UUID(int=chance.source.getrandbits(128), version=4))
