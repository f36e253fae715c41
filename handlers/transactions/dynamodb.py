"""Transactions in a DynamoDB table: the donation's record is the item `current`, its history has an item per entry.

All donations of a day, of a charity or with a status would have one key in an index. A partition takes 1,000 write
units a second, and an index that is throttled throttles its table
(https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/GSI.html#GSI.ThroughputConsiderations.Writes). So each
key has SHARDS parts, which queries read all.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import Any

from attrs import asdict, frozen

from handlers import clock, dynamodb
from handlers.transactions.record import BROKEN, FINAL, PAID, Transaction, erased, is_erased
from handlers.transactions.store import Query, as_conflict, check_erasable, conflict, erase_late_entry, paid_twice

SHARDS = 16
INDEXES = {name: f"{name}_part" for name in ("status", "charity", "day")}
"""The partition keys of the indexes `by-status`, …: the value, `#` and the number of a part."""

_LONG = 31
"""Days beyond which the whole table is read instead of each day's parts."""


def definition(table: str) -> dict[str, Any]:
    """Return the arguments of CreateTable: partition key `id`, sort key `entry`, one index for each kind of query."""
    names = ("id", "entry", *INDEXES.values(), "started_at")
    return {
        "TableName": table,
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{"AttributeName": name, "AttributeType": "S"} for name in names],
        "KeySchema": [_key("id", "HASH"), _key("entry", "RANGE")],
        "GlobalSecondaryIndexes": [_index(name) for name in INDEXES],
    }


def _index(name: str) -> dict[str, Any]:
    return {
        "IndexName": f"by-{name}",
        "KeySchema": [_key(INDEXES[name], "HASH"), _key("started_at", "RANGE")],
        "Projection": {"ProjectionType": "ALL"},
    }


def _key(name: str, kind: str) -> dict[str, str]:
    return {"AttributeName": name, "KeyType": kind}


_CURRENT = "current"


