"""What is sent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import field, frozen


class NotDelivered(Exception):
    """The message was not accepted. Sending it again does no harm."""


@frozen
class Message:
    """`kind` says what happened (`payment.delayed`), `key` which one it is, `detail` (JSON) all about it."""

    kind: str
    key: str
    detail: Mapping[str, Any] = field(repr=False)
