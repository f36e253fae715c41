"""The job poller, in both query languages."""

from __future__ import annotations

from typing import Any, Literal

import pytest

from examples.job_poller.flow import flow as steps
from flowdsl import StateMachine
from flowdsl.testing import ExecutionFailed, Runner, fail


@pytest.fixture(params=["JSONata", "JSONPath"])
def flow_machine(request: pytest.FixtureRequest) -> StateMachine:
    language: Literal["JSONata", "JSONPath"] = request.param
    return StateMachine("job-poller", steps, query_language=language)


@pytest.fixture(autouse=True)
def job(flow: Runner) -> None:
    flow.mock("SubmitJob", returns={"JobId": "job-1", "JobName": "october"})


def is_(status: str) -> dict[str, Any]:
    """What Batch answers about the job."""
    return {"Jobs": [{"JobId": "job-1", "Status": status}]}


def test_loads_the_result_once_the_job_is_done(flow: Runner) -> None:
    describe = flow.mock("DescribeJob", is_("RUNNABLE"), is_("RUNNING"), is_("SUCCEEDED"))
    load = flow.mock("Load", returns={"JobRunState": "SUCCEEDED"})

    run = flow.run({"name": "october"})

    assert run.duration == 2 * 60
    assert describe.calls == [{"Jobs": ["job-1"]}] * 3
    assert load.calls == [{"JobName": "load", "Arguments": {"--job": "job-1"}}]


def test_asks_again_when_batch_is_down(flow: Runner) -> None:
    flow.mock("DescribeJob", fail("Batch.ServerException", times=3), is_("SUCCEEDED"))
    flow.mock("Load", returns={})
    assert flow.run({"name": "october"}).history.retried() == {"DescribeJob": 3}


def test_does_not_load_what_a_failed_job_left(flow: Runner) -> None:
    flow.mock("DescribeJob", is_("RUNNING"), is_("FAILED"))
    load = flow.mock("Load", returns={})
    with pytest.raises(ExecutionFailed) as failed:
        flow.run({"name": "october"})
    assert failed.value.error == "DescribeJob.Failed"
    assert load.calls == []
