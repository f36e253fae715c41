"""RFC 3339 timestamps as Step Functions reads them: upper-case T and Z, seconds, and an offset are required."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone

_TIMESTAMP = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(?:Z|([+-])(\d\d):(\d\d))", re.ASCII
)


def parse_timestamp(text: str) -> datetime | None:
    """The instant, in UTC and to the microsecond; None where the text is no timestamp of the profile.

    Source: ASL specification, "Timestamps".
    """
    found = _TIMESTAMP.fullmatch(text)
    if found is None:
        return None
    year, month, day, hour, minute, second, fraction, sign, offset_hours, offset_minutes = found.groups()
    zone = UTC
    if sign:
        if int(offset_hours) > 18 or int(offset_minutes) > 59:
            return None
        offset = timedelta(hours=int(offset_hours), minutes=int(offset_minutes))
        zone = timezone(-offset if sign == "-" else offset)
    try:
        local = datetime(
            int(year),
            int(month),
            int(day),
            int(hour),
            int(minute),
            int(second),
            int((fraction or "").ljust(6, "0")[:6]),
            zone,
        )
        return local.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
