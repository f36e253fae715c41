"""Tables, queues and topics: what is wanted of them, how they are read, and the calls that create and change them.

What is in them is data: no deployment ever deletes or replaces one. `flowdsl destroy` deletes those of an instance.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

from attrs import frozen

from ..author.resources import Queue, Resource, Table, Topic
from .model import Call, Problem, Stack
from .tags import pairs, tag_calls

Attributes = dict[str, Any]
Ask = Callable[..., dict[str, Any] | None]
"""Calls a service with an operation and arguments; None if there is no such thing."""


@frozen
class Store:
    """A wanted table, queue or topic by its deployed name."""

    name: str
    resource: Resource

    @property
    def label(self) -> str:
        return f"{type(self.resource).__name__.lower()} {self.name}"


@frozen
class LiveStore:
    """A live one: `attributes` are what describes it, `arn` names it for tags."""

    name: str
    arn: str
    attributes: Mapping[str, Any]
    tags: Mapping[str, str]


def arn_of(store: Store, stack: Stack) -> str:
    kind = "table/" if isinstance(store.resource, Table) else ""
    return stack.place.arn(store.resource.service, f"{kind}{store.name}")


def value_of(store: Store, stack: Stack) -> str:
    """What a function finds in its variable: a table's name, a queue's URL, a topic's ARN."""
    place = stack.place
    if isinstance(store.resource, Queue):
        suffix = "amazonaws.com.cn" if place.partition == "aws-cn" else "amazonaws.com"
        return f"https://sqs.{place.region}.{suffix}/{place.account}/{store.name}"
    return arn_of(store, stack) if isinstance(store.resource, Topic) else store.name


def access_resources(store: Store, stack: Stack) -> tuple[str, ...]:
    arn = arn_of(store, stack)
    has_indexes = isinstance(store.resource, Table) and store.resource.indexes
    return (arn, f"{arn}/index/*") if has_indexes else (arn,)


# Reading


def read_store(store: Store, stack: Stack, ask: Ask) -> LiveStore | None:
    arn = arn_of(store, stack)
    if isinstance(store.resource, Table):
        answer = ask("dynamodb", "DescribeTable", TableName=store.name)
        if answer is None or answer["Table"].get("TableStatus") == "DELETING":
            return None
        tags = (ask("dynamodb", "ListTagsOfResource", ResourceArn=arn) or {}).get("Tags", ())
        return LiveStore(store.name, arn, answer["Table"], _tags(tags))
    if isinstance(store.resource, Queue):
        url = (ask("sqs", "GetQueueUrl", QueueName=store.name) or {}).get("QueueUrl")
        if url is None:
            return None
        queue = ask("sqs", "GetQueueAttributes", QueueUrl=url, AttributeNames=["All"]) or {}
        queue_tags = (ask("sqs", "ListQueueTags", QueueUrl=url) or {}).get("Tags", {})
        return LiveStore(store.name, url, queue.get("Attributes", {}), queue_tags)
    answer = ask("sns", "GetTopicAttributes", TopicArn=arn)
    if answer is None:
        return None
    tags = (ask("sns", "ListTagsForResource", ResourceArn=arn) or {}).get("Tags", ())
    return LiveStore(store.name, arn, answer.get("Attributes", {}), _tags(tags))


def _tags(listed: Iterable[Mapping[str, str]]) -> dict[str, str]:
    return {each["Key"]: each["Value"] for each in listed}


# Planning


def plan_store(store: Store, live: LiveStore | None, stack: Stack, tags: Mapping[str, str]) -> Iterator[Call | Problem]:
    resource = store.resource
    if isinstance(resource, Table):
        yield from _plan_table(store, resource, live, stack, tags)
    elif isinstance(resource, Queue):
        yield from _plan_queue(store, resource, live, tags)
    elif live is None:
        fifo = {"Attributes": {"FifoTopic": "true"}} if store.name.endswith(".fifo") else {}
        yield _call(store, "sns", "CreateTopic", "new", Name=store.name, Tags=pairs(tags), **fifo)
    if live is not None:
        yield from tag_calls(resource.service, live.arn, store.label, live.tags, tags)


