"""What authors write and what the definition says: expressions as values and in conditions."""

from __future__ import annotations

import re
import sys
from datetime import UTC, datetime
from functools import reduce
from operator import add
from pathlib import Path
from typing import Any

import pytest

import flowdsl as f
from flowdsl import cond, context, fn, item, item_index, one_of, project, state_input, var, where
from flowdsl.author.expressions import node_of
from flowdsl.author.jsonata import write_jsonata
from flowdsl.base.arguments import WrongArgument

X, Y = state_input.x, state_input.y
result = f.result

A, B = var.a, var.b
JSONATA: list[tuple[Any, str]] = [
    # Numbers and text
    (A + B * 2, "$a + $b * 2"),
    ((A + B) * 2, "($a + $b) * 2"),
    (A - (B - 1), "$a - ($b - 1)"),
    (A - B - 1, "$a - $b - 1"),
    (1 - A / 2, "1 - $a / 2"),
    (A % 2 + -1, "$a % 2 - 1"),
    (-A + 1, "-$a + 1"),
    (A * -1, "$a * -1"),
    (-(A + 1), "-($a + 1)"),
    (var.turn + 1, "$turn + 1"),
    ("order-" + A, "'order-' & $a"),
    (f"{A}-{var.n + 1}", "$a & '-' & ($n + 1)"),
    (f"{A}", "$string($a)"),
    (f"a{A}" + B, "'a' & $a & $b"),
    (fn.string(fn.round(fn.number(A.n) * 100)), "$string($round($number($a.n) * 100))"),
    (item.amount, "$states.context.Map.Item.Value.amount"),
    (item_index + 1, "$states.context.Map.Item.Index + 1"),
    (cond(var.failed > 0, "PARTIAL", "COMPLETE"), "$failed > 0 ? 'PARTIAL' : 'COMPLETE'"),
    (cond(A, cond(B, 1, 2), 3), "$a ? ($b ? 1 : 2) : 3"),
    (cond(A, 1, cond(B, 2, 3)), "$a ? 1 : $b ? 2 : 3"),
    (cond(A, 1, 2) + 1, "($a ? 1 : 2) + 1"),
    ("it's", '"it\'s"'),
    ('say "no"', "'say \"no\"'"),
    ("it's \"no\"", '"it\'s \\"no\\""'),
    ("a\nb\\", "'a\\nb\\\\'"),
    # Conditions
    ((A == 1) & (B == 2) | ~(A < B), "$a = 1 and $b = 2 or $not($a < $b)"),
    ((A == 1) & ((B == 2) | A), "$a = 1 and ($b = 2 or $a)"),
    ((A > 1) == (B > 1), "($a > 1) = ($b > 1)"),
    (~~(A == 1), "$a = 1"),
    (A != None, "$a != null"),  # noqa: E711
    (A == [1, "a"], "$a = [1, 'a']"),
    (fn.count(A) > 3, "$count($a) > 3"),
    (one_of(A, "a", "b"), "$a in ['a', 'b']"),
    (one_of(A, B, "b"), "$a in [$b, 'b']"),
    (datetime(2030, 1, 1, tzinfo=UTC) > A, "$toMillis($a) < $toMillis('2030-01-01T00:00:00Z')"),
    # Lists, objects and what is inside them
    (fn.append(A, {"role": "user", "it's": B}), "$append($a, {'role': 'user', \"it's\": $b})"),
    (fn.merge(A, {"a": 1}), "$merge([$a, {'a': 1}])"),
    (fn.max([A, B]), "$max([$a, $b])"),
    (fn.append(A, [{"a": B}]), "$append($a, [{'a': $b}])"),
    (fn.count([A, "b"]), "$count([$each({'0': $a, '1': 'b'}, function($v) {$v})[]])"),
    (where(A, lambda row: row.n > 1), "[$filter($a, function($row) {$row.n > 1})]"),
    (where(A, lambda row: row.n > 1)[-1], "[$filter($a, function($row) {$row.n > 1})][-1]"),
    (where(A, lambda row: row.n > 1)[-1].text, "([$filter($a, function($row) {$row.n > 1})])[-1].text"),
    (where(A, lambda row: fn.exists(row)), "[$filter($a, function($row) {$exists($row)})[]]"),
    (fn.map(A, lambda row, index: {"id": index}), "[$map($a, function($row, $index) {{'id': $index}})]"),
    (fn.sort(A, lambda row: row.n), "$sort($a, function($l, $r) {$l.n > $r.n})"),
    (fn.reduce(A, lambda total, row: total + row.n, 0), "$reduce($a, function($total, $row) {$total + $row.n}, 0)"),
    (fn.merge(A).a["odd key"][0], "$merge($a).a.`odd key`[0]"),
    (fn.parse(A)[var.i + 1], "$parse($a)[$i + 1]"),
    (fn.array_get_item(fn.parse(A), var.i), "$parse($a)[$i]"),
    (fn.parse(A)[f.number(var.i)], "$parse($a)[$i]"),
    (A[f"x-{B}"], "$lookup($a, 'x-' & $b)"),
    (fn.map(A, lambda row, index: var.c[index]), "[$map($a, function($row, $index) {$c[$index]})[]]"),
    (fn.each(A, lambda value, key: var.c[key]), "[$each($a, function($value, $key) {$lookup($c, $key)})[]]"),
    (A[fn.string(B)], "$lookup($a, $string($b))"),
    (A["a`b"].c, "$lookup($a, 'a`b').c"),
    (A["true"]["in"], "$a.`true`.`in`"),
    # Parameters that would hide a function, a variable or one another get another name
    (fn.map(A, lambda count: fn.count(count)), "[$map($a, function($count2) {$count($count2)})]"),
    (fn.map(A, lambda row: row.n + var.row), "[$map($a, function($row2) {$row2.n + $row})]"),
    (
        fn.map(A, lambda row: where(row.of, lambda row: row.n > 1)),
        "[$map($a, function($row) {[$filter($row.of, function($row2) {$row2.n > 1})]})[]]",
    ),
    # Text and patterns
    (fn.split(A, re.compile(r"[/,]", re.IGNORECASE)), r"$split($a, /[\/,]/i)"),
    (fn.substring(A, 1), "$substring($a, 1)"),
    (fn.default(A.b, ""), "$exists($a.b) ? $a.b : ''"),
    (fn.count(where(A, lambda row: row.n > 1)), "$count($filter($a, function($row) {$row.n > 1}))"),
    (
        fn.sum(fn.map(where(A, lambda row: row.n > 1), lambda row: row.n * 2)),
        "$sum([$map($filter($a, function($row) {$row.n > 1}), function($row) {$row.n * 2})])",
    ),
    (fn.math_random(1, 9), "$floor($random() * 8) + 1"),
    (f.jsonata("$sum(prices)") > 5, "($sum(prices)) > 5"),
    (f.jsonata(f"$sum({A}.price)"), "$sum($a.price)"),
]  # fmt: skip


