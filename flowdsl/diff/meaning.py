"""When two values of a definition mean the same.

`Meaning(node)` has a state's fields in one spelling: comments are gone, defaults are there, expressions have one form.
What is compared is that spelling; what is shown is what the author wrote.

Source of the defaults: ASL specification, "Retrying After Error", "Input and Output Processing", "Map State"; Step
Functions Developer Guide, "Task workflow state" (TimeoutSeconds), "Map state in Distributed mode".
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from ..asl.tree import Node
from ..expr.intrinsic_parser import IntrinsicCall, IntrinsicSyntaxError, PathArgument, parse_intrinsic
from ..expr.path.parser import parse_path
from ..expr.path.tree import Index, Name, Path, PathSyntaxError

RETRIER_DEFAULTS: Final = {"IntervalSeconds": 1, "MaxAttempts": 3, "BackoffRate": 2.0, "JitterStrategy": "NONE"}
_PATH_DEFAULTS: Final[Mapping[str, Mapping[str, Any]]] = {
    "Task": {"InputPath": "$", "OutputPath": "$", "ResultPath": "$", "TimeoutSeconds": 99_999_999},
    "Pass": {"InputPath": "$", "OutputPath": "$", "ResultPath": "$"},
    "Choice": {"InputPath": "$", "OutputPath": "$"},
    "Wait": {"InputPath": "$", "OutputPath": "$"},
    "Succeed": {"InputPath": "$", "OutputPath": "$"},
    "Parallel": {"InputPath": "$", "OutputPath": "$", "ResultPath": "$"},
    "Map": {"InputPath": "$", "OutputPath": "$", "ResultPath": "$", "ItemsPath": "$", "MaxConcurrency": 0},
}
_QUERY_DEFAULTS: Final[Mapping[str, Mapping[str, Any]]] = {
    "Task": {"Output": "{% $states.result %}", "TimeoutSeconds": 99_999_999},
    "Parallel": {"Output": "{% $states.result %}"},
    "Map": {"Output": "{% $states.result %}", "MaxConcurrency": 0},
    **{kind: {"Output": "{% $states.input %}"} for kind in ("Pass", "Choice", "Wait", "Succeed")},
}
LIMITS: Final = {"TimeoutSecondsPath": "TimeoutSeconds", "MaxConcurrencyPath": "MaxConcurrency"}
"""A path in place of a number: then the number has no default."""
ROUTES: Final = ("Next", "End", "Default", "Choices", "Retry", "Catch", "Branches", "ItemProcessor", "Iterator")
"""Fields that are compared as edges, or as machines."""


def same(one: Any, other: Any) -> bool:
    """Whether two JSON values are equal; unlike in Python, true is not 1.

    >>> same({"a": 1, "b": 2.0}, {"b": 2, "a": 1.0}), same(True, 1)
    (True, False)
    """
    return token(one) == token(other)


def token(value: Any) -> str:
    """A JSON value as text that is equal if the values are: sorted keys, 2.0 as 2."""
    return json.dumps(_whole(value), sort_keys=True, ensure_ascii=False, default=str)


def _whole(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, Mapping):
        return {str(key): _whole(each) for key, each in value.items()}
    return [_whole(each) for each in value] if isinstance(value, list | tuple) else value


def fields_of(node: Node) -> dict[str, Any]:
    """The fields of a state in one spelling, without its routes, rules, retriers, catchers and inner machines."""
    own = {name: value for name, value in node.fields.items() if name not in (*ROUTES, "Comment", "QueryLanguage")}
    if node.type == "Map":
        if "Parameters" in own and "ItemSelector" not in own:
            own["ItemSelector"] = own.pop("Parameters")
        config = next((machine.fields.get("ProcessorConfig") for machine in node.machines), None)
        own["ProcessorConfig"] = {"Mode": "INLINE", **(config if isinstance(config, dict) else {})}
        _drop_zeros(own)
    if own.get("Assign") == {}:
        del own["Assign"]
    defaults = (_QUERY_DEFAULTS if node.language == "JSONata" else _PATH_DEFAULTS).get(node.type, {})
    paths = {short for path, short in LIMITS.items() if path in own}
    own = {**{name: value for name, value in defaults.items() if name not in paths}, **own}
    return {name: plain(value, node.language, is_path=_has_path(name)) for name, value in own.items()}


def _drop_zeros(fields: dict[str, Any]) -> None:
    """Without a threshold the first failure fails a Map, as with one of 0; beside another one a 0 counts."""
    names = [f"ToleratedFailure{unit}{path}" for unit in ("Count", "Percentage") for path in ("", "Path")]
    present = [name for name in names if name in fields]
    if len(present) == 1 and same(fields[present[0]], 0):
        del fields[present[0]]


def retrier_of(retrier: Mapping[str, Any]) -> dict[str, Any]:
    """A retrier in one spelling: with its defaults, the names of its errors sorted. One that never repeats has no
    intervals."""
    own = {**RETRIER_DEFAULTS, **{name: value for name, value in retrier.items() if name != "Comment"}}
    own["ErrorEquals"] = _names(own.get("ErrorEquals"))
    if same(own["MaxAttempts"], 0):
        return {"ErrorEquals": own["ErrorEquals"], "MaxAttempts": 0}
    return own


def catcher_of(catcher: Mapping[str, Any], language: str) -> dict[str, Any]:
    """A catcher in one spelling, without its target."""
    defaults = {"Output": "{% $states.errorOutput %}"} if language == "JSONata" else {"ResultPath": "$"}
    own = {**defaults, **{name: value for name, value in catcher.items() if name not in ("Comment", "Next")}}
    own["ErrorEquals"] = _names(own.get("ErrorEquals"))
    if own.get("Assign") == {}:
        del own["Assign"]
    return {name: plain(value, language, is_path=_has_path(name)) for name, value in own.items()}


def _names(value: Any) -> Any:
    return sorted(set(value)) if isinstance(value, list) and all(isinstance(each, str) for each in value) else value


# Choice rules


def rule_of(rule: Any, language: str) -> Any:
    """A choice rule's condition in one spelling, without its target."""
    if not isinstance(rule, Mapping):
        return rule
    own = {name: value for name, value in rule.items() if name not in ("Comment", "Next", "Assign", "Output")}
    return _condition(own, language, 0)


