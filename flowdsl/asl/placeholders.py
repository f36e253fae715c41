"""`${Substitutions}`: placeholders that are filled in when a definition is deployed.

Source: AWS::StepFunctions::StateMachine, "DefinitionSubstitutions"; CloudFormation Template Reference, "Pseudo
parameters".
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from ..base.diagnostics import AslPath
from ..base.patterns import regex

PLACEHOLDER = regex(r"\$\{[^{}]*\}")


def has_placeholder(value: Any) -> bool:
    """Return True for a string that contains a `${Substitution}`: its value is unknown before the deployment."""
    return isinstance(value, str) and "${" in value and PLACEHOLDER.search(value) is not None


def is_placeholder(value: Any) -> bool:
    """Return True for a string that is one `${Substitution}` and no more: it may become any JSON scalar."""
    return isinstance(value, str) and PLACEHOLDER.fullmatch(value) is not None


def fill_placeholders(definition: dict[str, Any], *, region: str, account: str) -> dict[str, Any]:
    """Return a copy of the definition with CloudFormation's pseudo parameters replaced for a region and account.

    `${AWS::Region}`, `${AWS::AccountId}` and `${AWS::Partition}` are replaced; other placeholders stay.
    """
    text = json.dumps(definition)
    for name, value in (("Region", region), ("AccountId", account), ("Partition", partition_of(region))):
        text = text.replace(f"${{AWS::{name}}}", value)
    return json.loads(text)  # type: ignore[no-any-return]


_PARTITIONS: Final[tuple[tuple[str, str, str], ...]] = (
    ("cn-", "aws-cn", "amazonaws.com.cn"),
    ("us-gov-", "aws-us-gov", "amazonaws.com"),
    ("eusc-", "aws-eusc", "amazonaws.eu"),
    ("us-iso-", "aws-iso", "c2s.ic.gov"),
    ("us-isob-", "aws-iso-b", "sc2s.sgov.gov"),
    ("eu-isoe-", "aws-iso-e", "cloud.adc-e.uk"),
    ("us-isof-", "aws-iso-f", "csp.hci.ic.gov"),
    ("", "aws", "amazonaws.com"),
)
"""How a partition's regions begin, its name, and the domain of its services. Source: partitions.json of botocore."""
DOMAINS: Final = tuple(f".{domain}" for domain in (*dict.fromkeys(each for *_, each in _PARTITIONS), "api.aws"))
"""How the names of AWS's hosts end."""


def partition_of(region: str) -> str:
    """Return the partition of a region, which ARNs there begin with.

    >>> partition_of("eu-west-1"), partition_of("cn-north-1")
    ('aws', 'aws-cn')
    """
    return next(partition for start, partition, _ in _PARTITIONS if region.startswith(start))


def domain_of(partition: str) -> str:
    """Return the domain of a partition's services.

    >>> domain_of("aws-cn")
    'amazonaws.com.cn'
    """
    return next(domain for _, name, domain in _PARTITIONS if name == partition)


def substitute(value: Any, values: Mapping[str, Any], bare: frozenset[str] = frozenset()) -> Any:
    """Return the JSON value with these placeholders replaced, in keys too.

    A string that is one placeholder becomes the value itself if that is not text, or if the placeholder was written
    outside quotes (`bare`) and the text is JSON, as for `"Seconds": ${Delay}`.
    """
    if isinstance(value, dict):
        return {substitute_text(key, values): substitute(item, values, bare) for key, item in value.items()}
    if isinstance(value, list):
        return [substitute(item, values, bare) for item in value]
    if not isinstance(value, str) or "${" not in value:
        return value
    match = PLACEHOLDER.fullmatch(value)
    if match and match[0][2:-1] in values:
        name = match[0][2:-1]
        new = values[name]
        if not isinstance(new, str):
            return new
        if name in bare:
            try:
                return json.loads(new)
            except ValueError:
                return new
    return substitute_text(value, values)


def substitute_text(text: str, values: Mapping[str, Any]) -> str:
    """Return the text with these placeholders replaced; others stay."""

    def replace(match: re.Match[str]) -> str:
        name = match[0][2:-1]
        if name not in values:
            return str(match[0])
        new = values[name]
        return new if isinstance(new, str) else json.dumps(new)

    return PLACEHOLDER.sub(replace, text) if "${" in text else text


def find_placeholders(value: Any, path: AslPath = ()) -> Iterator[tuple[str, AslPath]]:
    """The name of each placeholder in a JSON value, with the ASL path of its string."""
    todo: list[tuple[AslPath, Any]] = [(path, value)]
    while todo:
        at, item = todo.pop()
        if isinstance(item, dict):
            todo.extend(((*at, key), below) for key, below in reversed(item.items()))
        elif isinstance(item, list):
            todo.extend(((*at, index), below) for index, below in reversed([*enumerate(item)]))
        elif isinstance(item, str) and "${" in item:
            for match in PLACEHOLDER.finditer(item):
                yield match[0][2:-1], at
