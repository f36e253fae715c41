from typing import Literal, TypedDict

from flowdsl import Choice, Function, Pass, StateMachine, Task, catch, chain, end, goto, state_input, when


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
