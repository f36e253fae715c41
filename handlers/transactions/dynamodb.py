"""Transactions in a DynamoDB table. Set AWS_ENDPOINT_URL_DYNAMODB to use another server than AWS."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

from attrs import asdict, frozen

from handlers.transactions.record import Transaction
from handlers.transactions.store import Query, check


def definition(table: str) -> dict[str, Any]:
    """Return the arguments of CreateTable: one item per donation, one index for each kind of query."""
    names = ("id", "status", "charity", "day", "started_at")
    return {
        "TableName": table,
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{"AttributeName": name, "AttributeType": "S"} for name in names],
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
        "GlobalSecondaryIndexes": [_index(name) for name in ("status", "charity", "day")],
    }


def _index(name: str) -> dict[str, Any]:
    keys = [(name, "HASH"), ("started_at", "RANGE")]
    return {
        "IndexName": f"by-{name}",
        "KeySchema": [{"AttributeName": key, "KeyType": kind} for key, kind in keys],
        "Projection": {"ProjectionType": "ALL"},
    }


@frozen
class DynamoDbStore:
    table: str

    def put(self, transaction: Transaction) -> Transaction:
        client = _client()
        try:
            client.put_item(
                TableName=self.table,
                Item=_item(transaction),
                # One atomic step, safe with concurrent writers; see Store.put for the rule.
                ConditionExpression=(
                    "attribute_not_exists(id) OR (#rank <= :rank AND #rank < :final"
                    " AND (#rank = :unpaid OR (psp = :psp AND #reference = :reference)))"
                ),
                ExpressionAttributeNames={"#rank": "rank", "#reference": "reference"},
                ExpressionAttributeValues={
                    ":rank": {"N": str(transaction.rank)},
                    ":final": {"N": "2"},
                    ":unpaid": {"N": "0"},
                    ":psp": {"S": transaction.psp or ""},
                    ":reference": {"S": transaction.reference or ""},
                },
            )
        except client.exceptions.ConditionalCheckFailedException:
            existing = self.get(transaction.id)
            if existing is None:
                raise
            check(existing, transaction)
            return existing
        return transaction

    def get(self, identity: str) -> Transaction | None:
        response = _client().get_item(TableName=self.table, Key={"id": {"S": identity}}, ConsistentRead=True)
        return _transaction(response["Item"]) if "Item" in response else None

    def list(self, query: Query) -> Iterator[Transaction]:
        client = _client()
        transactions = [
            transaction
            for operation, request in self._requests(query)
            for page in client.get_paginator(operation).paginate(**request)
            for transaction in map(_transaction, page["Items"])
            if query.takes(transaction)
        ]
        return iter(sorted(transactions, key=lambda transaction: (transaction.started_at, transaction.id)))

    def _requests(self, query: Query) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield the calls that read the least: by charity or status, else day by day, else the whole table."""
        keys = {"charity": query.charity, "status": query.status}
        by = next((name for name, value in keys.items() if value is not None), None)
        if by is not None:
            yield "query", self._by(by, keys[by] or "", query)
        elif query.since is not None:
            day, last = date.fromisoformat(query.since), date.fromisoformat(query.until or _today())
            while day <= last:
                yield "query", self._by("day", day.isoformat(), Query())
                day += timedelta(days=1)
        else:
            yield "scan", {"TableName": self.table}

    def _by(self, name: str, value: str, query: Query) -> dict[str, Any]:
        condition, values = "#name = :value", {":value": {"S": value}}
        if query.since or query.until:
            condition += " AND started_at BETWEEN :since AND :until"
            # U sorts after the T before the time, and ~ after any date.
            values |= {":since": {"S": query.since or "0"}}
            values |= {":until": {"S": f"{query.until}U" if query.until else "~"}}
        return {
            "TableName": self.table,
            "IndexName": f"by-{name}",
            "KeyConditionExpression": condition,
            "ExpressionAttributeNames": {"#name": name},
            "ExpressionAttributeValues": values,
        }


def _client() -> Any:
    import boto3

    return boto3.client("dynamodb")


def _today() -> str:
    from handlers import clock

    return clock.now()[:10]


def _item(transaction: Transaction) -> dict[str, Any]:
    item: dict[str, Any] = {
        "rank": {"N": str(transaction.rank)},
        "day": {"S": transaction.started_at[:10]},
    }
    for name, value in asdict(transaction).items():
        if isinstance(value, bool):
            item[name] = {"BOOL": value}
        elif isinstance(value, int):
            item[name] = {"N": str(value)}
        elif value is not None:
            item[name] = {"S": value}
    return item


def _transaction(item: dict[str, Any]) -> Transaction:
    values = {name: next(iter(typed.values())) for name, typed in item.items() if name not in ("rank", "day")}
    amount = values.get("amount")
    optional = dict.fromkeys(("charity", "currency", "psp", "reference"))
    return Transaction(**{**optional, **values, "amount": None if amount is None else int(amount)})
