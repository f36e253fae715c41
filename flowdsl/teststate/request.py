# ruff: noqa: PT028 - test_state is the name of the API, and no test
"""TestState: run one state with an input and, optionally, a mock of its call.

Source: Step Functions API Reference, TestState; Developer Guide, "Testing state machines with TestState API".
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Any, Literal

from attrs import evolve

from ..asl.resource import parse_resource
from ..base.json import json_text
from ..calls.replies import refuse_call
from ..engine import Invoker, Settings
from ..engine.limits import MAX_DATA, too_large
from .context import read_context
from .definition import Tested, find_state, json_value
from .errors import TestStateError, invalid
from .inspection import Inspection
from .mocks import Configuration, read_mock
from .run import Setting, Tried, run_state

JSON = Any
InspectionLevel = Literal["INFO", "DEBUG", "TRACE"]

_LEVELS = ("INFO", "DEBUG", "TRACE")
_MODES = ("STRICT", "PRESENT", "NONE")


def test_state(
    definition: Mapping[str, Any] | str,
    *,
    input: JSON = "{}",
    inspection_level: InspectionLevel = "INFO",
    context: JSON = None,
    variables: JSON = None,
    mock: Mapping[str, Any] | None = None,
    state_name: str | None = None,
    state_configuration: Mapping[str, Any] | None = None,
    reveal_secrets: bool = False,
    role_arn: str | None = None,
    invoke: Invoker | None = None,
    settings: Settings | None = None,
    now: float | None = None,
) -> dict[str, Any]:
    """Run one state and return what the API answers.

    `definition` is a state, or a state machine of which `state_name` names a state, also one inside a Map or Parallel.
    `input`, `context`, `variables` and the mock's `result` are JSON text as in the API, or JSON values that are not
    strings. `mock` has `result` or `errorOutput` (`error`, `cause`), and `fieldValidationMode` (default STRICT);
    `state_configuration` has `retrierRetryCount`, `errorCausedByState`, `mapIterationFailureCount` and
    `mapItemReaderData`. Without a mock, `invoke` carries out what a Task calls. `now` is the time that the state sees,
    in seconds since 1970.

    The answer has `status` (SUCCEEDED, FAILED, RETRIABLE, CAUGHT_ERROR) and, if there are any, `output` (JSON
    text), `error`, `cause`, `nextState`, and `inspectionData` beyond the level INFO; at TRACE it has the request and
    response of an HTTP Task, with the values of its connection if `reveal_secrets` is True. Time is virtual. Raises
    TestStateError if AWS rejects the request, FlowError if a Task's call has no answer here.
    """
    texts = {"definition": definition, "roleArn": role_arn, "stateName": state_name}
    _check_parameters(texts, inspection_level, mock, state_configuration)
    tested = find_state(definition, state_name)
    kind = tested.body["Type"]
    if mock is None:
        _check_unmocked(tested, role_arn is not None or invoke is not None)
        if context is not None:
            raise invalid("Context can only be specified when a mock is specified.")
    elif reveal_secrets and kind in ("Task", "Map", "Parallel"):
        raise invalid("TestState does not support RevealSecrets when a mock is specified.")
    mocked = None if mock is None else read_mock(mock, tested)
    place = settings or Settings()
    setting = Setting(
        input=_input(input),
        variables=_variables(variables),
        context=None if context is None else read_context(context, tested),
        settings=place if role_arn is None else evolve(place, role_arn=role_arn),
        mock=mocked,
        configuration=Configuration.of(state_configuration or {}, tested, mocked),
        invoke=invoke or refuse_call,
        now=time.time() if now is None else now,
    )
    inspection = Inspection()
    tried = run_state(tested, setting, inspection)
    answer = _answer(tried)
    if inspection_level != "INFO":
        answer["inspectionData"] = inspection.steps(tested.body, setting.input)
        if tried.variables:
            answer["inspectionData"]["variables"] = json_text(tried.variables)
        if tried.handled:
            answer["inspectionData"]["errorDetails"] = tried.handled
        if inspection_level == "TRACE":
            answer["inspectionData"].update(inspection.traced(reveal_secrets=reveal_secrets))
    return answer


test_state.__test__ = False  # type: ignore[attr-defined]  # so that pytest does not take it for a test


def _answer(tried: Tried) -> dict[str, Any]:
    answer: dict[str, Any] = {"status": tried.status}
    if tried.status in ("SUCCEEDED", "CAUGHT_ERROR"):
        answer["output"] = json_text(tried.output)
    if tried.following is not None:
        answer["nextState"] = tried.following
    if tried.failure is not None:
        if tried.failure.error is not None:
            answer["error"] = tried.failure.error
        if tried.failure.cause is not None:
            answer["cause"] = tried.failure.cause
    return answer


_MOCK = {"result": object, "errorOutput": Mapping, "fieldValidationMode": str}
_ERROR_OUTPUT = {"error": str, "cause": str}
_CONFIGURATION = {
    "retrierRetryCount": int,
    "errorCausedByState": str,
    "mapIterationFailureCount": int,
    "mapItemReaderData": str,
}


def _check_parameters(
    texts: Mapping[str, Any], level: str, mock: Mapping[str, Any] | None, configuration: Mapping[str, Any] | None
) -> None:
    """Raise TestStateError for what the AWS SDK and the API reject for any state; `texts` must not be empty."""
    wrong = [*_wrong_parameters(texts, mock, configuration)]
    if wrong:
        raise TestStateError("ParamValidationError", "\n".join(("Parameter validation failed:", *wrong)))
    if mock is not None:
        _check_choice("mock.fieldValidationMode", mock.get("fieldValidationMode", "STRICT"), _MODES)
    _check_choice("inspectionLevel", level, _LEVELS)


def _wrong_parameters(
    texts: Mapping[str, Any], mock: Mapping[str, Any] | None, configuration: Mapping[str, Any] | None
) -> Iterator[str]:
    if configuration is not None:
        texts = {**texts, "stateConfiguration.errorCausedByState": configuration.get("errorCausedByState")}
    for name, text in texts.items():
        if text == "":
            yield f"Invalid length for parameter {name}, value: 0, valid min length: 1"
    if mock is not None:
        yield from _wrong_members("mock", mock, _MOCK)
        if isinstance(mock.get("errorOutput"), Mapping):
            yield from _wrong_members("mock.errorOutput", mock["errorOutput"], _ERROR_OUTPUT)
    if configuration is not None:
        yield from _wrong_members("stateConfiguration", configuration, _CONFIGURATION)


def _wrong_members(where: str, structure: Mapping[str, Any], members: Mapping[str, type]) -> Iterator[str]:
    """The names and types of a structure, and that numbers are not negative, in the words of botocore."""
    for name, value in structure.items():
        if name not in members:
            yield f'Unknown parameter in {where}: "{name}", must be one of: {", ".join(members)}'
            continue
        kind = members[name]
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            valid = dict if kind is Mapping else kind
            yield (
                f"Invalid type for parameter {where}.{name}, value: {value}, type: {type(value)}, valid types: {valid}"
            )
        elif isinstance(value, int) and value < 0:
            yield f"Invalid value for parameter {where}.{name}, value: {value}, valid min value: 0"


def _check_choice(name: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise invalid(
            f"1 validation error detected: Value '{value}' at '{name}' failed to satisfy constraint: "
            f"Member must satisfy enum value set: [{', '.join(choices)}]"
        )


def _check_unmocked(tested: Tested, answered: bool) -> None:
    """Raise TestStateError if the state needs a mock; `answered` is True if a Task has something to call."""
    kind = tested.body["Type"]
    if kind in ("Map", "Parallel"):
        raise TestStateError(
            "InvalidDefinition",
            "TestState API does not support Map or Parallel states. Supported state types include: "
            "[Task, Wait, Pass, Succeed, Fail, Choice]",
        )
    if kind != "Task":
        return
    resource = parse_resource(tested.body["Resource"])
    if resource.kind == "activity":
        raise TestStateError("InvalidDefinition", "TestState API does not support Activity tasks.")
    if resource.pattern:
        raise TestStateError(
            "InvalidDefinition",
            "TestState API does not support '.sync' or '.waitForTaskToken' integration patterns.",
        )
    if not answered:
        raise invalid("RoleArn must be specified when testing a Task state")


def _input(value: JSON) -> JSON:
    code = "InvalidExecutionInput"
    is_long = isinstance(value, str) and len(value.encode(errors="surrogatepass")) > MAX_DATA
    if not is_long:
        value = json_value(value, code, "Invalid State Machine Execution Input: 'Input is not valid JSON'")
    if is_long or too_large(value):
        raise TestStateError(code, f"Input size exceeds the maximum of {MAX_DATA} bytes")
    return value


def _variables(value: JSON) -> dict[str, JSON]:
    if value is None:
        return {}
    message = "Variables must be a valid JSON object"
    variables = json_value(value, "ValidationException", message)
    if not isinstance(variables, dict):
        raise invalid(message)
    return variables
