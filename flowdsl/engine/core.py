"""The engine's own words: what is prepared, what runs, what it asks for and what it is told.

Everything here refers to everything else, so it is in one place; all other modules of the engine import from here, and
this module imports none of those that run states.

- A `Program` is a definition made ready to run: `Block`s of `PreparedState`s.
- A `Fiber` runs a block: it is the execution itself, a branch of a Parallel or an iteration of a Map.
- `Steps`, a generator, is the work of a fiber: it yields `Effect`s and is resumed with `Signal`s.
- An `Entry` of the journal is a signal with its time and its fiber.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable, Generator, Mapping
from typing import Any, Literal, Protocol

from attrs import define, field, frozen

from ..asl.resource import FunctionName, Pattern, called_function, parse_resource
from ..base.diagnostics import AslPath
from ..expr.chance import Dice
from ..expr.scope import Scope
from .errors import Failure
from .history import JSON, ExecutionHistory

Type = Literal["STANDARD", "EXPRESS"]
Status = Literal["RUNNING", "SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"]


# -- where and who


@frozen
class Settings:
    """Region, account, role and activities of the executions."""

    region: str = "us-east-1"
    account: str = "123456789012"
    role_arn: str = "arn:aws:iam::123456789012:role/StepFunctionsRole"
    activities: frozenset[str] | None = None
    """The ARNs of the activities that exist; None if all do."""


@frozen
class Identity:
    """Names and ARNs of one execution; `seed` decides jitter and everything else that is random in it."""

    name: str
    arn: str
    state_machine_arn: str
    state_machine_name: str
    seed: int = 0


# -- what an execution asks for


@frozen
class Call:
    """One attempt of a Task state, as the invoker that carries it out sees it.

    `resource` is the state's Resource as written. `integration` is `lambda` and `action` is `invoke` for
    `arn:aws:states:::lambda:invoke`; `aws-sdk:dynamodb` and `putItem` for an SDK integration; `lambda` and `function`
    for the ARN of a function; `activity` and `activity` for the ARN of an activity. `pattern` is what follows the
    action: empty, `sync`, `sync:2` or `waitForTaskToken`. `arguments` is the payload (Parameters or Arguments,
    evaluated).
    """

    resource: str
    integration: str
    action: str
    arguments: JSON
    state_name: str
    execution_arn: str
    state_machine_arn: str
    now: float
    """The time of the call on the scheduler's clock, in seconds since 1970."""
    pattern: Pattern = ""
    task_token: str | None = None
    retry_count: int = 0
    event_id: int = 0
    """The id of the event that schedules the Task; 0 if the service itself calls, to read the items of a Map or to
    write its results."""
    limits: Mapping[str, JSON] = {}
    """The state's fields that may be read from its input, evaluated, by their ASL names: TimeoutSeconds and
    HeartbeatSeconds. Fields that the state does not have are absent."""
    credentials: JSON = None
    region: str = "us-east-1"
    account: str = "123456789012"

    @property
    def timeout_seconds(self) -> float | None:
        return self.limits.get("TimeoutSeconds")

    @property
    def heartbeat_seconds(self) -> float | None:
        return self.limits.get("HeartbeatSeconds")

    @property
    def waits(self) -> bool:
        """True if the task goes on waiting after the call was answered."""
        return self.pattern != "" or self.integration == "activity"

    @property
    def function(self) -> FunctionName | None:
        """The Lambda function that is called; None for other services, or if the arguments do not name one."""
        return called_function(parse_resource(self.resource), self.arguments)

    @property
    def request_id(self) -> str:
        """A request id in the form of a UUID; the same in every run with the same seed."""
        source = f"{self.execution_arn}/{self.event_id}"
        digits = hashlib.sha1(source.encode(errors="replace"), usedforsecurity=False).hexdigest()
        return f"{digits[:8]}-{digits[8:12]}-5{digits[13:16]}-8{digits[17:20]}-{digits[20:32]}"


@frozen
class Sleep:
    """Resume the fiber at this time (seconds since 1970)."""

    until: float


@frozen
class Invoke:
    """Carry out this call. One Succeeded, Failed or TimedOut ends it; a Submitted or Started may come before."""

    call: Call


@frozen
class Await:
    """Resume the fiber with the next signal about the call that it made before."""


@frozen
class RunChild:
    """Run a child execution of this program; Succeeded, Failed or TimedOut says how it ended."""

    program: Program
    input: JSON
    name: str


Effect = Sleep | Invoke | Await | RunChild


# -- what it is told


@frozen
class Start:
    """Begin the execution."""


@frozen
class Wake:
    """The time of a Sleep has come."""


@frozen
class Submitted:
    """A job was started or a message sent (`output` is the service's answer); the result comes later."""

    output: JSON = None


@frozen
class Started:
    """A worker has taken the activity task."""

    worker: str | None = None


@frozen
class Succeeded:
    """The task's result."""

    output: JSON


@frozen
class Failed:
    """`refused` means that the arguments do not make a valid call: a States.Runtime error of the state, not a failure
    of the task."""

    error: str | None = None
    cause: str | None = None
    refused: bool = False


