"""What all states of a machine have unless they have their own."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from ..base.record import Record, evolve, field
from ..base.source import Caller, caller
from .conflicts import Report
from .fields import UNSET, Unset, in_seconds
from .flow import describe, gotos_within, states_within
from .functions import Dynamic, Function
from .integrations import Integration
from .kinds import POSITIVE_SECONDS
from .states import LAMBDA_SERVICE_ERRORS, Catcher, Retrier, State, Task, retry

lambda_transient = evolve(
    retry(*LAMBDA_SERVICE_ERRORS, interval=2, max_attempts=6, backoff_rate=2, jitter="FULL"), origin=None
)
"""Try again after the passing errors of the Lambda service: six times, after 2 s, 4 s, 8 s, … at most."""


class Defaults(Record):
    """What the states of a machine have unless they have their own: `StateMachine(..., defaults=Defaults(...))`.

    `retry` and `timeout` are for every Task, inner ones included; retriers for errors of the Lambda service only for
    those that call a Lambda. `catch` is for the Task, Map and Parallel states of the machine's own flow; its steps,
    and the states that it leads to by goto, do not get it. A state with a `retry=`, `catch=` or `timeout=` of
    its own has that instead; an empty list means none.
    """

    retry: Retrier | Sequence[Retrier] | Unset = field(default=UNSET, kw_only=True)
    catch: Catcher | Sequence[Catcher] | Unset = field(default=UNSET, kw_only=True)
    timeout: int | timedelta | Unset = field(default=UNSET, kw_only=True, convert=in_seconds)
    origin: Caller | None = field(factory=caller, kw_only=True, eq=False, repr=False)

    def catchers(self) -> tuple[Catcher, ...]:
        """The catchers, without what is of another kind."""
        return tuple(each for each in _listed(self.catch) if isinstance(each, Catcher))

    def targets(self) -> frozenset[str]:
        """The states that do not get the default catch, because it leads to them."""
        steps = [catcher.steps for catcher in self.catchers()]
        return frozenset(step.name for step in (*states_within(steps), *gotos_within(steps)))

    def applied(self, state: State) -> State:
        """The state with the default retry and timeout."""
        if not isinstance(state, Task):
            return state
        changes: dict[str, Any] = {}
        if state.retry is UNSET and self.retry is not UNSET:
            retriers = [each for each in _listed(self.retry) if isinstance(each, Retrier)]
            chosen = tuple(each for each in retriers if _calls_lambda(state) or not _is_lambda_only(each))
            changes = {"retry": chosen} if chosen else {}
        if state.timeout is UNSET and self.timeout is not UNSET and POSITIVE_SECONDS.accepts(self.timeout):
            changes["timeout"] = self.timeout
        return evolve(state, **changes) if changes else state

    def check(self, report: Report) -> None:
        """Report what is neither a retrier nor a catcher."""
        for keyword, kind in (("retry", Retrier), ("catch", Catcher)):
            for each in _listed(getattr(self, keyword)):
                if not isinstance(each, kind):
                    what = f"{keyword}= of Defaults takes {keyword}(...), not {describe(each)}"
                    report((keyword,), what, f"write {keyword}={keyword}(...)", self.origin)
        if self.timeout is not UNSET and not POSITIVE_SECONDS.accepts(self.timeout):
            what = f"timeout= of Defaults is whole seconds, 1 or more, not {describe(self.timeout)}"
            report(("timeout",), what, "write timeout=60", self.origin)


def _listed(value: Any) -> tuple[Any, ...]:
    if value is UNSET:
        return ()
    return tuple(value) if isinstance(value, list | tuple) else (value,)


def _calls_lambda(task: Task) -> bool:
    resource = task.resource.resource if isinstance(task.resource, Integration) else task.resource
    return isinstance(resource, Function | Dynamic) or (isinstance(resource, str) and ":lambda:" in resource)


def _is_lambda_only(retrier: Retrier) -> bool:
    return all(isinstance(error, str) and error.startswith("Lambda.") for error in retrier.errors)
