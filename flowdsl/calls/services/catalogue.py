"""The APIs of AWS as Step Functions names them, looked up in botocore's service models.

`dynamodb:putItem` and `aws-sdk:cloudwatchlogs:createLogGroup` name a service and an action; parameters and results
have the names that the AWS SDK for Java gives them, with a capital first letter.
Source: Step Functions Developer Guide, "Integrating services" and "Learning to use AWS service SDK integrations";
the names from recorded executions and the code generator of the AWS SDK for Java.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from attrs import field, frozen

from ...asl.apis import decapitalize, member_name
from ...asl.integration_records import Service
from ...asl.integrations import SERVICES, api_of, find_action
from ...asl.resource import SDK
from ...base.diagnostics import FlowError

Shape = Any
"""botocore.model.Shape."""


@frozen
class Operation:
    """An action of a service. Step Functions spells the members of its shapes differently: see `names_of`."""

    service: str
    """botocore's name."""
    name: str
    """As in the API reference: `PutItem`."""
    sdk: bool
    """True for an AWS SDK integration; the optimised ones keep the names of the API."""
    record: Service | None
    """The record of the optimised integration."""
    service_model: Any = field(repr=False)
    model: Any = field(repr=False)

    def names_of(self, shape: Shape) -> dict[str, str]:
        """The names of a structure's members in Step Functions → in the API."""
        return {self.name_of(member): member for member in shape.members}

    def name_of(self, member: str) -> str:
        """The name of a member in Step Functions.

        >>> operation("aws-sdk:s3", "putObject").name_of("SSEKMSKeyId")
        'SsekmsKeyId'
        >>> operation("sqs", "sendMessage").name_of("MD5OfMessageBody")
        'MD5OfMessageBody'
        """
        return member_name(self.service, member, self.sdk)


def find_operation(integration: str, action: str) -> Operation | None:
    """The operation behind `Call.integration` and `Call.action`.

    None if botocore does not know it, or if the integration calls no API of AWS.
    """
    record = find_action(integration, action)
    service = api_of(integration, action)
    if service is None or (record is not None and not record.calls_api):
        return None
    model = _model(service)
    for name in model.operation_names:
        if action in (decapitalize(name), name[:1].lower() + name[1:]):
            sdk = integration.startswith(SDK)
            return Operation(service, name, sdk, SERVICES.get(integration), model, model.operation_model(name))
    return None


def operation(integration: str, action: str) -> Operation:
    """`find_operation` that raises FlowError instead of returning None."""
    match = find_operation(integration, action)
    if match is not None:
        return match
    if find_action(integration, action) is not None:
        raise FlowError.of(
            f"flowdsl cannot call {integration}:{action} at an endpoint",
            code="FD934",
            hint="give the state a mock",
        )
    botocore_session()
    resource = f"arn:aws:states:::{integration}:{action}"
    raise FlowError.of(
        f"The resource provided {resource} is not recognized. The value is not a valid resource ARN, or the resource "
        "is not available in this region.",
        code="FD930",
        hint="write the service and the action as the Step Functions Developer Guide does, such as "
        "aws-sdk:cloudwatchlogs:createLogGroup; give the state a mock; or install a newer botocore",
    )


@cache
def botocore_session() -> Any:
    try:
        import botocore.session
    except ImportError:
        raise FlowError.of(
            "calls to services need boto3", code="FD931", hint='install it with: pip install "flowdsl[aws]"'
        ) from None
    return botocore.session.get_session()


@cache
def _model(service: str) -> Any:
    return botocore_session().get_service_model(service)
