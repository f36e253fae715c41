"""What flowdsl knows of a service integration: the records of which `integrations` is the table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

from ..base.record import Record, field
from .integration_rights import Rights
from .resource import Pattern

JSON = Any
Result = dict[str, JSON]


class Job(Record):
    """How Step Functions waits for a job. Names are spelled as in a definition; paths are `A.0.B` into a JSON value."""

    action: str
    """The action of the same service that describes the job."""
    arguments: Mapping[str, str]
    """Its arguments → their paths in the answer of the action that started the job, or with `$.` in that action's
    arguments; `[]` at the end makes a list of the value."""
    status: str
    """The path of the status in the job."""
    succeeded: tuple[str, ...]
    failed: tuple[str, ...] = ()
    result: str = ""
    """The path of the job in the description; "" if the description is the job."""
    wrapper: str = ""
    """The member of the task's result that contains the job; "" if the job is the result."""
    succeeds_when_missing: bool = False
    """True if a missing resource means success (used for deletions)."""
    has_failed: Callable[[Result], bool] = lambda job: False
    """True if a job with a status in `succeeded` has failed all the same."""

    def describe(self, arguments: JSON, answer: JSON) -> Result:
        """The arguments of the call that describes the job, from the arguments and the answer of the call that started
        it."""
        values = {}
        for name, path in self.arguments.items():
            where = path.removesuffix("[]")
            value = value_at(arguments, where[2:]) if where.startswith("$.") else value_at(answer, where)
            if value is not None:
                values[name] = [value] if path.endswith("[]") else value
        return values


class Action(Record):
    """An action of a service integration."""

    name: str
    patterns: tuple[Pattern, ...] = ()
    """The patterns it supports besides request-response."""
    job: Job | None = None
    """How `.sync` waits; None if that is not known."""
    calls_api: bool = True
    """False if arguments and result are Step Functions' own, not those of an operation of AWS."""
    api: str = ""
    """The API behind it, by botocore's name, if it is not the service's."""
    required: tuple[str, ...] = ()
    """The arguments that it needs. If these are listed, arguments that are all listed here or in `optional` are checked
    without reading the API's model."""
    optional: tuple[str, ...] = ()
    one_of: tuple[str, ...] = ()
    """Arguments of which it needs one, although the API's model requires none."""
    added: tuple[str, ...] = ()
    """Arguments that Step Functions adds to those of the API."""
    defaults: Mapping[str, JSON] = field(factory=dict)
    """Arguments that Step Functions sends if a definition has none."""
    parsed: tuple[str, ...] = ()
    """Members of the result that are a JSON value, and JSON text in the API's answer."""
    has_metadata: bool = True
    """True if the result has SdkHttpMetadata and SdkResponseMetadata."""
    identify: Callable[[Result, str, str], Result] | None = None
    """Adds the ARNs of the execution and of its state machine to the arguments."""
    unique: str = ""
    """The argument whose value AWS takes only once, such as the name of a job."""
    failure: Callable[[Result], tuple[str, str] | None] = lambda result: None
    """The error and cause that an answer with status 200 may still be."""
    rights: Rights | None = None
    """What it needs of the role; None if deploy derives that with a function of its own."""


class Service(Record):
    """A service with an integration of its own, by its name in `arn:aws:states:::name:action`."""

    name: str
    members: tuple[Action, ...]
    error_prefix: str = ""
    """What its errors start with: `DynamoDB`."""
    cause_name: str = ""
    """What causes call it: `AmazonDynamoDBv2`."""
    api: str = field(factory=lambda service: service.name, takes_self=True)
    """The API behind it, by botocore's name."""
    host: str = ""
    """The argument that names the host to call; "" if AWS is called."""

    @cached_property
    def actions(self) -> Mapping[str, Action]:
        """The actions by name."""
        return {action.name: action for action in self.members}


def value_at(value: JSON, path: str) -> JSON:
    """The part of a JSON value at a dotted path, None if it is missing; the empty path is the whole value.

    >>> value_at({"Tasks": [{"TaskArn": "a"}]}, "Tasks.0.TaskArn")
    'a'
    """
    for step in filter(None, path.split(".")):
        if isinstance(value, list):
            value = value[int(step)] if int(step) < len(value) else None
        elif isinstance(value, dict):
            value = value.get(step)
        else:
            return None
    return value
