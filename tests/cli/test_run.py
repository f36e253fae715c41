"""`flowdsl run`."""

import json
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parent.parent.parent

TASK = {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "Parameters": {"FunctionName": "charge"}}
CALLBACK = {
    "StartAt": "Ask",
    "States": {
        "Ask": {
            "Type": "Task",
            "Resource": "arn:aws:states:::lambda:invoke.waitForTaskToken",
            "Parameters": {"FunctionName": "ask", "Payload": {"token.$": "$$.Task.Token"}},
            "TimeoutSeconds": 3600,
            "End": True,
        }
    },
}


def test_a_flow_runs_with_its_handlers(project):
    done = project.run("run", "hello.py", "--input", '{"name": "Ada"}')
    assert done.exit_code == 0
    assert json.loads(done.stdout) == {"name": "Ada", "greeting": {"text": "Hello Ada", "function": "greet"}}
    lines = done.stderr.splitlines()
    assert [line.split() for line in lines[:3]] == [
        ["+0:00:00", "Greet"],
        ["+0:00:00", "Rest"],
        ["+1:00:00", "Rest", "waited", "1:00:00"],
    ]
    assert lines[3].startswith("SUCCEEDED after 1:00:00")


@pytest.mark.parametrize("form", ["json", "yaml"])
def test_any_definition_runs(project, definition, form):
    project.write(f"order.asl.{form}", definition(Result={"a": 1}))
    done = project.run("run", f"order.asl.{form}", "--quiet")
    assert (done.exit_code, json.loads(done.stdout), done.stderr) == (0, {"a": 1}, "")


def test_input_comes_from_a_file_from_stdin_or_as_text(project, definition):
    project.write("pass.json", definition())
    project.write("input.json", {"a": 1})
    for given, stdin in (("input.json", None), ("-", '{"a": 1}'), ('{"a": 1}', None)):
        done = project.run("run", "pass.json", "--input", given, "-q", input=stdin)
        assert json.loads(done.stdout) == {"a": 1}
    for given in ("3", "null", "true", '"text"', "[1]"):
        assert json.loads(project.run("run", "pass.json", "-q", "--input", given).stdout) == json.loads(given)
    assert json.loads(project.run("run", "pass.json", "-q").stdout) == {}


def test_a_failed_execution_exits_1_and_prints_no_output(project, definition):
    project.write("fail.json", {"StartAt": "A", "States": {"A": {"Type": "Fail", "Error": "Nope", "Cause": "because"}}})
    done = project.run("run", "fail.json")
    assert (done.exit_code, done.stdout) == (1, "")
    assert project.run("run", "fail.json", "--quiet").stderr.startswith("FAILED")
    assert done.stderr.splitlines()[-1].startswith("FAILED after 0:00:00")
    assert done.stderr.splitlines()[-1].endswith(": Nope: because")


def test_a_timed_out_execution_exits_1(project):
    wait = {"StartAt": "A", "TimeoutSeconds": 60, "States": {"A": {"Type": "Wait", "Seconds": 3600, "End": True}}}
    project.write("slow.json", wait)
    done = project.run("run", "slow.json", "--format", "json")
    assert (done.exit_code, json.loads(done.stdout)["status"]) == (1, "TIMED_OUT")


def test_a_handlers_error_is_shown_and_retried(project):
    project.write("handlers/greet/handler.py", "def handler(event, context):\n    raise KeyError('no name')\n")
    project.write(
        "hello.py",
        """\
from flowdsl import Function, StateMachine, Task, retry
machine = StateMachine("hello", Task("Greet", Function("greet", "handlers/greet"),
    retry=[retry("KeyError", interval=5, max_attempts=1)]))
""",
    )
    done = project.run("run", "hello.py")
    assert done.exit_code == 1
    assert [line.split(maxsplit=1)[1] for line in done.stderr.splitlines()[:4]] == [
        "Greet",
        "Greet failed: KeyError: 'no name' (at handlers/greet/handler.py:2)",
        "Greet retries (attempt 2)",
        "Greet failed: KeyError: 'no name' (at handlers/greet/handler.py:2)",
    ]


