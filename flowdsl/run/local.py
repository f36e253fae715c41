"""Run a state machine in this process: with the project's handlers, mocks and callbacks."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from attrs import evolve, frozen

from ..asl.placeholders import fill_placeholders
from ..base.alarm import OverdueError, raise_after
from ..calls.buckets import LocalFiles
from ..calls.chain import Callback, Chain
from ..calls.functions import find_handlers
from ..calls.lambdas import Handler, LocalLambdas
from ..calls.mockconfig import MockConfig
from ..calls.process import call_in_time
from ..calls.replies import refuse_call
from ..calls.services import Services
from ..engine import (
    Call,
    Invoker,
    Listener,
    Reply,
    Result,
    Scheduler,
    Settings,
    Succeeded,
    VirtualClock,
    WallClock,
    prepare,
)
from ..engine.core import Program
from ..project import Loaded, Project, functions
from .output import Output, capture_output


@frozen
class Failure:
    """The calls of a state fail with an error: so many of them, before they are answered otherwise, or all."""

    error: str
    times: int | None = None


@frozen
class Answers:
    """Answers to the calls of states, by state name; values are JSON values."""

    mocks: Mapping[str, Any] = {}
    """The result of a Task, or of its call if the Task then waits for a callback."""
    failures: Mapping[str, Failure] = {}
    """The error of a Task's calls; a mock of the same state answers the calls after them."""
    callbacks: Mapping[str, Any] = {}
    """The output that SendTaskSuccess sends to a Task that waits for a callback, right after its call."""
    config: MockConfig | None = None
    """A test case of a MockConfigFile."""
    buckets: Mapping[str, Path] = {}
    """Folders in place of S3 buckets, by the bucket's name, for ItemReader, ResultWriter and Tasks that use S3."""


def run(
    loaded: Loaded,
    input: Any,
    *,
    project: Project,
    name: str = "local",
    answers: Answers | None = None,
    handlers: Mapping[str, str] | None = None,
    machines: Sequence[Loaded] = (),
    seed: int = 0,
    real_time: bool = False,
    on_event: Listener | None = None,
    on_output: Output | None = None,
    otherwise: Invoker = refuse_call,
) -> Result:
    """Run one execution to its end, or until it waits for something that never comes.

    `handlers` are further functions, as in Project.handlers; `machines` are the state machines that
    `states:startExecution` may start, by name; `seed` determines everything random. Unless `real_time` is set, waits
    take no time and calls are made one after the other. What handlers write goes to `on_output`, or else to stderr.
    Calls without an answer go to `otherwise`. Raises FlowError for a definition that cannot be run, and whatever
    `otherwise` raises.
    """
    settings = local_settings(project)
    programs = prepare_all((*machines, loaded), settings)
    functions_by_name = project_handlers([loaded, *machines], project, handlers, region=settings.region)
    answerers = chain(functions_by_name, project, answers, otherwise)
    invoke = _limit_time(answerers)
    with ExitStack() as stack:
        if on_output is not None:
            invoke = stack.enter_context(capture_output(invoke, on_output))
        scheduler = Scheduler(
            invoke,
            clock=WallClock() if real_time else VirtualClock(datetime.now(UTC)),
            settings=settings,
            machines=programs,
            mocked=answerers.stands_in,
            on_event=on_event,
            seed=seed,
        )
        result = scheduler.start(programs[loaded.name], input, name=name)
        scheduler.finish(result)
    return result


def _limit_time(invoke: Invoker) -> Invoker:
    """Give up a call that in reality takes longer than the TimeoutSeconds of its Task: a handler that hangs must not
    hang the run. Apart from that, the real time that a handler takes does not count on a virtual clock."""

    def limited(call: Call) -> Reply:
        if call.timeout_seconds is None:
            return invoke(call)
        overdue = OverdueError()
        try:
            with raise_after(call.timeout_seconds, overdue):
                reply: Reply = call_in_time(partial(invoke, call), call.timeout_seconds, overdue)
                return reply
        except OverdueError as error:
            if error is not overdue:
                raise
            return Reply.timed_out()

    return limited


def prepare_all(machines: Iterable[Loaded], settings: Settings) -> dict[str, Program]:
    """The machines by name, prepared for the engine. Raises FlowError for a definition that cannot be run."""
    return {
        each.name: prepare(
            fill_placeholders(each.definition, region=settings.region, account=settings.account),
            name=each.name,
            type=each.type,
        )
        for each in machines
    }


def project_handlers(
    machines: Sequence[Loaded], project: Project, handlers: Mapping[str, str | Path] | None = None, *, region: str
) -> dict[str, Handler]:
    """The functions of these machines, of the project and of `handlers`, by name; `region` is that of the executions
    (see `local_settings`). Raises FlowError like `find_handlers`."""
    in_templates = {name: place for each in machines for name, place in each.handlers.items()}
    further = {**in_templates, **project.handlers, **(handlers or {})}
    return find_handlers(functions(list(machines)), further, root=project.root, region=region)


def local_settings(project: Project, environment: Mapping[str, str] = os.environ) -> Settings:
    """The region and account of the project's executions: those of pyproject.toml, else the region of AWS_REGION or
    AWS_DEFAULT_REGION, else the defaults of Settings.

    ARNs, placeholders and the environment of handlers all have the region from here. Tests pass an empty environment,
    to be the same everywhere.
    """
    settings = Settings()
    region = project.region or environment.get("AWS_REGION") or environment.get("AWS_DEFAULT_REGION")
    if region:
        settings = evolve(settings, region=region)
    if project.account:
        settings = evolve(settings, account=project.account)
    return settings


def _fail(error: str) -> Reply:
    if error == "States.Timeout":
        return Reply.timed_out()
    return Reply.failed(error, f"{error}, as --fail says")


def chain(
    handlers: Mapping[str, Handler], project: Project, answers: Answers | None = None, otherwise: Invoker = refuse_call
) -> Chain:
    """The chain of answerers of a local run. Services are at AWS_ENDPOINT_URL and at the project's hosts; an activity
    without a callback has no worker, and waits for its timeout."""
    answers = answers or Answers()
    failed: Counter[str] = Counter()

    def find_mock(call: Call) -> Invoker | None:
        state = call.state_name
        failure = answers.failures.get(state)
        if failure and (failure.times is None or failed[state] < failure.times):
            failed[state] += 1
            return lambda _: _fail(failure.error)
        if state not in answers.mocks:
            return None
        return lambda _: Reply.succeeded(answers.mocks[state])

    def wait_or_refuse(call: Call) -> Reply:
        return Reply.pending() if call.integration == "activity" else otherwise(call)

    return Chain(
        LocalLambdas(handlers),
        find_mock,
        answers.config,
        LocalFiles(answers.buckets),
        Services.at(hosts=project.hosts),
        [Callback(state, Succeeded(value)) for state, value in answers.callbacks.items()],
        wait_or_refuse,
    )
