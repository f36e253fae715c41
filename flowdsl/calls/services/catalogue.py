"""The APIs of AWS as Step Functions names them, found in botocore's service models.

`dynamodb:putItem` and `aws-sdk:cloudwatchlogs:createLogGroup` name a service and an action; parameters and results
have the names that the AWS SDK for Java gives them, with a capital first letter.
Source: Step Functions Developer Guide, "Integrating services" and "Learning to use AWS service SDK integrations";
the names from recorded executions and the code generator of the AWS SDK for Java.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from attrs import field, frozen

from ...base.diagnostics import FlowError
from ...check.rules.integrations import capitalised, decapitalised
from ...check.rules.integrations import services as folders

Shape = Any
"""botocore.model.Shape."""

SDK = "aws-sdk:"

_ELSEWHERE = {("bedrock", "invokeModel"): "bedrock-runtime"}
"""Optimised integrations whose API is one of another service."""


_RENAMED = {("dynamodb", "NULL"): "nul", ("dynamodbstreams", "NULL"): "nul"}
"""Members that the AWS SDK for Java names otherwise (`null` is a word of Java's own)."""


@frozen
class Operation:
    """An action of a service. `names_of` gives a structure's members by the names that Step Functions has for them."""

    service: str
    """botocore's name."""
    name: str
    """As in the API reference: `PutItem`."""
    sdk: bool
    """Whether it is an AWS SDK integration; the optimised ones keep the names of the API."""
    service_model: Any = field(repr=False)
    model: Any = field(repr=False)

    def names_of(self, shape: Shape) -> dict[str, str]:
        """The member's name in the API by its name in Step Functions."""
        return {self.shown(member): member for member in shape.members}

    def shown(self, member: str) -> str:
        """
        >>> operation("aws-sdk:s3", "putObject").shown("SSEKMSKeyId")
        'SsekmsKeyId'
        >>> operation("sqs", "sendMessage").shown("MD5OfMessageBody")
        'MD5OfMessageBody'
        """
        return capitalised(_RENAMED.get((self.service, member)) or decapitalised(member) if self.sdk else member)


def find_operation(integration: str, action: str) -> Operation | None:
    """The operation behind `Call.integration` and `Call.action`, None where botocore knows none."""
    named = integration.removeprefix(SDK)
    service = _ELSEWHERE.get((integration, action)) or folders().get(named.replace("-", ""))
    if service is None:
        return None
    service_model = _model(service)
    for name in service_model.operation_names:
        if decapitalised(name) == action or name[:1].lower() + name[1:] == action:
            sdk = integration.startswith(SDK)
            return Operation(service, name, sdk, service_model, service_model.operation_model(name))
    return None


def operation(integration: str, action: str) -> Operation:
    """The operation behind `Call.integration` and `Call.action`. Raises FlowError where botocore knows none."""
    found = find_operation(integration, action)
    if found is not None:
        return found
    botocore_session()
    resource = f"arn:aws:states:::{integration}:{action}"
    raise FlowError.of(
        f"The resource provided {resource} is not recognized. The value is not a valid resource ARN, or the resource "
        "is not available in this region.",
        code="FD930",
        hint="write the service and the action as the Step Functions Developer Guide does, such as "
        "aws-sdk:cloudwatchlogs:createLogGroup; or give the state a mock; a newer botocore may know it",
    )


@cache
def botocore_session() -> Any:
    try:
        import botocore.session
    except ImportError:
        raise FlowError.of(
            "boto3 is needed to know the APIs of AWS", code="FD931", hint='install it with: pip install "flowdsl[aws]"'
        ) from None
    return botocore.session.get_session()


@cache
def _model(service: str) -> Any:
    return botocore_session().get_service_model(service)
