"""Callbacks, StartExecution and executions on the embedded engine."""

from __future__ import annotations

import gc
from datetime import UTC, datetime
from typing import Any, Literal

import pytest

from flowdsl import Function, StateMachine, Task, chain, dump, task_token
from flowdsl.base.diagnostics import FlowError
from flowdsl.engine import Result
from flowdsl.testing import (
    ExecutionAlreadyExists,
    ExecutionFailed,
    Runner,
    StillRunning,
    fail,
    slow,
)
from tests.testing.machines import CHARGE, CHARGE_ARN, TOKEN, error, machine

# -- callbacks


def test_a_callback_is_answered_later() -> None:
    flow = Runner.of(TOKEN)
    sent = flow.mock("Charge", returns={"MessageId": "1"})
    flow.answer("Charge", {"status": "returned"}, after=30)
    run = flow.run({})
    assert (run.output, run.duration) == ({"status": "returned"}, 30)
    assert sent.calls[0]["MessageBody"]["token"]


def test_the_service_that_gets_the_token_need_not_be_mocked() -> None:
    flow = Runner.of(TOKEN)
    flow.answer("Charge", "done", after=1)
    assert flow.run({}).output == "done"


def test_a_callback_fails() -> None:
    flow = Runner.of(TOKEN)
    flow.answer("Charge", fail("Refused", "by the donor"), after=5)
    failed = error(flow)
    assert (failed.error, failed.cause, failed.run.duration) == ("Refused", "by the donor", 5)


def test_heartbeats_keep_a_task_alive() -> None:
    token = machine(**{key: value for key, value in TOKEN["States"]["Charge"].items() if key == "Parameters"})
    token["States"]["Charge"] |= {"Resource": TOKEN["States"]["Charge"]["Resource"], "HeartbeatSeconds": 60}
    flow = Runner.of(token)
    flow.answer("Charge", "done", after=150, heartbeats=[50, 100])
    assert flow.run({}).duration == 150

    flow = Runner.of(token)
    flow.answer("Charge", "done", after=150, heartbeats=[50])
    failed = error(flow)
    assert failed.error == "States.Timeout"
    assert failed.run.duration == 110


def test_answers_in_turn() -> None:
    flow = Runner.of(TOKEN)
    flow.answer("Charge", "first", times=1)
    flow.answer("Charge", "then")
    assert [flow.run({}).output for _ in range(3)] == ["first", "then", "then"]


def test_nobody_answers() -> None:
    flow = Runner.of(TOKEN)
    flow.mock("Charge", returns={})
    with pytest.raises(StillRunning, match=r"waits in 'Charge' .* flow.answer\('Charge', "):
        flow.run({})


# -- StartExecution


