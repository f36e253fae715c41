"""An order with typed handlers: what benchmarks/mutations.py plants bugs in. # results are typed"""

from typing import Literal, TypedDict

from flowdsl import (
    Choice,
    Function,
    Map,
    Pass,
    StateMachine,
    Task,
    Wait,
    catch,
    chain,
    context,
    error_output,
    fail,
    fn,
    goto,
    lambda_transient,
    result,
    retry,
    state_input,
    var,
    when,
)


class Line(TypedDict):
    sku: str
    quantity: int
    price: float


class Order(TypedDict):
    id: str
    customer: str
    country: Literal["GB", "DE", "FR"]
    lines: list[Line]


declined = fail("Declined", error="Declined", cause="The card was declined")
submit = Task(
    "Submit",
    Function("quote", "handlers/quote"),
    payload={"order": state_input.id, "country": state_input.country, "total": fn.sum(state_input.lines.price)},
    output={"reference": result.reference, "delay": result.delay_seconds},
    into=var.quote,
    timeout=60,
    retry=[lambda_transient, retry("QuoteServiceDown", interval=5, max_attempts=4)],
)
charge = Task(
    "Charge",
    Function("charge", "handlers/charge"),
    payload={"reference": submit.out.reference, "execution": context.Execution.Name},
    into=var.charge,
    timeout=60,
    retry=[lambda_transient, retry("CardExpired", max_attempts=0), retry("States.TaskFailed", interval=2)],
    catch=catch("CardDeclined", fail("CardDeclined", error="CardDeclined", cause=var.problem.Cause), into=var.problem),
)
ship = Map(
    "ShipLines",
    items=state_input.lines,
    processor=Task(
        "ShipLine",
        Function("ship", "handlers/ship"),
        payload={"sku": state_input.sku, "quantity": state_input.quantity},
        output={"parcel": result.parcel, "weight": result.weight},
        catch=catch("OutOfStock", Pass("NotShipped"), output={"error": error_output.Error}),
    ),
    output={"order": state_input.id, "status": charge.out.status},
)
flow = chain(
    submit,
    charge,
    Choice(
        "IsPaid",
        when(charge.out.status == "paid", ship),
        when(
            charge.out.status == "pending",
            Wait("WaitForBank", seconds=submit.out.delay),
            goto(charge),
        ),
        when((charge.out.status == "refused") & (charge.out.cents > 0), declined),
        otherwise=declined,
    ),
)
machine = StateMachine("orders", flow, query_language="JSONata", input=Order)
