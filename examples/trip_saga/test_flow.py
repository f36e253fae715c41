"""The trip is booked as a whole or not at all, in both query languages."""

from __future__ import annotations

from typing import Literal

import pytest

from examples.trip_saga.flow import flow as steps
from examples.trip_saga.flow import machine
from flowdsl import StateMachine
from flowdsl.testing import ExecutionFailed, Mock, Runner, fail, timeout

TRIP = {"id": "trip-1", "traveller": "Ada Lovelace", "flight": "LH 100", "hotel": "Savoy", "cents": 120_000}
DOING = ["BookFlight", "BookHotel", "TakePayment"]
UNDOING = ["CancelFlight", "CancelHotel", "RefundPayment"]


@pytest.fixture(params=["JSONata", "JSONPath"])
def flow_machine(request: pytest.FixtureRequest) -> StateMachine:
    language: Literal["JSONata", "JSONPath"] = request.param
    return StateMachine("trip", steps, defaults=machine.defaults, query_language=language)


@pytest.fixture(autouse=True)
def functions(flow: Runner) -> dict[str, Mock]:
    """All functions do their work."""
    done = {name: flow.mock(name, returns={"reference": f"{name}-1"}) for name in DOING}
    return done | {name: flow.mock(name, returns=None) for name in UNDOING}


def test_booked(flow: Runner) -> None:
    run = flow.run(TRIP)
    assert run.output == {"flight": "BookFlight-1", "hotel": "BookHotel-1", "payment": "TakePayment-1"}
    assert run.history.states() == [*DOING, "Booked"]


@pytest.mark.parametrize("broken", range(3), ids=DOING)
@pytest.mark.parametrize("fault", [fail("SoldOut", "no seats"), timeout()], ids=["refused", "unanswered"])
def test_undone(flow: Runner, functions: dict[str, Mock], broken: int, fault: object) -> None:
    flow.mock(DOING[broken], fault)
    with pytest.raises(ExecutionFailed) as failed:
        flow.run(TRIP)
    undone = UNDOING[broken::-1]
    assert failed.value.history.states() == [*DOING[: broken + 1], *undone, "TripCancelled"]
    assert failed.value.error in ("SoldOut", "States.Timeout")
    assert [functions[name].calls for name in undone] == [[{"trip": "trip-1"}]] * len(undone)


def test_asked_again_while_unavailable(flow: Runner) -> None:
    flow.mock("TakePayment", fail("Unavailable", times=4), returns={"reference": "pay-1"})
    run = flow.run(TRIP)
    assert run.output["payment"] == "pay-1"
    assert run.duration == 5 + 10 + 20 + 40


def test_undoing_is_tried_for_a_day_before_people_have_to_look(flow: Runner) -> None:
    flow.mock("TakePayment", fail("Declined"))
    flow.mock("CancelHotel", raises=RuntimeError("closed"))
    with pytest.raises(ExecutionFailed) as failed:
        flow.run(TRIP)
    assert failed.value.error == "TripStuck"
    assert failed.value.history.states() == [*DOING, "RefundPayment", "CancelHotel", "TripStuck"]
    assert failed.value.run.duration == pytest.approx(24 * 3600, rel=0.1)
