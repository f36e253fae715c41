"""A project with several flows: `flows = [...]` under [tool.flowdsl]. Commands without FILE are about all of them."""

import json

import pytest

OTHER = """\
from flowdsl import Function, StateMachine, Task, chain

greet = Task("GreetAgain", Function("greet", "handlers/greet"{more}), into="greeting")
machine = StateMachine("{name}", chain(greet))
"""
ENVIRONMENT = '\n[tool.flowdsl.environments.test]\nregion = "eu-west-1"\naccount = "123456789012"\n'


def settings(project, text):
    project.write("pyproject.toml", f'[project]\nname = "greetings"\n\n[tool.flowdsl]\n{text}\n{ENVIRONMENT}')


@pytest.fixture
def several(project):
    """The project's flow and another one, which share a function."""
    project.write("other.py", OTHER.format(name="again", more=""))
    settings(project, 'flows = ["hello.py", "other.py"]')
    return project


def test_all_are_checked_and_one_by_name(several):
    assert several.run("check").stderr == "hello, again: no mistakes found\n"
    assert several.run("check", "other.py").stderr == "again: no mistakes found\n"


def test_mistakes_of_all_come_in_one_run(several):
    several.write("hello.py", "nonsense = ")
    several.write("other.py", "raise ValueError('no')")

    done = several.run("check")

    assert done.exit_code == 2
    assert "hello.py:1" in done.stdout
    assert "other.py:1" in done.stdout


def test_state_machines_of_two_files_have_different_names(several):
    several.write("other.py", OTHER.format(name="Hello", more=""))

    done = several.run("check")

    assert done.exit_code == 2
    assert "FD707 two state machines are named 'Hello'" in done.stdout


def test_a_function_is_packaged_once(several):
    done = several.run("build")

    assert done.exit_code == 0, done.stderr
    assert done.stderr.count("greet: ") == 1
    manifest = json.loads((several.root / "build" / "manifest.json").read_text())
    assert manifest["functions"].keys() == {"greet"}
    assert manifest["definitions"].keys() == {"hello.asl.json", "again.asl.json"}


def test_a_function_that_two_files_declare_differently_is_a_mistake(several):
    several.write("other.py", OTHER.format(name="again", more=", timeout=9"))

    for command in ("check", "build"):
        done = several.run(command)
        assert done.exit_code == 2
        assert "greet" in done.stdout + done.stderr
    assert not (several.root / "build").exists()


def test_one_is_built_by_name(several):
    assert several.run("build", "other.py", "--asl-only").exit_code == 0
    assert {file.name for file in (several.root / "build").glob("*.asl.json")} == {"again.asl.json"}


def test_a_template_has_all(several):
    done = several.run("build", "--template")

    assert done.exit_code == 0, done.stderr
    resources = json.loads((several.root / "build" / "template.json").read_text())["Resources"].values()
    machines = [each for each in resources if each["Type"] == "AWS::StepFunctions::StateMachine"]
    functions = [each for each in resources if each["Type"] == "AWS::Lambda::Function"]
    assert (len(machines), len(functions)) == (2, 1)


@pytest.mark.parametrize("command", [("run", "--input", '{"name": "Ada"}'), ("graph", "--format", "mermaid")])
def test_what_is_about_one_names_the_choice(several, command):
    done = several.run(*command)

    assert done.exit_code == 2
    assert "there are several state machines: choose one with --machine: hello, again" in done.stderr
    assert several.run(*command, "--machine", "again").exit_code == 0


def test_a_state_that_several_have_is_not_explained_at_random(several):
    several.write("other.py", OTHER.format(name="again", more="").replace("GreetAgain", "Greet"))
    done = several.run("explain", "--state", "Greet")

    assert done.exit_code == 2
    assert "error FD711 several state machines have a state 'Greet': hello, again" in done.stderr
    assert "choose one with its FILE" in done.stderr
    for file, name in (("hello.py", "hello"), ("other.py", "again")):
        assert f'"machine": "{name}"' in several.run("explain", file, "--state", "Greet").stdout


@pytest.mark.parametrize("command", ["plan", "deploy", "destroy"])
def test_one_alone_is_not_deployed(several, command):
    """It would remove the other one's state machine, and versions of functions that it still calls."""
    done = several.run(command, "other.py", *([] if command == "plan" else ["--yes"]))

    assert done.exit_code == 2
    message = (
        "error FD980 other.py is deployed together with the project's other flows, with which it may share functions"
    )
    assert message in done.stderr
    assert "leave FILE out, which deploys hello.py, other.py" in done.stderr


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('flow = "hello.py"\nflows = ["hello.py"]', "flow and flows exclude each other: list all in flows"),
        ('flows = ["hello.py", "nowhere.py"]', "flows: nowhere.py does not exist"),
        ('flows = ["hello.py", "./hello.py"]', "flows: ./hello.py is listed twice"),
        ("flows = []", 'flows must be a list of files, such as ["payment_flow.py", "refund_flow.py"]'),
        ('flows = "hello.py"', 'flows must be a list of files, such as ["payment_flow.py", "refund_flow.py"]'),
        ('flows = ["flow.txt"]', 'flows must be a list of files, such as ["payment_flow.py", "refund_flow.py"]'),
        ("flows = [1]", 'flows must be a list of files, such as ["payment_flow.py", "refund_flow.py"]'),
    ],
)
def test_mistakes_in_the_settings(project, text, message):
    settings(project, text)

    done = project.run("check")

    assert (done.exit_code, done.stdout) == (2, "")
    line = 5 + text.count("\n")
    assert done.stderr.startswith(f"pyproject.toml:{line}:")
    assert f"error FD701 [tool.flowdsl] {message}" in done.stderr