@pytest.mark.parametrize(("written", "text"), JSONATA, ids=[text for _, text in JSONATA])
def test_jsonata(written: Any, text: str) -> None:
    assert write_jsonata(node_of(written)) == text


def dumped(step: Any, language: Any) -> dict[str, Any]:
    machine = f.StateMachine("m", step, query_language=language)
    assert not machine.problems, f.FlowError(*machine.problems)
    state: dict[str, Any] = f.dump(machine)["States"][step.name]
    return state


def test_every_place_takes_every_expression_under_jsonata() -> None:
    state = dumped(
        f.Task(
            "T",
            "arn:aws:states:::dynamodb:putItem",
            arguments={
                "Item": {"cents": {"N": fn.string(fn.round(fn.number(state_input.amount) * 100))}},
                "import_id": f"{state_input.tenant}-{context.Execution.Name}",
                "is_large": state_input.amount > 100,
                "rows": where(state_input.items, lambda row: (fn.number(row.amount) > 0) & (row.email != "")),
                "both": [state_input.a, cond(var.failed > 0, "PARTIAL", "COMPLETE")],
            },
            timeout=state_input.minutes * 60,
            assign={"messages": fn.append(var.messages, {"role": "assistant", "content": result.Body.content})},
            output={"turn": var.turn + 1},
        ),
        "JSONata",
    )
    assert state["Arguments"] == {
        "Item": {"cents": {"N": "{% $string($round($number($states.input.amount) * 100)) %}"}},
        "import_id": "{% $states.input.tenant & '-' & $states.context.Execution.Name %}",
        "is_large": "{% $states.input.amount > 100 %}",
        "rows": "{% [$filter($states.input.items, function($row) {$number($row.amount) > 0 and $row.email != ''})] %}",
        "both": ["{% $states.input.a %}", "{% $failed > 0 ? 'PARTIAL' : 'COMPLETE' %}"],
    }
    assert state["TimeoutSeconds"] == "{% $states.input.minutes * 60 %}"
    messages = "{% $append($messages, {'role': 'assistant', 'content': $states.result.Body.content}) %}"
    assert state["Assign"] == {"messages": messages}
    assert state["Output"] == {"turn": "{% $turn + 1 %}"}


