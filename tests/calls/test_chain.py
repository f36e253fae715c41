"""The order of answerers: each case removes the first that would answer, and the next one does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from flowdsl.base.diagnostics import FlowError
from flowdsl.calls import mockconfig
from flowdsl.calls.buckets import LocalFiles
from flowdsl.calls.chain import Callback, Chain
from flowdsl.calls.lambdas import LocalLambdas
from flowdsl.calls.services import Services
from flowdsl.engine import Call, Failed, Heartbeat, Reply, Started, Succeeded

FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:price"
GET_OBJECT = "arn:aws:states:::s3:getObject"
TOKEN = "arn:aws:states:::sqs:sendMessage.waitForTaskToken"
ACTIVITY = "arn:aws:states:us-east-1:123456789012:activity:approve"
CONFIG = {
    "StateMachines": {"machine": {"TestCases": {"case": {"Ask": "answer"}}}},
    "MockedResponses": {"answer": {"0-9": {"Return": "config"}}},
}


class FakeServices(Services):
    """Services without a network."""

    def __call__(self, call: Call) -> Reply:
        return Reply.succeeded("services")


def call_of(resource: str, arguments: Any = None) -> Call:
    integration, action, pattern = {
        FUNCTION: ("lambda", "function", ""),
        GET_OBJECT: ("s3", "getObject", ""),
        TOKEN: ("sqs", "sendMessage", "waitForTaskToken"),
        ACTIVITY: ("activity", "activity", ""),
    }[resource]
    return Call(resource, integration, action, arguments, "Ask", "execution", "machine", 0.0, pattern)


def chain_of(tmp_path: Path, names: tuple[str, ...]) -> Chain:
    (tmp_path / "key").write_text("buckets")
    mocks = {"Ask": lambda _: Reply.succeeded("mock")} if "mock" in names else {}
    return Chain(
        LocalLambdas({"price": lambda _event, _context: "functions"} if "functions" in names else {}),
        lambda call: mocks.get(call.state_name),
        mockconfig.parse(CONFIG, "machine") if "config" in names else None,
        LocalFiles({"b": tmp_path} if "buckets" in names else {}),
        FakeServices.at("http://localhost:1") if "services" in names else None,
        [Callback("Ask", Succeeded("callback"))] if "callbacks" in names else [],
        lambda _: Reply.succeeded("otherwise"),
    )


ORDERS = [
    (FUNCTION, None, ("mock", "config", "functions", "services", "otherwise")),
    (GET_OBJECT, {"Bucket": "b", "Key": "key"}, ("mock", "config", "buckets", "services", "otherwise")),
]


@pytest.mark.parametrize(("resource", "arguments", "order"), ORDERS)
def test_the_first_of_the_chain_answers(tmp_path: Path, resource: str, arguments: Any, order: tuple[str, ...]) -> None:
    for index, first in enumerate(order):
        reply = chain_of(tmp_path, order[index:])(call_of(resource, arguments))
        output = reply.output["Body"] if first == "buckets" else reply.output
        assert output == first


@pytest.mark.parametrize("resource", [TOKEN, ACTIVITY])
def test_a_callback_answers_a_task_that_waits(tmp_path: Path, resource: str) -> None:
    started = [Started()] if resource == ACTIVITY else []
    for names, submitted in [(("callbacks",), {}), (("mock", "callbacks"), "mock")]:
        reply = chain_of(tmp_path, names)(call_of(resource))
        assert (reply.kind, reply.output) == ("pending", submitted)
        assert [later.signal for later in reply.later] == [*started, Succeeded("callback")]


def test_a_callback_answers_only_its_number_of_calls(tmp_path: Path) -> None:
    chain = chain_of(tmp_path, ("mock",))
    chain.callbacks = [Callback("Ask", Failed("No", None), after=5, heartbeats=(2,), times=1)]
    first, second = chain(call_of(TOKEN)), chain(call_of(TOKEN))
    assert [(later.seconds, later.signal) for later in first.later] == [(2, Heartbeat()), (5, Failed("No", None))]
    assert (second.kind, second.later) == ("succeeded", ())


@pytest.mark.parametrize(
    ("names", "resource", "expected"),
    [
        ((), FUNCTION, False),
        (("functions", "services"), FUNCTION, False),
        (("mock",), FUNCTION, True),
        (("config",), FUNCTION, True),
        (("callbacks",), FUNCTION, False),
        (("callbacks",), TOKEN, True),
    ],
)
def test_what_stands_in_for_a_nested_machine(
    tmp_path: Path, names: tuple[str, ...], resource: str, expected: bool
) -> None:
    assert chain_of(tmp_path, names).stands_in(call_of(resource)) is expected


def test_without_an_answer_the_call_is_refused() -> None:
    with pytest.raises(FlowError, match="state 'Ask' calls function 'price', which has no answer here"):
        Chain(LocalLambdas({}))(call_of(FUNCTION))
