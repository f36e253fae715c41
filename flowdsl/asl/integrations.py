"""The service integrations that Step Functions has itself: one record for each action.

To add an action, add an `Action` to its service in `services/` (to add a service, a `Service`). The checker, calls to
an endpoint, mocks, TestState and the permissions that deploy derives read the record; an action of the AWS SDK
(`aws-sdk:…`) needs none, for botocore describes it.

Source: Step Functions Developer Guide, "Integrating optimized services", "Run a job (.sync)", "IAM policies for
integrated services" and the pages of each service; recorded executions; public reports of what the pages about IAM
leave out (`sagemaker:AddTags`, `ecs:TagResource`, `iam:PassRole`).
"""

from __future__ import annotations

from .apis import api_name
from .integration_records import Action, Service
from .resource import SDK
from .services import analytics, application, compute, learning

_ALL = (*analytics.SERVICES, *application.SERVICES, *compute.SERVICES, *learning.SERVICES)
SERVICES: dict[str, Service] = {service.name: service for service in sorted(_ALL, key=lambda each: each.name)}
"""By the name in a Resource."""


def find_action(integration: str, action: str) -> Action | None:
    """The record of an action, by the names in `Call`; None for SDK integrations and unknown actions."""
    service = SERVICES.get(integration)
    return None if service is None else service.actions.get(action)


def api_of(integration: str, action: str) -> str | None:
    """The API behind an integration, by botocore's name; None if there is none.

    >>> api_of("states", "startExecution"), api_of("aws-sdk:sfn", "startExecution")
    ('stepfunctions', 'stepfunctions')
    """
    service, record = SERVICES.get(integration), find_action(integration, action)
    if service is None:
        return api_name(integration.removeprefix(SDK))
    return record.api if record is not None and record.api else service.api
