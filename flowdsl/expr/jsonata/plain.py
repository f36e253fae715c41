"""The plain part of JSONata, whose syntax `tree` decides alone, so that reading it does not import the engine.

`tree` parses more than the grammar allows, because its texts have been accepted by the engine. Here is the part of the
grammar for which both agree: paths of names, predicates, literals, operators, conditions, arrays, objects, calls and
lambdas, that is nearly all that flows have. Of anything else, and of any mistake, this says nothing.
"""

from __future__ import annotations

import re
from typing import Final

from ...base.patterns import regex
from .errors import JsonataSyntaxError
from .tree import Node, parse, steps, walk

_TOKENS: Final = regex(
    r"""(?:[ \n]
    | (?:\$|\$?[A-Za-z_][A-Za-z0-9_]*)(?![\w$'"])
    | '[^'\\\x00-\x1f]*' | "[^"\\\x00-\x1f]*"
    | [0-9]{1,15}(?:\.[0-9]{1,15})?(?![\w$'"])
    | ,(?!\s*[\])}]) | /(?!\*) | \}(?!\s*/) | [.\[\](){:?=!<>+\-*%&;]
    )+""",
    re.VERBOSE,
)
"""No escapes, comments, quoted names, exponents, commas before a bracket, nor characters beyond ASCII outside texts."""
_STEPS: Final = frozenset(("name", "variable", "string", "block", "call", "array", "object"))
_KINDS: Final = _STEPS | {"number", "value", "unary", "binary", "path", "filter", "lambda", "condition"}
_MAX_CHARACTERS: Final = 1500
"""Too few to nest as deep as the engine refuses, 1000 levels."""


def plain_tree(text: str) -> Node | None:
    """The syntax tree of a plain expression that has no mistake, or None."""
    if len(text) > _MAX_CHARACTERS or not _TOKENS.fullmatch(text):
        return None
    try:
        text.encode()  # no halves of a character
        root = parse(text)
    except (JsonataSyntaxError, RecursionError, UnicodeEncodeError):
        return None
    return root if all(map(_is_plain, walk(root))) else None


def _is_plain(node: Node) -> bool:
    if node.kind == "path":
        return all(_bare(step).kind in _STEPS for step in steps(node))
    if node.kind == "unary":  # of a literal it is a number
        return node.parts[0].kind in ("variable", "number", "block", "call")
    return node.kind in _KINDS


def _bare(step: Node) -> Node:
    """The step without its predicates."""
    while step.kind == "filter":
        step = step.parts[0]
    return step
