"""What handlers in several threads share, because they run in one process: environment variables, stdout, modules.

In real time calls run in several threads. Each must see the variables of its own function, so calls that need
different values of one variable, or modules of different folders, run one after the other.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import Context, ContextVar
from typing import TextIO

from attrs import define, field, frozen

REGION = ("AWS_REGION", "AWS_DEFAULT_REGION")
"""The variables that Lambda sets itself, to the region of the function."""


_given_up: ContextVar[tuple[threading.Event, ...]] = ContextVar("_given_up", default=())
"""Set when nothing waits any more for the call that runs in this context."""


@frozen(eq=False)
class _Use:
    """What a call in progress needs: variables, and the folder of its modules."""

    around: tuple[_Use, ...]
    """The calls that this one is inside: a handler may run executions that call functions."""
    given_up: tuple[threading.Event, ...]
    variables: dict[str, str]
    folder: str

    def conflicts(self, other: _Use) -> bool:
        if other in self.around:
            return False
        if any(event.is_set() for event in other.given_up):
            return False  # its time is up, and it may never return
        same = self.variables.keys() & other.variables.keys()
        return self.folder != other.folder or any(self.variables[key] != other.variables[key] for key in same)


_around: ContextVar[tuple[_Use, ...]] = ContextVar("_around", default=())


@define(eq=False)
class _Shared:
    """The calls in progress, and what was there before the first of them."""

    changed: threading.Condition = field(factory=threading.Condition)
    uses: list[_Use] = field(factory=list)
    before: dict[str, str | None] = field(factory=dict)
    stdout: TextIO | None = None

    @contextmanager
    def use(self, environment: Mapping[str, str], folder: str) -> Iterator[None]:
        with self.changed:
            use = self._wait(environment, folder)
            if not self.uses:
                self.stdout, sys.stdout = sys.stdout, sys.stderr
            self.uses.append(use)
            for key, value in use.variables.items():
                self.before.setdefault(key, os.environ.get(key))
                os.environ[key] = value
        inside = _around.set((*use.around, use))
        try:
            yield
        finally:
            _around.reset(inside)
            with self.changed:
                self.uses.remove(use)
                for key in use.variables:
                    self._restore(key)
                if not self.uses and self.stdout is not None:
                    sys.stdout, self.stdout = self.stdout, None
                self.changed.notify_all()

    def _wait(self, environment: Mapping[str, str], folder: str) -> _Use:
        """Wait until no other call needs something else."""
        while True:
            variables = {key: value for key, value in environment.items() if self._may_set(key)}
            use = _Use(_around.get(), _given_up.get(), variables, folder)
            if not any(use.conflicts(other) for other in self.uses):
                return use
            self.changed.wait()

    def _may_set(self, key: str) -> bool:
        """What the user has set for this run stays, except the region, which is the execution's."""
        return key in REGION or key not in os.environ or self.before.get(key, "") is None

    def _restore(self, key: str) -> None:
        values = [use.variables[key] for use in self.uses if key in use.variables]
        value = values[-1] if values else self.before.pop(key)
        if value is None:
            os.environ.pop(key, None)
        else:
            os.environ[key] = value


_shared = _Shared()


def mark_call(context: Context) -> threading.Event:
    """Give the calls that run in this context an event, for `give_up`."""
    event = threading.Event()
    context.run(_given_up.set, (*context.get(_given_up, ()), event))
    return event


def give_up(event: threading.Event) -> None:
    """Let other calls go on beside one whose time is up, although it has not returned."""
    with _shared.changed:
        event.set()
        _shared.changed.notify_all()


share_process = _shared.use
"""Surround a call: set its environment variables, and send what it prints to stderr, as to the function's log."""
