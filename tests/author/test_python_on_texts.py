"""What Python's own text operations do with a value of the flow: the flow means the same, or the line is an error.

Each operation is written in a flow, on a path and on an f-string with one. If nothing is reported, the flow runs with
real texts, and has to give what Python gives for them.
"""

from __future__ import annotations

import builtins
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import flowdsl as f
from flowdsl import project
from flowdsl.base.diagnostics import Diagnostic, FlowError
from flowdsl.calls.lambdas import LocalLambdas
from flowdsl.engine import execute, prepare

HEAD = """import copy, functools, html, inspect, itertools, json, operator, pickle, re, string, textwrap, urllib.parse
import fnmatch, os, pathlib, unicodedata, flowdsl as f; from re import sub as swap
X = f.state_input.x
T = f"a-{X}"
S = f"{X}"
"""
T_LINE, S_LINE, LINE = 4, 5, 6
TEXTS, NUMBERS = ["Ab c", "", " 7 ", "a-"], [7, 3]


def written(tmp_path: Path, value: str) -> tuple[list[Diagnostic], list[dict[str, Any]]]:
    """The problems of a flow with this value in line 6, and its definition if there are none."""
    (tmp_path / "pyproject.toml").touch()
    file = tmp_path / "flow.py"
    step = 'f.Pass("P", output={"v": V, "x": X, "t": T, "s": S})'
    file.write_text(f'{HEAD}V = {value}\nmachine = f.StateMachine("m", {step}, query_language="JSONata")\n')
    try:
        loaded = project.load(file)
        problems = project.review(loaded, packaging=False)
        return problems, [] if problems else [f.dump(each.machine) for each in loaded if each.machine]
    except FlowError as error:
        return [*error.diagnostics], []


def hold_the_rule(tmp_path: Path, value: str) -> None:
    lines = (LINE, T_LINE, S_LINE) if value.startswith(AT_THE_TEXT) else (LINE,)
    problems, definitions = written(tmp_path, value)
    for problem in problems:
        has_place = problem.span and problem.span.line in lines
        assert has_place or "JSON" in problem.message, problem.text()
    for definition in definitions:
        for x in NUMBERS if "X" in value else TEXTS:
            scope: dict[str, Any] = {}
            try:
                exec(f"{HEAD.replace('f.state_input.x', repr(x))}V = {value}", scope)
            except TypeError:
                continue  # only a value of the flow can do that
            output = execute(prepare(definition), {"x": x}, invoke=LocalLambdas({})).output
            assert json.loads(json.dumps(output))["v"] == json.loads(json.dumps(scope["V"])), (value, x)


METHODS = sorted(name for name in dir(str) if not name.startswith("_") and name != "maketrans")
ARGUMENTS: dict[str, list[str]] = {
    "replace": ["'a', 'b'", "'', '-'"],
    "translate": ["{97: 'b'}"],
    "join": ["['b', 'c']", "[S, T]", "()"],
    **{key: ["3", "40"] for key in ("ljust", "rjust", "center", "zfill")},
    **{key: ["", "'-'", "'-', 1"] for key in ("split", "rsplit")},
    **{key: ["", "'a'", "'-'"] for key in ("strip", "lstrip", "rstrip")},
    **{key: ["'-'", "'a-'"] for key in ("partition", "rpartition", "removeprefix", "removesuffix")},
    **{key: ["'a'", "S", "'xY'"] for key in ("startswith", "endswith", "find", "rfind", "index", "rindex", "count")},
}


def of_methods() -> Iterator[str]:
    for name in METHODS:
        for arguments in ARGUMENTS.get(name, [""]):
            for text in ("T", "S", 'f"a-{X}!"', "(S + '!')", "'-'.join([S, T])", "'{}.'.format(S)", "str(T)"):
                yield f"{text}.{name}({arguments})"


