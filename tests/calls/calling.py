"""Machines of one Task that call a function of this process."""

from __future__ import annotations

from typing import Any

from flowdsl.calls.lambdas import LocalLambdas
from flowdsl.engine import Result, execute, prepare

ARN = "arn:aws:lambda:us-east-1:123456789012:function:f"


def call(handler: Any, event: Any = None, *, name: str = ARN, **options: Any) -> Result:
    """Run a machine of one Task, a plain function ARN."""
    task = {"Type": "Task", "Resource": name, "End": True}
    return execute(
        prepare({"StartAt": "S", "States": {"S": task}}, name="machine"),
        event,
        invoke=LocalLambdas({"f": handler}, **options),
    )


def invoke(handler: Any, event: Any = None, *, function: str = "f", **parameters: Any) -> Result:
    """The same through lambda:invoke."""
    task = {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Parameters": {"FunctionName": function, "Payload.$": "$", **parameters},
        "End": True,
    }
    return execute(
        prepare({"StartAt": "S", "States": {"S": task}}, name="machine"),
        event,
        invoke=LocalLambdas({"f": handler}),
    )
