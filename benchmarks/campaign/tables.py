"""DynamoDB's tables in the place of the SQLite files: moto's, in this process, as payment_flow.py declares them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import boto3
from attrs import frozen
from botocore.exceptions import ClientError

import payment_flow
from flowdsl import Table
from handlers import commands
from handlers.transactions import dynamodb

_SETTINGS = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing", "AWS_DEFAULT_REGION": "eu-west-1"}
TABLES: dict[str, Table] = {
    access.variable: access.resource
    for access in vars(payment_flow).values()
    if isinstance(getattr(access, "resource", None), Table) and access.variable != "SANDBOX_TABLE"
}
"""By the variable that names them. The sandbox's ledger stays a file: it is a PSP."""


@contextmanager
def tables() -> Iterator[Any]:
    """Let the stores use empty tables meanwhile; yield DynamoDB's client."""
    from moto import mock_aws

    names = {variable: table.name for variable, table in TABLES.items()}
    with patch.dict(os.environ, _SETTINGS | names), mock_aws():
        client = boto3.client("dynamodb")
        for table in TABLES.values():
            client.create_table(**definition(table))
        with (
            # What takes most of the time: opening clients, and asking for the parts of indexes.
            patch("boto3.client", lambda _service: client),
            patch.object(dynamodb, "SHARDS", 2),
            patch.object(commands, "STORES", tuple(names)),  # messages stay in a file
        ):
            yield client


def definition(table: Table) -> dict[str, Any]:
    """Return the arguments of CreateTable."""
    indexed = [each if isinstance(each, tuple) else (each, None) for each in table.indexes.values()]
    keys = [(table.key, table.sort_key), *indexed]
    schemas = [
        [{"AttributeName": name, "KeyType": kind} for name, kind in zip(each, ("HASH", "RANGE"), strict=True) if name]
        for each in keys
    ]
    names = {name for each in keys for name in each if name}
    indexes = [
        {"IndexName": name, "KeySchema": schema, "Projection": {"ProjectionType": "ALL"}}
        for name, schema in zip(table.indexes, schemas[1:], strict=True)
    ]
    return {
        "TableName": table.name,
        "BillingMode": "PAY_PER_REQUEST",
        "KeySchema": schemas[0],
        "AttributeDefinitions": [{"AttributeName": name, "AttributeType": "S"} for name in sorted(names)],
        **({"GlobalSecondaryIndexes": indexes} if indexes else {}),
    }


@frozen
class Disturbed:
    """A client of DynamoDB whose calls are disturbed: `strike` gets the table's name and the call."""

    client: Any
    strike: Callable[[str, Callable[[], Any]], Any]

    def __getattr__(self, name: str) -> Any:
        attribute = getattr(self.client, name)
        if name in ("exceptions", "get_paginator"):
            return attribute
        return lambda **request: self.strike(_table(request), lambda: attribute(**request))


def refusal() -> ClientError:
    """What DynamoDB answers when it throttles, or when its answer is lost after the work."""
    error: Any = {"Error": {"Code": "ProvisionedThroughputExceededException", "Message": "injected"}}
    return ClientError(error, "injected")


def _table(request: dict[str, Any]) -> str:
    if "TransactItems" in request:
        [request, *_] = request["TransactItems"][0].values()
    name = request.get("TableName") or next(iter(request["RequestItems"]))
    return str(name).removeprefix("payment-")
