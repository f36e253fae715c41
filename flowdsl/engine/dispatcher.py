"""What a scheduler does with one message: it starts and stops executions, carries out their effects and times the
answers.

Nothing here knows threads but for the lock that guards what other threads read and write too.
"""

from __future__ import annotations

import itertools
import re
import secrets
import threading
import uuid
from collections import Counter, deque
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from attrs import define, field

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
    RunChild,
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
from .errors import ExecutionAlreadyExistsError, InputTooLargeError, InvalidNameError
from .execution import Execution
from .history import JSON, text
from .limits import MAX_DATA, MAX_EXPRESS_SECONDS, MAX_NESTED, MAX_STANDARD_SECONDS, too_large
from .messages import (
    Address,
    Begin,
    Broken,
    CheckHeartbeat,
    Expire,
    Halt,
    Inform,
    Launch,
    Message,
    Pending,
    Repeat,
    Resume,
    Returned,
    Sent,
    ToExecution,
    ToTask,
)
from .result import Listener, Result
from .timers import Timers
from .workers import Workers

_NAME = re.compile(r'[^\s<>{}\[\]?*"#%\\^|~`$&,;:/\x00-\x1f\x7f-\x9f]{1,80}')
"""Source: API reference, StartExecution, name."""


@define(eq=False)
class PendingTask:
    """A call that has not ended: it was made, and perhaps returned, but the task waits for its result."""

    to: Address
    execution: Execution
    call: Call
    beat: float
    """When the next heartbeat is due."""
    is_calling: bool = True
    """True until the call returns."""
    is_settled: bool = False
    """True once a result was sent from outside: nothing more can be sent."""
    is_holding: bool = True
    """True until the answer to the call was written down: what is sent before comes after it."""
    early: list[Sent] = field(factory=list)
    """What was sent before that."""

    @property
    def is_waiting(self) -> bool:
        return not self.is_settled and self.execution.alive(self.to.fiber)


