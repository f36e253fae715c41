"""Runs ASL definitions: prepared once, executed often, on a virtual clock or in real time.

    program = prepare(definition)                        # an ASL dict; raises FlowError
    result = execute(program, {"amount": 5}, invoke=LocalLambdas({"Charge": charge}))
    result.status, result.output, result.error, result.cause, result.duration
    result.history.render()                              # what boto3's get_execution_history returns

How it works
------------

`prepare` parses everything that a definition contains, once. The result is a `Program`: `Block`s of `PreparedState`s.
A state that needs nothing from outside (Pass, Choice, Succeed, Fail) is a function, its `step`; any other is a
generator, its `run`.

An `Execution` runs a program in `Fiber`s: one for the machine, and one for each branch of a Parallel and each iteration
of a Map. The work of a fiber is a generator (`interpreter.run_block`). It yields an `Effect`, which says what it needs
(`Sleep`, `Invoke` a call, `Run` a child execution), and is resumed with a `Signal` (`Wake`, `Succeeded`, `Failed`,
`TimedOut`, ...). `Execution.deliver` gives one signal to one fiber, runs everything that can go on, and returns the
effects that are needed next. It reads no clock, starts no thread and calls nobody. Each signal is a line of the
`journal`, so `replay` gets the same history from the same journal.

The `Scheduler` connects executions to the world. It carries out effects, keeps the timers, and delivers the answers as
signals. An `invoke` function turns each `Call` of a Task into a `Reply`; the room `calls/` has those that call Python
functions, services and mocks. The scheduler handles one message at a time, in the thread that calls `run`; other
threads only put messages into its inbox. On a virtual clock it makes calls inline, so the same seed gives the same
history; in real time it makes them in worker threads.

Timers and messages are data, and an execution knows which effects are outstanding. `Scheduler.snapshot` returns all of
it, `stored` turns it into JSON, and `Scheduler.resume` goes on from there in another process.

The modules import each other in one direction:

    errors, history, limits, times    what fails, what is written, quotas, the time that expressions read
    core                              the words above, all of them; the rest of the engine speaks them
    calls, clock                      what is answered to a call; virtual and real time
    interpreter                       the loop over the states of a block
    data/                             how data goes through a state, in JSONPath and in JSONata
    states/                           what each type of state does; Retry and Catch
    prepare                           from JSON to a Program
    execution, result                 one execution, inside and outside
    messages, timers, stored          what reaches the scheduler; what is due later; both as JSON
    dispatcher, resumable, scheduler  many executions: one message, storing and resuming, threads and the API
"""

from __future__ import annotations

from collections.abc import Mapping

from .calls import Exchange, Heartbeat, Invoker, Later, Reply
from .clock import Clock, VirtualClock, WallClock
from .core import Call, Entry, Failed, Identity, Program, Settings, Started, Submitted, Succeeded, TimedOut
from .errors import ExecutionAlreadyExistsError, InputTooLargeError, InvalidNameError, UnknownTaskError
from .execution import replay
from .history import JSON, Event, ExecutionHistory
from .prepare import prepare
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
    "ExecutionHistory",
    "Failed",
    "Heartbeat",
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
