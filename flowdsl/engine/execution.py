"""One execution: fibers that run states, a history that they write, signals in and effects out.

Everything that decides what an execution does is here and in the modules below it. Nothing in them reads a clock,
starts a thread or calls anybody's code, so an execution that is given the same signals again writes the same history.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Sequence
from typing import Any

from attrs import frozen

from ..expr.chance import Dice, chance
from .core import (
    Await,
    Effect,
    Entry,
    Fiber,
    Identity,
    Join,
    PreparedState,
    Program,
    Settings,
    Signal,
    Start,
    Status,
    Steps,
    Stop,
)
from .errors import Failure, HistoryFull
from .history import JSON, ExecutionHistory
from .interpreter import run_block
from .limits import MAX_EVENTS, MAX_EXPRESS_EVENTS
from .times import iso, moment


@frozen
class Outstanding:
    """An effect that a fiber waits for: it was asked for under this ticket, at this time (seconds since 1970)."""

    fiber: int
    ticket: int
    effect: Effect
    since: float
    is_answered: bool
    """True if a Submitted or Started has come, and the result has not."""


class Execution:
    """A running execution: `deliver` moves it on; `status`, `output`, `error`, `cause` and `history` tell of it."""

    tells_place = True
    """True if the cause of a failed evaluation begins with the state and the event that entered it."""

    def __init__(
        self,
        program: Program,
        input: JSON,
        identity: Identity,
        settings: Settings,
        now: float,
    ) -> None:
        self.program = program
        self.input = input
        self.identity = identity
        self.settings = settings
        self.history = ExecutionHistory(MAX_EVENTS if program.type == "STANDARD" else MAX_EXPRESS_EVENTS)
        self.journal: list[Entry] = []
        self.dice = Dice(f"{identity.seed}/{identity.arn}")
        self.status: Status = "RUNNING"
        self.output: JSON = None
        self.error: str | None = None
        self.cause: str | None = None
        self.start = now
        self.stop: float | None = None
        self.now = now
        self.fibers: dict[int, Fiber] = {}
        self.gone: list[int] = []
        """The fibers that ended, or were cut off, in the last delivery."""
        self._fiber_ids = 0
        self._ready: deque[tuple[Fiber, Any]] = deque()
        self._effects: list[tuple[int, int, Effect]] = []
        self._execution_context: dict[str, JSON] | None = None
        self.root = Fiber(self, None, 0)

    # -- the boundary

    def deliver(self, fiber_id: int, signal: Signal, now: float) -> Sequence[tuple[int, int, Effect]]:
        """Give a signal to a fiber and run until everything waits again.

        Returns what is asked for, as (fiber, ticket, effect); the answer to it goes to that fiber as long as
        `waiting(fiber, ticket)` says so.
        """
        if self.status != "RUNNING":
            return ()
        self.journal.append(Entry(now, fiber_id, signal))
        self.now = moment.now = now
        chance.dice = self.dice
        self._effects = []
        self.gone = []
        if isinstance(signal, Stop):
            if not self.history:
                self._record_start()
            # Recordings of stopped executions chain the last event to nothing.
            self.root.source = 0
            self._end(signal.status, None, signal.error, signal.cause, self.root)
            return ()
        if isinstance(signal, Start):
            self._begin()
        else:
            self._ready.append((self.fibers[fiber_id], signal))
        ready = self._ready
        try:
            while ready and self.status == "RUNNING":
                fiber, value = ready.popleft()
                self._resume(fiber, value)
        except HistoryFull:
            self._end_full()
        return self._effects if self.status == "RUNNING" else ()

    def waiting(self, fiber_id: int, ticket: int) -> bool:
        """Return True if the fiber still waits for the answer to the effect with this ticket."""
        fiber = self.fibers.get(fiber_id)
        return fiber is not None and fiber.ticket == ticket

    def alive(self, fiber_id: int) -> bool:
        """Return True if the fiber has neither ended nor been aborted."""
        return fiber_id in self.fibers

    @property
    def outstanding(self) -> list[Outstanding]:
        """What the fibers wait for, oldest fiber first; after `replay`, what has to be carried out to go on."""
        return [
            Outstanding(fiber.id, fiber.asked, fiber.effect, fiber.since, fiber.ticket != fiber.asked)
            for fiber in self.fibers.values()
            if fiber.effect is not None
        ]

    def release(self) -> None:
        """Let go of the fibers of an execution that has ended: without this cycle its history is freed with the last
        reference to it, and not only when the garbage collector comes by."""
        del self.root

    # -- what fibers use

    def next_fiber_id(self) -> int:
        self._fiber_ids += 1
        return self._fiber_ids

    def launch(self, fiber: Fiber, steps: Steps) -> None:
        self.fibers[fiber.id] = fiber
        fiber.generator = steps
        self._ready.append((fiber, None))

    def abort(self, fiber: Fiber) -> None:
        """End a fiber and all below it from outside, and write what was cut off."""
        for child in fiber.children.values():
            self.abort(child)
        fiber.children = {}
        if self.fibers.pop(fiber.id, None) is not None:
            self.gone.append(fiber.id)
            if fiber.generator is not None:
                fiber.generator.close()
            if fiber.state is not None:
                fiber.record(f"{fiber.state.type}StateAborted")
        parent = fiber.parent
        if parent is not None and parent.state is not None and fiber.map_item is not parent.map_item:
            fiber.note("MapIterationAborted", {"name": parent.state.name, "index": fiber.index})

    def context(self, fiber: Fiber, state: PreparedState) -> dict[str, JSON]:
        """The context object. Source: Step Functions Developer Guide, "Context object"."""
        if self._execution_context is None:
            self._execution_context = {
                "Id": self.identity.arn,
                "Input": self.input,
                "StartTime": iso(self.start),
                "Name": self.identity.name,
                "RoleArn": self.settings.role_arn,
            }
            if self.program.type == "STANDARD":
                self._execution_context["RedriveCount"] = 0
        entered = self.history.timestamp(fiber.entered)
        current: dict[str, JSON] = {"Name": state.name, "EnteredTime": iso(entered)}
        if state.retries:
            current["RetryCount"] = fiber.retry_count
        seen: dict[str, JSON] = {
            "Execution": self._execution_context,
            "StateMachine": {"Id": self.identity.state_machine_arn, "Name": self.identity.state_machine_name},
            "State": current,
        }
        if fiber.map_item is not None:
            seen["Map"] = {"Item": fiber.map_item}
        if fiber.task_token is not None:
            seen["Task"] = {"Token": fiber.task_token}
        return seen

    def task_token(self, fiber: Fiber) -> str:
        """A token that no other task of any execution has, the same in every replay."""
        source = f"{self.identity.arn}/{fiber.id}/{len(self.history)}/{fiber.retry_count}"
        return hashlib.sha256(source.encode()).hexdigest() * 2

    # -- the loop

    def _begin(self) -> None:
        self._record_start()
        self.launch(self.root, run_block(self.root, self.program.block, self.input))

    def _record_start(self) -> None:
        self.root.note("ExecutionStarted", {"input": self.input, "roleArn": self.settings.role_arn})

    def _resume(self, fiber: Fiber, value: Any) -> None:
        if fiber.id not in self.fibers:
            return
        fiber.ticket += 1
        generator = fiber.generator
        assert generator is not None  # noqa: S101 - launched fibers have one
        try:
            effect = generator.send(value)
        except StopIteration as stop:
            fiber.output = stop.value
            self._ended(fiber)
        except Failure as failure:
            fiber.failure = failure.without_trace()
            self._ended(fiber)
        else:
            if isinstance(effect, Join):
                fiber.effect = None
                if fiber.ended:
                    self._ready.append((fiber, fiber.ended.popleft()))
                else:
                    fiber.joining = True
                return
            self._effects.append((fiber.id, fiber.ticket, effect))
            if not isinstance(effect, Await):  # which goes on with the effect before
                fiber.effect, fiber.asked, fiber.since = effect, fiber.ticket, self.now

    def _ended(self, fiber: Fiber) -> None:
        del self.fibers[fiber.id]
        self.gone.append(fiber.id)
        failure = fiber.failure
        parent = fiber.parent
        if failure is not None and (failure.terminal or parent is None):
            self._end("FAILED", None, failure.error, failure.cause, fiber)
        elif parent is None:
            self._end("SUCCEEDED", fiber.output, None, None, fiber)
        elif parent.joining:
            parent.joining = False
            self._ready.append((parent, fiber))
        else:
            parent.ended.append(fiber)

    def _end_full(self) -> None:
        if self.program.type == "STANDARD":
            cause = f"The execution reached the maximum number of history events ({MAX_EVENTS})."
            self._end("FAILED", None, "States.Runtime", cause, self.root)
        else:
            self._end("TIMED_OUT", None, "States.Timeout", None, self.root)

    def _end(self, status: Status, output: JSON, error: str | None, cause: str | None, fiber: Fiber) -> None:
        self.status, self.output, self.stop = status, output, self.now
        if status != "TIMED_OUT":  # DescribeExecution tells no error of it; States.Timeout is in the event alone
            self.error, self.cause = error, cause
        details: dict[str, JSON] = {}
        if status == "SUCCEEDED":
            details["output"] = output
        if error is not None:
            details["error"] = error
        if cause is not None:
            details["cause"] = cause
        event = {"TIMED_OUT": "ExecutionTimedOut", "ABORTED": "ExecutionAborted"}.get(
            status, f"Execution{status.title()}"
        )
        source = fiber.source
        self._ready.clear()
        for left in self.fibers.values():
            if left.generator is not None:
                left.generator.close()  # a Map Run writes that it was aborted
            left.children = {}
            left.ended.clear()
        self.history.close(event, source, self.now, details)
        self.gone += self.fibers
        self.fibers.clear()


def replay(
    program: Program, input: JSON, identity: Identity, settings: Settings, journal: Sequence[Entry]
) -> Execution:
    """Run an execution again from its journal: nothing is called and no time passes. If the journal ends before the
    execution does, `outstanding` has what it waits for."""
    execution = Execution(program, input, identity, settings, journal[0].now)
    for entry in journal:
        execution.deliver(entry.fiber, entry.signal, entry.now)
    return execution
