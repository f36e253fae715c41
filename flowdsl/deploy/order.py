"""The order in which resources are made: what others need comes first, what only watches them last."""

from __future__ import annotations

from typing import Protocol

from .kinds import Store
from .model import LambdaFunction, LogGroup, Machine, Role, Wanted
from .pinning import called_first


class Maker(Protocol):
    """What makes a resource of each kind: a plan, or a template."""

    def store(self, store: Store) -> None: ...
    def log_group(self, group: LogGroup) -> None: ...
    def role(self, role: Role) -> None: ...
    def function(self, function: LambdaFunction) -> None: ...
    def machine(self, machine: Machine) -> None: ...


def make_in_order(wanted: Wanted, maker: Maker) -> None:
    """Have all resources made."""
    for store in wanted.stores:
        if store.kind.has_data:
            maker.store(store)
    for group in wanted.log_groups:
        maker.log_group(group)
    for role in wanted.roles:
        maker.role(role)
    for function in wanted.functions:
        maker.function(function)
    for machine in called_first(wanted.machines, wanted.stack.place):
        maker.machine(machine)
    for store in wanted.stores:
        if not store.kind.has_data:
            maker.store(store)
