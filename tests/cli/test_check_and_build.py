"""`flowdsl check` and `flowdsl build`."""

import json
import os
import re
import stat
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest

TOOLS = os.environ.get("FLOWDSL_TOOLS") and Path(os.environ["FLOWDSL_TOOLS"])

WRONG = """\
from flowdsl import Choice, Pass, StateMachine, Wait, chain, goto, state_input, when

machine = StateMachine(
    "wrong",
    chain(
        Wait("Rest", seconds=-5),
        Pass("Hello", nonsense=1),
        Choice("Which", when(state_input.x == 1, goto("Nowhere"))),
    ),
)
"""


def test_a_good_flow(project):
    done = project.run("check")
    assert (done.exit_code, done.stdout, done.stderr) == (0, "", "hello: no mistakes found\n")


def test_all_mistakes_come_in_one_run_in_their_order(project):
    project.write("wrong.py", WRONG)
    done = project.run("check", "wrong.py", "missing.py", "hello.py")
    assert done.exit_code == 2
    places = re.findall(r"^wrong\.py:(\d+):(\d+): error FD", done.stdout, re.MULTILINE)
    assert places == [("6", "30"), ("7", "32"), ("8", "50")]
    assert "missing.py does not exist" in done.stdout
    assert "^^" in done.stdout
    assert done.stderr == "4 errors\n"


def test_json_for_programs(project):
    project.write("wrong.py", WRONG)
    done = project.run("check", "wrong.py", "--format", "json")
    found = json.loads(done.stdout)
    assert [(each["file"], each["line"], each["column"]) for each in found[:1]] == [("wrong.py", 6, 30)]
    assert done.stderr == ""
    assert json.loads(project.run("check", "hello.py", "--format", "json").stdout) == []


def test_annotations_for_github(project):
    project.write("wrong.py", WRONG)
    lines = project.run("check", "wrong.py", "--format", "github").stdout.splitlines()
    assert len(lines) == 3
    assert lines[0].startswith("::error title=FD")
    assert "file=wrong.py,line=6,col=30,endLine=6,endColumn=32::" in lines[0]


def test_the_answer_of_aws(project, definition):
    project.write("wrong.json", definition(Next="B"))
    answer = json.loads(project.run("check", "wrong.json", "--format", "aws").stdout)
    assert answer["result"] == "FAIL"
    assert {each["severity"] for each in answer["diagnostics"]} == {"ERROR"}
    answer = json.loads(project.run("check", "hello.py", "--format", "aws").stdout)
    assert answer == {"result": "OK", "diagnostics": [], "truncated": False}


@pytest.mark.parametrize("form", ["json", "yaml"])
def test_places_in_definitions(project, definition, form):
    text = '{"StartAt": "A",\n "States": {\n  "A": {"Type": "Wait",\n   "Seconds": "soon",\n   "End": true}}}\n'
    project.write(f"wait.{form}", text)
    done = project.run("check", f"wait.{form}")
    assert done.exit_code == 2
    assert f"wait.{form}:4:15: error" in done.stdout


def test_a_key_that_is_there_twice(project):
    project.write("twice.json", '{"StartAt": "A",\n "States": {"A": {"Type": "Succeed",\n  "Type": "Succeed"}}}')
    assert "twice.json:3:3: warning" in project.run("check", "twice.json").stdout


def test_the_type_of_machine_counts(project):
    express = {
        "StartAt": "A",
        "States": {
            "A": {
                "Type": "Task",
                "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
                "Parameters": {"QueueUrl": "q", "MessageBody": {"t.$": "$$.Task.Token"}},
                "End": True,
            }
        },
    }
    project.write("task.json", express)
    assert project.run("check", "task.json").exit_code == 0
    assert project.run("check", "task.json", "--type", "express").exit_code == 2


def test_build_writes_the_definition(project):
    done = project.run("build", "--asl-only")
    assert (done.exit_code, done.stdout) == (0, "build/hello.asl.json\nbuild/manifest.json\n")
    written = (project.root / "build" / "hello.asl.json").read_bytes()
    assert json.loads(written)["States"]["Greet"]["ResultPath"] == "$.greeting"
    project.run("build", "hello.py", "--asl-only", "--output", "other")
    assert (project.root / "other" / "hello.asl.json").read_bytes() == written


def test_build_of_a_definition_is_canonical(project, definition):
    project.write("order.asl.yaml", "StartAt: A\nStates:\n  A: {Type: Succeed}\n")
    assert project.run("build", "order.asl.yaml").exit_code == 0
    text = (project.root / "build" / "order.asl.json").read_text()
    assert text == '{\n  "StartAt": "A",\n  "States": {\n    "A": {\n      "Type": "Succeed"\n    }\n  }\n}\n'


def test_build_refuses_mistakes_and_leaves_the_earlier_build(project):
    project.run("build", "--asl-only")
    before = (project.root / "build" / "hello.asl.json").read_bytes()
    project.write("hello.py", WRONG)
    done = project.run("build", "--asl-only")
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.count(": error FD") == 3
    assert (project.root / "build" / "hello.asl.json").read_bytes() == before


