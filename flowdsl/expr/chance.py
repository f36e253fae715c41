"""Where expressions get what is random: States.UUID, States.MathRandom, `$uuid()` and `$random()`."""

from __future__ import annotations

import random
import threading
import uuid


class _Chance(threading.local):
    """`source` is the generator that this thread's expressions draw from; the engine sets each execution's own, so that
    a replay draws the same."""

    def __init__(self) -> None:
        self.source = random.Random()  # noqa: S311 - not for secrets


chance = _Chance()


def random_uuid() -> str:
    """A version 4 UUID."""
    return str(uuid.UUID(int=chance.source.getrandbits(128), version=4))
