"""Calls of services as values: what they write, where their mistakes are shown, and that the stubs are up to date."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import flowdsl as f
from flowdsl import aws, project, state_input, var
from flowdsl.author.integrations import AwsError, Integration

ROOT = Path(__file__).parents[2]
KEY = {"id": {"S": state_input.id}}


class Refused(Exception):  # noqa: N818 - the error's name in the flow
    """What a handler raises."""


CALLS: list[tuple[Integration, str]] = [
    (aws.dynamodb.put_item(TableName="t", Item=KEY), "dynamodb:putItem"),
    (aws.dynamodb.putItem(TableName="t", Item=KEY), "dynamodb:putItem"),
    (aws.dynamodb.query(TableName="t"), "aws-sdk:dynamodb:query"),
    (aws.sdk.dynamodb.put_item(TableName="t"), "aws-sdk:dynamodb:putItem"),
    (aws.sqs.send_message.wait_for_task_token(QueueUrl="q", MessageBody="m"), "sqs:sendMessage.waitForTaskToken"),
    (aws.glue.start_job_run.sync(JobName="load"), "glue:startJobRun.sync"),
    (aws.states.start_execution.sync(StateMachineArn="arn:…"), "states:startExecution.sync:2"),
    (aws.lambda_.invoke(FunctionName="f"), "lambda:invoke"),
    (aws.emr_containers.start_job_run.sync(), "emr-containers:startJobRun.sync"),  # type: ignore[call-arg]
    (aws.events.put_events(Entries=[]), "events:putEvents"),
    (aws.events.put_rule(Name="r"), "aws-sdk:eventbridge:putRule"),
    (aws.s3.get_object(Bucket="b", Key="k"), "aws-sdk:s3:getObject"),
    (aws.rds.describe_db_instances(), "aws-sdk:rds:describeDBInstances"),
    (aws.athena.list_application_dpu_sizes(), "aws-sdk:athena:listApplicationDPUSizes"),
    (aws.cloudwatchlogs.create_log_group(LogGroupName="g"), "aws-sdk:cloudwatchlogs:createLogGroup"),
    (aws.newservice.do_it.wait_for_task_token(), "aws-sdk:newservice:doIt.waitForTaskToken"),
]


@pytest.mark.parametrize(("call", "resource"), CALLS, ids=[resource for _, resource in CALLS])
def test_the_resource_of_a_call(call: Integration, resource: str) -> None:
    assert call.resource == f"arn:aws:states:::{resource}"


@pytest.mark.parametrize("invoke", [aws.lambda_.invoke, aws.sdk.lambda_.invoke])
def test_a_function_as_an_argument_is_its_arn_and_belongs_to_the_flow(invoke: Any) -> None:
    charge = f.Function("charge", "handlers/charge")
    machine = f.StateMachine("m", f.Task("T", invoke(FunctionName=charge, Payload=state_input)))
    assert machine.problems == []
    assert f.dump(machine)["States"]["T"]["Parameters"] == {"FunctionName": charge.arn, "Payload.$": "$"}
    assert machine.functions == {"charge": charge}
    assert machine.callees == {("States", "T"): (charge,)}


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        ("JSONPath", {"Parameters": {"TableName.$": "$table", "Key": {"id": {"S.$": "$.id"}}}}),
        ("JSONata", {"Arguments": {"TableName": "{% $table %}", "Key": {"id": {"S": "{% $states.input.id %}"}}}}),
    ],
)
def test_a_task_makes_the_call_in_both_languages(language: Any, expected: dict[str, Any]) -> None:
    task = f.Task("T", aws.dynamodb.get_item(TableName=var.table, Key=KEY), timeout=5)
    machine = f.StateMachine("m", task, query_language=language)
    assert not machine.problems
    state = f.dump(machine)["States"]["T"]
    rest = {"Type": "Task", "Resource": "arn:aws:states:::dynamodb:getItem", "TimeoutSeconds": 5, "End": True}
    assert state == {**expected, **rest}


def reading(reader: f.ItemReader, writer: Any = f.UNSET) -> f.Map:
    return f.Map("Rows", item_reader=reader, result_writer=writer, processor=f.Pass("Row"), mode="DISTRIBUTED")


@pytest.mark.parametrize(
    ("language", "field", "key"),
    [("JSONPath", "Parameters", {"Key.$": "$.key"}), ("JSONata", "Arguments", {"Key": "{% $states.input.key %}"})],
)
def test_a_distributed_map_reads_and_writes_by_calls_of_s3(language: Any, field: str, key: dict[str, str]) -> None:
    reader = f.ItemReader(aws.s3.get_object(Bucket="in", Key=state_input.key), config=f.ReaderConfig(input_type="JSON"))
    step = reading(reader, f.ResultWriter(aws.s3.put_object(Bucket="out")))
    machine = f.StateMachine("m", step, query_language=language)
    assert not machine.problems
    state = f.dump(machine)["States"]["Rows"]
    assert state["ItemReader"] == {
        "Resource": "arn:aws:states:::s3:getObject",
        field: {"Bucket": "in", **key},
        "ReaderConfig": {"InputType": "JSON"},
    }
    assert state["ResultWriter"] == {"Resource": "arn:aws:states:::s3:putObject", field: {"Bucket": "out"}}


CONDITION = aws.dynamodb.errors.ConditionalCheckFailedException


@pytest.mark.parametrize(
    ("step", "names"),
    [
        (lambda **on: f.Task("T", aws.dynamodb.put_item(TableName="t", Item=KEY), **on), ["DynamoDB"]),
        (lambda **on: f.Task("T", aws.dynamodb.query(TableName="t"), **on), ["DynamoDb"]),
        (lambda **on: f.Task("T", "arn:aws:states:::dynamodb:putItem", parameters={}, **on), ["DynamoDB"]),
        (lambda **on: f.Parallel("T", f.Pass("A"), **on), ["DynamoDB", "DynamoDb"]),
    ],
)
def test_the_name_of_an_error_is_that_of_the_integration(step: Any, names: list[str]) -> None:
    step = step(retry=[f.retry(CONDITION, Refused)], catch=[f.catch([CONDITION, f.Http(429)], f.end())])
    machine = f.StateMachine("m", step)
    assert not machine.problems
    state = f.dump(machine)["States"]["T"]
    expected = [f"{name}.ConditionalCheckFailedException" for name in names]
    assert state["Retry"][0]["ErrorEquals"] == [*expected, "Refused"]
    assert state["Catch"][0]["ErrorEquals"] == [*expected, "States.Http.StatusCode.429"]


@pytest.mark.parametrize(
    ("error", "name"),
    [
        (aws.s3.errors.NoSuchKey, "S3.NoSuchKeyException"),
        (aws.sqs.errors.QueueDoesNotExist, "SQS.QueueDoesNotExistException"),
        (aws.states.errors.ExecutionLimitExceeded, "StepFunctions.ExecutionLimitExceededException"),
        (aws.sdk.dynamodb.errors.TableNotFoundException, "DynamoDb.TableNotFoundException"),
        (aws.rds.errors.DBInstanceNotFoundFault, "Rds.DbInstanceNotFoundException"),
        (aws.kms.errors.KMSInvalidStateException, "Kms.KmsInvalidStateException"),
        (aws.kms.errors.Unknown, "Kms.Unknown"),
        (aws.cloudwatchlogs.errors.ResourceNotFoundException, "CloudWatchLogs.ResourceNotFoundException"),
    ],
)
def test_the_names_of_errors(error: AwsError, name: str) -> None:
    assert name in error.names()


SEND = aws.sqs.send_message(QueueUrl="q", MessageBody="m")


@pytest.mark.parametrize(
    ("step", "message"),
    [
        (f.Task("T", SEND, parameters={"a": 1}), "has its own arguments beside parameters="),
        (f.Task("T", SEND, payload={"a": 1}), "has its own arguments beside payload="),
        (f.Task("T", SEND, wait_for_task_token=True), "wait_for_task_token= beside the call"),
        (f.Task("T", aws.s3.get_object), "aws-sdk:s3:getObject is not called"),  # type: ignore[arg-type]
        (f.Task("T", aws.s3), "aws.s3 is not called"),  # type: ignore[arg-type]
        (reading(f.ItemReader(aws.s3.get_object)), "aws-sdk:s3:getObject is not called"),  # type: ignore[arg-type]
        (reading(f.ItemReader(aws.s3.get_object(Bucket="b"), arguments={})), "own arguments beside arguments="),
        (f.Task("T", SEND, retry=[f.retry(aws.s3.errors)]), "all errors of a service"),  # type: ignore[arg-type]
    ],
)
def test_what_does_not_go_together_is_a_problem(step: Any, message: str) -> None:
    problems = f.StateMachine("m", step).problems
    assert [each for each in problems if message in each.message]
    assert all(each.hint and each.span for each in problems)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: aws.dynamodb.put_item.sync(), r"dynamodb:putItem has no \.sync: .* only calls it"),  # type: ignore[attr-defined]
        (lambda: aws.s3.get_object.sync(), r"has no \.sync: Step Functions offers \.wait_for_task_token"),
        (lambda: f.Http(99), "a status from 100 to 599"),
    ],
)
def test_a_pattern_that_step_functions_does_not_have(call: Any, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        call()


def test_a_problem_inside_the_arguments_is_shown_there() -> None:
    call = aws.sqs.send_message(QueueUrl="q", MessageBody={"text": [state_input.a, {"b": 1}]})
    (problem,) = f.StateMachine("m", f.Task("T", call)).problems
    assert problem.span is not None
    line = Path(__file__).read_text().splitlines()[problem.span.line - 1]
    assert line[problem.span.column - 1 :].startswith("state_input.a")


FLOW = """
import flowdsl as f
from flowdsl import aws, state_input