def test_build_packages_functions(project):
    done = project.run("build")
    assert done.exit_code == 0, done.output
    assert done.stdout.split() == ["build/hello.asl.json", "build/greet.zip", "build/manifest.json"]
    assert "greet: packaged" in done.stderr
    assert "greet: unchanged" in project.run("build").stderr


@pytest.mark.parametrize("options", [[], ["--asl-only"]], ids=["whole", "asl-only"])
def test_build_leaves_nothing_outside_its_folder(project, options):
    before = {*project.root.rglob("*")}
    assert project.run("build", "--output", "deep/out", *options).exit_code == 0
    after = {each for each in project.root.rglob("*") if "__pycache__" not in each.parts}
    assert {each.relative_to(project.root).parts[0] for each in after - before} == {"deep"}
    assert [each.name for each in (project.root / "deep").iterdir()] == ["out"]


def test_two_machines_of_one_name(project):
    project.write(
        "two.py",
        """\
from flowdsl import Pass, StateMachine
a = StateMachine("same", Pass("A"))
b = StateMachine("same", Pass("B"))
""",
    )
    said = "two.py:3:5: error FD707 two state machines are named 'same'"
    done = project.run("build", "two.py", "--asl-only")
    assert (done.exit_code, done.stdout) == (2, "")
    assert said in done.stderr
    done = project.run("check", "two.py")
    assert (done.exit_code, said in done.stdout) == (2, True)


FUNCTIONS = """\
from flowdsl import Function, StateMachine, Task, Wait, chain

gone = Task("Gone", Function("gone", "handlers/gone"))
typo = Task("Typo", Function("typo", "handlers/typo"))
broken = Task("Broken", Function("broken", "handlers/broken"))
bare = Task("Bare", Function("bare", "handlers/bare"))
machine = StateMachine("hello", chain(gone, typo, broken, bare, Wait("Rest", seconds=-5)))
"""


@pytest.mark.parametrize("command", ["check", "build"])
def test_functions_are_looked_at_with_everything_else(project, command):
    project.write("hello.py", FUNCTIONS)
    project.write("handlers/typo/handler.py", "def handlr(event, context): ...\n")
    project.write("handlers/broken/handler.py", "def handler(event, context:\n")
    project.write("handlers/bare/handler.py", "import stripe\ndef handler(event, context): ...\n")
    done = project.run(command)
    said = done.stdout if command == "check" else done.stderr
    assert done.exit_code == 2
    assert re.findall(r"^(\S+?):(\d+):\d+: error (FD\d+) ", said, re.MULTILINE) == [
        ("handlers/bare/handler.py", "1", "FD604"),
        ("handlers/broken/handler.py", "1", "FD602"),
        ("hello.py", "3", "FD601"),
        ("hello.py", "4", "FD605"),
        ("hello.py", "7", "FD103"),
    ]
    assert "add it to handlers/bare/requirements.txt" in said
    assert not (project.root / "build").exists()


def test_functions_do_not_keep_definitions_from_being_built(project):
    (project.root / "handlers/greet/handler.py").unlink()
    assert project.run("build", "--asl-only").exit_code == 0
    assert project.run("build").exit_code == 2


def test_what_states_share_is_said_once(project):
    project.write(
        "shared.py",
        """\
from flowdsl import Pass, StateMachine, Task, chain, retry
wrong = retry("SQS.RequestThrottled", interval=0)
tasks = [Task(name, "arn:aws:states:::sqs:sendMessage", arguments={}, retry=[wrong]) for name in "ABC"]
machine = StateMachine("shared", chain(*tasks), query_language="JSONata")
""",
    )
    done = project.run("check", "shared.py")
    lines = [line for line in done.stdout.splitlines() if line.startswith("shared.py:2:")]
    assert len(lines) == 1
    assert lines[0].endswith("(and 2 more)")
    found = json.loads(project.run("check", "shared.py", "--format", "json").stdout)
    assert len([each for each in found if each["line"] == 2]) == 3
    assert project.run("build", "shared.py", "--asl-only").stderr.count("shared.py:2:") == 1


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written(project):
    project.root.chmod(stat.S_IRUSR | stat.S_IXUSR)
    done = project.run("build", "--asl-only")
    project.root.chmod(stat.S_IRWXU)
    assert (done.exit_code, done.stdout) == (2, "")


def test_output_that_is_a_file(project):
    project.write("taken", "precious")
    done = project.run("build", "--asl-only", "--output", "taken")
    assert (done.exit_code, done.stdout) == (2, "")
    assert (project.root / "taken").read_text() == "precious"


def test_a_folder_is_searched_for_flows_without_running_other_files(project, definition):
    project.write("flows/one.asl.json", definition(Next="B"))
    project.write("flows/deep/two.py", WRONG)
    project.write("flows/data.json", {"not": "a flow"})
    project.write("flows/test_two.py", "raise SystemExit('a test was run')\n")
    project.write("flows/helpers.py", "from flowdsl import StateMachine\nraise SystemExit('a module was run')\n")
    project.write("flows/.venv/lib/three.asl.json", definition(Next="B"))
    project.write("flows/build/four.asl.json", definition(Next="B"))
    project.write("flows/tests/__snapshots__/five.asl.json", definition(Next="B"))
    done = project.run("check", "flows", "--format", "json")
    assert done.exit_code == 2
    assert {each["file"] for each in json.loads(done.stdout)} == {"flows/deep/two.py", "flows/one.asl.json"}


