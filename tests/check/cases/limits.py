from flowdsl import (
    Function,
    ItemBatcher,
    ItemReader,
    Map,
    Pass,
    StateMachine,
    Task,
    Wait,
    aws,
    chain,
    state_input,
    task_token,
)

slow = Function("slow", "handlers/charge", timeout=60)

machine = StateMachine(
    "limits",
    chain(
        Task("Short", slow, timeout=59),  # FD666
        Task("Ask", Function("ask"), payload={"token": task_token}, wait_for_task_token=True),
        Wait("Long", seconds=3600),  # FD954
        Task(
            "Mark",
            aws.dynamodb.update_item(
                TableName="t",
                Key={"id": {"S": "a"}},
                UpdateExpression="SET paid = :paid",  # FD668
                ExpressionAttributeNames={"#paid": "paid"},  # FD668
            ),
        ),
        Map(
            "Rows",
            item_reader=ItemReader(
                "arn:aws:states:::s3:putObject",  # FD523
                arguments={"Bucket": state_input.bucket},  # FD801
            ),
            item_batcher=ItemBatcher(batch_input={"a": 1}),  # FD523
            processor=chain(
                Pass("NoBatch", assign={"sku": state_input.sku}),  # FD801
                Pass("Batch", output=[state_input.Items, state_input.BatchInput.a]),
                Wait("TenMinutes", seconds=600),  # FD954
                Pass("Text", output={"a": "for {% $states.input.name %}", "b": "$uppercase('a')"}),  # FD752 FD305
            ),
            mode="DISTRIBUTED",
            execution_type="EXPRESS",
        ),
    ),
    query_language="JSONata",
    timeout=3600,
)
