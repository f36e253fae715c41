"""Who has to approve an expense before it is paid, in both query languages."""

from __future__ import annotations

from typing import Any, Literal

import pytest

from examples.approval.flow import flow as steps
from examples.approval.flow import machine
from flowdsl import StateMachine
from flowdsl.testing import ExecutionFailed, Mock, Runner

DAY = 24 * 3600
SMALL = {"id": "e-1", "employee": "Ada", "cents": 50_000}
LARGE = {**SMALL, "cents": 50_001}
YES, NO = {"approved": True, "by": "Grace"}, {"approved": False, "by": "Grace"}


@pytest.fixture(params=["JSONata", "JSONPath"])
def flow_machine(request: pytest.FixtureRequest) -> StateMachine:
    language: Literal["JSONata", "JSONPath"] = request.param
    return StateMachine("approval", steps, defaults=machine.defaults, query_language=language)


@pytest.fixture(autouse=True)
def pay(flow: Runner) -> Mock:
    return flow.mock("Pay", returns={"reference": "pay-1"})


def test_a_small_expense_is_paid_at_once(flow: Runner, pay: Mock) -> None:
    run = flow.run(SMALL)
    assert run.output == {"payment": "pay-1"}
    assert run.history.states() == ["IsLarge", "Pay"]
    assert pay.calls == [{"expense": "e-1", "cents": 50_000}]


def test_the_manager_approves_a_large_one(flow: Runner) -> None:
    queue = flow.mock("AskManager", returns={})
    flow.answer("AskManager", YES, after=DAY)
    run = flow.run(LARGE)
    assert run.output == {"payment": "pay-1"}
    assert run.duration == DAY
    [call] = queue.calls
    assert call["QueueUrl"].endswith("/managers")
    assert call["MessageBody"]["text"] == "May Ada spend 50001 cents?"
    assert call["MessageBody"]["token"]


def test_the_director_is_asked_if_the_manager_does_not_answer(flow: Runner) -> None:
    flow.mock("AskManager", returns={})
    flow.answer("AskDirector", YES, after=60)
    run = flow.run(LARGE)
    assert run.history.states() == ["IsLarge", "AskManager", "AskDirector", "IsApproved", "Pay"]
    assert run.duration == 2 * DAY + 60


@pytest.mark.parametrize("answer", [NO, {"approved": "false"}, {"approved": None}, {}], ids=str)
def test_nothing_is_paid_unless_the_answer_is_yes(flow: Runner, pay: Mock, answer: dict[str, Any]) -> None:
    flow.answer("AskManager", answer)
    with pytest.raises(ExecutionFailed):
        flow.run(LARGE)
    assert pay.calls == []


def test_nothing_is_paid_if_nobody_answers(flow: Runner, pay: Mock) -> None:
    flow.mock("AskManager", returns={})
    flow.mock("AskDirector", returns={})
    with pytest.raises(ExecutionFailed) as failed:
        flow.run(LARGE)
    assert (failed.value.error, failed.value.run.duration) == ("Refused", 4 * DAY)
    assert pay.calls == []
