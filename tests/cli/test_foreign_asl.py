"""`flowdsl run` and `test-state` on definitions that were not written with flowdsl: what they call is named on the
command line or in pyproject.toml."""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest

pytestmark = pytest.mark.slow

CHARGE = {
    "StartAt": "Charge",
    "States": {
        "Charge": {"Type": "Task", "Resource": "arn:aws:lambda:eu-west-1:123456789012:function:charge", "End": True}
    },
}
HANDLER = "def handler(event, context):\n    return {'paid': event['amount']}\n"
OTHER = "def main(event, context):\n    return {'other': event['amount']}\n"
AMOUNT = ("--input", '{"amount": 5}')


def outcome(done: Any) -> Any:
    assert done.exit_code == 0, done.stderr
    return json.loads(done.stdout)


def test_a_handler_is_named_on_the_command_line(project):
    project.write("order.asl.json", CHARGE)
    project.write("functions/charge/handler.py", HANDLER)
    project.write("functions/charge/app.py", OTHER)
    done = project.run("run", "order.asl.json", *AMOUNT)
    assert (done.exit_code, done.stdout) == (2, "")
    assert "use --handler charge=FOLDER with the folder of its handler.py" in done.stderr
    charge = project.root / "functions/charge"
    for place, expected in (("functions/charge", "paid"), (charge, "paid"), ("functions/charge/app.py:main", "other")):
        handler = ("--handler", f"charge={place}")
        assert outcome(project.run("run", "order.asl.json", *AMOUNT, *handler)) == {expected: 5}
        tested = outcome(project.run("test-state", "order.asl.json", "--state", "Charge", *AMOUNT, *handler))
        assert json.loads(tested["output"]) == {expected: 5}


CHILD_PROCESS = """
import os
import subprocess

def handler(event, context):
    print("printed")
    os.write(1, b"written\\n")
    subprocess.run(["echo", "echoed"], check=True)
    return 5
"""


def test_stdout_has_the_result_alone(project):
    project.write("order.asl.json", CHARGE)
    project.write("functions/handler.py", CHILD_PROCESS)
    for command in (("run",), ("run", "--logs"), ("test-state", "--state", "Charge")):
        running = project.start(*command, "order.asl.json", "--handler", "charge=functions")
        stdout, stderr = running.communicate(timeout=60)
        assert json.loads(stdout) == (5 if command[0] == "run" else {"status": "SUCCEEDED", "output": "5"})
        assert "written" in stderr
        assert "echoed" in stderr


def test_handlers_of_the_project(project):
    project.write("order.asl.json", CHARGE)
    project.write("functions/charge/handler.py", HANDLER)
    project.write("pyproject.toml", '[tool.flowdsl.handlers]\ncharge = "functions/charge"\n')
    assert outcome(project.run("run", "order.asl.json", *AMOUNT)) == {"paid": 5}


@pytest.mark.parametrize(
    ("handler", "said"),
    [
        ("charge", "write NAME=FOLDER"),
        ("charge=", "write NAME=FOLDER"),
        (
            "charge=nowhere",
            "error FD710 function 'charge': nowhere/handler.py does not exist\n      = correct --handler",
        ),
        ("charge=functions:nope", "function 'charge': functions/handler.py does not define nope"),
        ("charge=functions/broken.py", "functions/broken.py:1:4: error FD602"),
        ("charge=/nowhere", "error FD710 function 'charge': /nowhere/handler.py does not exist"),
    ],
)
def test_a_handler_that_is_not_there(project, handler, said):
    project.write("order.asl.json", CHARGE)
    project.write("functions/handler.py", HANDLER)
    project.write("functions/broken.py", "def\n")
    done = project.run("run", "order.asl.json", "--handler", handler)
    assert (done.exit_code, done.stdout) == (2, "")
    assert said in done.stderr


def test_a_wrong_table_of_handlers(project):
    project.write("pyproject.toml", "[tool.flowdsl.handlers]\ncharge = 5\n")
    done = project.run("run")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "pyproject.toml:1:1: error FD701 [tool.flowdsl] handlers must be a table of folders" in done.stderr


CHILD = {"StartAt": "Rest", "States": {"Rest": {"Type": "Wait", "Seconds": 60, "End": True}}}
PARENT = {
    "StartAt": "Start",
    "States": {
        "Start": {
            "Type": "Task",
            "Resource": "arn:aws:states:::states:startExecution.sync:2",
            "Parameters": {
                "StateMachineArn": "arn:aws:states:eu-west-1:123456789012:stateMachine:child",
                "Input": {"a": 1},
            },
            "OutputPath": "$.Output",
            "End": True,
        }
    },
}


