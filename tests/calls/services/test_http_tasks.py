"""http:invoke and apigateway:invoke, at a server on this machine."""

import json
from typing import Any

import pytest

from flowdsl.base.diagnostics import FlowError
from flowdsl.calls.services import Host, Services
from flowdsl.engine import Result

from .conftest import HANG_UP, Stub, run

CONNECTION = {"ConnectionArn": "arn:aws:events:us-east-1:123456789012:connection/Stripe/1"}
GATEWAY = "abc123.execute-api.us-east-1.amazonaws.com"


def invoke(stub: Stub, arguments: dict[str, Any], **host: Any) -> Result:
    services = Services.at(hosts={"api.example.com": Host(f"{stub.url}/base/", **host)})
    said = {"Method": "POST", "InvocationConfig": CONNECTION, "ApiEndpoint": "https://api.example.com/v1/pay me"}
    return run(services, "http:invoke", {**said, **arguments})


def gateway(stub: Stub, arguments: dict[str, Any]) -> Result:
    services = Services.at(hosts={GATEWAY: Host(stub.url)})
    return run(services, "apigateway:invoke", {"ApiEndpoint": GATEWAY, "Method": "POST", **arguments})


def test_an_http_task_sends_json_with_what_the_connection_adds(stub: Stub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEY", "k1")
    stub.will_answer({"id": 7}, Content_Type="application/json")
    arguments = {
        "Headers": {"Request-Id": "r1", "header-param": "task"},
        "QueryParameters": {"currency": "usd", "page": "task"},
        "RequestBody": {"amount": 5, "mode": "task"},
    }
    added = {
        "headers": {"Authorization": "Bearer ${KEY}", "Header-Param": "connection"},
        "query": {"page": "2"},
        "body": {"mode": "${KEY}"},
    }
    result = invoke(stub, arguments, **added)
    ((path, headers, body),) = stub.requests
    assert path == "/base/v1/pay%20me?currency=usd&page=2"
    assert json.loads(body) == {"amount": 5, "mode": "k1"}
    assert (headers["Authorization"], headers["Header-Param"], headers["Request-Id"]) == (
        "Bearer k1",
        "connection",
        "r1",
    )
    assert "header-param" not in headers
    assert headers["Content-Type"] == "application/json; charset=UTF-8"
    assert (headers["Range"], headers["User-Agent"]) == (
        *("bytes=0-262144", "Amazon|StepFunctions|HttpInvoke|us-east-1"),
    )
    assert (result.output["StatusCode"], result.output["StatusText"]) == (200, "OK")
    assert result.output["ResponseBody"] == {"id": 7}
    assert result.output["Headers"]["Content-Type"] == ["application/json"]


@pytest.mark.parametrize(
    ("options", "sent"),
    [
        ({}, "a%5B0%5D=x&a%5B1%5D=y%20z&b%5Bc%5D=1"),
        ({"ArrayFormat": "REPEAT"}, "a=x&a=y%20z&b%5Bc%5D=1"),
        ({"ArrayFormat": "BRACKETS"}, "a%5B%5D=x&a%5B%5D=y%20z&b%5Bc%5D=1"),
        ({"ArrayFormat": "COMMAS"}, "a=x%2Cy%20z&b%5Bc%5D=1"),
    ],
)
def test_a_form_is_encoded_as_the_transform_says(stub: Stub, options: dict[str, str], sent: str) -> None:
    stub.will_answer({})
    transform = {"RequestBodyEncoding": "URL_ENCODED", "RequestEncodingOptions": options}
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    body = {"a": ["x", "y z"], "b": {"c": 1}}
    assert invoke(stub, {"RequestBody": body, "Transform": transform, "Headers": headers}).status == "SUCCEEDED"
    assert stub.requests[0][1]["Content-Type"] == headers["Content-Type"]
    assert stub.requests[0][2].decode() == sent


def test_an_error_of_the_api_is_named_after_its_status(stub: Stub) -> None:
    stub.will_answer(b"no such customer", status=404)
    result = invoke(stub, {})
    assert (result.error, result.cause) == ("States.Http.StatusCode.404", "no such customer")
    stub.answers.clear()
    stub.will_answer(b"", status=304)
    assert (invoke(stub, {}).error, invoke(stub, {}).cause) == ("States.Http.StatusCode.304", "Not Modified")


def test_an_answer_that_never_comes_is_a_failure_that_may_be_retried(stub: Stub) -> None:
    stub.answers.append((HANG_UP, {}, b""))
    assert invoke(stub, {}).error == "States.Http.Socket"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"InvocationConfig": None}, "ConnectionArn is missing"),
        ({"Method": "TRACE"}, "'Method' must be one of GET"),
        ({"Headers": {"authorization": "x"}}, "The header authorization is not supported"),
        ({"Headers": {"X-Amz-Date": "x"}}, "The header X-Amz-Date is not supported"),
        ({"ApiEndpoint": None}, "'ApiEndpoint' is required"),
        ({"ApiEndpoint": "https://[api.example.com/"}, "is not a URL"),
        ({"Headers": {"A": "b\r\nC: d"}}, "Invalid header value"),
        ({"Headers": {"Ä": "b"}}, "can't encode"),
        ({"Headers": {"A:b": "c"}}, "Invalid header name"),
    ],
)
def test_a_task_that_is_no_call_fails_without_one(stub: Stub, arguments: dict[str, Any], said: str) -> None:
    result = invoke(stub, arguments)
    assert result.error == "States.Runtime"
    assert said in str(result.cause)
    assert not stub.requests