def test_a_handler_runs_with_its_functions_environment(project):
    project.write(
        "handlers/greet/handler.py", "import os\ndef handler(event, context):\n    return os.environ['MOOD']\n"
    )
    project.write(
        "hello.py",
        """\
from flowdsl import Function, StateMachine, Task
machine = StateMachine("hello", Task("Greet", Function("greet", "handlers/greet", environment={"MOOD": "good"})))
""",
    )
    assert json.loads(project.run("run", "hello.py", "-q").stdout) == "good"
    assert json.loads(project.run("run", "hello.py", "-q", env={"MOOD": "other"}).stdout) == "other"


def test_what_a_handler_prints_is_not_the_result(project):
    project.write("handlers/greet/handler.py", "def handler(event, context):\n    print('working')\n    return 1\n")
    done = project.run("run", "hello.py", "-q", "--logs")
    assert (json.loads(done.stdout), done.stderr) == ({"greeting": 1}, "working\n")
    done = project.run("run", "hello.py")
    assert (json.loads(done.stdout), "working" in done.stderr) == ({"greeting": 1}, False)


CHATTY = """\
import logging, sys
log = logging.StreamHandler()  # holds on to what stderr is now

def price(n):
    return 10 / n

def handler(event, context):
    print("n is", event["n"])
    sys.stdout.buffer.write(b"raw \\xff\\n")
    log.emit(logging.makeLogRecord({"msg": "to the log"}))
    return price(event["n"])
"""
PRICES = """\
from flowdsl import Function, Map, Pass, StateMachine, Task, catch, chain, state_input
price = Task("Price", Function("greet", "handlers/greet"))
each = Map("Each", items=state_input.prices, processor=price, catch=[catch("States.ALL")])
machine = StateMachine("hello", chain(each, Pass("Done")))
"""


def test_what_a_failing_handler_wrote_is_shown_with_the_place_and_the_item(project):
    project.write("handlers/greet/handler.py", CHATTY)
    project.write("hello.py", PRICES)
    done = project.run("run", "hello.py", "--input", '{"prices": [{"n": 1}, {"n": 0}, {"n": 2}]}')
    assert done.exit_code == 0
    assert [re.sub(r"^ *\+0:00:00  ", "", line).strip() for line in done.stderr.splitlines()[:-1]] == [
        "Each",
        "Price (item 0)",
        "Price (item 1)",
        "Price (item 2)",
        "| n is 0",
        "| raw \ufffd",
        "| to the log",
        "Price (item 1) failed: ZeroDivisionError: division by zero (at handlers/greet/handler.py:5)",
        "Done",
    ]
    events = project.run("run", "hello.py", "--events", "--input", '{"prices": [{"n": 0}]}').stderr.splitlines()
    assert next(line.split()[1:] for line in events if line.strip().startswith("|")) == ["n", "is", "0"]
    failed = project.run("run", "hello.py", "-q", "--input", '{"prices": [{"n": 0}]}')
    assert failed.stderr == ""


def test_days_keep_the_column(project):
    project.write("days.json", {"StartAt": "A", "States": {"A": {"Type": "Wait", "Seconds": 90061, "End": True}}})
    lines = project.run("run", "days.json").stderr.splitlines()
    assert lines[:2] == ["    +0:00:00  A", " +1d 1:01:01  A waited 1d 1:01:01"]
    assert lines[2].startswith("SUCCEEDED after 1d 1:01:01 ")


def test_what_nothing_answers_is_a_mistake_of_the_command(project):
    project.write("task.json", {"StartAt": "Charge", "States": {"Charge": {**TASK, "End": True}}})
    done = project.run("run", "task.json")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "task.json:1:34: error FD001 state 'Charge' calls function 'charge', which has no answer here" in done.stderr
    assert """use --mock Charge='{"Payload": …}'""" in done.stderr
    done = project.run("run", "task.json", "--mock", 'Charge={"Payload": 5}')
    assert (done.exit_code, json.loads(done.stdout)) == (0, {"Payload": 5})


