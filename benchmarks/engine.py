"""State transitions a second of the engine on one core, with full history; and whether memory grows beside it."""

import resource
import sys
import time

from machines import loop, passes

from flowdsl import dump
from flowdsl.calls.lambdas import LocalLambdas
from flowdsl.engine import execute, prepare

MACHINES = {"Pass states in a chain": passes(2000), "Task, Wait and Choice in a loop": loop()}


def megabytes() -> float:
    """Peak memory of this process."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024**2 if sys.platform == "darwin" else 1024)


for name, machine in MACHINES.items():
    program = prepare(dump(machine))
    invoke = LocalLambdas({"count": lambda event, context: {"n": event["n"] + 1}})
    result = execute(program, {"n": 0}, invoke=invoke)
    assert result.status == "SUCCEEDED", result.cause
    entered = sum(event.type.endswith("StateEntered") for event in result.history)
    events, first = len(result.history), megabytes()
    runs, start = 0, time.process_time()
    while time.process_time() - start < 3:
        result = None  # only one history is kept at a time
        result = execute(program, {"n": 0}, invoke=invoke)
        runs += 1
    rate = runs * entered / (time.process_time() - start)
    print(f"| {name} | {rate:,.0f} | {events:,} | {first:.0f} MB | {megabytes():.0f} MB after {runs} executions |")