def test_a_text_cannot_be_merged_with_the_body_of_the_connection(stub: Stub) -> None:
    stub.will_answer({})
    assert invoke(stub, {"RequestBody": "a=1"}, body={"b": "2"}).error == "States.Runtime"
    assert invoke(stub, {"RequestBody": "a=1"}).status == "SUCCEEDED"
    assert [body for _, _, body in stub.requests] == [b"a=1"]


def test_bytes_are_no_result(stub: Stub) -> None:
    stub.will_answer(b"\x89PNG", Content_Type="image/png")
    assert invoke(stub, {}).error == "States.Runtime"
    stub.answers.clear()
    stub.will_answer(b"\xff\xfe")
    assert invoke(stub, {}).error == "States.Runtime"


def test_no_host_is_called_that_is_not_configured() -> None:
    arguments = {"ApiEndpoint": "https://api.example.com/", "Method": "GET", "Authentication": CONNECTION}
    with pytest.raises(FlowError, match="which is not in") as refused:
        run(Services.at(), "http:invoke", arguments)
    assert '[tool.flowdsl.hosts."api.example.com"]' in str(refused.value)
    with pytest.raises(FlowError, match=r"http://127\.0\.0\.1:1, which replaces api\.example\.com, does not answer"):
        run(Services.at(hosts={"api.example.com": Host("http://127.0.0.1:1")}), "http:invoke", arguments)
    secret = {"api.example.com": Host("http://127.0.0.1:1", headers={"Authorization": "${NOT_SET_ANYWHERE}"})}
    with pytest.raises(FlowError, match="NOT_SET_ANYWHERE"):
        run(Services.at(hosts=secret), "http:invoke", arguments)


def test_a_secret_that_cannot_be_sent_is_not_told(stub: Stub, monkeypatch: pytest.MonkeyPatch) -> None:
    for secret in ("s3cret\n", "s3cret\r\nX: y", "s3cret\udcff"):
        monkeypatch.setenv("KEY", secret)
        for integration in ("http:invoke", "apigateway:invoke"):
            services = Services.at(
                hosts={"api.example.com": Host(stub.url, headers={"Authorization": "Bearer ${KEY}"})}
            )
            url = "api.example.com" if integration == "apigateway:invoke" else "https://api.example.com"
            arguments = {
                "ApiEndpoint": url,
                "Method": "GET",
                "Path": "/",
                "InvocationConfig": CONNECTION,
            }
            with pytest.raises(FlowError, match=r"header Authorization contains a character") as refused:
                run(services, integration, arguments)
            assert "s3cret" not in str(refused.value)
            assert "Bearer ${KEY}" in str(refused.value)
    assert not stub.requests


@pytest.mark.parametrize("host", ["a" * 64, "a..b"])
def test_a_host_whose_name_is_none_is_a_mistake(host: str) -> None:
    arguments = {"ApiEndpoint": "https://api.example.com/", "Method": "GET", "Authentication": CONNECTION}
    with pytest.raises(FlowError, match="does not answer"):
        run(Services.at(hosts={"api.example.com": Host(f"http://{host}/")}), "http:invoke", arguments)


def test_a_query_in_the_url_is_sent_as_a_url_may_have_it(stub: Stub) -> None:
    stub.will_answer({})
    invoke(stub, {"ApiEndpoint": "https://api.example.com/v1?q=a b&r=ü%20x", "QueryParameters": {"s": "1"}})
    assert stub.requests[0][0] == "/base/v1?q=a%20b&r=%C3%BC%20x&s=1"


def test_an_api_of_api_gateway_is_called_at_its_stage(stub: Stub) -> None:
    stub.will_answer({"ok": True}, X_Two="a")
    arguments = {
        "Stage": "prod",
        "Path": "/bills/add",
        "Headers": {"key": ["v1", "v2"]},
        "QueryParameters": {"billId": ["1", "2"]},
        "RequestBody": {"kind": "turtle", "category": None},
    }
    result = gateway(stub, arguments)
    assert result.output["ResponseBody"] == {"ok": True}
    assert result.output["Headers"]["X-Two"] == ["a"]
    assert stub.requests[0][0] == "/prod/bills/add?billId=1&billId=2"
    assert stub.bodies == [{"kind": "turtle"}]
    gateway(stub, {**arguments, "AllowNullValues": True})
    assert stub.bodies[1] == arguments["RequestBody"]
    gateway(stub, {**arguments, "Method": "GET"})
    assert (stub.methods[2], stub.requests[2][2]) == ("GET", b"")


def test_an_error_of_api_gateway_has_the_body_as_its_cause(stub: Stub) -> None:
    stub.will_answer({"message": "Missing Authentication Token"}, status=403)
    result = gateway(stub, {})
    assert (result.error, result.cause) == ("ApiGateway.403", '{"message": "Missing Authentication Token"}')
    assert gateway(stub, {"Headers": {"Host": ["x"]}}).error == "States.Runtime"
