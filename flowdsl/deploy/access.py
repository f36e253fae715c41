"""What functions declare to use (`Function(..., access=[...])`) as statements of their roles and as variables."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from ..author.resources import OF_MACHINE, Access, Executions, Functions, Resource
from .kinds import access_resources, value_of
from .model import Stack
from .permissions import function_arns
from .statements import Statement
from .stores import store_of


def variables(access: Iterable[Access], stack: Stack) -> dict[str, str]:
    """The environment variables that tell a function the names and URLs of what it uses."""
    return {
        each.variable: value_of(store_of(each.resource, stack), stack)
        for each in access
        if each.variable and isinstance(each.resource, Resource)
    }


def statements(access: Iterable[Access], stack: Stack, names: Mapping[str, str]) -> Iterator[Statement]:
    """What the role of a function may do. `names` are the deployed names of functions and machines of the flow."""
    for each in access:
        if isinstance(each.resource, Executions):
            yield from _executions(each, names.get(each.resource.machine, each.resource.machine), stack)
        elif isinstance(each.resource, Functions):
            for name in each.resource.names:
                arns = function_arns(names.get(name, name), stack.place)
                yield Statement.of((f"lambda:{action}" for action in each.actions), *arns)
        else:
            actions = (f"{each.resource.service}:{action}" for action in each.actions)
            yield Statement.of(actions, *access_resources(store_of(each.resource, stack), stack))


def _executions(access: Access, machine: str, stack: Stack) -> Iterator[Statement]:
    arn = stack.place.arn("states", f"stateMachine:{machine}")
    for action in access.actions:
        if action == "StartExecution":
            # A version or an alias is a resource of its own.
            yield Statement.of(f"states:{action}", arn, f"{arn}:*")
        elif action in OF_MACHINE:
            yield Statement.of(f"states:{action}", arn)
        else:
            yield Statement.of(f"states:{action}", stack.place.arn("states", f"execution:{machine}:*"))
