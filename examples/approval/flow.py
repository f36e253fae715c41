"""Pay an expense. A large one waits until a person has approved it: the manager, or after two days the director.

The queues' readers ask the person and answer with SendTaskSuccess: {"approved": true, "by": "Grace Hopper"}.
"""

from datetime import timedelta
from typing import TypedDict

import flowdsl as f
from flowdsl import aws, result, state_input, task_token, var

QUEUES = "https://sqs.eu-west-1.amazonaws.com/123456789012"


class Expense(TypedDict):
    id: str
    employee: str
    cents: int


def ask(name: str, queue: str, *, unanswered: f.Step) -> f.Task:
    message: f.Value = {
        "text": f"May {state_input.employee} spend {state_input.cents} cents?",
        "expense": state_input.id,
        "token": task_token,
    }
    return f.Task(
        name,
        aws.sqs.send_message.wait_for_task_token(QueueUrl=f"{QUEUES}/{queue}", MessageBody=message),
        into=var.answer,
        timeout=timedelta(days=2),
        catch=f.catch("States.Timeout", unanswered, into=var.problem),
    )


refuse = f.fail("Refuse", error="Refused", cause="The expense was not approved")
ask_director = ask("AskDirector", "directors", unanswered=refuse)
ask_manager = ask("AskManager", "managers", unanswered=ask_director)
pay = f.Task(
    "Pay",
    f.Function("pay-expense"),
    payload={"expense": state_input.id, "cents": state_input.cents},
    output={"payment": result.reference},
    timeout=60,
)

flow = f.chain(
    f.Choice(
        "IsLarge",
        f.when(
            state_input.cents > 50_000,
            ask_manager,
            f.Choice("IsApproved", f.when(var.answer.approved), otherwise=refuse),
        ),
    ),
    pay,
)
machine = f.StateMachine(
    "approval",
    flow,
    defaults=f.Defaults(retry=f.lambda_transient),
    query_language="JSONata",
    input=Expense,
)
