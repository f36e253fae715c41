"""`run_to_completion`: one call for the embedded engine and for a deployed machine."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from ..base.diagnostics import FlowError
from ..project import Loaded
from .history import History
from .machines import Machine, resolve
from .run import ExecutionFailed
from .runner import Runner, observers


def run_to_completion(
    name: str,
    input: Any,
    *,
    machine: Machine | None = None,
    runner: Runner | None = None,
    timeout: float = 900.0,
) -> tuple[Any, History]:
    """Run an execution of this name and return its output (a JSON value) and its history.

    If the environment variable STATE_MACHINE_ARN is set, the execution runs on that deployed state machine, through
    boto3 (at the endpoint STEPFUNCTIONS_ENDPOINT, if set); `timeout` is how many seconds to wait for its end. Otherwise
    it runs on the embedded engine: `machine`, by default that of `[tool.flowdsl]`, with the project's own functions; or
    `runner`, such as the fixture `flow`, with its mocks and callbacks, which a deployed state machine ignores.

    Raises TypeError if both are passed; ExecutionFailed (with error, cause and history) unless it SUCCEEDED;
    ExecutionAlreadyExists, TimeoutError, FlowError.
    """
    __tracebackhide__ = True
    if runner is not None:
        if machine is not None:
            raise TypeError("run_to_completion(...) takes either machine= or runner=, not both")
        machine = runner.machine
    arn = os.environ.get("STATE_MACHINE_ARN")
    if not arn:
        run = (runner or Runner.of(machine)).run(input, name=name)
        return run.output, run.history
    from .deployed import run_deployed

    run, deployed = run_deployed(
        arn, name, input, endpoint=os.environ.get("STEPFUNCTIONS_ENDPOINT") or None, timeout=timeout
    )
    for observer in observers:
        observer(_find_source(deployed, machine), [run.history])
    if run.status != "SUCCEEDED":
        raise ExecutionFailed(run)
    return run.output, run.history


def _find_source(deployed: Loaded, machine: Machine | None) -> Loaded:
    """The author's own state machine if it is the deployed one, because its source lines are known."""
    try:
        own = resolve(machine, Path.cwd())
    except FlowError:
        return deployed
    same = own.definition.get("States", {}).keys() == deployed.definition.get("States", {}).keys()
    return own if same else deployed
