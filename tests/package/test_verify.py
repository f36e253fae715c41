"""`flowdsl build --verify`: zips that run in a process of their own, against our Runtime API."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from flowdsl import Function
from flowdsl.base.diagnostics import Diagnostic, FlowError
from flowdsl.package import assembly, verify
from flowdsl.package.runtime_api import Invocation, Report, RuntimeApi

pytestmark = pytest.mark.slow

HERE = f"{sys.version_info.major}.{sys.version_info.minor}"
MACHINE = "arm64" if verify._local_machine() == "aarch64" else "x86_64"
OTHER = "x86_64" if MACHINE == "arm64" else "arm64"


def build(project: Any, handler: str, *events: Any, **settings: Any) -> tuple[list[Diagnostic], str]:
    """Build and verify a handler; return the diagnostics, and how far it came."""
    project.write({"handlers/setup/handler.py": handler})
    project.write({f"handlers/setup/test_event_{n}.json": json.dumps(each) for n, each in enumerate(events)})
    function = Function("setup", "handlers/setup", **{"python": HERE, "architecture": MACHINE, **settings})
    progress: list[str] = []
    warnings: list[Diagnostic] = []

    def examine(built: Any, zips: Path) -> None:
        tell = lambda name, what: progress.append(f"{name}: {what}")  # noqa: E731
        warnings.extend(verify.verify([function], built, zips=zips, root=project.root, on_progress=tell))

    try:
        assembly.build([function], {}, root=project.root, output=project.output, examine=examine)
    except FlowError as error:
        return list(error.diagnostics), "".join(progress)
    return warnings, "".join(progress)


ANSWERS = "def handler(event, context):\n    return {'n': event['n'] + 1, 'name': context.function_name}\n"
CASES = [
    # handler, events, code, what the diagnostic contains
    ("import nowhere_to_be\ndef handler(event, context): ...\n", [], "FD604", "nowhere_to_be"),
    (
        "import importlib\nimportlib.import_module(str('attrs'))\ndef handler(event, context): ...\n",
        [],
        "FD621",
        "Runtime.ImportModuleError: Unable to import module 'handlers.setup.handler': No module named 'attrs'",
    ),
    (
        "def handler(event, context):\n    import importlib; importlib.import_module(str('attrs'))\n",
        [],
        "FD622",
        "'attrs'",
    ),
    (ANSWERS, [{}], "FD622", "fails on handlers/setup/test_event_0.json: KeyError: 'n'\n"),
    (ANSWERS, [{"n": 1}, {"m": 1}], "FD622", "test_event_1.json: KeyError"),
    ("def handler(event, context): return {1, 2}\n", [], "FD622", "Runtime.MarshalError: Unable to marshal response"),
    (
        "import os\ndef handler(event, context):\n    print('so far', flush=True)\n    os._exit(3)\n",
        [],
        "FD623",
        "Error: Runtime exited with error: exit status 3\n    so far",
    ),
    ("import os\ndef handler(event, context): os.kill(os.getpid(), 9)\n", [], "FD623", "with error: signal: killed"),
    (
        "import time\ndef handler(event, context):\n    try: time.sleep(60)\n    except BaseException: ...\n",
        [],
        "FD623",
        "Sandbox.Timedout: RequestId: 00000000-0000-4000-8000-000000000001 Error: Task timed out after 1.00 seconds",
    ),
    ("def handler(event, context): return 'x' * 6_291_556\n", [], "FD622", "Function.ResponseSizeTooLarge"),
]


@pytest.mark.parametrize(("handler", "events", "code", "text"), CASES)
def test_what_lambda_would_refuse(project: Any, handler: str, events: list[Any], code: str, text: str) -> None:
    timeout = 1 if "sleep" in handler else 30
    [problem], _ = build(project, handler, *events, timeout=timeout)
    assert (problem.code, problem.severity) == (code, "error")
    assert text in problem.message
    assert str(project.root) not in problem.message
    assert "flowdsl-verify-" not in problem.message
    assert not project.output.exists()  # an earlier build stays, and this one is not put into place


def test_an_error_is_at_the_line_of_the_function(project: Any) -> None:
    [problem], _ = build(project, "def handler(event, context): return {1}\n")
    assert problem.span
    assert Path(problem.span.file).name == Path(__file__).name
    assert "would" not in problem.message


def test_a_handler_that_answers(project: Any) -> None:
    problems, progress = build(project, ANSWERS, {"n": 1})
    assert problems == []
    assert progress == f"setup: verified with Python {HERE}: answers handlers/setup/test_event_0.json"
    assert "handlers/setup/test_event_0.json" not in project.names()


def test_an_error_of_the_handlers_own_is_an_answer_to_no_event(project: Any) -> None:
    problems, progress = build(project, ANSWERS)
    assert (problems, progress) == (
        [],
        f"setup: verified with Python {HERE}: answers {{}} with KeyError, as there is no test_event*.json",
    )


def test_programs_and_files_with_other_letters(project: Any) -> None:
    project.write({"handlers/setup/tool.sh": "#!/bin/sh\ncat größe.txt\n", "handlers/setup/größe.txt": "38"})
    handler = (
        "import subprocess\nfrom pathlib import Path\n"
        "def handler(event, context):\n"
        "    here = Path(__file__).parent\n"
        "    return subprocess.run([here / 'tool.sh'], cwd=here, check=True, capture_output=True, text=True).stdout\n"
    )
    problems, progress = build(project, handler, {"n": 1})
    assert problems == []
    assert "answers handlers/setup/test_event_0.json" in progress


def test_an_event_that_is_not_json(project: Any) -> None:
    project.write({"handlers/setup/test_event.json": "{n: 1}"})
    [problem], _ = build(project, ANSWERS)
    assert (problem.code, problem.span and problem.span.file) == ("FD704", "handlers/setup/test_event.json")


SURROUNDINGS = """\
import os, sys, tempfile
import boto3

