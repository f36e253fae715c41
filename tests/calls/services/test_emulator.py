"""Calls to moto's server, through the engine."""

import json
import uuid
from collections.abc import Callable
from typing import Any

import pytest

from flowdsl.calls.services import Services
from flowdsl.engine import Result, Scheduler, execute, prepare
from flowdsl.testing import Runner, UnmockedCall

pytestmark = pytest.mark.slow

Call = Callable[..., Result]


@pytest.fixture
def table(call: Call) -> str:
    name = f"table-{uuid.uuid4()}"
    arguments = {
        "TableName": name,
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
        "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
        "BillingMode": "PAY_PER_REQUEST",
    }
    created = call("aws-sdk:dynamodb:createTable", arguments)
    assert created.output["TableDescription"]["TableStatus"] == "ACTIVE"
    assert created.output["TableDescription"]["CreationDateTime"].endswith("Z")
    return name


@pytest.fixture
def queue(call: Call) -> str:
    url: str = call("aws-sdk:sqs:createQueue", {"QueueName": f"queue-{uuid.uuid4()}"}).output["QueueUrl"]
    return url


@pytest.fixture
def bucket(call: Call) -> str:
    name = f"bucket-{uuid.uuid4()}"
    assert call("aws-sdk:s3:createBucket", {"Bucket": name}).status == "SUCCEEDED"
    return name


def test_the_optimised_integration_adds_metadata_and_the_sdk_integration_does_not(call: Call, table: str) -> None:
    item = {"id": {"S": "1"}, "paid": {"BOOL": True}, "amount": {"N": "5"}}
    put = call("dynamodb:putItem", {"TableName": table, "Item": item})
    assert put.output.keys() == {"SdkHttpMetadata", "SdkResponseMetadata"}
    assert put.output["SdkHttpMetadata"]["HttpStatusCode"] == 200
    assert put.output["SdkHttpMetadata"]["AllHttpHeaders"]["Content-Length"] == ["2"]
    got = call("dynamodb:getItem", {"TableName": table, "Key": {"id": {"S": "1"}}})
    assert got.output["Item"] == item
    assert call("dynamodb:putItem", {"TableName": table, "Item": {"id": "text", "n": {"N": "1"}}}).status == "SUCCEEDED"
    text = call("dynamodb:getItem", {"TableName": table, "Key": {"id": "text"}})
    assert text.output["Item"]["id"] == {"S": "text"}, "the optimised integration takes plain text"
    refused = call("aws-sdk:dynamodb:putItem", {"TableName": table, "Item": {"id": "text"}})
    assert (refused.error, "must be an object" in (refused.cause or "")) == ("States.Runtime", True)

    sdk = call("aws-sdk:dynamodb:putItem", {"TableName": table, "Item": {"id": {"S": "2"}}})
    assert sdk.output == {}


@pytest.mark.parametrize(("integration", "prefix"), [("dynamodb", "DynamoDB"), ("aws-sdk:dynamodb", "DynamoDb")])
def test_a_payment_that_is_stored_twice_is_refused(call: Call, table: str, integration: str, prefix: str) -> None:
    arguments = {
        "TableName": table,
        "Item": {"id": {"S": "payment-1"}},
        "ConditionExpression": "attribute_not_exists(id)",
    }
    assert call(f"{integration}:putItem", arguments).status == "SUCCEEDED"
    again = call(f"{integration}:putItem", arguments)
    assert (again.status, again.error) == ("FAILED", f"{prefix}.ConditionalCheckFailedException")
    assert again.cause is not None
    assert again.cause.startswith("The conditional request failed (Service: ")


