"""Many executions on one clock: the scheduler carries out their effects and brings back the answers.

It handles one message at a time. The thread that calls `run` drives: it takes messages from the inbox, then from the
timers that are due, then lets time pass. Any other thread only registers executions and puts messages into the inbox,
under a lock, and the clock does not move while there is a message. If several threads call `run`, one drives, and the
others wait until it has finished or until their execution has ended.

Under a virtual clock calls are made inline, so the same seed gives the same history; what a handler sends takes effect
when its call has returned. In real time they are made in
worker threads, and their replies come back through the inbox.
"""

from __future__ import annotations

import json
import threading
from collections import deque

from ..base.diagnostics import FlowError
from ..base.interrupts import is_interrupt
from .calls import Heartbeat
from .core import (
    Failed,
    Program,
    Signal,
    Started,
    Stop,
    Succeeded,
)
from .dispatcher import PendingTask
from .errors import UnknownTaskError
from .history import JSON
from .limits import MAX_DATA, too_large
from .messages import (
    Begin,
    Expire,
    Halt,
    Message,
    Pending,
    Sent,
)
from .result import Result
from .resumable import Resumable


class Scheduler(Resumable):
    """Runs executions.

    `invoke` carries out the calls of Task states; in real time it is called in several threads at once. `clock` is a
    VirtualClock by default. `machines` are the state machines that `states:startExecution` and `start` know by name or
    ARN; a call for which `mocked` returns True goes to `invoke` instead. `on_event` is called with each event as it
    happens, in the thread that drives; `on_step` after each message, when a `snapshot` may be taken.
    """

    # -- what users call, in any thread

    def start(self, program: Program, input: JSON, *, name: str | None = None, seed: int | None = None) -> Result:
        """Start an execution; it moves on in `run`.

        Like StartExecution, it returns a running Standard execution of this name and input again, and raises
        ExecutionAlreadyExistsError for any other one that has the name. Raises InputTooLargeError beyond 256 KiB,
        FlowError if the input is not a JSON value, and InvalidNameError if the name is not valid.
        """
        value = _copied(input, "the input of an execution")
        with self._lock:  # the clock must not move before Begin is in the inbox
            result, is_new = self._start(program, value, name or self._uuid(), seed)
            if is_new:
                self._enqueue(Begin(result.arn))
        self._settle()
        return result

    def run(self, until: Result | None = None) -> None:
        """Run until that execution has ended, or all have; returns early if all that is left waits for the outside.

        Under a virtual clock an execution that waits for a callback that nothing will send stays RUNNING, unless a
        timeout or heartbeat ends it.
        """
        if not self._take_over(until):
            return
        try:
            self._drive(until)
        finally:
            self._hand_over()
        self._settle()

    def finish(self, result: Result) -> None:
        """Run until this execution has ended, and the executions that it started, and so on: as in AWS, a child that
        nothing waits for runs on. Returns early like `run`."""
        todo = [result]
        for each in todo:
            self.run(until=each)
            todo += each.children

    def forget(self, result: Result) -> None:
        """Let go of an execution that has ended, and of those that it started and that have ended: they are no longer
        in `executions`, nor in a snapshot, and live as long as someone holds them. Their names stay taken."""
        todo = [result]
        with self._lock:
            for each in todo:
                if each.status == "RUNNING" or self.executions.pop(each.arn, None) is None:
                    continue
                if ":express:" not in each.arn:
                    self._forgotten.add(each.arn)
                todo += each.children
            if result.children:
                gone = {each.arn for each in todo} - self.executions.keys()
                for to in [to for to in self._descent if to.execution in gone]:
                    del self._descent[to]

    def send_task_success(self, token: str, output: JSON) -> None:
        """SendTaskSuccess. Raises UnknownTaskError if no task waits with this token; FlowError if the output is not a
        JSON value or has more than 256 KiB, and then the task goes on waiting."""
        result = _copied(output, "the output of a task")
        if too_large(result):
            raise FlowError.of(f"the output of a task has at most {MAX_DATA} bytes as JSON")
        self._send(token, Succeeded(result))

    def send_task_failure(self, token: str, error: str | None = None, cause: str | None = None) -> None:
        """SendTaskFailure. Raises UnknownTaskError if no task waits with this token."""
        self._send(token, Failed(error, cause))

    def send_task_heartbeat(self, token: str) -> None:
        """SendTaskHeartbeat. Raises UnknownTaskError if no task waits with this token."""
        self._send(token, Heartbeat())

    def get_activity_task(self, activity: str, worker: str | None = None) -> tuple[str, str] | None:
        """GetActivityTask: the token and the input (JSON text) of the oldest task of this activity (an ARN), or
        None."""
        with self._lock:
            queue = self._activities.get(activity, deque())
            while queue and not queue[0].is_waiting:
                queue.popleft()
            if not queue:
                return None
            task = queue.popleft()
            self._enqueue(Sent(task.to, Started(worker)))
        self._settle()
        return str(task.call.task_token), json.dumps(task.call.arguments)

    def stop_execution(self, result: Result, error: str | None = None, cause: str | None = None) -> None:
        """StopExecution: the execution ends ABORTED."""
        self._enqueue(Halt(result.arn, Stop("ABORTED", error, cause)))
        self._settle()

    @property
    def tokens(self) -> list[str]:
        """The task tokens that wait for an answer, oldest first."""
        return [token for token, task in list(self._tokens.items()) if task.is_waiting]

    def _send(self, token: str, signal: Signal | Heartbeat) -> None:
        with self._lock:
            task = self._tokens.get(token)
            if task is None or not task.is_waiting:
                raise UnknownTaskError(f"no task waits with the token {token}")
            task.is_settled = not isinstance(signal, Heartbeat)
            self._enqueue(Sent(task.to, signal))
        self._settle()

    def _settle(self) -> None:
        """Handle what is in the inbox if no thread drives."""
        while self._inbox and self._driver is None and self._take_over(None, wait=False):
            try:
                while self._inbox:
                    message = self._inbox.popleft()
                    if not isinstance(message, Pending) or self._is_wanted(message):
                        self._handle(message)
            finally:
                self._hand_over()

    # -- driving

    def _take_over(self, until: Result | None, *, wait: bool = True) -> bool:
        """Become the thread that drives; wait until no other does. Returns False if there is nothing to drive for."""
        me = threading.get_ident()
        with self._lock:
            if self._driver not in (None, me):
                if not wait:
                    return False
                self._wait_for_driver(until)
                if until is not None and until.status != "RUNNING":
                    return False
            self._driver = me
            self._depth += 1
            return True

    def _wait_for_driver(self, until: Result | None) -> None:
        arn = None if until is None else until.arn
        if arn is not None:
            self._awaited[arn] += 1
        try:
            while self._driver is not None and (until is None or until.status == "RUNNING"):
                self._changed.wait()
                if arn in self._errors:
                    raise self._errors.pop(arn)
        finally:
            if arn is not None:
                self._awaited[arn] -= 1

    def _hand_over(self) -> None:
        with self._lock:
            self._depth -= 1
            if not self._depth:
                self._driver = None
                self._changed.notify_all()

    def _drive(self, until: Result | None) -> None:
        clock = self.clock
        while True:
            with self._lock:
                if self._inbox:
                    message = self._inbox.popleft()
                    if isinstance(message, Pending) and not self._is_wanted(message):
                        continue
                elif not self._running or (until is not None and until.status != "RUNNING"):
                    return
                else:
                    timer = self._timers.next(self._is_wanted)
                    if timer is None or timer.when > clock.now():
                        if clock.is_virtual and (timer is None or self._only_outside_matters(timer.message)):
                            return
                        clock.wait(None if timer is None else timer.when, self._changed)
                        if not clock.is_virtual:
                            continue
                    message = self._timers.pop()
            try:
                self._handle(message)
                if self._on_step is not None:
                    self._on_step()
            except BaseException as error:
                with self._lock:
                    others = self._awaited[message.execution] and (until is None or until.arn != message.execution)
                    if not others or not isinstance(error, Exception) or is_interrupt(error):
                        raise
                    self._errors[message.execution] = error
                    self._changed.notify_all()

    def _only_outside_matters(self, following: Message) -> bool:
        """True if a task waits for an answer from outside, and nothing else happens until a year is over."""
        if not isinstance(following, Expire) or not following.is_limit:
            return False
        return any(task.is_waiting and not self._waits_for_child(task) for task in list(self._tokens.values()))

    def _waits_for_child(self, task: PendingTask) -> bool:
        children = self._children.get(task.to.execution, {}).get(task.to.fiber, ())
        return any(child in self._running for child in children)


_encode = json.JSONEncoder(allow_nan=False).encode


def _copied(value: JSON, what: str) -> JSON:
    """Copy a JSON value from outside, because its owner may change it. Raises FlowError."""
    try:
        return json.loads(_encode(value))
    except (TypeError, ValueError, RecursionError) as error:
        raise FlowError.of(f"{what} must be a JSON value: {error}") from None
