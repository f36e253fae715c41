"""Values as a query language writes them: expressions, conditions, payload templates.

What has no JSON form, or cannot be said in the language, is reported and replaced, so that every mistake comes in one
run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

from ..base.diagnostics import AslPath
from ..base.json import is_json_number
from ..base.record import evolve
from ..base.source import Caller
from . import nodes
from .describing import described
from .expressions import Expression, Template, node_of, rfc3339, without_json
from .fields import ByPath, Element, Language, Spec, set_fields, specs
from .flow import describe
from .functions import Function
from .jsonata import NotWritten, write_jsonata
from .jsonpath import JSONATA, write_jsonpath, write_rule
from .nodes import Node, kind_of, walk
from .places import snake
from .states import Calling, Catcher, Map
from .tokens import has_tokens, tokens_in

Report = Callable[[AslPath, str, str, Caller | None], None]
"""Called with the path inside the state, what is wrong, what to write instead, and the place if it is a closer one."""


# Writing values


def written(element: Any, language: Language, report: Report, path: AslPath) -> Any:
    """The element with every expression in it written in the query language."""
    changes: dict[str, Any] = {}
    name = getattr(element, "name", "")
    if isinstance(name, str) and has_tokens(name):
        _expression_in_constant(name, "the name of a state", report, path)
    for spec, value in set_fields(element):
        shape = spec.kind.shape
        if shape in ("machine", "machines", "states"):
            continue
        here = (*path, spec.name)
        if shape == "part" and isinstance(value, Element):
            changed = written(value, language, report, here)
        elif shape == "parts" and isinstance(value, Element):
            keyword = spec.attribute
            report(here, f"{keyword} is a list", f"write {keyword}=[{keyword}(...)]", value.origin)
            changed = (written(value, language, report, (*here, 0)),)
        elif shape == "parts" and isinstance(value, list | tuple):
            changed = tuple(
                written(item, language, report, (*here, index)) if isinstance(item, Element) else item
                for index, item in enumerate(value)
            )
        else:
            _wrong_root(element, spec, value, language, report, here)
            changed = _value(value, spec, language, report, here)
        if changed is not value:
            changes[spec.attribute] = changed
    if element.extras:
        own = {
            spec.path if isinstance(changes.get(spec.attribute), ByPath) and spec.path else spec.name: spec.attribute
            for spec, _ in set_fields(element)
        }
        for key in own.keys() & element.extras.keys():
            report((*path, key), f"{own[key]}= and {snake(key)}= both set {key}", f"remove {snake(key)}=", None)
        fields = {name for spec in specs(type(element)).values() for name in (spec.name, spec.path)}
        changes["extras"] = {
            key: constant(item, report if key in fields else _unheard, (*path, key))
            for key, item in element.extras.items()
            if key not in own
        }
    return evolve(element, **changes) if changes else element


def _unheard(*_: object) -> None:
    """A `Report` for the value of a field that does not exist: the checker reports the field."""


def _value(value: Any, spec: Spec, language: Language, report: Report, path: AslPath) -> Any:
    value = _joined(value)
    if spec.kind.shape == "rule":
        return _rule(value, language, report, path)
    if isinstance(value, Expression):
        return _expression(value, spec, language, report, path)
    if spec.kind.shape == "template" and isinstance(value, Mapping | list | tuple):
        return template(value, language, report, path)
    return constant(value, report, path)


def _joined(value: Any) -> Any:
    """A text with expressions in it, an f-string or a t-string, as one expression."""
    if isinstance(value, Template) or (isinstance(value, str) and has_tokens(value)):
        node = node_of(value)
        return node.value if isinstance(node, nodes.Constant) else Expression(node)
    return value


def _rule(value: Any, language: Language, report: Report, path: AslPath) -> Any:
    """A condition: a choice rule, or JSONata."""
    if isinstance(value, bool):
        what = f"the condition is Python's {value}, whatever the flow's data"
        report(path, what, "compare with ==, != or <, not with is and in; for null write == None", None)
        return {"Variable": "$", "IsPresent": value} if language == "JSONPath" else "{% true %}"
    if not isinstance(value, Expression):
        if not isinstance(value, Mapping) and not (isinstance(value, str) and value.lstrip().startswith("{%")):
            hint = 'compare a value of the flow, as in state_input.status == "paid"'
            report(path, f"a condition compares values of the flow, it is not {describe(value)}", hint, None)
            return {"Variable": "$", "IsPresent": True} if language == "JSONPath" else "{% true %}"
        if language == "JSONata" and isinstance(value, Mapping) and value.keys() == {"Condition"}:
            value = value["Condition"]  # a rule as ASL has it, as {"Variable": ...} is under JSONPath
        return constant(value, report, path)
    node = node_of(value)
    if language == "JSONata":
        if kind_of(node) not in (None, "boolean"):
            report(path, f"{described(node)} is not a condition", "compare it, as in path > 5", node.origin)
        return text_of(node, language, report, path)
    try:
        return write_rule(node)
    except NotWritten as problem:
        report(path, problem.message, problem.hint, problem.node.origin)
        return {"Variable": "$", "IsPresent": True}


def text_of(node: Node, language: Language, report: Report, path: AslPath) -> str:
    """The node as the field's text: JSONata in its `{% %}`, or a path or an intrinsic function."""
    try:
        return f"{{% {write_jsonata(node)} %}}" if language == "JSONata" else write_jsonpath(node)
    except NotWritten as problem:
        report(path, problem.message, problem.hint, problem.node.origin or node.origin)
        return "{% null %}" if language == "JSONata" else "$"