EACH = {
    "Type": "Map",
    "ItemReader": {
        "Resource": "arn:aws:states:::s3:getObject",
        "ReaderConfig": {"InputType": "CSV", "CSVHeaderLocation": "FIRST_ROW"},
        "Parameters": {"Bucket": "donations", "Key": "all.csv"},
    },
    "ItemProcessor": {
        "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
        "StartAt": "Keep",
        "States": {"Keep": {"Type": "Pass", "End": True}},
    },
    "End": True,
}


def test_a_folder_in_place_of_a_bucket(project):
    project.write("each.json", {"StartAt": "Each", "States": {"Each": EACH}})
    done = project.run("run", "each.json")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "use --bucket donations=FOLDER" in done.stderr
    project.write("data/all.csv", "id\n7\n")
    done = project.run("run", "each.json", "--bucket", "donations=data")
    assert (done.exit_code, json.loads(done.stdout)) == (0, [{"id": "7"}])
    for wrong, said in (("donations", "write BUCKET=FOLDER"), ("donations=nowhere", "nowhere is not a folder")):
        done = project.run("run", "each.json", "--bucket", wrong)
        assert (done.exit_code, done.stdout, said in done.stderr) == (2, "", True)


def test_a_function_that_is_not_the_flows_is_told_with_those_that_are(project):
    project.write(
        "hello.py",
        """\
from flowdsl import Function, StateMachine, Task, dynamic, state_input
greet = Task("Say it", dynamic(state_input.who, allowed=[Function("greet", "handlers/greet")]))
machine = StateMachine("hello", greet)
""",
    )
    done = project.run("run", "hello.py", "--input", '{"who": "gret"}')
    assert (done.exit_code, done.stdout) == (2, "")
    assert "hello.py:2:9: error FD001 state 'Say it' calls function 'gret'" in done.stderr
    assert "did you mean 'greet'?; dynamic(..., allowed=[...]) calls only functions that it allows" in done.stderr
    assert """use --mock 'Say it'='{"Payload": …}'""" in done.stderr
    project.write("ask.json", CALLBACK)
    assert "use --callback Ask='…'" in project.run("run", "ask.json").stderr


def test_ctrl_c_in_a_handler_shows_what_it_wrote(project):
    project.write(
        "handlers/greet/handler.py",
        "import time\ndef handler(event, context):\n"
        "    print('stuck')\n    open('there', 'w').close()\n    time.sleep(60)\n",
    )
    process = project.start("run", "hello.py", "-q")
    while not (project.root / "there").exists() and process.poll() is None:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=120)
    assert (process.returncode, out, err.strip()) == (130, "", "stuck")


def test_a_mock_config_file_answers(project):
    project.write("task.json", {"StartAt": "Charge", "States": {"Charge": {**TASK, "End": True}}})
    cases = {"Good": {"Charge": "Paid"}, "Bad": {"Charge": "Broken"}}
    responses = {"Paid": {"0": {"Return": "paid"}}, "Broken": {"0": {"Throw": {"Error": "PspDown", "Cause": "off"}}}}
    config = {"StateMachines": {"task": {"TestCases": cases}}, "MockedResponses": responses}
    project.write("mocks.json", config)
    done = project.run("run", "task.json", "--mocks", "mocks.json", "--case", "Good")
    assert json.loads(done.stdout) == "paid"
    done = project.run("run", "task.json", "--mocks", "mocks.json", "--case", "Bad")
    assert (done.exit_code, "PspDown: off" in done.stderr) == (1, True)
    done = project.run("run", "task.json", "--mocks", "mocks.json")
    assert (done.exit_code, "Good, Bad" in done.stderr) == (2, True)


