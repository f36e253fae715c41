"""The wiring: what leads where."""

from __future__ import annotations

import json
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

import flowdsl as f

TASKS = f.Function("tasks", "handlers/tasks")
DONE = f.state_input.status == "done"


def wired(*steps: Any) -> dict[str, Any]:
    machine = f.StateMachine("m", f.chain(*steps))
    assert not machine.problems, f.FlowError(*machine.problems)
    return f.dump(machine)


def routes(definition: dict[str, Any]) -> dict[str, Any]:
    """Where each state leads: a name, END, or for a Choice the targets of its rules and its default."""
    found: dict[str, Any] = {}
    for name, state in definition["States"].items():
        if state["Type"] == "Choice":
            found[name] = [rule["Next"] for rule in state["Choices"]] + [state["Default"]]
        elif state["Type"] in ("Succeed", "Fail"):
            found[name] = state["Type"]
        else:
            found[name] = "END" if state.get("End") else state["Next"]
    return found


def test_a_chain_leads_from_state_to_state() -> None:
    definition = wired(f.Pass("A"), f.chain(f.Pass("B"), f.Pass("C")), f.Pass("D"))
    assert definition["StartAt"] == "A"
    assert routes(definition) == {"A": "B", "B": "C", "C": "D", "D": "END"}


def test_shift_is_sugar_for_chain() -> None:
    a, b, c = f.Pass("A"), f.Pass("B"), f.Pass("C")
    assert (a >> b >> c) == f.chain(a, b, c)


def test_a_choice_falls_through_to_the_next_item() -> None:
    definition = wired(f.Choice("Ask", f.when(DONE, f.Pass("Note"))), f.Pass("After"))
    assert routes(definition) == {"Ask": ["Note", "After"], "Note": "After", "After": "END"}


def test_a_rule_without_steps_falls_through() -> None:
    definition = wired(f.Choice("Ask", f.when(DONE), otherwise=f.Pass("Other")), f.Pass("After"))
    assert routes(definition) == {"Ask": ["After", "Other"], "Other": "After", "After": "END"}


def test_branches_opt_out_with_goto_end_and_fail() -> None:
    first = f.Pass("First")
    definition = wired(
        first,
        f.Choice(
            "Ask",
            f.when(f.state_input.n == 1, f.goto(first)),
            f.when(f.state_input.n == 2, f.Pass("Last"), f.end()),
            f.when(f.state_input.n == 3, f.end()),
            f.when(f.state_input.n == 4, f.fail("Broken", error="E")),
        ),
        f.Pass("After"),
    )
    assert routes(definition) == {
        "First": "Ask",
        "Ask": ["First", "Last", "End", "Broken", "After"],
        "Last": "END",
        "Broken": "Fail",
        "After": "END",
        "End": "Succeed",
    }


def test_a_choice_at_the_end_of_the_chain_ends_the_flow_and_never_fails_with_no_choice_matched() -> None:
    definition = wired(f.Choice("Ask", f.when(DONE, f.Pass("Note"))))
    assert routes(definition) == {"Ask": ["Note", "End"], "Note": "END", "End": "Succeed"}


def test_an_inner_choice_falls_through_to_what_follows_the_outer_one() -> None:
    inner = f.Choice("Inner", f.when(DONE, f.Pass("Deep")))
    definition = wired(f.Choice("Outer", f.when(DONE, inner)), f.Pass("After"))
    assert routes(definition)["Inner"] == ["Deep", "After"]
    assert routes(definition)["Deep"] == "After"


def test_states_stand_in_the_order_in_which_they_were_said() -> None:
    definition = wired(f.Pass("A"), f.Choice("B", f.when(DONE, f.Pass("C"), f.Pass("D"))), f.Pass("E"))
    assert [*definition["States"]] == ["A", "B", "C", "D", "E"]


def test_catch_joins_what_follows() -> None:
    task = f.Task("T", "arn:aws:states:::sqs:sendMessage", catch=[f.catch("States.ALL", f.Pass("Note"))])
    definition = wired(task, f.Pass("After"))
    assert definition["States"]["T"]["Catch"] == [{"ErrorEquals": ["States.ALL"], "Next": "Note"}]
    assert routes(definition) == {"T": "After", "Note": "After", "After": "END"}


