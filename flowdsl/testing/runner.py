"""Run a state machine on the embedded engine, with mocks, on a virtual clock."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from attrs import define, field, frozen

from ..asl.text import canonical_text
from ..asl.tree import Tree
from ..author.fields import UNSET
from ..base.diagnostics import FlowError
from ..base.record import evolve
from ..base.source import display_path
from ..calls import mockconfig
from ..calls.buckets import LocalFiles
from ..calls.chain import Callback
from ..calls.lambdas import Handler
from ..calls.services import Services
from ..engine import Failed, Result, Scheduler, Succeeded, VirtualClock
from ..engine.core import Program
from ..engine.limits import MAX_DATA, too_large
from ..project import Loaded, clashes, find
from ..run.local import local_settings, prepare_all, project_handlers
from .answers import Answer, copy_json
from .history import History
from .machines import Machine, functions, resolve
from .mocks import Mock, Mocks, Raising, to_answer
from .run import ExecutionAlreadyExists, ExecutionFailed, Run, Status, StillRunning, UnmockedCall

START = datetime(2025, 1, 1, tzinfo=UTC)

Observer = Callable[[Loaded, Sequence[History]], None]
observers: list[Observer] = []
"""Called after each execution, with its state machine, its history and those of the child executions of its Maps."""


@define
class Latest:
    """The execution that a runner ran last: a failing test shows its route."""

    machine: Loaded | None = None
    name: str = ""
    history: History | None = None


latest = Latest()


@frozen
class _Ended:
    """What a runner keeps of an execution that has ended."""

    arn: str
    status: Status


@define(repr=False)
class Runner:
    """Runs one state machine any number of times, on one virtual clock.

    The project's functions run in this process; all other calls need a mock.
    """

    machine: Loaded
    mocks: Mocks
    scheduler: Scheduler
    program: Program
    nested: tuple[Loaded, ...] = ()
    """The machines that it may start (states:startExecution)."""
    _started: dict[str, Result | _Ended] = field(factory=dict, init=False)
    _observed: set[str] = field(factory=set, init=False)
    _has_new_mocks: bool = field(default=False, init=False)
    _lock: threading.Lock = field(factory=threading.Lock, init=False)
    """Several threads may run executions at once."""

    def __repr__(self) -> str:
        return f"Runner({self.machine.name!r})"

    @classmethod
    def of(
        cls,
        machine: Machine | None = None,
        *,
        root: Path | None = None,
        type: Literal["STANDARD", "EXPRESS"] | None = None,
        handlers: Mapping[str, Handler | Path | str] | None = None,
        buckets: Mapping[str, Path | str] | None = None,
        machines: Iterable[Machine] = (),
        endpoint: str | None = None,
        start: datetime = START,
        seed: int = 0,
    ) -> Runner:
        """A runner of this machine; None is that of `[tool.flowdsl]` in the project around `root`.

        `handlers` are Python functions, or the folders of their handler.py, by the Lambda function's name, in addition
        to those of the flow; `type` is the type of a definition from a file; `buckets` are folders in place of S3
        buckets; `machines` are the state machines that `states:startExecution` may start, by name; `endpoint` is the
        URL, such as moto's server, of all other calls to services (environment variables are ignored); `start` is the
        first moment of the virtual clock; `seed` determines the jitter of retries. Raises FlowError.
        """
        root = root or Path.cwd()
        loaded = resolve(machine, root)
        if type is not None:
            loaded = evolve(loaded, type=type)
        nested = tuple(resolve(each, root) for each in machines)
        known = {name: handler for each in (loaded, *nested) for name, handler in functions(each, root).items()}
        project = find(root)
        settings = local_settings(project, {})
        for name, handler in (handlers or {}).items():
            if callable(handler):
                known[name] = handler
            elif isinstance(handler, str | Path):
                known[name] = project_handlers([], project, {name: handler}, region=settings.region)[name]
            else:
                raise TypeError(
                    f"handlers={{{name!r}: {handler!r}}}: expected a function of an event and a context, or a path"
                )
        same = clashes([loaded, *nested])
        if same:
            raise FlowError(*same)
        programs = prepare_all((*nested, loaded), settings)
        mocks = Mocks.of(
            known,
            [each.definition for each in (loaded, *nested)],
            programs,
            LocalFiles({bucket: _folder(bucket, root / folder) for bucket, folder in (buckets or {}).items()}),
            Services.at(endpoint, hosts=project.hosts) if endpoint else None,
        )
        scheduler = Scheduler(
            mocks.chain,
            clock=VirtualClock(start),
            settings=settings,
            machines=programs,
            mocked=mocks.chain.stands_in,
            seed=seed,
        )
        return cls(loaded, mocks, scheduler, programs[loaded.name], nested)

    def mock(
        self,
        target: str,
        *script: Any,
        returns: Any = UNSET,
        raises: BaseException | type[BaseException] | None = None,
        effect: Callable[[Any], Any] | None = None,
    ) -> Mock:
        """Answer the calls of a state, function or service.

        `target` is a state's name, a function's name or ARN, or a Resource (`dynamodb:putItem`). `script` answers the
        first calls, in order: faults (see flowdsl.testing.answers) and plain values, one call each. `returns` (a
        value), `raises` (an exception, reported as Lambda reports it) or `effect` (a function from the payload to the
        result; an `assert` in it fails the test) answers all further calls; without these the real handler does. A
        later mock of the same target replaces this one.
        """
        answers = [returns is not UNSET, raises is not None, effect is not None]
        if sum(answers) > 1:
            raise TypeError("mock(...) takes only one of returns=, raises= and effect=")
        if raises is not None:
            effect = Raising(raises)
        elif returns is not UNSET:
            value = copy_json(returns, "returns=")
            effect = lambda event: value  # noqa: E731 - what it returns is all there is to it
        mock = Mock(target, [to_answer(entry) for entry in script], effect)
        self.mocks.mocks[target] = mock
        self._has_new_mocks = True
        return mock

    def answer(
        self,
        state: str,
        output: Any,
        *,
        after: float = 0.0,
        heartbeats: Sequence[float] = (),
        times: int | None = None,
    ) -> None:
        """Answer the task token of a state, or an activity, with a value or with `fail(error, cause)`.

        `after`, and `heartbeats` (when heartbeats are sent), are seconds of virtual time from the call. `times` is the
        number of calls to answer (None for all); further answers for the same state follow in order. Whatever receives
        the token is called as usual, or mocked; a service without mock and endpoint is not called. Raises ValueError
        for an answer after one for all calls.
        """
        if isinstance(output, Answer) and output.failure is None:
            raise TypeError(f"answer({state!r}, ...): a callback is a value or fail(error, cause)")
        if min(after, *heartbeats, 0) < 0:
            raise ValueError(f"answer({state!r}, ...): after= and heartbeats= are seconds from the call, 0 or more")
        outcome: Succeeded | Failed
        if isinstance(output, Answer) and output.failure:
            outcome = Failed(*output.failure)
        else:
            outcome = Succeeded(copy_json(output, f"the answer to {state!r}"))
            if too_large(outcome.output):
                raise ValueError(f"answer({state!r}, ...): SendTaskSuccess takes at most {MAX_DATA:,} bytes of JSON")
        if any(each.state == state and each.times is None for each in self.mocks.callbacks):
            raise ValueError(
                f"answer({state!r}, ...): an earlier answer is for all calls of this state; add times=1 to that one"
            )
        self.mocks.callbacks.append(Callback(state, outcome, after, tuple(heartbeats), times))
        self._has_new_mocks = True

    def mock_config(self, config: Path | str | Mapping[str, Any], *, case: str | None = None) -> None:
        """Answer calls with a test case of a MockConfigFile of Step Functions Local (a file, or its JSON value).

        `case` is None if there is only one. Mocks of the test take precedence. Raises FlowError.
        """
        states = {name for each in (self.machine, *self.nested) for name in Tree(each.definition).names}
        read = mockconfig.parse if isinstance(config, Mapping) else mockconfig.load
        source: Any = Path(config) if isinstance(config, str) else config
        self.mocks.chain.config = read(source, self.machine.name, case, states=states)

    def start(self, input: Any, *, name: str | None = None) -> Result:
        """StartExecution; `finish` then runs the execution.

        Returns the running execution of the same name and input, if there is one. Raises ExecutionAlreadyExists if an
        execution of that name has another input or has ended. An Express state machine always starts a new one.
        """
        __tracebackhide__ = True
        self.verify()
        input = copy_json(input, "the execution's input")  # noqa: A001 - the API's name
        with self._lock:
            return self._start(input, name)

    def _start(self, input: Any, name: str | None) -> Result:
        __tracebackhide__ = True
        before = self._started.get(name) if name is not None else None
        if before is not None and self.machine.type == "STANDARD":
            if (
                isinstance(before, Result)
                and before.status == "RUNNING"
                and canonical_text(before.input) == canonical_text(input)
            ):
                return before
            what = "has another input" if before.status == "RUNNING" else f"has ended {before.status}"
            raise ExecutionAlreadyExists(f"Execution Already Exists: '{before.arn}' {what}")
        name = name or str(uuid.UUID(int=len(self._started) + 1, version=4))
        result = self.scheduler.start(self.program, input, name=name)
        self._started[name] = result
        return result

    def finish(self, started: Result, *, check: bool = True) -> Run:
        """Run the execution to its end; raises ExecutionFailed unless it SUCCEEDED or `check` is False.

        Raises UnmockedCall for a call without an answer, StillRunning if it waits for a callback for ever.
        """
        __tracebackhide__ = True
        self.verify()
        try:
            self.scheduler.finish(started)
        except UnmockedCall as error:
            raise UnmockedCall(str(error)) from None  # without the engine's frames, which do not help the test's author
        finally:
            latest.machine, latest.name, latest.history = self.machine, started.name, History(started.history)
        if started.status == "RUNNING":
            visits = [visit.name for visit in History(started.history).visits if visit.stop is None]
            raise StillRunning(
                f"execution {started.name!r} waits in {', '.join(map(repr, visits))} for something that nothing will "
                f"send; answer it: flow.answer({visits[-1]!r}, {{...}}, after=30)"
            )
        run = _run(started)
        if observers:
            with self._lock:
                self._observe(run)
        with self._lock:  # the test holds what it needs
            if self._started.get(started.name) is started:
                self._started[started.name] = _Ended(started.arn, run.status)
            self.scheduler.forget(started)
        if check and run.status != "SUCCEEDED":
            raise ExecutionFailed(run)
        return run

    def run(self, input: Any, *, name: str | None = None, check: bool = True) -> Run:
        """Start an execution and run it to its end: see `start` and `finish`."""
        __tracebackhide__ = True
        return self.finish(self.start(input, name=name), check=check)

    def verify(self, *, only_new: bool = False) -> None:
        """Raise LookupError if a mock or an answer has a target that the machines lack.

        Every run does this first. `only_new` does nothing if no mock was added since: for the end of a test.
        """
        __tracebackhide__ = True
        if only_new and not self._has_new_mocks:
            return
        self._has_new_mocks = False
        self.mocks.verify(self.machine.name)

    def _observe(self, run: Run) -> None:
        """Pass the execution, and child executions that have ended since, to the observers: those of a Distributed Map
        with their execution, nested ones with their own state machine."""
        self._observed |= {each.arn for each in self._started.values()}
        children = [each for arn, each in list(self.scheduler.executions.items()) if arn not in self._observed]
        self._observed |= {each.arn for each in children}
        seen: dict[str, list[History]] = {self.machine.name: [run.history]}
        for each in children:
            name = each.identity.state_machine_name.partition("/")[0]
            seen.setdefault(name, []).append(History(each.history))
        for machine in (self.machine, *self.nested):
            if machine.name in seen:
                for observer in observers:
                    observer(machine, seen[machine.name])


def _folder(bucket: str, folder: Path) -> Path:
    if not folder.is_dir():
        raise FlowError.of(f"buckets={{{bucket!r}: ...}}: {display_path(folder)} is not a folder", code="FD711")
    return folder


def _run(result: Result) -> Run:
    assert result.status != "RUNNING" and result.stop_date is not None  # noqa: S101, PT018 - finished
    children = tuple(_run(child) for child in result.children if child.status != "RUNNING")
    return Run(
        name=result.name,
        arn=result.arn,
        status=result.status,
        input=result.input,
        output=result.output,
        error=result.error,
        cause=result.cause,
        start=datetime.fromtimestamp(result.start_date, UTC),
        stop=datetime.fromtimestamp(result.stop_date, UTC),
        history=History(result.history),
        children=children,
    )
