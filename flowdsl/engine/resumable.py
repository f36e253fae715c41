"""Executions that go on in another process: taking a snapshot, and resuming from it."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Mapping

from ..base.diagnostics import FlowError
from . import nested
from .core import (
    Invoke,
    Program,
    RunChild,
    Sleep,
    Start,
    Stop,
    Wake,
)
from .dispatcher import Dispatcher
from .execution import Execution, Outstanding
from .messages import (
    Address,
    Begin,
    Pending,
    Repeat,
    Resume,
)
from .stored import Descent, Snapshot, StoredExecution, StoredTask, StoredTimer
from .timers import Timer


class Resumable(Dispatcher):
    """The part of a Scheduler that stores executions and takes them over."""

    def snapshot(self) -> Snapshot:
        """Return all that is needed to go on in another process (see `stored`). Call it in `on_step`, or while nothing
        runs."""
        with self._lock:  # other threads start executions
            executions = tuple(
                StoredExecution(
                    each.identity,
                    each.input,
                    each.start_date,
                    each.depth,
                    tuple(self._parents.get(each.arn, ())),
                    tuple(each.journal),
                )
                for each in self.executions.values()
            )
            descent = tuple(Descent(to, child) for to, child in self._descent.items())
            queued = {id(task) for queue in self._activities.values() for task in queue}
            tasks = tuple(
                StoredTask(
                    task.to,
                    task.beat,
                    is_calling=task.is_calling,
                    is_queued=id(task) in queued,
                    is_settled=task.is_settled,
                    is_holding=task.is_holding,
                    early=tuple(task.early),
                )
                for task in self._tasks.values()
            )
            order = next(self._order)
            self._order = itertools.count(order)
            return Snapshot(self.clock.now(), order, executions, descent, tasks, self._stored_timers())

    def _stored_timers(self) -> tuple[StoredTimer, ...]:
        """What is in the inbox and due later, without that which `resume` makes anew."""
        inbox = [Timer(0, False, 0, message) for message in self._inbox if isinstance(message, Pending)]
        timers = (*inbox, *self._timers.wanted(self._is_wanted))
        return tuple(
            StoredTimer(each.when, each.is_timeout, each.message)
            for each in timers
            if not isinstance(each.message, Repeat)
        )

    def resume(self, snapshot: Snapshot, programs: Mapping[str, Program]) -> None:
        """Take over the executions of a snapshot, by the names of their state machines; they move on in `run`.

        This scheduler must be new and have the settings, seed and machines of the one before; a VirtualClock starts at
        `snapshot.now`. Calls that had not returned are made again. Raises FlowError for a machine that is missing,
        or whose definition is not the one that the execution was started with, as far as the journal shows that.
        """
        self._order = itertools.count(snapshot.order)
        map_runs: dict[tuple[str, str], Program] = {}
        for stored in snapshot.executions:
            self._rebuild(stored, programs, map_runs)
        for each in snapshot.descent:
            self._descent[each.to] = each.child
            self.executions[each.to.execution].children.append(self.executions[each.child])
        for stored in snapshot.executions:
            for to in stored.waiting:
                self._adopt(to, self.executions[stored.identity.arn])
        tasks = {task.to: task for task in snapshot.tasks}
        for arn, (execution, _) in list(self._running.items()):
            if not execution.journal and snapshot.timers is None:
                self._enqueue(Begin(arn))
            elif snapshot.timers is None:
                self._limit(execution)
            for outstanding in execution.outstanding:
                self._rebuild_effect(execution, outstanding, tasks, arm=snapshot.timers is None)
        for timer in snapshot.timers or ():
            self._timers.at(timer.when, timer.message, is_timeout=timer.is_timeout)

    def _rebuild(
        self, stored: StoredExecution, programs: Mapping[str, Program], map_runs: dict[tuple[str, str], Program]
    ) -> None:
        """Replay an execution; `map_runs` has the programs of child executions of Map Runs, by their names."""
        identity = stored.identity
        machine = identity.state_machine_name
        program = map_runs.get((machine, identity.name)) or programs.get(machine)
        if program is None:
            raise FlowError.of(
                f"the execution {identity.name!r} cannot go on: its state machine {machine!r} is missing",
                hint=f"resume with a program for {machine!r}",
            )
        execution = Execution(program, stored.input, identity, self.settings, stored.start)
        for entry in stored.journal:
            is_known = isinstance(entry.signal, (Start, Stop)) or execution.alive(entry.fiber)
            if execution.status != "RUNNING" or not is_known:
                raise FlowError.of(
                    f"the execution {identity.name!r} cannot go on: the definition of {machine!r} has changed",
                    hint="resume with the definition that the execution was started with",
                )
            for _, _, effect in execution.deliver(entry.fiber, entry.signal, entry.now):
                if isinstance(effect, RunChild):
                    map_runs[effect.program.name, effect.name] = effect.program
        result = self._register(execution)
        result.reported, result.depth = len(execution.history), stored.depth
        if execution.status != "RUNNING":
            del self._running[identity.arn]
            execution.release()

    def _rebuild_effect(
        self, execution: Execution, asked: Outstanding, tasks: Mapping[Address, StoredTask], *, arm: bool
    ) -> None:
        """Go on waiting for the answer to an effect, or carry it out again if it was not."""
        to, effect = Address(execution.identity.arn, asked.fiber, asked.ticket), asked.effect
        if isinstance(effect, Sleep):
            if arm:
                self._timers.at(effect.until, Resume(to, Wake()))
        elif isinstance(effect, RunChild):
            if not self._children.get(to.execution, {}).get(to.fiber):
                self._enqueue(Repeat(to))
        elif isinstance(effect, Invoke):
            task = self._add_task(execution, to, effect.call, asked.since)
            stored = tasks.get(to)
            if stored is None:
                task.is_calling = task.is_holding = not asked.is_answered
            else:
                task.beat, task.early = stored.beat, list(stored.early)
                task.is_calling, task.is_holding = stored.is_calling, stored.is_holding
                task.is_settled = stored.is_settled
            if stored is not None and stored.is_queued:
                self._activities.setdefault(effect.call.resource, deque()).append(task)
            if arm:
                self._arm(task, asked.since)
            if task.is_calling:
                self._enqueue(Repeat(to))
            elif arm and to in self._descent and nested.waits_for_child(effect.call):
                child = self.executions[self._descent[to]]
                if child.status != "RUNNING":
                    self._tell_parent(to, child)
