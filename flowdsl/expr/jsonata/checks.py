"""Checks written into an expression, where the engine differs from the service.

- A function in the result is refused; the engine makes it null or drops it.
- The ranges of one evaluation have a common budget, if there are many or one is made more than once.
- In exact mode, arithmetic may leave the finite numbers, which the service writes as "Infinity" and "NaN" (measured:
  floci-io/floci#2737), and `$parse` may return null. This costs time, so an expression is evaluated exactly only after
  its ordinary evaluation has met such a value.
- `$replace` of a text by a text is refused if the result would be too long; the engine sees that when it has made it.
- `$distinct` of a long array is computed here: the engine compares each item with each, and no limit ends that.

Each check is JSONata with variables whose names begin with two underscores, in a block, so that it leaves context,
scope and undefined values as they are.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable
from typing import Any, Final

from .errors import MAX_CHARACTERS, MEMORY, OUT_OF_RANGE, FunctionError, Thrown, Unsupported
from .functions import KNOWN, parse_boxed, spend
from .tree import Node, walk

ALIASES: Final = "$__type:=$type;$__lookup:=$lookup;"
"""Bound before the expression, which may bind the names itself."""
CAREFUL_REPLACE: Final = (
    "$__type:=$type;$__replace:=$replace;"
    '$replace:=$__type($replace)!="function"?$replace:function($__s,$__p,$__w,$__n)<s-(sf)(sf)n?:s>{('
    '$__type($__p)="string" and $__type($__w)="string"?$__fit($__s,$__p,$__w,$__n);$__replace($__s,$__p,$__w,$__n))};'
)
"""Bound before an expression for which `may_grow` is true."""
LINEAR_DISTINCT: Final = (
    "$__type:=$type;$__distinct:=$distinct;"
    '$distinct:=$__type($distinct)!="function"?$distinct:function($__a)<x:x>{('
    '$__d:=$__distinct_items($__a);$__type($__d)="array"?$__d:$__distinct($__a))};'
)
"""Bound before an expression that names `$distinct`."""
_FEW: Final = 1_000
"""Items among which the engine's own `$distinct` is quick."""
_FEW_RANGES: Final = 10
"""Ranges that cannot make too many numbers together."""
_SHORT: Final = 100
"""Characters of a replacement with which no text becomes dangerously long."""
NAN_FUNCTIONS: Final = frozenset({"parseInteger", "toMillis"})
"""Functions whose result is NaN for a text that they cannot read."""
ARITHMETIC: Final = frozenset("+-*/%")


def with_checks(text: str, root: Node, *, exact: bool = False) -> str:
    """The expression with the checks that it needs; the same text if it needs none."""
    ranges = sum(each.kind == "range" for each in walk(root))
    return _Writer(text, root, exact).write(root, result=True, repeated=ranges > _FEW_RANGES)


def may_give_nan(root: Node) -> bool:
    return any(
        (each.kind == "binary" and each.value in "/%") or (each.kind == "variable" and each.value in NAN_FUNCTIONS)
        for each in walk(root)
    )


def may_grow(root: Node) -> bool:
    """True if a `$replace` may get a long replacement."""
    nodes = [*walk(root)]
    harmless = sum(
        each.kind == "call"
        and each.parts[0].value == "replace"
        and len(each.parts) > 3
        and each.parts[3].kind == "string"
        and each.parts[3].end - each.parts[3].start <= _SHORT
        for each in nodes
    )
    return sum(each.kind == "variable" and each.value == "replace" for each in nodes) > harmless


_ARGUMENTS_ONLY: Final = """
    abs append average boolean ceil count distinct error exists floor hash join keys length lowercase max merge millis
    min not now number partition random range reverse shuffle spread sqrt string sum trim type uppercase uuid zip
"""
_FROM_ARGUMENTS: Final = frozenset(_ARGUMENTS_ONLY.split())
"""Functions that never take the context for an argument, if they have one."""


