"""Runs ASL definitions: prepared once, executed often, on a virtual clock or in real time.

    program = prepare(definition)                        # an ASL dict; raises FlowError
    result = execute(program, {"amount": 5}, invoke=LocalLambdas({"Charge": charge}))
    result.status, result.output, result.error, result.cause, result.duration
    result.history.render()                              # what boto3's get_execution_history returns

`Scheduler` runs many executions at once and takes what comes from outside: `send_task_success`, `send_task_failure`,
`send_task_heartbeat`, `get_activity_task`, `stop_execution`. An invoker answers each `Call` of a Task with a `Reply`;
flowdsl.invoke has those that call Python functions and mocks.
"""

from __future__ import annotations

from collections.abc import Mapping

from .calls import Call, Exchange, Heartbeat, Invoker, Later, Reply
from .clock import Clock, VirtualClock, WallClock
from .effects import Entry, Failed, Started, Submitted, Succeeded, TimedOut
from .errors import ExecutionAlreadyExistsError, InputTooLargeError, InvalidNameError, UnknownTaskError
from .execution import Identity, Settings, replay
from .history import JSON, Event, History
from .prepare import Program, prepare
from .result import Listener, Result
from .scheduler import Scheduler

__all__ = [
    "JSON",
    "Call",
    "Clock",
    "Entry",
    "Event",
    "Exchange",
    "ExecutionAlreadyExistsError",
    "Failed",
    "Heartbeat",
    "History",
    "Identity",
    "InputTooLargeError",
    "InvalidNameError",
    "Invoker",
    "Later",
    "Listener",
    "Program",
    "Reply",
    "Result",
    "Scheduler",
    "Settings",
    "Started",
    "Submitted",
    "Succeeded",
    "TimedOut",
    "UnknownTaskError",
    "VirtualClock",
    "WallClock",
    "execute",
    "prepare",
    "replay",
]


def execute(
    program: Program,
    input: JSON,
    *,
    invoke: Invoker,
    name: str | None = None,
    clock: Clock | None = None,
    settings: Settings | None = None,
    machines: Mapping[str, Program] | None = None,
    on_event: Listener | None = None,
    seed: int | None = None,
) -> Result:
    """Run one execution to its end.

    `seed` makes what is random (jitter, States.UUID, names) the same in every run; without one every run has its own.
    It stays RUNNING only where, on a virtual clock, it waits for a callback that nothing will send; a Scheduler takes
    callbacks from outside.
    """
    scheduler = Scheduler(invoke, clock=clock, settings=settings, machines=machines, on_event=on_event, seed=seed)
    result = scheduler.start(program, input, name=name)
    scheduler.finish(result)
    return result