def test_a_callback_is_answered_or_times_out(project):
    project.write("ask.json", CALLBACK)
    arguments = ("run", "ask.json", "--mock", "Ask={}")
    done = project.run(*arguments, "--callback", 'Ask={"status": "returned"}')
    assert (done.exit_code, json.loads(done.stdout)) == (0, {"status": "returned"})
    done = project.run(*arguments)
    assert done.exit_code == 1
    assert "+1:00:00  Ask timed out: States.Timeout" in done.stderr
    hint = "answer it with --callback Ask='{…}'; --mock Ask=… only answers its call"
    assert done.stderr.splitlines()[-2:] == ["Ask waits for a callback that never comes", f"      = {hint}"]
    assert project.run(*arguments, "--quiet").stderr.splitlines()[-1] == f"      = {hint}"
    assert hint in project.run(*arguments, "--events").stderr
    for name, mocked in (("caught", {"Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Done"}]}), ("failed", {})):
        states = {"Ask": {**CALLBACK["States"]["Ask"], **mocked}, **({"Done": {"Type": "Succeed"}} if mocked else {})}
        project.write(f"{name}.json", {**CALLBACK, "States": states})
        assert hint in project.run("run", f"{name}.json", "--mock", "Ask={}").stderr
    assert "callback that" not in project.run(*arguments, "--callback", "Ask={}").stderr


def test_a_task_that_waits_for_ever_says_how_it_is_answered(project):
    ask = {key: value for key, value in CALLBACK["States"]["Ask"].items() if key != "TimeoutSeconds"}
    project.write("ask.json", {**CALLBACK, "States": {"Ask": ask}})
    done = project.run("run", "ask.json", "--mock", "Ask={}")
    assert done.exit_code == 1
    said = done.stderr.splitlines()
    assert said[-3] == "RUNNING: the execution waits for something that nothing will send"
    assert said[-2:] == [
        "Ask waits for a callback that never comes",
        "      = answer it with --callback Ask='{…}'; --mock Ask=… only answers its call",
    ]


def _jsonata(**states):
    return {"QueryLanguage": "JSONata", "StartAt": next(iter(states)), "States": states}


def _inside(state):
    return {"ItemProcessor": {"StartAt": "In", "States": {"In": state}}, "Type": "Map", "End": True}


_PATH = {"Type": "Pass", "InputPath": "$.nope", "End": True}
_RUNTIME = "States.Runtime: An error occurred while executing the state"


@pytest.mark.parametrize(
    ("machine", "said"),
    [
        (_jsonata(First={"Type": "Pass", "Output": "{% 1 + 'a' %}", "End": True}), "First failed: States.Query"),
        (
            _jsonata(
                First={"Type": "Pass", "Next": "Fork"},
                Fork={"Type": "Choice", "Choices": [{"Condition": "{% $states.input.x %}", "Next": "End"}]},
                End={"Type": "Succeed"},
            ),
            "Fork failed: States.Query",
        ),
        (
            _jsonata(Each={**_inside({"Type": "Pass", "Output": "{% 1 + 'a' %}", "End": True}), "Items": [1]}),
            "In (item 0) failed: States.Query",
        ),
        (
            {"StartAt": "Before", "States": {"Before": {"Type": "Pass", "Next": "First"}, "First": _PATH}},
            f"First failed: {_RUNTIME} 'First'",
        ),
        (
            {"StartAt": "Each", "States": {"Each": {**_inside(_PATH), "ItemsPath": "$.items"}}},
            f"In (item 0) failed: {_RUNTIME} 'In'",
        ),
        (
            {
                "StartAt": "Both",
                "States": {
                    "Both": {
                        "Type": "Parallel",
                        "Branches": [{"StartAt": "In", "States": {"In": {"Type": "Pass", "End": True}}}],
                        "ResultSelector": {"a.$": "$[0].nope"},
                        "End": True,
                    }
                },
            },
            f"Both failed: {_RUNTIME} 'Both'",
        ),
    ],
    ids=["arguments", "condition", "map", "path", "path-in-map", "after-branches"],
)
def test_a_failure_is_told_once_with_its_own_state(project, machine, said):
    project.write("fail.json", machine)
    done = project.run("run", "fail.json", "--input", '{"items": [{}]}')
    assert done.exit_code == 1, done.stderr
    failed = [line.split(maxsplit=1)[1].strip() for line in done.stderr.splitlines() if " failed: " in line]
    assert [line[: len(said)] for line in failed] == [said]