def test_catch_at_the_end_of_the_flow_ends_it() -> None:
    definition = wired(f.Task("T", "arn:aws:states:::sqs:sendMessage", catch=[f.catch("States.ALL", into="error")]))
    assert definition["States"]["T"]["Catch"][0]["Next"] == "End"


def test_a_state_in_two_machines_is_not_rewired() -> None:
    shared = f.Pass("Shared")
    one = wired(shared, f.Pass("One"))
    two = wired(shared, f.Pass("Two"))
    assert routes(one)["Shared"] == "One"
    assert routes(two)["Shared"] == "Two"
    assert shared.next is f.UNSET


def test_explicit_next_is_kept() -> None:
    definition = wired(f.Pass("A", next="C"), f.Pass("B"), f.Pass("C"))
    assert routes(definition)["A"] == "C"


def test_as_prefixes_names_through_parallel_map_and_gotos() -> None:
    step = f.Pass("Step")
    inner = f.chain(
        step,
        f.Parallel("Both", f.Pass("Left"), f.Map("Each", processor=f.Pass("Item"))),
        f.Choice("Ask", f.when(DONE, f.goto(step)), f.when(f.state_input.n == 1, f.goto("Elsewhere"))),
    )
    definition = wired(inner.as_("Receipt"), f.Pass("Elsewhere"))
    states = definition["States"]
    assert [*states] == ["Receipt.Step", "Receipt.Both", "Receipt.Ask", "Elsewhere"]
    assert [rule["Next"] for rule in states["Receipt.Ask"]["Choices"]] == ["Receipt.Step", "Elsewhere"]
    branches = states["Receipt.Both"]["Branches"]
    assert [*branches[0]["States"]] == ["Receipt.Left"]
    assert [*branches[1]["States"]] == ["Receipt.Each"]
    assert [*branches[1]["States"]["Receipt.Each"]["ItemProcessor"]["States"]] == ["Receipt.Item"]
    assert [state.name for state in inner.items] == ["Step", "Both", "Ask"], "the original keeps its names"


def test_a_sub_flow_can_be_used_twice() -> None:
    email = f.chain(f.Pass("Render"), f.Pass("Send"))
    definition = wired(email.as_("Receipt"), email.as_("Thanks"))
    assert [*definition["States"]] == ["Receipt.Render", "Receipt.Send", "Thanks.Render", "Thanks.Send"]


def test_branches_may_share_nothing_but_look() -> None:
    definition = wired(f.Parallel("P", f.chain(f.Pass("A"), f.Pass("B")), f.Pass("C")))
    branches = definition["States"]["P"]["Branches"]
    assert [branch["StartAt"] for branch in branches] == ["A", "C"]
    assert routes(branches[0]) == {"A": "B", "B": "END"}


def test_raw_takes_any_state() -> None:
    definition = wired(f.raw("R", {"Type": "Pass", "Result": {"a": 1}}), f.Pass("After"))
    assert definition["States"]["R"] == {"Type": "Pass", "Result": {"a": 1}, "Next": "After"}


# Mistakes


def problems(*steps: Any) -> list[f.Diagnostic]:
    return f.StateMachine("m", f.chain(*steps)).problems


def test_two_nexts_for_one_state_show_both_lines() -> None:
    shared = f.Pass("Shared")
    (problem,) = problems(f.Choice("Ask", f.when(DONE, shared, f.Pass("B"))), f.Pass("C"), shared, f.Pass("D"))
    assert problem.code == "FD211"
    assert "'B' and 'D'" in problem.message
    assert problem.span is not None
    assert problem.span.file == __file__


def test_two_states_of_one_name_show_both_lines() -> None:
    (problem,) = problems(f.Pass("Same"), f.Pass("Other"), f.Wait("Same", seconds=1))
    assert problem.code == "FD201"
    assert "first at line" in problem.message
    assert ".as_(" in (problem.hint or "")


