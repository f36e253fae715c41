from flowdsl import Pass, StateMachine, chain

machine = StateMachine(
    "paths",
    chain(
        Pass("Syntax", input_path="$.a["),  # FD301
        Pass("Filter", result_path="$.a[*]"),  # FD302
        Pass("Context", result_path="$$.a"),  # FD302 FD310
        Pass("Constant", parameters={"a.$": "b"}),  # FD303
        Pass("Arity", parameters={"a.$": "States.MathAdd(1)"}),  # FD304
        Pass("Static", result={"a.$": "$.a"}),  # FD307
        Pass("Dollar", parameters={"a": "$.b"}),  # FD305
        Pass("Kept", parameters={"a": "$.b"}),  # flowdsl: ignore[FD305] the text is meant
        Pass("Used", parameters={"a": 1}),  # flowdsl: ignore[FD305] nothing is there  # FD002
    ),
)
