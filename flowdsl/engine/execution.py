"""One execution: fibers that run states, a history that they write, signals in and effects out.

Everything that decides what an execution does is here and in the modules below it. Nothing in them reads a clock,
starts a thread or calls anybody's code, so an execution that is given the same signals again writes the same history.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable, Generator, Sequence
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, Literal

from attrs import frozen

from ..expr.chance import Dice, chance
from ..expr.scope import Scope
from .effects import Effect, Entry, Signal, Start, Stop
from .errors import Failure, HistoryFull
from .history import JSON, History
from .limits import MAX_EVENTS, MAX_EXPRESS_EVENTS
from .times import moment

if TYPE_CHECKING:
    from .prepare import Program, State

Status = Literal["RUNNING", "SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"]


@frozen
class Settings:
    """Where the executions seem to run.

    `as_of` is the day whose service is imitated, where recordings show that Step Functions changed (docs/conformance.md
    lists the changes); None is today's.
    """

    region: str = "us-east-1"
    account: str = "123456789012"
    role_arn: str = "arn:aws:iam::123456789012:role/StepFunctionsRole"
    as_of: date | None = None
    activities: frozenset[str] | None = None
    """The ARNs of the activities that exist; None where all do."""

    def since(self, day: date) -> bool:
        """Whether what changed on this day is to be seen."""
        return self.as_of is None or self.as_of >= day


@frozen
class Identity:
    """What tells one execution from another. `seed` feeds jitter and everything else that is random."""

    name: str
    arn: str
    state_machine_arn: str
    state_machine_name: str
    seed: int = 0


class _Join:
    """Yielded by a fiber that waits for one of its children to end."""


JOIN = _Join()
Steps = Generator[Effect | _Join, Any, JSON]


class Fiber:
    """A line of control: the execution itself, a branch of a Parallel, an iteration of a Map.

    `source` is the id of the event that the next one follows from, `entered` that of the current state's StateEntered.
    """

    __slots__ = (
        *("children", "ended", "entered", "execution", "failure", "generator", "history", "id", "index", "joining"),
        *(
            "map_item",
            "output",
            "parent",
            "retry_count",
            "scope",
            "source",
            "state",
            "task_token",
            "ticket",
            "variables",
        ),
    )

    def __init__(self, execution: Execution, parent: Fiber | None, index: int) -> None:
        self.execution = execution
        self.history = execution.history
        self.id = execution.next_fiber_id()
        self.parent = parent
        self.index = index
        self.children: dict[int, Fiber] = {}
        self.ended: deque[Fiber] = deque()
        self.joining = False
        self.source: int = parent.source if parent else 0
        self.entered = 0
        self.state: State | None = None
        self.variables: dict[str, JSON] = parent.variables if parent else {}
        self.map_item: dict[str, JSON] | None = parent.map_item if parent else None
        self.scope = Scope({}, self.variables)
        self.retry_count = 0
        self.task_token: str | None = None
        self.ticket = 0
        self.generator: Steps | None = None
        self.output: JSON = None
        self.failure: Failure | None = None

    @property
    def now(self) -> float:
        return self.execution.now

    def record(self, type: str, details: dict[str, JSON] | None = None) -> int:
        """Write the next event of this line of control; it follows from the one before."""
        self.source = self.history.write(type, self.source, self.execution.now, details)
        return self.source

    def note(self, type: str, details: dict[str, JSON] | None = None) -> int:
        """Write an event that nothing follows from: the next one follows from what this one does."""
        before = self.source
        number = self.record(type, details)
        self.source = before
        return number

    def assign(self, values: dict[str, JSON]) -> None:
        """Give variables values, from the next state on."""
        self.variables = {**self.variables, **values}
        self.scope = Scope(self.scope.context, self.variables)

    def see(self, state: State) -> None:
        """Make the scope of a state that reads the context object; it is costly, so only for those."""
        self.scope = Scope(self.execution.context(self, state), self.variables)

    def spawn(self, steps: Callable[[Fiber], Steps], index: int, map_item: dict[str, JSON] | None = None) -> Fiber:
        """Start a child on what `steps` makes for it; it runs when this fiber waits."""
        child = Fiber(self.execution, self, index)
        if map_item is not None:
            child.map_item = map_item
        self.children[child.id] = child
        self.execution.launch(child, steps(child))
        return child


class Execution:
    """A running execution: `deliver` moves it on; `status`, `output`, `error`, `cause` and `history` tell of it."""

    tells_place = True
    """Whether the cause of a failed evaluation begins with the state and the event at which it was entered."""

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
        self.history = History(MAX_EVENTS if program.type == "STANDARD" else MAX_EXPRESS_EVENTS)
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
        """Whether the fiber still waits for the answer to what it asked for under this ticket."""
        fiber = self.fibers.get(fiber_id)
        return fiber is not None and fiber.ticket == ticket

    def alive(self, fiber_id: int) -> bool:
        """Whether the fiber has not ended and was not cut off."""
        return fiber_id in self.fibers

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

    def context(self, fiber: Fiber, state: State) -> dict[str, JSON]:
        """The context object. Source: Step Functions Developer Guide, "Context object"."""
        if self._execution_context is None:
            self._execution_context = {
                "Id": self.identity.arn,
                "Input": self.input,
                "StartTime": iso(self.start),
                "Name": self.identity.name,
                "RoleArn": self.settings.role_arn,
            }
            if self.program.type == "STANDARD" and self.settings.since(REDRIVE):
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
        told = f"{self.identity.arn}/{fiber.id}/{len(self.history)}/{fiber.retry_count}"
        return hashlib.sha256(told.encode()).hexdigest() * 2

    # -- the loop

    def _begin(self) -> None:
        self._record_start()
        self.launch(self.root, self.program.begin(self.root, self.input))

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
            if not isinstance(effect, _Join):
                self._effects.append((fiber.id, fiber.ticket, effect))
            elif fiber.ended:
                self._ready.append((fiber, fiber.ended.popleft()))
            else:
                fiber.joining = True

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


REDRIVE = date(2023, 11, 15)
"""Redrive was announced on this day; recordings from before have no RedriveCount in the context object."""


def iso(seconds: float) -> str:
    """A time as the context object and messages write it: in milliseconds, without a fraction that is zero.

    Source: Step Functions Developer Guide, "Timestamp format with fractional seconds".
    """
    moment = datetime.fromtimestamp(seconds, UTC)
    millis = moment.microsecond // 1000
    return moment.strftime("%Y-%m-%dT%H:%M:%S") + (f".{millis:03d}Z" if millis else "Z")


def replay(
    program: Program, input: JSON, identity: Identity, settings: Settings, journal: Sequence[Entry]
) -> Execution:
    """Run an execution again from its journal; nobody is called and no time passes."""
    execution = Execution(program, input, identity, settings, journal[0].now)
    for entry in journal:
        execution.deliver(entry.fiber, entry.signal, entry.now)
    return execution
