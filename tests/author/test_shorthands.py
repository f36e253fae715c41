"""What saves lines: guards, defaults and loops, in what they write and in what they do, in both query languages."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any, get_args

import pytest

import flowdsl as f
from flowdsl import project
from flowdsl.asl.placeholders import fill_placeholders
from flowdsl.author.fields import Language
from flowdsl.calls.lambdas import LocalLambdas
from flowdsl.engine import Result, execute, prepare

LANGUAGES: tuple[Language, ...] = get_args(Language)
WORK = f.Function("work", "handlers/work")
DONE = f.state_input.status == "done"


def task(name: str, **fields: Any) -> f.Task:
    return f.Task(name, WORK, **fields)


def states(*steps: Any, **fields: Any) -> dict[str, Any]:
    machine = f.StateMachine("m", f.chain(*steps), **fields)
    assert not machine.problems, f.FlowError(*machine.problems)
    return dict(f.dump(machine)["States"])


def problems(*steps: Any, **fields: Any) -> list[str]:
    return [each.message for each in f.StateMachine("m", f.chain(*steps), **fields).problems]


def run(flow: Any, language: Language, answers: list[Any], **fields: Any) -> Result:
    """Run a flow in which the Lambda takes its answers off this list; an exception is raised."""

    def work(event: Any, context: Any) -> Any:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    machine = f.StateMachine("m", flow, query_language=language, **fields)
    assert not machine.problems, f.FlowError(*machine.problems)
    definition = fill_placeholders(f.dump(machine), region="eu-west-1", account="111122223333")
    return execute(prepare(definition), {}, invoke=LocalLambdas({"work": work}))


# guard


def test_a_guard_catches_for_every_state_that_can_fail() -> None:
    own = f.catch("Own", f.end())
    run_of_steps = f.chain(task("A", catch=own), f.Pass("B"), f.Choice("C", f.when(DONE, task("D"))), task("E"))
    written = states(f.guard(run_of_steps, f.catch("Boom", f.Pass("Note"), into="error")), f.Pass("After"))
    guarding = {"ErrorEquals": ["Boom"], "ResultPath": "$.error", "Next": "Note"}
    assert written["A"]["Catch"] == [{"ErrorEquals": ["Own"], "Next": "End"}, guarding]
    assert written["D"]["Catch"] == written["E"]["Catch"] == [guarding]
    assert "Catch" not in written["B"]
    assert "Catch" not in written["After"]
    assert written["Note"]["Next"] == "After", "the steps join what follows the guard"
    assert written["E"]["Next"] == "After"
    assert next(iter(written)) == "A"


def test_guards_in_guards() -> None:
    inner = f.guard(task("A"), f.catch("Inner", task("Mend")))
    written = states(f.guard(f.chain(inner, task("B")), f.catch("Outer", f.fail("Broken"))))
    assert [each["Next"] for each in written["A"]["Catch"]] == ["Mend", "Broken"]
    assert [each["Next"] for each in written["Mend"]["Catch"]] == ["Broken"], "not guarded by its own guard"
    assert written["Mend"]["Next"] == "B"
    assert [each["Next"] for each in written["B"]["Catch"]] == ["Broken"]


def test_what_a_states_all_catches_does_not_come_to_the_guard() -> None:
    own = f.catch("States.ALL", f.Pass("Note"))
    written = states(f.guard(task("A", catch=own), f.catch("States.ALL", f.fail("Broken"))), f.Pass("After"))
    assert [each["Next"] for each in written["A"]["Catch"]] == ["Note"]


def test_a_guard_is_a_step_like_others() -> None:
    guarded = f.guard(f.chain(task("A"), task("B")), f.catch("Boom", f.goto("Last")))
    written = states(guarded.as_("First"), guarded >> f.Pass("Last"), f.Choice("Ask", f.when(DONE, f.goto(guarded))))
    assert [*written][:5] == ["First.A", "First.B", "A", "B", "Last"]
    assert written["First.B"]["Next"] == "A"
    assert written["Ask"]["Choices"][0]["Next"] == "A"


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda: f.guard(f.chain(), f.catch("E")), "guard has no steps"),
        (lambda: f.guard(task("A"), f.retry("E")), "takes catch(...) after the steps, not retry(...)"),  # type: ignore[arg-type]
        (lambda: f.guard(task("A"), task("B")), "takes catch(...) after the steps, not the Task 'B'"),  # type: ignore[arg-type]
    ],
)
def test_what_a_guard_refuses(wrong: Any, words: str) -> None:
    with pytest.raises(TypeError) as raised:
        wrong()
    assert words in str(raised.value)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_guarded_run_goes_on_after_a_failure(language: Language) -> None:
    flow = f.chain(
        f.guard(f.chain(task("A", into="a"), task("B", into="b")), f.catch("KeyError", f.Pass("Note"), into="error")),
        f.Pass("After", output={"error": f.state_input.error.Error}),
    )
    assert run(flow, language, [1, KeyError("x")]).output == {"error": "KeyError"}


# defaults


DEFAULTS = f.Defaults(
    retry=[f.lambda_transient, f.retry("States.Timeout", max_attempts=1)],
    catch=f.catch("States.ALL", f.goto("Store"), into="error"),
    timeout=timedelta(minutes=1),
)


def test_defaults_are_for_states_that_say_nothing_else() -> None:
    written = states(
        task("A"),
        task("Own", retry=f.retry("E"), catch=[], timeout=5),
        f.Task("Queue", "arn:aws:states:::sqs:sendMessage", arguments={"QueueUrl": "https://q", "MessageBody": "x"}),
        f.Map("Each", processor=task("Inner")),
        f.Pass("Store"),
        defaults=DEFAULTS,
    )
    lambda_errors = list(f.LAMBDA_SERVICE_ERRORS)
    assert [each["ErrorEquals"] for each in written["A"]["Retry"]] == [lambda_errors, ["States.Timeout"]]
    assert [each["Next"] for each in written["A"]["Catch"]] == ["Store"]
    assert written["A"]["TimeoutSeconds"] == 60
    assert [each["ErrorEquals"] for each in written["Own"]["Retry"]] == [["E"]]
    assert written["Own"]["Catch"] == []
    assert written["Own"]["TimeoutSeconds"] == 5
    assert [each["ErrorEquals"] for each in written["Queue"]["Retry"]] == [["States.Timeout"]], "it calls no Lambda"
    assert [each["Next"] for each in written["Each"]["Catch"]] == ["Store"]
    inner = written["Each"]["ItemProcessor"]["States"]["Inner"]
    assert len(inner["Retry"]) == 2
    assert "Catch" not in inner, "the Map has it"


def test_the_default_catch_does_not_lead_to_itself() -> None:
    store = task("Store")
    written = states(task("A"), store, defaults=f.Defaults(catch=f.catch("States.ALL", f.goto(store))))
    assert "Catch" not in written["Store"]
    written = states(task("A"), defaults=f.Defaults(catch=f.catch("States.ALL", task("Undo"), f.fail("Broken"))))
    assert "Catch" not in written["Undo"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_defaults_in_a_run(language: Language) -> None:
    defaults = f.Defaults(retry=f.retry("KeyError", max_attempts=2), catch=f.catch("States.ALL", f.Succeed("Gave up")))
    assert run(task("A"), language, [KeyError(), KeyError(), {"a": 1}], defaults=defaults).output == {"a": 1}
    gave_up = run(task("A"), language, [ValueError("no")], defaults=defaults)
    assert (gave_up.status, gave_up.output["Error"]) == ("SUCCEEDED", "ValueError")


# repeat and poll


def routes(written: dict[str, Any], name: str) -> list[str]:
    choice = written[name]
    return [*(each["Next"] for each in choice["Choices"]), choice["Default"]]


def test_a_poll_waits_before_each_new_try() -> None:
    written = states(f.poll(f.Pass("Job"), every=timedelta(minutes=1), until=DONE), f.Pass("After"))
    assert [*written] == ["Job", "Job.Repeat", "Job.Wait", "After"]
    assert routes(written, "Job.Repeat") == ["After", "Job.Wait"]
    assert written["Job.Wait"] == {"Type": "Wait", "Seconds": 60, "Next": "Job"}


def test_a_poll_can_wait_first_and_leave_on_failure() -> None:
    written = states(
        f.poll(
            f.Pass("Job"), every=5, until=DONE, failed=f.state_input.status == "bad", waits_first=True, name="Done?"
        ),
        f.Pass("After"),
    )
    assert routes(written, "Done?") == ["After", "Job.Failed", "Job.Wait"]
    assert [*written][:2] == ["Job.Wait", "Job"]
    assert written["Job.Failed"]["Error"] == "Job.Failed"


def test_a_loop_may_leave_another_way() -> None:
    leave = f.when(f.state_input.status == "bad", f.Pass("Mend"), f.end())
    written = states(f.repeat(f.Pass("Try"), f.Pass("Look"), until=DONE, failed=leave), f.Pass("After"))
    assert routes(written, "Try.Repeat") == ["After", "Mend", "Try"]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("answers", "tries", "status", "error"),
    [
        (["done"], 1, "SUCCEEDED", None),
        (["no", "no", "done"], 3, "SUCCEEDED", None),
        (["no", "no", "no"], 3, "FAILED", "Try.Exhausted"),
        (["no", "bad"], 2, "FAILED", "Try.Failed"),
    ],
)
def test_a_loop_counts_its_tries(
    answers: list[str], tries: int, status: str, error: str | None, language: Language
) -> None:
    loop = f.repeat(task("Try", into="last"), until=f.state_input.last.status == "done", at_most=3,
                    failed=f.state_input.last.status == "bad")  # fmt: skip
    left = [{"status": each} for each in (*answers, "not taken")]
    result = run(loop, language, left)
    assert (result.status, result.error) == (status, error), result.cause
    assert len(answers) + 1 - len(left) == tries


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_loop_inside_a_loop_counts_anew(language: Language) -> None:
    inner = f.repeat(task("Inner", into="a"), until=f.state_input.a == 1, at_most=2, otherwise=f.Pass("Gave up"))
    outer = f.repeat(inner, until=f.state_input.a == 1, at_most=2, otherwise=f.Pass("Enough"))
    result = run(outer, language, [0, 0, 0, 1])
    assert result.status == "SUCCEEDED", (result.error, result.cause)
    assert run(outer, language, [0, 0, 0, 0]).output == {"a": 0}


@pytest.mark.parametrize(
    "step",
    [
        lambda: f.repeat(task("Ask-user", into="b"), until=f.state_input.b == 1, at_most=2, otherwise=f.Pass("No")),
        lambda: task("Again", into=f.var.ask_user_tries),
        lambda: f.Pass("Again", assign={"ask_user_tries": 0}),
        lambda: f.Choice("Again", f.when(f.state_input.a == 2, assign={"ask_user_tries": 0})),
    ],
)
def test_nothing_inside_a_loop_sets_its_counter(step: Any) -> None:
    with pytest.raises(TypeError, match=r"counts its tries in var\.ask_user_tries, which .* sets too; name another"):
        f.repeat(task("Ask user", into="a"), step(), until=f.state_input.a == 1, at_most=3)
    assert f.repeat(task("Ask user", into="a"), step(), until=f.state_input.a == 1, at_most=3, counter=f.var.outer)


@pytest.mark.parametrize(
    ("before", "after", "line"),
    [
        ('f.Pass("A", assign={"ask_user_tries": 7})', "", 3),
        ('f.Task("A", f.Function("a"), into=f.var.ask_user_tries)', "", 3),
        ("", 'f.Choice("C", f.when(f.state_input.a == 1, assign={"ask_user_tries": 7}))', 6),
        ('f.Parallel("P", f.Pass("A", assign={"ask_user_tries": 7}), f.Pass("B"))', "", None),
        ('f.repeat(f.Pass("Ask_user"), until=f.state_input.a == 1, at_most=2)', "", None),
    ],
)
def test_a_variable_that_a_loop_counts_in_is_not_set_elsewhere(
    before: str, after: str, line: int | None, tmp_path: Path
) -> None:
    (tmp_path / "pyproject.toml").touch()
    file = tmp_path / "flow.py"
    loop = 'f.repeat(f.Pass("Ask User"), until=f.state_input.a == 1, at_most=2)'
    steps = [before or "f.Pass('X')", loop, "f.Pass('Y')", after or "f.Pass('Z')"]
    lines = ",\n".join(steps)
    file.write_text(f"import flowdsl as f\nmachine = f.StateMachine('m', f.chain(\n{lines}\n))\n")
    problems = [each for loaded in project.load(file) if loaded.machine for each in loaded.machine.problems]
    assert [each.span and each.span.line for each in problems] == ([line] if line else [])
    assert all("var.ask_user_tries is set here too" in each.message for each in problems)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_author_names_the_counter(language: Language) -> None:
    loop = f.repeat(task("Try", into="last"), until=f.state_input.last == 1, at_most=3, counter=f.var.turn)
    flow = f.chain(loop, f.Pass("Count", output={"turn": f.var.turn}))
    assert run(flow, language, [0, 1]).output == {"turn": 2}


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (
            lambda: f.repeat(task("A"), until=DONE, at_most=2, counter="n"),
            "counter= is a variable, not 'n'; write",
        ),
        (lambda: f.repeat(task("A"), until=DONE, counter=f.var.n), "give at_most= too"),
        (lambda: f.repeat(task("A"), until=DONE, otherwise=f.Pass("B")), "give at_most= too"),
        (lambda: f.repeat(task("A"), until=DONE, at_most=0), "1 or more"),
        (lambda: f.repeat(until=DONE), "the loop has no steps"),
        (lambda: f.repeat(f.goto("A"), until=DONE), 'begins with a state, not goto("A")'),
    ],
)
def test_what_a_loop_refuses(wrong: Any, words: str) -> None:
    with pytest.raises(TypeError, match=words.replace("(", r"\(").replace(")", r"\)")):
        wrong()


def test_all_states_of_a_loop_have_the_place_of_its_call() -> None:
    machine = f.StateMachine("m", f.poll(f.Pass("Job"), every=1, until=DONE, at_most=2))
    for name in machine.states:
        span = machine.span(("States", name))
        assert span is not None
        assert span.file == __file__


# names


def test_a_single_state_gets_the_name_itself() -> None:
    assert f.Pass("Send").as_("SendAgain").name == "SendAgain"
    both = f.Parallel("Both", f.Pass("Left")).as_("Again")
    assert [*states(both)["Again"]["Branches"][0]["States"]] == ["Again.Left"]
    assert f.Pass("Send").as_("{}Receipt").name == "SendReceipt"
    email = f.chain(f.Pass("Render"), f.Pass("Send"))
    assert [step.name for step in email.as_("{}Receipt").items] == ["RenderReceipt", "SendReceipt"]


def test_a_function_keeps_its_name() -> None:
    renamed = task("Send").as_("SendAgain")
    assert renamed.resource == WORK
    assert task("Send", catch=f.catch("E", f.goto("Send"))).as_("Again").catch.steps[0].name == "Again"


def test_flows_that_end_share_one_state() -> None:
    choice = f.Choice("Ask", f.when(DONE), f.when(f.state_input.n == 1, f.end()))
    written = states(task("A", catch=f.catch("E")), f.Parallel("Both", f.Pass("L"), choice.as_("R")), choice)
    assert written["A"]["Catch"][0]["Next"] == "Both"
    assert routes(written, "Ask") == ["End", "End", "End"]
    assert [*written["Both"]["Branches"][1]["States"]] == ["R", "Both.End2"]
    assert [*states(f.Choice("Ask", f.when(DONE)), f.Pass("End"))] == ["Ask", "End"]
    named_so = states(f.Choice("Ask", f.when(DONE, f.Pass("End")), otherwise=f.end()))
    assert routes(named_so, "Ask") == ["End", "Ask.End"]


def test_compensations_share_their_steps() -> None:
    undo_stock = f.chain(task("PutBack"), f.fail("Cancelled", error="Cancelled"))
    undo_payment = f.chain(task("Refund"), undo_stock)
    written = states(
        task("TakeStock"),
        task("Charge", catch=f.catch("States.ALL", undo_stock)),
        task("Ship", catch=f.catch("States.ALL", undo_payment)),
    )
    assert written["Charge"]["Catch"][0]["Next"] == "PutBack"
    assert written["Ship"]["Catch"][0]["Next"] == "Refund"
    assert written["Refund"]["Next"] == "PutBack"
    assert len(written) == 6
