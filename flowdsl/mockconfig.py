"""Answers in the form of Step Functions Local's MockConfigFile.

Source: Step Functions Developer Guide, "Testing state machines with Step Functions Local", mocked service integrations.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import define, field

from .diagnostics import FlowError
from .engine import Call, Failed, Invoker, Later, Reply, Succeeded
from .invoke import unmocked


@define
class MockConfig:
    """An invoker of one test case of one state machine; states that the case doesn't name go to `otherwise`.

    Raises FlowError where the configuration has nothing for a call.
    """

    config: Mapping[str, Any]
    machine: str
    case: str
    otherwise: Invoker = unmocked
    _calls: dict[tuple[str, str], int] = field(factory=dict, init=False)

    def __call__(self, call: Call) -> Reply:
        states = _object(self.config, "StateMachines", self.machine, "TestCases", self.case)
        if call.state_name not in states:
            return self.otherwise(call)
        key = (call.execution_arn, call.state_name)
        number = self._calls.get(key, 0)
        self._calls[key] = number + 1
        name = str(states[call.state_name])
        response = _response(_object(self.config, "MockedResponses", name), name, number)
        if "Throw" in response:
            thrown = _object(response, "Throw")
            error, cause = thrown.get("Error"), thrown.get("Cause")
            if call.waits:
                return Reply.pending({}, Later(0, Failed(error, cause)))
            return Reply.failed(error, cause)
        if call.waits:
            return Reply.pending({}, Later(0, Succeeded(response["Return"])))
        return Reply.succeeded(response["Return"])


def _object(value: Any, *keys: str) -> Mapping[str, Any]:
    """The object at these keys of a mock configuration. Raises FlowError where there is none."""
    for at, key in enumerate(keys):
        if not isinstance(value, Mapping) or key not in value:
            raise FlowError.of(f"the mock configuration has no {key!r} in {'/'.join(keys[:at]) or 'it'}")
        value = value[key]
    if not isinstance(value, Mapping):
        raise FlowError.of(f"the mock configuration must have an object at {'/'.join(keys)}, not {value!r}")
    return value


def _response(responses: Mapping[str, Any], name: str, number: int) -> Mapping[str, Any]:
    """The response for the call of this number (from 0): its key is `2`, or a range `1-3` that holds it."""
    for key in responses:
        first, _, last = str(key).partition("-")
        if not first.isdecimal() or not (last or first).isdecimal():
            raise FlowError.of(f"the mocked response {name!r} has the key {key!r}", hint="write 0, or a range as 1-3")
        if int(first) <= number <= int(last or first):
            response = _object(responses, key)
            if "Return" not in response and "Throw" not in response:
                raise FlowError.of(f"the mocked response {name!r} has neither Return nor Throw under {key!r}")
            return response
    raise FlowError.of(f"the mocked response {name!r} has nothing for call number {number}")
