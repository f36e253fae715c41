"""Tables, queues, topics and event buses: what is wanted of them, how they are read, and the calls that create and
change them. A kind of resource is one record of KINDS.

What is in them is data: no deployment ever deletes or replaces one. `flowdsl destroy` deletes those of an instance.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

from attrs import frozen

from ..author.resources import EventBus, Queue, Resource, Table, Topic
from .model import Call, Problem, Stack
from .tags import pairs, tag_calls

Ask = Callable[..., dict[str, Any] | None]
"""Calls a service with an operation and arguments; None if there is no such thing."""


@frozen
class Store:
    """A wanted table, queue, topic or event bus by its deployed name."""

    name: str
    resource: Resource

    @property
    def label(self) -> str:
        return f"{self.kind.word} {self.name}"

    @property
    def kind(self) -> Kind:
        return KINDS[type(self.resource)]


@frozen
class LiveStore:
    """A live one: `attributes` are what describes it, `arn` names it for tags."""

    name: str
    arn: str
    attributes: Mapping[str, Any]
    tags: Mapping[str, str]


@frozen
class Kind:
    """All that deploying a kind of resource takes."""

    word: str
    """What people call it."""
    arn: str
    """What stands before the name in its ARN: `table/`."""
    value: Callable[[Store, Stack], str]
    """What a function finds in its variable."""
    read: Callable[[Store, str, Ask], LiveStore | None]
    create: Callable[[Store, Any, Stack, Mapping[str, str]], Call]
    change: Callable[[Store, Any, LiveStore], Iterator[Call | Problem]]
    """What brings a live one to what is wanted, besides tags."""
    delete: tuple[str, str]
    """The operation, and its parameter."""
    template: tuple[str, Callable[[Store, Any, Stack, list[dict[str, str]]], dict[str, Any]]]
    """The type of its CloudFormation resource, and the properties with tags."""
    by_name: bool = True
    """Whether `delete` takes the name; else what LiveStore calls its ARN."""
    indexes: str = ""
    """What stands after the ARN of parts of it that the same actions are called on: `/index/*`."""


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


def plan_store(store: Store, live: LiveStore | None, stack: Stack, tags: Mapping[str, str]) -> Iterator[Call | Problem]:
    if live is None:
        yield store.kind.create(store, store.resource, stack, tags)
        return
    yield from store.kind.change(store, store.resource, live)
    yield from tag_calls(store.resource.service, live.arn, store.label, live.tags, tags)


def delete_store(store: Store, live: LiveStore) -> Call:
    operation, key = store.kind.delete
    target = store.name if store.kind.by_name else live.arn
    return _call(store, store.resource.service, operation, "with its data", **{key: target})


def template_of(store: Store, stack: Stack, tags: Mapping[str, str]) -> dict[str, Any]:
    """The resource in a CloudFormation template. Its data outlives the template's stack, but for an instance's."""
    kind, properties = store.kind.template
    policy = "Delete" if stack.instance else "Retain"
    return {
        "Type": kind,
        "DeletionPolicy": policy,
        "UpdateReplacePolicy": policy,
        "Properties": properties(store, store.resource, stack, pairs(tags)),
    }


def _call(store: Store, service: str, operation: str, reason: str, **arguments: Any) -> Call:
    return Call(service, operation, arguments, store.label, reason)


def _tags(listed: Iterable[Mapping[str, str]]) -> dict[str, str]:
    return {each["Key"]: each["Value"] for each in listed}


def _unchanged(_store: Store, _resource: Any, _live: LiveStore) -> Iterator[Call | Problem]:
    return iter(())


# Tables


def _read_table(store: Store, arn: str, ask: Ask) -> LiveStore | None:
    answer = ask("dynamodb", "DescribeTable", TableName=store.name)
    if answer is None or answer["Table"].get("TableStatus") == "DELETING":
        return None
    tags = (ask("dynamodb", "ListTagsOfResource", ResourceArn=arn) or {}).get("Tags", ())
    return LiveStore(store.name, arn, answer["Table"], _tags(tags))


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


def _table_properties(store: Store, table: Table, stack: Stack, tags: list[dict[str, str]]) -> dict[str, Any]:
    """The parameters of CreateTable, which CloudFormation calls the same."""
    indexes = [_index(name, keys) for name, keys in table.indexes.items()]
    return {
        "TableName": store.name,
        "BillingMode": "PAY_PER_REQUEST",
        "KeySchema": _schema(table.key, table.sort_key),
        "AttributeDefinitions": _attributes(table),
        "DeletionProtectionEnabled": not stack.instance,
        "Tags": tags,
        **({"GlobalSecondaryIndexes": indexes} if indexes else {}),
    }


def _create_table(store: Store, table: Table, stack: Stack, tags: Mapping[str, str]) -> Call:
    return _call(store, "dynamodb", "CreateTable", "new", **_table_properties(store, table, stack, pairs(tags)))


def _change_table(store: Store, table: Table, live: LiveStore) -> Iterator[Call | Problem]:
    known = {each["IndexName"]: each["KeySchema"] for each in live.attributes.get("GlobalSecondaryIndexes", ())}
    indexes = [_index(name, keys) for name, keys in table.indexes.items()]
    declared = {each["IndexName"]: each["KeySchema"] for each in indexes}
    wrong = [name for name, keys in declared.items() if known.get(name, keys) != keys]
    if live.attributes.get("KeySchema") != _schema(table.key, table.sort_key) or wrong:
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


# Queues


def _queue_url(store: Store, stack: Stack) -> str:
    place = stack.place
    suffix = "amazonaws.com.cn" if place.partition == "aws-cn" else "amazonaws.com"
    return f"https://sqs.{place.region}.{suffix}/{place.account}/{store.name}"


def _read_queue(store: Store, _arn: str, ask: Ask) -> LiveStore | None:
    url = (ask("sqs", "GetQueueUrl", QueueName=store.name) or {}).get("QueueUrl")
    if url is None:
        return None
    queue = ask("sqs", "GetQueueAttributes", QueueUrl=url, AttributeNames=["All"]) or {}
    tags = (ask("sqs", "ListQueueTags", QueueUrl=url) or {}).get("Tags", {})
    return LiveStore(store.name, url, queue.get("Attributes", {}), tags)


def _queue_attributes(queue: Queue) -> dict[str, str]:
    return {
        "MessageRetentionPeriod": str(queue.retention),
        "VisibilityTimeout": str(queue.visibility_timeout),
        "SqsManagedSseEnabled": "true",
    }


def _create_queue(store: Store, queue: Queue, _stack: Stack, tags: Mapping[str, str]) -> Call:
    fifo = {"FifoQueue": "true"} if store.name.endswith(".fifo") else {}
    attributes = {**_queue_attributes(queue), **fifo}
    return _call(store, "sqs", "CreateQueue", "new", QueueName=store.name, Attributes=attributes, tags=dict(tags))


def _change_queue(store: Store, queue: Queue, live: LiveStore) -> Iterator[Call | Problem]:
    changed = {key: value for key, value in _queue_attributes(queue).items() if live.attributes.get(key) != value}
    if changed:
        reason = ", ".join(sorted(changed))
        yield _call(store, "sqs", "SetQueueAttributes", reason, QueueUrl=live.arn, Attributes=changed)


def _queue_properties(store: Store, queue: Queue, _stack: Stack, tags: list[dict[str, str]]) -> dict[str, Any]:
    return {
        "QueueName": store.name,
        "MessageRetentionPeriod": queue.retention,
        "VisibilityTimeout": queue.visibility_timeout,
        "SqsManagedSseEnabled": True,
        "Tags": tags,
        **({"FifoQueue": True} if store.name.endswith(".fifo") else {}),
    }


# Topics


def _read_topic(store: Store, arn: str, ask: Ask) -> LiveStore | None:
    answer = ask("sns", "GetTopicAttributes", TopicArn=arn)
    if answer is None:
        return None
    tags = (ask("sns", "ListTagsForResource", ResourceArn=arn) or {}).get("Tags", ())
    return LiveStore(store.name, arn, answer.get("Attributes", {}), _tags(tags))


def _create_topic(store: Store, _topic: Topic, _stack: Stack, tags: Mapping[str, str]) -> Call:
    fifo = {"Attributes": {"FifoTopic": "true"}} if store.name.endswith(".fifo") else {}
    return _call(store, "sns", "CreateTopic", "new", Name=store.name, Tags=pairs(tags), **fifo)


def _topic_properties(store: Store, _topic: Topic, _stack: Stack, tags: list[dict[str, str]]) -> dict[str, Any]:
    return {"TopicName": store.name, "Tags": tags, **({"FifoTopic": True} if store.name.endswith(".fifo") else {})}


# Event buses


def _read_bus(store: Store, arn: str, ask: Ask) -> LiveStore | None:
    answer = ask("events", "DescribeEventBus", Name=store.name)
    if answer is None:
        return None
    tags = (ask("events", "ListTagsForResource", ResourceARN=arn) or {}).get("Tags", ())
    return LiveStore(store.name, arn, answer, _tags(tags))


def _create_bus(store: Store, _bus: EventBus, _stack: Stack, tags: Mapping[str, str]) -> Call:
    return _call(store, "events", "CreateEventBus", "new", Name=store.name, Tags=pairs(tags))


def _bus_properties(store: Store, _bus: EventBus, _stack: Stack, tags: list[dict[str, str]]) -> dict[str, Any]:
    return {"Name": store.name, "Tags": tags}


KINDS: Final[Mapping[type[Resource], Kind]] = {
    Table: Kind(
        word="table",
        arn="table/",
        value=lambda store, stack: store.name,
        read=_read_table,
        create=_create_table,
        change=_change_table,
        delete=("DeleteTable", "TableName"),
        template=("AWS::DynamoDB::Table", _table_properties),
        indexes="/index/*",
    ),
    Queue: Kind(
        word="queue",
        arn="",
        value=_queue_url,
        read=_read_queue,
        create=_create_queue,
        change=_change_queue,
        delete=("DeleteQueue", "QueueUrl"),
        template=("AWS::SQS::Queue", _queue_properties),
        by_name=False,
    ),
    Topic: Kind(
        word="topic",
        arn="",
        value=arn_of,
        read=_read_topic,
        create=_create_topic,
        change=_unchanged,
        delete=("DeleteTopic", "TopicArn"),
        template=("AWS::SNS::Topic", _topic_properties),
        by_name=False,
    ),
    EventBus: Kind(
        word="event bus",
        arn="event-bus/",
        value=lambda store, stack: store.name,
        read=_read_bus,
        create=_create_bus,
        change=_unchanged,
        delete=("DeleteEventBus", "Name"),
        template=("AWS::Events::EventBus", _bus_properties),
    ),
}
