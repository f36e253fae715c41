"""Start an execution of a deployed flow from a command."""

from __future__ import annotations

import click

from handlers.commands import Failed, check_deployed

_MOST = 100


def start(state_machine: str, name: str, text: str) -> str:
    """Start an execution with this input (JSON), and return its ARN. Raises click.ClickException.

    Step Functions keeps the name of an execution for 90 days after its end, and refuses another one with this name,
    even with the same input (StartExecution in its API reference). So an execution that is repeated gets a number after
    its name; the steps do nothing twice.
    """
    check_deployed()
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        client = boto3.client("stepfunctions")
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
