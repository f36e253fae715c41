"""What the functions of a flow use besides their input: tables, queues, topics and event buses that are deployed with
it, and the flow's own functions and executions.

    transactions = Table("payment-transactions", key="id", indexes={"by-status": ("status", "started_at")})
    store = Function("payment-store", "handlers/store", access=[
        transactions.access("PutItem", "GetItem", variable="TRANSACTIONS_TABLE"),
        Executions("payment").access("DescribeExecution"),
    ])

A local run sets no variable: the functions use what they use without one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, ClassVar, Final

from ..base.record import Record, field

if TYPE_CHECKING:
    from .functions import Function


class Resource(Record):
    """A resource that `flowdsl deploy` creates. `name` is without the environment's prefix."""

    service: ClassVar[str]
    """The prefix of its actions in IAM."""

    name: str

    def access(self, *actions: str, variable: str) -> Access:
        """Let a function call these actions, such as `PutItem`; the environment variable gets the name or URL.

        Raises TypeError if the actions or the variable are not spelled as AWS takes them.
        """
        if not actions:
            raise TypeError(f"access to {self.name!r} needs actions: access('PutItem', variable='TABLE')")
        for action in actions:
            if not re.fullmatch(r"[A-Z][A-Za-z]+", action):
                raise TypeError(
                    f"name the action as IAM does, without prefix and wildcard, such as 'PutItem': {action!r}"
                )
        if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]+", variable):
            raise TypeError(
                f"a variable has letters, digits and '_', and begins with a letter, such as 'TABLE': {variable!r}"
            )
        return Access(self, actions, variable)


class Table(Resource):
    """A DynamoDB table, paid for by request. Keys are texts.

    `indexes` are global secondary indexes: name to partition key, or to partition key and sort key. `expires` is the
    attribute with the time, in seconds since 1970, after which DynamoDB deletes an item, within some days.
    """

    service = "dynamodb"

    key: str = field(kw_only=True)
    sort_key: str | None = field(default=None, kw_only=True)
    indexes: Mapping[str, str | tuple[str, str]] = field(factory=dict, kw_only=True)
    expires: str | None = field(default=None, kw_only=True)


class Queue(Resource):
    """An SQS queue; one whose name ends with .fifo is a FIFO queue. `retention` and `visibility_timeout` in seconds."""

    service = "sqs"

    retention: int = field(default=345_600, kw_only=True)
    visibility_timeout: int = field(default=30, kw_only=True)


class Topic(Resource):
    """An SNS topic."""

    service = "sns"


class EventBus(Resource):
    """An EventBridge event bus: functions put events there (`PutEvents`), and rules of other teams receive them."""

    service = "events"


OF_MACHINE: Final = ("SendTaskFailure", "SendTaskHeartbeat", "SendTaskSuccess", "StartExecution")
"""Actions on a state machine. The Service Authorization Reference names no resource for SendTask*; IAM checks the state
machine of the token all the same (aws-cdk's `grantTaskResponse`, aws/aws-cdk pull request 8486)."""
OF_EXECUTION: Final = ("DescribeExecution", "GetExecutionHistory", "RedriveExecution", "StopExecution")


class Executions(Record):
    """The executions of a state machine of this project, by the machine's name: to answer their task tokens
    (`SendTaskSuccess`), start them, or look at them (`DescribeExecution`)."""

    machine: str

    def access(self, *actions: str) -> Access:
        """Let a function call these actions of Step Functions. Raises TypeError for another action."""
        _refuse_others(actions, (*OF_MACHINE, *OF_EXECUTION))
        return Access(self, actions)


class Functions(Record):
    """Functions of this project that another one invokes."""

    names: tuple[str, ...]

    def __init__(self, *functions: Function) -> None:
        super().__init__(tuple(each.name for each in functions))

    def access(self, *actions: str) -> Access:
        """Let a function call these actions, `InvokeFunction`, on them. Raises TypeError for another action."""
        _refuse_others(actions, ("InvokeFunction",))
        return Access(self, actions)


def _refuse_others(actions: Iterable[str], known: tuple[str, ...]) -> None:
    for action in actions:
        if action not in known:
            raise TypeError(f"{action!r} is not one of {', '.join(known)}")


class Access(Record):
    """What a function may do with a resource, and the environment variable that tells it the name or URL."""

    resource: Resource | Executions | Functions
    actions: tuple[str, ...]
    variable: str | None = None
