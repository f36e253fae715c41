"""Everything that can be wrong with what a user gives: one clear error on stderr, exit code 2, nothing on stdout."""

import json
import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow

GOOD = 'from flowdsl import Pass, StateMachine\nmachine = StateMachine("m", Pass("A"))\n'

# What stands in the file, and what must be in the error.
PYTHON = {
    "syntax": ("from flowdsl import\n", ["flow.py:1:20: error FD703 SyntaxError: "]),
    "indentation": ("if True:\nx = 1\n", ["flow.py:2:1: error FD703 IndentationError: "]),
    "bracket": ("a = (1,\n", ["flow.py:1:5: error FD703 SyntaxError: '(' was never closed"]),
    "null": (b"a = 1\0\n", ["flow.py:1:1: error FD703 "]),
    "encoding": (b"a = '\xff'\n", ["flow.py:1:", "error FD703 SyntaxError: "]),
    "missing module": ("import nowhere\n", ["flow.py:1:1: error FD703 ModuleNotFoundError: No module named 'nowhere'"]),
    "missing module of a package": (
        "from steps.nowhere import x\n",
        ["flow.py:1:1: error FD703 ModuleNotFoundError", "put steps.py into the project's folder"],
    ),
    "misspelt name": (
        "from flowdsl import Pas\n",
        ["flow.py:1:1: error FD703 ImportError: cannot import name 'Pas' from 'flowdsl'\n", "did you mean 'Pass'?"],
    ),
    "relative import": ("from . import x\n", ["flow.py:1:1: error FD703", "a flow file is not part of a package"]),
    "attribute": (
        "import flowdsl as f\nmachine = f.StateMachin('m', f.Pass('A'))\n",
        ["flow.py:2:11: error FD703 AttributeError: module 'flowdsl' has no", "did you mean 'StateMachine'?"],
    ),
    "function of an expression": (
        "from flowdsl import fn, var\nx = fn.strin(var.x)\n",
        ["flow.py:2:5: error FD703 AttributeError: module 'flowdsl.fn' has no", "did you mean 'string'?"],
    ),
    "name": ("machine = StateMachine('m')\n", ["flow.py:1:11: error FD703 NameError: name 'StateMachine' is not"]),
    "name that is nearly one": (
        "from flowdsl import chain\nflow = chian()\n",
        ["flow.py:2:8: error FD703 NameError: name 'chian' is not defined\n", "did you mean 'chain'?"],
    ),
    "steps without a chain": (
        "from flowdsl import Pass, StateMachine\nmachine = StateMachine('m', Pass('A'), Pass('B'))\n",
        ["flow.py:2:11: error FD703 StateMachine(...) takes at most 2 positional arguments", "one flow: StateMachine("],
    ),
    "a processor without its name": (
        "from flowdsl import Map, Pass\nx = Map('A', Pass('B'), items=[1])\n",
        ["flow.py:2:5: error FD703 Map(...) takes at most 1 positional argument", "pass the others by name"],
    ),
    "users own": (
        "def price():\n    return 1 / 0\n\n\ntotal = price()\n",
        [
            "flow.py:2:12: error FD703 ZeroDivisionError: division by zero",
            "called at flow.py:5:9",
            "  2 |     return 1",
        ],
    ),
    "exit": ("import sys\nsys.exit(3)\n", ["flow.py:2:1: error FD703 the flow file exits with code 3"]),
    "no machine": ("machine = 1\n", ["flow.py:1:1: error FD705 this file defines no state machine"]),
    "no name": (
        "from flowdsl import Task\nTask()\n",
        ["flow.py:2:1: error FD703 Task(...) needs name"],
    ),
    "not a step": (
        "from flowdsl import Pass, chain\nx = chain(Pass('A'), 5)\n",
        ["flow.py:2:22: error FD703 5 is not a step"],
    ),
    "a condition as bool": (
        "from flowdsl import Pass\na = Pass('A', into='a')\nif a.out.x == 1 and a.out.y == 2: pass\n",
        ["flow.py:3:4: error FD703 an expression has no value until the flow runs"],
    ),
    "a machine's name": (
        'from flowdsl import Pass, StateMachine\nmachine = StateMachine("a/b", Pass("A"))\n',
        ["flow.py:2:11: error FD706 invalid state machine name 'a/b'"],
    ),
}


