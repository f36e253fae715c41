"""The definitions that are deployed, as files: a pull request shows what changes in them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from flowdsl.project import load

ROOT = Path(__file__).parent.parent
FLOWS = [ROOT / "payment_flow.py", *sorted(ROOT.glob("examples/*/flow.py"))]
MACHINES = [machine for flow in FLOWS for machine in load(flow)]


@pytest.mark.parametrize("machine", MACHINES, ids=lambda machine: machine.name)
def test_definition_is_the_one_reviewed(machine: Any, asl_snapshot: Any) -> None:
    assert machine.definition == asl_snapshot(name=machine.name)
