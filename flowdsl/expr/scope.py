"""The data that an expression can read besides its document."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any


class Scope:
    """The context object (`$$`, `$states.context`) and the variables of the current scope (name → value).

    A plain slotted class: the engine makes one for every state it enters.
    """

    __slots__ = ("context", "variables")

    def __init__(self, context: Mapping[str, Any], variables: Mapping[str, Any]) -> None:
        self.context = context
        self.variables = variables


Evaluate = Callable[[Any, Scope], Any]
"""A compiled expression: the document (state input or result) and the scope in, a JSON value out."""