@pytest.mark.parametrize("command", ["build", "run"])
@pytest.mark.parametrize("case", PYTHON)
def test_python(project, case, command):
    content, expected = PYTHON[case]
    project.write("flow.py", content)
    done = project.run(command, "flow.py")
    assert (done.exit_code, done.stdout) == (2, "")
    for text in expected:
        assert text in done.stderr
    assert "Traceback" not in done.stderr
    assert str(project.root) not in done.stderr
    assert not (project.root / "build").exists()


def test_a_mistake_in_an_imported_file(project):
    project.write("helpers.py", "from flowdsl import Pass\n\n\ndef hello():\n    return Pass()\n")
    project.write("flow.py", "import helpers\n\nx = helpers.hello()\n")
    done = project.run("build", "flow.py")
    assert "helpers.py:5:12: error FD703 Pass(...) needs name" in done.stderr
    assert "called at flow.py:3:5" in done.stderr


def test_a_package_that_hides_the_projects_folder(project, tmp_path_factory, monkeypatch):
    elsewhere = tmp_path_factory.mktemp("site")
    (elsewhere / "hidden_steps").mkdir()
    (elsewhere / "hidden_steps" / "__init__.py").touch()
    monkeypatch.syspath_prepend(elsewhere)
    project.write("hidden_steps/pay.py", "class Declined(Exception): ...\n")
    project.write("flow.py", f"from hidden_steps.pay import Declined\n{GOOD}")
    done = project.run("check", "flow.py")
    assert "= hidden_steps is the package in " in done.stdout
    assert "put an empty __init__.py into its folder" in done.stdout
    project.write("hidden_steps/__init__.py", "")
    sys.modules.pop("hidden_steps", None)
    assert project.run("check", "flow.py").exit_code == 0


def test_what_a_flow_prints_is_not_the_result(project):
    project.write("flow.py", f"print('loading')\n{GOOD}")
    done = project.run("build", "flow.py", "--asl-only")
    assert (done.exit_code, done.stdout) == (0, "build/m.asl.json\nbuild/manifest.json\n")
    assert "loading" in done.stderr


DOCUMENTS = {
    "empty.json": ("", "empty.json:1:1: error FD704 not JSON"),
    "cut.json": ('{"StartAt": ', "cut.json:1:13: error FD704 not JSON"),
    "comment.json": ("{\n  // no\n}", "comment.json:2:3: error FD704 not JSON"),
    "list.json": ("[]", "list.json:1:1: error FD704 a definition must be a JSON object"),
    "nan.json": ('{"a": NaN}', "nan.json:1:7: error FD704 not JSON: NaN is not a JSON value"),
    "huge.json": ('{"a": 1e999}', "huge.json:1:7: error FD704 not JSON: 1e999 is not a JSON value"),
    "deep.json": ("[" * 100_000, "deep.json:1:1: error FD704 nested too deeply"),
    "deeper.json": (f'{{"a": {"[" * 300}{"]" * 300}}}', "deeper.json:1:1: error FD704 nested too deeply"),
    "deeper.yaml": (f"a: {'[' * 300}{']' * 300}", "deeper.yaml:1:1: error FD704 nested too deeply"),
    "latin.json": ('{"a": "\xe9"}'.encode("latin-1"), "error FD702 latin.json cannot be read: it is not UTF-8 text"),
    "empty.yaml": ("", "empty.yaml:1:1: error FD704 a definition must be a JSON object"),
    "open.yaml": ("a: [1\nb: 2\n", "open.yaml:2:"),
    "tag.yaml": ("a: !Sub x\n", "tag.yaml:1:4: error FD704 JSON has no values of type !Sub"),
    "twice.yml": ("a: 1\na: 2\n", "twice.yml:2:1: error FD704 duplicate key 'a'"),
    "key.yaml": ("? [1]\n: 2\n", "key.yaml:1:3: error FD704 keys must be strings"),
    "number.yaml": ("a: 0o10\nb: 010\n", "number.yaml:2:4: error FD704 010 is not a JSON number"),
    "alias.yaml": ("&a [*a]\n", "alias.yaml:1:1: error FD704 an alias within its own anchor"),
    "flow.txt": ("hello", "error FD702 flow.txt is not a flow"),
}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_documents(project, name):
    content, expected = DOCUMENTS[name]
    project.write(name, content)
    done = project.run("build", name, "--asl-only")
    assert (done.exit_code, done.stdout) == (2, "")
    assert expected in done.stderr
    assert not (project.root / "build").exists()


