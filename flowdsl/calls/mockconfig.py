"""Answers in the form of Step Functions Local's MockConfigFile.

Source: Step Functions Developer Guide, "Testing state machines with Step Functions Local", mocked service integrations.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from attrs import define, field, frozen

from ..base import document
from ..base.diagnostics import AslPath, Diagnostic, FlowError
from ..base.files import read_text
from ..base.source import Span, display_path
from ..base.words import did_you_mean
from ..engine import Call, Failed, Later, Reply, Succeeded
from .replies import await_answer

_RANGE = re.compile(r"([0-9]{1,9})(?:-([0-9]{1,9}))?")

Locate = Callable[[AslPath], Span | None]
"""Returns where in the file the value at a path of the configuration is."""


@frozen
class Response:
    """The answer to the calls number `first` to `last`, counted from 0."""

    first: int
    last: int
    outcome: Succeeded | Failed


@define
class MockConfig:
    """One test case: answers the calls of the states in it, and returns None for others.

    Calls are counted per state and execution. The child executions of a Distributed Map count together; calls of an
    ItemReader and of a ResultWriter count separately. Raises FlowError if a call has no response.
    """

    responses: Mapping[str, tuple[str, tuple[Response, ...]]]
    """The mocked response by state: its name and its entries."""
    _calls: dict[tuple[str, str, str], int] = field(factory=dict, init=False)

    def __call__(self, call: Call) -> Reply | None:
        if call.state_name not in self.responses:
            return None
        name, responses = self.responses[call.state_name]
        machine = call.state_machine_arn
        key = (machine if "/" in machine else call.execution_arn, call.state_name, call.resource)
        number = self._calls.get(key, 0)
        self._calls[key] = number + 1
        response = next((each for each in responses if each.first <= number <= each.last), None)
        if response is None:
            raise FlowError.of(
                f"mocked response {name!r} has no entry for call {number} (from 0) of state {call.state_name!r}",
                code="FD712",
                hint=f'add "{number}", or a range such as "{number}-99"',
            )
        if call.waits:
            return await_answer(call, Reply.succeeded({}), Later(0, response.outcome))
        return (
            Reply.of(response.outcome)
            if isinstance(response.outcome, Failed)
            else Reply.succeeded(response.outcome.output)
        )


def load(file: Path, machine: str, case: str | None, *, states: Collection[str] | None = None) -> MockConfig:
    """`parse` a file. Raises FlowError (FD711) where it cannot be read or is no JSON."""
    content = document.read_json(read_text(file, code="FD711"), display_path(file))
    if content.twice:
        duplicates = [_mistake(f"duplicate key {path[-1]!r}", None, path, content.span) for path in content.twice]
        raise FlowError(*duplicates)
    return parse(content.value, machine, case, states=states, locate=content.span)


def parse(
    config: Any,
    machine: str,
    case: str | None = None,
    *,
    states: Collection[str] | None = None,
    locate: Locate = lambda path: None,
) -> MockConfig:
    """A test case of the state machine of this name, or of the only state machine; None is the only test case.

    `states` are the state machine's own states, to check the names in the configuration. Raises FlowError (FD712) with
    all mistakes.
    """
    machines = _object(config, ("StateMachines",), locate)
    if machine not in machines and len(machines) != 1:
        raise _config_error(
            f"no state machine {machine!r}", f"its state machines: {_list(machines)}", ("StateMachines",), locate
        )
    at: AslPath = ("StateMachines", machine if machine in machines else next(iter(machines)), "TestCases")
    cases = _object(config, at, locate)
    if case is None and len(cases) == 1:
        (case,) = cases
    if case is None or case not in cases:
        problem = f"no test case {case!r}" if case else "several test cases" if cases else "no test cases"
        raise _config_error(problem, f"choose one of them: {_list(cases)}" if cases else None, at, locate)
    mocked = _object(config, ("MockedResponses",), locate)
    mistakes: list[Diagnostic] = []
    read = {}
    for name, response in mocked.items():
        entries = [*_responses(response, ("MockedResponses", name), locate)]
        mistakes += [each for each in entries if isinstance(each, Diagnostic)]
        read[name] = tuple(each for each in entries if isinstance(each, Response))
    for each in cases:
        for state, name in _object(config, (*at, each), locate).items():
            place = (*at, each, state)
            if states is not None and state not in states:
                mistakes.append(
                    _mistake(f"the state machine has no state {state!r}", _near(state, states), place, locate)
                )
            if not isinstance(name, str):
                mistakes.append(_mistake("expected the name of a mocked response", None, place, locate))
            elif name not in read:
                mistakes.append(_mistake(f"unknown mocked response {name!r}", _near(name, read), place, locate))
    if mistakes:
        raise FlowError(*dict.fromkeys(mistakes))
    chosen = _object(config, (*at, case), locate)
    return MockConfig({state: (name, read[name]) for state, name in chosen.items()})


def _responses(responses: Any, at: AslPath, locate: Locate) -> Iterator[Response | Diagnostic]:
    if not isinstance(responses, Mapping):
        yield _mistake("a mocked response must be an object", 'write {"0": {"Return": …}}', at, locate)
        return
    read: list[Response] = []
    for key, response in responses.items():
        place = (*at, key)
        numbers = _RANGE.fullmatch(key) if isinstance(key, str) else None
        first, last = (int(numbers[1]), int(numbers[2] or numbers[1])) if numbers else (0, -1)
        if first > last:
            yield _mistake(f"{key!r} is not a call number", 'write "0", or a range such as "1-3"', place, locate)
        elif any(each.first <= last and first <= each.last for each in read):
            yield _mistake(f"{key!r} overlaps an earlier entry", None, place, locate)
        elif not isinstance(response, Mapping) or len(response) != 1 or not response.keys() <= {"Return", "Throw"}:
            hint = 'write {"Return": …} or {"Throw": {"Error": …, "Cause": …}}'
            yield _mistake("a response must have either Return or Throw", hint, place, locate)
        elif "Return" in response:
            read.append(Response(first, last, Succeeded(response["Return"])))
        elif not _is_error(response["Throw"]):
            yield _mistake(
                "Throw must have an Error and may have a Cause, both strings", None, (*place, "Throw"), locate
            )
        else:
            read.append(Response(first, last, Failed(response["Throw"]["Error"], response["Throw"].get("Cause"))))
    yield from read


def _is_error(thrown: Any) -> bool:
    fields = thrown if isinstance(thrown, Mapping) else {}
    texts = all(isinstance(value, str) for value in fields.values())
    return "Error" in fields and fields.keys() <= {"Error", "Cause"} and texts


def _object(config: Any, at: AslPath, locate: Locate) -> Mapping[str, Any]:
    """The object at a path of the configuration. Raises FlowError if there is none."""
    value = config
    for key in at:
        value = value.get(key) if isinstance(value, Mapping) else None
    if not isinstance(value, Mapping):
        form = '{"StateMachines": {NAME: {"TestCases": {CASE: {STATE: RESPONSE}}}}, "MockedResponses": {…}}'
        raise _config_error(f"no object at {'/'.join(map(str, at))}", f"write it as {form}", at[:-1], locate)
    return value


def _config_error(problem: str, hint: str | None, at: AslPath, locate: Locate) -> FlowError:
    return FlowError(_mistake(f"the mock configuration has {problem}", hint, at, locate))


def _mistake(message: str, hint: str | None, at: AslPath, locate: Locate) -> Diagnostic:
    return Diagnostic("FD712", message, span=locate(at), hint=hint)


def _near(name: str, names: Collection[str]) -> str | None:
    return did_you_mean(name, names) or (f"valid names: {_list(names)}" if names else None)


def _list(names: Collection[str]) -> str:
    return ", ".join(names) or "none"
