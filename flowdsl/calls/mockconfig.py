"""Answers in the form of Step Functions Local's MockConfigFile.

Source: Step Functions Developer Guide, "Testing state machines with Step Functions Local", mocked service integrations.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from attrs import define, field, frozen

from ..base.diagnostics import AslPath, Diagnostic, FlowError
from ..base.source import Span, display_path
from ..engine import Call, Failed, Later, Reply, Succeeded
from .replies import await_answer

_RANGE = re.compile(r"([0-9]{1,9})(?:-([0-9]{1,9}))?")

Locate = Callable[[AslPath], Span | None]
"""Where in the file stands what the configuration has at a path."""


@frozen
class Response:
    """A mocked response: what answers the calls of the numbers `first` to `last`, counted from 0."""

    first: int
    last: int
    outcome: Succeeded | Failed


@define
class MockConfig:
    """One test case: an invoker of the states that it names, which gives None for the others.

    Calls are counted by state, anew in each execution; the child executions of a Distributed Map are counted together.
    An ItemReader's calls are counted apart from a ResultWriter's. Raises FlowError where nothing answers a call.
    """

    responses: Mapping[str, tuple[str, tuple[Response, ...]]]
    """The name of the mocked response and what it has, by state."""
    _calls: dict[tuple[str, str, str], int] = field(factory=dict, init=False)

    def __call__(self, call: Call) -> Reply | None:
        if call.state_name not in self.responses:
            return None
        name, responses = self.responses[call.state_name]
        machine = call.state_machine_arn
        key = (machine if "/" in machine else call.execution_arn, call.state_name, call.resource)
        number = self._calls.get(key, 0)
        self._calls[key] = number + 1
        found = next((each for each in responses if each.first <= number <= each.last), None)
        if found is None:
            raise FlowError.of(
                f"call number {number} (from 0) of the state {call.state_name!r}: the mocked response {name!r} has "
                "nothing for it",
                code="FD712",
                hint=f'give it a "{number}", or a range such as "{number}-99"',
            )
        if call.waits:
            return await_answer(call, Reply.succeeded({}), Later(0, found.outcome))
        return Reply.of(found.outcome) if isinstance(found.outcome, Failed) else Reply.succeeded(found.outcome.output)


def load(file: Path, machine: str, case: str | None, *, states: Collection[str] | None = None) -> MockConfig:
    """`parse` of a file. Raises FlowError (FD711) where it cannot be read or is no JSON."""
    from ..base import document

    try:
        found = document.read_json(file.read_text(encoding="utf-8-sig"), display_path(file))
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise FlowError.of(f"{file} cannot be read: {reason}", code="FD711") from None
    if found.twice:
        said = [_mistake(f"the key {path[-1]!r} is there twice", None, path, found.span) for path in found.twice]
        raise FlowError(*said)
    return parse(found.value, machine, case, states=states, locate=found.span)


def parse(
    config: Any,
    machine: str,
    case: str | None = None,
    *,
    states: Collection[str] | None = None,
    locate: Locate = lambda path: None,
) -> MockConfig:
    """A test case of the state machine of this name, or of the only one there is; None is the only case there is.

    `states` are the names that the machine has, where they are to be compared. Raises FlowError (FD712) with all that
    is wrong.
    """
    machines = _object(config, ("StateMachines",), locate)
    if machine not in machines and len(machines) != 1:
        raise _refused(f"no state machine {machine!r}", f"it has {_list(machines)}", ("StateMachines",), locate)
    at: AslPath = ("StateMachines", machine if machine in machines else next(iter(machines)), "TestCases")
    cases = _object(config, at, locate)
    if case is None and len(cases) == 1:
        (case,) = cases
    if case is None or case not in cases:
        said = f"no test case {case!r}" if case else "several test cases" if cases else "no test cases"
        raise _refused(said, f"name one of them: {_list(cases)}" if cases else None, at, locate)
    mocked = _object(config, ("MockedResponses",), locate)
    mistakes: list[Diagnostic] = []
    read = {}
    for name, response in mocked.items():
        found = [*_responses(response, ("MockedResponses", name), locate)]
        mistakes += [each for each in found if isinstance(each, Diagnostic)]
        read[name] = tuple(each for each in found if isinstance(each, Response))
    for each in cases:
        for state, name in _object(config, (*at, each), locate).items():
            place = (*at, each, state)
            if states is not None and state not in states:
                mistakes.append(_mistake(f"the machine has no state {state!r}", _near(state, states), place, locate))
            if not isinstance(name, str):
                mistakes.append(_mistake("a state has the name of one mocked response", None, place, locate))
            elif name not in read:
                mistakes.append(_mistake(f"there is no mocked response {name!r}", _near(name, read), place, locate))
    if mistakes:
        raise FlowError(*dict.fromkeys(mistakes))
    chosen = _object(config, (*at, case), locate)
    return MockConfig({state: (name, read[name]) for state, name in chosen.items()})


def _responses(responses: Any, at: AslPath, locate: Locate) -> Iterator[Response | Diagnostic]:
    if not isinstance(responses, Mapping):
        yield _mistake("a mocked response is an object", 'write {"0": {"Return": …}}', at, locate)
        return
    read: list[Response] = []
    for key, response in responses.items():
        place = (*at, key)
        numbers = _RANGE.fullmatch(key) if isinstance(key, str) else None
        first, last = (int(numbers[1]), int(numbers[2] or numbers[1])) if numbers else (0, -1)
        if first > last:
            yield _mistake(f"{key!r} is no number of a call", 'write "0", or a range as "1-3"', place, locate)
        elif any(each.first <= last and first <= each.last for each in read):
            yield _mistake(f"{key!r} is a call that has a response already", None, place, locate)
        elif not isinstance(response, Mapping) or len(response) != 1 or not response.keys() <= {"Return", "Throw"}:
            hint = 'write {"Return": …} or {"Throw": {"Error": …, "Cause": …}}'
            yield _mistake("a response has either Return or Throw", hint, place, locate)
        elif "Return" in response:
            read.append(Response(first, last, Succeeded(response["Return"])))
        elif not _is_error(response["Throw"]):
            yield _mistake("Throw has an Error and may have a Cause, both texts", None, (*place, "Throw"), locate)
        else:
            read.append(Response(first, last, Failed(response["Throw"]["Error"], response["Throw"].get("Cause"))))
    yield from read


def _is_error(thrown: Any) -> bool:
    fields = thrown if isinstance(thrown, Mapping) else {}
    texts = all(isinstance(value, str) for value in fields.values())
    return "Error" in fields and fields.keys() <= {"Error", "Cause"} and texts


def _object(config: Any, at: AslPath, locate: Locate) -> Mapping[str, Any]:
    """The object at a path of the configuration. Raises FlowError where there is none."""
    value = config
    for key in at:
        value = value.get(key) if isinstance(value, Mapping) else None
    if not isinstance(value, Mapping):
        form = '{"StateMachines": {NAME: {"TestCases": {CASE: {STATE: RESPONSE}}}}, "MockedResponses": {…}}'
        raise _refused(f"no object at {'/'.join(map(str, at))}", f"its form is {form}", at[:-1], locate)
    return value


def _refused(said: str, hint: str | None, at: AslPath, locate: Locate) -> FlowError:
    return FlowError(_mistake(f"the mock configuration has {said}", hint, at, locate))


def _mistake(message: str, hint: str | None, at: AslPath, locate: Locate) -> Diagnostic:
    return Diagnostic("FD712", message, span=locate(at), hint=hint)


def _near(name: str, names: Collection[str]) -> str | None:
    from ..base.words import did_you_mean

    return did_you_mean(name, names) or (f"it has {_list(names)}" if names else None)


def _list(names: Collection[str]) -> str:
    return ", ".join(names) or "none"
