from flowdsl import (
    Choice,
    Function,
    Pass,
    StateMachine,
    Succeed,
    Task,
    Wait,
    catch,
    chain,
    goto,
    state_input,
    var,
    when,
)

look = Task("Look", Function("look"), into="ready")
machine = StateMachine(
    "loops",
    chain(
        look,
        Choice(  # FD952
            "IsReady",
            when(state_input.ready == "again", goto(look)),
            when(state_input.ready == "no", Wait("Rest", seconds=600), goto("IsReady")),
            otherwise=goto("Pay"),
        ),
        Task("Pay", Function("pay"), catch=catch("Declined", goto("Pay"), into="error")),  # FD956
        Succeed("Done"),
    ),
)

again = Task("Again", Function("again"), payload={"id": state_input.id}, into="again")
same_call = StateMachine(
    "same-call",
    chain(
        again,
        Choice(
            "IsDone",
            when(again.out.status == "done", goto("Ended")),
            when(again.out.status == "waiting", goto(again)),  # FD957
            otherwise=goto("Ended"),
        ),
        Succeed("Ended"),
    ),
)
tries = Task("Try", Function("try"), payload={"id": state_input.id, "try": var.tries}, into="tried")
counting = StateMachine(
    "counting",
    chain(
        Pass("Begin", assign={"tries": 0}),
        tries,
        Wait("Pause", seconds=600),
        Pass("CountOn", assign={"tries": var.tries + 0}),
        Choice(
            "IsEnough",
            when(
                (tries.out.status == "waiting") & (var.tries < 5),  # FD958
                goto(tries),
            ),
        ),
        Succeed("Enough"),
    ),
)
ping = Task("Ping", Function("ping"), catch=catch("Gone", Succeed("Lost"), into="error"))
endless = StateMachine("endless", chain(Wait("Pause2", seconds=600), ping, goto("Pause2")))  # FD959
