"""The kinds of values that the functions of `fn` take, to report a wrong one at the line where it is written.

Sources: the signatures in JSONata's src/jsonata.js (https://docs.jsonata.org/embedding-extending explains them); Step
Functions Developer Guide, "Transforming data with JSONata" for partition, range, hash, random and parse.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..base.arguments import WrongArgument, mistake
from . import nodes
from .nodes import Kind, Node, kind_of

_KINDS: dict[str, tuple[tuple[Kind, ...], str, str]] = {
    "s": (("text",), "text", "write text, or fn.string(...)"),
    "n": (("number",), "a number", "write a number, or fn.number(...)"),
    "b": (("boolean",), "true or false", "write a condition, or fn.boolean(...)"),
    "o": (("object",), "an object", "write an object"),
    "l": (("list",), "a list", "write a list"),
    "v": (("text", "number", "boolean"), "text, a number or a boolean", "write one of these"),
}
_MANY: dict[str, tuple[Kind, str]] = {"S": ("text", "texts"), "N": ("number", "numbers"), "O": ("object", "objects")}
"""Lists of one kind; JSONata takes a single value as a list of one."""

_SIGNATURES = {
    "length": "s",
    "substring": "s n n?",
    "substringBefore": "s s",
    "substringAfter": "s s",
    "uppercase": "s",
    "lowercase": "s",
    "trim": "s",
    "pad": "s n s?",
    "contains": "s x",
    "split": "s x n?",
    "join": "S s?",
    "match": "s x n?",
    "replace": "s x s n?",
    "parse": "s",
    "base64encode": "s",
    "base64decode": "s",
    "encodeUrlComponent": "s",
    "encodeUrl": "s",
    "decodeUrlComponent": "s",
    "decodeUrl": "s",
    "hash": "x s",
    "number": "v",
    "abs": "n",
    "floor": "n",
    "ceil": "n",
    "round": "n n?",
    "power": "n n",
    "sqrt": "n",
    "random": "n?",
    "math_random": "n n",
    "formatNumber": "n s o?",
    "formatBase": "n n?",
    "formatInteger": "n s",
    "parseInteger": "s s",
    "range": "n n n",
    "sum": "N",
    "max": "N",
    "min": "N",
    "average": "N",
    "partition": "l n",
    "array_contains": "l x",
    "array_get_item": "l n",
    "merge": "O",
    "lookup": "x s",
    "error": "s",
    "assert": "b s",
    "now": "s? s?",
    "fromMillis": "n s? s?",
    "toMillis": "s s?",
}


def check_arguments(function: str, arguments: Sequence[Node], names: Sequence[str]) -> bool:
    """Report every argument of a kind that the JSONata function does not take, as `mistake` does; True if none is.

    `names` are the parameters' in Python. What an expression gives is often unknown; then nothing is wrong.
    """
    signature = _SIGNATURES.get(function, "").split()
    is_right = True
    for index, wanted in enumerate(signature):
        name = f"{names[index]}=" if index < len(names) else "an argument"
        if index >= len(arguments):
            if not wanted.endswith("?"):
                is_right = _refuse(function, index, name, wanted, "None")
        elif wanted[0] in _KINDS:
            kinds = _KINDS[wanted[0]][0]
            if kind_of(arguments[index]) not in (None, *kinds):
                is_right = _refuse(function, index, name, wanted, _described(arguments[index]))
        elif wanted in _MANY:
            argument = arguments[index]
            items = argument.items if isinstance(argument, nodes.Array) else (argument,)
            for each in items:
                if kind_of(each) not in (None, _MANY[wanted][0], *(() if each is not argument else ("list",))):
                    is_right = _refuse(function, index, name, wanted, _described(each))
    return is_right


def _described(node: Node) -> str:
    from .describing import described  # only messages need it

    return described(node)


def _refuse(function: str, index: int, name: str, wanted: str, value: str) -> bool:
    python = "".join("_" + letter.lower() if letter.isupper() else letter for letter in function)
    whose = f"{name} of fn.{python.replace('assert', 'assert_')}"
    if wanted in _MANY:
        kinds = _MANY[wanted][1]
        message, hint = f"{whose} is a list of {kinds}, not of {value}", f"write {kinds}"
    else:
        _, what, hint = _KINDS[wanted[0]]
        message = f"{whose} is {what}, not {value}"
    mistake(WrongArgument(message, hint, f"#{index}", name.rstrip("=")))
    return False