JSONPATH: list[tuple[Any, str]] = [
    (X + 1, "States.MathAdd($.x, 1)"),
    (X - 1, "States.MathAdd($.x, -1)"),
    (X + Y + var.n, "States.MathAdd(States.MathAdd($.x, $.y), $n)"),
    (f"{X}-{context.Execution.Name}", "States.Format('{}-{}', $.x, $$.Execution.Name)"),
    ("it's {" + X, r"States.Format('it\'s \{{}', $.x)"),
    (fn.string(X), "States.Format('{}', $.x)"),
    (fn.count(X), "States.ArrayLength($.x)"),
    (fn.distinct(X), "States.ArrayUnique($.x)"),
    (fn.array_contains(X, Y), "States.ArrayContains($.x, $.y)"),
    (fn.split(X, ","), "States.StringSplit($.x, ',')"),
    (fn.merge(X, Y), "States.JsonMerge($.x, $.y, false)"),
    (X[var.i], "States.ArrayGetItem($.x, $i)"),
    (fn.split(X, ",")[0], "States.ArrayGetItem(States.StringSplit($.x, ','), 0)"),
    (fn.range(1, 9, 2), "States.ArrayRange(1, 9, 2)"),
    (fn.hash(fn.uuid(), "MD5"), "States.Hash(States.UUID(), 'MD5')"),
]


@pytest.mark.parametrize(("written", "text"), JSONPATH, ids=[text for _, text in JSONPATH])
def test_jsonpath(written: Any, text: str) -> None:
    assert dumped(f.Pass("P", parameters={"v": written}), "JSONPath")["Parameters"] == {"v.$": text}


def line(word: str) -> int:
    """The line of this file that has the word in a comment."""
    lines = Path(__file__).read_text().splitlines()
    return next(number for number, text in enumerate(lines, 1) if text.endswith(f"# here: {word}"))


LEAKED: list[Any] = []
LEAKING = where(X, lambda row: LEAKED.append(row) or row.n > 1)  # type: ignore[func-returns-value]
PRODUCT = X * 2  # here: product
NAMED = f"x-{X}"  # here: token


