"""The languages inside ASL: pure functions, compiled once, run often, that never change a value they are given.

    jsonpath.compile_path(text)                      (document, Scope) -> value     paths of `…Path` fields
    jsonpath.compile_field_path(text, field)         (document, Scope) -> value     its error names the field
    jsonpath.compile_reference(text).put             (document, value) -> document  ResultPath
    jsonpath.parse_path(text)                        path.Path                      to read a path, not to run it
    template.compile_template(value)                 (document, Scope) -> value     Parameters, Assign …
    template.compile_expression(text, field)         (document, Scope) -> value     a path or an intrinsic function
    intrinsics.compile_intrinsic(text)               (document, Scope) -> value     `FUNCTIONS` is the table
    intrinsics.parse_intrinsic(text)                 intrinsic_parser.Call          the tree, with offsets
    choice.compile_rule(rule)                        (document, Scope) -> bool      `operators.OPERATORS` is the table
    jsonata.compile_jsonata(value, field, expected)  (states, variables) -> value   `{% … %}` anywhere in the value
    jsonata.reader.read_expression(text)             Expression                     what an expression reads and calls

Compiling raises PathSyntaxError, IntrinsicSyntaxError, JsonataSyntaxError or RuleError, all ValueErrors; running raises
StatesError (QueryEvaluationError for JSONata), whose cause is the service's without the words that name the state.
"""