@frozen
class DynamoDbStore:
    table: str

    def put(self, transaction: Transaction, *, settles: bool = False) -> Transaction:
        return erase_late_entry(self, self._put(transaction, settles=settles), transaction)

    def _put(self, transaction: Transaction, *, settles: bool) -> Transaction:
        rank = max(transaction.rank, BROKEN) if settles else transaction.rank
        client = dynamodb.client()
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
                self._append(as_conflict(transaction))
                raise conflict(existing, transaction) from None
            return existing
        return transaction

    def _append(self, transaction: Transaction) -> None:
        item = {**_item(transaction), "entry": {"S": transaction.entry}}
        if transaction.status != "conflict":
            # Without the indexes' sort key the entry is in no index: only conflicts are listed.
            item["started"] = item.pop("started_at")
        dynamodb.put_new(self.table, item)

    def get(self, identity: str) -> Transaction | None:
        item = dynamodb.get(self.table, id=identity, entry=_CURRENT)
        return _transaction(item) if item else None

    def history(self, identity: str) -> list[Transaction]:
        items = [item for item in dynamodb.query(self.table, id=identity) if not _is_current(item)]
        return sorted(map(_transaction, items), key=lambda transaction: transaction.stored_at)

    def erase(self, identity: str) -> int:
        client, items = dynamodb.client(), dynamodb.query(self.table, id=identity)
        current = [_transaction(item) for item in items if _is_current(item)]
        history = [_transaction(item) for item in items if not _is_current(item)]
        check_erasable(current[0] if current else None, history)
        # The record last: while it has the donor's data, the donation is found again, if this is throttled or killed.
        for item in sorted(items, key=_is_current):
            try:
                client.update_item(
                    TableName=self.table,
                    Key={"id": item["id"], "entry": item["entry"]},
                    UpdateExpression="SET #document = :document",
                    # What was stored since it was read, perhaps a payment, must not get the document of before.
                    ConditionExpression="#document = :before",
                    ExpressionAttributeNames={"#document": "document"},
                    ExpressionAttributeValues={
                        ":before": item["document"],
                        ":document": {"S": erased(_transaction(item)).document},
                    },
                )
            except client.exceptions.ConditionalCheckFailedException:
                return self.erase(identity)  # it may be open work now
        if not all(is_erased(_transaction(item)) for item in dynamodb.query(self.table, id=identity)):
            # Stored since it was read, by an execution that saw no erasure.
            return self.erase(identity)
        return len(history)

    def close_conflicts(self, identity: str, close: Callable[[Transaction], Transaction]) -> list[Transaction]:
        client, writes = dynamodb.client(), []
        for item in dynamodb.query(self.table, id=identity):
            if not _is_current(item) and item["status"]["S"] == "conflict":
                new = close(_transaction(item))
                try:
                    client.put_item(
                        TableName=self.table,
                        Item={**_item(new), "entry": item["entry"]},
                        ConditionExpression="#status = :conflict",
                        ExpressionAttributeNames={"#status": "status"},
                        ExpressionAttributeValues={":conflict": {"S": "conflict"}},
                    )
                except client.exceptions.ConditionalCheckFailedException:
                    continue  # another operator closed it just now, and it may be erased already
                writes.append(new)
        return writes

    def list(self, query: Query) -> Iterator[Transaction]:
        client = dynamodb.client()
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
        if query.charity is not None:
            yield from self._by("charity", query.charity, query)
        elif query.status is not None:
            for status in _index_statuses(query):
                yield from self._by("status", status, query)
        elif query.since is not None and len(days := _days(query)) <= _LONG:
            for day in days:
                yield from self._by("day", day, Query())
        else:
            yield "scan", {"TableName": self.table}

    def _by(self, name: str, value: str, query: Query) -> Iterator[tuple[str, dict[str, Any]]]:
        # U sorts after the T before the time, and ~ after any date.
        values = {":since": {"S": query.since or "0"}, ":until": {"S": f"{query.until}U" if query.until else "~"}}
        for shard in range(SHARDS):
            yield (
                "query",
                {
                    "TableName": self.table,
                    "IndexName": f"by-{name}",
                    "KeyConditionExpression": "#name = :value AND started_at BETWEEN :since AND :until",
                    "ExpressionAttributeNames": {"#name": INDEXES[name]},
                    "ExpressionAttributeValues": {**values, ":value": {"S": f"{value}#{shard}"}},
                },
            )


def _index_statuses(query: Query) -> list[str]:
    """Return the statuses in the index: a paid donation whose post-processing is not done is `incomplete` there."""
    if query.status != "paid":
        return [str(query.status)]
    return [name for name, complete in (("paid", True), ("incomplete", False)) if query.complete in (None, complete)]


def _days(query: Query) -> list[str]:
    today = clock.now()[:10]
    first, last = date.fromisoformat(query.since or today), date.fromisoformat(query.until or today)
    return [(first + timedelta(days=number)).isoformat() for number in range((last - first).days + 1)]


def _is_current(item: dict[str, Any]) -> bool:
    return bool(item["entry"]["S"] == _CURRENT)


def _is_listed(item: dict[str, Any]) -> bool:
    return "started_at" in item


def _item(transaction: Transaction) -> dict[str, Any]:
    shard = int(hashlib.sha256(transaction.id.encode()).hexdigest(), 16) % SHARDS
    status = transaction.status if transaction.complete else "incomplete"
    parts = {"status": status, "charity": transaction.charity, "day": transaction.started_at[:10]}
    item: dict[str, Any] = {
        "rank": {"N": str(transaction.rank)},
        **{INDEXES[name]: {"S": f"{value}#{shard}"} for name, value in parts.items() if value is not None},
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
    extra = ("rank", "entry", *INDEXES.values())
    values = {names.get(name, name): next(iter(typed.values())) for name, typed in item.items() if name not in extra}
    amount = values.get("amount")
    optional = dict.fromkeys(("charity", "currency", "psp", "reference"))
    return Transaction(**{**optional, **values, "amount": None if amount is None else int(amount)})
