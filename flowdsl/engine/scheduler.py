"""Many executions on one clock: what they ask for is carried out, and the answers find their way back.

The scheduler runs in one thread. Other threads may call `send_task_*`, `stop_execution` and `start`: under a wall
clock those calls only enqueue.
"""

from __future__ import annotations

import itertools
import json
import queue
import secrets
import threading
import uuid
from collections.abc import Callable, Mapping

from attrs import define

from ..asl.names import is_execution_name
from ..base.diagnostics import FlowError
from ..base.json import MAX_NESTING
from . import nested
from .calls import Heartbeat, Invoker, Reply
from .clock import Clock, VirtualClock
from .core import (
    Await,
    Call,
    Effect,
    Failed,
    Identity,
    Invoke,
    Program,
    Run,
    Settings,
    Signal,
    Sleep,
    Start,
    Started,
    Stop,
    Submitted,
    Succeeded,
    TimedOut,
    Wake,
)
from .errors import ExecutionAlreadyExistsError, InputTooLargeError, InvalidNameError, UnknownTaskError
from .execution import Execution
from .history import JSON, text
from .limits import MAX_DATA, MAX_EXPRESS_SECONDS, MAX_NESTED, MAX_STANDARD_SECONDS, too_large
from .result import Listener, Result
from .timers import Timer, Timers


@define(eq=False)
class _Job:
    """A call that was made and has not ended."""

    execution: Execution
    fiber: int
    call: Call
    beat: float
    """When the next heartbeat must have come."""
    ended: bool = False

    @property
    def alive(self) -> bool:
        return not self.ended and self.execution.alive(self.fiber)