@frozen
class TimedOut:
    """TimeoutSeconds or HeartbeatSeconds has passed."""

    error: str = "States.Timeout"
    cause: str | None = None
    heartbeat: bool = False


@frozen
class Stop:
    """End the execution from outside: StopExecution (ABORTED), or its TimeoutSeconds (TIMED_OUT)."""

    status: Literal["ABORTED", "TIMED_OUT"]
    error: str | None = None
    cause: str | None = None


Signal = Start | Wake | Submitted | Started | Succeeded | Failed | TimedOut | Stop


@frozen
class Entry:
    """One line of the journal: at `now`, this fiber got this signal."""

    now: float
    fiber: int
    signal: Signal


# -- what runs


class Join:
    """Yielded by a fiber that waits for one of its children to end."""


JOIN = Join()
Steps = Generator[Effect | Join, Any, JSON]
Outcome = tuple[str | None, JSON, dict[str, JSON] | None]
"""The next state (None: the block ends), the state's output, and the variables that it assigns."""


@define(eq=False)
class PreparedState:
    """A state ready to run: either `step`, which needs nothing from outside, or `run`, which may wait."""

    name: str
    type: str
    reads_context: bool
    """True if any of its expressions reads the context object."""
    retries: bool
    """True if it may have Retry, so that the context object counts its attempts."""
    entered: str
    exited: str
    step: Callable[[Fiber, JSON], Outcome] | None = field(default=None, repr=False)
    run: Callable[[Fiber, JSON], Steps] = field(default=None, repr=False)


@define(eq=False)
class Block:
    """States that lead to each other: the top level of a machine, a branch, an item processor."""

    start_at: str
    states: dict[str, PreparedState] = field(repr=False)
    path: AslPath = ()


@define(eq=False)
class Program:
    """A prepared state machine. It keeps no data of executions, so any number of them may run it at once."""

    name: str
    type: Type
    definition: Mapping[str, Any] = field(repr=False)
    block: Block
    timeout_seconds: float | None = None


class Surroundings(Protocol):
    """What fibers and states use of the execution that they belong to."""

    identity: Identity
    settings: Settings
    history: ExecutionHistory
    dice: Dice
    now: float
    tells_place: bool
    """True if the cause of a failed evaluation begins with the state and the event that entered it."""

    def next_fiber_id(self) -> int: ...
    def launch(self, fiber: Fiber, steps: Steps) -> None: ...
    def abort(self, fiber: Fiber) -> None: ...
    def context(self, fiber: Fiber, state: PreparedState) -> dict[str, JSON]: ...
    def task_token(self, fiber: Fiber) -> str: ...


class Fiber:
    """A line of control: the execution itself, a branch of a Parallel, an iteration of a Map.

    `source` is the id of the event that the next one follows from, `entered` that of the current state's StateEntered.
    `effect` is what it waits for (None while it waits for a child), asked for under the ticket `asked` at `since`;
    `ticket` counts how many times it was resumed, and an answer is valid for the ticket that came with the effect.
    A plain slotted class: it is used in every step.
    """

    __slots__ = (
        *("asked", "children", "effect", "ended", "entered", "execution", "failure", "generator", "history", "id"),
        *("index", "joining", "map_item", "output", "parent", "retry_count", "scope", "since", "source", "state"),
        *("task_token", "ticket", "variables"),
    )

    def __init__(self, execution: Surroundings, parent: Fiber | None, index: int) -> None:
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
        self.state: PreparedState | None = None
        self.variables: dict[str, JSON] = parent.variables if parent else {}
        self.map_item: dict[str, JSON] | None = parent.map_item if parent else None
        self.scope = Scope({}, self.variables)
        self.retry_count = 0
        self.task_token: str | None = None
        self.ticket = 0
        self.effect: Effect | None = None
        self.asked = 0
        self.since = 0.0
        self.generator: Steps | None = None
        self.output: JSON = None
        self.failure: Failure | None = None

    @property
    def now(self) -> float:
        return self.execution.now

    def record(self, type: str, details: dict[str, JSON] | None = None) -> int:
        """Write the next event of this fiber, which follows from the one before; returns its id."""
        self.source = self.history.write(type, self.source, self.execution.now, details)
        return self.source

    def note(self, type: str, details: dict[str, JSON] | None = None) -> int:
        """Write an event beside the chain: the next event follows from the same one as this. Returns its id."""
        before = self.source
        number = self.record(type, details)
        self.source = before
        return number

    def assign(self, values: dict[str, JSON]) -> None:
        """Set variables, for the states from the next one on."""
        self.variables = {**self.variables, **values}
        self.scope = Scope(self.scope.context, self.variables)

    def see(self, state: PreparedState) -> None:
        """Build the context object for a state that reads it; this is costly, so call it for those alone."""
        self.scope = Scope(self.execution.context(self, state), self.variables)

    def spawn(self, steps: Callable[[Fiber], Steps], index: int, map_item: dict[str, JSON] | None = None) -> Fiber:
        """Start a child fiber on the work that `steps` returns for it; it runs when this fiber waits."""
        child = Fiber(self.execution, self, index)
        if map_item is not None:
            child.map_item = map_item
        self.children[child.id] = child
        self.execution.launch(child, steps(child))
        return child
