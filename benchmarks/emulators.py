"""The embedded engine beside moto's server and MiniStack, in one run, as a table.

Each round measures a machine on each of the three; the median of the rounds counts. The emulators are servers: their
executions are started and looked at over HTTP, each of them in a process of its own on this machine's loopback. The
embedded engine runs in the process of the one who calls it, and keeps the full history of each execution.
"""

from __future__ import annotations

import gc
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from attrs import field, frozen
from machines import COUNT, MAP, passes, wait
from servers import Emulator, ministack, moto

from flowdsl import dump
from flowdsl.calls.replies import refuse_call
from flowdsl.engine import Scheduler, prepare

ROOT = Path(__file__).parent.parent
MINISTACK = ROOT / ".flowdsl" / "bench" / "ministack"
ENOUGH = 0.5
"""Seconds for which the engine is measured in a round; an emulator runs what the scenario says."""


@frozen
class Scenario:
    """A machine to run: `at_once` executions together, `executions` of them on an emulator in each round."""

    name: str
    definition: dict[str, Any]
    input: Any = field(factory=dict)
    executions: int = 1
    at_once: int = 1
    states: int | None = None
    """How many states an execution enters, where the table shows the time of one."""


TEN = dump(passes(10))
SCENARIOS = [
    Scenario("ten Pass states", TEN, executions=10),
    Scenario("ten Pass states, 50 at once", TEN, executions=50, at_once=50),
    Scenario("Choice loop, 100 iterations", COUNT, {"n": 100}, states=202),
    Scenario("Map of 1,000 items", MAP, {"items": list(range(1000))}),
    Scenario("five-second Wait", wait(5)),
]
Measure = Callable[[], float]
"""Executions a second."""


def on_emulator(emulator: Emulator, scenario: Scenario, name: str) -> Measure:
    machine = emulator.create(name, scenario.definition)

    def measure() -> float:
        batches = scenario.executions // scenario.at_once
        seconds = sum(emulator.run(machine, scenario.input, count=scenario.at_once) for _ in range(batches))
        return scenario.executions / seconds

    return measure


def on_engine(scenario: Scenario) -> Measure:
    program = prepare(scenario.definition)

    def measure() -> float:
        executions, start = 0, time.perf_counter()
        while (seconds := time.perf_counter() - start) < ENOUGH:
            scheduler = Scheduler(refuse_call)
            results = [scheduler.start(program, scenario.input) for _ in range(scenario.at_once)]
            scheduler.run()
            assert all(result.status == "SUCCEEDED" for result in results)
            executions += scenario.at_once
        return executions / seconds

    return measure


def main() -> None:
    rounds = int(sys.argv[1])
    with ExitStack() as stack:
        emulators = [stack.enter_context(moto())]
        if MINISTACK.exists():
            emulators.append(stack.enter_context(ministack(MINISTACK)))
        names = [emulator.name for emulator in emulators]
        print(f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()},")
        print(f"executions a second, medians of {rounds} rounds; each round runs every machine on each.\n")
        print(f"| machine | flowdsl | {' | '.join(names)} | flowdsl, times the better |")
        print(f"| --- |{' ---: |' * (len(names) + 2)}", flush=True)
        for number, scenario in enumerate(SCENARIOS):
            measures = [on_engine(scenario), *(on_emulator(each, scenario, f"m{number}") for each in emulators)]
            gc.collect()
            gc.freeze()  # boto3's models are not what the engine leaves to the garbage collector
            measured = [[measure() for measure in measures] for _ in range(rounds + 1)]
            rates = [statistics.median(rates) for rates in zip(*measured[1:], strict=True)]  # caches fill in the first
            cells = [cell(rate, scenario.states) for rate in rates]
            print(f"| {scenario.name} | {' | '.join(cells)} | {rates[0] / max(rates[1:]):,.0f} × |", flush=True)


def cell(rate: float, states: int | None) -> str:
    text = f"{rate:,.0f}" if rate >= 10 else f"{rate:.2f}"
    return text if states is None else f"{text} ({1e6 / rate / states:,.0f} µs a state)"


if __name__ == "__main__":
    main()
