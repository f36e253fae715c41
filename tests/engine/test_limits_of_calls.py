"""Each field of a Task that has a `…Path` twin reaches the call, without the engine naming it."""

from __future__ import annotations

from typing import Any

import pytest

from flowdsl.author.fields import specs
from flowdsl.author.states import Task
from flowdsl.engine import Call, Reply, execute, prepare

FIELDS = [(spec.name, spec.path) for spec in specs(Task).values() if spec.path]


@pytest.mark.parametrize(("name", "path"), FIELDS)
@pytest.mark.parametrize("language", ["JSONPath", "JSONPath twin", "JSONata"])
def test_it_reaches_the_call(name: str, path: str, language: str) -> None:
    task: dict[str, Any] = {"Type": "Task", "Resource": "arn:aws:lambda:us-east-1:123456789012:function:f", "End": True}
    task |= {"JSONPath": {name: 7}, "JSONPath twin": {path: "$.n"}, "JSONata": {name: "{% $states.input.n %}"}}[
        language
    ]
    machine = {"QueryLanguage": language.split()[0], "StartAt": "T", "States": {"T": task}}
    calls: list[Call] = []

    def invoke(call: Call) -> Reply:
        calls.append(call)
        return Reply.succeeded(1)

    execute(prepare(machine), {"n": 7}, invoke=invoke)
    assert [call.limits for call in calls] == [{name: 7}]
