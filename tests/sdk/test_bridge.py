"""The Data Science SDK's objects as flows, with the light fork `stepfunctions-asl`."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from typing import Any

import pytest
from stepfunctions import steps
from stepfunctions.inputs import ExecutionInput
from stepfunctions.steps.states import FrozenGraph, Graph

import flowdsl as f
from flowdsl.asl.text import canonical_text
from flowdsl.base.diagnostics import FlowError
from flowdsl.check import check
from flowdsl.sdk import from_sdk, is_sdk_object, read_sdk, to_sdk
from flowdsl.testing import Runner

ARN = "arn:aws:lambda:eu-west-1:123456789012:function:charge"


def charge(**fields: Any) -> steps.Task:
    return steps.Task("Charge", resource=ARN, **fields)


def every_state() -> steps.Chain:
    """All state types, a loop, a join and a catcher whose states end."""
    given = ExecutionInput(schema={"amount": int})
    pay = charge(
        parameters={"amount": given["amount"], "deep": {"amount": given["amount"]}},
        retry=steps.Retry(error_equals=["States.TaskFailed"], interval_seconds=2, max_attempts=5),
        catch=steps.Catch(error_equals=["States.ALL"], result_path="$.error", next_step=steps.Pass("Broken")),
        timeout_seconds=60,
    )
    both = steps.Parallel("Both", result_path=None)
    both.add_branch(steps.Pass("One", result={"one": 1}))
    both.add_branch(steps.Chain([steps.Wait("Rest", seconds=5), steps.Succeed("Rested")]))
    each = steps.Map("Each", iterator=steps.Pass("Item"), items_path="$.items", max_concurrency=2, result_path="$.each")
    paid = steps.Choice("Paid?")
    rule = steps.ChoiceRule.And(
        [steps.ChoiceRule.IsPresent("$.paid", True), steps.ChoiceRule.BooleanEquals("$.paid", True)]
    )
    paid.add_choice(rule, steps.Succeed("Done"))
    paid.add_choice(steps.ChoiceRule.IsPresent("$.again", True), pay)
    paid.default_choice(steps.Fail("Refused", error="Refused", cause="not paid"))
    return steps.Chain([pay, both, each, paid])


def test_a_chain_has_the_sdks_own_definition():
    sdk = every_state()
    machine = f.StateMachine("payment", from_sdk(sdk))
    assert f.dump(machine) == json.loads(Graph(sdk).to_json())
    assert machine.problems == []
    assert f.load(f.dump(machine)) == f.load(json.loads(Graph(sdk).to_json()))


def test_states_in_the_middle_of_a_flow():
    machine = f.StateMachine("m", f.chain(f.Pass("Before"), from_sdk(every_state()), f.Pass("After")))
    definition = f.dump(machine)
    states = definition["States"]
    assert (definition["StartAt"], states["Before"]["Next"]) == ("Before", "Charge")
    assert states["Broken"]["Next"] == "After"
    assert states["Paid?"]["Choices"][1]["Next"] == "Charge"
    assert states["After"] == {"Type": "Pass", "End": True}
    assert "End" not in states
    assert [each.code for each in check(definition) if each.severity == "error"] == []


def test_blocks_where_flows_have_steps():
    one, two = from_sdk(steps.Pass("One")), from_sdk(steps.Chain([charge(), steps.Pass("Two")]))
    caught = f.catch("States.ALL", f.Pass("Caught"))
    flow = f.chain(f.Choice("C", f.when(f.is_present(f.state_input.a), one)), f.guard(two, caught), f.Pass("End1"))
    states = f.dump(f.StateMachine("m", flow))["States"]
    assert states["C"]["Choices"][0]["Next"] == "One"
    assert (states["C"]["Default"], states["One"]["Next"]) == ("Charge", "Charge")
    assert states["Charge"]["Catch"] == [{"ErrorEquals": ["States.ALL"], "Next": "Caught"}]
    assert (states["Charge"]["Next"], states["Two"]["Next"], states["Caught"]["Next"]) == ("Two", "End1", "End1")
    inside = f.dump(f.StateMachine("m", f.Parallel("P", two.as_("In"), one >> f.Pass("Last"))))
    branches = inside["States"]["P"]["Branches"]
    assert [*branches[0]["States"]] == ["In.Charge", "In.Two"]
    assert branches[0]["States"]["In.Charge"]["Next"] == "In.Two"
    assert [*branches[1]["States"]] == ["One", "Last"]
    assert f.dump(f.StateMachine("m", f.chain(one, f.goto("One"))))["States"]["One"]["Next"] == "One"


def test_two_states_of_one_name_are_reported():
    machine = f.StateMachine("m", f.chain(from_sdk(steps.Pass("A")), from_sdk(steps.Pass("A"))))
    assert [each.code for each in machine.problems] == ["FD201"]


def test_a_choice_keeps_exactly_its_default():
    choice = steps.Choice("C")
    choice.add_choice(steps.ChoiceRule.IsPresent("$.a", True), steps.Pass("A"))
    states = f.dump(f.StateMachine("m", f.chain(from_sdk(choice), f.Pass("After"))))["States"]
    assert "Default" not in states["C"]
    default = steps.Choice("C")
    default.add_choice(steps.ChoiceRule.IsPresent("$.a", True), steps.Pass("A"))
    states = f.dump(f.StateMachine("m", from_sdk(steps.Chain([default, steps.Pass("B")]))))["States"]
    assert states["C"]["Default"] == "B"


def test_it_runs_with_mocks():
    runner = Runner.of(f.StateMachine("payment", from_sdk(every_state())))
    mock = runner.mock("Charge", returns={"paid": True, "items": [1, 2]})
    result = runner.run({"amount": 5, "items": [1], "paid": True})
    assert result.status == "SUCCEEDED"
    assert mock.calls == [{"amount": 5, "deep": {"amount": 5}}]


def test_settings_of_a_workflow():
    graph = Graph(steps.Pass("A"), comment="Says A", timeout_seconds=60, version="1.0")
    machine = f.StateMachine("m", from_sdk(graph))
    assert f.dump(machine) == graph.to_dict()
    own = f.StateMachine("m", from_sdk(graph), timeout=90)
    assert f.dump(own)["TimeoutSeconds"] == 90
    among = f.StateMachine("m", f.chain(from_sdk(graph), f.Pass("B")))
    assert [(each.code, each.severity) for each in among.problems] == [("FD217", "warning"), ("FD217", "warning")]
    assert "TimeoutSeconds of the block at 'A'" in among.problems[0].message
    assert among.problems[0].hint == "set it for the machine: StateMachine(..., timeout=60)"
    frozen = FrozenGraph({"QueryLanguage": "JSONata", "Extra": 5, "StartAt": "A", "States": {"A": {"Type": "Succeed"}}})
    assert f.dump(f.StateMachine("m", from_sdk(frozen))) == frozen.to_dict()


def test_a_workflow_is_told_by_its_class():
    class Workflow:
        name = "payment"
        definition = Graph(steps.Pass("A"))

    assert not is_sdk_object(Workflow())
    Workflow.__module__ = "stepfunctions.workflow.stepfunctions"
    assert read_sdk(Workflow()).name == "payment"
    assert f.dump(f.StateMachine("m", from_sdk(Workflow()))) == Workflow.definition.to_dict()


@pytest.mark.parametrize("value", [5, None, f.Pass("A"), [steps.Pass("A")]])
def test_other_values_are_refused(value):
    with pytest.raises(FlowError, match="is no Workflow, Graph, Chain or State of the Data Science SDK"):
        from_sdk(value)


def test_a_path_that_became_text_is_reported_and_kept():
    placeholder = ExecutionInput(schema={"image": str})["image"]
    task = charge(parameters={"ImageUri": placeholder.to_jsonpath()})
    definition = f.dump(f.StateMachine("m", from_sdk(task)))
    assert definition["States"]["Charge"]["Parameters"] == {"ImageUri": "$$.Execution.Input['image']"}
    [warning] = [each for each in check(definition) if each.path[-1:] == ("ImageUri",)]
    assert warning.severity == "warning"
    assert "ImageUri.$" in str(warning.hint)


@pytest.mark.parametrize("value", [["image"], {"a": [["image"]]}])
def test_placeholders_that_the_sdk_leaves(value):
    placeholder = ExecutionInput(schema={"image": str})["image"]
    text = json.dumps(value)
    nested = {"List": [placeholder]} if text.startswith("[") else {"a": [[placeholder]]}
    with pytest.raises(FlowError) as caught:
        from_sdk(charge(parameters=nested))
    assert "leaves the placeholder $$.Execution.Input['image'] in /States/Charge/Parameters" in str(caught.value)


def test_both_forms_of_hyperparameters():
    execution = ExecutionInput(schema={"hp": str})
    for parameters, key in (
        ({"HyperParameters": execution["hp"]}, "HyperParameters.$"),
        ({"HyperParameters": {"a": "1"}}, "HyperParameters"),
    ):
        read = read_sdk(charge(parameters=parameters))
        assert [*read.definition["States"]["Charge"]["Parameters"]] == [key]
        assert re.fullmatch(r"stepfunctions(-asl|-without-sagemaker)? \d+\.\d+\.\d+", read.sdk)
        assert f.dump(f.load(read.definition)) == read.definition


class OldTask(steps.Task):
    """As before 2.3.0: what the constructor gets stays among the fields."""

    def __init__(self, name: str, retry: Any, **fields: Any) -> None:
        super().__init__(name, **fields)
        self.fields["retry"] = retry

    def to_dict(self) -> dict[str, Any]:
        own, self.fields = self.fields, {key: value for key, value in self.fields.items() if key != "retry"}
        try:
            return super().to_dict()
        finally:
            self.fields = own


def test_a_retry_that_did_not_reach_the_definition():
    first, second = steps.Retry(error_equals=["Busy"]), steps.Retry(error_equals=["Slow"])
    task = OldTask("Old", first, resource=ARN)
    task.add_retry(second)
    machine = f.StateMachine("m", from_sdk(task))
    [problem] = machine.problems
    assert (problem.code, problem.path) == ("FD727", ("States", "Old"))
    assert problem.message == "the definition lacks a Retry (Busy) that the step got"
    assert f.dump(machine)["States"]["Old"]["Retry"] == [{"ErrorEquals": ["Slow"]}]


def test_names_with_the_time_in_them():
    name = "train-2026-11-28-13-51-12-123"
    [problem] = read_sdk(charge(parameters={"TrainingJobName": name})).problems
    assert (problem.code, problem.path[-1]) == ("FD728", "TrainingJobName")
    assert not read_sdk(charge(parameters={"TrainingJobName": "train-2026"})).problems


def test_two_states_of_one_name_are_the_sdks_error():
    with pytest.raises(FlowError, match="the SDK refuses it: Each state in a workflow must have a unique state id"):
        from_sdk(steps.Chain([steps.Pass("A"), steps.Pass("A", comment="other")]))


def test_a_chain_that_is_too_long_for_the_sdk():
    with pytest.raises(FlowError, match="too long for the SDK"):
        from_sdk(steps.Chain([steps.Pass(f"P{number}") for number in range(1200)]))


def test_to_sdk_needs_workflows(monkeypatch):
    monkeypatch.setitem(sys.modules, "stepfunctions.workflow", None)  # the light fork has none
    with pytest.raises(FlowError, match=r"pip install \"flowdsl\[stepfunctions\]\""):
        to_sdk(f.StateMachine("m", f.Pass("A")), role="arn:aws:iam::123456789012:role/r")


def test_the_sdk_is_not_imported():
    code = (
        "import sys, flowdsl.sdk, flowdsl.project; print(flowdsl.sdk.is_sdk_object(5), 'stepfunctions' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False False\n"


def test_the_definition_is_canonical():
    first, second = (canonical_text(f.dump(f.StateMachine("m", from_sdk(every_state())))) for _ in range(2))
    assert first == second
