"""Calls of AWS: one way in for the real services, for a pace that keeps within the quotas, and for tests.

Quotas: Step Functions Developer Guide, "Quotas related to API action throttling"; Lambda Developer Guide, "API
requests".
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final, Protocol

from attrs import define, field, frozen

from ..asl.placeholders import DOMAINS
from ..base.diagnostics import FlowError
from ..base.words import one_line
from .statements import Place

Answer = dict[str, Any]


class CallError(Exception):
    """An error that a service answered."""

    def __init__(self, code: str, message: str, service: str = "", operation: str = "") -> None:
        message = one_line(message)
        super().__init__(f"{service}:{operation}: {code}: {message}")
        self.code, self.message, self.service, self.operation = code, message, service, operation


class Aws(Protocol):
    """Whoever answers calls. Operations and arguments have the names of the API reference."""

    def call(self, service: str, operation: str, arguments: Mapping[str, Any]) -> Answer:
        """The answer; raises CallError."""
        ...


class Clock(Protocol):
    def now(self) -> datetime: ...
    def sleep(self, seconds: float) -> None: ...


class WallClock:
    def now(self) -> datetime:
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


# AWS itself

_CLIENTS: Final = {"states": "stepfunctions", "tagging": "resourcegroupstaggingapi"}


@define
class Boto:
    """AWS through boto3, in one region."""

    place: Place
    _session: Any
    _clients: dict[str, Any] = field(factory=dict)

    def call(self, service: str, operation: str, arguments: Mapping[str, Any]) -> Answer:
        from botocore import exceptions, xform_name

        try:
            answer: Answer = getattr(self._client(service), xform_name(operation))(**arguments)
        except exceptions.ClientError as error:
            details = error.response.get("Error", {})
            raise CallError(details.get("Code", "Unknown"), details.get("Message", ""), service, operation) from None
        except (exceptions.ConnectionError, exceptions.HTTPClientError) as error:
            raise FlowError.of(f"{service}:{operation}: {error}", code="FD984", hint=_NETWORK) from None
        except exceptions.ParamValidationError as error:
            # Its text has the values, which may be secret, and where a value ends cannot be told.
            report = str(error.kwargs["report"]).partition(", value: ")[0]
            hint = "update boto3, with: pip install --upgrade boto3"
            raise FlowError.of(f"{service}:{operation}: refused by boto3: {report}", code="FD984", hint=hint) from None
        except exceptions.BotoCoreError as error:
            raise FlowError.of(f"{service}:{operation}: {error}", code=CREDENTIALS, hint=_LOG_IN) from None
        return answer

    def is_at_aws(self, service: str) -> bool:
        """Whether calls of a service go to AWS, and not to an endpoint that the user has set."""
        from urllib.parse import urlsplit

        host = urlsplit(self._client(service).meta.endpoint_url).hostname or ""
        return host.endswith(DOMAINS)

    def _client(self, service: str) -> Any:
        from botocore.config import Config

        if service not in self._clients:
            # The emulators listen at one host; botocore would put `sync-` and the like before it.
            custom = bool(self._session._session.get_config_variable("endpoint_url")) or _has_endpoint()
            config = Config(inject_host_prefix=not custom, retries={"mode": "standard", "max_attempts": 3})
            name = _CLIENTS.get(service, service)
            self._clients[service] = self._session.client(name, region_name=self.place.region, config=config)
        return self._clients[service]


CREDENTIALS: Final = "FD981"
"""The code of errors about credentials, which do not pass by themselves."""
_LOG_IN: Final = "set AWS_PROFILE, or AWS_ACCESS_KEY_ID and the other variables that boto3 reads"
_EXPIRED: Final = frozenset(("ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired"))
_UNACCEPTED: Final = frozenset(
    (
        *("UnrecognizedClientException", "InvalidClientTokenId", "InvalidAccessKeyId", "InvalidSignatureException"),
        *("SignatureDoesNotMatch", "IncompleteSignature", "IncompleteSignatureException", "AuthFailure"),
        *("MissingAuthenticationToken", "MissingAuthenticationTokenException", "InvalidToken"),
    )
)
"""Codes of errors about credentials, in the words of the services' protocols. Source: their "Common errors"."""

