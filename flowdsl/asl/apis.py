"""The APIs of AWS as botocore's models describe them, and how Step Functions spells their names.

The model files are read as JSON: importing botocore takes longer than a whole check. Without botocore installed, no API
is known. Source: Step Functions Developer Guide, "Learning to use AWS service SDK integrations"; the naming in the code
generator of the AWS SDK for Java.
"""

from __future__ import annotations

import json
import os
import re
from functools import cache, cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from ..base.reads import note, state_of
from ..base.words import exception_class

_FOLDERS: Final = {
    "applicationdiscoveryservice": "discovery",
    "cloudwatchlogs": "logs",
    "cognitoidentityprovider": "cognito-idp",
    "configservice": "config",
    "costandusagereportservice": "cur",
    "costexplorer": "ce",
    "databasemigrationservice": "dms",
    "databasemigration": "dms",
    "directoryservice": "ds",
    "directoryservicedata": "ds-data",
    "directory": "ds",
    "elasticloadbalancing": "elb",
    "elasticloadbalancingv2": "elbv2",
    "elasticmapreduce": "emr",
    "elasticsearchservice": "es",
    "elasticsearch": "es",
    "eventbridge": "events",
    "iotdataplane": "iot-data",
    "iotjobsdataplane": "iot-jobs-data",
    "lexmodelbuildingservice": "lex-models",
    "lexmodelbuilding": "lex-models",
    "lexmodelsv2": "lexv2-models",
    "lexruntimeservice": "lex-runtime",
    "lexruntime": "lex-runtime",
    "lexruntimev2": "lexv2-runtime",
    "marketplaceentitlementservice": "marketplace-entitlement",
    "marketplaceentitlement": "marketplace-entitlement",
    "marketplacemetering": "meteringmarketplace",
    "migrationhub": "mgh",
    "pinpointsmsvoice": "sms-voice",
    "serverlessapplicationrepository": "serverlessrepo",
    "sfn": "stepfunctions",
    "simpledb": "sdb",
    "states": "stepfunctions",
}
"""The name of a service in a Resource → botocore's name for it, where they differ."""


class Api:
    """A service as botocore describes it."""

    def __init__(self, model: dict[str, Any]) -> None:
        self._operations: dict[str, dict[str, Any]] = model.get("operations", {})
        self._shapes: dict[str, dict[str, Any]] = model.get("shapes", {})

    @property
    def actions(self) -> list[str]:
        """The operations as a Resource names them: `putItem`."""
        return [name[:1].lower() + name[1:] for name in self._operations]

    def shape(self, name: str) -> dict[str, Any]:
        return self._shapes.get(name, {})

    def input_of(self, action: str) -> str | None:
        """The name of the operation's input shape; "" if it takes no input, None if there is no such operation."""
        operation = self._operations.get(action[:1].upper() + action[1:])
        return None if operation is None else str(operation.get("input", {}).get("shape", ""))

    def output_of(self, action: str) -> str | None:
        """The name of the operation's output shape; "" if it has no output, None if there is no such operation."""
        operation = self._operations.get(action[:1].upper() + action[1:])
        return None if operation is None else str(operation.get("output", {}).get("shape", ""))

    @cached_property
    def exceptions(self) -> frozenset[str]:
        """The names of its errors in the AWS SDK for Java."""
        return frozenset(map(exception_class, self._exceptions))

    def has_error(self, name: str) -> bool:
        """True if an error may have this name: as the API or the AWS SDK for Java has it, whose versions write acronyms
        differently."""
        return name in self._exceptions or (name.endswith("Exception") and _stem(name) in self._stems)

    def spelled(self, name: str) -> str | None:
        """The name in the AWS SDK for Java of the error with this name but for its end and for capitals."""
        return self._stems.get(_stem(name))

    @cached_property
    def _exceptions(self) -> frozenset[str]:
        return frozenset(name for name, shape in self._shapes.items() if shape.get("exception"))

    @cached_property
    def _stems(self) -> dict[str, str]:
        return {_stem(name): exception_class(name) for name in sorted(self._exceptions)}


def _stem(name: str) -> str:
    return name.removesuffix("Exception").removesuffix("Fault").lower()


@cache
def _folder() -> Path | None:
    spec = find_spec("botocore")
    return Path(spec.origin).parent / "data" if spec and spec.origin else None


@cache
def api_names() -> dict[str, str]:
    """The name of a service in a Resource, without hyphens → botocore's name; empty without botocore."""
    folder = _folder()
    if folder is None or not folder.is_dir():
        return {}
    present = {*os.listdir(folder)}  # noqa: PTH208 - some 400 names; iterdir takes longer than the rest of a check
    own = {each.replace("-", ""): each for each in present}
    return own | {name: target for name, target in _FOLDERS.items() if target in present}


def api_name(service: str) -> str | None:
    """botocore's name of a service; None if botocore does not know it.

    >>> api_name("cloudwatchlogs"), api_name("emr-serverless")
    ('logs', 'emr-serverless')
    """
    return api_names().get(service.replace("-", "").lower())


@cache
def read_api(name: str) -> Api | None:
    """The newest model of an API, by botocore's name; None if botocore does not have it."""
    folder = _folder()
    if folder is None:
        return None
    import gzip  # few checks read a model

    files = sorted((folder / name).glob("*/service-2.json.gz"))
    for file in files[-1:]:
        note("state", str(file), state_of(str(file)))
    return Api(json.loads(gzip.decompress(files[-1].read_bytes()))) if files else None


def decapitalize(name: str) -> str:
    """The name of a member or an action in the AWS SDK for Java: a leading acronym in lower case.

    >>> [decapitalize(name) for name in ("DBInstance", "ACL", "ETag", "ChecksumCRC32", "executionArn")]
    ['dbInstance', 'acl', 'eTag', 'checksumCRC32', 'executionArn']
    """
    capitals = re.match(r"[A-Z]+(?![a-z])|[A-Z]", name)
    return name if capitals is None else capitals.group().lower() + name[capitals.end() :]


_RENAMED: Final = {("dynamodb", "NULL"): "nul", ("dynamodbstreams", "NULL"): "nul"}
"""Members that the AWS SDK for Java renames, because `null` is a keyword of Java."""


def member_name(api: str, member: str, sdk: bool) -> str:
    """The name in Step Functions of a member of botocore's API: an AWS SDK integration has the SDK for Java's.

    >>> member_name("s3", "SSEKMSKeyId", True), member_name("sqs", "MD5OfMessageBody", False)
    ('SsekmsKeyId', 'MD5OfMessageBody')
    """
    return capitalize(_RENAMED.get((api, member)) or decapitalize(member) if sdk else member)


def capitalize(name: str) -> str:
    """The name with a capital first letter, as Step Functions spells all names."""
    return name[:1].upper() + name[1:]


def class_name(text: str) -> str:
    """A service id as a class of the AWS SDK for Java, version 2.

    >>> [class_name(text) for text in ("DynamoDB", "SFN", "Secrets Manager", "EC2", "Elastic Load Balancing v2")]
    ['DynamoDb', 'Sfn', 'SecretsManager', 'Ec2', 'ElasticLoadBalancingV2']
    """
    words = re.sub(r"[^A-Za-z0-9]+", " ", text)
    words = re.sub(r"(?<=[a-z])(?=[A-Z][a-zA-Z0-9])", " ", words)
    words = re.sub(r"([A-Z]+)([A-Z][a-z])", r"\1 \2", words)
    words = re.sub(r"([0-9])([a-zA-Z])", r"\1 \2", words)
    return "".join(word[:1].upper() + word[1:].lower() for word in words.split())