def _expression(value: Expression, spec: Spec, language: Language, report: Report, path: AslPath) -> Any:
    node = node_of(value)
    if language == "JSONata" and (spec.jsonata or spec.kind.shape == "template"):
        return text_of(node, language, report, path)
    if language == "JSONPath" and spec.path:
        if not isinstance(node, nodes.Path) and spec.by is None:
            report(
                path,
                f"{spec.attribute}= takes a path under JSONPath, not {described(node)}",
                f"calculate it in an earlier state, or {JSONATA}",
                node.origin,
            )
            return ByPath("$")
        return ByPath(text_of(node, language, report, path))
    if language == "JSONPath" and spec.kind.shape == "path":
        return text_of(node, language, report, path)
    if isinstance(node, nodes.Raw):
        report(path, "a JSONata expression in a JSONPath state", JSONATA, node.origin)
        return "$"
    takes = f"must be constant in {language}"
    hint = "write a constant"
    if spec.kind.shape == "template":
        takes = "is an object under JSONPath"
        hint = f'put it under a key: {spec.attribute}={{"name": ...}}, or {JSONATA}'
    report(path, f"{spec.attribute}= {takes}, not {described(node)}", hint, node.origin)
    return "$"


def template(value: Any, language: Language, report: Report, path: AslPath = ()) -> Any:
    """A payload template with its expressions written: `"key.$"` under JSONPath, `{% %}` under JSONata."""
    value = _joined(value)
    if isinstance(value, Mapping):
        pairs = keyed(value, report, path)
        if language == "JSONata":
            return {key: template(item, language, report, (*path, key)) for key, item in pairs}
        return dict(_pair(key, item, report, path) for key, item in pairs)
    if isinstance(value, list | tuple):
        return [template(item, language, report, (*path, index)) for index, item in enumerate(value)]
    if isinstance(value, Expression):
        node = node_of(value)
        text = text_of(node, language, report, path)
        if language == "JSONPath" and text != "$":
            hint = f"put it under a key of an object, or {JSONATA}"
            report(path, "a path inside a list of objects", hint, node.origin)
        return text
    return constant(value, report, path)


def keyed(value: Mapping[Any, Any], report: Report, path: AslPath) -> list[tuple[str, Any]]:
    """The pairs of an object; a key that is not constant text is reported and becomes its description."""
    pairs = []
    for key, item in value.items():
        if not isinstance(key, str):
            report(path, f"{key!r} is not a key of a JSON object", "use text as keys", None)
        elif has_tokens(key):
            _expression_in_constant(key, "a key", report, path)
            key = "key"
        pairs.append((key if isinstance(key, str) else repr(key), item))
    return pairs


