"""The embedded engine alone, with full history, in CPU time of one core: by query language, and by length of history.

A state's time is measured with executions of 100 to 24,000 events of one machine (AWS's limit is 25,000): it must not
grow with the history behind it. One history is kept at a time. The best of the rounds counts.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from typing import Any

from machines import COUNT, EVERYDAY, ORDER, READS, loop, passes, wait

from flowdsl import dump
from flowdsl.calls.lambdas import LocalLambdas
from flowdsl.engine import Program, Result, execute, prepare

ROUNDS = 7
ENOUGH = 0.5
"""Seconds of CPU time for which a machine is measured in a round."""
LENGTHS = (100, 1_000, 10_000, 24_000)
LONG = 1_000_000
INVOKE = LocalLambdas({"count": lambda event, context: {"n": event["n"] + 1}})


def run(program: Program, input: Any) -> Result:
    result = execute(program, input, invoke=INVOKE)
    assert result.status == "SUCCEEDED", result.cause
    return result


def each_state(definition: dict[str, Any], input: Any, *, collecting: bool = True) -> Callable[[], float]:
    """What measures the CPU seconds of a state of this machine, with or without Python's garbage collector."""
    program = prepare(definition)
    states = sum(event.type.endswith("StateEntered") for event in run(program, input).history)

    def measure() -> float:
        gc.collect()
        if not collecting:
            gc.disable()
        executions, start = 0, time.process_time()
        while (seconds := time.process_time() - start) < ENOUGH:
            run(program, input)
            executions += 1
        gc.enable()
        return seconds / executions / states

    return measure


def best(measures: list[Callable[[], float]]) -> list[float]:
    """The least of the rounds: what other work on the machine adds is no cost of the engine's."""
    rounds = [[measure() for measure in measures] for _ in range(ROUNDS)]
    return [min(values) for values in zip(*rounds, strict=True)]


def languages() -> None:
    machines = {
        "Pass states in a chain, JSONPath": passes(2000, "JSONPath"),
        "Pass states in a chain, JSONata": passes(2000, "JSONata"),
        "Task, Wait and Choice in a loop, JSONPath": loop("JSONPath"),
        "Task, Wait and Choice in a loop, JSONata": loop("JSONata"),
    }
    jsonata = {
        "Everyday expressions in a loop, JSONata": (EVERYDAY, ORDER),
        "A field read in each state, JSONata": (READS, ORDER),
    }
    measures = [each_state(dump(machine), {"n": 0}) for machine in machines.values()]
    seconds_of_each = best([*measures, *(each_state(*machine) for machine in jsonata.values())])
    print("| embedded engine, full history | state transitions a second |\n| --- | ---: |")
    for name, seconds in zip([*machines, *jsonata], seconds_of_each, strict=True):
        print(f"| {name} | {1 / seconds:,.0f} |")


def lengths() -> None:
    inputs = [{"n": (length - 6) // 4} for length in LENGTHS]
    times = best([each_state(COUNT, each, collecting=collecting) for each in inputs for collecting in (True, False)])
    print("\n| events in the history | time of a state | to the shortest | without Python's garbage collector |")
    print("| ---: | ---: | ---: | ---: |")
    for length, seconds, alone in zip(LENGTHS, times[::2], times[1::2], strict=True):
        print(f"| {length:,} | {1e6 * seconds:.1f} µs | {seconds / times[0]:.2f} | {1e6 * alone:.1f} µs |")


def waits() -> None:
    short, long = best([each_state(wait(1), {}), each_state(wait(LONG), {})])
    print(f"\nA Wait of one second takes {1e6 * short:,.0f} µs, one of {LONG:,} seconds {1e6 * long:,.0f} µs,")
    print("each with its whole execution.")


if __name__ == "__main__":
    languages()
    lengths()
    waits()
