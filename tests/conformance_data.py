"""Where the recorded behaviour of AWS is, and how tests read it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(os.environ.get("FLOWDSL_CONFORMANCE") or Path(__file__).parents[2] / "shared" / "conformance")


def cases(folder: str) -> Iterator[dict[str, Any]]:
    """The cases of a folder of recordings; the test that asks is skipped where there are none."""
    if not (ROOT / folder).is_dir():
        pytest.skip("no recorded behaviour of AWS here: set FLOWDSL_CONFORMANCE to its folder")
    for file in sorted((ROOT / folder).glob("*.json")):
        yield from json.loads(file.read_text())


def definitions() -> Iterator[dict[str, Any]]:
    yield from cases("definitions")
