"""TestState on the desk: one state, an input and a mock in; output, error and each step of the data flow out.

answer = test_state(
    {"Type": "Task", "Resource": "arn:aws:states:::sqs:sendMessage", "Parameters": {…}, "End": True},
    input={"order": 5},
    mock={"result": {"MessageId": "1", "MD5OfMessageBody": "…"}},
    inspection_level="DEBUG",
)
answer["status"], answer["output"], answer["inspectionData"]["afterParameters"]
"""

from __future__ import annotations

from .errors import TestStateError
from .request import InspectionLevel, test_state

__all__ = ["InspectionLevel", "TestStateError", "test_state"]