def test_start_execution_is_idempotent_while_it_runs() -> None:
    flow = Runner.of({"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 5, "End": True}}})
    first = flow.start({"n": 1}, name="one")
    assert flow.start({"n": 1}, name="one") is first
    with pytest.raises(ExecutionAlreadyExists, match="another input"):
        flow.start({"n": 2}, name="one")
    with pytest.raises(ExecutionAlreadyExists, match="another input"):
        flow.start({"n": True}, name="one")
    assert flow.finish(first).output == {"n": 1}
    with pytest.raises(ExecutionAlreadyExists, match="has ended SUCCEEDED"):
        flow.run({"n": 1}, name="one")


def test_executions_without_a_name_are_many() -> None:
    flow = Runner.of({"StartAt": "P", "States": {"P": {"Type": "Pass", "End": True}}})
    assert flow.run(1).name != flow.run(1).name


def test_one_clock_for_all() -> None:
    flow = Runner.of(
        {"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 5, "End": True}}},
        start=datetime(2030, 1, 1, tzinfo=UTC),
    )
    first, second = flow.run({}), flow.run({})
    assert first.start == datetime(2030, 1, 1, tzinfo=UTC)
    assert second.start == first.stop == datetime(2030, 1, 1, 0, 0, 5, tzinfo=UTC)


def test_an_execution_is_checked_unless_told_otherwise() -> None:
    flow = Runner.of({"StartAt": "F", "States": {"F": {"Type": "Fail", "Error": "Bad", "Cause": "since"}}})
    with pytest.raises(ExecutionFailed, match="ended FAILED in state 'F': Bad: since"):
        flow.run({})
    run = flow.run({}, check=False)
    assert (run.status, run.error, run.cause, run.output) == ("FAILED", "Bad", "since", None)


# -- machines


def test_an_authors_machine() -> None:
    flow = Runner.of(
        StateMachine("shop", chain(Task("Charge", Function("charge", "handlers/setup"), into="payment"))),
    )
    flow.mock("Charge", returns={"status": "paid"})
    assert flow.run({"amount": 5}).output == {"amount": 5, "payment": {"status": "paid"}}


def test_mistakes_of_the_author_are_shown() -> None:
    broken = StateMachine("shop", chain(Task("A", CHARGE), Task("A", CHARGE, timeout=5)))
    with pytest.raises(FlowError, match="two states are named 'A'"):
        Runner.of(broken)


def test_no_machine_is_named(tmp_path: Any) -> None:
    (tmp_path / "pyproject.toml").write_text("")
    with pytest.raises(FlowError, match="no state machine to run"):
        Runner.of(root=tmp_path)


def test_pseudo_parameters_are_those_of_an_account() -> None:
    definition = machine("arn:${AWS::Partition}:lambda:${AWS::Region}:${AWS::AccountId}:function:charge")
    seen: list[str] = []
    flow = Runner.of(definition, handlers={"charge": lambda event, context: seen.append(context.invoked_function_arn)})
    flow.run({})
    assert seen == ["arn:aws:lambda:us-east-1:123456789012:function:charge"]


def test_tokens_reach_functions() -> None:
    notify = Task("Ask", CHARGE, payload={"token": task_token}, wait_for_task_token=True)
    flow = Runner.of(dump(StateMachine("ask", chain(notify))), handlers={"charge": lambda event, context: None})
    flow.answer("Ask", {"yes": True}, after=1)
    assert flow.run({}).output == {"yes": True}


def test_an_answer_to_a_state_that_waits_for_none_is_a_mistake() -> None:
    flow = Runner.of(machine())
    flow.answer("Charge", {"status": "paid"})
    with pytest.raises(LookupError, match=r"which does not wait for a callback; use flow\.mock\('Charge', returns="):
        flow.start({})


def both(*names: str) -> dict[str, Any]:
    branches = [{"StartAt": name, "States": {name: machine(CHARGE_ARN)["States"]["Charge"]}} for name in names]
    return {"StartAt": "Both", "States": {"Both": {"Type": "Parallel", "Branches": branches, "End": True}}}


def test_a_failure_is_that_of_the_branch_that_failed() -> None:
    for failing in ("Bill", "Stock"):
        flow = Runner.of(both("Bill", "Stock"))
        for name in ("Bill", "Stock"):
            flow.mock(name, **({"raises": RuntimeError} if name == failing else {"returns": {}}))
        assert f"ended FAILED in state '{failing}': RuntimeError" in str(error(flow))


def test_a_timed_out_execution_was_in_all_open_states() -> None:
    flow = Runner.of({**both("Bill", "Stock"), "TimeoutSeconds": 60})
    flow.mock("Bill", slow(90), returns={})
    flow.mock("Stock", slow(90), returns={})
    assert "ended TIMED_OUT in states 'Bill', 'Stock': timeout reached after 60 s" in str(error(flow))


def test_a_failing_catcher_is_its_own_states_failure() -> None:
    states = machine(CHARGE_ARN, Catch=[{"ErrorEquals": ["Boom"], "ResultPath": "$.a[0].b", "Next": "Charge"}])
    before = {"Before": {"Type": "Pass", "Next": "Charge"}, **states["States"]}
    flow = Runner.of({"StartAt": "Before", "States": before})
    flow.mock("Charge", fail("Boom", times=9))
    assert flow.run({}, check=False).history.ended_in() == ["Charge"]
    assert Runner.of({"StartAt": "A", "States": {"A": {"Type": "Succeed"}}}).run({}).history.ended_in() == []


def test_fail_takes_an_exception_class_by_its_name() -> None:
    flow = Runner.of(machine())
    flow.mock("Charge", fail(RuntimeError, "no money"))
    failed = error(flow)
    assert (failed.error, failed.cause) == ("RuntimeError", "no money")
    for wrong in (RuntimeError("no money"), None, 5, ""):
        with pytest.raises(TypeError, match="an error name or an exception class"):
            fail(wrong)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="the cause must be a string"):
        fail("Boom", {"a": 1})  # type: ignore[arg-type]


@pytest.mark.parametrize("type_", ["STANDARD", "EXPRESS"])
def test_a_runner_keeps_no_execution_that_has_ended(type_: Literal["STANDARD", "EXPRESS"]) -> None:
    mode = {"Mode": "DISTRIBUTED", "ExecutionType": type_} if type_ == "STANDARD" else {"Mode": "INLINE"}
    inner = {"StartAt": "Inner", "States": {"Inner": {"Type": "Pass", "End": True}}, "ProcessorConfig": mode}
    over = {"Type": "Map", "ItemsPath": "$.items", "ItemProcessor": inner, "End": True}
    runner = Runner.of({"StartAt": "Each", "States": {"Each": over}}, type=type_)
    kept = runner.run({"items": [0]}, name="kept")
    gc.freeze()
    try:
        for number in range(3):
            assert runner.run({"items": [number, number]}, name=f"run-{number}").output == [number, number]
        gc.collect()
        alive = [each for each in gc.get_objects() if isinstance(each, Result)]
    finally:
        gc.unfreeze()
    assert alive == []
    assert runner.scheduler.executions == {}
    assert kept.history.states()[0] == "Each"
    if type_ == "STANDARD":
        with pytest.raises(ExecutionAlreadyExists, match="run-0' has ended SUCCEEDED"):
            runner.run({"items": [0, 0]}, name="run-0")
