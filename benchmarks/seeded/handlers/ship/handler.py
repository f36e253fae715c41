"""Ships a line of an order."""

from typing import Any, TypedDict


class OutOfStock(Exception):
    """Nothing is left."""


class Shipped(TypedDict):
    parcel: str
    weight: int


def handler(event: dict[str, Any], _: Any) -> Shipped:
    if event["quantity"] > 100:
        raise OutOfStock
    return {"parcel": event["sku"], "weight": 3}
