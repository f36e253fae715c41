"""`flowdsl mcp`, driven over stdio by the client of the package mcp."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from mcp import Client, StdioServerParameters

from flowdsl.cli import app
from flowdsl.scaffold import create, project_files

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
Tool = Callable[..., Coroutine[Any, Any, str]]


def talk(folder: Path, conversation: Callable[[Client, Tool], Coroutine[Any, Any, None]]) -> None:
    """Start the server in this folder and have the conversation with it."""
    server = StdioServerParameters(
        command=sys.executable,
        args=["-m", "flowdsl", "mcp", "--folder", str(folder)],
        env={**os.environ, "PYTHONPATH": str(ROOT), "AWS_SESSION_TOKEN": "secret", "STATE_MACHINE_ARN": "arn:x"},
    )

    async def main() -> None:
        async with Client(server) as client:

            async def call(name: str, **arguments: Any) -> str:
                result = await client.call_tool(name, arguments)
                text = "".join(each.text for each in result.content)
                return f"ERROR {text}" if result.is_error else text

            await conversation(client, call)

    asyncio.run(asyncio.wait_for(main(), 300))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    create(tmp_path / "orders", project_files("orders"))
    return tmp_path / "orders"


def test_an_agent_closes_its_loop(project):
    flow, handler = project / "flow.py", project / "handlers" / "reserve" / "handler.py"
    text = flow.read_text()

    async def conversation(client: Client, call: Tool) -> None:
        tools = (await client.list_tools()).tools
        assert {each.name for each in tools} == {"check", "explain", "run", "test_state", "coverage"}
        assert all(each.description for each in tools)

        flow.write_text(text.replace("reserve.out.status", "reserve.out.state"))
        [problem, *_] = json.loads(await call("check"))
        assert problem["file"] == "flow.py"
        assert text.splitlines()[problem["line"] - 1].strip().startswith("reserve.out.status")
        assert (await call("explain", code=problem["code"])).startswith(f"### {problem['code']}")
        # What a flow imports is read again, too.
        flow.write_text(text)
        assert json.loads(await call("check", files=["flow.py"])) == []

        order = {"id": "1", "item": "Life jacket", "quantity": 1}
        result = await call("run", input=order, mocks={"Confirm": {"page": "/x"}})
        assert '"status": "SUCCEEDED"' in result
        assert '"page": "/x"' in result
        handler.write_text(handler.read_text().replace("def handler", "raise RuntimeError('changed')\ndef handler"))
        assert "changed (at handlers/reserve" in await call("run", input=order)

        explained = json.loads(await call("explain", state="Confirm"))
        assert explained["asl"]["Type"] == "Task"
        assert explained["place"].startswith("flow.py:")
        answer = json.loads(await call("test_state", file="flow.py", state="WaitForGoods", input={"reservation": {}}))
        assert answer["status"] == "FAILED"

    talk(project, conversation)


def test_coverage(project):
    async def conversation(_: Client, call: Tool) -> None:
        tests = project / "tests" / "test_flow.py"
        first, _, rest = tests.read_text().partition("def test_a_large_order")
        tests.write_text(first + "def test_the_definition" + rest.partition("def test_the_definition")[2])
        report = json.loads(await call("coverage", tests=["tests"]))
        assert report["tests"]["passed"]
        missing = report["coverage"]["machines"]["orders"]["missing"]
        assert "state WaitForGoods" in [each["about"] for each in missing]
        assert "state Reserve" not in [each["about"] for each in missing]

    talk(project, conversation)


def test_mistakes_are_errors_of_the_tool(project):
    async def conversation(_: Client, call: Tool) -> None:
        assert "ERROR" in (answer := await call("explain", code="FD999"))
        assert "there is no code FD999" in answer
        assert "did you mean 'Confirm'" in await call("explain", state="Confrim")
        assert "ERROR" in await call("run", file="--help")
        assert json.loads(await call("check", files=["none.py"]))[0]["code"] == "FD702"
        assert "check has no argument 'file': did you mean 'files'?" in await call("check", file="none.py")
        assert "check has no argument 'x': it takes files, strict" in await call("check", x=1)
        assert "Unknown tool" in await call("chekc")
        assert not json.loads(await call("coverage", tests=["--help"]))["tests"]["passed"]

    talk(project, conversation)


def test_nothing_outside_of_the_project_is_run(project):
    """The path may come from a text that the agent has read: what is there would be run."""
    evil = project.parent / "evil.py"
    evil.write_text("raise SystemExit('it ran')\n")
    (project / "link.py").symlink_to(evil)
    (project / "words.txt").write_text(f"--pyargs\n{evil}\n")

    async def conversation(_: Client, call: Tool) -> None:
        for path in ("../evil.py", str(evil), "link.py", "a\0b"):
            for answer in (
                await call("check", files=[path]),
                await call("run", file=path),
                await call("explain", file=path, state="A"),
                await call("test_state", file=path, state="A"),
                await call("coverage", tests=[f"{path}::test_it"]),
            ):
                assert answer.startswith("ERROR")
                assert "is not in the project's folder" in answer
        assert json.loads(await call("check", files=[str(project / "flow.py")])) == []
        answer = await call("coverage", tests=["@words.txt"])
        assert "it ran" not in answer
        assert "@words.txt" in answer

    talk(project, conversation)


def test_what_a_handler_does_does_not_stop_the_server(project):
    handler = project / "handlers" / "reserve" / "handler.py"
    leave = "import subprocess, sys\nsubprocess.Popen([sys.executable, '-c', 'import time; time.sleep(300)'])\n"
    shout = "import sys\nfor _ in range(3000): sys.stderr.write('x' * 4999 + chr(10))\n"
    text = handler.read_text()

    async def conversation(_: Client, call: Tool) -> None:
        order = {"id": "1", "item": "x" * 200_000, "quantity": 1}  # more than an argument may be
        for what in (leave, shout):
            handler.write_text(what + text)
            before = time.monotonic()
            answer = await call("run", input=order, mocks={"Confirm": {"page": "/x"}})
            assert len(answer) < 21_000
            assert "bytes left out" in answer or "SUCCEEDED" in answer
            assert time.monotonic() - before < 60

    talk(project, conversation)


class TestExplain:
    def test_a_code(self, capsys):
        app(["explain", "fd401"], standalone_mode=False)
        out = capsys.readouterr().out
        assert out.startswith("### FD401\n")
        assert "### FD402" not in out

    def test_every_code_has_an_explanation(self):
        from flowdsl.server.explain import explain_code
        from tests.check.index import codes

        for each in codes():
            assert len(explain_code(each.code)) > 30, each

    def test_a_state(self, capsys, monkeypatch):
        monkeypatch.chdir(ROOT)
        app(["explain", "payment_flow.py", "--state", "TakePayment"], standalone_mode=False)
        explained = json.loads(capsys.readouterr().out)
        assert explained["asl"]["Type"] == "Task"
        assert explained["next"]
