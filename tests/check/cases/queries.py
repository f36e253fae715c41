from flowdsl import Choice, Pass, StateMachine, Succeed, Task, Wait, catch, chain, jsonata, when

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
        Pass("Text", output="$.payment"),  # FD305
        Pass("Text inside", output={"paid": "$.payment.id"}),  # FD305
        Pass("Text of states", output="$states.input.sku"),  # FD305
        Pass("Price", output={"text": "$5", "states": "$statesman"}),
        Pass("Never", output=jsonata("$nowhere")),  # FD757
        Task("Caught", FUNCTION, catch=[catch("States.ALL", output=jsonata("$states.errorOutput.Cause"))]),
        Pass("States", output=jsonata("$state.result")),  # FD757
        Pass("Local", output=jsonata("($x := 1; $map([1], function($v) { $v + $x }))")),
    ),
    query_language="JSONata",
)

choice = StateMachine(
    "choice",
    chain(
        Choice(
            "Ask",
            when(jsonata("$states.result")),  # FD754
            when(jsonata("1 +")),  # FD751
        ),
        Succeed("Done"),
    ),
    query_language="JSONata",
)
wait = StateMachine("wait", Wait("Wait", seconds="{% 1 + %}"), query_language="JSONata")  # FD751

text = StateMachine("text", chain(Pass("Copy", output="$.t"), Pass("Price", output="$5")))  # FD307
capitals = StateMachine("capitals", Pass("Copy", output=jsonata("1 + 1")), query_language="jsonata")  # type: ignore[arg-type]  # FD103
