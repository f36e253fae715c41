from flowdsl import Choice, Pass, StateMachine, Task, catch, chain, fail, goto, state_input, when

FUNCTION = "arn:aws:lambda:eu-west-1:123456789012:function:pay"

machine = StateMachine(
    "graph",
    chain(
        Task(
            "Pay",
            FUNCTION,
            catch=[catch("Declined", goto("Refusd"))],  # FD401
        ),
        Choice(
            "Ask",
            when(state_input.status == "refused", goto("Refused")),  # FD401
            otherwise=Pass("Paid"),
        ),
    ),
)
loop = StateMachine("loop", chain(Pass("A"), goto("A")))  # FD403
stop = StateMachine("stop", fail("Stop", error="Stopped"))

later = Pass("Later")  # FD216
unplaced = StateMachine("unplaced", chain(Choice("Ask", when(state_input.a == 1, goto(later))), Pass("Last")))  # FD401
