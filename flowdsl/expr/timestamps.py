"""Timestamps as Step Functions reads them: strictly in definitions and Choice rules, as Java does in a running Wait."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone

from ..base.patterns import regex

_TIMESTAMP = regex(r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(?:Z|([+-])(\d\d):(\d\d))", re.ASCII)
_OFFSET_DATE_TIME = regex(
    r"(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?(?:[Zz]|([+-])(\d\d):(\d\d))", re.ASCII
)
_FURTHEST = timedelta(hours=18)
"""From UTC, as java.time.ZoneOffset has it."""


def parse_timestamp(text: str) -> datetime | None:
    """Parse an instant, in UTC and to the microsecond; return None if the text is invalid.

    Upper-case T and Z, seconds, and an offset are required (ASL specification, "Timestamps").
    """
    return _instant(_TIMESTAMP.fullmatch(text))


def parse_instant(text: str) -> tuple[datetime, int] | None:
    """As parse_timestamp, with the nanoseconds that a datetime cannot hold: so instants compare as the service's do."""
    match = _TIMESTAMP.fullmatch(text)
    instant = _instant(match)
    if match is None or instant is None:
        return None
    return instant, int((match[7] or "").ljust(9, "0")[6:])


def parse_offset_date_time(text: str) -> datetime | None:
    """As parse_timestamp, but as a running Wait reads it: lower-case t and z do, and seconds may lack (measured)."""
    return _instant(_OFFSET_DATE_TIME.fullmatch(text))


def _instant(match: re.Match[str] | None) -> datetime | None:
    if match is None:
        return None
    year, month, day, hour, minute, second, fraction, sign, offset_hours, offset_minutes = match.groups()
    zone = UTC
    if sign:
        offset = timedelta(hours=int(offset_hours), minutes=int(offset_minutes))
        if int(offset_minutes) > 59 or offset > _FURTHEST:
            return None
        zone = timezone(-offset if sign == "-" else offset)
    try:
        local = datetime(
            int(year),
            int(month),
            int(day),
            int(hour),
            int(minute),
            int(second or 0),
            int((fraction or "").ljust(6, "0")[:6]),
            zone,
        )
        return local.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
