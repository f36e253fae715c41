"""A value of the wrong kind: one message, at the argument's line, with what to write instead."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest

from flowdsl import project
from flowdsl.base.diagnostics import Diagnostic, FlowError

HEAD = """import re
from datetime import timedelta
import flowdsl as f
from flowdsl import aws, fn, state_input, var

X = state_input.x
done = X == 1
task = f.Task("T", f.Function("t"))
"""

PUT = 'aws.dynamodb.put_item(TableName="x", Item={"id": {"S": "1"}})'

STEPS = [
    ("f.chain(f.Pass('A'), «'B'»)", "'B' is not a step", "goto('B')"),
    ("f.chain(f.Pass('A'), «f.when(done)»)", "when(...) is not a step", "Choice("),
    ("f.chain(*[f.Pass('A')], 'B')", "'B' is not a step", "goto('B')"),
    ("f.chain(«[f.Pass('A')]»)", "a list is not a step", "one after the other"),
    ("f.chain(«f.Function('x')»)", "the Function 'x' is not a step", "Task("),
    ("f.chain(«f.Pass»)", "the class Pass is not a step", 'Pass("Name"'),
    ("f.chain(«None»)", "None is not a step", "return"),
    ("f.chain(task, «f.retry('E')»)", "retry(...) is not a step", "retry=retry(...)"),
    ("f.chain(«f.StateMachine('n', task)»)", "the StateMachine 'n' is not a step", "start_execution"),
    (f"f.chain(«{PUT}»)", "an Integration is not a step", "Task("),
    ("f.chain(task, «X»)", "state_input.x is not a step", "Pass("),
    ("f.Choice('C', f.when(done, «'B'»))", "'B' is not a step", "goto('B')"),
    ("f.Choice('C', f.when(done, task, «[f.Pass('A')]»))", "a list is not a step", "one after the other"),
    ("f.Choice('C', f.when(done), otherwise=«'B'»)", "'B' is not a step", "goto('B')"),
    ("f.Choice('C', f.when(done), otherwise=[task, «'B'»])", "'B' is not a step", "goto('B')"),
    ("f.Choice('C', f.when(«'x == 1'», task))", "a condition compares values of the flow", "state_input.status =="),
    ("f.Choice('C', f.when(«5», task))", "a condition compares values of the flow", "state_input.status =="),
    ("f.Choice('C', f.when(«True», task))", "the condition is Python's True", "compare with =="),
    ("f.guard(«'A'», f.catch('E', task))", "'A' is not a step", "goto('A')"),
    ("f.guard([task, «'A'»], f.catch('E', task))", "'A' is not a step", "goto('A')"),
    ("f.guard(task, «f.retry('E')»)", "guard takes catch(...) after the steps", "guard(chain(...), catch(...))"),
    ("«f.guard(task)»", "guard has no catch(...)", "guard(chain(...), catch(...))"),
    ("f.chain(f.Pass('A'), f.goto(«5»))", "goto takes a state or its name, not 5", "goto("),
    ("f.chain(f.Pass('A'), f.goto(«f.chain(task)»))", "not a chain", "goto('T')"),
    ("f.chain(f.Pass('A'), f.goto(«f'{X}'»))", "constant text", "Choice"),
    ("f.Pass('A').as_(«5»)", "as_ takes text, not 5", "as_("),
    ("f.chain(f.Pass('A')).as_(«task»)", "as_ takes text, not the Task 'T'", "as_("),
]
LOOPS = [
    ("f.repeat(task, until=«'x'»)", "until= is a condition, not 'x'", "compare"),
    ("f.repeat(task, until=«True»)", "until= is a condition, not True", "compare"),
    ("f.repeat(task, until=done, at_most=«0»)", "1 or more, not 0", "at_most=8"),
    ("f.repeat(task, until=done, at_most=«True»)", "1 or more, not True", "at_most=8"),
    ("f.repeat(task, until=done, at_most=«'5'»)", "1 or more, not '5'", "at_most=8"),
    ("f.repeat(task, until=done, failed=«'x'»)", "failed= is a condition, not 'x'", "when(condition"),
    ("f.repeat(task, until=done, between=«'x'»)", "'x' is not a step", "goto('x')"),
    ("f.repeat(task, until=done, at_most=2, otherwise=«'x'»)", "'x' is not a step", "goto('x')"),
    ("f.repeat(task, until=done, otherwise=«task»)", "otherwise= is for the time after at_most=", "at_most="),
    ("f.repeat(task, until=done, at_most=2, counter=«'n'»)", "counter= is a variable, not 'n'", "var.turn"),
    ("f.repeat(task, until=done, name=«5»)", "name= is the name of the Choice, not 5", "name="),
    ("f.repeat(«'A'», until=done)", "'A' is not a step", "goto('A')"),
    ("f.poll(«'A'», every=3, until=done)", "'A' is not a step", "goto('A')"),
    ("f.poll(task, every=«'5'», until=done)", "whole seconds, 0 or more, not '5'", "every=30"),
    ("f.poll(task, every=«-5», until=done)", "whole seconds, 0 or more, not -5", "every=30"),
    ("f.poll(task, every=«timedelta(milliseconds=5)», until=done)", "not 0.005 seconds", "every=30"),
]
STATES = [
    ("f.Parallel('P', «'A'», f.Pass('B'))", "a branch is a state or a chain, not 'A'", "chain(...)"),
    ("f.Parallel('P', named=«[task]»)", "named= is a dict of branches by name, not a list", "named={"),
    ("f.Parallel('P', named={'a': «'x'»})", "a branch is a state or a chain, not 'x'", "chain(...)"),
    ("f.Map('M', processor=«'x'»)", "a processor is a state or a chain, not 'x'", "processor=chain(...)"),
    ("f.Map('M', processor=«f.Function('x')»)", "not the Function 'x'", 'Task("Each", function)'),
    ("f.Map('M', processor=task, item_reader=«'a'»)", "item_reader takes ItemReader(...)", "ItemReader(...)"),
    ("f.Task('A', «f.Pass('x')»)", "the Pass 'x' cannot be called", "Function"),
    ("f.Task('A', «aws.dynamodb.put_item»)", "dynamodb:putItem is not called", "aws.sqs"),
    ("f.Task('A', f.Function(«5»))", "a Function takes its name first, not 5", "Function("),
    ("f.Task('A', f.Function(«f'x{X}'»))", "the name of a Function must be constant text", "dynamic("),
    ("f.Task('A', «f'arn:aws:lambda:eu-west-1:123456789012:function:{X}'»)", "must be constant text", "dynamic("),
    ("f.Task('A', f.dynamic(«'x'», allowed=[]))", "dynamic takes the path", "Task("),
    ("f.Task('A', f.dynamic(X, allowed=«[]»))", "at least one Function", "allowed=[function"),
    ("f.Task('A', f.dynamic(X, allowed=«f.Function('y')»))", "at least one Function", "allowed=[function"),
    ("f.Task('A', f.Function('x'), retry=«'E'»)", "retry takes retry(...), not 'E'", "retry(...)"),
    ("f.Task('A', f.Function('x'), retry=f.retry(«5»))", "an error is a name or an exception class", "retry("),
    ("f.Task('A', f.Function('x'), retry=f.retry('E', «int»))", "not the class int", "retry("),
    ("f.Task('A', f.Function('x'), catch=f.catch(«None», task))", "not None", "catch("),
    ("f.Task('A', f.Function('x'), catch=f.catch(«task»))", "not the Task 'T'", 'catch("States.ALL"'),
    ("f.Task('A', f.Function('x'), catch=f.catch('E', «'B'»))", "'B' is not a step", "goto('B')"),
    ("f.Task('A', f.Function('x'), retry=f.retry(«aws.dynamodb.errors»))", "all errors of a service", "name one"),
    ("f.Task('A', f.Function('x'), catch=f.catch(f.Http(«'429'»), task))", "a status from 100 to 599", ""),
    ("f.Pass('A', into=«f'x{X}'»)", "into= is constant text", "var.payment"),
    ("f.Task('A', aws.dynamodb.put_item(«'x'»))", "takes arguments by name, not 'x'", "TableName="),
    ("f.Task('A', «aws.dynamodb.put_item.snc»(TableName='x'))", "has no .snc: did you mean 'sync'?", ""),
]
VALUES = [
    ("f.Pass('A', output=f.one_of(«'a'», 'b'))", "is the value of the flow that is looked for", "path"),
    ("f.Pass('A', output=f.one_of(X, «['b']»))", "one after the other, not a list", "one_of(path"),
    ("f.Pass('A', output=f.cond(«True», 1, 2))", "the first argument of cond is a condition", "a if test else b"),
    ("f.Pass('A', output=f.where(X, «5»))", "a function is needed here, not 5", "lambda"),
    ("f.Pass('A', output=f.where(X, «lambda: 5»))", "takes 0 parameters, but it gets 1 to 3 values", "lambda"),
    ("f.Pass('A', output=fn.match(X, «'a+'»))", "match takes a regular expression", "re.compile"),
    ("f.Pass('A', output=fn.contains(X, «5»))", "a pattern is text or a regular expression", "re.compile"),
    ("f.Pass('A', output=fn.match(X, «re.compile(b'a')»))", "not one for bytes", "re.compile"),
    ("f.Pass('A', output=fn.hash(X, «'SHA-3'»))", "there is no algorithm 'SHA-3'", "SHA-256"),
    ("f.Pass('A', output=f.matches(X, «5»))", "the pattern of matches", "constant text"),
    ("f.Pass('A', output=f.is_present(«'a'»))", "is a value of the flow, not 'a'", "path"),
    ("f.Pass('A', output=«fn.substring(X)»)", "substring(...) needs start", ""),
    ("f.Pass('A', output=«X + [1]»)", "+ takes numbers, not [1]; to join lists, write fn.append", ""),
    ("f.Pass('A', output=«X[1:2]»)", "cannot be sliced: use fn.substring", ""),
    ("f.Pass('A', output=«abs(X)»)", "write fn.abs(path)", ""),
    ("f.Pass('A', output=«round(X)»)", "write fn.round(path)", ""),
    ("f.Pass('A', output=«int(X)»)", "fn.floor(path)", ""),
    ("f.Pass('A', output=«X ** 2»)", "write fn.power(path, 2)", ""),
    ("f.Pass('A', output=«X // 2»)", "write fn.floor(a / b)", ""),
    ("f.Pass('A', output=«max(X, 1)»)", "fn.max", ""),
    ("f.Pass('A', output={'a': «timedelta(1)»})", "a value of type timedelta has no JSON form", "use an expression"),
    ("f.Pass('A', comment=«f'x{X}'»)", "comment= must be constant", "constant"),
]


def reports(tmp_path: Path, expression: str, language: str = "JSONata") -> list[Diagnostic]:
    """What is reported of a file in which the marked part is on a line of its own."""
    before, _, rest = expression.partition("«")
    marked, _, after = rest.partition("»")
    start = "machine = f.StateMachine('m', (\n"
    file = tmp_path / "flow.py"
    file.write_text(HEAD + start + before + "\n" + marked + after + f"\n), query_language={language!r})\n")
    try:
        return [each for loaded in project.load(file) for each in (loaded.machine.problems if loaded.machine else ())]
    except FlowError as error:
        return [*error.diagnostics]


LINE = HEAD.count("\n") + 3
"""The line of the marked part; what is before it is one line above."""


def line(problem: Diagnostic) -> int:
    return problem.span.line if problem.span else 0


@pytest.mark.parametrize(("expression", "message", "hint"), STEPS + LOOPS + STATES + VALUES)
def test_one_message_at_the_arguments_line(tmp_path: Path, expression: str, message: str, hint: str) -> None:
    problem, *others = reports(tmp_path, expression)
    assert not others
    assert message in problem.message
    assert hint in (problem.hint or "") or hint in problem.message
    if "«" in expression:
        assert line(problem) == LINE


MACHINES = [
    ("f.StateMachine('m', «'A'»)", "'A' is not a step"),
    ("f.StateMachine('m', «f.StateMachine('n', task)»)", "the flow is another StateMachine"),
    ("f.StateMachine(«5», task)", "a StateMachine takes its name first, not 5"),
    ("f.StateMachine(«f'm{X}'», task)", "the name of a machine must be constant text"),
    ("f.StateMachine('m', task, defaults=«5»)", "defaults= takes Defaults(...), not 5"),
    ("f.StateMachine('m', task, defaults=f.Defaults(retry=«'x'»))", "retry= of Defaults takes retry(...), not 'x'"),
    ("f.StateMachine('m', task, defaults=f.Defaults(catch=«5»))", "catch= of Defaults takes catch(...), not 5"),
    ("f.StateMachine('m', task, defaults=f.Defaults(timeout=«'x'»))", "timeout= of Defaults is whole seconds"),
    ("f.StateMachine('m', task, defaults=f.Defaults(timeout=«0»))", "timeout= of Defaults is whole seconds"),
]


@pytest.mark.parametrize(("expression", "message"), MACHINES)
def test_one_message_of_a_machine(tmp_path: Path, expression: str, message: str) -> None:
    before, _, rest = expression.partition("«")
    marked, _, after = rest.partition("»")
    file = tmp_path / "flow.py"
    file.write_text(f"{HEAD}machine = {before}\n{marked}{after}\n")
    try:
        problems = [each for loaded in project.load(file) if loaded.machine for each in loaded.machine.problems]
    except FlowError as error:
        problems = [*error.diagnostics]
    (problem,) = problems
    assert message in problem.message
    assert line(problem) == LINE - 1


JSONPATH = [
    ("f.Task('A', f.Function('x'), catch=f.catch('E', task, output=«{'a': X}»))", "output= of a catch needs JSONata"),
    ("f.Choice('C', f.when(done, task, output=«{'a': X}»))", "output= of a rule needs JSONata"),
    ("f.Succeed('S', output=«{'a': X}»)", "output= of a Succeed is a path under JSONPath, not an object"),
    ("f.Pass('A', output=«X + 1»)", "output= of a Pass is a path or an object under JSONPath, not state_input.x + 1"),
    ("f.Task('A', f.Function('x'), payload=«X + 1»)", "a path or an object under JSONPath, not state_input.x + 1"),
    ("f.Task('A', f.Function('x'), output={'a': «X + 1»})", "reads the result under JSONPath, not state_input.x"),
    ("f.Map('M', processor=task, item_selector=«X»)", "item_selector= is an object under JSONPath"),
]


@pytest.mark.parametrize(("expression", "message"), JSONPATH)
def test_what_jsonpath_cannot_say_is_said_in_the_authors_words(tmp_path: Path, expression: str, message: str) -> None:
    (problem,) = reports(tmp_path, expression, "JSONPath")
    assert message in problem.message
    assert 'query_language="JSONata"' in (problem.hint or "")
    assert line(problem) == LINE


@pytest.mark.parametrize("language", ["JSONPath", "JSONata"])
def test_the_role_of_credentials_may_be_an_expression(language: Literal["JSONPath", "JSONata"]) -> None:
    import flowdsl as f

    task = f.Task("A", f.Function("x"), credentials={"RoleArn": f.state_input.role})
    machine = f.StateMachine("m", task, query_language=language)
    assert not machine.problems
    same = f.Task("A", f.Function("x"), credentials=f.Credentials(f.state_input.role))
    assert f.dump(machine) == f.dump(f.StateMachine("m", same, query_language=language))


CHANGED = [
    '.replace("a", "b")',
    ".zfill(9)",
    ".ljust(9)",
    ".center(40)",
    ".translate({})",
    "[:-1]",
    "[0]",
    '.split("-")',
]


@pytest.mark.parametrize("change", CHANGED)
def test_a_method_or_slice_of_an_f_string_is_an_error(tmp_path: Path, change: str) -> None:
    problems = reports(tmp_path, f"f.Pass('A', output=«f'{{X}}'{change}»)")
    assert [each.code for each in problems] == ["FD215"]
    assert line(problems[0]) == LINE
