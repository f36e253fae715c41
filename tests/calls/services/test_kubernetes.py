"""eks:call and eks:runJob, at a server on this machine."""

from typing import Any

from flowdsl.calls.services import Host, Services
from flowdsl.engine import Result

from .conftest import Stub, run

CLUSTER = {"ClusterName": "c", "CertificateAuthority": "x", "Endpoint": "https://ABC.yl4.us-east-1.eks.amazonaws.com"}
JOB = {"metadata": {"name": "pi", "namespace": "math"}}


def call(stub: Stub, resource: str, arguments: dict[str, Any]) -> Result:
    hosts = {"abc.yl4.us-east-1.eks.amazonaws.com": Host(stub.url, headers={"Authorization": "Bearer t"})}
    services = Services.at(hosts=hosts)
    services.sleep = lambda seconds: None
    return run(services, resource, {**CLUSTER, **arguments})


def ended(how: str) -> dict[str, Any]:
    return {**JOB, "status": {"conditions": [{"type": how, "status": "True"}]}}


def test_the_api_of_a_cluster_is_called(stub: Stub) -> None:
    stub.will_answer({"items": []})
    path = "/api/v1/namespaces/default/pods"
    query = {"labelSelector": ["job-name=pi"]}
    result = call(stub, "eks:call", {"Method": "GET", "Path": path, "QueryParameters": query})
    assert result.output["ResponseBody"] == {"items": []}
    assert (result.output["StatusCode"], stub.methods) == (200, ["GET"])
    assert stub.requests[0][0] == f"{path}?labelSelector=job-name%3Dpi"
    assert stub.requests[0][1]["Authorization"] == "Bearer t"


def test_a_refusal_is_named_after_its_status(stub: Stub) -> None:
    stub.will_answer({"reason": "AlreadyExists"}, status=409)
    result = call(stub, "eks:runJob", {"Job": JOB})
    assert (result.error, result.cause) == ("EKS.409", '{"reason": "AlreadyExists"}')
    assert call(stub, "eks:runJob", {}).error == "States.Runtime"


def test_a_job_is_looked_after_until_it_has_ended(stub: Stub) -> None:
    for answer in (JOB, JOB, ended("Complete")):
        stub.will_answer(answer)
    result = call(stub, "eks:runJob.sync", {"Job": {"kind": "Job"}, "Namespace": "math"})
    assert result.output["ResponseBody"] == ended("Complete")
    jobs = "/apis/batch/v1/namespaces/math/jobs"
    assert [path for path, _, _ in stub.requests] == [jobs, f"{jobs}/pi", f"{jobs}/pi"]
    assert stub.methods == ["POST", "GET", "GET"]


def test_a_job_that_failed_fails_the_task(stub: Stub) -> None:
    for answer in (JOB, ended("Failed")):
        stub.will_answer(answer)
    result = call(stub, "eks:runJob.sync", {"Job": {}})
    assert result.error == "States.TaskFailed"
    assert '"type":"Failed"' in str(result.cause)
    assert [event.type for event in result.history][-3:] == ["TaskSubmitted", "TaskFailed", "ExecutionFailed"]


def test_logs_are_fetched_where_they_are_wanted(stub: Stub) -> None:
    pod = {"metadata": {"name": "pi-1"}, "spec": {"containers": [{"name": "main"}]}}
    for _ in range(2):
        for answer in (JOB, ended("Complete"), {"items": [pod]}, b'{"pi": 3.10}'):
            stub.will_answer(answer)
    options = {"RetrieveLogs": True, "LogParameters": {"tailLines": ["6"]}}
    logs = [
        call(stub, "eks:runJob.sync", {"Job": {}, "LogOptions": {**options, "RawLogs": raw}}).output["logs"]
        for raw in (False, True)
    ]
    assert logs[0] == {"pods": {"pi-1": {"containers": {"main": {"log": {"pi": 3.1}}}}}}
    assert logs[1]["pods"]["pi-1"]["containers"]["main"] == {"log": '{"pi": 3.10}'}
    assert stub.requests[3][0] == "/api/v1/namespaces/default/pods/pi-1/log?tailLines=6&container=main"
