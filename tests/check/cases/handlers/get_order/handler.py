"""Only its annotations are read: what it imports is not installed anywhere."""

from typing import Any

import attrs
import not_installed_anywhere  # type: ignore[import-not-found]


@attrs.frozen
class Order:
    id: str
    total: float
    status: str


def handler(event: Any, context: Any) -> Order:
    return not_installed_anywhere.order(event)
