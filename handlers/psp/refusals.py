"""Definite refusals: errors of a PSP's API that are the answer to what was asked for."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec

from handlers.psp.interface import Answer, PspUnavailable

P = ParamSpec("P")


class Refusal(PspUnavailable):
    """The PSP's error is definite, and `answer` says what it means. Where no answer fits, nothing is known."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.message)
        self.answer = answer


def returns_refusals(operation: Callable[P, Answer]) -> Callable[P, Answer]:
    """Return the answer of a Refusal from an operation instead of raising it."""

    @wraps(operation)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> Answer:
        try:
            return operation(*args, **kwargs)
        except Refusal as refusal:
            return refusal.answer

    return wrapped