def constant(value: Any, report: Report, path: AslPath) -> Any:
    """The value as JSON; a datetime as RFC 3339. What has no JSON form is reported and becomes its description."""
    if isinstance(value, str) and has_tokens(value):
        name = next((step for step in reversed(path) if isinstance(step, str)), "a name")
        return _expression_in_constant(value, "an error name" if name == "ErrorEquals" else name, report, path)
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, int | float) and is_json_number(value):
        return value
    if isinstance(value, Mapping):
        return {key: constant(item, report, (*path, key)) for key, item in keyed(value, report, path)}
    if isinstance(value, list | tuple):
        return [constant(item, report, (*path, index)) for index, item in enumerate(value)]
    kind = type(value).__name__
    if isinstance(value, datetime):
        text = rfc3339(value)
        if text is None:
            report(path, "a datetime without a time zone", "add one: tzinfo=UTC", None)
        return text
    if isinstance(value, Expression | Template):
        report(
            path,
            f"{value!r} must be a constant here",
            "write a constant; expressions go into payload=, arguments=, parameters=, output= and conditions",
            node_of(value).origin,
        )
    elif isinstance(value, Function):
        report(
            path,
            f"the function {value.name!r} is not a value",
            "call it with a Task; its ARN as text is function.arn",
            None,
        )
    else:
        report(path, *without_json(value), None)
    return f"<{kind}>"


def _expression_in_constant(text: str, what: str, report: Report, path: AslPath) -> str:
    """Report the f-string whose text is needed before the flow runs."""
    for token in tokens_in(text):
        hint = "use constant text; only values inside the flow can hold expressions"
        report(path, f"{token.text} in {what}, which must be constant text", hint, token.origin)
    return "<expression>"


def _pair(key: str, value: Any, report: Report, path: AslPath) -> tuple[str, Any]:
    """One key of a JSONPath payload template; a list with expressions in it becomes States.Array."""
    value = _joined(value)
    if isinstance(value, list | tuple) and not any(isinstance(item, Mapping | list | tuple) for item in value):
        value = [_joined(item) for item in value]
        value = Expression(node_of(value)) if any(isinstance(item, Expression) for item in value) else value
    if isinstance(value, Expression):
        return key.removesuffix(".$") + ".$", text_of(node_of(value), "JSONPath", report, (*path, key))
    return key, template(value, "JSONPath", report, (*path, key))


def _wrong_root(element: Any, spec: Spec, value: Any, language: Language, report: Report, path: AslPath) -> None:
    """JSONPath has one `$`: which value it is depends on the field, so the other one cannot be said there."""
    if language == "JSONata" or not isinstance(value, Mapping | list | tuple | Expression):
        return
    sees_result = spec.name == "ResultSelector" or (spec.name == "Assign" and isinstance(element, Calling | Map))
    sees_error = isinstance(element, Catcher)
    what = _WORDS.get(spec.name, f"{spec.attribute}=")
    for inside, node in _paths(value, ()):
        at, text = (*path, *inside), described(node)
        if node.root == "input" and sees_result:
            hint = f"read the result, or keep {text} in a variable beforehand, or {JSONATA}"
            report(at, f"{what} of a {element.type} reads the result under JSONPath, not {text}", hint, None)
        elif node.root == "result" and not sees_result:
            report(at, f"{what} cannot read {text} under JSONPath", "use .out in a later state", None)
        elif node.root == "error" and not sees_error:
            report(at, f"{text} is known only in a catch", "use catch(..., into=...) and read it later", None)


_WORDS = {"ResultSelector": "output=", "Parameters": "what the state gets", "Condition": "a condition"}
"""Fields that an author seldom writes by their own names."""


def _paths(value: Any, inside: AslPath) -> Iterator[tuple[AslPath, nodes.Path]]:
    """The first path of each root in each part of a value, with the place of the part."""
    value = _joined(value)
    if isinstance(value, Expression):
        paths = (node for node in walk(node_of(value)) if isinstance(node, nodes.Path))
        yield from ((inside, path) for path in {path.root: path for path in paths}.values())
    elif isinstance(value, Mapping):
        for key, part in value.items():
            yield from _paths(part, (*inside, key))
    elif isinstance(value, list | tuple):
        for index, part in enumerate(value):
            yield from _paths(part, (*inside, index))
