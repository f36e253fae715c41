"""Machines of one Task, for the tests of runners."""

from __future__ import annotations

from typing import Any

import pytest

from flowdsl import Function
from flowdsl.testing import (
    ExecutionFailed,
    Runner,
)

CHARGE = Function("charge", "handlers/charge")
CHARGE_ARN = "arn:aws:lambda:us-east-1:123456789012:function:charge"


def machine(resource: str = "arn:aws:lambda:us-east-1:123456789012:function:charge", **fields: Any) -> dict[str, Any]:
    return {"StartAt": "Charge", "States": {"Charge": {"Type": "Task", "Resource": resource, "End": True, **fields}}}


INVOKE = machine("arn:aws:states:::lambda:invoke", Parameters={"FunctionName": "charge", "Payload.$": "$"})
TOKEN = machine(
    "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
    Parameters={"QueueUrl": "queue", "MessageBody": {"token.$": "$$.Task.Token"}},
)


def error(flow: Runner, document: Any = None) -> ExecutionFailed:
    with pytest.raises(ExecutionFailed) as failed:
        flow.run(document or {"amount": 5})
    return failed.value