_NETWORK: Final = "see to the network, and to AWS_ENDPOINT_URL if it is set; then run the command again"


def _has_endpoint() -> bool:
    import os

    return any(name.startswith("AWS_ENDPOINT_URL") for name in os.environ)


def connect(place: Place, services: Iterable[str] = ()) -> Boto:
    """AWS with the credentials that boto3 finds. Raises FlowError if there are none, or they are of another account.

    `services` are all that the command calls, where these are few: if each has an endpoint of its own, such as
    AWS_ENDPOINT_URL_SFN, and STS has none, then AWS is not asked whose credentials an emulator's are.
    """
    try:
        import boto3
        from botocore.exceptions import BotoCoreError
    except ImportError:
        hint = 'install it with: pip install "flowdsl[aws]"'
        raise FlowError.of("boto3 is needed to deploy", code="FD931", hint=hint) from None
    try:
        session = boto3.Session(region_name=place.region)
        if session.get_credentials() is None:
            raise FlowError.of("no AWS credentials", code=CREDENTIALS, hint=_LOG_IN)
    except BotoCoreError as error:
        raise FlowError.of(f"no AWS credentials: {error}", code=CREDENTIALS, hint=_LOG_IN) from None
    aws = Boto(place, session)
    services = [*services]
    is_emulated = bool(services) and not any(map(aws.is_at_aws, services))
    if not (is_emulated and aws.is_at_aws("sts")):
        check_account(aws, place)
    return aws


def credentials_error(error: CallError, subject: str = "") -> FlowError | None:
    """The error for credentials that AWS does not accept; None for any other.

    AWS's text is left out: that of a wrong signature repeats the request, and with it the session's token.
    """
    about = f"{subject}: " if subject else ""
    if error.code in _EXPIRED:
        hint = "log in again, then run the command again: it goes on from what is live"
        return FlowError.of(f"{about}the AWS credentials have expired ({error.code})", code=CREDENTIALS, hint=hint)
    if error.code in _UNACCEPTED:
        return FlowError.of(f"{about}AWS refuses the credentials: {error.code}", code=CREDENTIALS, hint=_LOG_IN)
    return None


def check_account(aws: Aws, place: Place) -> None:
    """Raise FlowError if the credentials are not of the place's account."""
    try:
        account = str(aws.call("sts", "GetCallerIdentity", {})["Account"])
    except CallError as error:
        plain = FlowError.of(f"AWS refuses the credentials: {error.code}", code=CREDENTIALS, hint=_LOG_IN)
        raise credentials_error(error) or plain from None
    if account != place.account:
        raise FlowError.of(
            f"wrong account: the credentials are of {account}, the environment is in {place.account}",
            code="FD982",
            hint="use credentials of that account, or choose another environment with --env",
        )


# Pace


@frozen
class Quota:
    bucket: float
    refill: float
    """Calls a second."""


_SLOW: Final = Quota(20, 1)
QUOTAS: Final[Mapping[tuple[str, str], Quota]] = {
    **{
        ("states", operation): _SLOW
        for operation in (
            *("CreateStateMachine", "UpdateStateMachine", "DeleteStateMachine"),
            *("PublishStateMachineVersion", "DeleteStateMachineVersion", "ListStateMachineVersions"),
            *("CreateStateMachineAlias", "UpdateStateMachineAlias", "DescribeStateMachineAlias"),
            *("DeleteStateMachineAlias", "ListStateMachineAliases"),
            *("TagResource", "UntagResource", "ListTagsForResource", "DescribeStateMachineForExecution"),
            "ValidateStateMachineDefinition",
        )
    },
    ("states", "DescribeStateMachine"): Quota(200, 20),
    ("states", "ListExecutions"): Quota(200, 5),
    ("states", "DescribeExecution"): Quota(250, 15),
    ("states", "GetExecutionHistory"): Quota(400, 20),
    ("states", "StopExecution"): Quota(500, 25),
}
"""The smaller ones of the regions' quotas; what is not named here has DEFAULT of its service together."""
DEFAULT: Final[Mapping[str, Quota]] = {"lambda": Quota(15, 15), "iam": Quota(20, 5), "logs": Quota(5, 5)}
THROTTLED: Final = frozenset(
    ("ThrottlingException", "Throttling", "TooManyRequestsException", "RequestLimitExceeded", "LimitExceededException")
)
TRIES: Final = 8


