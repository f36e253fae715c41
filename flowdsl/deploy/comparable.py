"""The permissions of a flow as they are compared: derived as for a deployment, but for no account in particular."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from ..diff.model import Permission
from ..diff.sides import Rights
from ..project import Loaded
from . import access as accesses
from .model import Stack
from .permissions import derive
from .pinning import placed
from .statements import Place, Statement

_PLACE: Final = Place("REGION", "ACCOUNT")
"""Words instead of a region and an account number: they are the same on both sides."""


def rights_of(loaded: Loaded) -> Rights:
    """What the role of a state machine, and its functions, may do."""
    definition = placed(loaded.definition, _PLACE, {})
    derived = derive(definition, name=loaded.name, place=_PLACE).statements
    machine = loaded.machine
    if machine is None:
        return Rights(frozenset(_permissions("", derived)), None)
    callees = {
        path: tuple(_PLACE.arn("lambda", f"function:{function.name}") for function in functions)
        for path, functions in machine.callees.items()
    }
    declared = derive(definition, name=loaded.name, place=_PLACE, callees=callees).statements
    stack = Stack("compared", "compared", _PLACE)
    own = [
        permission
        for name, function in machine.functions.items()
        for permission in _permissions(name, accesses.statements(function.access, stack, {}))
    ]
    return Rights(frozenset(_permissions("", derived)), frozenset([*_permissions("", declared), *own]))


def _permissions(who: str, statements: Iterable[Statement]) -> Iterator[Permission]:
    for each in statements:
        for action in each.actions:
            # A function's versions, a table's indexes and a group's streams come with it.
            whole = [name for name in each.resources if not any(_is_part(name, other) for other in each.resources)]
            yield from (Permission(who, action, resource, each.condition) for resource in whole)


def _is_part(name: str, other: str) -> bool:
    return name != other and name in (f"{other}:*", f"{other}/*", f"{other}/index/*")
