"""The Lambda function `price`: what a batch of orders costs, in cents."""

from __future__ import annotations

from typing import Any


def handler(event: dict[str, Any], _context: object) -> int:
    return sum(int(order["quantity"]) * int(order["cents"]) for order in event["Items"])
