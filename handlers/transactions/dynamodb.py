"""Transactions in a DynamoDB table: the donation's record is the item `current`, its history has an item per entry. Set
AWS_ENDPOINT_URL_DYNAMODB to use another server than AWS."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

from attrs import asdict, evolve, frozen

from handlers.transactions.record import BROKEN, FINAL, PAID, Transaction
from handlers.transactions.store import Query, conflict, paid_twice


def definition(table: str) -> dict[str, Any]:
    """Return the arguments of CreateTable: partition key `id`, sort key `entry`, one index for each kind of query."""
    names = ("id", "entry", "status", "charity", "day", "started_at")
    return {
        "TableName": table,
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{"AttributeName": name, "AttributeType": "S"} for name in names],
        "KeySchema": [_key("id", "HASH"), _key("entry", "RANGE")],
        "GlobalSecondaryIndexes": [_index(name) for name in ("status", "charity", "day")],
    }


def _index(name: str) -> dict[str, Any]:
    return {
        "IndexName": f"by-{name}",
        "KeySchema": [_key(name, "HASH"), _key("started_at", "RANGE")],
        "Projection": {"ProjectionType": "ALL"},
    }


def _key(name: str, kind: str) -> dict[str, str]:
    return {"AttributeName": name, "KeyType": kind}


_CURRENT = "current"


@frozen
class DynamoDbStore:
    table: str

    def put(self, transaction: Transaction, *, settles: bool = False) -> Transaction:
        rank = max(transaction.rank, BROKEN) if settles else transaction.rank
        client = _client()
        # The history first: a process that is killed here is run again, and then finds its own entry.
        self._append(transaction)
        if transaction.status == "conflict":
            return transaction
        try:
            client.put_item(
                TableName=self.table,
                Item={**_item(transaction), "entry": {"S": _CURRENT}},
                # One atomic step, safe with concurrent writers; see Store.put for the rule.
                ConditionExpression=(
                    "attribute_not_exists(id) OR (#rank <= :rank AND #rank < :final"
                    " AND (#rank < :paid OR (psp = :psp AND #reference = :reference)))"
                ),
                ExpressionAttributeNames={"#rank": "rank", "#reference": "reference"},
                ExpressionAttributeValues={
                    ":rank": {"N": str(rank)},
                    ":final": {"N": str(FINAL)},
                    ":paid": {"N": str(PAID)},
                    ":psp": {"S": transaction.psp or ""},
                    ":reference": {"S": transaction.reference or ""},
                },
            )
        except client.exceptions.ConditionalCheckFailedException:
            existing = self.get(transaction.id)
            if existing is None:
                raise
            if paid_twice(existing, transaction):
                self._append(evolve(transaction, status="conflict"))
                raise conflict(existing, transaction) from None
            return existing
        return transaction

    def _append(self, transaction: Transaction) -> None:
        client = _client()
        item = {**_item(transaction), "entry": {"S": transaction.entry}}
        if transaction.status != "conflict":
            # Without the indexes' sort key the entry is in no index: only conflicts are listed.
            item["started"] = item.pop("started_at")
        try:
            client.put_item(TableName=self.table, Item=item, ConditionExpression="attribute_not_exists(id)")
        except client.exceptions.ConditionalCheckFailedException:
            return  # appended before

    def get(self, identity: str) -> Transaction | None:
        response = _client().get_item(
            TableName=self.table, Key={"id": {"S": identity}, "entry": {"S": _CURRENT}}, ConsistentRead=True
        )
        return _transaction(response["Item"]) if "Item" in response else None

    def history(self, identity: str) -> list[Transaction]:
        request = {
            "TableName": self.table,
            "KeyConditionExpression": "id = :id",
            "ExpressionAttributeValues": {":id": {"S": identity}},
            "ConsistentRead": True,
        }
        pages = _client().get_paginator("query").paginate(**request)
        items = [item for page in pages for item in page["Items"] if item["entry"]["S"] != _CURRENT]
        return sorted(map(_transaction, items), key=lambda transaction: transaction.stored_at)

    def list(self, query: Query) -> Iterator[Transaction]:
        client = _client()
        transactions = [
            transaction
            for operation, request in self._requests(query)
            for page in client.get_paginator(operation).paginate(**request)
            for transaction in map(_transaction, filter(_is_listed, page["Items"]))
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


def _is_listed(item: dict[str, Any]) -> bool:
    return "started_at" in item


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
    names = {"started": "started_at"}
    extra = ("rank", "day", "entry")
    values = {names.get(name, name): next(iter(typed.values())) for name, typed in item.items() if name not in extra}
    amount = values.get("amount")
    optional = dict.fromkeys(("charity", "currency", "psp", "reference"))
    return Transaction(**{**optional, **values, "amount": None if amount is None else int(amount)})
