"""The pytest plugin: the fixtures `flow`, `flow_machine` and `asl_snapshot`, and coverage of flows.

    pytest --flow-coverage                      report what the tests reach of the project's flow
    pytest --flow-coverage=html                 write pages with the pictures of the flows, lit by what tests reach
    pytest --flow-cover-fail-under=95           fail below this percentage
    pytest --flow-cover-machine='payment*'      report on these state machines

The rest of flowdsl is imported when a test uses a fixture or coverage is switched on.
"""

from __future__ import annotations

import json
import sys
import warnings
from collections.abc import Generator, Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from .testing import Coverage, Machine, Runner
    from .testing.runner import Latest

_WORKER_OUTPUT = "flowdsl_coverage"


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("flowdsl", "flows of AWS Step Functions")
    group.addoption(
        "--flow-coverage",
        action="store_true",
        help="Report which states, branches, retriers and catchers the tests reach: of the state machines of "
        "[tool.flowdsl], or of all that ran if it sets no flow.",
    )
    # An option of its own, because with an optional value `--flow-coverage tests/` would take the path for it.
    group.addoption(
        "--flow-coverage=html",
        dest="flow_cover_html",
        action="store_const",
        const="htmlflow",
        help="Also write pages into the folder htmlflow: each state machine with what tests reach, and which.",
    )
    group.addoption(
        "--flow-cover-html",
        dest="flow_cover_html",
        metavar="FOLDER",
        help="As --flow-coverage=html, into another folder.",
    )
    group.addoption(
        "--flow-cover-machine",
        action="append",
        metavar="NAME",
        help="Report on this state machine (a name; * and ? are wildcards); can be repeated.",
    )
    group.addoption(
        "--flow-cover-fail-under",
        type=float,
        metavar="PERCENT",
        help="Fail if coverage is lower. Implies --flow-coverage.",
    )
    group.addoption("--flow-cover-json", metavar="FILE", help="Write the coverage as JSON. Implies --flow-coverage.")
    parser.addini("flow_coverage", "As --flow-coverage.", type="bool", default=False)
    parser.addini("flow_cover_machine", "As --flow-cover-machine.", type="args", default=[])
    parser.addini("flow_cover_fail_under", "As --flow-cover-fail-under.", default="")


def pytest_configure(config: pytest.Config) -> None:
    options = config.option
    wanted = (
        options.flow_coverage
        or options.flow_cover_fail_under is not None
        or options.flow_cover_json
        or options.flow_cover_html
        or config.getini("flow_coverage")
        or config.getini("flow_cover_fail_under")
    )
    if wanted and not options.collectonly:
        config.pluginmanager.register(_FlowCoverage(config), "flowdsl-coverage")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(call: pytest.CallInfo[None]) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Put the route of a failed test's last execution before what pytest captured."""
    report = yield
    if "flowdsl.testing.runner" in sys.modules:
        from .testing import runner

        if report.failed and call.when == "call" and runner.latest.history is not None:
            report.sections.insert(0, _describe_latest(runner.latest))
        if call.when != "call":
            runner.latest = runner.Latest()
    return report


def _describe_latest(latest: Latest) -> tuple[str, str]:
    from .project import locate_state
    from .run.route import describe_failed_run

    assert latest.machine is not None and latest.history is not None  # noqa: S101, PT018 - set together
    machine = latest.machine
    lines = describe_failed_run(latest.history.events, lambda state: locate_state(machine, state))
    return f"Flow {machine.name}, execution {latest.name}", "\n".join(lines)


