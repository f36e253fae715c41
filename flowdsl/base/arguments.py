"""A value of the wrong kind in a call of flowdsl, with its place among the arguments."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from .record import Record
from .source import Caller, caller


class WrongArgument(TypeError):  # noqa: N818 - its name says what the author did
    """An argument is of a kind that the function does not take.

    `names` are the argument's, as `Caller.span` takes them (`"until"`, `"#1"` for the second positional one); `inside`
    leads on into a list or dict. The hint says what to write instead; Python's message has both.
    """

    code = "FD703"

    def __init__(self, message: str, hint: str, *names: str, inside: tuple[str | int, ...] = ()) -> None:
        super().__init__(f"{message}; {hint}" if hint else message)
        self.message = message
        self.hint = hint
        self.names = names
        self.inside = inside


class Mistake(Record, eq=False):
    """A wrong argument, and the author's call that has it."""

    error: WrongArgument
    origin: Caller | None


_noted: list[Mistake] | None = None


@contextmanager
def noting_mistakes() -> Iterator[list[Mistake]]:
    """Collect the mistakes after which a file can be read on, so that one run reports them all."""
    global _noted
    before, _noted = _noted, []
    try:
        yield _noted
    finally:
        _noted = before


def mistake(error: WrongArgument, origin: Caller | None = None) -> None:
    """Note the error while a file is read, or else raise it."""
    if _noted is None:
        raise error
    _noted.append(Mistake(error, origin or caller()))