def test_a_folder_without_flows_is_a_mistake(project):
    project.write("empty/notes.txt", "nothing")
    done = project.run("check", "empty", "hello.py")
    assert done.exit_code == 2
    assert "FD702 folder empty has no flows" in done.stdout


@pytest.mark.parametrize("write", [json.dumps, lambda value: "StartAt: A\nStates:\n  A: {Type: Pass, Next: B}\n"])
def test_a_definition_on_stdin(project, definition, write):
    done = project.run("check", "-", input=write(definition(Next="B")))
    assert done.exit_code == 2
    assert "no state named 'B'" in done.stdout
    assert done.stdout.startswith("stdin:")


def test_python_on_stdin(project):
    done = project.run("check", "-", input=WRONG)
    assert done.exit_code == 2
    assert "FD702 stdin has Python" in done.stdout


def test_nothing_on_stdin(project):
    done = project.run("check", "-", input="")
    assert done.exit_code == 2
    assert "FD704" in done.stdout


def test_strict_counts_warnings(project, definition):
    project.write("warned.asl.json", definition(Parameters={"a": "$.b"}))
    assert project.run("check", "warned.asl.json").exit_code == 0
    assert project.run("check", "warned.asl.json", "--strict").exit_code == 2
    assert project.run("check", "hello.py", "--strict").exit_code == 0
    assert project.run("build", "warned.asl.json", "--asl-only").exit_code == 0
    done = project.run("build", "warned.asl.json", "--asl-only", "--strict", "--output", "other")
    assert done.exit_code == 2
    assert not (project.root / "other").exists()


def test_what_is_too_long_is_refused_before_it_is_read(project):
    project.write("long.asl.json", "[" * 9_000_000)
    done = project.run("check", "long.asl.json")
    assert done.exit_code == 2
    assert "FD702 long.asl.json has more than 8,388,608 characters" in done.stdout
    assert "FD711 long.asl.json has more" in project.run("run", "hello.py", "--input", "long.asl.json").stderr


@pytest.mark.parametrize("arguments", [("check", "-"), ("run", "hello.py", "--input", "-"), ("import", "-")])
def test_a_stream_that_never_ends_is_refused(project, arguments):
    with subprocess.Popen(["yes"], stdout=subprocess.PIPE) as endless:
        done = subprocess.run(
            [sys.executable, "-m", "flowdsl", *arguments],
            cwd=project.root,
            env=project.environment,
            stdin=endless.stdout,
            capture_output=True,
            text=True,
            timeout=60,
        )
        endless.kill()
    assert done.returncode == 2
    assert "stdin has more than 8,388,608 characters" in done.stdout + done.stderr


def test_sarif_for_code_scanning(project):
    project.write("wrong.py", WRONG)
    log = json.loads(project.run("check", "wrong.py", "--format", "sarif").stdout)
    assert log["version"] == "2.1.0"
    (run,) = log["runs"]
    rules = run["tool"]["driver"]["rules"]
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        place = result["locations"][0]["physicalLocation"]
        assert place["artifactLocation"] == {"uri": "wrong.py"}
    assert run["results"][0]["locations"][0]["physicalLocation"]["region"] == {
        "startLine": 6,
        "startColumn": 30,
        "endLine": 6,
        "endColumn": 32,
    }
    empty = json.loads(project.run("check", "hello.py", "--format", "sarif").stdout)
    assert empty["runs"][0]["results"] == []


SHARED = """\
from flowdsl import StateMachine, Task, chain, retry

again = retry("Bussy", max_attempts=0, interval=0)


def charge(name):
    return Task(name, "arn:aws:lambda:eu-west-1:123456789012:function:charge", retry=again, timeout=0)


machine = StateMachine("shared", chain(charge("A"), charge("B")))
"""


@pytest.mark.skipif(not TOOLS, reason="needs the schema of SARIF: make test-tools")
def test_sarif_is_valid(project, definition):
    schema = json.loads((TOOLS / "node_modules/@microsoft/jest-sarif/lib/schemas/sarif-2.1.0-rtm.5.json").read_text())
    project.write("wrong.py", WRONG)
    project.write("wrong.json", definition(Next="B"))
    project.write("a flow.json", "{")
    project.write("shared.py", SHARED)
    done = project.run("check", "wrong.py", "wrong.json", "a flow.json", "shared.py", "gone.py", "--format", "sarif")
    log = json.loads(done.stdout)
    jsonschema.validate(log, schema)
    [run] = log["runs"]
    assert {"relatedLocations", "locations"} <= {key for result in run["results"] for key in result}
    log["runs"][0]["results"][0]["level"] = "bad"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(log, schema)
