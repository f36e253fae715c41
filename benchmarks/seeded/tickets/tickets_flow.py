"""A ticket of a customer: classified, answered by a person or a model, watched until it is closed. JSONata."""

from datetime import timedelta
from typing import Literal, NotRequired, TypedDict

import flowdsl as f
from flowdsl import aws, context, fn, result, state_input, task_token, var


class Attachment(TypedDict):
    name: str
    bytes: int


class Ticket(TypedDict):
    id: str
    customer: str
    subject: str
    body: str
    plan: Literal["free", "team", "enterprise"]
    attachments: list[Attachment]
    phone: NotRequired[str]


classify = f.Task(
    "Classify",
    f.Function("ticket-classify", "handlers/classify", timeout=25),
    payload={"subject": state_input.subject, "body": state_input.body, "plan": state_input.plan},
    into=var.class_,
    timeout=40,
    retry=[f.lambda_transient, f.retry("ModelBusy", interval=4, max_attempts=4)],
)
store = f.Map(
    "StoreAttachments",
    items=state_input.attachments,
    item_selector={"file": f.item, "ticket": state_input.id, "at": f.item_index},
    processor=f.Task(
        "CopyAttachment",
        aws.sdk.s3.copy_object(
            Bucket="tickets",
            Key=f"{state_input.ticket}/{state_input.file.name}",
            CopySource=f"inbox/{state_input.file.name}",
        ),
        output={"etag": result.CopyObjectResult.ETag, "name": state_input.file.name, "bytes": state_input.file.bytes},
        retry=f.retry("S3.SdkClientException", interval=2, max_attempts=3),
    ),
    max_concurrency=5,
    into=var.files,
)
sla = f.Task(
    "ReadSla",
    f.Function("ticket-sla", "handlers/sla"),
    payload={"plan": state_input.plan, "priority": classify.out.priority},
    output={"hours": result.hours, "queue": result.queue_url},
    retry=f.lambda_transient,
)
history = f.Task(
    "ReadHistory",
    aws.dynamodb.query(
        TableName="tickets",
        KeyConditionExpression="customer = :customer",
        ExpressionAttributeValues={":customer": {"S": state_input.customer}},
        Limit=20,
    ),
    output={"count": result.Count, "ids": result.Items.id.S},
)
facts = f.Parallel("CollectFacts", sla, history, into=var.facts)
draft = f.Task(
    "Draft",
    f.Function("ticket-draft", "handlers/draft", timeout=60),
    payload={
        "body": state_input.body,
        "topic": classify.out.topic,
        "tags": classify.out.tags,
        "earlier": var.facts[1].count,
        "limit": 800,
    },
    into=var.draft,
    timeout=75,
    retry=[f.lambda_transient, f.retry("ModelBusy", interval=4, max_attempts=4)],
    catch=f.catch("UnsafeAnswer", f.Pass("NeedsPerson", assign={"draft": {"text": "", "sure": 0}}), into=f.DISCARD),
)
person = f.Task(
    "AskPerson",
    aws.sqs.send_message.wait_for_task_token(
        QueueUrl=var.facts[0].queue,
        MessageBody={
            "token": task_token,
            "ticket": state_input.id,
            "draft": var.draft.text,
            "files": fn.count(store.out),
        },
    ),
    output={"text": result.text, "closed": result.closed},
    into=var.answer,
    timeout=timedelta(hours=72),
    heartbeat=3600,
)
send = f.Task(
    "SendAnswer",
    aws.sdk.sesv2.send_email(
        FromEmailAddress="help@example.com",
        Destination={"ToAddresses": [state_input.customer]},
        Content={
            "Simple": {
                "Subject": {"Data": f"Re: {state_input.subject}"},
                "Body": {"Text": {"Data": var.draft.text}},
            }
        },
    ),
    output={"message": result.MessageId},
    into=var.sent,
    retry=f.retry("SesV2.TooManyRequestsException", interval=3, max_attempts=3),
)
status = f.Task(
    "ReadStatus",
    aws.dynamodb.get_item(TableName="tickets", Key={"id": {"S": state_input.id}}, ConsistentRead=True),
    output={"state": result.Item.state.S, "reopened": fn.number(result.Item.reopened.N)},
    into=var.status,
)
mark = f.Task(
    "Mark",
    aws.dynamodb.update_item(
        TableName="tickets",
        Key={"id": {"S": state_input.id}},
        UpdateExpression="SET #state = :state, hours = :hours, message = :message",
        ExpressionAttributeNames={"#state": "state"},
        ExpressionAttributeValues={
            ":state": {"S": "answered"},
            ":hours": {"N": fn.string(var.facts[0].hours)},
            ":message": {"S": var.sent.message},
        },
    ),
    into=f.DISCARD,
    catch=f.catch("DynamoDB.ProvisionedThroughputExceededException", f.Pass("NotMarked"), into=f.DISCARD),
)

flow = f.chain(
    f.Choice(
        "IsTicket",
        f.when(fn.length(state_input.subject) == 0, f.fail("NoSubject", error="NoSubject", cause="No subject")),
        f.when(fn.sum(state_input.attachments.bytes) > 25_000_000, f.fail("TooBig", error="TooBig", cause="25 MB")),
    ),
    classify,
    f.Choice(
        "IsSpam",
        f.when(classify.out.topic == "spam", f.Succeed("Spam")),
        f.when((classify.out.topic == "other") & (classify.out.priority > 2), f.Pass("Odd")),
    ),
    store,
    facts,
    draft,
    f.Choice(
        "IsSure",
        f.when(var.draft.sure >= 0.9, send),
        otherwise=f.chain(
            person,
            f.Choice("IsClosed", f.when(person.out.closed, f.Succeed("Closed"))),
            f.Pass("TakeText", assign={"draft": {"text": person.out.text, "sure": 1}}),
            f.goto(send),
        ),
    ),
    mark,
    f.poll(
        status,
        every=timedelta(hours=6),
        until=status.out.state == "closed",
        failed=f.when(status.out.reopened > 3, f.fail("Reopened", error="Reopened")),
        at_most=40,
    ),
    f.Pass(
        "Report",
        output={
            "ticket": state_input.id,
            "tags": fn.join(classify.out.tags, ","),
            "files": fn.sum(store.out.bytes),
            "queue": fn.uppercase(var.facts[0].queue),
            "started": context.Execution.StartTime,
        },
    ),
)
machine = f.StateMachine("tickets", flow, query_language="JSONata", input=Ticket, timeout=timedelta(days=30))
