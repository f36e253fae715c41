from typing import Literal, TypedDict

from flowdsl import (
    Choice,
    Function,
    Pass,
    StateMachine,
    Task,
    catch,
    chain,
    dynamic,
    end,
    goto,
    state_input,
    when,
)


class Money(TypedDict):
    amount: int
    currency: Literal["GBP", "EUR"]


class Donation(TypedDict):
    id: str
    money: Money


get_order = Task("GetOrder", Function("get-order", "handlers/get_order"), into="order")
store = Pass("Store", parameters={"order": state_input.order.total})  # FD802

machine = StateMachine(
    "donation",
    chain(
        Choice(
            "Currency",
            when(state_input.money.currency == "USD", goto(store)),  # FD803
            when(state_input.money.amount == "much", goto(store)),  # FD803
            when(state_input.money.ammount > 5, end()),  # FD801
        ),
        get_order,
        Pass("Read", parameters={"status": get_order.out.state}, into="status"),  # FD801
        store,
    ),
    input=Donation,
)

pay = Task(
    "Pay",
    Function("pay", "handlers/pay"),
    into="payment",
    catch=[catch("States.ALL")],
)
swallowed = StateMachine(
    "swallowed",
    chain(
        pay,
        Pass("Settle", parameters={"id": state_input.id}),  # FD804
    ),
    input=Donation,
)

either = dynamic(
    state_input.shop,
    allowed=[
        Function("get-order", "handlers/get_order"),
        Function("get-parcel", "handlers/get_parcel", handler="parcel.handler"),
    ],
)
in_document = Task("ask the shop", either)
in_field = Task("ask again", either, into="answer")
chosen = StateMachine(
    "chosen",
    chain(
        in_document,
        Pass("Both have", parameters={"id": state_input.id, "shop": "x"}),
        in_field,
        Pass("One has", parameters={"status": in_field.out.status}, into="x"),  # FD802
        Pass("None has", parameters={"status": in_field.out.price}),  # FD801
    ),
)
unknown = Task("ask anyone", dynamic(state_input.shop, allowed=[*either.allowed, Function("any", "handlers/any")]))
silent = StateMachine("silent", chain(unknown, Pass("Reads", parameters={"price": state_input.price})))  # FD802
