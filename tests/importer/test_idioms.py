"""What a person would write: names for what is repeated, functions for what is alike, expressions, results by name."""

from __future__ import annotations

from typing import Any

import pytest

from flowdsl.importer.convert import converted
from flowdsl.importer.source import Imported
from flowdsl.importer.states import Level

LAMBDA = "arn:aws:lambda:eu-west-1:123456789012:function:work"
OWN = "arn:aws:lambda:${AWS::Region}:${AWS::AccountId}:function:charge"
PUBLISH = "arn:aws:states:::sns:publish"


def row(*states: dict[str, Any]) -> dict[str, Any]:
    """States A, B, C, … one after the other."""
    names = [chr(ord("A") + index) for index in range(len(states))]
    ways = [*({"Next": name} for name in names[1:]), {"End": True}]
    return {"StartAt": "A", "States": {name: state | way for name, state, way in zip(names, states, ways, strict=True)}}


def text_of(definition: dict[str, Any], **source: Any) -> str:
    module = converted([Imported("m", definition, **source)])
    assert Level.RAW not in module.levels.values()
    return module.text


def jsonpath(value: str, key: str = "k.$") -> str:
    """How a path or an intrinsic function is written."""
    text = text_of(row({"Type": "Pass", "Parameters": {key: value}}))
    return text.partition('"k": ')[2].partition("})")[0]


@pytest.mark.parametrize(
    ("path", "expression"),
    [
        ("$.a.b[0]", "state_input.a.b[0]"),
        ("$['odd key'].x", 'state_input["odd key"].x'),
        ("$.class", 'state_input["class"]'),
        ("$._private", 'state_input["_private"]'),
        ("$$.Execution.Id", "context.Execution.Id"),
        ("$$.Map.Item.Value.x", "item.x"),
        ("$total", "var.total"),
        ("States.Format('a-{}-{}', $.id, $$.Execution.Name)", 'f"a-{state_input.id}-{context.Execution.Name}"'),
        ("States.MathAdd($turn, -1)", "var.turn - 1"),
        ("States.ArrayLength(States.StringSplit($.a, ','))", 'fn.count(fn.split(state_input.a, ","))'),
        ("States.Array($.a, 'b')", '[state_input.a, "b"]'),
        ("States.JsonMerge($.a, $.b, false)", "fn.merge(state_input.a, state_input.b)"),
    ],
)
def test_jsonpath_is_written_as_expressions(path: str, expression: str) -> None:
    assert jsonpath(path) == expression


@pytest.mark.parametrize("path", ["$..a", "$.a[?(@.b > 1)]", "$.a[*]", "$['a']", "States.Format('{}',$.a)"])
def test_what_the_api_would_write_differently_stays_a_text(path: str) -> None:
    assert f'"k.$": "{path}"' in text_of(row({"Type": "Pass", "Parameters": {"k.$": path}}))


@pytest.mark.parametrize(
    ("query", "expression"),
    [
        ("$states.input.a.b", "state_input.a.b"),
        ("'don-' & $states.input.id", 'f"don-{state_input.id}"'),
        ("$a + 1 > 2 and $exists($b)", "(var.a + 1 > 2) & is_present(var.b)"),
        ("$exists($a) ? $a : 'none'", 'fn.default(var.a, "none")'),
        ("$a in ['x', 'y']", 'one_of(var.a, "x", "y")'),
        ("[$filter($rows, function($row) {$row.n > 100})]", "where(var.rows, lambda row: row.n > 100)"),
        ("$contains($a, /x+/i)", 'fn.contains(var.a, re.compile(r"x+", re.IGNORECASE))'),
        ("$lookup($a, $b).c", "fn.lookup(var.a, var.b).c"),
        ("$rows[-1].id", "var.rows[-1].id"),
        ("$a=1", 'jsonata("$a=1")'),
        ("1 / 0", 'jsonata("1 / 0")'),
        ("$rows[n = 1]", 'jsonata("$rows[n = 1]")'),
        ("($x := 1; $x)", 'jsonata("($x := 1; $x)")'),
    ],
)
def test_jsonata_is_written_as_expressions(query: str, expression: str) -> None:
    state = {"Type": "Pass", "Output": {"k": f"{{% {query} %}}"}}
    text = text_of({"QueryLanguage": "JSONata", **row(state)})
    assert f'"k": {expression}' in text


@pytest.mark.parametrize(
    ("rule", "condition"),
    [
        ({"Variable": "$.a", "StringEquals": "x"}, 'state_input.a == "x"'),
        ({"Variable": "$.a", "BooleanEquals": True}, "state_input.a"),
        ({"Not": {"Variable": "$.a", "NumericEquals": 1}}, "state_input.a != 1"),
        ({"Variable": "$.a", "NumericLessThanPath": "$.b"}, "number(state_input.a) < state_input.b"),
        ({"Variable": "$.a", "TimestampLessThan": "2030-01-01T00:00:00Z"}, 'timestamp(state_input.a) < "2030'),
        ({"Variable": "$.a", "StringMatches": "*b*"}, 'fn.contains(state_input.a, "b")'),
        ({"Variable": "$.a", "StringMatches": "b*"}, 'matches(state_input.a, "b*")'),
        (
            {"Or": [{"Variable": "$.a", "StringEquals": "x"}, {"Variable": "$.a", "StringEquals": "y"}]},
            'one_of(state_input.a, "x", "y")',
        ),
        (
            {"And": [{"Variable": "$.a", "IsPresent": True}, {"Variable": "$.a", "IsNull": False}]},
            "is_present(state_input.a) & (is_null(state_input.a) == False)",
        ),
        ({"Variable": "$.odd-key", "IsNull": True}, '{"Variable": "$.odd-key", "IsNull": True}'),
    ],
)
def test_choice_rules_are_written_as_conditions(rule: dict[str, Any], condition: str) -> None:
    states = {"A": {"Type": "Choice", "Choices": [{**rule, "Next": "B"}], "Default": "B"}, "B": {"Type": "Succeed"}}
    assert f"when({condition}" in text_of({"StartAt": "A", "States": states})


