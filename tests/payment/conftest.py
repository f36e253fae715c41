"""The refund flow for the tests of refunds."""

from __future__ import annotations

import pytest

from flowdsl.testing import Runner
from tests.payment.books import ROOT, donation


@pytest.fixture
def refund(flow: Runner) -> Runner:
    """The refund flow, after a donation of 25.00 GBP was taken."""
    flow.run(donation("tok_paid"))
    return Runner.of(ROOT / "refund_flow.py")
