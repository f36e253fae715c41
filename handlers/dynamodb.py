"""DynamoDB for the stores: the calls that they share. Items have boto3's form, `{"id": {"S": "don-0001"}}`."""

from __future__ import annotations

from typing import Any

Item = dict[str, Any]


def client() -> Any:
    """Return boto3's client; AWS_ENDPOINT_URL_DYNAMODB names another server than AWS's."""
    import boto3  # local runs do without

    return boto3.client("dynamodb")


def get(table: str, **key: str) -> Item | None:
    """Return the item with this key, or None, by a consistent read."""
    typed = {name: {"S": value} for name, value in key.items()}
    item: Item | None = client().get_item(TableName=table, Key=typed, ConsistentRead=True).get("Item")
    return item


def query(table: str, **key: str) -> list[Item]:
    """Return all items with this partition key, in the order of their sort keys."""
    ((name, value),) = key.items()
    pages = (
        client()
        .get_paginator("query")
        .paginate(
            TableName=table,
            KeyConditionExpression=f"{name} = :value",
            ExpressionAttributeValues={":value": {"S": value}},
            ConsistentRead=True,
        )
    )
    return [item for page in pages for item in page["Items"]]


def scan(table: str) -> list[Item]:
    """Return all items of a table, for one that has few; they have everything that was stored before."""
    pages = client().get_paginator("scan").paginate(TableName=table, ConsistentRead=True)
    return [item for page in pages for item in page["Items"]]


def put_new(table: str, item: Item) -> bool:
    """Store the item in one atomic step unless the table has one with its key; return true if it was stored."""
    dynamodb = client()
    try:
        dynamodb.put_item(TableName=table, Item=item, ConditionExpression="attribute_not_exists(id)")
    except dynamodb.exceptions.ConditionalCheckFailedException:
        return False
    return True
