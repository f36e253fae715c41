"""The table of `.sync` jobs, held against botocore's models."""

from typing import Any

import pytest

from flowdsl.calls.services.catalogue import Operation, operation
from flowdsl.calls.services.emr import RENAMED
from flowdsl.calls.services.jobs import JOBS, Job, at


def shape_at(operation: Operation, shape: Any, path: str) -> Any:
    for step in filter(None, path.split(".")):
        shape = shape.member if step.isdigit() else shape.members[operation.names_of(shape)[step]]
    return shape


@pytest.mark.parametrize(("key", "job"), JOBS.items(), ids=map(":".join, JOBS))
def test_every_name_of_a_job_is_one_of_its_api(key: tuple[str, str], job: Job) -> None:
    renamed = RENAMED.get(key[1]) if key[0] == "elasticmapreduce" else None
    start, describe = operation(key[0], renamed.action if renamed else key[1]), operation(key[0], job.action)
    wanted = describe.names_of(describe.model.input_shape)
    for name, path in job.arguments.items():
        assert name in wanted
        if renamed:  # its arguments and its answer have names of Step Functions' own
            assert path.removeprefix("$.") in ("ClusterId", "StepId")
            continue
        begun, where = (
            (start.model.input_shape, path[2:]) if path.startswith("$.") else (start.model.output_shape, path)
        )
        given = shape_at(start, begun, where.removesuffix("[]"))
        taken = describe.model.input_shape.members[wanted[name]]
        assert (taken.type_name == "list") == path.endswith("[]")
        assert given.type_name == "string"
    required = {describe.shown(member) for member in describe.model.input_shape.required_members}
    assert required <= job.arguments.keys()
    result = shape_at(describe, describe.model.output_shape, job.result)
    status = shape_at(describe, result, job.status)
    assert not status.enum or {*job.succeeded, *job.failed} <= {*status.enum}


def test_a_path_finds_its_part() -> None:
    value = {"Tasks": [{"TaskArn": "a"}]}
    assert (at(value, "Tasks.0.TaskArn"), at(value, "Tasks.1.TaskArn"), at(value, "None.a"), at(value, "")) == (
        *("a", None, None),
        value,
    )
