"""Book a trip: a flight, a hotel, the payment. If a step fails, all that was done is undone, the last thing first.

A step that fails may have done its work all the same, a timeout does not tell, so its own undoing is run too. Every
function goes by the trip's id: booking twice books once, and undoing what was never done succeeds.
"""

from datetime import timedelta
from typing import TypedDict

import flowdsl as f
from flowdsl import DISCARD, result, state_input, var


class Trip(TypedDict):
    id: str
    traveller: str
    flight: str
    hotel: str
    cents: int


# Undoing is tried for a day; after that people have to look, for the traveller would pay for nothing.
insist = f.retry("States.ALL", interval=30, max_attempts=50, max_delay=timedelta(minutes=30))
stuck = f.catch("States.ALL", f.fail("TripStuck", error="TripStuck", cause="Undo the rest of the trip by hand"))


def undo(name: str, function: str) -> f.Task:
    return f.Task(name, f.Function(function), payload={"trip": state_input.id}, into=DISCARD, retry=insist, catch=stuck)


undo_flight = f.chain(
    undo("CancelFlight", "cancel-flight"),
    f.fail("TripCancelled", error=var.problem.Error, cause=var.problem.Cause),
)
undo_hotel = f.chain(undo("CancelHotel", "cancel-hotel"), undo_flight)
undo_payment = f.chain(undo("RefundPayment", "refund-payment"), undo_hotel)


book_flight = f.Task(
    "BookFlight",
    f.Function("book-flight"),
    payload={"trip": state_input.id, "traveller": state_input.traveller, "flight": state_input.flight},
    output=result.reference,
    into=var.flight,
    catch=f.catch("States.ALL", undo_flight, into=var.problem),
)
book_hotel = f.Task(
    "BookHotel",
    f.Function("book-hotel"),
    payload={"trip": state_input.id, "traveller": state_input.traveller, "hotel": state_input.hotel},
    output=result.reference,
    into=var.hotel,
    catch=f.catch("States.ALL", undo_hotel, into=var.problem),
)
take_payment = f.Task(
    "TakePayment",
    f.Function("take-payment"),
    payload={"trip": state_input.id, "cents": state_input.cents},
    output=result.reference,
    into=var.payment,
    catch=f.catch("States.ALL", undo_payment, into=var.problem),
)

flow = f.chain(
    book_flight,
    book_hotel,
    take_payment,
    f.Pass("Booked", output={"flight": book_flight.out, "hotel": book_hotel.out, "payment": take_payment.out}),
)
machine = f.StateMachine(
    "trip",
    flow,
    defaults=f.Defaults(retry=[f.lambda_transient, f.retry("Unavailable", interval=5, max_attempts=4)], timeout=60),
    query_language="JSONata",
    input=Trip,
)