SETTINGS = {
    "unknown key": (
        '[tool.flowdsl]\nflo = "a.py"\n',
        "pyproject.toml:2:1: error FD701 unknown key 'flo' in [tool.flowdsl]",
    ),
    "type": ("[tool.flowdsl]\nflow = 3\n", "pyproject.toml:2:1: error FD701 [tool.flowdsl] flow must be a file"),
    "not a flow": ('[tool.flowdsl]\n\nflow = "a.txt"\n', "pyproject.toml:3:1: error FD701 [tool.flowdsl] flow must be"),
    "account": ("[tool.flowdsl]\naccount = 123456789012\n", "pyproject.toml:2:1: error FD701 [tool.flowdsl] account"),
    "region": ('[tool.flowdsl]\nregion = "Ireland"\n', "pyproject.toml:2:1: error FD701 [tool.flowdsl] region must be"),
    "not a table": ("tool.flowdsl = 1\n", "pyproject.toml:1:1: error FD701 tool.flowdsl is not a table"),
    "not TOML": ("[tool.flowdsl\n", "pyproject.toml:1:14: error FD701 pyproject.toml cannot be read: "),
    "no flow": ("[project]\n", "error FD702 no flow file given"),
    "missing flow": ('[tool.flowdsl]\nflow = "gone.py"\n', "error FD702 gone.py does not exist"),
}


@pytest.mark.parametrize("case", SETTINGS)
def test_settings(project, case):
    content, expected = SETTINGS[case]
    project.write("pyproject.toml", content)
    done = project.run("build", "--asl-only")
    assert (done.exit_code, done.stdout) == (2, "")
    assert expected in done.stderr


ARGUMENTS = {
    "no command": ([], "Usage:"),
    "unknown command": (["bild"], "No such command 'bild'"),
    "unknown option": (["build", "--asl"], "No such option"),
    "no state": (["test-state"], "choose one with --state: Greet, Rest"),
    "a folder": (["run", "handlers"], "handlers is a folder, not a flow"),
    "a device": (["run", os.devnull], f"FD702 {os.devnull} is not a file"),
    "a device as input": (["run", "hello.py", "-i", os.devnull], f"--input: {os.devnull} is not a file"),
    "no input": (["run", "hello.py", "-i", "nope.json"], "--input: file nope.json does not exist"),
    "bad input": (["run", "hello.py", "-i", '{"a": }'], "--input:1:7: error FD704 not JSON"),
    "input with a key twice": (
        ["run", "hello.py", "-i", '{"a": 1, "a": 2}'],
        "--input:1:15: error FD711 duplicate key 'a'",
    ),
    "mock without value": (["run", "hello.py", "--mock", "Greet"], "write STATE=JSON"),
    "mock not JSON": (["run", "hello.py", "--mock", "Greet=x"], "--mock Greet:1:1: error FD704 not JSON"),
    "mock of no state": (["run", "hello.py", "--mock", "Gret=1"], "there is no state 'Gret'; did you mean 'Greet'?"),
    "callback of no state": (["run", "hello.py", "--callback", "Gret=1"], "there is no state 'Gret'"),
    "callback of a task that waits for none": (
        ["run", "hello.py", "--callback", "Greet=1"],
        "the Task does not wait for a callback; use --mock Greet=",
    ),
    "mock of no task": (["run", "hello.py", "--mock", "Rest=1"], "the state is a Wait, not a Task"),
    "no mocks": (["run", "hello.py", "--mocks", "hello.py"], "hello.py:1:1: error FD704 not JSON"),
    "other mocks": (["run", "hello.py", "--mocks", "a.json"], "the mock configuration has no object at StateMachines"),
    "a case without mocks": (
        ["run", "hello.py", "--case", "x"],
        "--case needs --mocks",
    ),
    "a mock twice": (["run", "hello.py", "--mock", "Greet=1", "--mock", "Greet=2"], "Greet is given twice"),
    "a handler twice": (["run", "hello.py", "--handler", "a=b", "--handler", "a=c"], "a is given twice"),
    "a bucket that is nowhere": (["run", "hello.py", "--bucket", "a=nope"], "nope is not a folder"),
    "no state to test": (["test-state", "hello.py", "--state", "Gret"], "did you mean 'Greet'?"),
    "no machine": (["run", "hello.py", "--machine", "x"], "choose one with --machine: hello"),
    "format": (["check", "--format", "xml"], "'xml' is not one of"),
    "shell": (["completion", "tcsh"], "'tcsh' is not one of"),
}