def test_nothing_follows_a_goto() -> None:
    first = f.Pass("A")
    (problem,) = problems(first, f.goto(first), f.Pass("B"))
    assert problem.code == "FD210"


def test_chain_takes_only_steps() -> None:
    with pytest.raises(TypeError, match="is not a step"):
        f.chain(f.Pass("A"), "B")


def test_an_expression_has_no_truth() -> None:
    with pytest.raises(TypeError, match="has no value until the flow runs"):
        bool(DONE)
    with pytest.raises(TypeError, match="use Map"):
        list(f.state_input.items)


def test_comparing_two_paths_needs_a_type() -> None:
    (problem,) = problems(f.Choice("Ask", f.when(DONE & (f.state_input.a == f.state_input.b), f.Pass("A"))))
    assert "type of state_input.a == state_input.b" in problem.message
    assert "number(a)" in (problem.hint or "")


@pytest.mark.parametrize(
    ("step", "words"),
    [
        (lambda: f.Pass("P", result={"at": Decimal("1.5")}), "a value of type Decimal has no JSON form"),
        (lambda: f.Pass("P", parameters={"at": {1, 2}}), "a value of type set has no JSON form"),
        (lambda: f.Pass("P", result=object()), "a value of type object has no JSON form"),
        (lambda: f.Pass("P", result=float("nan")), "nan has no JSON form"),
        (lambda: f.Pass("P", result={"a": f.state_input.x}), "must be a constant here"),
        (lambda: f.Pass("P", parameters={"f": TASKS}), "the function 'tasks' is not a value"),
        (lambda: f.Pass("P", into="$.a"), "name of one field"),
        (lambda: f.Pass("P", into="a.b"), "name of one field"),
        (lambda: f.Pass("P", into=3), "name of one field"),
        (lambda: f.Task("T", TASKS, wait_for_task_token=True), "gets no task token"),
        (lambda: f.Task("T", f.Function("x", "handlers/x", tiemout=3)), "unknown setting 'tiemout'"),
        (lambda: f.Parallel("P", named=["x"]), "named= is a dict"),
        (lambda: f.Choice("C", f.when(f.state_input.x == {"a": 1}, f.Pass("A"))), "comparing state_input.x"),
        (lambda: f.Choice("C", f.when(f.state_input.x < datetime(2030, 1, 1), f.Pass("A"))), "without a time zone"),  # noqa: DTZ001
    ],
)
def test_what_an_author_may_get_wrong_is_a_problem_at_its_place(step: Any, words: str) -> None:
    (problem,) = problems(step())
    assert words in problem.message
    assert problem.hint
    assert problem.span is not None
    assert problem.span.file == __file__


X = f.state_input.x


@pytest.mark.parametrize(
    ("step", "words"),
    [
        (lambda: f.Parallel("P", [f.Pass("A"), f.Pass("B")]), "a branch is a state or a chain, not a list"),
        (lambda: f.Parallel("P", f.Pass("A"), X), "a branch is a state or a chain, not state_input.x"),
        (lambda: f.Parallel("P", f.Pass("A"), named={"b": f.Pass("B")}), "both list the branches"),
        (lambda: f.Pass("P", into="a", result_path="$.b"), "both set where"),
        (lambda: f.Choice("C", f.when(X == 1), X > 3), "takes when(...), not state_input.x > 3"),
        (lambda: f.Choice("C", f.when(X == 1), (X > 3, f.Pass("A"))), "takes when(...), not a tuple"),
        (lambda: f.Choice("C", f.when(X == 1, [f.Pass("A")])), "is not a step"),
        (lambda: f.Choice("C", f.when(X == 1), otherwise="B"), "is not a step"),
        (lambda: f.Choice("C", f.when(X + 1, f.Pass("A"))), "is not a condition"),
        (lambda: f.Choice("C", f.when(X is None, f.Pass("A"))), "Python's False"),
        (lambda: f.Pass("P", parameters={X: 3}), "not a key of a JSON object"),
        (lambda: f.Map("M", processor=TASKS), "a processor is a state or a chain, not the Function"),
    ],
)
def test_what_is_of_another_kind_is_a_problem(step: Any, words: str) -> None:
    machine = f.StateMachine("m", step())
    (problem,) = machine.problems
    assert words in problem.message
    assert problem.hint
    assert problem.span is not None
    json.dumps(f.dump(machine))


