"""Kinds of resources with data: tables, queues, topics and event buses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from ..asl.placeholders import domain_of
from ..author.resources import EventBus, Queue, Resource, Table, Topic
from .kinds import Ask, LiveStore, ResourceKind, Store, arn_of, call_of, from_tags
from .model import AwsCall, Problem, Stack
from .tags import pairs


def store_of(resource: Resource, stack: Stack) -> Store:
    """The wanted resource under its deployed name."""
    return Store(stack.named(resource.name), resource, KINDS[type(resource)])


def _unchanged(_store: Store, _resource: Any, _live: LiveStore) -> Iterator[AwsCall | Problem]:
    return iter(())


# Tables


def _read_table(store: Store, arn: str, ask: Ask) -> LiveStore | None:
    answer = ask("dynamodb", "DescribeTable", TableName=store.name)
    if answer is None or answer["Table"].get("TableStatus") == "DELETING":
        return None
    tags = (ask("dynamodb", "ListTagsOfResource", ResourceArn=arn) or {}).get("Tags", ())
    return LiveStore(store.name, arn, {**answer["Table"], **_read_expiry(store, ask)}, from_tags(tags))


def _read_expiry(store: Store, ask: Ask) -> dict[str, str]:
    """The attribute by which items expire; asked only if one is declared. UpdateTimeToLive may still be at work."""
    if not getattr(store.resource, "expires", None):
        return {}
    expiry = (ask("dynamodb", "DescribeTimeToLive", TableName=store.name) or {}).get("TimeToLiveDescription", {})
    return {"Expires": expiry["AttributeName"]} if expiry.get("TimeToLiveStatus") in ("ENABLED", "ENABLING") else {}


def _expire_items(store: Store, table: Table) -> Iterator[AwsCall | Problem]:
    if table.expires:
        specification = {"AttributeName": table.expires, "Enabled": True}
        reason = f"items expire by {table.expires}"
        yield call_of(
            store, "dynamodb", "UpdateTimeToLive", reason, TableName=store.name, TimeToLiveSpecification=specification
        )


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


def _table_template(store: Store, table: Table, stack: Stack, tags: list[dict[str, str]]) -> dict[str, Any]:
    expiry = {"TimeToLiveSpecification": {"AttributeName": table.expires, "Enabled": True}} if table.expires else {}
    return {**_table_properties(store, table, stack, tags), **expiry}


def _create_table(store: Store, table: Table, stack: Stack, tags: Mapping[str, str]) -> AwsCall:
    return call_of(store, "dynamodb", "CreateTable", "new", **_table_properties(store, table, stack, pairs(tags)))


def _change_table(store: Store, table: Table, live: LiveStore) -> Iterator[AwsCall | Problem]:
    known = {each["IndexName"]: each["KeySchema"] for each in live.attributes.get("GlobalSecondaryIndexes", ())}
    indexes = [_index(name, keys) for name, keys in table.indexes.items()]
    declared = {each["IndexName"]: each["KeySchema"] for each in indexes}
    wrong = [name for name, keys in declared.items() if known.get(name, keys) != keys]
    if live.attributes.get("KeySchema") != _schema(table.key, table.sort_key) or wrong:
        what = f"index {', '.join(wrong)}" if wrong else "key"
        hint = "declare a table with another name, and move the data"
        yield Problem(f"{store.label}: its {what} is another; AWS cannot change it without losing data", hint)
        return
    if table.expires and (before := live.attributes.get("Expires")) != table.expires:
        if before:
            hint = "disable it with aws dynamodb update-time-to-live, wait an hour, and deploy again"
            yield Problem(f"{store.label}: items expire by {before}, and AWS changes that only after an hour", hint)
        else:
            yield from _expire_items(store, table)
    for index in indexes:
        if index["IndexName"] not in known:  # AWS takes one new index at a time
            yield call_of(
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
    suffix = domain_of(place.partition)
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


def _create_queue(store: Store, queue: Queue, _stack: Stack, tags: Mapping[str, str]) -> AwsCall:
    fifo = {"FifoQueue": "true"} if store.name.endswith(".fifo") else {}
    attributes = {**_queue_attributes(queue), **fifo}
    return call_of(store, "sqs", "CreateQueue", "new", QueueName=store.name, Attributes=attributes, tags=dict(tags))


def _change_queue(store: Store, queue: Queue, live: LiveStore) -> Iterator[AwsCall | Problem]:
    changed = {key: value for key, value in _queue_attributes(queue).items() if live.attributes.get(key) != value}
    if changed:
        reason = ", ".join(sorted(changed))
        yield call_of(store, "sqs", "SetQueueAttributes", reason, QueueUrl=live.arn, Attributes=changed)


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
    return LiveStore(store.name, arn, answer.get("Attributes", {}), from_tags(tags))


def _create_topic(store: Store, _topic: Topic, _stack: Stack, tags: Mapping[str, str]) -> AwsCall:
    fifo = {"Attributes": {"FifoTopic": "true"}} if store.name.endswith(".fifo") else {}
    return call_of(store, "sns", "CreateTopic", "new", Name=store.name, Tags=pairs(tags), **fifo)


def _topic_properties(store: Store, _topic: Topic, _stack: Stack, tags: list[dict[str, str]]) -> dict[str, Any]:
    return {"TopicName": store.name, "Tags": tags, **({"FifoTopic": True} if store.name.endswith(".fifo") else {})}


# Event buses


def _read_bus(store: Store, arn: str, ask: Ask) -> LiveStore | None:
    answer = ask("events", "DescribeEventBus", Name=store.name)
    if answer is None:
        return None
    tags = (ask("events", "ListTagsForResource", ResourceARN=arn) or {}).get("Tags", ())
    return LiveStore(store.name, arn, answer, from_tags(tags))


def _create_bus(store: Store, _bus: EventBus, _stack: Stack, tags: Mapping[str, str]) -> AwsCall:
    return call_of(store, "events", "CreateEventBus", "new", Name=store.name, Tags=pairs(tags))


def _bus_properties(store: Store, _bus: EventBus, _stack: Stack, tags: list[dict[str, str]]) -> dict[str, Any]:
    return {"Name": store.name, "Tags": tags}


KINDS: Final[Mapping[type[Resource], ResourceKind]] = {
    Table: ResourceKind(
        word="table",
        names=(r"[A-Za-z0-9_.-]{3,255}", "3 to 255 letters, digits, '-', '_' and '.'"),
        arn="table/",
        value=lambda store, stack: store.name,
        read=_read_table,
        create=_create_table,
        change=_change_table,
        delete=("DeleteTable", "TableName"),
        template=("AWS::DynamoDB::Table", _table_template),
        then=_expire_items,
        indexes="/index/*",
    ),
    Queue: ResourceKind(
        word="queue",
        names=(r"(?=.{1,80}$)[A-Za-z0-9_-]+(\.fifo)?", "at most 80 letters, digits, '-' and '_'"),
        arn="",
        value=_queue_url,
        read=_read_queue,
        create=_create_queue,
        change=_change_queue,
        delete=("DeleteQueue", "QueueUrl"),
        template=("AWS::SQS::Queue", _queue_properties),
        by_name=False,
    ),
    Topic: ResourceKind(
        word="topic",
        names=(r"(?=.{1,256}$)[A-Za-z0-9_-]+(\.fifo)?", "at most 256 letters, digits, '-' and '_'"),
        arn="",
        value=arn_of,
        read=_read_topic,
        create=_create_topic,
        change=_unchanged,
        delete=("DeleteTopic", "TopicArn"),
        template=("AWS::SNS::Topic", _topic_properties),
        by_name=False,
    ),
    EventBus: ResourceKind(
        word="event bus",
        names=(r"[A-Za-z0-9_.-]{1,256}", "at most 256 letters, digits, '-', '_' and '.'"),
        arn="event-bus/",
        value=lambda store, stack: store.name,
        read=_read_bus,
        create=_create_bus,
        change=_unchanged,
        delete=("DeleteEventBus", "Name"),
        template=("AWS::Events::EventBus", _bus_properties),
    ),
}
