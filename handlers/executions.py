"""Start an execution of a deployed flow from a command."""

from __future__ import annotations

from typing import Any

import click

from handlers.commands import Failed, check_deployed

_MOST = 100


class StateMachine(click.ParamType[str]):
    """The ARN of a deployed state machine, also one of its versions or aliases."""

    name = "arn"

    def __init__(self, machine: str) -> None:
        self.machine = machine

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        # arn:partition:states:region:account:stateMachine:name. An environment may add to the flow's name.
        parts = str(value).split(":")
        if len(parts) < 7 or parts[0] != "arn" or parts[2] != "states" or parts[5] != "stateMachine":
            self.fail(f"{value!r} is not the ARN of a state machine", param, ctx)
        if self.machine not in parts[6]:
            self.fail(f"{parts[6]} is another state machine; expected the ARN of {self.machine}", param, ctx)
        check_deployed()
        return str(value)


def start(state_machine: str, name: str, text: str) -> str:
    """Start an execution with this input (JSON), and return its ARN. Raises click.ClickException.

    Step Functions keeps the name of an execution for 90 days after its end, and refuses another one with this name,
    even with the same input (StartExecution in its API reference). So an execution that is repeated gets a number after
    its name; the steps do nothing twice.
    """
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        client = boto3.client("stepfunctions", region_name=state_machine.split(":")[3])
        for number in range(1, _MOST):
            try:
                answer = client.start_execution(
                    stateMachineArn=state_machine, name=name if number == 1 else f"{name}-{number}", input=text
                )
            except client.exceptions.ExecutionAlreadyExists:
                continue
            return str(answer["executionArn"])
    except (BotoCoreError, ClientError) as error:
        raise Failed(f"cannot start {name}: {error}") from error
    raise click.ClickException(f"cannot start {name}: it was started {_MOST - 1} times already")
