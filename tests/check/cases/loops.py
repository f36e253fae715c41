from flowdsl import Choice, Function, StateMachine, Succeed, Task, Wait, catch, chain, goto, state_input, when

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
