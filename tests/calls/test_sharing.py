"""What calls in several threads share: each sees the environment variables of its own function."""

from __future__ import annotations

import os
import threading
from typing import Any

import pytest

from flowdsl.base.alarm import OverdueError
from flowdsl.calls.process import call_in_time
from flowdsl.calls.sharing import share_process
from flowdsl.engine import Call, Clock, Program, Reply, VirtualClock, WallClock, execute, prepare

SOON = 30.0
"""Seconds after which a test that hangs gives up."""


def machine(name: str) -> Program:
    task = {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "Parameters": {}, "End": True}
    return prepare({"StartAt": name, "States": {name: task}})


@pytest.mark.parametrize("clock", [VirtualClock, WallClock])
def test_a_handler_may_run_a_function_with_other_variables(clock: type[Clock]) -> None:
    def call_handler(call: Call) -> Any:
        with share_process({"FLOWDSL_TEST_STAGE": call.state_name}, f"/{call.state_name}"):
            inner = (
                execute(machine("Inner"), {}, invoke=invoke, clock=clock()).output if call.state_name == "Outer" else ""
            )
            return [os.environ["FLOWDSL_TEST_STAGE"], inner]

    def invoke(call: Call) -> Reply:
        return Reply.succeeded(call_in_time(lambda: call_handler(call), SOON / 2, OverdueError()))

    outputs: list[Any] = []
    thread = threading.Thread(
        target=lambda: outputs.append(execute(machine("Outer"), {}, invoke=invoke, clock=clock()).output), daemon=True
    )
    thread.start()
    thread.join(SOON)
    assert outputs == [["Outer", ["Inner", ""]]]
    assert "FLOWDSL_TEST_STAGE" not in os.environ
