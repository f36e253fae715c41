from typing import Literal, TypedDict

from flowdsl import (
    Choice,
    Map,
    Pass,
    StateMachine,
    Succeed,
    Task,
    Wait,
    aws,
    chain,
    fn,
    goto,
    result,
    retry,
    state_input,
    var,
    when,
)


class Line(TypedDict):
    sku: str
    price: float


class Order(TypedDict):
    id: str
    delay: int
    status: Literal["paid", "open"]
    lines: list[Line]


shared = retry("States.TaskFailed", interval=5)
start = Task(
    "Start",
    aws.states.start_execution.sync(StateMachineArn="arn:aws:states:eu-west-1:123456789012:stateMachine:a"),
    output={"text": result.Output, "part": result.Outputs},  # FD801
    retry=[
        shared,
        retry("StepFunctions.ExecutionLimitExceeded", max_attempts=0),  # FD503
    ],
    into=var.started,
)
machine = StateMachine(
    "kinds",
    chain(
        start,
        Wait("Late", seconds=state_input.id),  # FD805
        Wait("Right", seconds=state_input.delay),
        Task(
            "Describe",
            aws.batch.describe_jobs(Jobs=["a"]),
            output={"status": result.Jobs[0].Statuss, "id": result.Jobs[0].JobId},  # FD801
            into=var.job,
        ),
        Choice(
            "Which",
            when(state_input.status == "Paid", Succeed("One")),  # FD803
            when(state_input.delay == "5", goto("One")),  # FD803
            when(fn.uppercase(state_input.delay) == "A", goto("One")),  # FD805
            when(state_input.id + 1 > 2, goto("One")),  # FD805
            when(state_input.status == "paid", goto("One")),
        ),
        Map("Each", items=state_input.status, processor=Pass("Item")),  # FD805
        Map("Lines", items=state_input.lines, processor=Pass("Line", output=state_input.sku)),
        Pass("Sum", output={"sum": fn.sum(state_input.lines.price)}),
    ),
    query_language="JSONata",
    input=Order,
)