@pytest.mark.parametrize(
    ("mistake", "words"),
    [
        (lambda: (X == 1) + 1, "takes numbers"),
        (lambda: f"{X:>5}", "cannot be formatted"),
        (lambda: str(X), "put it into an f-string"),
        (lambda: len(X), "fn.count"),
        (lambda: 1 in X, "array_contains"),
        (lambda: X in ("a", "b"), r"one_of\(path"),
        (lambda: X not in ["a"], r"one_of\(path"),
        (lambda: X == 1 and X == 2, "write &"),
        (lambda: X.startswith("x"), "matches"),
        (lambda: X == "x" & X.y == "y", "parentheses"),
        (lambda: f.Task(TASKS), "a Task takes its name first"),
        (lambda: f.poll(TASKS, every=1, until=X == 1), "is not a step"),
    ],
)
def test_what_python_alone_can_refuse_says_what_to_write(mistake: Any, words: str) -> None:
    with pytest.raises(TypeError, match=words):
        mistake()


def test_an_exception_class_stands_for_its_name() -> None:
    task = f.Task("T", TASKS, retry=[f.retry(KeyError, "E")], catch=[f.catch(ValueError, f.end())])
    state = wired(task)["States"]["T"]
    assert state["Retry"][0]["ErrorEquals"] == ["KeyError", "E"]
    assert state["Catch"][0]["ErrorEquals"] == ["ValueError"]


def test_an_unknown_keyword_of_a_retry_is_kept_for_the_checker() -> None:
    task = f.Task("T", TASKS, retry=[f.retry("E", jitterr="FULL")])  # type: ignore[call-arg]
    assert wired(task)["States"]["T"]["Retry"] == [{"ErrorEquals": ["E"], "Jitterr": "FULL"}]


def test_a_machine_has_a_name() -> None:
    with pytest.raises(TypeError, match="takes its name first"):
        f.StateMachine(f.chain(f.Pass("A")))  # type: ignore[arg-type]


def test_chain_takes_no_catch() -> None:
    with pytest.raises(TypeError, match="is not a step"):
        f.chain(f.Pass("A"), f.catch("E"))


def test_a_helper_is_shown_with_the_place_that_called_it() -> None:
    def helper(name: str) -> f.Pass:
        return f.Pass(name, into="$.a")

    origin = helper("P").origin
    assert origin is not None
    assert origin.outer is None, "a test is no module"


def test_otherwise_none_leaves_a_choice_without_a_way_on() -> None:
    definition = wired(f.Choice("Ask", f.when(DONE, f.Pass("Note")), otherwise=None), f.Pass("After"))
    assert "Default" not in definition["States"]["Ask"]
    assert definition["States"]["Note"]["Next"] == "After"


def test_an_iterator_takes_a_flow() -> None:
    definition = wired(f.Map("Each", iterator=f.chain(f.Pass("One"), f.Pass("Two"))))
    assert definition["States"]["Each"]["Iterator"]["StartAt"] == "One"
    assert routes(definition["States"]["Each"]["Iterator"]) == {"One": "Two", "Two": "END"}


def test_a_test_that_must_not_hold() -> None:
    absent = f.is_present(f.state_input.note) == False  # noqa: E712 - the expression is a value of the flow
    definition = wired(f.Choice("Ask", f.when(absent, f.Pass("Note"))), f.Pass("After"))
    assert definition["States"]["Ask"]["Choices"][0] == {"Variable": "$.note", "IsPresent": False, "Next": "Note"}


def test_a_guard_can_be_a_branch_or_a_processor() -> None:
    guarded = f.guard(f.Task("Try", TASKS), f.catch("States.ALL", f.Pass("Note")))
    definition = wired(f.Map("Each", processor=guarded))
    processor = definition["States"]["Each"]["ItemProcessor"]
    assert processor["StartAt"] == "Try"
    assert processor["States"]["Try"]["Catch"][0]["Next"] == "Note"
