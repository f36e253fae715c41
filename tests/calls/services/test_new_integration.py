"""A service integration is one record: checker, calls, mocks, TestState and deploy all read it."""

from typing import Any

import pytest

from flowdsl import teststate
from flowdsl.asl.integration_records import Action, Job, Service
from flowdsl.asl.integration_rights import Grant, Rights, on
from flowdsl.asl.integrations import SERVICES
from flowdsl.asl.resource import SYNC
from flowdsl.calls.services import Endpoints, Services
from flowdsl.check import check
from flowdsl.deploy.permissions import derive
from flowdsl.deploy.statements import Place, Statement, merge
from flowdsl.testing.runner import Runner

from .conftest import Stub, run

JOB = Job("describeCertificate", {"CertificateArn": "CertificateArn"}, "Certificate.Status", ("ISSUED",), ("FAILED",))
RIGHTS = Rights(
    (
        Grant("acm:RequestCertificate"),
        Grant("acm:DescribeCertificate", on("acm", "certificate/{DomainName}"), sync=True),
    )
)
ACTION = Action("requestCertificate", (SYNC,), JOB, rights=RIGHTS)
RECORD = Service("certificates", (ACTION,), "ACM", "AWSCertificates", api="acm")
RESOURCE = "certificates:requestCertificate"
REQUEST = {"DomainName": "example.com"}


@pytest.fixture(autouse=True)
def record(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(SERVICES, RECORD.name, RECORD)


def definition(resource: str, parameters: Any) -> dict[str, Any]:
    state = {"Type": "Task", "Resource": f"arn:aws:states:::{resource}", "Parameters": parameters, "End": True}
    return {"StartAt": "Certify", "States": {"Certify": state}}


def codes(resource: str, parameters: Any) -> list[str]:
    return [diagnostic.code for diagnostic in check(definition(resource, parameters))]


def test_the_checker_knows_it() -> None:
    assert codes(RESOURCE, REQUEST) == codes(f"{RESOURCE}.sync", REQUEST) == []
    assert codes(f"{RESOURCE}.waitForTaskToken", REQUEST)[:1] == ["FD653"]
    assert codes(RESOURCE, {}) == ["FD662"]
    assert codes(RESOURCE, {**REQUEST, "DomainNames": []}) == ["FD661"]


def test_its_job_is_polled_at_an_endpoint(stub: Stub) -> None:
    stub.will_answer({"CertificateArn": "arn:c"})
    stub.will_answer({"Certificate": {"Status": "PENDING_VALIDATION"}})
    stub.will_answer({"Certificate": {"Status": "ISSUED"}})
    result = run(Services(Endpoints(stub.url), sleep=lambda _: None), f"{RESOURCE}.sync", REQUEST)
    assert result.output == {"Certificate": {"Status": "ISSUED"}}
    assert stub.bodies == [REQUEST, {"CertificateArn": "arn:c"}, {"CertificateArn": "arn:c"}]


def test_its_errors_have_its_names(stub: Stub) -> None:
    stub.will_answer({"__type": "InvalidTagException", "message": "no"}, status=400)
    result = run(Services(Endpoints(stub.url)), RESOURCE, REQUEST)
    assert result.error == "ACM.InvalidTagException"
    assert "Service: AWSCertificates" in (result.cause or "")


def test_a_mock_answers_it() -> None:
    flow = Runner.of(definition(f"{RESOURCE}.sync", REQUEST))
    mock = flow.mock(RESOURCE, returns={"Certificate": {"Status": "ISSUED"}})
    assert flow.run({}).output == {"Certificate": {"Status": "ISSUED"}}
    assert mock.calls == [REQUEST]


def test_teststate_holds_mocks_to_its_api() -> None:
    state = definition(f"{RESOURCE}.sync", REQUEST)["States"]["Certify"]
    result = {"Certificate": {"Status": "ISSUED"}}
    assert teststate.test_state(state, mock={"result": result})["status"] == "SUCCEEDED"
    with pytest.raises(teststate.TestStateError, match="'Status' is not an expected value"):
        teststate.test_state(state, mock={"result": {"Certificate": {"Status": "GRANTED"}}})


def test_the_role_may_call_it() -> None:
    place = Place("eu-west-1", "111122223333")
    request = Statement.of("acm:RequestCertificate", "*")
    describe = Statement.of("acm:DescribeCertificate", place.arn("acm", "certificate/example.com"))
    for resource, statements in {RESOURCE: [request], f"{RESOURCE}.sync": [request, describe]}.items():
        permissions = derive(definition(resource, REQUEST), name="certify", place=place)
        assert permissions.statements == merge(statements)
        assert not permissions.gaps