def may_read_input(node: Node, *, top: bool = True) -> bool:
    """False if the expression certainly does not read its own input; `top` while that is the context."""
    if node.kind in ("lambda", "partial", "transform", "regex", "wildcard", "focus", "index"):
        return True
    if node.kind == "variable":
        return node.value in ("", "$") if top else node.value == "$" or node.value in KNOWN
    if node.kind == "name":
        return top
    if node.kind == "call":
        function, *arguments = node.parts
        if function.kind != "variable" or function.value not in _FROM_ARGUMENTS:
            return True
        has_context = top and not arguments and function.value not in ("millis", "now", "random", "uuid")
        return has_context or any(may_read_input(each, top=top) for each in arguments)
    if node.kind in ("path", "filter", "sort", "group"):
        first, *rest = node.parts
        # Quotes make a name of a path's first step.
        if top and node.kind == "path" and first.kind == "string":
            return True
        return may_read_input(first, top=top) or any(may_read_input(each, top=False) for each in rest)
    return node.value == "~>" or any(may_read_input(each, top=top) for each in node.parts)


def bound_names(root: Node) -> set[str]:
    """The variables that the expression binds itself."""
    names: set[str] = set()
    for each in walk(root):
        if each.kind in ("bind", "focus", "index"):
            names.add(each.value)
        names.update(each.parameters)
    return names


class _Writer:
    def __init__(self, text: str, root: Node, exact: bool) -> None:
        self._text = text
        self._exact = exact
        self._bound = bound_names(root)

    def write(self, node: Node, *, result: bool = False, repeated: bool = False) -> str:
        """`result`: whether the node's value becomes part of the result; `repeated`: whether it may be evaluated more
        than once."""
        parts = [
            self.write(part, result=result and _gives(node, at), repeated=repeated or _repeats(node, at))
            for at, part in enumerate(node.parts)
        ]
        if node.kind == "range" and repeated:
            first, last = parts
            return f"({first})..($__spend({first},{last});{last})"
        if self._exact and (exact := self._exactly(node, parts)):
            return exact
        text = self._joined(node, parts)
        if result and self._may_be_function(node):
            return f'($__r:={text};$__type($__r)="function"?$__refuse():$__r)'
        return text

    def _joined(self, node: Node, parts: list[str]) -> str:
        pieces: list[str] = []
        at = node.start
        for part, written in zip(node.parts, parts, strict=True):
            pieces += [self._text[at : part.start], written]
            at = part.end
        return "".join([*pieces, self._text[at : node.end]])

    def _may_be_function(self, node: Node) -> bool:
        if node.kind in ("lambda", "partial", "regex", "transform"):
            return True
        if node.kind == "variable":
            return node.value in KNOWN or node.value in self._bound
        if node.kind == "call":
            procedure = node.parts[0]
            return procedure.kind != "variable" or procedure.value in self._bound
        return node.kind == "binary" and node.value == "~>"

    def _exactly(self, node: Node, parts: list[str]) -> str | None:
        if node.kind == "binary" and node.value in ARITHMETIC:
            left, right = parts
            operands = "$__type($__a),$__a,$__type($__b),$__b"
            return f'($__a:={left};$__b:={right};$__calculate("{node.value}",{operands}))'
        if node.kind == "binary" and node.value == "&":
            return f"$__joined({self._joined(node, parts)})"
        if node.kind == "variable" and node.value == "parse" and "parse" not in self._bound:
            return 'function($__x)<s?:x>{$__lookup($__parse($__x),"value")}'
        if node.kind == "call" and node.parts[0].kind == "variable":
            name = node.parts[0].value
            if name in NAN_FUNCTIONS and name not in self._bound:
                return f"($__r:={self._joined(node, parts)};$__number($__type($__r),$__r))"
            if name == "string" and name not in self._bound:
                return f"$__text({self._joined(node, parts)})"
        return None


def _gives(node: Node, at: int) -> bool:
    """Whether the value of a part is that of the node, or part of it."""
    if node.kind == "block":
        return at == len(node.parts) - 1
    if node.kind == "condition":
        return at > 0
    return node.kind in ("bind", "array") or (node.kind == "object" and at % 2 == 1)


def _repeats(node: Node, at: int) -> bool:
    return node.kind == "lambda" or (at > 0 and node.kind in ("path", "filter", "sort", "group", "transform"))