class Scheduler:
    """Runs executions.

    `invoke` carries out the calls of Task states; `clock` is a VirtualClock unless another is given; `machines` are
    the state machines that `states:startExecution` and `start` find by name or ARN, but for the calls that `mocked`
    says that `invoke` answers; `on_event` is told each event as it happens.
    """

    def __init__(
        self,
        invoke: Invoker,
        *,
        clock: Clock | None = None,
        settings: Settings | None = None,
        machines: Mapping[str, Program] | None = None,
        mocked: Callable[[Call], bool] = lambda call: False,
        on_event: Listener | None = None,
        seed: int | None = None,
    ) -> None:
        self.invoke = invoke
        self.clock = clock or VirtualClock()
        self.settings = settings or Settings()
        self.machines: dict[str, Program] = dict(machines or {})
        self.executions: dict[str, Result] = {}
        self._mocked = mocked
        self._on_event = on_event
        self._seed = secrets.randbits(64) if seed is None else seed
        self._running: dict[str, tuple[Execution, Result]] = {}
        self._timers = Timers()
        self._order = itertools.count()
        self._jobs: dict[str, _Job] = {}
        self._activities: dict[str, list[_Job]] = {}
        self._parents: dict[str, list[Callable[[Result], None]]] = {}
        self._children: dict[str, dict[int, list[str]]] = {}
        """The child executions by the parent's ARN and fiber."""
        self._inbox: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._thread: int | None = None
        self._held: list[Callable[[], None]] | None = None
        """What handlers sent while they were called."""

    # -- what users call

    def start(self, program: Program, input: JSON, *, name: str | None = None, seed: int | None = None) -> Result:
        """Start an execution; it moves on in `run`.

        As StartExecution does, it gives back a Standard execution of this name that is running on the same input, and
        raises ExecutionAlreadyExistsError for any other that has the name. Raises InputTooLargeError beyond 256 KiB,
        FlowError where the input is no JSON value, and InvalidNameError where the name is none.
        """
        return self._start(program, _copied(input, "the input of an execution"), name or self._uuid(), seed)

    def run(self, until: Result | None = None) -> None:
        """Run until that execution has ended, or all have; returns early where all that is left waits for outside.

        Under a virtual clock an execution that waits for a callback nobody will send stays RUNNING here, unless a
        timeout or heartbeat ends it.
        """
        self._thread = threading.get_ident()
        try:
            while self._running and (until is None or until.status == "RUNNING"):
                self._drain()
                timer = self._timers.next()
                if self.clock.is_virtual and (timer is None or self._only_outside_matters(timer)):
                    return
                if timer is None or timer.when > self.clock.now():
                    post = self.clock.wait(None if timer is None else timer.when, self._inbox)
                    if post is not None:
                        post()
                due = self._timers.pop_due(self.clock.now())
                if due is not None:
                    due.action()
            self._drain()
        finally:
            self._thread = None

    def finish(self, result: Result) -> None:
        """Run until this execution has ended, and those that it started, and those that they did: AWS lets a child
        that nobody waits for run on. Returns early as `run`."""
        todo = [result]
        for each in todo:
            self.run(until=each)
            todo += each.children

    def send_task_success(self, token: str, output: JSON) -> None:
        """SendTaskSuccess. Raises UnknownTaskError where no task waits with this token, FlowError where the output is
        no JSON value, or one beyond 256 KiB; the task goes on waiting then."""
        result = _copied(output, "the output of a task")
        if too_large(result):
            raise FlowError.of(f"the output of a task has at most {MAX_DATA} bytes as JSON")
        self._callback(token, lambda job: self._signal(job, Succeeded(result)))

    def send_task_failure(self, token: str, error: str | None = None, cause: str | None = None) -> None:
        """SendTaskFailure. Raises UnknownTaskError where no task waits with this token."""
        self._callback(token, lambda job: self._signal(job, Failed(error, cause)))

    def send_task_heartbeat(self, token: str) -> None:
        """SendTaskHeartbeat. Raises UnknownTaskError where no task waits with this token."""
        self._callback(token, self._beaten)

    def get_activity_task(self, activity: str, worker: str | None = None) -> tuple[str, str] | None:
        """GetActivityTask: the token and the input (JSON text) of the oldest task of this activity (an ARN), or
        None."""
        waiting = self._activities.get(activity, [])
        while waiting:
            job = waiting.pop(0)
            if job.alive:
                self._signal(job, Started(worker))
                assert job.call.task_token is not None  # noqa: S101 - activities have one
                return job.call.task_token, json.dumps(job.call.arguments)
        return None

    def stop_execution(self, result: Result, error: str | None = None, cause: str | None = None) -> None:
        """StopExecution: the execution ends ABORTED."""
        self._outside(lambda: self._stop(result.arn, Stop("ABORTED", error, cause)))

    @property
    def tokens(self) -> list[str]:
        """The task tokens that somebody must answer, oldest first."""
        return [token for token, job in self._jobs.items() if job.alive]

    # -- starting and ending

    def _start(self, program: Program, input: JSON, name: str, seed: int | None = None) -> Result:
        place = f"{self.settings.region}:{self.settings.account}"
        if program.type == "STANDARD":
            arn = f"arn:aws:states:{place}:execution:{program.name}:{name}"
        else:
            arn = f"arn:aws:states:{place}:express:{program.name}:{name}:{self._uuid()}"
        machine = f"arn:aws:states:{place}:stateMachine:{program.name}"
        identity = Identity(name, arn, machine, program.name, self._seed if seed is None else seed)
        if not isinstance(name, str) or not is_execution_name(name):
            raise InvalidNameError.of(
                f"an execution cannot have the name {name!r}",
                hint="write 1 to 80 characters without white space and without any of " + r'<>{}[]?*"#%\^|~`$&,;:/',
            )
        known = self.executions.get(arn)
        if known is not None:
            if known.status == "RUNNING" and text(known.input) == text(input):
                return known
            raise ExecutionAlreadyExistsError.of(f"Execution Already Exists: '{arn}'", hint="give it another name")
        if too_large(input):
            raise InputTooLargeError.of(
                f"the input of an execution has at most {MAX_DATA} bytes as JSON, nested at most {MAX_NESTING} deep"
            )
        execution = Execution(program, input, identity, self.settings, self.clock.now())
        result = Result(execution)
        self.executions[arn] = result
        self._running[arn] = (execution, result)
        self._outside(lambda: self._begin(program, execution))
        return result

    def _begin(self, program: Program, execution: Execution) -> None:
        arn = execution.identity.arn
        longest = MAX_STANDARD_SECONDS if program.type == "STANDARD" else MAX_EXPRESS_SECONDS
        seconds = min(longest, program.timeout_seconds or longest)
        timed_out = Stop("TIMED_OUT", "States.Timeout")
        root = execution.root.id
        self._timers.at(execution.start, lambda: self._deliver(execution, root, Start()), lambda: True)
        is_limit = seconds == MAX_STANDARD_SECONDS
        self._timers.at(
            execution.start + seconds,
            lambda: self._stop(arn, timed_out),
            lambda: arn in self._running,
            is_limit=is_limit,
        )

    def _uuid(self) -> str:
        """The next of a series of UUIDs, the same in every run."""
        return str(uuid.uuid5(uuid.NAMESPACE_OID, f"{self._seed}/{next(self._order)}"))

    def _stop(self, arn: str, stop: Stop) -> None:
        if arn in self._running:
            execution, _ = self._running[arn]
            self._deliver(execution, execution.root.id, stop)

    def _finished(self, execution: Execution, result: Result) -> None:
        arn = execution.identity.arn
        self._running.pop(arn, None)
        execution.release()
        for parent in self._parents.pop(arn, ()):
            parent(result)
        if not self._running:
            self._timers.clear()

    # -- effects

    def _deliver(self, execution: Execution, fiber: int, signal: Signal) -> None:
        asked = execution.deliver(fiber, signal, self.clock.now())
        arn = execution.identity.arn
        result = self.executions[arn]
        if self._on_event is not None:
            for event in execution.history[result.told :]:
                self._on_event(result, event)
            result.told = len(execution.history)
        if arn in self._children:
            self._stop_orphans(execution)
        for effect in asked:
            self._carry_out(execution, *effect)
        if execution.status != "RUNNING" and arn in self._running:
            self._finished(execution, result)

    def _carry_out(self, execution: Execution, fiber: int, ticket: int, effect: Effect) -> None:
        if isinstance(effect, Sleep):
            self._timers.at(
                effect.until,
                lambda: self._deliver(execution, fiber, Wake()),
                lambda: execution.waiting(fiber, ticket),
            )
        elif isinstance(effect, Invoke):
            self._invoke(execution, fiber, effect.call)
        elif isinstance(effect, Run):
            self._run_child(execution, fiber, effect)
        elif not isinstance(effect, Await):
            raise TypeError(f"unknown effect {effect!r}")

    def _invoke(self, execution: Execution, fiber: int, call: Call) -> None:
        now = self.clock.now()
        job = _Job(execution, fiber, call, now + (call.heartbeat_seconds or 0))
        if call.task_token is not None:
            self._jobs[call.task_token] = job
        machine = nested.target(call, self.machines)
        if machine is not None and not self._mocked(call):
            self._start_nested(job, machine)
        else:
            self._call(job)
        if call.timeout_seconds is not None:
            self._timers.at(now + call.timeout_seconds, lambda: self._signal(job, TimedOut()), lambda: job.alive)
        if call.heartbeat_seconds is not None:
            self._watch(job)

    def _call(self, job: _Job) -> None:
        """Have the call carried out. What the handler itself sends about tasks takes effect after its answer."""
        self._held = []
        try:
            reply = self.invoke(job.call)
        finally:
            held, self._held = self._held, None
        self._answer(job, reply)
        for action in held:
            self._timers.at(self.clock.now() + reply.seconds, action, lambda: True)

    def _answer(self, job: _Job, reply: Reply) -> None:
        call, now = job.call, self.clock.now()
        done = now + reply.seconds
        if reply.kind == "failed":
            self._later(done, job, Failed(reply.error, reply.cause, reply.refused))
        elif reply.kind == "timed_out":
            if call.timeout_seconds is None and call.heartbeat_seconds is None:
                self._later(now, job, TimedOut())
            return
        elif reply.kind == "succeeded" and call.integration == "activity":
            self._later(now, job, Started())
            self._later(done, job, Succeeded(reply.output))
        elif reply.kind == "succeeded" and call.pattern in ("sync", "sync:2"):
            self._later(now, job, Submitted(reply.output))
            self._later(done, job, Succeeded(reply.output))
        elif reply.kind == "succeeded" and call.pattern == "":
            self._later(done, job, Succeeded(reply.output))
        elif call.integration == "activity":
            self._activities.setdefault(call.resource, []).append(job)
        else:
            self._later(done, job, Submitted(reply.output))
        for later in reply.later:
            self._later(now + later.seconds, job, later.signal)

    def _later(self, when: float, job: _Job, signal: Signal | Heartbeat) -> None:
        if isinstance(signal, Heartbeat):
            self._timers.at(when, lambda: self._beaten(job), lambda: job.alive)
        else:
            self._timers.at(when, lambda: self._signal(job, signal), lambda: job.alive)

    def _signal(self, job: _Job, signal: Signal) -> None:
        if not isinstance(signal, (Submitted, Started)):
            job.ended = True
            if job.call.task_token is not None:
                self._jobs.pop(job.call.task_token, None)
        else:
            self._beaten(job)
        self._deliver(job.execution, job.fiber, signal)

    def _watch(self, job: _Job) -> None:
        """Time the task out where no heartbeat has come since the last look."""

        def look() -> None:
            if job.beat <= self.clock.now():
                self._signal(job, TimedOut(heartbeat=True))
            else:
                self._timers.at(job.beat, look, lambda: job.alive)

        self._timers.at(job.beat, look, lambda: job.alive)

    def _beaten(self, job: _Job) -> None:
        job.beat = self.clock.now() + (job.call.heartbeat_seconds or 0)

    # -- nested executions

    def _start_nested(self, job: _Job, program: Program) -> None:
        arguments = job.call.arguments
        name = arguments.get("Name") or self._uuid()
        try:
            child = self._start(program, nested.child_input(arguments), name)
        except (ValueError, FlowError) as error:
            self._later(self.clock.now(), job, nested.refused(job.call, error))
            return
        self._descends(child, self.executions[job.execution.identity.arn])
        self._later(self.clock.now(), job, nested.submitted(job.call, child))
        if job.call.pattern in ("sync", "sync:2"):
            # As a timer, so that it comes after what was submitted, however soon the child ends.
            self._adopt(
                job.execution,
                job.fiber,
                child,
                lambda result: self._later(self.clock.now(), job, nested.outcome(job.call, result)),
            )

    def _run_child(self, execution: Execution, fiber: int, effect: Run) -> None:
        try:
            child = self._start(effect.program, effect.input, effect.name)
        except InputTooLargeError as error:
            failed = Failed("States.DataLimitExceeded", error.diagnostics[0].message)
            now = self.clock.now()
            self._timers.at(now, lambda: self._deliver(execution, fiber, failed), lambda: execution.alive(fiber))
            return

        self._descends(child, self.executions[execution.identity.arn])

        def ended(result: Result) -> None:
            if execution.alive(fiber):
                signal: Signal = Failed(result.error, result.cause)
                if result.status == "SUCCEEDED":
                    signal = Succeeded(result.output)
                elif result.status == "TIMED_OUT":
                    signal = TimedOut()
                self._deliver(execution, fiber, signal)

        self._adopt(execution, fiber, child, ended)

    def _descends(self, child: Result, parent: Result) -> None:
        parent.children.append(child)
        child.depth = parent.depth + 1
        if child.depth > MAX_NESTED:
            raise FlowError.of(
                f"{MAX_NESTED:,} executions have started each other in a row; "
                f"the last is one of {child.identity.state_machine_name!r}",
                code="FD902",
                hint="let something end the row, or mock the Task that starts the next",
            )

    def _stop_orphans(self, execution: Execution) -> None:
        """Stop the child executions whose parents no longer wait for them."""
        children = self._children[execution.identity.arn]
        for fiber in execution.gone:
            for child in children.pop(fiber, ()):
                self._stop(child, Stop("ABORTED"))
        if execution.status != "RUNNING":
            del self._children[execution.identity.arn]

    def _adopt(self, execution: Execution, fiber: int, child: Result, ended: Callable[[Result], None]) -> None:
        """Have a fiber told how a child execution ended, and the child stopped when the fiber is gone."""
        self._parents.setdefault(child.arn, []).append(ended)
        self._children.setdefault(execution.identity.arn, {}).setdefault(fiber, []).append(child.arn)

    # -- time

    def _only_outside_matters(self, following: Timer) -> bool:
        """Whether a task waits for an answer from outside, and nothing else happens until a year is over."""
        return following.is_limit and bool(self.tokens)

    def _callback(self, token: str, action: Callable[[_Job], None]) -> None:
        """Do something to the task with this token. Raises UnknownTaskError where none waits with it."""
        job = self._jobs.get(token)
        if job is None or not job.alive:
            raise UnknownTaskError(f"no task waits with the token {token}")

        def act() -> None:
            if job.alive:
                action(job)

        self._outside(act)

    def _outside(self, action: Callable[[], None]) -> None:
        """Do it now; or after the answer of the handler that asks; or, while `run` is on in another thread, there."""
        if self._held is not None and self._thread == threading.get_ident():
            self._held.append(action)
        elif self._thread is None or self._thread == threading.get_ident():
            action()
        else:
            self._inbox.put(action)

    def _drain(self) -> None:
        while not self._inbox.empty():
            self._inbox.get()()


_encode = json.JSONEncoder(allow_nan=False).encode


def _copied(value: JSON, what: str) -> JSON:
    """A JSON value from outside, as the engine's own: whoever gave it may change theirs. Raises FlowError."""
    try:
        return json.loads(_encode(value))
    except (TypeError, ValueError, RecursionError) as error:
        raise FlowError.of(f"{what} must be a JSON value: {error}") from None
