"""What counts as covered, read off a history and the definition."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from flowdsl import Choice, Function, Pass, StateMachine, Task, Wait, catch, chain, fail, goto, retry, state_input, when
from flowdsl.project import Loaded
from flowdsl.testing import Coverage, Runner, runner
from flowdsl.testing import fail as failing
from flowdsl.testing.coverage import Item, hits, items
from flowdsl.testing.machines import resolve
from flowdsl.testing.report import lines

FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:work"


def task(**fields: Any) -> dict[str, Any]:
    return {"Type": "Task", "Resource": FUNCTION, **fields}


def catcher(*errors: str, to: str = "Done") -> dict[str, Any]:
    return {"ErrorEquals": [*errors], "Next": to}


def retrier(*errors: str) -> dict[str, Any]:
    return {"ErrorEquals": [*errors], "IntervalSeconds": 1, "MaxAttempts": 2}


DONE = {"Done": {"Type": "Succeed"}, "Other": {"Type": "Succeed"}}


def reached(states: dict[str, Any], *script: Any, input: Any = None, **top: Any) -> set[str]:
    """What one execution reaches, as `Kind[index]` of the first state, without the states themselves."""
    first = next(iter(states))
    definition = {"StartAt": first, "States": {**states, **DONE}, **top}
    flow = Runner.of(definition)
    if script:
        flow.mock("work", *script, returns={})
    history = flow.run(input or {}, check=False).history
    found = hits(definition, history)
    return {_short(path) for path in found if path[1] == first and _short(path)}


def _short(path: Any) -> str:
    """`Retry[0]` or `Default`; nothing for a state."""
    if len(path) == 3:
        return str(path[2])
    return f"{path[2]}[{path[3]}]" if len(path) == 4 else ""


def test_items_are_all_there_is_in_order() -> None:
    inner = {"StartAt": "Inner", "States": {"Inner": {"Type": "Pass", "End": True}}}
    definition = {
        "StartAt": "A",
        "States": {
            "A": task(Retry=[retrier("X", "Y", "Z")], Catch=[catcher("X")], Next="B"),
            "B": {"Type": "Choice", "Choices": [{"Variable": "$", "IsNull": True, "Next": "C"}], "Default": "D"},
            "C": {"Type": "Parallel", "Branches": [inner], "Next": "D"},
            "D": {"Type": "Map", "ItemProcessor": {**inner, "StartAt": "Item"}, "End": True},
        },
    }
    found = list(items(definition))
    assert [item.about for item in found] == [
        "state A",
        "A: Retry of X and 2 more",
        "A: Catch of X, to Done",
        "state B",
        "B: rule 1, to C",
        "B: Default, to D",
        "state C",
        "state Inner",
        "state D",
        "state Inner",
    ]
    assert found[1] == Item("retry", ("States", "A", "Retry", 0), "A: Retry of X and 2 more")
    assert found[7].path == ("States", "C", "Branches", 0, "States", "Inner")
    assert found[9].path == ("States", "D", "ItemProcessor", "States", "Inner")


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        (["fine"], set()),
        ([failing("A")], {"Retry[0]"}),
        ([failing("B")], {"Retry[1]"}),
        ([failing("A"), failing("B")], {"Retry[0]", "Retry[1]"}),
        ([failing("A", times=3)], {"Retry[0]", "Catch[0]"}),
        ([failing("B", times=3)], {"Retry[1]", "Catch[1]"}),
        ([failing("Neither")], {"Catch[1]"}),
    ],
)
def test_retriers_and_catchers(script: list[Any], expected: set[str]) -> None:
    retries = [retrier("A"), retrier("B")]
    catchers = [catcher("A"), catcher("States.ALL", to="Other")]
    assert reached({"T": task(Retry=retries, Catch=catchers, Next="Done")}, *script) == expected


def test_a_retrier_that_forbids_retrying_is_covered_when_it_does() -> None:
    never = {"ErrorEquals": ["A"], "MaxAttempts": 0}
    states = {"T": task(Retry=[never, retrier("States.ALL")], End=True)}
    assert reached(states, failing("A")) == {"Retry[0]"}
    assert reached(states, failing("B")) == {"Retry[1]"}
    assert reached(states, failing("B", times=9)) == {"Retry[1]"}


@pytest.mark.parametrize(
    ("error", "expected"),
    [("A", {"Catch[0]"}), ("B", {"Catch[1]"}), ("States.Runtime", set()), ("C", {"Catch[2]"})],
)
def test_catchers_that_lead_to_one_state_are_told_apart_by_the_error(error: str, expected: set[str]) -> None:
    catchers = [catcher("A"), catcher("B"), catcher("States.TaskFailed")]
    script = [failing(error)] if error != "States.Runtime" else []
    states = {"T": task(Catch=catchers, Next="Done")}
    assert reached(states, *(script or ["fine"])) == expected


@pytest.mark.parametrize(("heartbeats", "expected"), [([], "Catch[0]"), (range(5, 100, 5), "Catch[1]")])
def test_missed_heartbeats_and_timeouts_are_told_apart(heartbeats: Any, expected: str) -> None:
    waiting = {
        "Type": "Task",
        "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
        "HeartbeatSeconds": 10,
        "TimeoutSeconds": 60,
        "Catch": [catcher("States.HeartbeatTimeout"), catcher("States.Timeout")],
        "Next": "Done",
    }
    definition = {"StartAt": "T", "States": {"T": waiting, **DONE}}
    flow = Runner.of(definition)
    flow.answer("T", "too late", after=100, heartbeats=[*heartbeats])
    found = hits(definition, flow.run({}).history)
    assert [_short(path) for path in found if _short(path)] == [expected]


def test_going_on_as_usual_is_no_catch() -> None:
    assert reached({"T": task(Catch=[catcher("States.ALL")], Next="Done")}, "fine") == set()


def test_an_error_outside_the_attempts_is_a_catch() -> None:
    """The function succeeded, but its result fits nowhere: nothing but the next state tells of the Catch."""
    states = {"T": task(ResultPath="$.a.b", Catch=[catcher("States.ALL", to="Other")], Next="Done")}
    assert reached(states, "fine", input={"a": 3}) == {"Catch[0]"}


def choice(*rules: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"C": {"Type": "Choice", "Choices": [*rules], **fields}}


def equals(number: int, to: str, variable: str = "$.n") -> dict[str, Any]:
    return {"Variable": variable, "NumericEquals": number, "Next": to}


@pytest.mark.parametrize(("number", "expected"), [(1, {"Choices[0]"}), (2, {"Choices[1]"}), (3, {"Default"})])
@pytest.mark.parametrize("targets", [("Done", "Other", "Last"), ("Done", "Done", "Done"), ("Done", "Other", "Done")])
def test_branches(number: int, expected: set[str], targets: tuple[str, str, str]) -> None:
    """Also where several lead to one state."""
    rules = choice(equals(1, targets[0]), equals(2, targets[1]), Default=targets[2])
    assert reached({**rules, "Last": {"Type": "Succeed"}}, input={"n": number}) == expected


@pytest.mark.parametrize(("number", "expected"), [(1, {"Choices[0]"}), (2, {"Choices[1]"}), (3, {"Default"})])
def test_branches_under_jsonata(number: int, expected: set[str]) -> None:
    rules = [{"Condition": f"{{% $states.input.n = {each} %}}", "Next": "Done"} for each in (1, 2)]
    found = reached(choice(*rules, Default="Done"), input={"n": number}, QueryLanguage="JSONata")
    assert found == expected


@pytest.mark.parametrize(("number", "expected"), [(1, {"Choices[0]"}), (2, {"Choices[1]"})])
def test_branches_that_look_at_variables_and_the_context(number: int, expected: set[str]) -> None:
    both = [{"Variable": variable, "NumericEquals": 1} for variable in ("$n", "$$.Execution.Input.n")]
    definition = {
        "StartAt": "Set",
        "States": {
            "Set": {"Type": "Pass", "Assign": {"n.$": "$.n"}, "OutputPath": None, "Next": "C"},
            **choice({"And": both, "Next": "Done"}, equals(2, "Done", "$n")),
            **DONE,
        },
    }
    history = Runner.of(definition).run({"n": number}).history
    assert {_short(path) for path in hits(definition, history) if path[1] == "C" and _short(path)} == expected


def test_a_choice_that_finds_nothing_covers_no_branch() -> None:
    assert reached(choice(equals(1, "Done")), input={"n": 2}) == set()


def test_retry_and_catch_of_a_parallel() -> None:
    failed = {"StartAt": "Bad", "States": {"Bad": {"Type": "Fail", "Error": "Broken"}}}
    slow = {"StartAt": "Slow", "States": {"Slow": {"Type": "Wait", "Seconds": 9, "End": True}}}
    parallel = {
        "Type": "Parallel",
        "Branches": [slow, failed],
        "Retry": [retrier("Other"), retrier("Broken")],
        "Catch": [catcher("Other"), catcher("Broken"), catcher("States.ALL")],
        "Next": "Done",
    }
    assert reached({"P": parallel}) == {"Retry[1]", "Catch[1]"}


def test_retry_and_catch_of_a_map() -> None:
    each = {
        "Type": "Map",
        "ItemProcessor": {"StartAt": "W", "States": {"W": task(End=True)}},
        "Retry": [retrier("Once")],
        "Catch": [catcher("Once"), catcher("States.ALL")],
        "Next": "Done",
    }
    assert reached({"M": each}, failing("Once"), input=[1]) == {"Retry[0]"}
    assert reached({"M": each}, failing("Twice"), input=[1]) == {"Catch[1]"}


def test_child_executions_of_a_distributed_map_count(monkeypatch: pytest.MonkeyPatch) -> None:
    coverage = Coverage()
    monkeypatch.setattr(runner, "observers", [coverage.observe])
    processor = {
        "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
        "StartAt": "Item",
        "States": {"Item": task(Next="Last"), "Last": {"Type": "Succeed"}},
    }
    flow = Runner.of({"StartAt": "M", "States": {"M": {"Type": "Map", "ItemProcessor": processor, "End": True}}})
    flow.mock("Item", returns={})
    flow.run([1, 2, 3])
    flow.run([4])
    measured = coverage.machines["StateMachine"]
    assert measured.percent == 100
    assert [reached for _, reached in measured.items()] == [2, 4, 4]


def test_a_nested_machine_counts_as_itself(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    coverage = Coverage()
    monkeypatch.setattr(runner, "observers", [coverage.observe])
    file = tmp_path / "child.json"
    file.write_text('{"StartAt": "Unreached", "States": {"Unreached": {"Type": "Succeed"}}}')
    arn = "arn:aws:states:us-east-1:123456789012:stateMachine:child"
    start = {"Type": "Task", "Resource": "arn:aws:states:::states:startExecution.sync", "Next": "Done"}
    states = {"Start": {**start, "Parameters": {"StateMachineArn": arn}}, **DONE, "Unreached": {"Type": "Succeed"}}
    Runner.of({"StartAt": "Start", "States": states}, machines=[file]).run({})
    assert coverage.machines["StateMachine"].hits.keys() == {"/States/Start", "/States/Done"}
    assert coverage.machines["child"].hits.keys() == {"/States/Unreached"}


def test_states_of_one_name_in_two_branches() -> None:
    def branch(seconds: int) -> dict[str, Any]:
        return {
            "StartAt": "Same",
            "States": {"Same": {"Type": "Wait", "Seconds": seconds, "Next": "End"}, "End": {"Type": "Succeed"}},
        }

    definition = {
        "StartAt": "First",
        "States": {
            "First": {"Type": "Parallel", "Branches": [branch(1)], "Next": "Second"},
            "Second": {"Type": "Parallel", "Branches": [branch(2)], "End": True},
        },
    }
    found = hits(definition, Runner.of(definition).run({}).history)
    assert found["States", "First", "Branches", 0, "States", "Same"] == 1
    assert found["States", "Second", "Branches", 0, "States", "Same"] == 1


# -- adding up and reporting


WORK = Function("work", "handlers/setup")
work = Task(
    "Work",
    WORK,
    into="work",
    retry=[retry("Busy", interval=1, max_attempts=1)],
    catch=[catch("States.ALL", fail("Failed", error="Failed"))],
)
MACHINE = StateMachine(
    "shop",
    chain(
        work,
        Choice("Again", when(work.out.status == "again", Wait("Pause", seconds=60), goto(work))),
        Pass("Last", parameters={"work": state_input.work}),
    ),
)


def run(coverage: Coverage, *script: Any) -> Loaded:
    flow = Runner.of(MACHINE)
    flow.mock("Work", *script, returns={"status": "done"})
    coverage.observe(flow.machine, [flow.run({}, check=False).history])
    return flow.machine


def test_executions_add_up() -> None:
    coverage = Coverage()
    run(coverage)
    measured = coverage.machines["shop"]
    assert (measured.runs, measured.count("state"), measured.count("branch")) == (1, (3, 5), (1, 2))
    assert (measured.count("retry"), measured.count("catch")) == ((0, 1), (0, 1))
    assert coverage.percent == pytest.approx(100 * 4 / 9)
    run(coverage, failing("Busy"), {"status": "again"})
    run(coverage, failing("Broken"))
    assert coverage.percent == 100
    assert measured.runs == 3


def test_processes_add_up() -> None:
    one, other = Coverage(), Coverage()
    run(one, {"status": "again"})
    run(other, failing("Broken"))
    other.merge(one.data())
    other.merge({})
    assert other.machines["shop"].runs == 2
    assert other.machines["shop"].count() == (8, 9)


def test_two_machines_of_one_name_are_told_apart() -> None:
    coverage = Coverage()
    for state in ("A", "B"):
        flow = Runner.of({"StartAt": state, "States": {state: {"Type": "Succeed"}}})
        coverage.observe(flow.machine, [flow.run({}).history])
    assert list(coverage.machines) == ["StateMachine", "StateMachine#2"]
    again = Coverage()
    again.merge(coverage.data())
    assert again.data() == coverage.data()


def test_the_report_names_what_is_missing_with_its_line() -> None:
    coverage = Coverage()
    run(coverage)
    report = "\n".join(lines(coverage))
    here = Path(__file__).read_text().splitlines()
    pause = next(number for number, line in enumerate(here, 1) if 'Wait("Pause"' in line)
    busy = next(number for number, line in enumerate(here, 1) if 'retry("Busy"' in line)
    assert "shop        1     3/5       1/2    0/1    0/1    44.4%" in report
    assert "shop: not covered" in report
    assert f"test_coverage.py:{pause}  state Pause" in report
    assert f"test_coverage.py:{busy}  Work: Retry of Busy" in report
    assert "Again: rule 1, to Pause" in report
    assert "Work: Catch of States.ALL, to Failed" in report
    assert "state Last" not in report


def test_a_hundred_per_cent_is_exact() -> None:
    coverage = Coverage()
    run(coverage, failing("Busy"), {"status": "again"})
    run(coverage, failing("Broken"))
    assert [line.split()[-1] for line in lines(coverage)] == ["covered", "100%"]


def test_nothing_run_is_nothing_covered() -> None:
    coverage = Coverage()
    assert coverage.percent == 0
    coverage.expect(resolve(MACHINE, Path()))
    assert coverage.percent == 0
    assert coverage.machines["shop"].runs == 0
