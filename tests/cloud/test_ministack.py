"""The payment flow, built and deployed to MiniStack: `make test-cloud`.

MiniStack differs from AWS (docs/deploying.md, "Emulators"). What an alias decides is tested on an AWS in memory, in
tests/deploy.
"""

from __future__ import annotations

import json
import time
import uuid
from typing import Any

import pytest

from tests.cloud.conftest import MACHINE, Project
from tests.e2e.conftest import FrontEnd

pytestmark = pytest.mark.slow
FUNCTION = "arn:aws:lambda:eu-west-1:000000000000:function"


def test_a_deployed_flow_passes_its_tests(project: Project) -> None:
    assert project.flowdsl("plan").splitlines()[-1] == "no changes"

    project.end_to_end(f"{MACHINE}:live")
    described = project.client("stepfunctions").describe_state_machine(stateMachineArn=MACHINE)
    assert json.loads(described["definition"])["QueryLanguage"] == "JSONata"


def test_executions_end_as_they_began(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Donors are at their PSP while a second version is deployed, and what nothing needs any more is pruned."""
    monkeypatch.setenv("STATE_MACHINE_ARN", MACHINE)
    monkeypatch.setenv("STEPFUNCTIONS_ENDPOINT", project.endpoint)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    states = project.client("stepfunctions")
    with FrontEnd.open(MACHINE) as front_end:
        waiting = [start(states) for _ in range(3)]
        for donation in waiting:
            front_end.ticket(donation)

        project.replace(
            "handlers/receipt/handler.py", 'return {"status": "done"}', 'return {"status": "done", "by": 2}'
        )
        project.replace(
            "payment_flow.py",
            '"payment-receipt", "handlers/receipt"',
            '"payment-receipt", "handlers/receipt", memory=512',
        )
        project.replace("payment_flow.py", 'named={\n            "receipt"', 'named={\n            "letter"')
        project.flowdsl("build")
        shown = project.flowdsl("deploy", "--yes")
        assert "open executions: 3; each keeps what it can reach" in shown
        assert shown.count(": in RedirectToPsp, ") == 3
        assert "payment-receipt:1" in shown
        changed = [line[2:].split("  ")[0] for line in shown.splitlines() if line.startswith(("+ ", "~ "))]
        # The sweep, the webhooks and captures package the receipt too, to finish what an execution could not.
        functions = {name for name in changed if name.startswith("function")}
        webhooks = ("adyen-webhook", "gocardless-webhook", "stripe-webhook")
        packaging = ("receipt", "reconcile", "persist-capture", *webhooks)
        assert functions == {f"function payment-{name}" for name in packaging}
        project.flowdsl("prune", "--yes")

        for donation in waiting:
            assert front_end.bring_back(donation) == {"status": "done"}
        ended = [finish(states, donation) for donation in waiting]

    for donation, output in zip(waiting, ended, strict=True):
        assert (output["payment"]["status"], output["transaction"]["status"]) == ("paid", "paid")
        assert output["post_processing"]["receipt"] == {"status": "done"}, "the first version's flow and code"
        assert receipts(states, donation) == {f"{FUNCTION}:payment-receipt:1"}

    new = start(states, "tok_paid")
    output = finish(states, new)
    assert output["post_processing"]["letter"] == {"status": "done", "by": 2}
    assert receipts(states, new) == {f"{FUNCTION}:payment-receipt:2"}


def test_the_sweep_has_its_schedule_and_alarms(project: Project) -> None:
    """As AWS would have them. A schedule of a minute left no line in the function's log here within three."""
    schedule = project.client("scheduler").get_schedule(Name="sweep", GroupName="payment")
    assert (schedule["ScheduleExpression"], schedule["State"]) == ("rate(15 minutes)", "ENABLED")
    assert schedule["Target"]["Arn"] == f"{FUNCTION}:payment-reconcile"
    alarms = project.client("cloudwatch").describe_alarms()["MetricAlarms"]
    assert {each["AlarmName"] for each in alarms} >= {"payment-sweep", "payment-open-work", "payment-executions"}


def start(states: Any, token: str = "tok_3ds") -> str:
    """Start an execution; the donation's id, which is its name."""
    identity = f"cloud-{uuid.uuid4().hex[:12]}"
    donation = {
        "id": identity,
        "charity": "Lifeboats",
        "amount": 2500,
        "currency": "GBP",
        "payment_method": {"type": "card", "token": token},
        "donor": {"name": "Ada Lovelace", "email": "ada@example.org"},
    }
    states.start_execution(stateMachineArn=f"{MACHINE}:live", name=identity, input=json.dumps(donation))
    return identity


def arn(donation: str) -> str:
    return f"{MACHINE.replace(':stateMachine:', ':execution:')}:{donation}"


def finish(states: Any, donation: str) -> Any:
    end = time.monotonic() + 120
    while (described := states.describe_execution(executionArn=arn(donation)))["status"] == "RUNNING":
        assert time.monotonic() < end, f"{donation} does not end"
        time.sleep(0.3)
    assert described["status"] == "SUCCEEDED", described
    return json.loads(described["output"])


def receipts(states: Any, donation: str) -> set[str]:
    """The versions of the receipt's function that an execution called.

    From the history: DescribeStateMachineForExecution answers with the latest definition here.
    """
    pages = states.get_paginator("get_execution_history").paginate(executionArn=arn(donation))
    called = [
        event.get("taskScheduledEventDetails", {}).get("resource", "") for page in pages for event in page["events"]
    ]
    return {name for name in called if ":payment-receipt" in name}