def test_an_error_can_be_caught_by_its_name(services: Services, table: str) -> None:
    definition = {
        "StartAt": "Get",
        "States": {
            "Get": {
                "Type": "Task",
                "Resource": "arn:aws:states:::aws-sdk:dynamodb:getItem",
                "Parameters": {"TableName": "none", "Key": {"id": {"S": "1"}}},
                "Catch": [{"ErrorEquals": ["DynamoDb.ResourceNotFoundException"], "Next": "Missing"}],
                "End": True,
            },
            "Missing": {"Type": "Pass", "Result": "missing", "End": True},
        },
    }
    assert execute(prepare(definition), {}, invoke=services).output == "missing"


def test_a_field_that_the_api_has_not_is_refused(call: Call, table: str) -> None:
    result = call("dynamodb:putItem", {"TableName": table, "Itm": {}})
    assert result.error == "States.Runtime"
    assert result.cause is not None
    assert 'could not be used to start the Task: [The field "Itm" is not supported by Step Functions]' in result.cause


def test_an_object_becomes_the_text_of_a_message(call: Call, queue: str) -> None:
    sent = call("sqs:sendMessage", {"QueueUrl": queue, "MessageBody": {"order": 5}})
    assert sent.output["MD5OfMessageBody"]
    received = call("aws-sdk:sqs:receiveMessage", {"QueueUrl": queue})
    (message,) = received.output["Messages"]
    assert json.loads(message["Body"]) == {"order": 5}
    assert message["Md5OfBody"] == sent.output["MD5OfMessageBody"]


def test_a_task_token_that_was_sent_brings_the_result(services: Services, call: Call, queue: str) -> None:
    task = {
        "Type": "Task",
        "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
        "Parameters": {"QueueUrl": queue, "MessageBody": {"Token.$": "$$.Task.Token"}},
        "End": True,
    }
    scheduler = Scheduler(services)
    result = scheduler.start(prepare({"StartAt": "Ask", "States": {"Ask": task}}), {})
    scheduler.run(until=result)
    assert result.status == "RUNNING"
    (message,) = call("aws-sdk:sqs:receiveMessage", {"QueueUrl": queue}).output["Messages"]
    scheduler.send_task_success(json.loads(message["Body"])["Token"], {"paid": True})
    scheduler.run(until=result)
    assert result.output == {"paid": True}


def test_a_topic_takes_a_message_and_an_unknown_one_does_not(call: Call) -> None:
    topic = call("aws-sdk:sns:createTopic", {"Name": f"topic-{uuid.uuid4()}"}).output["TopicArn"]
    assert call("sns:publish", {"TopicArn": topic, "Message": {"order": 5}}).output["MessageId"]
    missing = call("sns:publish", {"TopicArn": "arn:aws:sns:us-east-1:123456789012:none", "Message": "hello"})
    assert missing.error == "SNS.NotFoundException"


@pytest.mark.parametrize(
    ("body", "stored"), [("text data", "text data"), ({"a": 1}, '{"a":1}'), ([1], "[1]"), (0, "0"), (False, "false")]
)
def test_a_body_is_text(call: Call, bucket: str, body: Any, stored: str) -> None:
    put = call("aws-sdk:s3:putObject", {"Bucket": bucket, "Key": "k", "Body": body})
    assert put.output["ETag"].startswith('"')
    got = call("aws-sdk:s3:getObject", {"Bucket": bucket, "Key": "k"}).output
    assert got["Body"] == stored
    assert got["ContentLength"] == len(stored)
    assert got["LastModified"].endswith("Z")


def test_an_object_that_is_not_there_is_no_such_key(call: Call, bucket: str) -> None:
    result = call("aws-sdk:s3:getObject", {"Bucket": bucket, "Key": "none"})
    assert result.error == "S3.NoSuchKeyException"


def test_events_are_put(call: Call) -> None:
    entry = {"Detail": {"order": 5}, "DetailType": "paid", "Source": "payments"}
    put = call("events:putEvents", {"Entries": [entry]})
    assert put.output.keys() == {"Entries", "FailedEntryCount"}
    assert put.output["FailedEntryCount"] == 0
    assert put.output["Entries"][0]["EventId"]


