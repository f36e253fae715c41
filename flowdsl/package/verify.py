"""Run each zip of a build as Lambda does: in a process of its own, which imports from the zip alone.

The process runs AWS's own runtime client (awslambdaric) against a Runtime API on this computer. Its `sys.path` has the
unzipped function, the packages that Lambda's runtime contains, and the standard library, so an import that works only
in the project's environment fails here as it would in Lambda. Calls to AWS are refused unless AWS_ENDPOINT_URL is set.

An event is a file `test_event*.json` in the function's folder, to which the handler must respond. Without one the event
is `{}`, and the handler may fail with an error of its own, but not exit, exceed its time or miss a module.
"""

from __future__ import annotations

import os
import platform
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from importlib import metadata
from pathlib import Path
from queue import Empty
from textwrap import indent
from threading import Thread
from typing import Any

from attrs import define, frozen

from ..author.functions import Function
from ..base.diagnostics import Diagnostic, FlowError
from ..base.document import read_json
from ..base.source import display_path
from .handler import MACHINES, span
from .manifest import Manifest, Packaged
from .runtime_api import Invocation, Report, RuntimeApi

EVENTS = "test_event*.json"
"""The files of a function's folder that are test events."""

_RUNTIME_CLIENT, _SDK = "awslambdaric", "boto3"
"""The distributions that Lambda's runtime contains, with all that they need."""

_INIT_SECONDS = 10.0
"""Of the init phase; one that takes longer starts again in the first invocation, within the function's timeout.

Source: Lambda Developer Guide, "Understanding the Lambda execution environment lifecycle".
"""
_MAX_RESPONSE = 6_291_556
"""Bytes. Source: Lambda Developer Guide, "Lambda quotas"."""

_START = "import sys; sys.path[:0] = sys.argv[2:]; from awslambdaric.__main__ import main; main(sys.argv[:2])"
_PASSED_ON = ("LD_LIBRARY_PATH", "AWS_ENDPOINT_URL")
_LIBRARIES = (".so", ".pyd", ".dylib")

Progress = Callable[[str, str], None]


@frozen
class _Failure:
    """Why an invocation failed, as Lambda's caller sees it."""

    error: str
    message: str
    trace: Sequence[str] = ()


def verify(
    functions: Iterable[Function], build: Manifest, *, zips: Path, root: Path, on_progress: Progress
) -> list[Diagnostic]:
    """Run every function's zip with its test events.

    Return a warning for each function that cannot run here. Raises FlowError with all functions that would fail.
    """
    problems: list[Diagnostic] = []
    with tempfile.TemporaryDirectory(prefix="flowdsl-verify-") as folder:
        runtime = Path(folder, "runtime")
        _link_runtime(runtime)
        for function in sorted(functions, key=lambda each: each.name):
            if function.name not in build.functions:
                continue  # it is deployed elsewhere
            task = Path(folder, function.name).resolve()
            one = _Verification(function, build.functions[function.name], zips, root, task, runtime)
            problem = one.run()
            if problem is None:
                on_progress(function.name, f"verified with Python {_local_python()}: {one.outcome}")
            else:
                problems.append(problem)
    if any(problem.severity == "error" for problem in problems):
        raise FlowError(*problems)
    return problems