LONG = f"{'the bank did not answer, ' * 20}so nobody knows"


@pytest.mark.parametrize("options", [[], ["--events"], ["-q"], ["--format", "json"]], ids=" ".join)
@pytest.mark.parametrize("state", ["Task", "Fail"])
def test_a_long_cause_is_printed_once(project, state, options):
    handler = f"TEXT = {LONG!r}\n\n\ndef handler(event, context):\n    raise ValueError(TEXT)\n"
    project.write("handlers/greet/handler.py", handler)
    project.write("Fail.json", {"StartAt": "A", "States": {"A": {"Type": "Fail", "Error": "Bank", "Cause": LONG}}})
    flow = (project.root / "hello.py").read_text().replace("import ", "import retry, ")
    project.write("Task.py", flow.replace('into="greeting"', 'retry=retry("ValueError", max_attempts=2)'))
    done = project.run("run", {"Task": "Task.py", "Fail": "Fail.json"}[state], *options)
    assert done.exit_code == 1, done.stderr
    assert done.stderr.count(LONG) == 1
    assert done.stdout.count(LONG) == (options == ["--format", "json"])
    assert ": the bank did not answer" in done.stderr.splitlines()[-1]


def test_the_input_comes_from_a_command(project):
    """`<(…)` is a pipe with a name."""
    command = f'{shlex.quote(sys.executable)} -m flowdsl run hello.py -q --input <(echo \'{{"name": "Ada"}}\')'
    run = ["bash", "-c", command]
    done = subprocess.run(run, cwd=project.root, env=project.environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["greeting"]["text"] == "Hello Ada"


def test_events_are_shown_as_they_happen(project, definition):
    project.write("pass.json", definition())
    done = project.run("run", "pass.json", "--events")
    assert json.loads(done.stdout) == {}
    assert [line.split()[4] for line in done.stderr.splitlines()[:-1]] == [
        *("ExecutionStarted", "PassStateEntered", "PassStateExited", "ExecutionSucceeded")
    ]


def test_the_flow_of_pyproject_runs_where_none_is_named(project):
    done = project.run("run", "--input", '{"name": "Ada"}', "-q")
    assert json.loads(done.stdout)["greeting"]["text"] == "Hello Ada"
    project.write("pyproject.toml", "")
    done = project.run("run")
    assert (done.exit_code, "FD702" in done.stderr, "[tool.flowdsl] flow =" in done.stderr) == (2, True, True)


def test_a_mock_named_after_a_function_is_told_which_states_call_it(project):
    project.write(
        "hello.py",
        """\
from flowdsl import Function, StateMachine, Task, chain
greet = Function("greet", "handlers/greet")
machine = StateMachine("hello", chain(Task("First", greet), Task("Second", greet)))
""",
    )
    done = project.run("run", "hello.py", "--mock", "greet=1")
    assert done.exit_code == 2
    said = "there is no state 'greet'; First and Second call function 'greet': use the state's name"
    assert said in " ".join(done.stderr.split())
    project.write("task.json", {"StartAt": "Charge", "States": {"Charge": {**TASK, "End": True}}})
    done = project.run("run", "task.json", "--mock", "charge=1")
    assert "Charge calls function 'charge': use the state's name" in " ".join(done.stderr.split())


@pytest.mark.parametrize(
    ("code", "said"), [("def handler(event, context:\n", "FD602"), ("def other(event, context): ...\n", "FD605")]
)
def test_a_broken_handler_is_told_before_anything_runs(project, code, said):
    project.write("handlers/greet/handler.py", code)
    done = project.run("run", "hello.py", "--input", '{"name": "Ada"}')
    assert (done.exit_code, done.stdout, "+0:00:00" in done.stderr) == (2, "", False)
    assert said in done.stderr
    assert done.stderr.strip() == project.run("check", "hello.py").stdout.strip()


def test_json_tells_all(project, definition):
    project.write("pass.json", definition())
    done = project.run("run", "pass.json", "--input", '{"a": 1}', "--name", "first", "--format", "json", "--events")
    told = json.loads(done.stdout)
    assert (told["status"], told["name"], told["input"], told["output"]) == ("SUCCEEDED", "first", {"a": 1}, {"a": 1})
    assert [event["type"] for event in told["events"]][-1] == "ExecutionSucceeded"
    assert told["events"][0]["executionStartedEventDetails"]["input"] == '{"a":1}'


def test_real_time_takes_its_time(project):
    project.write("wait.json", {"StartAt": "A", "States": {"A": {"Type": "Wait", "Seconds": 1, "End": True}}})
    done = project.run("run", "wait.json", "--real-time", "--format", "json")
    assert done.exit_code == 0
    assert "+0:00:01" in done.stderr


def test_one_machine_of_several_is_named(project):
    project.write(
        "two.py",
        """\
from flowdsl import Pass, StateMachine
a = StateMachine("a", Pass("A", result=1))
b = StateMachine("b", Pass("B", result=2))
""",
    )
    assert json.loads(project.run("run", "two.py", "--machine", "b", "-q").stdout) == 2
    done = project.run("run", "two.py")
    assert (done.exit_code, "choose one with --machine: a, b" in done.stderr) == (2, True)


def test_ctrl_c_ends_quietly(project):
    project.write("wait.json", {"StartAt": "A", "States": {"A": {"Type": "Wait", "Seconds": 60, "End": True}}})
    process = project.start("run", "wait.json", "--real-time")
    assert "A" in process.stderr.readline()
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=120)
    assert (process.returncode, out, err.strip()) == (130, "", "")