@pytest.mark.parametrize(
    ("step", "message", "hint", "place"),
    [
        (f.Pass("P", parameters={"v": PRODUCT}), "state_input.x * 2 needs JSONata", "query_language", "product"),
        (f.Pass("P", parameters={"v": LEAKED[0].n}), "the parameter 'row' of a lambda", "inside the lambda", None),
        (f.Pass("P", parameters={"v": X + 0.5}), "States.MathAdd adds integers", "query_language", None),
        (f.Pass("P", parameters={"v": fn.append(X, 1)}), "fn.append needs JSONata", "query_language", None),
        (f.Pass("P", parameters={"v": cond(X, 1, 2)}), "cond(...) needs JSONata", "use a Choice", None),
        (f.Pass("P", parameters={"v": X > 5}), "a condition as a value needs JSONata", "use a Choice", None),
        (
            f.Pass("P", parameters={"v": fn.string(X, pretty=True)}),
            "pretty=True) needs JSONata",
            "query_language",
            None,
        ),
        (f.Pass("P", parameters={"v": X[fn.string(Y)]}), "a field whose name is", "query_language", None),
        (f.Pass("P", parameters={"v": reduce(add, [X] * 3000)}), "nests too deeply", "earlier state", None),
        (f.Pass("P", parameters={"v": fn.split(X, ", ")}), "more than one character", "query_language", None),
        (f.Choice("C", f.when(fn.count(X) > 3)), "in a condition needs JSONata", "assign it to a variable", None),
        (f.Choice("C", f.when(X == Y)), "cannot tell the type", "number(a)", None),
        (f.Choice("C", f.when(fn.count(X))), "is not a condition", "compare it", None),
        (f.Wait("W", seconds=X + 1), "seconds= takes a path under JSONPath", "earlier state", None),
        (f.Pass(NAMED), "state_input.x in the name of a state", "constant text", "token"),
        (f.Task("T", f"arn:aws:states:::sqs:{X}"), "the Resource must be constant text", "dynamic(path", None),
        (f.Pass("P", parameters={f"a-{X}": 1}), "state_input.x in a key", "constant text", None),
        (f.Pass("P", parameters={"a": fn.count({1, 2})}), "a value of type set has no JSON form", "list", None),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_jsonpath_cannot_say_is_one_message_at_its_line(step: Any, message: str, hint: str, place: Any) -> None:
    (problem,) = f.StateMachine("m", step).problems
    assert message in problem.message
    assert hint in (problem.hint or "")
    assert problem.span is not None
    assert problem.span.file == __file__
    assert place is None or problem.span.line == line(place)


@pytest.mark.parametrize(
    ("step", "message"),
    [
        (f.Pass("P", output=X + 2**60), "loses digits"),
        (f.Pass("P", output=LEAKED[0].n + 1), "the parameter 'row' of a lambda is used outside it"),
        (f.Pass("P", output=fn.append(LEAKED[0].n, LEAKING)), "the parameter 'row' of a lambda is used outside it"),
        (f.Pass("P", output=X[Y]), "cannot tell whether state_input.y is an index or the name of a field"),
        (f.Pass("P", output=fn.sum([X, float("inf")])), "inf has no JSON form"),
        (f.Pass("P", output=reduce(add, [X] * 3000)), "nests too deeply"),
        (f.Pass("P", output=fn.map(X, lambda row: {f"k{row.n}": 1})), 'f"k{row.n}" is not a key'),
        (f.Choice("C", f.when(fn.sum(X))), "is not a condition"),
        (f.Pass("P", output={"at": datetime(2030, 1, 1) > X}), "without a time zone"),  # noqa: DTZ001
    ],
)
def test_what_jsonata_cannot_say_is_one_message(step: Any, message: str) -> None:
    (problem,) = f.StateMachine("m", step, query_language="JSONata").problems
    assert message in problem.message
    assert problem.hint


@pytest.mark.parametrize(
    ("use", "expected"),
    [
        ('f"order-{f.state_input.id}"', []),
        ('f"order-{f.state_input.id}"[:7]', ["FD215"]),
        ('(f"{f.state_input.a}", "x")[1]', ["FD215"]),
        ('f"{f.state_input.a}" + "-x"', []),
        ('" ".join([f"{f.state_input.a}", f"{f.state_input.b}"])', []),
        ('f"id-{f.state_input.id}".split("-")[0]', ["FD215"]),
        ('f" {f.state_input.a} ".strip()', ["FD215"]),
        ('f"{f.state_input.a}-b".replace("-", "_")', ["FD215"]),
        ('f"{f.state_input.a}-b"[:-1]', ["FD215"]),
        ('f"id-{f.state_input.a}".removeprefix("id-")', ["FD215"]),
        ('f"{f.state_input.a}-{f.state_input.b}!".split("!")[0]', ["FD215"]),
        ('f"é {f.state_input.a}-{f.state_input.b} ok {f.state_input[0]}"', []),
        ('__import__("textwrap").dedent(f"\\n  Dear {f.state_input.a},\\n  you\\n").strip()', []),
        ('"x" f"{f.state_input.a}" "y" + f"{{{f.state_input.a}}}\\n"', []),
        *[
            (f'f"{literal}{{f.state_input.a}}".{method}()', ["FD215"])
            for literal in ("", "id-", "ID-")
            for method in ("upper", "lower", "title", "capitalize", "swapcase", "casefold")
        ],
    ],
)
def test_an_f_string_that_is_changed_or_not_used_is_a_mistake_at_its_line(
    use: str, expected: list[str], tmp_path: Path
) -> None:
    (tmp_path / "pyproject.toml").touch()
    file = tmp_path / "flow.py"
    file.write_text(f'import flowdsl as f\n\nmachine = f.StateMachine("m", f.Pass("P", parameters={{"v": {use}}}))\n')
    found = [each for each in project.review(project.load(file), packaging=False) if each.code == "FD215"]
    assert [each.code for each in found] == expected
    assert all(each.span and each.span.line == 3 for each in found)


def test_each_f_string_that_is_changed_is_reported(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").touch()
    file = tmp_path / "flow.py"
    file.write_text(
        'import flowdsl as f\na = f.state_input.a\nx = f" {a} "\n'
        'machine = f.StateMachine("m", f.Pass("P", output={"x": x.strip(), "y": f"{a}-".rstrip("-")}))\n'
    )
    found = [each for each in project.review(project.load(file), packaging=False) if each.code == "FD215"]
    assert [each.span and (each.span.line, each.span.column) for each in found] == [(4, 56), (4, 72)]


@pytest.mark.parametrize(
    "use",
    [
        "x.ljust(9)",
        "x.rjust(99)",
        "x.center(9, '-')",
        "x.zfill(20)",
        "f'{x:>50}'",
        "'{:>50}'.format(x)",
        "y.ljust(9)",
        "y.zfill(50)",
        "y if y == 'a' else 'b'",
        "y if y in ('a', 'b') else f'{y}b'",
        "y if y.startswith('ab') else 'b'",
    ],
)
def test_what_python_does_with_a_text_by_its_name_is_reported(use: str, tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").touch()
    file = tmp_path / "flow.py"
    file.write_text(
        'import flowdsl as f\nx, z = f"{f.state_input.a}", 1\ny = f"a{f.state_input.b}"\n'
        f'machine = f.StateMachine("m", f.Pass("P", output={{"v": {use}, "x": x, "y": y}}))\n'
    )
    found = [each for each in project.review(project.load(file), packaging=False) if each.code == "FD215"]
    assert [each.span and each.span.line for each in found] == [4]
    assert "whose value is known only when the flow runs" in found[0].message


@pytest.mark.parametrize(
    "use", ["y.join([y, 'b'])", "y + '   '", "f'{y} {x}'", "f'{x}   '", "f.cond(f.state_input.c == y, 1, 2)", "[x, x]"]
)
def test_what_python_may_do_with_a_text(use: str, tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").touch()
    file = tmp_path / "flow.py"
    file.write_text(
        'import flowdsl as f\nx, z = f"{f.state_input.a}", 1\ny = f"a{f.state_input.b}"\n'
        f'machine = f.StateMachine("m", f.Pass("P", output={{"v": {use}, "x": x, "y": y}}), query_language="JSONata")\n'
    )
    assert project.review(project.load(file), packaging=False) == []


@pytest.mark.parametrize(
    "value", ['{"a": f.state_input.x}', "f.state_input.x", 'f"{f.state_input.x}"', "f.retry", "{1, 2}"]
)
def test_a_keyword_that_is_not_there_is_one_mistake_whatever_its_value(value: str, tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").touch()
    file = tmp_path / "flow.py"
    file.write_text(f'import flowdsl as f\nmachine = f.StateMachine("m", f.Pass("P", outptu={value}))\n')
    (problem,) = project.review(project.load(file), packaging=False)
    assert (problem.code, problem.hint) == ("FD102", "did you mean output=…?")


@pytest.mark.parametrize("text", ["{X!r}", "{X!a}", "{X=}", "{[X]!r}", "{X!s}", "{X:>5}"])
def test_an_f_string_does_not_hold_the_python_of_an_expression(text: str) -> None:
    with pytest.raises(TypeError, match=r"known only when the flow runs|no text until the flow runs"):
        eval(compile(f'f"{text}"', __file__, "eval"), {"X": X})
    assert repr(X) == "state_input.x"


@pytest.mark.parametrize(
    ("mistake", "message", "names"),
    [
        (lambda: f.var[f"a{X}"], "the name of a variable must be constant text", ()),
        (lambda: f.Function("x", f"handlers/{X}"), "the source of a Function must be constant text", ("#1", "source")),
        (lambda: fn.contains(X, re.compile("a++")), "JSONata's regular expressions have no ++", ("#1", "pattern")),
        (lambda: fn.substring(X, "x"), "start= of fn.substring is a number, not 'x'", ("#1", "start")),
        (lambda: fn.uppercase(3), "text= of fn.uppercase is text, not 3", ("#0", "text")),
        (lambda: fn.length(X + 1), "text= of fn.length is text, not state_input.x + 1", ("#0", "text")),
        (lambda: fn.pad(X, None), "width= of fn.pad is a number, not None", ("#1", "width")),
        (lambda: fn.sum([1, "a"]), "numbers= of fn.sum is a list of numbers, not of 'a'", ("#0", "numbers")),
        (lambda: fn.join([1]), "texts= of fn.join is a list of texts, not of 1", ("#0", "texts")),
        (lambda: fn.partition(X, size="x"), "size= of fn.partition is a number, not 'x'", ("#1", "size")),
        (lambda: fn.assert_(X + 1, "x"), "condition= of fn.assert_ is true or false", ("#0", "condition")),  # noqa: PT009 - not unittest
        (lambda: fn.contains(5, "x"), "text= of fn.contains is text, not 5", ("#0", "text")),
        (lambda: fn.to_millis(5), "text= of fn.to_millis is text, not 5", ("#0", "text")),
    ],
)
def test_an_argument_of_fn_of_another_kind(mistake: Any, message: str, names: tuple[str, ...]) -> None:
    with pytest.raises(WrongArgument) as caught:
        mistake()
    assert message in caught.value.message
    assert caught.value.names == names


def test_functions_take_what_is_not_known_and_single_values() -> None:
    for each in (
        fn.substring(X, X),
        fn.sum(3),
        fn.max([1, X]),
        fn.join(["a", f"{X}"], ","),
        fn.merge({"a": 1}, X),
        fn.merge([{"a": 1}, X]),
        fn.assert_(X == 1, "no"),  # noqa: PT009
        fn.uppercase(cond(X, "a", 1)),
        fn.hash(5, "MD5"),
    ):
        assert write_jsonata(node_of(each))


def test_every_signature_is_that_of_a_function() -> None:
    from flowdsl.author.signatures import _SIGNATURES

    for name, signature in _SIGNATURES.items():
        parameters = fn._parameters(name)
        assert len(parameters) >= len(signature.split()) or name == "merge", name


class _Interpolation:
    def __init__(self, value: Any) -> None:
        self.value, self.expression, self.conversion, self.format_spec = value, "x", None, ""


def t_string() -> Any:
    """`t"order-{X}-{5}"`, in the form that it has where Python knows t-strings, or in ours where it does not."""
    from flowdsl.author.expressions import Template

    if sys.version_info >= (3, 14):
        return eval('t"order-{X}-{5}"')
    template: Any = Template()
    template.strings, template.interpolations = ("order-", "-", ""), (_Interpolation(X), _Interpolation(5))
    return template


def test_a_t_string_is_a_text() -> None:
    assert write_jsonata(node_of(t_string())) == "'order-' & $states.input.x & '-5'"
    assert dumped(f.Pass("P", output=t_string()), "JSONata")["Output"] == "{% 'order-' & $states.input.x & '-5' %}"


@pytest.mark.parametrize(
    ("mistake", "words"),
    [
        (lambda: bool(X == 1), "cond"),
        (lambda: fn.map(X, len), "write a lambda"),
        (lambda: where(X, lambda: True), "takes 0 parameters"),
        (lambda: where(X, lambda row: row.a and row.b), "write &"),
        (lambda: cond(X is None, 1, 2), "first argument of cond"),  # type: ignore[arg-type]
        (lambda: one_of(X), "nothing to compare with"),
        (lambda: X[1.5], "name of a field or an index"),  # type: ignore[index]
        (lambda: (X == 1) & 5, "parentheses"),  # type: ignore[operator]
        (lambda: X * "a", "takes numbers"),
    ],
)
def test_what_python_refuses_at_once(mistake: Any, words: str) -> None:
    with pytest.raises(TypeError, match=words):
        mistake()
