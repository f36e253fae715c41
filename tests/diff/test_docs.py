"""The example of docs/diff.md is what the command says."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from flowdsl.diff.compare import compare
from flowdsl.diff.model import Side
from flowdsl.diff.text import lines

ROOT = Path(__file__).parents[2]


def edited(definition: dict[str, Any]) -> dict[str, Any]:
    new: dict[str, Any] = json.loads(json.dumps(definition).replace('"NotifyDelay"', '"TellDonor"'))
    states = new["States"]
    del states["RedirectToPsp"]
    states["PaymentOutcome"]["Choices"][1]["Next"] = "PersistOutput"
    states["Fraud"] = {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Arguments": {"FunctionName": "fraud", "Payload": "{% $states.input %}"},
        "Output": "{% $merge([$states.input, {'fraud': $states.result.Payload}]) %}",
        "Next": "TakePayment",
    }
    states["SelectPsp"]["Next"] = "Fraud"
    states["TakePayment"]["Retry"][1]["MaxAttempts"] = 50
    states["TakePayment"]["TimeoutSeconds"] = 30
    states["Setup"]["Comment"] = "Adds the payment"
    return new


def test_the_example_is_what_the_command_says():
    # The payment flow as it was when the guide was written: it may change without the guide.
    old = json.loads((Path(__file__).parent / "payment.asl.json").read_text())
    sides = [Side(name="payment", definition=each) for each in (old, edited(old))]
    text = "".join(f"{line.text}\n" for line in lines([compare(*sides)]))
    guide = (ROOT / "docs" / "diff.md").read_text()
    assert re.findall(r"```text\n(.*?)```", guide, re.DOTALL) == [text]
