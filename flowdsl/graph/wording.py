"""What a picture says of a state and an edge, in short."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from ..asl.resource import constant_function, parse_resource
from ..asl.tree import Edge, Node
from ..base.diagnostics import AslPath
from ..expr.operators import OPERATORS
from .fonts import clean

_MOST = 400
"""The characters of a text that are kept; what is longer is cut when it is drawn anyway."""
_SIGNS: Final = {
    "Equals": "==",
    "LessThan": "<",
    "GreaterThan": ">",
    "LessThanEquals": "<=",
    "GreaterThanEquals": ">=",
}
_TESTS: Final = {
    "IsNull": "is null",
    "IsPresent": "is present",
    "IsNumeric": "is a number",
    "IsString": "is a string",
    "IsBoolean": "is a boolean",
    "IsTimestamp": "is a timestamp",
}
_COMPARISON = re.compile(r"(String|Numeric|Boolean|Timestamp)(\w+?)(Path)?")
_UNITS = ((86400, "day"), (3600, "hour"), (60, "min"), (1, "s"))
_DEEPEST = 8


def short(value: Any) -> str:
    """A JSON value in a line: strings as they are, all else as JSON."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return clean(text[:_MOST])


def condition(rule: Mapping[str, Any]) -> str:
    """A choice rule as its author would write it.

    >>> condition({"Variable": "$.payment.status", "StringEquals": "retry"})
    'payment.status == "retry"'
    >>> condition({"Condition": "{% $states.input.count > 3 %}"})
    'count > 3'
    >>> condition({"Not": {"Variable": "$.a", "IsPresent": True}})
    'a is not present'
    >>> condition({"Or": [{"Variable": "$.a", "StringEquals": each} for each in "xy"]})
    'a in ("x", "y")'
    """
    return clean(_condition(rule, _DEEPEST)[:_MOST])


def _condition(rule: Any, deep: int) -> str:
    if not isinstance(rule, Mapping) or not deep:
        return "…"
    if "Condition" in rule:
        return _expression(rule["Condition"])
    for key, word in (("And", " and "), ("Or", " or ")):
        if isinstance(rule.get(key), list):
            short_form = (_between if key == "And" else _one_of)(rule[key])
            return short_form or word.join(_part(each, deep) for each in rule[key])
    if "Not" in rule:
        return _opposite(rule["Not"]) or f"not {_part(rule['Not'], deep)}"
    variable = _expression(rule.get("Variable", "…"))
    for key, operand in rule.items():
        if key in _TESTS:
            test = _TESTS[key] if operand is not False else _TESTS[key].replace("is", "is not", 1)
            return f"{variable} {test}"
        if key == "StringMatches":
            return f"{variable} matches {_literal(operand)}"
        match = _COMPARISON.fullmatch(key) if key in OPERATORS else None
        if match and match[2] in _SIGNS:
            other = _expression(operand) if match[3] else _literal(operand)
            return f"{variable} {_SIGNS[match[2]]} {other}"
    return "…"


def _comparison(rule: Any) -> tuple[str, str, Any] | None:
    """The variable, the sign and the value of a comparison with a constant."""
    if not isinstance(rule, Mapping) or len(rule) != 2 or not isinstance(rule.get("Variable"), str):
        return None
    operator = next(key for key in rule if key != "Variable")
    match = _COMPARISON.fullmatch(operator) if operator in OPERATORS else None
    if match is None or match[2] not in _SIGNS or match[3]:
        return None
    return rule["Variable"], _SIGNS[match[2]], rule[operator]


def _one_of(rules: list[Any]) -> str:
    """An Or of one variable's values; "" if it is not one."""
    parts = [_comparison(rule) for rule in rules]
    known = [part for part in parts if part and part[1] == "=="]
    if len(known) < max(len(parts), 2) or len({variable for variable, _, _ in known}) > 1:
        return ""
    return f"{_expression(known[0][0])} in ({', '.join(_literal(value) for _, _, value in known)})"