def _condition(rule: Any, language: str, depth: int) -> Any:
    if not isinstance(rule, Mapping) or depth > 20:
        return rule
    own = {name: value for name, value in rule.items() if name != "Comment"}
    for key in ("And", "Or"):
        if isinstance(own.get(key), list) and len(own) == 1:
            parts = [_condition(each, language, depth + 1) for each in own[key]]
            if len(parts) == 1:
                return parts[0]
            if _have_one_subject(parts):
                parts = [json.loads(text) for text in sorted({token(part) for part in parts})]
            return parts[0] if len(parts) == 1 else {key: parts}
    if "Not" in own and len(own) == 1:
        inner = _condition(own["Not"], language, depth + 1)
        if isinstance(inner, dict) and inner.keys() == {"Not"}:
            return inner["Not"]
        if isinstance(inner, dict) and isinstance(inner.get("IsPresent"), bool):
            return {**inner, "IsPresent": not inner["IsPresent"]}
        return {"Not": inner}
    return {name: plain(value, language, is_path=_has_path(name)) for name, value in own.items()}


def _have_one_subject(parts: list[Any]) -> bool:
    """Whether the order of an And or Or does not matter: all compare one path, and none asks if it is there.

    Else one condition may keep another from reading a path that leads nowhere, which is an error.
    """
    subjects = set()
    for part in parts:
        inner = part["Not"] if isinstance(part, dict) and part.keys() == {"Not"} else part
        if not isinstance(inner, dict) or "Variable" not in inner or "IsPresent" in inner:
            return False
        if any(name.endswith("Path") for name in inner):
            return False
        subjects.add(token(inner["Variable"]))
    return len(subjects) == 1


_EQUALITY = re.compile(r"(\$[\w.]+)=(\"(?:[^\"\\]|\\.)*\"|-?\d+(?:\.\d+)?|true|false)")


def exclude_each_other(one: Any, other: Any) -> bool:
    """Whether two conditions (in one spelling) cannot both hold, and fail alike: one value equals two constants."""
    first, second = _equality(one), _equality(other)
    return bool(first and second and first[:2] == second[:2] and first[2] != second[2])


def _equality(condition: Any) -> tuple[str, str, str] | None:
    """What is compared, how, and the constant."""
    if not isinstance(condition, dict):
        return None
    if condition.keys() == {"Condition"}:
        text = condition["Condition"]
        match = _EQUALITY.fullmatch(text[2:-2]) if isinstance(text, str) and text.startswith("{%") else None
        return (match[1], "=", match[2]) if match else None
    for operator in ("StringEquals", "NumericEquals", "BooleanEquals"):
        if condition.keys() == {"Variable", operator}:
            return token(condition["Variable"]), operator, token(condition[operator])
    return None


# Expressions


def _has_path(name: str) -> bool:
    """Whether a field of this name has a path for its value."""
    return name == "Variable" or name.endswith("Path")


