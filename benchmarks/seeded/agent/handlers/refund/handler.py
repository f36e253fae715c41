from typing import TypedDict


class NotRefundable(Exception):
    pass


class Refund(TypedDict):
    order: str
    cents: int
    reason: str


class Refunded(TypedDict):
    id: str
    cents: int


def handler(event: Refund, _: object) -> Refunded:
    if event["cents"] > 10_000:
        raise NotRefundable(event["order"])
    return {"id": "re_1", "cents": event["cents"]}
