from flowdsl import Pass, StateMachine, Task, Wait, chain, raw, retry

FUNCTION = "arn:aws:lambda:eu-west-1:123456789012:function:pay"

machine = StateMachine(
    "fields",
    chain(
        Task("Unknown", FUNCTION, timeuot=5),  # FD102
        Task("Zero", FUNCTION, timeout=0),  # FD103
        Task("Heart", FUNCTION, timeout=5, heartbeat=5),  # FD658
        Wait("Nothing"),  # FD104
        Wait("Two", seconds=1, timestamp="2030-01-01T00:00:00Z"),  # FD106
        Wait("When", timestamp="2030-01-01"),  # FD103
        Pass("Jsonata", output="{% 1 %}"),  # FD105
        Pass("a" * 81),  # FD202
        Task("Retry", FUNCTION, retry=[retry("States.ALL"), retry("X")]),  # FD501
        Task("Resource", "pay"),  # FD651
        raw("Type", {"Type": "Pas", "Next": "Last"}),  # FD109
        Pass("Last"),
    ),
)
