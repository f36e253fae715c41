"""Timestamps: the profile of the language, and what a running Wait takes."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from flowdsl.expr.timestamps import parse_offset_date_time, parse_timestamp

WHOLE = datetime(2024, 2, 29, 12, 30, 15, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2024-02-29T12:30:15Z", WHOLE),
        ("2024-02-29T13:30:15+01:00", WHOLE),
        ("2024-02-29T07:00:15-05:30", WHOLE),
        ("2024-02-29T12:30:15.123456789Z", WHOLE.replace(microsecond=123456)),
        ("2024-02-29t12:30:15z", None),
        ("2024-02-29T12:30Z", None),
        ("2024-02-29 12:30:15Z", None),
        ("2024-02-29T12:30:15", None),
        ("2024-02-29T12:30:15+0100", None),
        ("2023-02-29T12:30:15Z", None),
        ("2024-02-29T25:30:15Z", None),
        ("2024-03-01T06:30:15+18:00", WHOLE),
        ("2024-03-01T06:31:15+18:01", None),
        ("2024-02-29T12:30:15+19:00", None),
        ("2024-02-29", None),
        ("", None),
    ],
)
def test_the_profile_of_the_language(text: str, instant: datetime | None) -> None:
    assert parse_timestamp(text) == instant


@pytest.mark.parametrize(
    ("text", "instant"),
    [("2024-02-29t12:30:15z", WHOLE), ("2024-02-29T12:30Z", WHOLE.replace(second=0)), ("2024-02-29 12:30:15Z", None)],
)
def test_a_running_wait_takes_more(text: str, instant: datetime | None) -> None:
    assert parse_offset_date_time(text) == instant