OPERATORS = [
    *(
        "{0}[0]",
        "{0}[1:]",
        "{0}[:-1]",
        "{0}[::2]",
        "'a' in {0}",
        "'xY' in {0}",
        "{0} in ('a', 'b')",
        "{0} in {{'a', 'b'}}",
    ),
    *(
        "{0} == 'a-'",
        "{0} != 'a-'",
        "'a' < {0}",
        "{0} >= 'a'",
        "{0} == f'a-{{X}}'",
        "f'{{X}}' == {0}",
        "[{0}] == ['a']",
    ),
    *("{0} + 'b'", "'b' + {0}", "{0} + {0}", "{0} * 2", "2 * {0}", "'%s' % {0}", "'%20s' % ({0},)", "'%r' % {0}"),
    *(
        "'%(a)s' % {{'a': {0}}}",
        "{0} % 5",
        "f'{{{0}}}'",
        "f'{{{0}:>9}}'",
        "f'{{{0}!r}}'",
        "f'{{{0}!s}}'",
        "f'{{{0}=}}'",
    ),
    *("f'{{[{0}]}}'", "f'{{({0}, 1)}}'", "f'{{dict(a={0})}}'", "'{{:>9}}'.format({0})", "'{{!r}}'.format({0})"),
    *("'{{0[0]}}'.format({0})", "'{{a}}'.format_map({{'a': {0}}})", "'{{}}'.format([{0}])", "format({0}, '>9')"),
    *("format({0})", "[*{0}]", "{{**{0}}}", "{0} or 'b'", "not {0}", "1 if {0} else 2", "{0} and 'b'", "-{0}"),
    *("{{{0}: 1}}", "{{'a': 1}}.get({0}, 2)", "{{'a': 1}}[{0}]", "{{'a': 1, **{{{0}: 2}}}}", "len({{{0}, 'a'}})"),
    *("str([{0}])", "repr({{'a': {0}}})", "'a'.replace('a', {0})", "'a'.join([{0}, 'b'])", "'ab'.startswith({0})"),
    *(
        "json.dumps({0})",
        "json.dumps({{'a': {0}}})",
        "json.dumps({0}, ensure_ascii=False)",
        "json.dumps([{0}], default=str)",
    ),
    *("json.dumps({{'a': {0}}}, ensure_ascii=False)", "textwrap.fill({0}, 3)"),
    *("textwrap.indent({0}, '> ')", "textwrap.shorten({0}, 3)", "string.Template('$a!').substitute(a={0})"),
    *(
        "string.capwords({0})",
        "urllib.parse.quote({0})",
        "html.escape({0})",
        "sorted([{0}, 'a', 'b'])",
        "max({0}, 'a')",
    ),
    *("[each for each in {0}]", "[*map(str.upper, [{0}])]", "str.upper({0})", "copy.copy({0})", "copy.deepcopy({0})"),
    *(
        "copy.deepcopy({{'a': {0}}})['a']",
        "pickle.loads(pickle.dumps({0}))",
        "functools.reduce(operator.add, [{0}, 'b'])",
    ),
    *("[*itertools.chain({0})]", "re.sub('-', '_', {0})", "re.sub('[^a-z]', '', {0})", "re.split('-', {0})"),
    *("{0}.encode().decode()", "int({0})", "int({0}, 16)", "float({0})", "bytes({0}, 'utf-8').decode()", "len({0})"),
    *("[*reversed({0})]", "dict.fromkeys([{0}])", "[*enumerate({0})]", "[*zip({0}, 'ab')]", "next(iter({0}))"),
    *(
        "'ab'.startswith({0})",
        "'ab'.find({0})",
        "'ab'.count({0})",
        "'ab'.replace({0}, 'b')",
        "{0} in 'ab'",
        "{0} not in ()",
    ),
    *("re.match('a', {0}) is None", "re.compile('a').search({0}) is None", "'ab'.strip({0})"),
    *("swap('-', '_', {0})", "functools.partial(re.sub, '-', '_')({0})", "[*map(re.compile('-').sub, ['_'], [{0}])]"),
    *(
        "getattr(re, 'sub')('-', '_', {0})",
        "{{'a': re.sub}}['a']('-', '_', {0})",
        "re.Pattern.sub(re.compile('-'), '', {0})",
    ),
    *(
        "(lambda x, swap=re.sub: swap('-', '_', x))({0})",
        "fnmatch.fnmatch({0}, 'a-*')",
        "[*filter(re.compile('b').match, [{0}])]",
    ),
    *("fnmatch.filter([{0}], 'b*')", "unicodedata.normalize('NFKD', {0})", "re.compile('-').split({0})"),
    *("any({0})", "sum([{0}], '')", "operator.contains({0}, 'a')", "operator.itemgetter(0)({0})", "bool({0})"),
]
AT_THE_TEXT = ("json.dumps", "repr(", "str([", "ascii(", "format([", "'{}'.format([", "'{!r}'.format(")
AT_THE_TEXT += ("[*map(str.upper", "pickle.dumps(", "{T: 1}", "{S: 1}", "{'a': 1, **{", "dict.fromkeys(")
"""Python's code in C changes these without asking, which shows in the token; a key is wrong where it is used."""

BUILTINS = sorted(
    name
    for name, value in vars(builtins).items()
    if callable(value)
    and not name.startswith("_")
    and not (isinstance(value, type) and issubclass(value, BaseException))
    and name not in ("id", "dir", "callable", "type", "print", "input", "exit", "quit", "help", "breakpoint")
    and name not in ("copyright", "credits", "license", "exec", "eval", "compile", "open", "vars")
)
"""All that take a text, or anything, and give something of it."""


