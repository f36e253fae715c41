"""Loads the readings of meters that were uploaded over night. JSONata, a Distributed Map, a nested Express child."""

from dataclasses import dataclass, field
from datetime import timedelta

import flowdsl as f
from flowdsl import aws, context, error_output, fn, result, state_input, var


@dataclass
class Window:
    start: str
    end: str


@dataclass
class Night:
    tenant: str
    bucket: str
    prefix: str
    window: Window
    strict: bool
    max_errors: int
    sources: list[str] = field(default_factory=list)


begin = f.Pass(
    "Begin",
    assign={
        "tenant": state_input.tenant,
        "run": f"{state_input.tenant}-{context.Execution.Name}",
        "window": state_input.window,
        "rounds": 0,
    },
)
split = f.Task(
    "Split",
    f.Function("meter-split", "handlers/split", timeout=120, memory=1024),
    payload={"bucket": state_input.bucket, "prefix": state_input.prefix, "from": var.window.start},
    into=var.split,
    timeout=timedelta(minutes=3),
    retry=[f.lambda_transient, f.retry("BucketBusy", interval=5, max_attempts=5)],
    catch=f.catch("NothingUploaded", f.Succeed("NoReadings"), into=f.DISCARD),
)
load = f.Map(
    "LoadParts",
    mode="DISTRIBUTED",
    execution_type="EXPRESS",
    item_reader=f.ItemReader(
        aws.s3.get_object(Bucket=state_input.bucket, Key=split.out.manifest),
        config=f.ReaderConfig(input_type="JSONL", max_items=100_000),
    ),
    item_batcher=f.ItemBatcher(
        max_items=200,
        batch_input={"tenant": var.tenant, "run": var.run, "unit": split.out.unit},
    ),
    processor=f.chain(
        f.Task(
            "LoadBatch",
            f.Function("meter-load", "handlers/load", timeout=60),
            payload={
                "tenant": state_input.BatchInput.tenant,
                "unit": state_input.BatchInput.unit,
                "readings": state_input.Items,
            },
            output={
                "tenant": state_input.BatchInput.tenant,
                "loaded": result.loaded,
                "rejected": result.rejected,
                "share": result.rejected / (result.loaded + result.rejected),
            },
            timeout=90,
            retry=[f.lambda_transient, f.retry("TableLocked", interval=2, max_attempts=5)],
        ),
        f.Choice(
            "IsGoodBatch",
            f.when(state_input.share > 0.5, f.fail("BadBatch", error="BadBatch", cause="Most readings were rejected")),
        ),
        f.Task(
            "CountBatch",
            aws.dynamodb.update_item(
                TableName="loads",
                Key={"tenant": {"S": state_input.tenant}},
                UpdateExpression="ADD loaded :loaded, rejected :rejected",
                ExpressionAttributeValues={
                    ":loaded": {"N": fn.string(state_input.loaded)},
                    ":rejected": {"N": fn.string(state_input.rejected)},
                },
            ),
            output={"loaded": state_input.loaded},
            timeout=20,
        ),
    ),
    result_writer=f.ResultWriter(aws.s3.put_object(Bucket=state_input.bucket, Prefix=f"results/{var.run}")),
    max_concurrency=50,
    tolerated_failure_percentage=10,
    into=var.loads,
    catch=f.catch(
        "States.ExceedToleratedFailureThreshold",
        f.Pass("TooManyFailures", assign={"verdict": "bad"}),
        assign={"reason": error_output.Cause},
        into=f.DISCARD,
    ),
)
aggregate = f.Task(
    "Aggregate",
    aws.athena.start_query_execution.sync(
        QueryString=f"CALL aggregate('{state_input.tenant}')",
        WorkGroup="meters",
        ResultConfiguration={"OutputLocation": f"s3://{state_input.bucket}/athena/"},
    ),
    output={"query": result.QueryExecution.QueryExecutionId, "state": result.QueryExecution.Status.State},
    into=var.aggregate,
    timeout=timedelta(minutes=30),
)
export = f.Task(
    "StartExport",
    aws.sdk.glue.start_job_run(JobName="export-readings", Arguments={"--tenant": state_input.tenant}, Timeout=60),
    output={"id": result.JobRunId},
    into=var.export,
)
watch = f.Task(
    "ReadExport",
    aws.sdk.glue.get_job_run(JobName="export-readings", RunId=export.out.id),
    output={"state": result.JobRun.JobRunState, "seconds": result.JobRun.ExecutionTime},
    into=var.watched,
    retry=f.retry("Glue.OperationTimeoutException", interval=10, max_attempts=4),
)
validate = f.Task(
    "Validate",
    aws.states.start_execution.sync(
        StateMachineArn="arn:aws:states:eu-west-1:123456789012:stateMachine:validate",
        Input={"tenant": state_input.tenant, "query": aggregate.out.query},
        Name=f"{var.run}-validate",
    ),
    output={"errors": result.Output.errors, "status": result.Status},
    into=var.validation,
    timeout=900,
)
report = f.Task(
    "Report",
    aws.sdk.sesv2.send_email(
        FromEmailAddress="meters@example.com",
        Destination={"ToAddresses": ["ops@example.com"]},
        Content={
            "Simple": {
                "Subject": {"Data": f"Readings of {state_input.tenant}"},
                "Body": {"Text": {"Data": f"{validate.out.errors} errors, export took {watch.out.seconds} s"}},
            }
        },
    ),
    output={"message": result.MessageId},
    into=var.mail,
    retry=f.retry("SesV2.TooManyRequestsException", interval=3, max_attempts=3),
)

flow = f.chain(
    begin,
    split,
    f.Choice(
        "HasParts",
        f.when(split.out.parts == 0, f.end()),
        f.when(
            (split.out.parts > 1000) & (state_input.strict), f.fail("TooMany", error="TooMany", cause="Too many parts")
        ),
    ),
    load,
    aggregate,
    export,
    f.poll(
        watch,
        every=60,
        until=watch.out.state == "SUCCEEDED",
        failed=f.when(
            f.one_of(watch.out.state, "FAILED", "TIMEOUT", "STOPPED"), f.fail("ExportFailed", error="Export")
        ),
        counter=var.polls,
        at_most=90,
    ),
    validate,
    f.Choice(
        "IsValid",
        f.when(validate.out.errors <= state_input.max_errors, f.Pass("Valid", assign={"verdict": "good"})),
        f.when(state_input.strict, f.fail("Invalid", error="Invalid", cause=f"{validate.out.errors} errors")),
        otherwise=f.Pass("Tolerated", assign={"verdict": "so-so"}),
    ),
    report,
    f.Pass(
        "Finish",
        output={
            "tenant": state_input.tenant,
            "verdict": var.verdict,
            "query": aggregate.out.query,
            "mail": report.out.message,
            "sources": fn.join(state_input.sources, ", "),
            "minutes": fn.round(watch.out.seconds / 60),
        },
    ),
)
machine = f.StateMachine("etl", flow, query_language="JSONata", input=Night, timeout=timedelta(hours=6))