def _call(store: Store, service: str, operation: str, reason: str, **arguments: Any) -> Call:
    return Call(service, operation, arguments, store.label, reason)


def _schema(key: str, sort_key: str | None) -> list[dict[str, str]]:
    keys = [(key, "HASH"), *([(sort_key, "RANGE")] if sort_key else [])]
    return [{"AttributeName": name, "KeyType": kind} for name, kind in keys]


def _index(name: str, keys: str | tuple[str, str]) -> dict[str, Any]:
    key, sort_key = (keys, None) if isinstance(keys, str) else keys
    return {"IndexName": name, "KeySchema": _schema(key, sort_key), "Projection": {"ProjectionType": "ALL"}}


def _attributes(table: Table) -> list[dict[str, str]]:
    names = {table.key, *([table.sort_key] if table.sort_key else [])}
    for keys in table.indexes.values():
        names |= {keys} if isinstance(keys, str) else {*keys}
    return [{"AttributeName": name, "AttributeType": "S"} for name in sorted(names)]


def _plan_table(
    store: Store, table: Table, live: LiveStore | None, stack: Stack, tags: Mapping[str, str]
) -> Iterator[Call | Problem]:
    schema = _schema(table.key, table.sort_key)
    indexes = [_index(name, keys) for name, keys in table.indexes.items()]
    if live is None:
        more = {"GlobalSecondaryIndexes": indexes} if indexes else {}
        yield _call(
            store,
            "dynamodb",
            "CreateTable",
            "new",
            TableName=store.name,
            BillingMode="PAY_PER_REQUEST",
            KeySchema=schema,
            AttributeDefinitions=_attributes(table),
            DeletionProtectionEnabled=not stack.instance,
            Tags=pairs(tags),
            **more,
        )
        return
    known = {each["IndexName"]: each["KeySchema"] for each in live.attributes.get("GlobalSecondaryIndexes", ())}
    declared = {each["IndexName"]: each["KeySchema"] for each in indexes}
    wrong = [name for name, keys in declared.items() if known.get(name, keys) != keys]
    if live.attributes.get("KeySchema") != schema or wrong:
        what = f"index {', '.join(wrong)}" if wrong else "key"
        hint = "declare a table with another name, and move the data"
        yield Problem(f"{store.label}: its {what} is another; AWS cannot change it without losing data", hint)
        return
    for index in indexes:
        if index["IndexName"] not in known:  # AWS takes one new index at a time
            yield _call(
                store,
                "dynamodb",
                "UpdateTable",
                f"index {index['IndexName']}",
                TableName=store.name,
                AttributeDefinitions=_attributes(table),
                GlobalSecondaryIndexUpdates=[{"Create": index}],
            )


def _plan_queue(store: Store, queue: Queue, live: LiveStore | None, tags: Mapping[str, str]) -> Iterator[Call]:
    wanted = {
        "MessageRetentionPeriod": str(queue.retention),
        "VisibilityTimeout": str(queue.visibility_timeout),
        "SqsManagedSseEnabled": "true",
    }
    if live is None:
        fifo = {"FifoQueue": "true"} if store.name.endswith(".fifo") else {}
        yield _call(
            store, "sqs", "CreateQueue", "new", QueueName=store.name, Attributes={**wanted, **fifo}, tags=dict(tags)
        )
        return
    changed = {key: value for key, value in wanted.items() if live.attributes.get(key) != value}
    if changed:
        reason = ", ".join(sorted(changed))
        yield _call(store, "sqs", "SetQueueAttributes", reason, QueueUrl=live.arn, Attributes=changed)


# Removing

_DELETE: Final = {
    "dynamodb": ("DeleteTable", "TableName"),
    "sqs": ("DeleteQueue", "QueueUrl"),
    "sns": ("DeleteTopic", "TopicArn"),
}


def delete_store(store: Store, live: LiveStore) -> Call:
    service = store.resource.service
    operation, key = _DELETE[service]
    return _call(store, service, operation, "with its data", **{key: store.name if service == "dynamodb" else live.arn})