def test_a_function_that_is_not_there_is_not_found(call: Call) -> None:
    result = call("lambda:invoke", {"FunctionName": "none", "Payload": {}})
    assert result.error == "Lambda.ResourceNotFoundException"


def test_a_distributed_map_reads_its_items_from_a_bucket(services: Services, call: Call, bucket: str) -> None:
    call("aws-sdk:s3:putObject", {"Bucket": bucket, "Key": "items.csv", "Body": "id,amount\n1,5\n2,7\n"})
    definition = {
        "StartAt": "Each",
        "States": {
            "Each": {
                "Type": "Map",
                "ItemReader": {
                    "Resource": "arn:aws:states:::s3:getObject",
                    "ReaderConfig": {"InputType": "CSV", "CSVHeaderLocation": "FIRST_ROW"},
                    "Parameters": {"Bucket": bucket, "Key": "items.csv"},
                },
                "ItemProcessor": {
                    "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
                    "StartAt": "One",
                    "States": {"One": {"Type": "Pass", "End": True}},
                },
                "End": True,
            }
        },
    }
    result = execute(prepare(definition), {}, invoke=services)
    assert result.output == [{"id": "1", "amount": "5"}, {"id": "2", "amount": "7"}]


def test_a_distributed_map_reads_from_buckets_and_writes_to_them(call: Call, services: Services, bucket: str) -> None:
    for key, body in (("in/1.json", [1, 2]), ("in/2.json", [3])):
        call("aws-sdk:s3:putObject", {"Bucket": bucket, "Key": key, "Body": body})
    call("aws-sdk:s3:putObject", {"Bucket": bucket, "Key": "in/", "Body": ""})

    def run(reader: dict[str, Any], **fields: Any) -> Result:
        processor = {
            "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
            "StartAt": "P",
            "States": {"P": {"Type": "Pass", "End": True}},
        }
        state = {"Type": "Map", "ItemReader": reader, "ItemProcessor": processor, "End": True, **fields}
        return execute(prepare({"StartAt": "M", "States": {"M": state}}), {}, invoke=services)

    listing = {"Resource": "arn:aws:states:::s3:listObjectsV2", "Parameters": {"Bucket": bucket, "Prefix": "in/"}}
    listed = run(listing).output
    assert [item["Key"] for item in listed] == ["in/", "in/1.json", "in/2.json"]
    assert {key for item in listed for key in item} == {"Etag", "Key", "LastModified", "Size", "StorageClass"}
    config = {"InputType": "JSON", "Transformation": "LOAD_AND_FLATTEN"}
    writer = {"Resource": "arn:aws:states:::s3:putObject", "Parameters": {"Bucket": bucket, "Prefix": "out"}}
    written = run({**listing, "ReaderConfig": config}, ResultWriter=writer).output["ResultWriterDetails"]
    manifest = json.loads(call("aws-sdk:s3:getObject", written).output["Body"])
    (file,) = manifest["ResultFiles"]["SUCCEEDED"]
    results = call("aws-sdk:s3:getObject", {"Bucket": bucket, "Key": file["Key"]}).output["Body"]
    assert [entry["Output"] for entry in json.loads(results)] == ["1", "2", "3"]
    missing = run({"Resource": "arn:aws:states:::s3:getObject", "Parameters": {"Bucket": bucket, "Key": "none"}})
    assert missing.error == "States.ItemReaderFailed"
    assert (missing.cause or "").startswith("The specified key does not exist.")


def test_a_runner_calls_the_endpoint_that_it_was_given(emulator: str, queue: str) -> None:
    send = {"Type": "Task", "Resource": "arn:aws:states:::sqs:sendMessage", "End": True}
    machine = {
        "StartAt": "Send",
        "States": {"Send": {**send, "Parameters": {"QueueUrl": queue, "MessageBody": "hello"}}},
    }
    with pytest.raises(UnmockedCall):
        Runner.of(machine).run({})
    assert "MessageId" in Runner.of(machine, endpoint=emulator).run({}).output
