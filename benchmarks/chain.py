"""Compile a chain of as many states as the argument says, and print how long its text is."""

import sys

from flowdsl import Pass, StateMachine, Task, Wait, chain, dump, retry
from flowdsl.asl.text import canonical_text

steps = []
for number in range(int(sys.argv[1]) // 4):
    charge = Task(f"Charge{number}", "arn:aws:lambda:eu-west-1:123456789012:function:charge", into="charge")
    steps += [
        Pass(f"Prepare{number}", parameters={"amount": charge.out.amount, "number": number}),
        charge,
        Wait(f"Wait{number}", seconds=charge.out.delay),
        Task(f"Store{number}", "arn:aws:lambda:eu-west-1:123456789012:function:store", retry=[retry("States.ALL")]),
    ]
print(len(canonical_text(dump(StateMachine("chain", chain(*steps))))))
