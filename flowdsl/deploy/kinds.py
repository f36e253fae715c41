"""Tables, alarms and other resources beside functions and state machines: what is wanted of them, what is live, and the
calls between them. A kind of resource is one record: those with data are in `stores`, the others in `watching`.

What is in a resource with data stays: no deployment ever deletes or replaces one. `flowdsl destroy` deletes those of an
instance.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from attrs import field, frozen

from ..author.resources import Resource, Table
from ..base.diagnostics import FlowError
from .model import AwsCall, Problem, Stack
from .tags import pairs, tag_calls

Ask = Callable[..., dict[str, Any] | None]
"""Calls a service with an operation and arguments; None if there is no such thing."""


@frozen
class Store:
    """A wanted resource by its deployed name."""

    name: str
    resource: Resource
    kind: ResourceKind = field(eq=False, repr=False)

    def __attrs_post_init__(self) -> None:
        """Raise FlowError for a name that AWS does not take."""
        pattern, words = self.kind.names
        if not re.fullmatch(pattern, self.name):
            message = f"{self.label!r} cannot have this name: use {words}"
            raise FlowError.of(message, code="FD980", hint="rename it, or shorten the prefix or the instance's name")

    @property
    def label(self) -> str:
        return f"{self.kind.word} {self.name}"


@frozen
class LiveStore:
    """A live one: `attributes` are what describes it, `arn` names it for tags."""

    name: str
    arn: str
    attributes: Mapping[str, Any]
    tags: Mapping[str, str]


@frozen
class ResourceKind:
    """All that deploying a kind of resource takes."""

    word: str
    """What people call it."""
    names: tuple[str, str]
    """A pattern of the names that AWS takes, and the same in words."""
    arn: str
    """What stands before the name in its ARN: `table/`."""
    value: Callable[[Store, Stack], str]
    """What a function finds in its variable."""
    read: Callable[[Store, str, Ask], LiveStore | None]
    create: Callable[[Store, Any, Stack, Mapping[str, str]], AwsCall]
    change: Callable[[Store, Any, LiveStore], Iterator[AwsCall | Problem]]
    """What brings a live one to what is wanted, besides tags."""
    delete: tuple[str, str]
    """The operation, and its parameter."""
    template: tuple[str, Callable[[Store, Any, Stack, list[dict[str, str]]], dict[str, Any]]]
    """The type of its CloudFormation resource, and the properties with tags."""
    by_name: bool = True
    """Whether `delete` takes the name; else what LiveStore calls its ARN."""
    indexes: str = ""
    """What stands after the ARN of parts of it that the same actions are called on: `/index/*`."""
    has_data: bool = True
    """Whether it outlives its declaration; else it goes when it leaves the flow, and is made after all others."""
    takes_list: bool = False
    """Whether `delete` takes a list of names."""
    then: Callable[[Store, Any], Iterator[AwsCall | Problem]] = lambda store, resource: iter(())
    """What a new one needs after `create`."""


def arn_of(store: Store, stack: Stack) -> str:
    return stack.place.arn(store.resource.service, f"{store.kind.arn}{store.name}")


def value_of(store: Store, stack: Stack) -> str:
    """What a function finds in its variable: a table's or event bus's name, a queue's URL, a topic's ARN."""
    return store.kind.value(store, stack)


def access_resources(store: Store, stack: Stack) -> tuple[str, ...]:
    arn = arn_of(store, stack)
    has_indexes = isinstance(store.resource, Table) and store.resource.indexes
    return (arn, f"{arn}{store.kind.indexes}") if has_indexes else (arn,)


def read_store(store: Store, stack: Stack, ask: Ask) -> LiveStore | None:
    return store.kind.read(store, arn_of(store, stack), ask)


def plan_store(
    store: Store, live: LiveStore | None, stack: Stack, tags: Mapping[str, str]
) -> Iterator[AwsCall | Problem]:
    if live is None:
        yield store.kind.create(store, store.resource, stack, tags)
        yield from store.kind.then(store, store.resource)
        return
    yield from store.kind.change(store, store.resource, live)
    yield from tag_calls(store.resource.service, live.arn, store.label, live.tags, tags)


def delete_store(store: Store, live: LiveStore, reason: str = "") -> AwsCall:
    operation, key = store.kind.delete
    target: Any = store.name if store.kind.by_name else live.arn
    if store.kind.takes_list:
        target = [target]
    reason = reason or ("with its data" if store.kind.has_data else "")
    return call_of(store, store.resource.service, operation, reason, **{key: target})


def template_of(store: Store, stack: Stack, tags: Mapping[str, str]) -> dict[str, Any]:
    """The resource in a CloudFormation template. Its data outlives the template's stack, but for an instance's."""
    kind, properties = store.kind.template
    policy = "Delete" if stack.instance else "Retain"
    retained = {"DeletionPolicy": policy, "UpdateReplacePolicy": policy} if store.kind.has_data else {}
    return {
        "Type": kind,
        **retained,
        "Properties": properties(store, store.resource, stack, pairs(tags)),
    }


def call_of(store: Store, service: str, operation: str, reason: str, **arguments: Any) -> AwsCall:
    return AwsCall(service, operation, arguments, store.label, reason)


def from_tags(listed: Iterable[Mapping[str, str]]) -> dict[str, str]:
    return {each["Key"]: each["Value"] for each in listed}
