from typing import TypedDict


class Line(TypedDict):
    reference: str
    cents: int
    currency: str


class Ask(TypedDict):
    merchant: str
    items: list[Line]
    speed: str


class Quote(TypedDict):
    total: int
    fee: int
    currency: str
    warnings: list[str]


def handler(event: Ask, _: object) -> Quote:
    total = sum(line["cents"] for line in event["items"])
    return {"total": total, "fee": total // 100, "currency": "EUR", "warnings": []}
