"""The definition of a deployed state machine."""

from __future__ import annotations

import json
import re
from typing import Any

from ..base import document
from ..base.diagnostics import FlowError
from .source import Imported

_ARN = re.compile(r"arn:[a-z-]+:states:([a-z0-9-]+):\d{12}:stateMachine:([^:]+)(?::\d+)?")
"""Of a state machine, or of one of its versions. Source: Step Functions API Reference, "DescribeStateMachine"."""


def read_deployed(arn: str) -> Imported:
    """Ask Step Functions for the definition. Raises FlowError if the ARN or the call fails.

    The endpoint, the profile and the keys are those of boto3: AWS_ENDPOINT_URL, AWS_PROFILE and so on.
    """
    match = _ARN.fullmatch(arn)
    if match is None:
        form = "arn:aws:states:REGION:ACCOUNT:stateMachine:NAME"
        message = f"{arn!r} is not the ARN of a state machine or of a version"
        raise FlowError.of(message, code="FD702", hint=f"use one of the form {form}; an alias has no definition")
    answer = _describe(arn, match[1])
    text = str(answer.get("definition", ""))
    read = document.read_json(text, arn)
    kind: Any = answer.get("type", "STANDARD")
    if isinstance(read.value, dict) and _is_on_one_line(text):
        # A place in such a text says nothing; one in the text that people read does.
        read = document.read_json(json.dumps(read.value, indent=2, ensure_ascii=False), arn)
    return Imported(match[2], read.value, arn, type=kind, locate=read.span, twice=read.twice)


def _is_on_one_line(text: str) -> bool:
    return "\n" not in text.strip()


def _describe(arn: str, region: str) -> dict[str, Any]:
    try:
        import boto3
        from botocore.exceptions import BotoCoreError, ClientError
    except ImportError:
        hint = 'install it with: pip install "flowdsl[aws]"'
        raise FlowError.of("reading a deployed state machine needs boto3", code="FD931", hint=hint) from None
    try:
        client = boto3.Session(region_name=region).client("stepfunctions")
        answer: dict[str, Any] = client.describe_state_machine(stateMachineArn=arn)
    except ClientError as error:
        details = error.response.get("Error", {})
        message = f"Step Functions answers {details.get('Code', 'an error')}: {details.get('Message', '')}"
        raise FlowError.of(message, code="FD702", hint=_hint(details.get("Code"))) from None
    except BotoCoreError as error:
        hint = "set AWS_PROFILE, or AWS_ACCESS_KEY_ID and the other variables that boto3 reads"
        raise FlowError.of(f"{arn} cannot be read: {error}", code="FD981", hint=hint) from None
    return answer


def _hint(code: str | None) -> str | None:
    if code == "StateMachineDoesNotExist":
        return "list the state machines with: aws stepfunctions list-state-machines"
    if code == "AccessDeniedException":
        return "allow states:DescribeStateMachine"
    return None
