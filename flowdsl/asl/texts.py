"""Which arguments of an optimized integration are text, and what they take.

Text takes text; an object or an array is sent as JSON text. A number or a boolean is refused when the Task starts.
Source: the message that Step Functions answers, quoted on Stack Overflow (question 76373088), and recorded executions,
which have objects; an array follows the object (no recording). AWS SDK integrations take any value: recorded for the
`Body` of `s3:putObject`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ..base.patterns import regex
from .apis import Api, member_name, read_api
from .integration_records import Action
from .integrations import api_of, find_action


def is_refused_as_text(value: Any) -> bool:
    """True if a parameter of text of an optimized integration cannot have this value."""
    return isinstance(value, bool | int | float)


_ONE_THING: Final = regex(r"(?:Arn|Id|Name|Key|Bucket|Url|Role|Queue|Prefix|(?:Job|Task)Definition|Status|Type)$")


def names_one_thing(parameter: str) -> bool:
    """True if a parameter of text says which one is meant, so that an object or an array cannot be right.

    >>> names_one_thing("JobName"), names_one_thing("MessageBody")
    (True, False)
    """
    return _ONE_THING.search(parameter) is not None


def find_refused_text(integration: str, action: str, arguments: Any) -> str | None:
    """Return the name of the first text argument that is a number or a boolean; None if there is none, or if the
    integration is not optimized or calls no API of AWS that botocore knows."""
    record = find_action(integration, action)
    if record is None or not record.calls_api or not isinstance(arguments, dict):
        return None
    if has_known_texts(record, arguments, arguments.keys()):
        return None
    name = api_of(integration, action)
    api = read_api(name) if name else None
    shape = api.input_of(action) if api else None
    return _find(api, name, shape, arguments) if api and name and shape else None


def has_known_texts(action: Action, arguments: Mapping[str, Any], names: Any) -> bool:
    """True if the record says all about these arguments, and none is a number or a boolean: then the API's model is
    not needed. `names` are those of the arguments without `.$`."""
    known = {*action.required, *action.optional}
    return bool(action.required) and known >= {*names} and not any(map(is_refused_as_text, arguments.values()))


def _find(api: Api, service: str, structure: str, value: Mapping[str, Any]) -> str | None:
    members = {
        member_name(service, name, False): member["shape"]
        for name, member in api.shape(structure).get("members", {}).items()
    }
    parts = ((name, members[name], part) for name, part in value.items() if name in members)
    return next(filter(None, (_find_in(api, service, *part) for part in parts)), None)


def _find_in(api: Api, service: str, name: str, shape: str, value: Any) -> str | None:
    details = api.shape(shape)
    kind = details.get("type")
    if kind in ("string", "character", "blob"):
        return name if is_refused_as_text(value) else None
    if kind == "structure" and isinstance(value, dict) and not details.get("document"):
        return _find(api, service, shape, value)
    inner: list[tuple[str, str, Any]] = []
    if kind == "map" and isinstance(value, dict):
        inner = [(key, details["value"]["shape"], each) for key, each in value.items()]
    elif kind == "list" and isinstance(value, list):
        inner = [(name, details["member"]["shape"], each) for each in value]
    return next(filter(None, (_find_in(api, service, *part) for part in inner)), None)
