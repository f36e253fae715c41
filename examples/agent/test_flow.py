"""The agent's turns: what the model is told, which tools are used, and how it ends."""

from __future__ import annotations

from typing import Any

import pytest

from examples.agent.flow import machine
from flowdsl import StateMachine
from flowdsl.testing import ExecutionFailed, Mock, Runner, fail

QUESTION = {"text": "Where is my order 7?"}


@pytest.fixture
def flow_machine() -> StateMachine:
    return machine


def says(*content: dict[str, Any], stop_reason: str = "end_turn") -> dict[str, Any]:
    """What Bedrock answers."""
    return {"ContentType": "application/json", "Body": {"content": [*content], "stop_reason": stop_reason}}


def uses(*tools: str) -> dict[str, Any]:
    blocks = [
        {"type": "tool_use", "id": f"use-{index}", "name": tool, "input": {"order_id": "7"}}
        for index, tool in enumerate(tools)
    ]
    return says({"type": "text", "text": "Let me look."}, *blocks, stop_reason="tool_use")


ANSWER = says({"type": "text", "text": "Let me see."}, {"type": "text", "text": "It is in Leeds."})


def last_message(think: Mock) -> Any:
    """The newest message that the model got."""
    return think.calls[-1]["Body"]["messages"][-1]


def test_an_answer_without_tools(flow: Runner) -> None:
    think = flow.mock("Think", ANSWER)
    assert flow.run(QUESTION).output == {"text": "It is in Leeds.", "turns": 1}
    assert [tool["name"] for tool in think.calls[0]["Body"]["tools"]] == ["find_order", "track_parcel"]
    assert think.calls[0]["Body"]["messages"] == [{"role": "user", "content": "Where is my order 7?"}]


@pytest.mark.parametrize("tools", [["track_parcel"], ["find_order", "track_parcel", "find_order"]], ids=len)
def test_the_model_gets_what_its_tools_find(flow: Runner, tools: list[str]) -> None:
    think = flow.mock("Think", uses(*tools), ANSWER)
    flow.mock("find_order", returns={"item": "lamp"})
    track = flow.mock("track_parcel", returns={"place": "Leeds"})

    run = flow.run(QUESTION)

    assert run.output == {"text": "It is in Leeds.", "turns": 2}
    assert track.calls == [{"order_id": "7"}]
    results = {"find_order": '{"item":"lamp"}', "track_parcel": '{"place":"Leeds"}'}
    assert last_message(think) == {
        "role": "user",
        "content": [
            {"type": "tool_result", "tool_use_id": f"use-{index}", "content": results[tool]}
            for index, tool in enumerate(tools)
        ],
    }
    assert [message["role"] for message in think.calls[-1]["Body"]["messages"]] == ["user", "assistant", "user"]


@pytest.mark.parametrize("tool", ["find_order", "delete_everything"])
def test_the_model_hears_of_a_tool_that_fails_or_does_not_exist(flow: Runner, tool: str) -> None:
    think = flow.mock("Think", uses(tool), ANSWER)
    flow.mock("find_order", raises=KeyError("7"))
    assert flow.run(QUESTION).status == "SUCCEEDED"
    [message] = last_message(think)["content"]
    assert message["is_error"] is True
    assert message["content"] == "There is no such tool" or '"Error":"KeyError"' in message["content"]


def test_a_throttled_model_is_asked_again(flow: Runner) -> None:
    flow.mock("Think", fail("Bedrock.ThrottlingException", times=2), ANSWER)
    assert flow.run(QUESTION).history.retried() == {"Think": 2}


def test_a_model_that_never_answers_is_stopped(flow: Runner) -> None:
    think = flow.mock("Think", returns=uses("find_order"))
    flow.mock("find_order", returns={})
    with pytest.raises(ExecutionFailed) as failed:
        flow.run(QUESTION)
    assert failed.value.error == "NoAnswer"
    assert len(think.calls) == 8
