"""Payload templates: Parameters, ResultSelector, ItemSelector, Assign and their like in JSONPath states.

A field whose name ends in `.$` holds a path or an intrinsic function; everything else stands for itself, strings that
look like paths too (ASL specification, "Payload Template").
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .intrinsics import compile_intrinsic, is_intrinsic
from .path.jsonpath import compile_field_path
from .scope import Evaluate, Scope


def compile_expression(text: str, field: str) -> Evaluate:
    """Compile a path or an intrinsic function, as in a template's `field`, in ErrorPath or in CausePath.

    Raises PathSyntaxError or IntrinsicSyntaxError.
    """
    return compile_intrinsic(text) if is_intrinsic(text) else compile_field_path(text, field)


def compile_template(value: Any) -> Evaluate:
    """Compile a template. Parts without expressions are the very objects of `value` each time: they are not rebuilt.

    Raises PathSyntaxError, IntrinsicSyntaxError, or TypeError where a field that ends in `.$` holds no string.
    """
    evaluate = _compile(value)
    return evaluate if evaluate is not None else lambda document, scope: value


def _compile(value: Any) -> Evaluate | None:
    """None for what is constant."""
    if isinstance(value, dict):
        return _compile_object(value)
    if isinstance(value, list):
        parts = [_compile(item) for item in value]
        if not any(parts):
            return None
        items = tuple(part or _constant(item) for part, item in zip(parts, value, strict=True))
        return lambda document, scope: [item(document, scope) for item in items]
    return None


def _compile_object(value: dict[str, Any]) -> Evaluate | None:
    base: dict[str, Any] = {}
    dynamic: list[tuple[str, Evaluate]] = []
    for key, item in value.items():
        if not key.endswith(".$"):
            name, part = key, _compile(item)
        elif isinstance(item, str):
            name, part = key[:-2], compile_expression(item, key)
        else:
            raise TypeError(f"the value of {key!r} must be a path or an intrinsic function, not {item!r}")
        base[name] = item  # A placeholder where the field is computed: it keeps the order of the template.
        if part is not None:
            dynamic.append((name, part))
    if not dynamic:
        return None
    fields = tuple(dynamic)

    def evaluate(document: Any, scope: Scope) -> Any:
        result = base.copy()
        for name, part in fields:
            result[name] = part(document, scope)
        return result

    return evaluate


def _constant(value: Any) -> Callable[[Any, Scope], Any]:
    return lambda document, scope: value
