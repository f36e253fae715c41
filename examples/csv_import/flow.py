"""Import the payments of a CSV file in S3 into DynamoDB, each file once, and tell how many rows were written.

A Distributed Map starts a child execution for every 25 rows, the most that BatchWriteItem takes.
"""

import re
from typing import TypedDict

import flowdsl as f
from flowdsl import DISCARD, aws, context, fn, result, state_input, var


class File(TypedDict):
    tenant: str
    bucket: str
    key: str


def is_payment(row: f.Expression) -> f.Condition:
    return (row.id != "") & fn.contains(row.amount, re.compile(r"^\d+(\.\d\d?)?$")) & (fn.number(row.amount) > 0)


def put(row: f.Expression) -> f.Value:
    item: f.Value = {
        "id": {"S": f"{state_input.BatchInput.tenant}#{row.id}"},
        "email": {"S": fn.lowercase(row.email)},
        "cents": {"N": fn.string(fn.round(fn.number(row.amount) * 100))},
    }
    return {"PutRequest": {"Item": item}}


payments = f.where(state_input.Items, is_payment)
write_rows = f.Task(
    "WriteRows",
    aws.dynamodb.batch_write_item(RequestItems={"payments": var.requests}),
    output=fn.default(result.UnprocessedItems.payments, []),
    into=var.requests,
)
batch = f.chain(
    f.Pass("PrepareRows", assign={"requests": fn.map(payments, put), "written": fn.count(payments)}),
    f.Choice(
        "HasPayments",
        f.when(
            var.written > 0,
            f.repeat(
                write_rows,
                until=fn.count(var.requests) == 0,
                at_most=6,
                counter=var.tries,
                between=f.Wait("WaitForCapacity", seconds=fn.power(2, var.tries)),
            ),
        ),
    ),
    f.Pass("Count", output={"written": var.written, "rejected": fn.count(state_input.Items) - var.written}),
)

claim = aws.dynamodb.put_item(
    TableName="imports",
    Item={"file_key": {"S": var.file_key}, "import_id": {"S": var.import_id}, "status": {"S": "RUNNING"}},
    ConditionExpression="attribute_not_exists(file_key) OR #status = :failed",
    ExpressionAttributeNames={"#status": "status"},
    ExpressionAttributeValues={":failed": {"S": "FAILED"}},
)
import_rows = f.Map(
    "ImportRows",
    item_reader=f.ItemReader(
        aws.s3.get_object(Bucket=state_input.bucket, Key=state_input.key),
        config=f.ReaderConfig(input_type="CSV", csv_header_location="FIRST_ROW"),
    ),
    item_batcher=f.ItemBatcher(max_items=25, batch_input={"tenant": state_input.tenant}),
    processor=batch,
    mode="DISTRIBUTED",
    execution_type="STANDARD",
    max_concurrency=40,
    output={"written": fn.sum(fn.append([0], result.written)), "rejected": fn.sum(fn.append([0], result.rejected))},
    into=var.rows,
)
status = f.cond(var.rows.rejected > 0, "PARTIAL", "COMPLETE")
report = {"import_id": var.import_id, "status": status, "rows": var.rows}


def mark(name: str, status: f.Expression | str) -> f.Task:
    update = aws.dynamodb.update_item(
        TableName="imports",
        Key={"file_key": {"S": var.file_key}},
        UpdateExpression="SET #status = :status",
        ExpressionAttributeNames={"#status": "status"},
        ExpressionAttributeValues={":status": {"S": status}},
    )
    return f.Task(name, update, into=DISCARD)


machine = f.StateMachine(
    "csv-import",
    f.chain(
        f.Pass(
            "NameImport",
            assign={
                "file_key": f"{state_input.bucket}/{state_input.key}",
                "import_id": f"{state_input.tenant}-{context.Execution.Name}",
            },
        ),
        f.Task(
            "Claim",
            claim,
            into=DISCARD,
            catch=f.catch(aws.dynamodb.errors.ConditionalCheckFailedException, f.Succeed("ImportedBefore")),
        ),
        f.guard(
            f.chain(import_rows, mark("MarkDone", status)),
            f.catch("States.ALL", mark("MarkFailed", "FAILED"), f.fail("ImportFailed", error="ImportFailed")),
        ),
        f.Task(
            "Announce",
            aws.sns.publish(TopicArn="arn:aws:sns:eu-west-1:123456789012:imports", Message=report),
            output=report,
        ),
    ),
    query_language="JSONata",
    input=File,
)
