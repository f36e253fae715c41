"""The expressions of DynamoDB: each `:value` and `#name` in them has its entry, and each entry is used.

Source: DynamoDB Developer Guide, "Expression attribute names", "Expression attribute values": DynamoDB refuses a call
with a value that is not defined, and one with a value that is not used.
"""

from __future__ import annotations

from typing import Any

from ...asl.placeholders import has_placeholder
from ...asl.tree import Node
from ...base.patterns import regex
from ...base.words import did_you_mean, join_words
from ..findings import Findings
from ..registry import Code, Rule
from ..subject import Subject

_EXPRESSIONS = (
    "UpdateExpression",
    "ConditionExpression",
    "KeyConditionExpression",
    "FilterExpression",
    "ProjectionExpression",
)
_ENTRIES = {":": "ExpressionAttributeValues", "#": "ExpressionAttributeNames"}
_NAME = regex(r"(?<![\w])([:#])(\w+)")


def check_dynamodb(subject: Subject, findings: Findings) -> None:
    for state, resource in subject.tasks:
        if resource.service == "dynamodb":
            _check_call(state, findings)


def _check_call(state: Node, findings: Findings) -> None:
    key = "Arguments" if state.language == "JSONata" else "Parameters"
    arguments: Any = state.fields.get(key)
    if not isinstance(arguments, dict):
        return
    texts = {name: arguments[name] for name in _EXPRESSIONS if name in arguments}
    is_known = all(isinstance(text, str) and not _is_open(text) for text in texts.values())
    is_known = is_known and not any(f"{name}.$" in arguments for name in _EXPRESSIONS)
    used = {sign + word for text in texts.values() if isinstance(text, str) for sign, word in _NAME.findall(text)}
    for sign, entries in _ENTRIES.items():
        if f"{entries}.$" in arguments or not isinstance(values := arguments.get(entries, {}), dict):
            continue
        defined = {name.removesuffix(".$") if state.language == "JSONPath" else name: name for name in values}
        if any(has_placeholder(name) for name in defined):
            continue
        for name, text in texts.items():
            if not isinstance(text, str) or _is_open(text):
                continue
            wanted = [sign + word for each, word in _NAME.findall(text) if each == sign]
            for each in dict.fromkeys(word for word in wanted if word not in defined):
                hint = did_you_mean(each, defined) or f"add {each!r} to {entries}"
                message = f"{name} uses {each}, which {entries} does not have"
                findings.failure("FD668", message, (*state.path, key, name), hint=hint)
        unused = [written for name, written in defined.items() if name not in used]
        if is_known and texts and unused:
            message = f"no expression uses {join_words(unused)} of {entries}: DynamoDB refuses the call"
            findings.failure("FD668", message, (*state.path, key, entries, unused[0]))


def _is_open(text: str) -> bool:
    return text.startswith("{%") or has_placeholder(text)


RULES = (Rule(check_dynamodb, (Code("FD668", "error", "An expression of DynamoDB without its values"),)),)