def handler(event, context):
    try:
        boto3.client("sqs").list_queues()
    except Exception as error:
        refused = str(error)
    assert "does not call services" in refused, refused
    assert os.environ["STAGE"] == "test" and "SECRET_OF_THE_SHELL" not in os.environ
    assert os.environ["AWS_LAMBDA_FUNCTION_NAME"] == context.function_name == "setup"
    assert context.memory_limit_in_mb == "512" and 20_000 < context.get_remaining_time_in_millis() <= 30_000
    assert context.invoked_function_arn.endswith(":function:setup") and event == {"n": "ä"}
    assert os.getcwd() == os.environ["LAMBDA_TASK_ROOT"] == sys.path[0]
    assert not [each for each in sys.path if "site-packages" in each]
    tempfile.NamedTemporaryFile()
    return event
"""


def test_the_surroundings_are_lambdas(project: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_OF_THE_SHELL", "1")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    assert build(project, SURROUNDINGS, {"n": "ä"}, environment={"STAGE": "test"}, memory=512)[0] == []


@pytest.mark.parametrize("own", [True, False], ids=["a compiled module of the zip", "a module that is missing"])
def test_a_zip_for_another_processor(project: Any, own: bool) -> None:
    """A module that only the other processor can load is not an error; one that the zip lacks is."""
    project.write({"handlers/setup/fast.cpython-39-other.so": "\x7fELF"})
    module = "handlers.setup.fast" if own else "attrs"
    handler = f"import importlib\nimportlib.import_module(str({module!r}))\ndef handler(event, context): ...\n"
    [problem], _ = build(project, handler, architecture=OTHER)
    assert (problem.code, problem.severity) == (("FD624", "warning") if own else ("FD621", "error"))
    assert project.output.exists() is own


def test_without_the_runtime_client(project: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verify, "_RUNTIME_CLIENT", "awslambdaric-that-is-missing")
    [problem], _ = build(project, ANSWERS)
    assert (problem.code, problem.hint) == ("FD611", "install flowdsl with its extra: pip install 'flowdsl[verify]'")


def test_the_command(project: Any) -> None:
    (project.root / "flow.py").write_text(
        "from flowdsl import Function, StateMachine, Task\n"
        f"setup = Function('setup', 'handlers/setup', python={HERE!r}, architecture={MACHINE!r})\n"
        "machine = StateMachine('m', Task('Setup', setup))\n"
    )
    project.write({"handlers/setup/test_event.json": '{"name": "Ada"}'})
    run = partial(subprocess.run, cwd=project.root, capture_output=True, text=True, check=False)
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    command = [sys.executable, "-m", "flowdsl", "build", "flow.py", "--verify"]
    done = run(command, env=environment)
    assert done.returncode == 0, done.stderr
    assert f"setup: verified with Python {HERE}: answers handlers/setup/test_event.json\n" in done.stderr
    project.write({"handlers/setup/test_event.json": "{}"})
    done = run(command, env=environment)
    assert (done.returncode, done.stdout) == (2, "")
    assert "flow.py:2:9: error FD622 function 'setup' fails on handlers/setup/test_event.json: KeyError" in done.stderr
    assert 'File "handlers/setup/handler.py", line 5, in handler' in done.stderr
    both = run([*command, "--asl-only"], env=environment)
    assert (both.returncode, "use one of them" in both.stderr) == (2, True)


def test_the_runtime_api_refuses_other_requests() -> None:
    with RuntimeApi() as api:
        for method in ("GET", "POST", "PUT"):
            data = b"{}" if method != "GET" else None
            request = urllib.request.Request(f"http://{api.address}/queues", data, method=method)
            with pytest.raises(urllib.error.HTTPError, match="400") as refused:
                urllib.request.urlopen(request)
            refused.value.close()
        api.events.put(Invocation(b'{"n": 1}', "one", "arn", 3.0))
        with urllib.request.urlopen(f"http://{api.address}/2018-06-01/runtime/invocation/next") as answer:
            assert (answer.read(), answer.headers["Lambda-Runtime-Aws-Request-Id"]) == (b'{"n": 1}', "one")
        assert api.reports.get() == Report("next")