def plain(value: Any, language: str, *, is_path: bool = False) -> Any:
    """A value with each expression in one form: paths by their steps, no white space that means nothing."""
    if isinstance(value, str):
        if language == "JSONata":
            return _jsonata(value) if value.startswith("{%") and value.rstrip().endswith("%}") else value
        return _path(value) if is_path else value
    if isinstance(value, Mapping):
        return {
            name: plain(each, language, is_path=is_path or (isinstance(name, str) and name.endswith(".$")))
            for name, each in value.items()
        }
    return [plain(each, language, is_path=is_path) for each in value] if isinstance(value, list) else value


def _path(text: str) -> str:
    """
    >>> _path("$['a'][\\"b\\"][0]"), _path("States.Format( 'x{}',$.a )")
    ('$.a.b[0]', "States.Format('x{}', $.a)")
    """
    try:
        return _intrinsic(parse_intrinsic(text)) if text.lstrip().startswith("States.") else _steps(parse_path(text))
    except (PathSyntaxError, IntrinsicSyntaxError, RecursionError):
        return text


def _steps(path: Path) -> str:
    if not all(isinstance(step, Name | Index) for step in path.steps):
        return path.text
    root = f"${path.variable}" if path.variable is not None else path.root.value
    parts = []
    for step in path.steps:
        if isinstance(step, Index):
            parts.append(f"[{','.join(map(str, step.indexes))}]")
        elif isinstance(step, Name):
            is_plain = len(step.names) == 1 and step.names[0].isidentifier()
            parts.append(f".{step.names[0]}" if is_plain else json.dumps([*step.names], ensure_ascii=False))
    return root + "".join(parts)


def _intrinsic(call: IntrinsicCall) -> str:
    arguments = (
        _intrinsic(each)
        if isinstance(each, IntrinsicCall)
        else _steps(each.path)
        if isinstance(each, PathArgument)
        else f"'{each.raw}'"
        if isinstance(each.value, str)
        else json.dumps(each.value)
        for each in call.arguments
    )
    return f"{call.name}({', '.join(arguments)})"


_SPACE = re.compile(r"(?:\s|/\*.*?\*/)+", re.DOTALL)
_KEPT = frozenset({"string", "regex", "name"})


def _jsonata(text: str) -> str:
    """A JSONata expression without white space and comments between its tokens; strings in double quotes.

    >>> _jsonata("{% $states.input.a   = 'x y' /* why */ and true %}")
    '{%$states.input.a="x y"and true%}'
    """
    from ..expr.jsonata.errors import JsonataSyntaxError
    from ..expr.jsonata.tree import parse, walk

    inner = text.rstrip()[2:-2]
    try:
        kept = sorted((node.start, node.end, node) for node in walk(parse(inner)) if node.kind in _KEPT)
    except (JsonataSyntaxError, RecursionError, IndexError):
        return f"{{%{inner.strip()}%}}"
    pieces: list[str] = []
    at = 0
    for start, end, node in kept:
        if start < at:
            continue
        pieces.append(_SPACE.sub(" ", inner[at:start]))
        pieces.append(json.dumps(node.value, ensure_ascii=False) if node.kind == "string" else inner[start:end])
        at = end
    pieces.append(_SPACE.sub(" ", inner[at:]))
    written = [piece if number % 2 else _tight(piece) for number, piece in enumerate(pieces)]
    return f"{{%{_joined(written).strip()}%}}"


def _tight(text: str) -> str:
    return re.sub(r" ?([^\w$ ]) ?", r"\1", text)


def _joined(pieces: list[str]) -> str:
    """The pieces with a space between two words only."""
    result = ""
    for piece in pieces:
        text = piece
        if result.endswith(" ") and not (len(result) > 1 and _is_word(result[-2]) and text[:1] and _is_word(text[0])):
            result = result[:-1]
        if text.startswith(" ") and not (result and _is_word(result[-1]) and len(text) > 1 and _is_word(text[1])):
            text = text[1:]
        result += text
    return result


def _is_word(character: str) -> bool:
    return character.isalnum() or character in "_$"


def leaves(value: Any, place: str = "") -> Iterator[tuple[str, Any]]:
    """The values inside a value with their places, such as `Payload.id`; empty objects and lists are values."""
    if isinstance(value, Mapping) and value:
        for name, each in value.items():
            yield from leaves(each, f"{place}.{name}" if place else str(name))
    elif isinstance(value, list) and value:
        for index, each in enumerate(value):
            yield from leaves(each, f"{place}[{index}]")
    else:
        yield place, value
