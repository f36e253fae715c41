"""What holds for all tests."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# A busy machine is slow, which says nothing about what a test examines. The examples are the same in each run: one that
# shows a mistake fails in the change that made it, and in no other.
settings.register_profile(
    "flowdsl", deadline=None, derandomize=True, database=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("flowdsl")


@pytest.fixture(autouse=True)
def stores(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """SQLite files and notes of this test's own, and no way to any AWS account."""
    folder = tmp_path / "payments"
    monkeypatch.setenv("PAYMENTS_DATA", str(folder))
    monkeypatch.setenv("FLOWDSL_CACHE_DIR", str(tmp_path.with_name(f"{tmp_path.name}-cache")))
    monkeypatch.setenv("PSPS", str(Path(__file__).with_name("psps.toml")))
    for name in (
        "CHOICES_TABLE",
        "TRANSACTIONS_TABLE",
        "TOTALS_TABLE",
        "PAYMENTS_EVENT_BUS",
        "PAYMENTS_SANDBOX",
        "SANDBOX_TABLE",
        "STRIPE_API_KEY",
    ):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "none")
    return folder
