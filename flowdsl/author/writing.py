"""Values as a query language writes them: expressions, conditions, payload templates.

What is no JSON, or cannot be said in the language, is reported and replaced, so that every mistake comes in one run.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from ..base.diagnostics import AslPath
from ..base.source import Caller
from .expressions import All, Any_, Condition, Expression, Function, Jsonata, Misused, Not, Path, is_present
from .fields import ByPath, Element, Language, Spec, evolve, given
from .intrinsic import array
from .states import Calling, Catcher, Map, Pass

Report = Callable[[AslPath, str, str, Caller | None], None]
"""Called with the path inside the state, what is wrong, what to write instead, and the place if it is a closer one."""


def expression(value: Any) -> str:
    """A value with expressions in it as one JSONata expression."""
    if isinstance(value, Expression):
        return value.write("JSONata")
    if isinstance(value, Jsonata):
        return value.text
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{json.dumps(key)}: {expression(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(expression(item) for item in value) + "]"
    return json.dumps(value)


# Writing values


def written(element: Any, language: Language, report: Report, path: AslPath) -> Any:
    """The element with every expression in it written in the query language."""
    changes: dict[str, Any] = {}
    for spec, value in given(element):
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
        changes["extras"] = {key: constant(item, report, (*path, key)) for key, item in element.extras.items()}
    return evolve(element, **changes) if changes else element


def _value(value: Any, spec: Spec, language: Language, report: Report, path: AslPath) -> Any:
    if isinstance(value, Jsonata):
        if language == "JSONPath":
            report(
                path,
                "a JSONata expression in a JSONPath state",
                'say query_language="JSONata" on the state or machine',
                None,
            )
        return f"{{% {value.text} %}}"
    if isinstance(value, Condition):
        if spec.kind.shape != "rule":
            report(path, f"a condition as {spec.name}", "conditions belong into when(...)", None)
        for misused in _misused(value):
            report(path, misused.message, misused.instead, misused.origin)
        return f"{{% {value.write(language)} %}}" if language == "JSONata" else value.rule()
    if spec.kind.shape == "rule" and isinstance(value, Path):
        report(
            path, f"{value!r} alone is no condition", "compare it, as in path == True, or ask is_present(path)", None
        )
        value = is_present(value)
        return f"{{% {value.write(language)} %}}" if language == "JSONata" else value.rule()
    if spec.kind.shape == "rule" and isinstance(value, bool) and language == "JSONPath":
        what = f"the condition is Python's {value}, whatever the flow's data"
        report(path, what, "compare with ==, != or <, not with is and in; for null write == None", None)
        return {"Variable": "$", "IsPresent": value}
    if isinstance(value, Expression):
        return _expression(value, spec, language, report, path)
    if spec.kind.shape == "template" and isinstance(value, Mapping | list | tuple):
        return template(value, language, report, path)
    return constant(value, report, path)


def _expression(value: Expression, spec: Spec, language: Language, report: Report, path: AslPath) -> Any:
    text = value.write(language)
    if language == "JSONata" and (spec.jsonata or spec.kind.shape == "template"):
        return f"{{% {text} %}}"
    if language == "JSONPath" and spec.path:
        return ByPath(text)
    if language == "JSONPath" and spec.kind.shape == "path":
        return text
    hint = 'put it under a key: {"name": path}' if spec.kind.shape == "template" else "write a constant"
    report(path, f"{spec.name} cannot be an expression under {language}", hint, None)
    return text


def template(value: Any, language: Language, report: Report, path: AslPath = ()) -> Any:
    """A payload template with its expressions written: `"key.$"` under JSONPath, `{% %}` under JSONata."""
    if isinstance(value, Mapping):
        pairs = keyed(value, report, path)
        if language == "JSONata":
            return {key: template(item, language, report, (*path, key)) for key, item in pairs}
        return dict(_pair(key, item, report, path) for key, item in pairs)
    if isinstance(value, list | tuple):
        return [template(item, language, report, (*path, index)) for index, item in enumerate(value)]
    if isinstance(value, Jsonata):
        return _value(value, _JSONATA, language, report, path)
    if isinstance(value, Expression):
        if language == "JSONata":
            return f"{{% {value.write(language)} %}}"
        report(path, "a path inside a list of objects", "JSONPath templates need it under a key of an object", None)
        return value.write(language)
    return constant(value, report, path)


def keyed(value: Mapping[Any, Any], report: Report, path: AslPath) -> list[tuple[str, Any]]:
    """The pairs of an object; a key that is no text is reported and becomes its description."""
    for key in value:
        if not isinstance(key, str):
            report(path, f"{key!r} is no key of a JSON object", "keys are text", None)
    return [(key if isinstance(key, str) else repr(key), item) for key, item in value.items()]


def constant(value: Any, report: Report, path: AslPath) -> Any:
    """The value as JSON; a datetime as RFC 3339. What has no JSON is reported and becomes its description."""
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    if isinstance(value, Mapping):
        return {key: constant(item, report, (*path, key)) for key, item in keyed(value, report, path)}
    if isinstance(value, list | tuple):
        return [constant(item, report, (*path, index)) for index, item in enumerate(value)]
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    kind = type(value).__name__
    if isinstance(value, Expression):
        report(
            path,
            f"{value!r} cannot stand here",
            "write a constant; paths go into payload=, parameters= and conditions",
            None,
        )
    elif isinstance(value, Function):
        report(
            path,
            f"the function {value.name!r} cannot stand here",
            "a Task calls it; its ARN as text is function.arn",
            None,
        )
    else:
        report(path, f"a {kind} has no JSON form", "write text, a number, true, false, None, a list or a dict", None)
    return f"<{kind}>"


def _pair(key: str, value: Any, report: Report, path: AslPath) -> tuple[str, Any]:
    """One key of a JSONPath payload template; a list with paths in it becomes States.Array."""
    if isinstance(value, list | tuple) and not any(isinstance(item, Mapping | list | tuple) for item in value):
        value = array(*value) if any(isinstance(item, Expression) for item in value) else value
    if isinstance(value, Expression):
        return key + ".$", value.write("JSONPath")
    return key, template(value, "JSONPath", report, (*path, key))


_JSONATA = next(spec for spec, _ in given(Pass("", output=None)) if spec.name == "Output")


def _wrong_root(element: Any, spec: Spec, value: Any, language: Language, report: Report, path: AslPath) -> None:
    """JSONPath has one `$`: which value it is depends on the field, so the other one cannot be said there."""
    if language == "JSONata" or not isinstance(value, Mapping | list | tuple | Path):
        return
    sees_result = spec.name == "ResultSelector" or (spec.name == "Assign" and isinstance(element, Calling | Map))
    sees_error = isinstance(element, Catcher)
    for root in sorted(_roots(value)):
        if root == "input" and sees_result:
            hint = "use result, or keep the value in a variable beforehand"
            report(path, f"{spec.name} of a JSONPath {element.type} sees the result, not the input", hint, None)
        elif root == "result" and not sees_result:
            report(path, f"{spec.name} cannot see the state's result under JSONPath", "use .out in a later state", None)
        elif root == "error" and not sees_error:
            report(path, "error_output is known only in a catch", "use catch(..., into=...) and read it later", None)


def _roots(value: Any) -> set[str]:
    if isinstance(value, Path):
        return {value._root}
    if isinstance(value, Mapping):
        return set().union(*map(_roots, value.values()))
    if isinstance(value, list | tuple):
        return set().union(*map(_roots, value))
    return set()


def _misused(condition: Condition) -> list[Misused]:
    """The comparisons in a condition that choice rules do not have."""
    if isinstance(condition, Misused):
        return [condition]
    if isinstance(condition, All | Any_):
        return [each for part in condition.conditions for each in _misused(part)]
    return _misused(condition.condition) if isinstance(condition, Not) else []