def test_a_closed_pipe_ends_quietly(project, definition):
    project.write("big.json", definition(Result=["x" * 60] * 3000))
    process = project.start("run", "big.json", "--quiet")
    process.stdout.close()
    with process.stderr as stderr:
        assert (stderr.read(), process.wait(timeout=120)) == ("", 141)


def test_colours_are_for_terminals(project):
    done = project.run("run", "hello.py", "--input", '{"name": "Ada"}')
    assert "\x1b[" not in done.output


def test_the_payment_flow_runs(project):
    # In a process of its own: its handlers are those of other tests here, which must not be imported twice.
    arguments = ("run", str(ROOT / "payment_flow.py"), "--input", str(ROOT / "examples" / "donation.json"))
    process = project.start(*arguments, PAYMENTS_DATA=str(project.root / "data"))
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert json.loads(out)["payment"]["status"] == "paid"
    assert "WaitForPsp waited 0:05:00" in err


def test_a_run_is_drawn(project, definition):
    project.write("hello.asl.json", json.dumps(definition()))
    done = project.run("run", "hello.asl.json", "--picture", "out/run.svg")
    assert (done.exit_code, done.stdout) == (0, "{}\n")
    assert 'class="state Pass reached marked" data-state="/States/A"' in Path("out/run.svg").read_text()


def test_a_failed_run_is_drawn_too(project):
    project.write("fail.asl.json", '{"StartAt": "F", "States": {"F": {"Type": "Fail", "Error": "Oh", "Cause": "no"}}}')
    done = project.run("run", "fail.asl.json", "--picture", "run.html")
    assert done.exit_code == 1
    text = Path("run.html").read_text()
    assert 'class="state Fail failed marked"' in text
    assert "failed after 0 s: Oh: no" in text