def _between(rules: list[Any]) -> str:
    """An And of a lower and an upper limit of one variable; "" if it is not one."""
    parts = [part for rule in rules if (part := _comparison(rule))]
    if len(rules) != 2 or len(parts) != 2 or parts[0][0] != parts[1][0]:
        return ""
    low = next((part for part in parts if part[1] in (">", ">=")), None)
    high = next((part for part in parts if part[1] in ("<", "<=")), None)
    if low is None or high is None:
        return ""
    return f"{_literal(low[2])} {low[1].replace('>', '<')} {_expression(low[0])} {high[1]} {_literal(high[2])}"


def _opposite(rule: Any) -> str:
    """The opposite of a rule in a word; "" if there is none."""
    comparison = _comparison(rule)
    if comparison and comparison[1] == "==":
        return f"{_expression(comparison[0])} != {_literal(comparison[2])}"
    if isinstance(rule, Mapping) and len(rule) == 2 and isinstance(rule.get("Variable"), str):
        test = next(key for key in rule if key != "Variable")
        if test in _TESTS and isinstance(rule[test], bool):
            return _condition({**rule, test: not rule[test]}, 1)
    return ""


def _part(rule: Any, deep: int) -> str:
    text = _condition(rule, deep - 1)
    return f"({text})" if isinstance(rule, Mapping) and ("And" in rule or "Or" in rule) else text


