"""Tools for coding agents, by the Model Context Protocol: check, explain, run, test_state, coverage.

Each tool runs the command of that name in the project's folder, so an agent gets what a person would. They run
without credentials of an AWS account, and calls that nothing answers are refused.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ..base.diagnostics import FlowError
from ..base.words import did_you_mean
from .commands import CommandResult, run_module

if TYPE_CHECKING:
    from mcp.server import MCPServer

TIMEOUT = 120.0
"""Seconds that a tool may take."""
_MOST = 20_000
"""The most characters of output that an agent gets, which it reads into its context."""
_INSTRUCTIONS = """Check, run and test AWS Step Functions workflows offline. After a change of a flow: check it and
follow the hints; explain a code that is unclear, or a state to see the ASL that it compiles to; run it with mocks; at
last coverage, to see which states, branches, retriers and catchers no test reaches."""


def make_server(folder: Path) -> MCPServer[Any]:
    """The server for the project in this folder. Raises FlowError without the package mcp."""
    try:
        from mcp.server import MCPServer
    except ImportError:
        raise FlowError.of(
            "flowdsl mcp needs the package mcp", code="FD711", hint="pip install 'flowdsl[mcp]'"
        ) from None

    class Server(MCPServer[Any]):
        async def call_tool(self, name: str, arguments: dict[str, Any], *context: Any, **named: Any) -> Any:
            """Call a tool. An argument that it does not have is an error: the package would leave it out silently."""
            for tool in await self.list_tools():
                if tool.name == name:
                    _refuse_others(arguments, name, tool.input_schema.get("properties", {}))
            return await super().call_tool(name, arguments, *context, **named)

    server = Server("flowdsl", instructions=_INSTRUCTIONS, log_level="ERROR")

    def command(*arguments: str, stdin: Any = None, expect: tuple[int, ...] = (0,)) -> str:
        text = json.dumps({} if stdin is None else stdin)  # as an argument it could be too long
        return _text(run_module("flowdsl", arguments, folder=folder, timeout=TIMEOUT, stdin=text), expect)

    def paths(names: Iterable[str | None] | None) -> list[str]:
        return ["--", *(_path(each, folder) for each in names or () if each)]

    @server.tool()
    def check(files: list[str] | None = None, strict: bool = False) -> str:
        """Find the mistakes of flows (Python) and definitions (ASL in JSON or YAML).

        `files` may be folders; without it, the flow of pyproject.toml is checked. Returns JSON: a list of problems
        with code, severity, message, file, line and a hint that says what to write instead; [] if there are none.
        With `strict`, fails also for warnings.
        """
        return command("check", *["--strict"] * strict, "--format", "json", *paths(files), expect=(0, 2))

    @server.tool()
    def explain(code: str | None = None, file: str | None = None, state: str | None = None) -> str:
        """Explain the `code` of a problem, with a bad and a good example; or the `state` of a `file` (by default the
        flow of pyproject.toml): the ASL that it compiles to, its place in the file, and the states after it."""
        if state is not None:
            return command("explain", "--state", state, *paths([file]))
        return command("explain", "--", code or "")

    @server.tool()
    def run(
        file: str | None = None,
        input: Any = None,
        mocks: dict[str, Any] | None = None,
        callbacks: dict[str, Any] | None = None,
        machine: str | None = None,
        seed: int = 0,
        events: bool = False,
    ) -> str:
        """Run a flow on this computer, on a virtual clock: waits take no time.

        `input` is the execution's input. `mocks` has the results of Tasks by state name; other Tasks call the
        project's own handlers. `callbacks` has what a Task that waits for a callback gets. Returns JSON with status,
        output, error and cause, with `events` also the history; and the steps as text.
        """
        options = [*(["--machine", machine] if machine else ()), "--seed", str(seed), *["--events"] * events]
        options += _pairs("--mock", mocks) + _pairs("--callback", callbacks)
        options += ["--input", "-", "--format", "json"]
        return command("run", *options, *paths([file]), stdin=input, expect=(0, 1))

    @server.tool()
    def test_state(
        file: str,
        state: str,
        input: Any = None,
        mock: dict[str, Any] | None = None,
        variables: dict[str, Any] | None = None,
        level: Literal["INFO", "DEBUG", "TRACE"] = "DEBUG",
    ) -> str:
        """Run one state of a file and answer as AWS's TestState does, with each step of the state's data flow.

        `mock` is {"result": …} or {"errorOutput": {"error": …, "cause": …}}; `variables` are those before the state.
        """
        options = ["--state", state, "--inspection-level", level, "--input", "-"]
        options += ["--mock", json.dumps(mock)] if mock is not None else []
        options += ["--variables", json.dumps(variables)] if variables is not None else []
        return command("test-state", *options, *paths([file]), stdin=input, expect=(0, 1))

    @server.tool()
    def coverage(tests: list[str] | None = None) -> str:
        """Run the project's tests with pytest and tell what they do not reach: states, branches of Choice, retriers
        and catchers, with their places. `tests` are files or folders; all by default."""
        with tempfile.TemporaryDirectory() as scratch:
            report = Path(scratch) / "coverage.json"
            options = ["--quiet", "--color=no", "-p", "no:cacheprovider", "--flow-cover-json", str(report)]
            answer = run_module("pytest", [*options, *paths(tests)], folder=folder, timeout=TIMEOUT)
            reached = json.loads(report.read_text()) if report.exists() else None
        return json.dumps({"tests": _tests(answer), "coverage": _missing(reached)}, indent=2, ensure_ascii=False)

    return server


def _refuse_others(arguments: Mapping[str, Any], tool: str, known: Collection[str]) -> None:
    from mcp.server.mcpserver.exceptions import ToolError

    for name in arguments:
        if name not in known:
            hint = did_you_mean(name, known) or f"it takes {', '.join(known)}"
            raise ToolError(f"{tool} has no argument {name!r}: {hint}")


def _pairs(option: str, values: Mapping[str, Any] | None) -> list[str]:
    return [word for state, value in (values or {}).items() for word in (option, f"{state}={json.dumps(value)}")]


def _path(name: str, folder: Path) -> str:
    """The path, which no command takes for an option. Raises ToolError if it leads out of the project's folder: the
    tools run what is in the files, and the agent may have the path from a text of others."""
    from mcp.server.mcpserver.exceptions import ToolError

    file, *_ = name.partition("::")  # pytest's name of a test
    if "\0" in name or not Path(os.path.realpath(folder / file)).is_relative_to(os.path.realpath(folder)):
        raise ToolError(f"{file!r} is not in the project's folder {str(folder)!r}")
    return f"./{name}" if name.startswith(("-", "@")) else name


def _text(answer: CommandResult, expected: tuple[int, ...]) -> str:
    """What the command printed. Raises ToolError if it did not do what it should."""
    from mcp.server.mcpserver.exceptions import ToolError

    if answer.code is None:
        raise ToolError(f"it took longer than {TIMEOUT:.0f} seconds")
    if answer.code not in expected or not answer.stdout:
        raise ToolError(_cut(answer.stderr.strip() or answer.stdout.strip() or f"exit code {answer.code}"))
    return _cut("\n".join(filter(None, [answer.stdout.strip(), answer.stderr.strip()])))


def _cut(text: str) -> str:
    """The text, without its middle if it is too long: what comes first and last says most."""
    if len(text) <= _MOST:
        return text
    left_out = len(text) - _MOST
    return f"{text[: _MOST // 2]}\n… {left_out} characters left out …\n{text[-_MOST // 2 :]}"


def _tests(answer: CommandResult) -> dict[str, Any]:
    return {"passed": answer.code == 0, "output": _cut((answer.stdout + answer.stderr).strip())}


def _missing(report: Mapping[str, Any] | None) -> Any:
    """The report without what was reached."""
    if report is None:
        return None
    machines = {
        name: {
            "percent": machine["percent"],
            "missing": [
                {"kind": item["kind"], "about": item["about"], "place": item["place"]}
                for item in machine["items"]
                if not item["reached"]
            ],
        }
        for name, machine in report["machines"].items()
    }
    return {"percent": report["percent"], "machines": machines}
