from flowdsl import Map, Pass, StateMachine, Task, Wait, chain

machine = StateMachine(
    "express",
    chain(
        Task("Activity", "arn:aws:states:eu-west-1:123456789012:activity:a"),  # FD654
        Task(
            "Sync", "arn:aws:states:::states:startExecution.sync:2", parameters={"StateMachineArn": "a"}
        ),  # FD654 FD663
        Map("Many", processor=Pass("One"), mode="DISTRIBUTED", execution_type="EXPRESS"),  # FD654
        Wait("Long", seconds=600),  # FD954
    ),
    type="EXPRESS",
)
