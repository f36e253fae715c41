"""The shapes of the answers of services: botocore's outputs as Step Functions spells them.

Source: Step Functions Developer Guide, "AWS SDK integrations" and "Launch Step Functions workflows" (`.sync` returns
the Output of an execution as text, `.sync:2` as JSON, and without a pattern there is no Output); botocore's models.
What another `.sync` returns is the job as the service describes it, which is how the engine answers, too.
"""

from __future__ import annotations

from functools import cache
from typing import Final

from ...asl.apis import Api, member_name, read_api
from ...asl.integration_records import Job
from ...asl.integrations import api_of, find_action
from ...asl.resource import SYNC, Resource
from .shapes import (
    ANY,
    BOOLEAN,
    MAYBE,
    NUMBER,
    STRING,
    ArrayShape,
    Member,
    ObjectShape,
    ScalarShape,
    Shape,
    Source,
    look,
)

MAX_DEPTH: Final = 6
MOST_VALUES: Final = 40
_SCALARS: Final = {
    **dict.fromkeys(("integer", "long", "float", "double"), NUMBER),
    "boolean": BOOLEAN,
    "string": STRING,
    "character": STRING,
}
_EXECUTION: Final = (
    *("ExecutionArn", "Input", "InputDetails", "Name", "OutputDetails", "StartDate", "StateMachineArn", "Status"),
    *("StopDate", "TraceHeader", "MapRunArn", "RedriveCount", "RedriveStatus", "StateMachineAliasArn"),
    *("StateMachineVersionArn", "RedriveDate", "RedriveStatusReason"),
)


@cache
def answer_of(resource: Resource) -> Shape:
    """Return the shape of the result of a Task that calls a service; ANY if it is not known."""
    source = Source(f"the answer of {resource.operation}", "answer")
    if resource.operation == "states:startExecution" and resource.pattern.startswith("sync"):
        output = STRING if resource.pattern == "sync" else ANY
        return ObjectShape({**dict.fromkeys(_EXECUTION, MAYBE), "Output": Member(output)}, True, source)
    action = find_action(resource.integration, resource.action)
    job = action.job if action is not None and resource.pattern == SYNC else None
    if (resource.pattern and job is None) or (action is not None and not action.calls_api):
        return ANY
    api_id = api_of(resource.integration, resource.action)
    api = read_api(api_id) if api_id else None
    if api is None or api_id is None:
        return ANY
    is_sdk = resource.kind == "sdk"
    if job is not None:
        return _of_job(job, _Outputs(api, api_id, is_sdk), Source(f"{source}.{SYNC}", "job"))
    shape = _Outputs(api, api_id, is_sdk).output(resource.action, source)
    if not isinstance(shape, ObjectShape):
        return shape
    fields = {**shape.fields}
    if action is not None:
        fields |= {name: MAYBE for name in action.parsed if name in fields}
    return ObjectShape({**fields, "SdkHttpMetadata": MAYBE, "SdkResponseMetadata": MAYBE}, True, source)


def _of_job(job: Job, outputs: _Outputs, source: Source) -> Shape:
    steps = tuple(int(step) if step.isdigit() else step for step in job.result.split(".") if step)
    shape, _ = look(outputs.output(job.action, source), steps)
    return ObjectShape({job.wrapper: Member(shape)}, True, source) if job.wrapper else shape


class _Outputs:
    def __init__(self, api: Api, api_id: str, is_sdk: bool) -> None:
        self.api, self.api_id, self.is_sdk = api, api_id, is_sdk

    def output(self, action: str, source: Source) -> Shape:
        name = self.api.output_of(action)
        if name is None:
            return ANY
        return self.shape(name, source, 0) if name else ObjectShape({}, True, source)

    def shape(self, name: str, source: Source, depth: int) -> Shape:
        details = self.api.shape(name)
        kind = details.get("type")
        if depth > MAX_DEPTH or details.get("document") or details.get("eventstream"):
            return ANY
        if kind == "structure":
            fields = {
                member_name(self.api_id, member, self.is_sdk): Member(
                    ANY if each.get("jsonvalue") else self.shape(each["shape"], source, depth + 1), False
                )
                for member, each in details.get("members", {}).items()
            }
            return ObjectShape(fields, True, source)
        if kind == "list":
            return ArrayShape(self.shape(details["member"]["shape"], source, depth + 1))
        if kind == "map":
            return ObjectShape({}, False, source, self.shape(details["value"]["shape"], source, depth + 1))
        if kind == "string" and (words := details.get("enum")) and len(words) <= MOST_VALUES:
            return ScalarShape("string", frozenset(words))
        return _SCALARS.get(str(kind), ANY)