def test_what_python_shows_to_people_is_no_part_of_the_flow(tmp_path: Path) -> None:
    """A repr may be printed and logged; dataclasses and other containers have it too."""
    (tmp_path / "pyproject.toml").touch()
    file = tmp_path / "flow.py"
    file.write_text(
        f"from dataclasses import dataclass\n{HEAD}@dataclass\nclass Part:\n    path: object\n"
        "print(Part(X), [X], {'k': X}, repr(X), T)\n"
        "machine = f.StateMachine('m', f.Pass('P', output={'x': X, 't': T, 's': S}), query_language='JSONata')\n"
    )
    assert project.review(project.load(file), packaging=False) == []
    file.write_text(file.read_text().replace("{'x': X,", "{'x': repr(Part(X)),"))
    problems = project.review(project.load(file), packaging=False)
    assert [(each.code, each.span and each.span.line) for each in problems] == [("FD215", 11)]


def test_a_text_may_go_through_what_keeps_results(tmp_path: Path) -> None:
    """A cached helper, and a frozen dataclass that is a key of it."""
    (tmp_path / "pyproject.toml").touch()
    file = tmp_path / "flow.py"
    file.write_text(
        f"from dataclasses import dataclass\n{HEAD}@dataclass(frozen=True)\nclass Part:\n    text: str\n"
        "@functools.cache\ndef step(text, part):\n    return {'text': text, 'part': part.text}\n"
        "V = step(T, Part(S))\n"
        "machine = f.StateMachine('m', f.Pass('P', output={'v': V, 'x': X}), query_language='JSONata')\n"
    )
    assert project.review(project.load(file), packaging=False) == []
    other = tmp_path / "other.py"
    other.write_text(file.read_text().replace("V = step(T, Part(S))", "V = {Part('a'): 1}.get(Part(S), T)"))
    problems = project.review(project.load(other), packaging=False)
    assert [(each.code, each.span and each.span.line) for each in problems] == [("FD215", 13)]


@pytest.mark.parametrize(
    ("value", "named"),
    [
        ("os.path.join('s3:', S)", "os.path.join()"),
        ("str(pathlib.PurePosixPath('a') / T)", "pathlib.PurePosixPath('a') / T"),
        ("textwrap.fill(T, 3)", "textwrap.fill()"),
        ("S.startswith('a')", "Python's startswith()"),
    ],
)
def test_messages_name_what_the_author_calls(value: str, named: str, tmp_path: Path) -> None:
    problems, _ = written(tmp_path, value)
    assert problems
    assert problems[0].message.startswith(f"{named} reads the text with "), problems[0].message


@pytest.mark.parametrize(
    ("value", "is_known"),
    [
        *(("T.startswith('a')", True), ("T.startswith('b')", True), ("T.startswith(('b', 'a-'))", True)),
        *(("T.startswith('a-A')", False), ("T.startswith(('b', 'a-A'))", False), ("T.startswith('a', 1)", False)),
        *(("(T + '.fifo').endswith('.fifo')", True), ("(T + '.fifo').endswith('x.fifo')", False)),
        *(("'-' in T", True), ("'b' in T", False), ("'a-A' in T", False)),
        *(("T == 'b'", True), ("T != None", True), ("T == ''", True), ("T == 'a-'", False), ("S == ''", False)),
        *(("(T + '-a') == 'a-a'", True), ("(T + '-a') == 'a--a'", False), ("T == S", False)),
        *(("os.path.join('s3:', T)", True), ("T or 'b'", True)),
    ],
)
def test_what_the_constant_pieces_tell_may_be_asked(value: str, is_known: bool, tmp_path: Path) -> None:
    problems, _ = written(tmp_path, value)
    assert (not problems) is is_known
    hold_the_rule(tmp_path, value)


@pytest.mark.parametrize("value", [*of_methods()])
def test_every_method_of_a_text(value: str, tmp_path: Path) -> None:
    hold_the_rule(tmp_path, value)


@pytest.mark.parametrize("value", [each.format(one) for each in OPERATORS for one in ("T", "S", "X", "f'b{X}'")])
def test_every_operation(value: str, tmp_path: Path) -> None:
    hold_the_rule(tmp_path, value)


@pytest.mark.parametrize("value", [f"{name}({one})" for name in BUILTINS for one in ("T", "S", "X", "[T]", "[X, X]")])
def test_every_builtin(value: str, tmp_path: Path) -> None:
    hold_the_rule(tmp_path, value)