put = aws.dynamodb.put_item(
    TableName="t",
    Item={
        "id": {"S": state_input.id},
        "cents": {"N": 5},
        "two": {"S": "a", "N": "1"},
        "bare": 12,
        "is_new": {"BOOL": "yes"},
    },
    ReturnValues="ALL",
)
machine = f.StateMachine(
    "m",
    f.chain(
        f.Task("Put", put),
        f.Task("List", aws.s3.list_objects_v2(Bucket="b", MaxKeys="many", Prefex="p")),
        f.Task("Tell", aws.sns.publish(TopicArn="arn:aws:sqs:eu-west-1:111122223333:q", Message={"a": 1})),
    ),
    query_language="LANGUAGE",
)
"""
MISTAKES = {
    '"cents": {"N": 5}': "N must be text in DynamoDB's JSON, not 5",
    '"two": {"S": "a", "N": "1"}': "two must have one type of value, not S and N",
    '"bare": 12': "bare must be an object, not 12",
    '"is_new": {"BOOL": "yes"}': 'BOOL must be true or false, not "yes"',
    'ReturnValues="ALL"': "ReturnValues must be one of NONE, ALL_OLD, UPDATED_OLD, ALL_NEW, UPDATED_NEW, not 'ALL'",
    'MaxKeys="many"': 'MaxKeys must be a number, not "many"',
    'Prefex="p"': "s3:listObjectsV2 has no parameter 'Prefex'",
    "TopicArn=": "TopicArn must be the ARN of sns, not one of sqs",
}


@pytest.mark.parametrize("language", ["JSONPath", "JSONata"])
def test_mistakes_in_arguments_are_shown_at_their_line(language: str, tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").touch()
    file = tmp_path / "flow.py"
    file.write_text(FLOW.replace("LANGUAGE", language))
    lines = file.read_text().splitlines()
    problems = project.review(project.load(file), packaging=False)
    places = {problem.message: problem.span.line if problem.span else 0 for problem in problems}
    assert places == {
        message: next(number for number, line in enumerate(lines, 1) if word in line)
        for word, message in MISTAKES.items()
    }


def test_a_function_without_a_source_is_deployed_elsewhere(tmp_path: Path) -> None:
    submit = f.Function("submit-job")
    machine = f.StateMachine(
        "m",
        f.chain(
            f.Task("Submit", submit, payload={"id": state_input.id}, into="job"),
            f.Task("Wait", submit, payload={"token": f.task_token}, wait_for_task_token=True),
        ),
    )
    assert not machine.problems
    assert not machine.functions
    states = f.dump(machine)["States"]
    assert states["Submit"]["Resource"] == submit.arn
    assert states["Wait"]["Parameters"]["FunctionName"] == submit.arn


def test_two_functions_of_one_name_are_a_problem_wherever_they_are() -> None:
    one, other = f.Function("pay"), f.Function("pay", "handlers/pay")
    (problem,) = f.StateMachine("m", f.chain(f.Task("A", one), f.Task("B", other))).problems
    assert problem.code == "FD213"


def script() -> Any:
    spec = importlib.util.spec_from_file_location("aws_stubs", ROOT / "scripts" / "aws_stubs.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_stubs_are_up_to_date() -> None:
    stubs = script()
    assert stubs.STUBS.read_text() == stubs.stubs(), "run: python scripts/aws_stubs.py"
    table = json.loads(stubs.TABLE.read_text())
    part = stubs.table(["athena", "logs", "rds"])  # reading the models of all takes a minute
    assert table["optimised"] == part["optimised"]
    assert part["irregular"].items() <= table["irregular"].items()
    assert part["prefixes"].items() <= table["prefixes"].items()


def test_a_flow_that_calls_services_imports_no_botocore() -> None:
    code = (
        "import sys, flowdsl as f; from flowdsl import aws;"
        "f.StateMachine('m', f.Task('T', aws.rds.describe_db_instances()));"
        "sys.exit(bool({'botocore', 'boto3'} & {*sys.modules}))"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


def test_a_misspelt_service_of_an_error_is_as_clear_as_that_of_a_call(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").touch()
    file = tmp_path / "flow.py"
    file.write_text(
        "import flowdsl as f\nfrom flowdsl import aws\n"
        'put = aws.dynamodb.put_item(TableName="t", Item={"id": {"S": "1"}})\n'
        "known = f.catch(aws.dynamo.errors.ConditionalCheckFailedException, f.Pass('Known'))\n"
        "machine = f.StateMachine('m', f.Task('Put', put, catch=known))\n"
    )
    (problem,) = project.review(project.load(file), packaging=False)
    assert problem.code == "FD506"
    assert "AWS has no service 'Dynamo', so nothing raises" in problem.message
    assert problem.hint == "did you mean 'DynamoDB.ConditionalCheckFailedException'?"


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        ("aws.dynamo.errors.ConditionalCheckFailedException", ("error", "FD506")),
        ("aws.dynamodb.errors.ConditionalCheckFaildException", ("error", "FD664")),
        ("'DynamoDB.ConditionalCheckFailed'", ("error", "FD664")),
        ("aws.dynamodb.errors.ResourcesNotFoundExceptions", ("error", "FD664")),
        ("aws.dynamodb.errors.ReplicaNotFundedException", ("warning", "FD664")),
        ("aws.dynamodb.errors.ValidationException", None),
        ("aws.dynamodb.errors.SomethingNewException", None),
    ],
)
def test_an_error_that_a_service_certainly_does_not_have(
    error: str, expected: tuple[str, str] | None, tmp_path: Path
) -> None:
    (tmp_path / "pyproject.toml").touch()
    file = tmp_path / "flow.py"
    file.write_text(
        "import flowdsl as f\nfrom flowdsl import aws\n"
        'put = aws.dynamodb.put_item(TableName="t", Item={"id": {"S": "1"}})\n'
        f"machine = f.StateMachine('m', f.Task('Put', put, catch=f.catch({error}, f.Pass('Known'))))\n"
    )
    problems = project.review(project.load(file), packaging=False)
    assert [(each.severity, each.code) for each in problems] == ([expected] if expected else [])
    assert all(
        each.span and each.span.line == 4 and "did you mean 'DynamoDB." in (each.hint or "") for each in problems
    )
