from flowdsl import Map, Pass, StateMachine, Task, Wait, chain

OTHER = "arn:aws:states:eu-west-1:123456789012:stateMachine:other"

machine = StateMachine(
    "express",
    chain(
        Task("Activity", "arn:aws:states:eu-west-1:123456789012:activity:a"),  # FD654
        Task("Sync", "arn:aws:states:::states:startExecution.sync:2", arguments={"StateMachineArn": OTHER}),  # FD654
        Map("Many", processor=Pass("One"), mode="DISTRIBUTED", execution_type="EXPRESS"),  # FD654
        Wait("Long", seconds=600),  # FD954
    ),
    type="EXPRESS",
)