class Dispatcher:
    """The part of a Scheduler that runs in the thread that drives."""

    def __init__(
        self,
        invoke: Invoker,
        *,
        clock: Clock | None = None,
        settings: Settings | None = None,
        machines: Mapping[str, Program] | None = None,
        mocked: Callable[[Call], bool] = lambda call: False,
        on_event: Listener | None = None,
        on_step: Callable[[], None] | None = None,
        seed: int | None = None,
    ) -> None:
        self.invoke = invoke
        self.clock = clock or VirtualClock()
        self.settings = settings or Settings()
        self.machines: dict[str, Program] = dict(machines or {})
        self.executions: dict[str, Result] = {}
        """By ARN, ended ones too, but for those that were forgotten."""
        self._forgotten: set[str] = set()
        """The ARNs of those: a name is used once."""
        self._mocked = mocked
        self._on_event = on_event
        self._on_step = on_step
        self._seed = secrets.randbits(64) if seed is None else seed
        self._order = itertools.count()
        self._running: dict[str, tuple[Execution, Result]] = {}
        self._timers = Timers()
        self._tasks: dict[tuple[str, int], PendingTask] = {}
        """By execution and fiber: a fiber has one call at a time."""
        self._tokens: dict[str, PendingTask] = {}
        self._activities: dict[str, deque[PendingTask]] = {}
        """The tasks that wait for a worker, by the activity's ARN."""
        self._parents: dict[str, list[Address]] = {}
        """Who waits for a child execution, by its ARN."""
        self._children: dict[str, dict[int, list[str]]] = {}
        """The child executions that are waited for, by the parent's ARN and fiber."""
        self._descent: dict[Address, str] = {}
        """The ARNs of child executions by what started them: after a crash nothing starts twice."""
        self._workers = Workers()
        self._lock = threading.RLock()
        """Guards the inbox, the registry of executions, what is sent to tasks, and who drives."""
        self._changed = threading.Condition(self._lock)
        self._inbox: deque[Message] = deque()
        self._driver: int | None = None
        """The thread that drives."""
        self._depth = 0
        """How many calls of `run` are on its stack: a handler may run executions too."""
        self._awaited: Counter[str] = Counter()
        """The executions that other threads wait for in `run`."""
        self._errors: dict[str, BaseException] = {}
        """What the invoker raised for those."""

    def _enqueue(self, message: Message) -> None:
        with self._lock:
            self._inbox.append(message)
            self._changed.notify_all()

    def _is_wanted(self, message: Pending) -> bool:
        """False for a message to something that has ended."""
        if isinstance(message, ToTask):
            return self._task(message.to) is not None
        running = self._running.get(message.execution)
        if running is None or isinstance(message, ToExecution):
            return running is not None
        return running[0].waiting(message.to.fiber, message.to.ticket)

    def _task(self, to: Address) -> PendingTask | None:
        """The task at this address, unless it has ended or was cut off."""
        task = self._tasks.get((to.execution, to.fiber))
        return task if task is not None and task.to == to else None

    def _handle(self, message: Message) -> None:
        """Handle a message that is wanted, or one that may come at any time."""
        _ACTIONS[type(message)](self, message)

    def _on_launch(self, message: Launch) -> None:
        execution, _ = self._running[message.execution]
        self._deliver(execution, execution.root.id, Start())

    def _on_resume(self, message: Resume) -> None:
        execution, _ = self._running[message.execution]
        self._deliver(execution, message.to.fiber, message.signal)

    def _on_answer(self, message: Inform) -> None:
        self._answer(self._tasks[message.to.execution, message.to.fiber], message.signal)

    def _on_sent(self, message: Sent) -> None:
        task = self._tasks[message.to.execution, message.to.fiber]
        if task.is_holding and not isinstance(message.signal, Heartbeat):
            task.early.append(message)
            return
        if not isinstance(message.signal, Heartbeat):
            self._children.get(task.to.execution, {}).pop(task.to.fiber, None)  # they run on, and nobody waits for them
        self._answer(task, message.signal)

    def _on_returned(self, message: Returned) -> None:
        task = self._task(message.to)
        if task is not None:
            self._returned(task, message.reply)

    def _on_broken(self, message: Broken) -> None:
        raise message.error

    # -- starting and ending

    def _start(
        self, program: Program, input: JSON, name: str, seed: int | None = None, *, key: str | None = None
    ) -> tuple[Result, bool]:
        """Register an execution; returns False with one that runs already. `key` ends the ARN of an Express one."""
        place = f"{self.settings.region}:{self.settings.account}"
        if program.type == "STANDARD":
            arn = f"arn:aws:states:{place}:execution:{program.name}:{name}"
        else:
            arn = f"arn:aws:states:{place}:express:{program.name}:{name}:{key or self._uuid()}"
        machine = f"arn:aws:states:{place}:stateMachine:{program.name}"
        identity = Identity(name, arn, machine, program.name, self._seed if seed is None else seed)
        if not isinstance(name, str) or _NAME.fullmatch(name) is None:
            raise InvalidNameError.of(
                f"an execution cannot have the name {name!r}",
                hint="use 1 to 80 characters without white space and without any of " + r'<>{}[]?*"#%\^|~`$&,;:/',
            )
        is_too_large = too_large(input)
        with self._lock:
            known = self.executions.get(arn)
            if known is not None and known.status == "RUNNING" and text(known.input) == text(input):
                return known, False
            if known is not None or arn in self._forgotten:
                raise ExecutionAlreadyExistsError.of(f"Execution Already Exists: '{arn}'", hint="give it another name")
            if is_too_large:
                raise InputTooLargeError.of(
                    f"the input of an execution has at most {MAX_DATA} bytes as JSON, nested at most {MAX_NESTING} deep"
                )
            execution = Execution(program, input, identity, self.settings, self.clock.now())
            result = self._register(execution)
        return result, True

    def _register(self, execution: Execution) -> Result:
        arn = execution.identity.arn
        result = Result(execution)
        self.executions[arn] = result
        self._running[arn] = (execution, result)
        return result

    def _begin(self, arn: str) -> None:
        execution, _ = self._running[arn]
        self._timers.at(execution.start, Launch(arn))
        self._limit(execution)

    def _limit(self, execution: Execution) -> None:
        """Set the timer that ends an execution."""
        program = execution.program
        longest = MAX_STANDARD_SECONDS if program.type == "STANDARD" else MAX_EXPRESS_SECONDS
        seconds = min(longest, program.timeout_seconds or longest)
        expire = Expire(execution.identity.arn, is_limit=seconds == MAX_STANDARD_SECONDS)
        self._timers.at(execution.start + seconds, expire)

    def _uuid(self) -> str:
        """The next of a series of UUIDs, the same in every run."""
        return str(uuid.uuid5(uuid.NAMESPACE_OID, f"{self._seed}/{next(self._order)}"))

    def _stop(self, arn: str, stop: Stop) -> None:
        if arn in self._running:
            execution, _ = self._running[arn]
            self._deliver(execution, execution.root.id, stop)

    def _finished(self, execution: Execution, result: Result) -> None:
        arn = execution.identity.arn
        with self._lock:
            self._running.pop(arn, None)
            self._changed.notify_all()
        execution.release()
        for parent in self._parents.pop(arn, ()):
            self._tell_parent(parent, result)
        if not self._running:
            self._timers.clear()

    # -- effects

    def _deliver(self, execution: Execution, fiber: int, signal: Signal) -> None:
        effects = execution.deliver(fiber, signal, self.clock.now())
        arn = execution.identity.arn
        result = self.executions[arn]
        if self._on_event is not None:
            for event in execution.history[result.reported :]:
                self._on_event(result, event)
            result.reported = len(execution.history)
        for asker, ticket, effect in effects:
            self._carry_out(execution, Address(arn, asker, ticket), effect)
        # Last, for a fiber may have asked for something before another one of this delivery cut it off.
        if execution.gone and (self._tasks or arn in self._children):
            self._forget(execution)
        if execution.status != "RUNNING" and arn in self._running:
            self._finished(execution, result)

    def _carry_out(self, execution: Execution, to: Address, effect: Effect) -> None:
        if isinstance(effect, Sleep):
            self._timers.at(effect.until, Resume(to, Wake()))
        elif isinstance(effect, Invoke):
            self._invoke(execution, to, effect.call)
        elif isinstance(effect, RunChild):
            self._run_child(to, effect)
        elif not isinstance(effect, Await):
            raise TypeError(f"unknown effect {effect!r}")

    def _repeat(self, to: Address) -> None:
        """Carry out an effect that was interrupted."""
        execution, _ = self._running[to.execution]
        effect = execution.fibers[to.fiber].effect
        if isinstance(effect, RunChild):
            self._run_child(to, effect)
        elif isinstance(effect, Invoke):
            self._call(self._tasks[to.execution, to.fiber])

    def _invoke(self, execution: Execution, to: Address, call: Call) -> None:
        now = self.clock.now()
        task = self._add_task(execution, to, call, now)
        if call.limits:
            self._arm(task, now)
        self._call(task)

    def _call(self, task: PendingTask) -> None:
        machine = nested.target(task.call, self.machines)
        if machine is not None and not self._mocked(task.call):
            task.is_calling = False
            self._start_nested(task, machine)
        elif self.clock.is_virtual:
            self._returned(task, self.invoke(task.call))
        else:
            self._workers.submit(partial(self._call_beside, task))

    def _add_task(self, execution: Execution, to: Address, call: Call, now: float) -> PendingTask:
        task = PendingTask(to, execution, call, now + (call.heartbeat_seconds or 0) if call.limits else now)
        self._tasks[to.execution, to.fiber] = task
        if call.task_token is not None:
            self._tokens[call.task_token] = task
        return task

    def _arm(self, task: PendingTask, start: float) -> None:
        """Set the timers for TimeoutSeconds and HeartbeatSeconds of a task whose call began at `start`."""
        call = task.call
        if call.timeout_seconds is not None:
            self._timers.at(start + call.timeout_seconds, Inform(task.to, TimedOut()), is_timeout=True)
        if call.heartbeat_seconds is not None:
            self._timers.at(task.beat, CheckHeartbeat(task.to), is_timeout=True)

    def _call_beside(self, task: PendingTask) -> None:
        try:
            message: Message = Returned(task.to, self.invoke(task.call))
        except BaseException as error:  # noqa: BLE001 - raised again in the thread that drives
            message = Broken(task.to, error)
        self._enqueue(message)

    def _returned(self, task: PendingTask, reply: Reply) -> None:
        """Time what the reply to a call says about its task."""
        task.is_calling = False
        call, now = task.call, self.clock.now()
        done = now + reply.seconds
        if reply.kind == "succeeded" and call.pattern == "" and call.integration != "activity":
            self._timers.at(done, Inform(task.to, Succeeded(reply.output)))
        elif reply.kind == "failed":
            self._timers.at(done, Inform(task.to, Failed(reply.error, reply.cause, reply.refused)))
        elif reply.kind == "timed_out":
            if call.timeout_seconds is None and call.heartbeat_seconds is None:
                self._timers.at(now, Inform(task.to, TimedOut()))
            self._stop_holding(task)
        elif reply.kind == "succeeded" and call.integration == "activity":
            self._timers.at(now, Inform(task.to, Started()))
            self._timers.at(done, Inform(task.to, Succeeded(reply.output)))
        elif reply.kind == "succeeded" and call.pattern in ("sync", "sync:2"):
            self._timers.at(now, Inform(task.to, Submitted(reply.output)))
            self._timers.at(done, Inform(task.to, Succeeded(reply.output)))
        elif call.integration == "activity":
            self._stop_holding(task)
            with self._lock:
                self._activities.setdefault(call.resource, deque()).append(task)
        else:
            self._timers.at(done, Inform(task.to, Submitted(reply.output)))
        for later in reply.later:
            self._timers.at(now + later.seconds, Inform(task.to, later.signal))

    def _stop_holding(self, task: PendingTask) -> None:
        task.is_holding = False
        for message in task.early:
            self._timers.at(self.clock.now(), message)
        task.early = []

    def _answer(self, task: PendingTask, signal: Signal | Heartbeat) -> None:
        if task.call.limits and task.call.heartbeat_seconds is not None:
            task.beat = self.clock.now() + task.call.heartbeat_seconds
        if isinstance(signal, Heartbeat):
            return
        if isinstance(signal, Submitted):
            self._stop_holding(task)
        elif not isinstance(signal, Started):
            self._drop(task)
        self._deliver(task.execution, task.to.fiber, signal)

    def _check_heartbeat(self, to: Address) -> None:
        task = self._tasks[to.execution, to.fiber]
        if task.beat <= self.clock.now():
            self._answer(task, TimedOut(heartbeat=True))
        else:
            self._timers.at(task.beat, CheckHeartbeat(to), is_timeout=True)

    def _drop(self, task: PendingTask) -> None:
        self._tasks.pop((task.to.execution, task.to.fiber), None)
        if task.call.task_token is not None:
            self._tokens.pop(task.call.task_token, None)

    # -- child executions

    def _start_nested(self, task: PendingTask, program: Program) -> None:
        call = task.call
        key = nested.key(call)
        try:
            value, name = nested.child_input(call.arguments), call.arguments.get("Name") or key
            child = self._start_child(task.to, program, value, name, key)
        except (ValueError, ExecutionAlreadyExistsError, InputTooLargeError, InvalidNameError) as error:
            self._timers.at(self.clock.now(), Inform(task.to, nested.refused(call, error)))
            return
        self._timers.at(self.clock.now(), Inform(task.to, nested.submitted(call, child)))
        if nested.waits_for_child(call):
            self._adopt(task.to, child)

    def _run_child(self, to: Address, effect: RunChild) -> None:
        try:
            child = self._start_child(to, effect.program, effect.input, effect.name, effect.name)
        except InputTooLargeError as error:
            failed = Failed("States.DataLimitExceeded", error.diagnostics[0].message)
            self._timers.at(self.clock.now(), Resume(to, failed))
            return
        self._adopt(to, child)

    def _start_child(self, to: Address, program: Program, input: JSON, name: str, key: str) -> Result:
        """Start an execution for a fiber, unless that was done before the process ended."""
        if to in self._descent:
            return self.executions[self._descent[to]]
        child, is_new = self._start(program, input, name, key=key)
        if is_new:
            self._begin(child.arn)
        self._descends(child, to)
        return child

    def _descends(self, child: Result, to: Address) -> None:
        parent = self.executions[to.execution]
        parent.children.append(child)
        self._descent[to] = child.arn
        child.depth = parent.depth + 1
        if child.depth > MAX_NESTED:
            raise FlowError.of(
                f"{MAX_NESTED:,} executions have started each other in a row; "
                f"the last is one of {child.identity.state_machine_name!r}",
                code="FD902",
                hint="let something end the row, or mock the Task that starts the next",
            )

    def _adopt(self, to: Address, child: Result) -> None:
        """Let a fiber wait for a child execution: it is told how the child ends, and the child ends with it."""
        if child.status != "RUNNING":
            self._tell_parent(to, child)
            return
        self._parents.setdefault(child.arn, []).append(to)
        self._children.setdefault(to.execution, {}).setdefault(to.fiber, []).append(child.arn)

    def _tell_parent(self, to: Address, child: Result) -> None:
        task = self._task(to)
        if task is not None:
            # As a timer, so that it comes after what was submitted, however soon the child ends.
            self._timers.at(self.clock.now(), Inform(to, nested.outcome(task.call, child)))
        elif to.execution in self._running:
            execution, _ = self._running[to.execution]
            if execution.waiting(to.fiber, to.ticket):
                self._deliver(execution, to.fiber, nested.signal_of(child))

    def _forget(self, execution: Execution) -> None:
        """Drop the tasks of fibers that are gone, and stop the child executions that they waited for."""
        arn = execution.identity.arn
        children = self._children.get(arn, {})
        for fiber in execution.gone:
            task = self._tasks.get((arn, fiber))
            if task is not None:
                self._drop(task)
            for child in children.pop(fiber, ()):
                self._stop(child, Stop("ABORTED"))
        if execution.status != "RUNNING":
            self._children.pop(arn, None)


_ACTIONS: dict[type[Any], Callable[[Dispatcher, Any], None]] = {
    Begin: lambda dispatcher, message: dispatcher._begin(message.execution),
    Launch: Dispatcher._on_launch,
    Expire: lambda dispatcher, message: dispatcher._stop(message.execution, Stop("TIMED_OUT", "States.Timeout")),
    Halt: lambda dispatcher, message: dispatcher._stop(message.execution, message.stop),
    Resume: Dispatcher._on_resume,
    Repeat: lambda dispatcher, message: dispatcher._repeat(message.to),
    Inform: Dispatcher._on_answer,
    Sent: Dispatcher._on_sent,
    CheckHeartbeat: lambda dispatcher, message: dispatcher._check_heartbeat(message.to),
    Returned: Dispatcher._on_returned,
    Broken: Dispatcher._on_broken,
}
"""What each kind of message does: one table, because every step looks it up."""
