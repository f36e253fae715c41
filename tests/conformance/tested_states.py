"""The recorded calls of TestState, and flowdsl's own answers to them.

The recordings hold no functions. Where a call has no mock, the Task's function is taken to answer what the recording
of the same state and input shows as `result`, or else as `output`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from functools import cache
from typing import Any

from flowdsl import teststate
from flowdsl.engine import Call, Invoker, Reply, Settings
from tests.conformance_data import ROOT

from .cases import ACCOUNT, Verdict, compare

_MEMBERS = {
    "input": "input",
    "inspectionLevel": "inspection_level",
    "context": "context",
    "variables": "variables",
    "mock": "mock",
    "stateName": "state_name",
    "stateConfiguration": "state_configuration",
    "revealSecrets": "reveal_secrets",
    "roleArn": "role_arn",
}
"""The function's parameter by the API's member."""


@cache
def recordings() -> list[dict[str, Any]]:
    return [case for file in sorted((ROOT / "test_state").glob("*.json")) for case in json.loads(file.read_text())]


def judge() -> list[Verdict]:
    return [_judge(case) for case in recordings()]


def _judge(case: dict[str, Any]) -> Verdict:
    try:
        answer = _answer(case)
    except Exception as error:  # noqa: BLE001 - a crash is a verdict too
        return Verdict(case["id"], case["area"], "status", f"{type(error).__name__}: {error}")
    for part in _parts(case["expected"], answer):
        recorded, given = case["expected"].get(part), answer.get(part)
        if not compare().matches(recorded, given):
            differs = f"{part}: recorded {json.dumps(recorded)}, got {json.dumps(given)}"
            return Verdict(
                case["id"], case["area"], part if part in ("output", "error", "cause") else "status", differs
            )
    return Verdict(case["id"], case["area"], None, None)


def _parts(recorded: dict[str, Any], answer: dict[str, Any]) -> Iterator[str]:
    yield from recorded
    yield from (part for part in answer if part not in recorded)


def _answer(case: dict[str, Any]) -> dict[str, Any]:
    """The answer in the form of the recordings, which tell of a refusal in one of two ways."""
    request = case["request"]
    unknown = request.keys() - _MEMBERS.keys()
    assert not unknown, f"the request has members that TestState has not: {unknown}"
    arguments = {_MEMBERS[member]: value for member, value in request.items()}
    if "mock" not in request and "roleArn" in request:
        arguments["invoke"] = _function(case)
    when = datetime.strptime(case["recorded"], "%d-%m-%Y, %H:%M:%S").replace(tzinfo=UTC).timestamp()
    try:
        return teststate.test_state(case["definition"], settings=Settings(account=ACCOUNT), now=when, **arguments)
    except teststate.TestStateError as error:
        if "exception_typename" not in case["expected"]:
            return {"Error": {"Code": error.code, "Message": error.message}, "message": error.message}
        called = f"An error occurred ({error.code}) when calling the TestState operation: {error.message}"
        said = error.message if error.code == "ParamValidationError" else called
        return {"exception_typename": error.code, "exception_value": said}


def _function(case: dict[str, Any]) -> Invoker:
    alike = [other for other in recordings() if _called(other) == _called(case)]
    shown = [other["expected"].get("inspectionData", {}).get("result") for other in alike]
    result = next((result for result in shown if result is not None), case["expected"].get("output"))
    if isinstance(result, str):
        with suppress(ValueError):
            result = json.loads(result)
    expected = case["expected"]

    def answer(call: Call) -> Reply:
        failed = result is None and "error" in expected
        return Reply.failed(expected["error"], expected.get("cause")) if failed else Reply.succeeded(result)

    return answer


def _called(case: dict[str, Any]) -> tuple[str, Any]:
    return json.dumps(case["definition"]), case["request"].get("input")