_MARK: Final = "\ue000"
"""Begins what stands for a number that is not finite; a character that texts do not have."""
_NAMES: Final = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}


def calculate(operator: str, left_type: Any, left: Any, right_type: Any, right: Any) -> Any:
    """JavaScript's arithmetic operators on doubles. A result that is not finite is marked, and is no operand."""
    for type_, value, code, side in ((left_type, left, "T2001", "left"), (right_type, right, "T2002", "right")):
        if isinstance(value, str) and value.startswith(_MARK):
            raise FunctionError(OUT_OF_RANGE)
        if type_ is not None and type_ != "number":
            raise FunctionError(f'{code}: The {side} side of the "{operator}" operator must evaluate to a number')
    if left is None or right is None:
        return None
    return _marked(_OPERATORS[operator](float(left), float(right)))


def _marked(value: float) -> Any:
    if not math.isfinite(value):
        return _MARK + _NAMES[repr(value)]
    return int(value) if value.is_integer() and abs(value) < 2**53 else value


def _quotient(left: float, right: float) -> float:
    if right:
        return left / right
    return math.nan if left == 0 or math.isnan(left) else math.copysign(math.inf, left) * math.copysign(1, right)


_OPERATORS: Final[dict[str, Callable[[float, float], float]]] = {
    "+": lambda left, right: left + right,
    "-": lambda left, right: left - right,
    "*": lambda left, right: left * right,
    "/": _quotient,
    "%": lambda left, right: math.fmod(left, right) if right else math.nan,
}


def number(type_: Any, value: Any) -> Any:
    """The result of a function that gives a number; the engine passes NaN as None with a type."""
    return _MARK + "NaN" if value is None and type_ is not None else value


def joined(value: Any) -> Any:
    """The result of `&`, whose operands must be finite."""
    if value is not None and _MARK in value:
        raise FunctionError("D3001: Attempting to invoke string function on Infinity or NaN")
    return value


def text(value: Any) -> Any:
    """The result of `$string`; the reference implementation has another error for a number inside a value."""
    if value is not None and _MARK in value and not value.startswith(_MARK):
        raise FunctionError(OUT_OF_RANGE)
    return joined(value)


def unmarked(value: Any) -> Any:
    """The value with the names of numbers that are not finite, as the service writes them."""
    if isinstance(value, str):
        return value[1:] if value.startswith(_MARK) else value
    if isinstance(value, dict):
        return {key: unmarked(item) for key, item in value.items()}
    return [unmarked(item) for item in value] if isinstance(value, list) else value


def _refuse() -> Any:
    raise Unsupported


def _spend(first: Any, last: Any) -> None:
    if isinstance(first, int | float) and isinstance(last, int | float):
        spend(last - first + 1)


def _fit(text: Any, old: str, new: str, most: Any) -> None:
    if isinstance(text, str) and old:
        count = text.count(old) if most is None else min(most, text.count(old))
        if len(text) + count * (len(new) - len(old)) > MAX_CHARACTERS:
            raise Thrown(f": {MEMORY}")


def _distinct_items(items: Any) -> list[Any] | None:
    """The different items of a long array; None if the engine finds them quickly, or if there is only one: the engine
    knows whether that stays in an array."""
    if not isinstance(items, list) or len(items) <= _FEW:
        return None
    firsts: dict[Hashable, Any] = {}
    for item in items:
        firsts.setdefault(_as_key(item), item)
    return [*firsts.values()] if len(firsts) > 1 else None


def _as_key(value: Any) -> Hashable:
    """The same for JSON values that are equal in JSONata."""
    if isinstance(value, dict):
        return frozenset((name, _as_key(item)) for name, item in value.items())
    if isinstance(value, list):
        return tuple(map(_as_key, value))
    return (bool, value) if isinstance(value, bool) else value


CHECKS: Final[dict[str, Callable[..., Any]]] = {
    "__refuse": _refuse,
    "__spend": _spend,
    "__calculate": calculate,
    "__number": number,
    "__text": text,
    "__joined": joined,
    "__fit": _fit,
    "__parse": parse_boxed,
    "__distinct_items": _distinct_items,
}
"""Functions that the checks call."""
