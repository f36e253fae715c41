"""Messages to other systems."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import field, frozen


class NotDelivered(Exception):
    """The message was not accepted: send it again, which is safe."""


@frozen
class Message:
    """A message: its `kind` (`payment.delayed`), a `key` unique within the kind, and the `detail` as JSON."""

    kind: str
    key: str
    detail: Mapping[str, Any] = field(repr=False)