def test_a_nested_machine(project):
    project.write("parent.json", PARENT)
    project.write("child.json", CHILD)
    done = project.run("run", "parent.json")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "use --nested FILE with the file of the state machine that it starts" in done.stderr
    done = project.run("run", "parent.json", "--nested", "child.json")
    assert outcome(done) == {"a": 1}
    assert "+0:01:00  Rest (child 1) waited 0:01:00" in done.stderr
    done = project.run("run", "parent.json", "--nested", "child.json", "--mock", 'Start={"Output": "mocked"}')
    assert outcome(done) == "mocked"
    project.write("child.json", {**CHILD, "StartAt": "Nowhere"})
    assert "child.json" in project.run("run", "parent.json", "--nested", "child.json").stderr


def test_child_executions_of_a_distributed_map_are_shown_on_one_clock(project):
    processor = {**CHILD, "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}}
    each = {"Type": "Map", "MaxConcurrency": 1, "Label": "Each", "ItemProcessor": processor, "End": True}
    project.write("map.json", {"StartAt": "Each", "States": {"Each": each}})
    done = project.run("run", "map.json", "--input", "[1, 2]")
    assert outcome(done) == [1, 2]
    waits = [line for line in done.stderr.splitlines() if "waited" in line]
    assert [line.split() for line in waits] == [
        ["+0:01:00", "Rest", "(Each", "1)", "waited", "0:01:00"],
        ["+0:02:00", "Rest", "(Each", "2)", "waited", "0:01:00"],
    ]
    assert "WaitStateEntered (Each 2)" in project.run("run", "map.json", "--input", "[1, 2]", "--events").stderr


def test_all_machines_of_a_file_are_checked_for_each_can_be_started(project):
    project.write(
        "two.py",
        "from flowdsl import Function, Pass, StateMachine, Task\n"
        'one = StateMachine("one", Pass("A"))\ntwo = StateMachine("two", Task("B", Function("nope", "nope")))\n',
    )
    done = project.run("run", "two.py", "--machine", "one")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "two.py:3:37: error FD601 function 'nope': folder nope does not exist" in done.stderr


def test_jitter_comes_from_the_seed(project):
    retry = {"ErrorEquals": ["Busy"], "IntervalSeconds": 100, "JitterStrategy": "FULL", "MaxAttempts": 1}
    charge = {**CHARGE["States"]["Charge"], "Retry": [retry]}
    project.write("order.json", {**CHARGE, "States": {"Charge": charge}})
    answers = {"0": {"Throw": {"Error": "Busy"}}, "1": {"Return": "paid"}}
    cases = {"order": {"TestCases": {"busy": {"Charge": "busy"}}}}
    project.write("mocks.json", {"StateMachines": cases, "MockedResponses": {"busy": answers}})

    def ended(*options: str) -> str:
        done = project.run("run", "order.json", "--mocks", "mocks.json", *options)
        return str(done.stderr.splitlines()[-1].partition(" of virtual time")[0])

    assert ended() == ended("--seed", "0") != ended("--seed", "1")


def test_the_type_of_the_machine(project):
    project.write("rest.json", CHILD)
    for options, part in (((), ":execution:"), (("--type", "express"), ":express:")):
        shown = outcome(project.run("run", "rest.json", "--format", "json", *options))
        assert part in shown["executionArn"]


def test_an_activity(project):
    work = {"Type": "Task", "Resource": "arn:aws:states:eu-west-1:123456789012:activity:pick", "End": True}
    project.write("work.json", {"StartAt": "Pick", "States": {"Pick": work}})
    done = project.run("run", "work.json")
    assert (done.exit_code, done.stdout) == (1, "")
    assert "Pick waits for a worker that never comes" in done.stderr
    assert "answer it with --callback Pick='{…}'" in done.stderr
    done = project.run("run", "work.json", "--callback", 'Pick={"picked": 3}', "--events")
    assert outcome(done) == {"picked": 3}
    assert "ActivityStarted" in done.stderr


def test_the_region_is_the_environments_where_the_project_has_none(project):
    project.write(
        "name.json", {"StartAt": "A", "States": {"A": {"Type": "Pass", "OutputPath": "$$.Execution.Id", "End": True}}}
    )
    done = project.run("run", "name.json", env={"AWS_DEFAULT_REGION": "eu-north-1", "AWS_REGION": ""})
    assert outcome(done).startswith("arn:aws:states:eu-north-1:")


CAUGHT = {
    "StartAt": "Charge",
    "States": {
        "Charge": {**CHARGE["States"]["Charge"], "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Done"}]},
        "Done": {"Type": "Succeed"},
    },
}