@define
class _Verification:
    """One function's zip; `task` is the folder to unzip it to, and `outcome` describes the last answer."""

    function: Function
    packaged: Packaged
    zips: Path
    root: Path
    task: Path
    runtime: Path
    outcome: str = ""

    def run(self) -> Diagnostic | None:
        from zipfile import ZipFile

        (self.task / "tmp").mkdir(parents=True)
        with ZipFile(self.zips / self.packaged.file) as archive:
            archive.extractall(self.task / "task")
            for entry in archive.infolist():  # which leaves out that programs are executable
                (self.task / "task" / entry.filename).chmod(entry.external_attr >> 16 & 0o777)
        for file, body in self._events():
            failure = self._invoke(body)
            name = display_path(file) if file else "{}"
            why = "" if file else f", as there is no {EVENTS}"
            self.outcome = f"answers {name}" + (f" with {failure.error}{why}" if failure else "")
            if failure and (file or _is_lambdas(failure)):
                return self._diagnose(failure, name)
        return None

    def _events(self) -> Iterator[tuple[Path | None, bytes]]:
        files = sorted((self.root / self.function.source).glob(EVENTS))
        for file in files:
            text = file.read_text(encoding="utf-8", errors="replace")
            read_json(text, display_path(file))
            yield file, text.encode()
        if not files:
            yield None, b"{}"

    def _invoke(self, body: bytes) -> _Failure | None:
        seconds = float(self.packaged.timeout)
        request = "00000000-0000-4000-8000-000000000001"
        with RuntimeApi() as api, tempfile.TemporaryFile() as log:
            process = subprocess.Popen(  # noqa: S603 - this interpreter, on the project's own code
                [sys.executable, "-I", "-S", "-c", _START, self.packaged.handler, *map(str, self._path)],
                cwd=self.task / "task",
                env=self._environment(api.address),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
            Thread(target=lambda: api.reports.put(Report("exit", process.wait())), daemon=True).start()
            try:
                report = _wait(api, _INIT_SECONDS + seconds)
                if report and report.kind == "next":
                    api.events.put(Invocation(body, request, self._arn, seconds))
                    report = _wait(api, seconds)
            finally:
                process.kill()
                process.wait()
            return _judge(report, request, seconds, lambda: _last_lines(log))

    @property
    def _path(self) -> list[Path]:
        return [self.task / "task", self.runtime]

    @property
    def _arn(self) -> str:
        return f"arn:aws:lambda:us-east-1:123456789012:function:{self.function.name}"

    def _environment(self, api: str) -> dict[str, str]:
        """The variables that Lambda sets, with credentials that are valid nowhere.

        Source: Lambda Developer Guide, "Defined runtime environment variables".
        """
        name, group = self.function.name, f"/aws/lambda/{self.function.name}"
        own = {variable: os.environ[variable] for variable in _PASSED_ON if variable in os.environ}
        return {
            **self.packaged.environment,
            "AWS_ENDPOINT_URL": f"http://{api}",
            **own,
            "AWS_LAMBDA_RUNTIME_API": api,
            "_HANDLER": self.packaged.handler,
            "LAMBDA_TASK_ROOT": str(self.task / "task"),
            "LAMBDA_RUNTIME_DIR": str(self.runtime),
            "AWS_LAMBDA_FUNCTION_NAME": name,
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(self.packaged.memory),
            "AWS_LAMBDA_LOG_GROUP_NAME": group,
            "AWS_LAMBDA_LOG_STREAM_NAME": "verify",
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            "AWS_EXECUTION_ENV": f"AWS_Lambda_{self.packaged.runtime}",
            "AWS_REGION": "us-east-1",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "verify",
            "AWS_SECRET_ACCESS_KEY": "verify",
            "AWS_EC2_METADATA_DISABLED": "true",
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "TMPDIR": str(self.task / "tmp"),
            "LANG": "en_US.UTF-8",
            "TZ": ":UTC",
        }

    def _diagnose(self, failure: _Failure, event: str) -> Diagnostic:
        cause = f"{failure.error}: {failure.message}".removesuffix(": ")
        trace = "".join(indent(line.rstrip("\n"), "    ") + "\n" for line in failure.trace).rstrip()
        below = "\n" + trace.replace(f"{self.task / 'task'}/", "") if trace else ""
        name, where = f"function {self.function.name!r}", span(self.function)
        target = f"Python {self.function.python} on {self.function.architecture}"
        if self._differs_here and self._needs_target(failure):
            return Diagnostic(
                "FD624",
                f"{name} cannot be verified here, because its zip is for {target}: {cause}",
                severity="warning",
                span=where,
                hint=f"run flowdsl build --verify with {target}",
            )
        if failure.error.startswith("Runtime.") and failure.error not in ("Runtime.ExitError", "Runtime.MarshalError"):
            hint = "correct the import, or add the package to requirements.txt"
            return Diagnostic("FD621", f"{name} would not start in Lambda: {cause}{below}", span=where, hint=hint)
        if failure.error in ("Runtime.ExitError", "Sandbox.Timedout"):
            hint = "do not end the process in a handler"
            if failure.error == "Sandbox.Timedout":
                hint = f"make it answer {event} faster, or raise timeout={self.packaged.timeout}"
            return Diagnostic("FD623", f"{name} on {event}: {cause}{below}", span=where, hint=hint)
        hint = "correct the handler or the event; calls to AWS are refused unless AWS_ENDPOINT_URL is set"
        return Diagnostic("FD622", f"{name} fails on {event}: {cause}{below}", span=where, hint=hint)

    @property
    def _differs_here(self) -> bool:
        return (self.function.python, MACHINES[self.function.architecture]) != (_local_python(), _local_machine())

    def _needs_target(self, failure: _Failure) -> bool:
        """True if the failure may come from running on another Python or processor than the function's."""
        if failure.error in ("Runtime.UserCodeSyntaxError", "SyntaxError"):
            return self.function.python != _local_python()
        missing = re.search(r"No module named '([\w.]+)'", failure.message)
        stem = "" if missing is None else missing[1].replace(".", "/") + "."
        libraries = [
            file.relative_to(self.task / "task").as_posix()
            for file in (self.task / "task").rglob("*")
            if file.suffix in _LIBRARIES
        ]
        imports = ("Runtime.ImportModuleError", "ImportError", "ModuleNotFoundError")
        return failure.error in imports and any(each.startswith(stem) for each in libraries)


def _wait(api: RuntimeApi, seconds: float) -> Report | None:
    """The next thing that the process does; None if it does nothing in time."""
    try:
        return api.reports.get(timeout=seconds)
    except Empty:
        return None


def _judge(report: Report | None, request: str, seconds: float, log: Callable[[], list[str]]) -> _Failure | None:
    """The failure that Lambda makes of a report; None for a response."""
    if report is None:
        message = f"RequestId: {request} Error: Task timed out after {seconds:.2f} seconds"
        return _Failure("Sandbox.Timedout", message, log())
    if report.kind == "exit":
        status = f"exit status {report.body}" if report.body >= 0 else f"signal: {_signal_name(-report.body)}"
        message = f"RequestId: {request} Error: Runtime exited with error: {status}"
        return _Failure("Runtime.ExitError", message, log())
    if report.kind == "response":
        if len(report.body) <= _MAX_RESPONSE:
            return None
        message = f"Response payload size exceeded maximum allowed payload size ({_MAX_RESPONSE} bytes)."
        return _Failure("Function.ResponseSizeTooLarge", message)
    error: Mapping[str, Any] = report.body
    return _Failure(error.get("errorType", ""), error.get("errorMessage", ""), error.get("stackTrace") or ())


def _is_lambdas(failure: _Failure) -> bool:
    """True for errors that a handler does not raise on purpose because it does not expect the event."""
    lambdas = failure.error.startswith(("Runtime.", "Sandbox.", "Function."))
    return lambdas or failure.error in ("ImportError", "ModuleNotFoundError")


def _signal_name(number: int) -> str:
    return "killed" if number == signal.SIGKILL else (signal.strsignal(number) or str(number)).lower()


def _last_lines(log: Any) -> list[str]:
    log.seek(0)
    return log.read().decode(errors="replace").splitlines()[-10:]  # type: ignore[no-any-return]


def _local_python() -> str:
    return f"{sys.version_info.major}.{sys.version_info.minor}"


def _local_machine() -> str:
    return {"arm64": "aarch64", "AMD64": "x86_64"}.get(platform.machine(), platform.machine())


def _link_runtime(folder: Path) -> None:
    """Fill a folder with the packages of Lambda's runtime, as they are installed here."""
    try:
        metadata.distribution(_RUNTIME_CLIENT)
    except metadata.PackageNotFoundError:
        raise FlowError.of(
            f"flowdsl build --verify needs {_RUNTIME_CLIENT}, which is not installed",
            code="FD611",
            hint="install flowdsl with its extra: pip install 'flowdsl[verify]'",
        ) from None
    folder.mkdir()
    for distribution in _with_requirements(_RUNTIME_CLIENT, _SDK):
        for top in {file.parts[0] for file in distribution.files or ()} - {"..", "__pycache__", "bin"}:
            target = Path(str(distribution.locate_file(top)))
            if target.exists() and not (folder / top).exists():
                (folder / top).symlink_to(target.resolve())


def _with_requirements(*names: str) -> Iterator[metadata.Distribution]:
    """Distributions and all that they need. Leave out what is not installed: a handler that imports it will fail."""
    waiting, seen = [*names], set[str]()
    while waiting:
        name = waiting.pop()
        try:
            distribution = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            continue
        if name not in seen:
            seen.add(name)
            yield distribution
            needed = [re.match(r"[\w.-]+", each) for each in distribution.requires or () if "extra ==" not in each]
            waiting += [match[0] for match in needed if match]
