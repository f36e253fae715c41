from typing import TypedDict

from flowdsl import (
    Choice,
    Fail,
    Function,
    Pass,
    StateMachine,
    Task,
    Wait,
    catch,
    chain,
    end,
    goto,
    is_present,
    state_input,
    when,
    where,
)


class Item(TypedDict):
    price: int


class Order(TypedDict):
    id: str
    items: list[Item]


get_order = Task("GetOrder", Function("get-order", "handlers/get_order"), into="order")
machine = StateMachine(
    "order",
    chain(
        get_order,
        Choice(
            "Is it ready?",
            when(
                get_order.out.state == "retry",  # FD801
                Wait("Rest", seconds=get_order.out.total),  # FD805
                goto(get_order),
            ),
            when(get_order.out.status == "ready", end()),
            when(state_input.idd == "x", end()),  # FD801
        ),
        Pass("Right", output={"first": state_input.items[0].price, "id": state_input.id}, into="right"),
        Pass("First", output=state_input.items[0].pric, into="first"),  # FD801
        Pass("Keep", output=where(state_input.items, lambda i: i.price > 1), into="kept"),
        Pass("Dear", output=where(state_input.items, lambda i: i.pric > 1), into="dear"),  # FD801
        Pass("Read", output={"one": state_input.kept[0].pric}, into="one"),  # FD801
    ),
    input=Order,
    query_language="JSONata",
)

pay = Task("Pay", Function("pay", "handlers/pay"), into="payment", catch=[catch("States.ALL")])
swallowed = StateMachine(
    "swallowed",
    chain(pay, Pass("Settle", output={"id": state_input.id})),  # FD804
    input=Order,
    query_language="JSONata",
)

asked = StateMachine(
    "asked",
    chain(
        Choice(
            "Is it paid?",
            when(state_input.id == "x", Pass("Free", output={"id": state_input.id})),
            otherwise=Pass("Paid", output={"id": state_input.id, "coupon": "c"}),
        ),
        Choice(
            "Is there a coupon?",
            when(is_present(state_input.coupon), Pass("Use", output=state_input.coupon), end()),
            otherwise=Fail("Stop", cause=state_input.reason),  # FD801
        ),
    ),
    input=Order,
    query_language="JSONata",
)
