from flowdsl import Pass, StateMachine, Task, catch, chain, jsonata

FUNCTION = "arn:aws:lambda:eu-west-1:123456789012:function:pay"

machine = StateMachine(
    "jsonata",
    chain(
        Pass("Syntax", output="{% 1 + %}"),  # FD751
        Pass("Open", output="{% 1"),  # FD752
        Pass("Top", output=jsonata("phone")),  # FD753
        Pass("Root", output=jsonata("$$.phone")),  # FD753
        Pass("Eval", output=jsonata("$eval('1')")),  # FD753
        Task("Early", FUNCTION, arguments=jsonata("$states.result")),  # FD754
        Pass("Function", output=jsonata("$summ([1])")),  # FD755
        Pass("Name", assign={"a-b": 1}),  # FD756
        Pass("Never", output=jsonata("$nowhere")),  # FD757
        Task("Caught", FUNCTION, catch=[catch("States.ALL", output=jsonata("$states.errorOutput.Cause"))]),
        Pass("Local", output=jsonata("($x := 1; $map([1], function($v) { $v + $x }))")),
    ),
    query_language="JSONata",
)