def _expression(value: Any) -> str:
    """A path or an expression without what stands before all of them: `$.`, `{% … %}` and `$states.input.`."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    if text.startswith("{%") and text.endswith("%}"):
        return text[2:-2].strip().replace("$states.input.", "")
    return text[2:] if text.startswith("$.") and len(text) > 2 else text


def _literal(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)


def summary(node: Node) -> str:
    """The second line of a state: what it calls, how long it waits, how many branches it has; "" for nothing."""
    return clean(_SUMMARIES.get(node.type, _unknown)(node)[:_MOST])


def _unknown(node: Node) -> str:
    kind = node.fields.get("Type")
    return "no Type" if kind is None else f"unknown Type {_literal(kind)}"


def _task(node: Node) -> str:
    resource = node.fields.get("Resource")
    if not isinstance(resource, str):
        return "no Resource" if resource is None else short(resource)
    parsed = parse_resource(resource)
    waits = {"waitForTaskToken": "waits for a callback", "sync": "waits for the job", "sync:2": "waits for the job"}
    what = constant_function(node.fields)
    if parsed.integration == "lambda" and parsed.action in ("function", "invoke") and parsed.kind != "substituted":
        what = what or _dynamic(node.fields) or "a function"
    elif parsed.kind in ("integration", "sdk"):
        service, action = parsed.service, parsed.action
        what = f"{service}:{action}" if action else service
    elif parsed.kind == "activity":
        what = f"activity {resource.rpartition(':')[2]}"
    else:
        what = resource
    return " · ".join(filter(None, [what, waits.get(parsed.pattern)]))


def _dynamic(fields: Mapping[str, Any]) -> str:
    """The expression that chooses a function when the flow runs."""
    arguments = fields.get("Parameters") or fields.get("Arguments")
    if not isinstance(arguments, Mapping):
        return ""
    name = arguments.get("FunctionName.$") or arguments.get("FunctionName")
    return _expression(name) if isinstance(name, str) else ""


def _wait(node: Node) -> str:
    fields = node.fields
    if "Seconds" in fields:
        seconds = fields["Seconds"]
        return duration(seconds) if isinstance(seconds, int | float) else f"{_expression(seconds)} seconds"
    if "SecondsPath" in fields:
        return f"{_expression(fields['SecondsPath'])} seconds"
    return next((f"until {_expression(fields[key])}" for key in ("Timestamp", "TimestampPath") if key in fields), "")


def _map(node: Node) -> str:
    fields = node.fields
    items = fields.get("Items", fields.get("ItemsPath"))
    if isinstance(fields.get("ItemReader"), Mapping):
        reader = fields["ItemReader"].get("Resource")
        source = parse_resource(reader) if isinstance(reader, str) else None
        what = (
            f"for each item of {source.service.upper()}" if source and source.operation else "for each item of a file"
        )
    elif items is None:
        what = "for each item"
    else:
        what = f"for each of {_expression(items)}"
    if any(machine.is_distributed for machine in node.machines):
        what = f"distributed · {what}"
    most = fields.get("MaxConcurrency")
    return f"{what} · {most} at a time" if isinstance(most, int) and most > 0 else what


def _fail(node: Node) -> str:
    error = _expression(node.fields.get("Error", node.fields.get("ErrorPath", "")))
    return "" if error == node.name else error


def _parallel(node: Node) -> str:
    count = len(node.machines)
    return f"{count} branch{'es' * (count != 1)}"


def _nothing(_node: Node) -> str:
    return ""


_SUMMARIES: Final[dict[str, Callable[[Node], str]]] = {
    "Task": _task,
    "Wait": _wait,
    "Map": _map,
    "Parallel": _parallel,
    "Fail": _fail,
    **dict.fromkeys(("Pass", "Choice", "Succeed"), _nothing),
}


def duration(seconds: float) -> str:
    """A time for people.

    >>> duration(90), duration(86400), duration(0.25), duration(172800)
    ('1 min 30 s', '1 day', '0.25 s', '2 days')
    >>> duration(59.9999997)
    '1 min'
    """
    parts = []
    rest = round(seconds, 3)
    for size, unit in _UNITS[:-1]:
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count:g} {unit}{'s' * (unit in ('day', 'hour') and count > 1)}")
    if rest or not parts:
        parts.append(f"{round(rest, 3):g} s")
    return " ".join(parts[:2])


def label(edge: Edge, words: Mapping[AslPath, str]) -> str:
    """The text at an edge: a condition, the errors of a catcher, `otherwise` for a Default; "" for none.

    `words` are conditions in their author's words, by the paths of their rules.
    """
    if edge.kind == "choice":
        written = words.get(edge.path[:-1])  # the edge's own path is that of its Next
        return condition(edge.fields) if written is None else clean(written[:_MOST])
    if edge.kind == "default":
        return "otherwise"
    return clean(edge.label[:_MOST]) if edge.kind == "catch" else ""


def explain(edge: Edge) -> str:
    """The whole of an edge in words, for a tooltip."""
    source = edge.source.name if edge.source else "Start"
    target = edge.name if isinstance(edge.name, str) else short(edge.name)
    way = f"{clean(source)} → {clean(target)}"
    missing = ": this state does not exist" if edge.target is None and edge.kind != "start" else ""
    errors = clean(edge.label)
    match edge.kind:
        case "choice":
            comment = edge.fields.get("Comment")
            note = f"\n{short(comment)}" if comment else ""
            return f"{way} if {condition(edge.fields)}{missing}{note}"
        case "default":
            return f"{way} if no rule matches{missing}"
        case "catch":
            return f"{way} on {errors or 'an error'}{missing}"
        case "retry":
            return f"{clean(source)} retries {errors or 'errors'}: {_policy(edge.fields)}"
    return way + missing


def _policy(retrier: Mapping[str, Any]) -> str:
    """How a retrier repeats. Source: ASL specification, "Retrying After Error" (the defaults)."""
    attempts = retrier.get("MaxAttempts", 3)
    if attempts == 0:
        return "never"
    parts = [f"{short(attempts)}×", f"first after {short(retrier.get('IntervalSeconds', 1))} s"]
    parts.append(f"then ×{short(retrier.get('BackoffRate', 2))}")
    if "MaxDelaySeconds" in retrier:
        most = retrier["MaxDelaySeconds"]
        parts.append(f"at most {duration(most) if isinstance(most, int | float) else short(most)}")
    return ", ".join(parts)


def attempts(retrier: Mapping[str, Any]) -> str:
    """The number on a retrier's badge."""
    return short(retrier.get("MaxAttempts", 3))[:4]