def test_a_picture_of_no_known_format_is_refused_before_the_run(project, definition):
    project.write("hello.asl.json", json.dumps(definition()))
    done = project.run("run", "hello.asl.json", "--picture", "run.bmp")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "FD971 cannot tell the format of run.bmp" in done.stderr


def test_a_history_file_is_drawn(project, definition):
    project.write("hello.asl.json", json.dumps(definition()))
    done = project.run("run", "hello.asl.json", "--events", "--format", "json")
    project.write("history.json", done.stdout)
    done = project.run("graph", "hello.asl.json", "--history", "history.json")
    assert done.exit_code == 0
    assert 'class="state Pass reached marked" data-state="/States/A"' in done.stdout
    assert '<g class="timeline">' in done.stdout
    project.write("other.json", '{"events": [{"type": "x"}]}')
    done = project.run("graph", "hello.asl.json", "--history", "other.json")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "other.json is not the history of an execution" in done.stderr


def test_failures_that_repeat_are_counted(project):
    """Not those with another error, and the attempt that succeeds is printed."""
    retried = {"ErrorEquals": ["States.ALL"], "MaxAttempts": 99, "BackoffRate": 1}
    states = {"A": {"Type": "Task", "Resource": "arn:aws:lambda:eu-west-1:123456789012:function:f", "End": True}}
    states["A"]["Retry"] = [retried]
    project.write("a.asl.json", {"StartAt": "A", "States": states})

    done = project.run("run", "a.asl.json", "--fail", "A=Down*50", "--mock", "A=7")
    assert (done.exit_code, json.loads(done.stdout)) == (0, 7)
    lines = [line for line in done.stderr.splitlines() if "  A " in line]
    assert [line.partition("A ")[2] for line in lines[-3:]] == [
        "failed: Down: Down, as --fail says",
        "failed 46 more times in the same way",
        "retries (attempt 51)",
    ]
    assert len(lines) == 4 + 3 + 2

    done = project.run("run", "a.asl.json", "--fail", "A=Down")
    assert done.exit_code == 1
    assert "A failed 96 more times in the same way" in done.stderr


def test_calls_that_fail(project):
    retried = {"ErrorEquals": ["WarehouseDown"], "MaxAttempts": 3}
    caught = {"ErrorEquals": ["States.Timeout"], "Next": "Late"}
    task = {"Type": "Task", "Resource": "arn:aws:lambda:eu-west-1:123456789012:function:f", "End": True}
    states = {"A": {**task, "Retry": [retried], "Catch": [caught]}, "Late": {"Type": "Pass", "End": True}}
    project.write("a.asl.json", {"StartAt": "A", "States": states})
    done = project.run("run", "a.asl.json", "--fail", "A=WarehouseDown*2", "--mock", "A=7")
    assert (done.exit_code, json.loads(done.stdout)) == (0, 7)
    assert "A retries (attempt 3)" in done.stderr
    done = project.run("run", "a.asl.json", "--fail", "A=WarehouseDown")
    assert done.exit_code == 1
    assert "WarehouseDown, as --fail says" in done.stderr
    done = project.run("run", "a.asl.json", "--fail", "A=States.Timeout")
    assert (done.exit_code, json.loads(done.stdout)["Error"]) == (0, "States.Timeout")


@pytest.mark.parametrize("value", ["A", "A=", "A=*2", "A=E*", "A=E*0", "A=E*x", "B=E", "Late=E"])
def test_failures_that_cannot_be(project, value):
    task = {"Type": "Task", "Resource": "arn:aws:lambda:eu-west-1:123456789012:function:f", "Next": "Late"}
    project.write("a.asl.json", {"StartAt": "A", "States": {"A": task, "Late": {"Type": "Pass", "End": True}}})
    done = project.run("run", "a.asl.json", "--fail", value)
    assert done.exit_code == 2
    assert "--fail" in done.stderr