@pytest.mark.parametrize("case", ARGUMENTS)
def test_arguments(project, case):
    arguments, expected = ARGUMENTS[case]
    project.write("a.json", "{}")
    done = project.run(*arguments)
    assert (done.exit_code, done.stdout) == (2, "")
    assert expected in done.stderr


@pytest.mark.parametrize("options", [(), ("--state", "A"), ("--state", "B")])
@pytest.mark.parametrize(
    "definition",
    [
        {"States": 5},
        {"States": {"A": 5}},
        {"States": {"A": {"ItemProcessor": 5}}},
        {"States": {"A": {"Type": "Parallel", "Branches": [5]}}},
    ],
)
def test_a_definition_that_is_none_is_not_tested(project, definition, options):
    project.write("broken.json", definition)
    done = project.run("test-state", "broken.json", *options)
    assert (done.exit_code, done.stdout) == (2, "")
    assert "Traceback" not in done.stderr


NO_TEXT = [
    (("run", "hello.py", "--input", "-"), "FD711 --input on stdin"),
    (("check", "-"), "FD704 stdin"),
    (("import", "-"), "FD702 stdin"),
]


@pytest.mark.parametrize("errors", ["strict", "surrogateescape"])  # the second is Python's in the C locale
@pytest.mark.parametrize(("words", "what"), NO_TEXT, ids=["input", "definition", "imported"])
def test_stdin_that_is_no_text(project, words, what, errors):
    done = subprocess.run(
        [sys.executable, "-m", "flowdsl", *words],
        input=b'{"a": "\xff"}',
        capture_output=True,
        check=False,
        env={**project.environment, "PYTHONIOENCODING": f"utf-8:{errors}"},
    )
    assert done.returncode == 2
    assert f"error {what} is not UTF-8 text" in (done.stdout + done.stderr).decode()
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1", "ascii"])
def test_what_stdout_cannot_show_is_escaped(project, encoding):
    project.write("pass.json", {"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}})
    project.write("input.json", '["ü", "\\ud800"]')
    for command in (["run", "pass.json"], ["test-state", "pass.json", "--state", "A"]):
        done = subprocess.run(
            [sys.executable, "-m", "flowdsl", *command, "--input", "input.json"],
            capture_output=True,
            check=True,
            env={**project.environment, "PYTHONIOENCODING": f"{encoding}:surrogateescape"},
        )
        shown = json.loads(done.stdout.decode(encoding))
        assert (json.loads(shown["output"]) if "output" in shown else shown) == ["ü", "\ud800"]


def test_a_handler_that_is_not_there(project):
    (project.root / "handlers" / "greet" / "handler.py").unlink()
    for command, code in ((("run", "hello.py"), "FD605"), (("test-state", "hello.py", "--state", "Greet"), "FD710")):
        done = project.run(*command)
        assert (done.exit_code, done.stdout) == (2, "")
        assert f"hello.py:3:23: error {code} function 'greet': handlers/greet/handler.py does not exist" in done.stderr


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion(project, shell):
    done = project.run("completion", shell)
    assert done.exit_code == 0
    assert "_FLOWDSL_COMPLETE" in done.stdout


def test_completion_completes(project):
    completed = subprocess.run(
        ["bash", "-c", 'COMP_WORDS="flowdsl b" COMP_CWORD=1 _FLOWDSL_COMPLETE=bash_complete python -m flowdsl'],
        capture_output=True,
        text=True,
        check=True,
        env=project.environment,
    )
    assert completed.stdout == "plain,build\n"


def test_version(project):
    assert project.run("--version").stdout.startswith("flowdsl 0")


LONG = "x" * 300


@pytest.mark.parametrize(
    "arguments", [("check", f"{LONG}.py"), ("run", "--input", LONG), ("new", "p", "--folder", LONG), ("import", LONG)]
)
def test_a_name_that_no_file_can_have(project, arguments):
    done = project.run(*arguments)
    assert done.exit_code == 2
    assert "is too long for the name of a file" in done.stdout + done.stderr
