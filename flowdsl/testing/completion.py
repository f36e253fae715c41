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

    Where the environment variable STATE_MACHINE_ARN names a deployed machine the execution is started there, through
    boto3, at the endpoint STEPFUNCTIONS_ENDPOINT where that is set; `timeout` is how many seconds to wait for its end.
    Otherwise `machine`, by default that of `[tool.flowdsl]`, runs on the embedded engine with the project's own
    functions; or `runner`, such as the fixture `flow`, with its mocks and answers, which a deployed machine has no use
    for.

    Raises TypeError where both are given; ExecutionFailed (with error, cause and history) unless it SUCCEEDED;
    ExecutionAlreadyExists, TimeoutError, FlowError.
    """
    __tracebackhide__ = True
    if runner is not None:
        if machine is not None:
            raise TypeError("run_to_completion(...) takes one of machine= and runner=")
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
        observer(_authored(deployed, machine), [run.history])
    if run.status != "SUCCEEDED":
        raise ExecutionFailed(run)
    return run.output, run.history


def _authored(deployed: Loaded, machine: Machine | None) -> Loaded:
    """The author's own machine, where it is the one that is deployed: its lines are known."""
    try:
        own = resolve(machine, Path.cwd())
    except FlowError:
        return deployed
    same = own.definition.get("States", {}).keys() == deployed.definition.get("States", {}).keys()
    return own if same else deployed
