"""Executions that go on in another process: taking a snapshot, and resuming from it."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Mapping

from .core import (
    Invoke,
    Program,
    Run,
    Sleep,
    Wake,
)
from .dispatcher import Dispatcher
from .execution import Execution, Outstanding
from .messages import (
    Address,
    Begin,
    Repeat,
    Resume,
)
from .stored import Snapshot, StoredExecution, StoredTask, StoredTimer


class Resumable(Dispatcher):
    """The part of a Scheduler that stores executions and takes them over."""

    def snapshot(self) -> Snapshot:
        """Return all that is needed to go on in another process (see `stored`). Call it in `on_step`, or while nothing
        runs."""
        executions = []
        children = {child.arn: parent for parent, result in self.executions.items() for child in result.children}
        for arn, result in self.executions.items():
            waiting = tuple(self._parents.get(arn, ()))
            journal = tuple(result.journal)
            stored = StoredExecution(
                result.identity, result.input, result.start_date, result.depth, children.get(arn), waiting, journal
            )
            executions.append(stored)
        queued = {id(task) for queue in self._activities.values() for task in queue}
        tasks = tuple(
            StoredTask(task.to, task.beat, task.is_calling, id(task) in queued) for task in self._tasks.values()
        )
        timers = tuple(
            StoredTimer(timer.when, timer.is_timeout, timer.message) for timer in self._timers.wanted(self._is_wanted)
        )
        order = next(self._order)
        self._order = itertools.count(order)
        return Snapshot(self.clock.now(), order, tuple(executions), tasks, timers)

    def resume(self, snapshot: Snapshot, programs: Mapping[str, Program]) -> None:
        """Take over the executions of a snapshot, by the names of their state machines; they move on in `run`.

        This scheduler must be new and have the settings, seed and machines of the one before; a VirtualClock starts at
        `snapshot.now`. Calls that had not returned are made again. Raises KeyError for a machine that is not there.
        """
        self._order = itertools.count(snapshot.order)
        started: dict[str, Program] = dict(programs)
        for stored in snapshot.executions:
            self._rebuild(stored, started)
        tasks = {task.to: task for task in snapshot.tasks}
        for arn, (execution, _) in list(self._running.items()):
            if not execution.journal and snapshot.timers is None:
                self._enqueue(Begin(arn))
            elif snapshot.timers is None:
                self._limit(execution)
            for each in execution.outstanding:
                self._rebuild_effect(execution, each, tasks, arm=snapshot.timers is None)
        for timer in snapshot.timers or ():
            self._timers.at(timer.when, timer.message, is_timeout=timer.is_timeout)

    def _rebuild(self, stored: StoredExecution, programs: dict[str, Program]) -> None:
        identity = stored.identity
        program = programs.get(identity.name) or programs[identity.state_machine_name]
        execution = Execution(program, stored.input, identity, self.settings, stored.start)
        for entry in stored.journal:
            for _, _, effect in execution.deliver(entry.fiber, entry.signal, entry.now):
                if isinstance(effect, Run):
                    programs[effect.name] = effect.program
        result = self._register(execution)
        result.reported, result.depth = len(execution.history), stored.depth
        if stored.parent is not None:
            self.executions[stored.parent].children.append(result)
        for to in stored.waiting:
            self._adopt(to, identity.arn)
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
        elif isinstance(effect, Run):
            if not self._children.get(to.execution, {}).get(to.fiber):
                self._enqueue(Repeat(to))
        elif isinstance(effect, Invoke):
            task = self._add_task(execution, to, effect.call, asked.since)
            stored = tasks.get(to, StoredTask(to, task.beat, not asked.is_answered, False))
            task.beat, task.is_calling = stored.beat, stored.is_calling
            if stored.is_queued:
                self._activities.setdefault(effect.call.resource, deque()).append(task)
            if arm:
                self._arm(task, asked.since)
            if task.is_calling:
                self._enqueue(Repeat(to))
