"""The records of integrations, held against botocore's models."""

from typing import Any

import pytest

from flowdsl.asl.integration_records import Action, Service, value_at
from flowdsl.asl.integrations import SERVICES
from flowdsl.calls.services.catalogue import Operation, operation

ACTIONS = [
    pytest.param(service, action, id=f"{service.name}:{action.name}")
    for service in SERVICES.values()
    for action in service.actions.values()
    if action.calls_api
]
WITHOUT_JOB = {"eks:runJob", "elasticmapreduce:createCluster", "elasticmapreduce:terminateCluster"} | {
    "elasticmapreduce:addStep"
}
"""Jobs that flowdsl does not poll: Kubernetes, and actions that Amazon EMR's API does not have."""


def shape_at(operation: Operation, shape: Any, path: str) -> Any:
    for step in filter(None, path.split(".")):
        shape = shape.member if step.isdigit() else shape.members[operation.names_of(shape)[step]]
    return shape


@pytest.mark.parametrize(("service", "action"), ACTIONS)
def test_every_record_is_an_operation_of_its_api(service: Service, action: Action) -> None:
    model = operation(service.name, action.name).model
    members = {name[:1].upper() + name[1:] for name in model.input_shape.members}
    required = {name[:1].upper() + name[1:] for name in model.input_shape.required_members}
    assert {*action.optional, *action.required, *action.defaults} <= members
    assert not {*action.added} & members
    assert not action.required or required == {*action.required}
    assert {*action.parsed} <= {name[:1].upper() + name[1:] for name in model.output_shape.members}


@pytest.mark.parametrize(("service", "action"), [each for each in ACTIONS if each.values[1].job])
def test_every_name_of_a_job_is_one_of_its_api(service: Service, action: Action) -> None:
    job = action.job
    assert job
    start, describe = operation(service.name, action.name), operation(service.name, job.action)
    names = describe.names_of(describe.model.input_shape)
    for name, path in job.arguments.items():
        origin = start.model.input_shape if path.startswith("$.") else start.model.output_shape
        source = shape_at(start, origin, path.removeprefix("$.").removesuffix("[]"))
        target = describe.model.input_shape.members[names[name]]
        assert (target.type_name == "list") == path.endswith("[]")
        assert source.type_name == "string"
    assert {describe.name_of(each) for each in describe.model.input_shape.required_members} <= job.arguments.keys()
    status = shape_at(describe, shape_at(describe, describe.model.output_shape, job.result), job.status)
    assert not status.enum or {*job.succeeded, *job.failed} <= {*status.enum}


def test_every_job_can_be_polled_but_these() -> None:
    waiting = {
        f"{service.name}:{action.name}": action.job
        for service in SERVICES.values()
        for action in service.actions.values()
        if "sync" in action.patterns
    }
    assert {name for name, job in waiting.items() if job is None} == WITHOUT_JOB


def test_a_path_leads_to_its_part() -> None:
    value = {"Tasks": [{"TaskArn": "a"}]}
    assert (value_at(value, "Tasks.0.TaskArn"), value_at(value, "")) == ("a", value)
    assert (value_at(value, "Tasks.1.TaskArn"), value_at(value, "None.a")) == (None, None)