@define
class Paced:
    """Calls at the pace of the quotas; a throttled one is made again, later each time."""

    aws: Aws
    clock: Clock
    has_quotas: Callable[[str], bool] = lambda _service: True
    """Whether a service is AWS's own: an emulator has no quotas."""
    count: int = 0
    """Calls that were made."""
    _tokens: dict[object, tuple[float, datetime]] = field(factory=dict)
    _jitter: Callable[[], float] = random.random

    def call(self, service: str, operation: str, arguments: Mapping[str, Any]) -> Answer:
        for attempt in range(TRIES):
            self._wait(service, operation)
            self.count += 1
            try:
                return self.aws.call(service, operation, arguments)
            except CallError as error:
                if error.code not in THROTTLED or attempt == TRIES - 1:
                    raise
                self.clock.sleep(min(30.0, 2.0**attempt) * (0.5 + self._jitter() / 2))
        raise AssertionError("unreachable")

    def _wait(self, service: str, operation: str) -> None:
        key: object = (service, operation)
        quota = QUOTAS.get((service, operation))
        if quota is None:
            key, quota = service, DEFAULT.get(service)
        if quota is None or not self.has_quotas(service):
            return
        now = self.clock.now()
        tokens, since = self._tokens.get(key, (quota.bucket, now))
        tokens = min(quota.bucket, tokens + (now - since).total_seconds() * quota.refill)
        if tokens < 1:
            self.clock.sleep((1 - tokens) / quota.refill)
            now, tokens = self.clock.now(), 1.0
        self._tokens[key] = (tokens - 1, now)


def connect_paced(place: Place, clock: Clock, services: Iterable[str] = ()) -> Paced:
    """AWS at the pace of its quotas; see `connect`."""
    aws = connect(place, services)
    return Paced(aws, clock, aws.is_at_aws)


# Pages

_PAGES: Final[Mapping[tuple[str, str], tuple[str, str, str]]] = {
    ("lambda", "ListVersionsByFunction"): ("Marker", "NextMarker", "Versions"),
    ("lambda", "ListAliases"): ("Marker", "NextMarker", "Aliases"),
    ("iam", "ListRoles"): ("Marker", "Marker", "Roles"),
    ("iam", "ListPolicies"): ("Marker", "Marker", "Policies"),
    ("iam", "ListRolePolicies"): ("Marker", "Marker", "PolicyNames"),
    ("iam", "ListAttachedRolePolicies"): ("Marker", "Marker", "AttachedPolicies"),
    ("logs", "DescribeLogGroups"): ("nextToken", "nextToken", "logGroups"),
    ("logs", "FilterLogEvents"): ("nextToken", "nextToken", "events"),
    ("states", "ListStateMachineVersions"): ("nextToken", "nextToken", "stateMachineVersions"),
    ("states", "ListStateMachineAliases"): ("nextToken", "nextToken", "stateMachineAliases"),
    ("states", "ListExecutions"): ("nextToken", "nextToken", "executions"),
    ("states", "GetExecutionHistory"): ("nextToken", "nextToken", "events"),
    ("tagging", "GetResources"): ("PaginationToken", "PaginationToken", "ResourceTagMappingList"),
}
"""Where the token goes, where the next one comes from, and what the items are called."""


def items(aws: Aws, service: str, operation: str, **arguments: Any) -> Iterator[Any]:
    """The items of all pages of a list call."""
    into, token_at, name = _PAGES[service, operation]
    while True:
        answer = aws.call(service, operation, arguments)
        yield from answer.get(name, ())
        token = answer.get(token_at)
        if not token or (service == "iam" and not answer.get("IsTruncated")):
            return
        arguments = {**arguments, into: token}
