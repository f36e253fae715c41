"""A function that the templates of this folder deploy."""

from typing import Any


def handler(event: dict[str, Any], _context: object) -> dict[str, float]:
    """Score an order: the higher its amount, the worse."""
    return {"value": 1 / event["amount"]}