def test_results_are_read_by_the_name_of_the_step_that_gave_them() -> None:
    ask = {"Type": "Task", "Resource": LAMBDA, "ResultPath": "$.job"}
    use = {"Type": "Pass", "Parameters": {"id.$": "$.job.id", "other.$": "$.other"}}
    assert 'output={"id": a.out.id, "other": state_input.other}' in text_of(row(ask, use))


def test_a_result_that_two_steps_may_have_given_is_read_from_the_document() -> None:
    ask = {"Type": "Task", "Resource": LAMBDA, "ResultPath": "$.job"}
    states = {
        "Which": {"Type": "Choice", "Choices": [{"Variable": "$.x", "IsPresent": True, "Next": "A"}], "Default": "B"},
        "A": {**ask, "Next": "Use"},
        "B": {**ask, "Next": "Use"},
        "Use": {"Type": "Pass", "InputPath": "$.job", "End": True},
    }
    text = text_of({"StartAt": "Which", "States": states})
    assert ".out" not in text
    assert 'Pass("Use", output=state_input.job)' in text


def test_states_that_differ_in_a_few_values_are_made_by_a_function() -> None:
    message = {"Kind": "note", "Text.$": "$.text", "Channel": "mail", "Sender": "shop", "Language": "en", "Version": 2}
    states = [
        {"Type": "Task", "Resource": PUBLISH, "Parameters": {"TopicArn": topic, "Message": message | {"Kind": topic}}}
        for topic in ("orders", "parcels", "invoices")
    ]
    text = text_of(row(*states))
    assert "def publish(name: str, topic_arn: str) -> Task:" in text
    assert 'publish("B", "parcels")' in text


def test_what_several_states_have_gets_a_name() -> None:
    retry = [{"ErrorEquals": ["Busy"], "IntervalSeconds": 5}]
    caught = [{"ErrorEquals": ["States.ALL"], "Next": "B", "ResultPath": None}]
    first = {"Type": "Task", "Resource": LAMBDA, "Retry": retry, "Catch": caught}
    definition = row(first, {"Type": "Wait", "Seconds": 1}, {"Type": "Task", "Resource": LAMBDA, "Retry": retry})
    text = text_of(definition)
    assert 'busy_errors = retry("Busy", interval=5)' in text
    assert text.count("retry=busy_errors") == 2


def test_what_all_tasks_have_becomes_defaults() -> None:
    task = {"Type": "Task", "Resource": LAMBDA, "Retry": [{"ErrorEquals": ["Busy"]}], "TimeoutSeconds": 60}
    text = text_of(row(task, task, task))
    assert 'defaults=Defaults(retry=retry("Busy"), timeout=60)' in text
    assert text.count("retry=") == 1


def test_functions_of_the_project_are_called_by_their_folder() -> None:
    functions = {"charge": {"source": "handlers/charge", "timeout": 50}}
    task = {"Type": "Task", "Resource": OWN, "ResultPath": "$.payment"}
    text = text_of(row(task), functions=functions)
    assert 'Task("A", Function("charge", "handlers/charge", timeout=50), into="payment")' in text


def test_a_loop_that_counts_is_repeat_with_at_most() -> None:
    states = {
        "Try.Count": {"Type": "Pass", "Assign": {"tries": 1}, "Next": "Try"},
        "Try": {"Type": "Task", "Resource": LAMBDA, "Next": "Right?"},
        "Right?": {
            "Type": "Choice",
            "Choices": [
                {"Condition": "{% $states.input.right %}", "Next": "Done"},
                {"Condition": "{% $tries < 8 %}", "Assign": {"tries": "{% $tries + 1 %}"}, "Next": "Try"},
            ],
            "Default": "GaveUp",
        },
        "GaveUp": {"Type": "Fail"},
        "Done": {"Type": "Succeed"},
    }
    text = text_of({"QueryLanguage": "JSONata", "StartAt": "Try.Count", "States": states})
    assert "until=state_input.right" in text
    assert "at_most=8" in text
    assert 'otherwise=fail("GaveUp")' in text


def test_seconds_are_durations_if_they_are_whole_hours_or_days() -> None:
    text = text_of(row(*({"Type": "Wait", "Seconds": seconds} for seconds in (90, 7200, 172_800))))
    assert "seconds=90" in text
    assert "timedelta(hours=2)" in text
    assert "timedelta(days=2)" in text


def test_several_machines_are_in_one_file() -> None:
    sources = [Imported(name, row({"Type": "Pass"}, {"Type": "Pass"})) for name in ("orders", "parcels")]
    text = converted(sources).text
    assert 'orders = StateMachine("orders", chain(Pass("A"), Pass("B")))' in text
    assert 'parcels = StateMachine("parcels", chain(Pass("A"), Pass("B")))' in text


def test_a_long_text_of_several_lines_is_between_triple_quotes() -> None:
    query = (
        'SELECT "name"\n  FROM orders -- all of them \n WHERE path = \'C:\\temp\'\n   AND note <> """"\n'
        + 90 * "x"
        + '"'
    )
    text = text_of(row({"Type": "Task", "Resource": PUBLISH, "Parameters": {"Message": query, "TopicArn": "t"}}))
    assert 'message = """\\\nSELECT "name"\n' in text
    assert "Message=message" in text