def test_functions_have_their_modules_for_themselves(project, tmp_path_factory):
    """As on Lambda, where each function's folder is the root of its code."""
    arn = "arn:aws:lambda:eu-west-1:123456789012:function:"
    branches = [
        {"StartAt": state, "States": {state: {"Type": "Task", "Resource": arn + name, "End": True}}}
        for state, name in (("First", "one"), ("Second", "two"), ("Third", "one"))
    ]
    parallel = {"Type": "Parallel", "Branches": branches, "End": True}
    project.write("both.json", {"StartAt": "Both", "States": {"Both": parallel}})
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    for folder, name in ((project.root / "email", "one"), (elsewhere / "v1.2", "two")):
        (folder / "shared").mkdir(parents=True)
        (folder / "handler.py").write_text(
            "import util\n"
            "def handler(event, context):\n"
            "    from shared.late import NAME\n"
            "    return [util.NAME, NAME]\n"
        )
        (folder / "util.py").write_text(f"NAME = {name!r}\n")
        (folder / "shared" / "late.py").write_text(f"NAME = 'late ' + {name!r}\n")
    done = project.run("run", "both.json", "--handler", "one=email", "--handler", f"two={elsewhere / 'v1.2'}")
    assert outcome(done) == [["one", "late one"], ["two", "late two"], ["one", "late one"]]
    assert not {"handler", "util", "shared"} & set(sys.modules)


def test_the_folder_of_a_function_may_be_the_projects_own(project):
    project.write("order.json", CHARGE)
    project.write("rates.py", "RATE = 2\n")
    project.write("handler.py", "import rates\ndef handler(event, context):\n    return event['amount'] * rates.RATE\n")
    before = {name: module for name, module in sys.modules.items() if name.startswith("flowdsl")}
    assert outcome(project.run("run", "order.json", *AMOUNT, "--handler", "charge=.")) == 10
    assert all(sys.modules[name] is module for name, module in before.items())


def test_a_handler_that_cannot_be_imported_is_no_error_that_a_flow_handles(project):
    project.write("order.json", CAUGHT)
    project.write("functions/charge/handler.py", "import nothing_of_this_name\n" + HANDLER)
    done = project.run("run", "order.json", "--handler", "charge=functions/charge")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "function 'charge': functions/charge/handler.py cannot be imported: ModuleNotFoundError" in done.stderr
    assert "(at functions/charge/handler.py:1)" in done.stderr


def test_handlers_know_the_region(project):
    project.write("order.json", CHARGE)
    project.write("pyproject.toml", '[tool.flowdsl]\nregion = "eu-west-1"\n')
    project.write("charge/handler.py", "import os\ndef handler(event, context):\n    return os.environ['AWS_REGION']\n")
    done = project.run("run", "order.json", "--handler", "charge=charge", env={"AWS_REGION": None})
    assert outcome(done) == "eu-west-1"


def test_a_machine_that_starts_itself_for_ever(project):
    start = {**PARENT["States"]["Start"], "Parameters": {"StateMachineArn": "arn:aws:states:::stateMachine:again"}}
    project.write("again.json", {"StartAt": "Start", "States": {"Start": start}})
    done = project.run("run", "again.json", "-q")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "error FD902 1,000 executions have started each other in a row; the last is one of 'again'" in done.stderr


def test_the_histories_of_child_executions(project):
    project.write("parent.json", PARENT)
    project.write("child.json", CHILD)
    done = project.run("run", "parent.json", "--nested", "child.json", "--events", "--format", "json")
    (child,) = outcome(done)["children"]
    assert [event["type"] for event in child["events"]][1] == "WaitStateEntered"


def test_where_the_time_was_up(project):
    project.write("rest.json", {**CHILD, "TimeoutSeconds": 50})
    done = project.run("run", "rest.json")
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr.splitlines()[-1].endswith(": timeout reached in Rest")


def test_a_child_that_nobody_waits_for_runs_to_its_end(project):
    start = {**PARENT["States"]["Start"], "Resource": "arn:aws:states:::states:startExecution", "OutputPath": None}
    project.write("parent.json", {**PARENT, "States": {"Start": start}})
    project.write("child.json", CHILD)
    done = project.run("run", "parent.json", "--nested", "child.json", "--events", "--format", "json")
    shown = outcome(done)
    assert [child["status"] for child in shown["children"]] == ["SUCCEEDED"]
    assert shown["children"][0]["stopDate"] > shown["stopDate"]


def test_a_nested_machine_of_another_name(project):
    project.write("parent.json", PARENT)
    project.write("other.json", CHILD)
    done = project.run("run", "parent.json", "--nested", "other.json")
    assert (done.exit_code, done.stdout) == (2, "")
    assert (
        "it starts arn:aws:states:eu-west-1:123456789012:stateMachine:child, but the files have only other"
        in done.stderr
    )


def test_a_handler_that_nothing_calls(project):
    project.write("order.json", CHARGE)
    project.write("fn/handler.py", HANDLER)
    for name, said in (("chrage", "did you mean 'charge'?"), ("bogus", "the Tasks call charge")):
        done = project.run("run", "order.json", "--handler", f"{name}=fn")
        assert (done.exit_code, done.stdout) == (2, "")
        assert f"--handler {name}=…: no Task calls function {name!r}; {said}" in done.stderr
