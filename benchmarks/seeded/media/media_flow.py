"""Takes an uploaded video in: probe, transcode, moderate, publish. JSONata."""

from datetime import timedelta
from typing import Literal, NotRequired, TypedDict

from flowdsl import (
    DISCARD,
    Choice,
    Function,
    Map,
    Parallel,
    Pass,
    StateMachine,
    Succeed,
    Task,
    Wait,
    aws,
    catch,
    chain,
    cond,
    context,
    error_output,
    fail,
    fn,
    goto,
    lambda_transient,
    poll,
    result,
    retry,
    state_input,
    task_token,
    var,
    when,
    where,
)


class Rendition(TypedDict):
    name: str
    height: int
    bitrate: int


class Upload(TypedDict):
    bucket: str
    key: str
    owner: str
    premium: bool
    visibility: Literal["public", "unlisted", "private"]
    renditions: list[Rendition]
    callback: NotRequired[str]


probe_busy = retry("ProbeBusy", interval=2, max_attempts=4, max_delay=30)

head = Task(
    "HeadObject",
    aws.s3.head_object(Bucket=state_input.bucket, Key=state_input.key),
    assign={"bytes": result.ContentLength, "kind": result.ContentType},
    into=DISCARD,
    catch=catch("S3.NoSuchKeyException", fail("NoUpload", error="NoUpload", cause="The upload is gone")),
)
probe = Task(
    "Probe",
    Function("media-probe", "handlers/probe", timeout=60, memory=512),
    payload={"bucket": state_input.bucket, "key": state_input.key, "max_bytes": 5_000_000_000},
    into=var.probe,
    timeout=90,
    retry=[lambda_transient, probe_busy],
    catch=catch(
        "UnreadableVideo",
        fail("Unreadable", error="Unreadable", cause=var.trouble.Cause),
        into=var.trouble,
    ),
)
wanted = Pass(
    "ChooseRenditions",
    assign={
        "wanted": where(state_input.renditions, lambda each: each.height <= var.probe.height),
        "minutes": fn.round(probe.out.seconds / 60, 1),
        "title": fn.default(probe.out.title, state_input.key),
    },
)
transcode = Map(
    "TranscodeAll",
    items=var.wanted,
    item_selector={"bucket": state_input.bucket, "key": state_input.key, "rendition": context.Map.Item.Value},
    processor=chain(
        Task(
            "Transcode",
            aws.mediaconvert.create_job.sync(
                Role="arn:aws:iam::123456789012:role/transcode",
                Settings={
                    "Inputs": [{"FileInput": f"s3://{state_input.bucket}/{state_input.key}"}],
                    "OutputGroups": [],
                },
                Tags={"rendition": state_input.rendition.name},
            ),
            output={"name": state_input.rendition.name, "job": result.Job.Id, "height": state_input.rendition.height},
            timeout=timedelta(hours=2),
            retry=retry("MediaConvert.TooManyRequestsException", interval=10, max_attempts=5),
        ),
    ),
    max_concurrency=4,
    into=var.jobs,
)
thumbnail = Task(
    "Thumbnail",
    Function("media-thumbnail", "handlers/thumbnail"),
    payload={"key": state_input.key, "at": probe.out.seconds / 2, "sizes": [120, 480]},
    output={"images": result.images, "cover": result.images[0].key},
    retry=lambda_transient,
)
labels = Task(
    "Labels",
    aws.sdk.rekognition.start_label_detection(
        Video={"S3Object": {"Bucket": state_input.bucket, "Name": state_input.key}}, MinConfidence=80
    ),
    output={"job": result.JobId},
)
enrich = Parallel("Enrich", thumbnail, labels, into=var.extras)
look = Task(
    "LookAtLabels",
    aws.sdk.rekognition.get_label_detection(JobId=var.extras[1].job),
    output={"status": result.JobStatus, "labels": result.Labels.Label.Name},
    into=var.detection,
)
moderate = Task(
    "Moderate",
    Function("media-moderate", "handlers/moderate", timeout=30),
    payload={"key": state_input.key, "labels": look.out.labels, "seconds": probe.out.seconds},
    into=var.verdict,
    timeout=45,
    retry=[lambda_transient, retry("ModelOverloaded", interval=5, max_attempts=6)],
)
review = Task(
    "AskReviewer",
    aws.sqs.send_message.wait_for_task_token(
        QueueUrl="https://sqs.eu-west-1.amazonaws.com/123456789012/reviews",
        MessageBody={
            "token": task_token,
            "key": state_input.key,
            "score": moderate.out.score,
            "reasons": moderate.out.reasons,
        },
    ),
    output={"decision": result.decision},
    into=var.review,
    timeout=timedelta(days=3),
    catch=catch("States.Timeout", fail("NobodyReviewed", error="NobodyReviewed", cause="Three days went by")),
)
publish = Task(
    "Publish",
    aws.dynamodb.put_item(
        TableName="videos",
        Item={
            "key": {"S": state_input.key},
            "owner": {"S": state_input.owner},
            "minutes": {"N": fn.string(var.minutes)},
            "renditions": {"N": fn.string(fn.count(transcode.out))},
            "cover": {"S": var.extras[0].cover},
            "listed": {"BOOL": state_input.visibility == "public"},
        },
        ConditionExpression="attribute_not_exists(#key) OR #owner = :owner",
        ExpressionAttributeNames={"#key": "key", "#owner": "owner"},
        ExpressionAttributeValues={":owner": {"S": state_input.owner}},
    ),
    into=DISCARD,
    catch=catch(aws.dynamodb.errors.ConditionalCheckFailedException, Succeed("NotTheOwner")),
)
notify = Task(
    "Notify",
    Function("media-notify", "handlers/notify"),
    payload={
        "owner": state_input.owner,
        "text": f"{var.title} is online in {fn.count(transcode.out)} sizes",
        "tallest": fn.max(transcode.out.height),
        "names": fn.join(transcode.out.name, ", "),
        "urgent": cond(state_input.premium, True, False),
        "execution": context.Execution.Name,
    },
    into=DISCARD,
    retry=[lambda_transient, retry("States.TaskFailed", interval=3, max_attempts=2)],
    catch=catch("States.ALL", Pass("NotNotified"), assign={"why": error_output.Error}, into=DISCARD),
)
reviewed = Choice(
    "Reviewed",
    when(review.out.decision == "ok", goto(publish)),
    otherwise=fail("RefusedByReviewer", error="RefusedByReviewer", cause="A reviewer refused it"),
)

flow = chain(
    head,
    Choice(
        "IsVideo",
        when(var.bytes == 0, fail("Empty", error="Empty", cause="The file is empty")),
        when(var.bytes > 5_000_000_000, fail("TooLarge", error="TooLarge", cause="More than 5 GB")),
    ),
    probe,
    wanted,
    transcode,
    enrich,
    poll(look, every=20, until=look.out.status == "SUCCEEDED", failed=look.out.status == "FAILED", at_most=60),
    moderate,
    Choice(
        "Verdict",
        when(moderate.out.verdict == "accept", publish),
        when((moderate.out.verdict == "unsure") & (moderate.out.score > 0.4), review, reviewed),
        when(moderate.out.verdict == "busy", Wait("WaitForModel", seconds=moderate.out.retry_after), goto(moderate)),
        otherwise=fail("Refused", error="Refused", cause="The video was refused"),
    ),
    notify,
    Pass("Report", output={"key": state_input.key, "minutes": var.minutes, "jobs": transcode.out.job}),
    Succeed("Online"),
)
machine = StateMachine("media", flow, query_language="JSONata", input=Upload, timeout=timedelta(days=5))
