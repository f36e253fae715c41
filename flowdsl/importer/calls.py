"""What a Task calls: functions of the project, and actions of AWS services as `aws.service.action(...)`."""

from __future__ import annotations

import keyword
import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from ..author import aws
from ..author.integrations import Action, Service, _table
from . import code as c
from .code import Code
from .values import Place, pair

_RESOURCE = re.compile(r"arn:aws:states:::([a-z0-9:-]+):([A-Za-z0-9]+)(?:\.(sync|sync:2|waitForTaskToken))?")
OWN_FUNCTION = re.compile(r"arn:aws:lambda:\$\{AWS::Region\}:\$\{AWS::AccountId\}:function:([A-Za-z0-9_-]+)")
"""The ARN of a function in the account and region of the deployment; its group is the name."""
_PATTERNS = {"": "", "sync": ".sync", "sync:2": ".sync", "waitForTaskToken": ".wait_for_task_token"}


def function_code(resource: str, functions: Mapping[str, Mapping[str, Any]]) -> Code | None:
    """`Function(...)` for a function in the account and region of the deployment, else None."""
    match = OWN_FUNCTION.fullmatch(resource)
    if match is None:
        return None
    fields = dict(functions.get(match[1], {}))
    source = fields.pop("source", "")
    values = [c.constant(match[1]), *([c.constant(source)] if source else [])]
    return c.call("Function", *values, **{key: c.constant(value) for key, value in fields.items()})


def call_code(
    resource: str,
    arguments: Any,
    place: Place,
    functions: Mapping[str, Mapping[str, Any]],
    *,
    for_map: bool = False,
) -> Code | None:
    """The call of an action with its arguments, or None if it needs its Resource as text.

    A FunctionName that is one of `functions` becomes the `Function` itself, so that it is packaged and runs here.
    `for_map` if a Map's reader or writer makes it: Step Functions has actions of S3 for these only.
    """
    match = _RESOURCE.fullmatch(resource)
    if match is None or not isinstance(arguments, dict):
        return None
    service, action, pattern = match[1], match[2], match[3] or ""
    if for_map:
        service = service if ":" in service else f"aws-sdk:{service}"
    name = _action(service, action, pattern)
    if name is None:
        return None
    keywords: list[tuple[str, Code]] = []
    for key, value in arguments.items():
        plain, code = pair(key, value, place)
        if key == "FunctionName" and isinstance(value, str) and value.rpartition(":")[2] in functions:
            code = function_code(value, functions) or code
        if not c.is_attribute(plain) or plain == "self":
            return None
        keywords.append((plain, code))
    if len({key for key, _ in keywords}) < len(keywords):
        return None
    return c.PythonCall(c.Text(name + _PATTERNS[pattern]), tuple(keywords))


@cache
def _action(service: str, action: str, pattern: str) -> str | None:
    """The action as the API spells it: `aws.dynamodb.put_item`, or `aws.sdk.dynamodb.put_item`."""
    own = service.removeprefix("aws-sdk:")
    spelled = own.replace("-", "_")
    spelled += "_" if keyword.iskeyword(spelled) else ""
    irregular = {name: python for python, name in _table()["irregular"].get(own, {}).items()}
    python = irregular.get(action) or re.sub(r"(?<!^)([A-Z])", lambda letter: "_" + letter[1].lower(), action)
    python = python[:1].lower() + python[1:]
    python += "_" if keyword.iskeyword(python) else ""
    if not c.is_attribute(spelled) or not c.is_attribute(python):
        return None
    for root, maker in (("aws", aws.__getattr__), ("aws.sdk", lambda name: Service(name, only_sdk=True))):
        action_named = getattr(maker(spelled), python)
        if not isinstance(action_named, Action) or (action_named.service, action_named.name) != (service, action):
            continue
        if not pattern or (
            pattern in action_named.patterns and not (pattern == "sync" and "sync:2" in action_named.patterns)
        ):
            return f"{root}.{spelled}.{python}"
    return None
