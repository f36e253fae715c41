"""Where the recorded behaviour of AWS is, and how tests read it.

`FLOWDSL_CONFORMANCE` names the folder with the recordings, else they are in ../shared/conformance. A clone that has
neither reads tests/conformance/own: a small set of our own, whose histories
come from the engine itself (docs/conformance.md, "The format of a case").
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

OWN = Path(__file__).parent / "conformance" / "own"


def _root() -> Path:
    named = os.environ.get("FLOWDSL_CONFORMANCE")
    if named:
        return Path(named)
    shared = Path(__file__).parents[2] / "shared" / "conformance"
    return shared if shared.is_dir() else OWN


ROOT = _root()
IS_RECORDED = ROOT != OWN
"""Whether the cases are AWS's recordings, not our own small set."""


def cases(folder: str) -> Iterator[dict[str, Any]]:
    """The cases of a folder; the test that asks is skipped if it has none, as our own set does for what AWS refused."""
    if not (ROOT / folder).is_dir():
        pytest.skip(f"no {folder} in {ROOT.name}: set FLOWDSL_CONFORMANCE to the folder with the recordings")
    for file in sorted((ROOT / folder).glob("*.json")):
        yield from json.loads(file.read_text())


def definitions() -> Iterator[dict[str, Any]]:
    yield from cases("definitions")