class _FlowCoverage:
    """Measures in this process; under pytest-xdist the workers measure and the controller adds their counts up."""

    def __init__(self, config: pytest.Config) -> None:
        from .testing import Coverage
        from .testing.runner import observers

        self.coverage: Coverage = Coverage()
        self.selected: Coverage = Coverage()
        self._observers = observers
        self._problem = ""
        self._written = ""
        self._config = config
        self._fail_under = config.option.flow_cover_fail_under
        if self._fail_under is None:
            self._fail_under = _percentage(config.getini("flow_cover_fail_under"))
        self._html: str | None = config.option.flow_cover_html
        self._test = ""
        observers.append(self._observe)

    def pytest_unconfigure(self) -> None:
        if self._observe in self._observers:
            self._observers.remove(self._observe)

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self._test = nodeid

    def _observe(self, machine: Any, histories: Any) -> None:
        self.coverage.observe(machine, histories, test=self._test if self._html else "")

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any, error: object) -> None:  # noqa: ARG002 - xdist's signature
        self.coverage.merge(getattr(node, "workeroutput", {}).get(_WORKER_OUTPUT, {}))

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        output = getattr(self._config, "workeroutput", None)
        if output is not None:
            output[_WORKER_OUTPUT] = self.coverage.data()
            return
        self.selected = self._select()
        if self._config.option.flow_cover_json:
            self._write_json(self._config.option.flow_cover_json)
        if self._html:
            self._write_html(Path(self._html))
        if (self._fails or self._problem) and session.exitstatus in (
            pytest.ExitCode.OK,
            pytest.ExitCode.NO_TESTS_COLLECTED,
        ):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        from .testing.report import lines

        terminalreporter.section("flow coverage")
        if self._problem:
            terminalreporter.write_line(self._problem, red=True)
        if not self.selected.machines:
            terminalreporter.write_line("no state machine was run")
        else:
            for line in lines(self.selected):
                terminalreporter.write_line(line)
        if self._written:
            terminalreporter.write_line(f"pages: {self._written}")
        if self._fails:
            message = f"flow coverage of {self.selected.percent:.2f}% is less than {self._fail_under:g}%"
            terminalreporter.write_line(f"FAIL: {message}", red=True, bold=True)

    @property
    def _fails(self) -> bool:
        return self._fail_under is not None and self.selected.percent < self._fail_under

    def _select(self) -> Coverage:
        """The state machines to report on; those of the project count even if no test ran them."""
        from .base.diagnostics import FlowError
        from .testing import Coverage
        from .testing.machines import of_project

        patterns = self._config.option.flow_cover_machine or self._config.getini("flow_cover_machine")
        try:
            own = of_project(self._config.rootpath)
        except FlowError as error:
            self._problem, own = f"the flow of [tool.flowdsl] cannot be loaded: {error}", []
        names = {machine.name for machine in own}
        for machine in own:
            if not patterns or _matches(machine.name, patterns):
                self.coverage.expect(machine)
        return Coverage(
            {
                name: measured
                for name, measured in self.coverage.machines.items()
                if (_matches(name.partition("#")[0], patterns) if patterns else not names or name in names)
            }
        )

    def _write_json(self, file: str) -> None:
        try:
            Path(file).write_text(json.dumps(self.selected.summary(), indent=2) + "\n", encoding="utf-8")
        except OSError as error:
            self._problem = f"{file} cannot be written: {error.strerror}"

    def _write_html(self, folder: Path) -> None:
        from .base.diagnostics import FlowError
        from .base.files import write_file
        from .testing.coverage_page import INDEX, pages

        try:
            for name, text in pages(self.selected).items():
                write_file(folder / name, text, code="FD971", hint="choose another folder with --flow-cover-html")
        except FlowError as error:
            self._problem = str(error)
        else:
            self._written = str(folder / INDEX)


def _matches(name: str, patterns: list[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def _percentage(text: str) -> float | None:
    if not text:
        return None
    try:
        return float(text)
    except ValueError:
        raise pytest.UsageError(f"flow_cover_fail_under: expected a number such as 95, not {text!r}") from None


@pytest.fixture
def flow_machine() -> Machine | None:
    """The state machine under test. Override it to return a StateMachine, ASL or a file; None is the project's."""
    return None


@pytest.fixture
def flow(flow_machine: Machine | None, request: pytest.FixtureRequest) -> Iterator[Runner]:
    """Runs the state machine under test on the embedded engine, with mocks and a virtual clock: a testing.Runner."""
    from .base.diagnostics import FlowError
    from .testing import Runner

    try:
        runner = Runner.of(flow_machine, root=request.config.rootpath)
    except FlowError as error:
        pytest.fail(str(error), pytrace=False)
    yield runner
    try:
        runner.verify(only_new=True)
    except LookupError as error:
        pytest.fail(str(error), pytrace=False)


@pytest.fixture
def asl_snapshot(request: pytest.FixtureRequest) -> Any:
    """A syrupy snapshot of a definition: `assert machine == asl_snapshot(name="payment")`."""
    try:
        from .testing.snapshots import AslSnapshotExtension
    except ImportError:
        pytest.fail("the fixture asl_snapshot needs syrupy: pip install syrupy", pytrace=False)
    # syrupy expects the test's name in a snapshot's; these carry the machine's. pytest undoes this after the test.
    warnings.filterwarnings("ignore", r"\s*Can not relate snapshot", UserWarning)
    return request.getfixturevalue("snapshot").use_extension(AslSnapshotExtension)
