"""Runs a machine on the embedded engine, with mocks, on a virtual clock."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from attrs import define, evolve, field

from ..asl.text import canonical_text
from ..asl.tree import Tree
from ..author.fields import UNSET
from ..base.diagnostics import FlowError
from ..base.source import display_path
from ..calls import mockconfig
from ..calls.buckets import LocalFiles
from ..calls.chain import Callback
from ..calls.lambdas import Handler
from ..calls.services import Services
from ..engine import Failed, Result, Scheduler, Settings, Succeeded, VirtualClock
from ..engine.core import Program
from ..engine.limits import MAX_DATA, too_large
from ..project import Loaded, clashes, find
from ..run.local import prepared, project_handlers
from .answers import Answer, copied
from .history import History
from .machines import Machine, functions, resolve
from .mocks import Mock, Mocks, Raising, scripted
from .run import ExecutionAlreadyExists, ExecutionFailed, Run, StillRunning, UnmockedCall

REGION, ACCOUNT = "us-east-1", "123456789012"
"""Where executions seem to run, unless `[tool.flowdsl]` says otherwise."""
START = datetime(2025, 1, 1, tzinfo=UTC)

Observer = Callable[[Loaded, Sequence[History]], None]
observers: list[Observer] = []
"""Told of every machine that was run, with the histories of its execution and of the child executions of its Maps."""


@define
class Runner:
    """Runs one state machine, any number of times, on one virtual clock.

    The functions of the project run in this process; everything else has to be mocked. `run.history` answers what
    happened, `run.waited(...)` how long.
    """

    machine: Loaded
    mocks: Mocks
    scheduler: Scheduler
    program: Program
    nested: tuple[Loaded, ...] = ()
    """The machines that it may start (states:startExecution)."""
    _started: dict[str, Result] = field(factory=dict, init=False)
    _observed: set[str] = field(factory=set, init=False)

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

        `handlers` are Python functions, or the folders of their handler.py, by the Lambda function's name, besides
        those that the machine names; `type` is that of a definition which does not say it; `buckets`
        are folders in place of S3 buckets; `machines` are those that `states:startExecution` starts, by their names;
        `endpoint` is the URL of what answers all other calls to services, such as moto's server (nothing is read from
        the environment); `start` is the first moment of the virtual clock; `seed` decides the jitter of retries.
        Raises FlowError.
        """
        root = root or Path.cwd()
        loaded = resolve(machine, root)
        if type is not None:
            loaded = evolve(loaded, type=type)
        nested = tuple(resolve(each, root) for each in machines)
        known = {name: handler for each in (loaded, *nested) for name, handler in functions(each, root).items()}
        found = find(root)
        for name, handler in (handlers or {}).items():
            if callable(handler):
                known[name] = handler
            elif isinstance(handler, str | Path):
                known[name] = project_handlers([], found, {name: handler})[name]
            else:
                raise TypeError(f"handlers={{{name!r}: {handler!r}}}: write a function of an event and a context")
        same = clashes([loaded, *nested])
        if same:
            raise FlowError(*same)
        mocks = Mocks.of(
            known,
            LocalFiles({bucket: _folder(bucket, root / folder) for bucket, folder in (buckets or {}).items()}),
            Services.at(endpoint, hosts=found.hosts) if endpoint else None,
        )
        settings = Settings(found.region or REGION, found.account or ACCOUNT)
        programs = prepared((*nested, loaded), settings)
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
        """Let something else answer than the real thing.

        `target` is a state's name, a function's name or ARN, or a Resource (`dynamodb:putItem`). `script` is answered
        first, in order: faults (see flowdsl.testing.answers) and plain values, one call each; then `returns` (a value),
        `raises` (an exception, with Lambda's error shape) or `effect` (a function from the payload to the value; an
        `assert` in it is the test's) for every further call; without any of these the real handler. The last mock of a
        target holds.
        """
        given = [returns is not UNSET, raises is not None, effect is not None]
        if sum(given) > 1:
            raise TypeError("mock(...) takes one of returns=, raises= and effect=")
        if raises is not None:
            effect = Raising(raises)
        elif returns is not UNSET:
            value = copied(returns, "returns=")
            effect = lambda event: value  # noqa: E731 - what it returns is all there is to it
        mock = Mock(target, [scripted(entry) for entry in script], effect)
        self.mocks.mocks[target] = mock
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
        """Answer the task token of a state that waits for one: with a value, or with `fail(error, cause)`.

        `after` is in seconds of virtual time from the call, as are `heartbeats`, when a heartbeat is sent. `times` is
        how many calls are answered so (None: all); further answers for the state follow in the order given. What
        gets the token is called as usual, or mocked; a service that has neither mock nor endpoint is not called.
        Raises ValueError for an answer after one for all calls.
        """
        if isinstance(output, Answer) and output.failure is None:
            raise TypeError(f"answer({state!r}, ...): a callback is a value or fail(error, cause)")
        if min(after, *heartbeats, 0) < 0:
            raise ValueError(f"answer({state!r}, ...): after= and heartbeats= are seconds from the call, 0 or more")
        outcome: Succeeded | Failed
        if isinstance(output, Answer) and output.failure:
            outcome = Failed(*output.failure)
        else:
            outcome = Succeeded(copied(output, f"the answer to {state!r}"))
            if too_large(outcome.output):
                raise ValueError(f"answer({state!r}, ...): SendTaskSuccess takes at most {MAX_DATA:,} bytes of JSON")
        if any(each.state == state and each.times is None for each in self.mocks.callbacks):
            raise ValueError(
                f"answer({state!r}, ...): an earlier answer is for all calls of this state; add times=1 to that one"
            )
        self.mocks.callbacks.append(Callback(state, outcome, after, tuple(heartbeats), times))

    def mock_config(self, config: Path | str | Mapping[str, Any], *, case: str | None = None) -> None:
        """Let a test case of a MockConfigFile of Step Functions Local (a file, or its JSON) answer the states that it
        names, where they have no mock of their own; None is the only case there is. Raises FlowError.
        """
        states = {name for each in (self.machine, *self.nested) for name in Tree(each.definition).names}
        read = mockconfig.parse if isinstance(config, Mapping) else mockconfig.load
        source: Any = Path(config) if isinstance(config, str) else config
        self.mocks.chain.config = read(source, self.machine.name, case, states=states)

    def start(self, input: Any, *, name: str | None = None) -> Result:
        """StartExecution: the execution moves on in `finish`.

        A running execution of the same name and input is returned again. Raises ExecutionAlreadyExists where one of
        that name has another input or has ended; an Express machine starts a new one each time.
        """
        self._verify()
        input = copied(input, "the execution's input")  # noqa: A001 - the API's name
        before = self._started.get(name) if name is not None else None
        if before is not None and self.machine.type == "STANDARD":
            if before.status == "RUNNING" and canonical_text(before.input) == canonical_text(input):
                return before
            what = "has another input" if before.status == "RUNNING" else f"has ended {before.status}"
            raise ExecutionAlreadyExists(f"Execution Already Exists: '{before.arn}' {what}")
        name = name or str(uuid.UUID(int=len(self._started) + 1, version=4))
        result = self.scheduler.start(self.program, input, name=name)
        self._started[name] = result
        return result

    def finish(self, started: Result, *, check: bool = True) -> Run:
        """Run until it has ended; raises ExecutionFailed unless it SUCCEEDED, or `check` is False.

        Raises UnmockedCall where it calls what is not there, and StillRunning where it waits for a callback for ever.
        """
        __tracebackhide__ = True
        self._verify()
        try:
            self.scheduler.finish(started)
        except UnmockedCall as error:
            raise UnmockedCall(str(error)) from None  # the frames of the engine say nothing to the test's author
        if started.status == "RUNNING":
            visits = [visit.name for visit in History(started.history).visits if visit.stop is None]
            raise StillRunning(
                f"execution {started.name!r} waits in {', '.join(map(repr, visits))} for what nobody sends: "
                f"answer it, as with flow.answer({visits[-1]!r}, {{...}}, after=30)"
            )
        run = _run(started)
        if observers:
            self._observe(run)
        if check and run.status != "SUCCEEDED":
            raise ExecutionFailed(run)
        return run

    def run(self, input: Any, *, name: str | None = None, check: bool = True) -> Run:
        """Start an execution and run it to its end: see `start` and `finish`."""
        __tracebackhide__ = True
        return self.finish(self.start(input, name=name), check=check)

    def _verify(self) -> None:
        definitions = [each.definition for each in (self.machine, *self.nested)]
        self.mocks.verify(definitions, self.machine.name)

    def _observe(self, run: Run) -> None:
        """Tell of the execution, and of the child executions that have ended since: those of a Distributed Map count as
        the execution's own, a nested one as its machine's."""
        self._observed |= {each.arn for each in self._started.values()}
        children = [each for arn, each in self.scheduler.executions.items() if arn not in self._observed]
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
        raise FlowError.of(f"buckets={{{bucket!r}: ...}}: there is no folder {display_path(folder)}", code="FD711")
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
