"""A second set of seeded bugs, with other operators and other flows: `python -m benchmarks.planted [SEED] [COUNT]`.

Where benchmarks/mutations.py misspells, this one changes what a flow means: a field of another kind, a rule that is
there twice, a counter that stands still, another shape of a handler's result or event, a setting, a line of YAML. Each
operator says at which lines of which file a colleague would look. Correct edits must stay without a new finding.
With `--missed` it prints what was missed.
"""

from __future__ import annotations

import ast
import random
import re
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from flowdsl import project
from flowdsl.base.diagnostics import Diagnostic, FlowError

from .mutations import ROOT, Source, calls, chain_of

SEEDED = ROOT / "benchmarks" / "seeded"
SETTINGS = """[tool.flowdsl]
flow = "FLOW"
output = "build"

[tool.flowdsl.environments.test]
region = "eu-west-1"
account = "123456789012"
tags = { team = "travel" }
"""


class Host(NamedTuple):
    """A flow, and what its expressions are: words of its own that the operators put in each other's place."""

    flow: str
    kinds: Mapping[str, str]


HOSTS = (
    Host(
        "travel/travel_flow.py",
        {
            "state_input.id": "text",
            "state_input.budget": "number",
            "state_input.legs": "list",
            "state_input.traveller": "object",
            "reserve.out.cents": "number",
            "reserve.out.wait_seconds": "number",
            "search.out.offers": "list",
            "search.out.partial": "boolean",
            "state_input.traveller.name": "text",
        },
    ),
    Host(
        "claims/claims_flow.py",
        {
            "state_input.number": "text",
            "state_input.damages": "list",
            "state_input.urgent": "boolean",
            "register.out.account": "text",
            "pay.out.again_in": "number",
            "pay.out.reference": "text",
        },
    ),
    Host("stock.asl.yaml", {}),
)


class Planted(NamedTuple):
    """A change of one file: the lines, by file, where a colleague would look; the file's new text."""

    kind: str
    places: frozenset[tuple[str, int]]
    file: str
    text: str
    what: str


def _at(file: str, *lines: int | None) -> frozenset[tuple[str, int]]:
    return frozenset((file, line) for line in lines if line)


# Bugs of a flow in Python.


def flow_bugs(host: Host, file: str, source: Source, chance: random.Random) -> Iterator[Planted]:
    for make in (_reads, _kinds, _rules, _places, _loops, _errors, _limits, _services, _events):
        yield from make(host, file, source, chance)


_OTHER_WORDS = ("total_amount", "state", "reference_no", "value", "kind_of", "payload", "ident")


def _outermost(source: Source) -> Iterator[tuple[ast.Attribute, list[str]]]:
    inner = {id(node.value) for node in ast.walk(source.tree) if isinstance(node, ast.Attribute)}
    targets = {id(k.value) for call, _ in calls(source) for k in call.keywords if k.arg in ("into", "counter")}
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Attribute) and id(node) not in inner | targets:
            names = chain_of(node)
            if names and not isinstance(getattr(node, "ctx", None), ast.Store):
                yield node, names


def _reads(_: Host, file: str, source: Source, chance: random.Random) -> Iterator[Planted]:
    """A field that does not exist, of a result, an input or an answer."""
    for node, names in _outermost(source):
        if names[:2] == ["result", "Output"]:
            continue  # Nobody knows what another state machine answers.
        if names[0] in ("state_input", "result") or (len(names) > 2 and names[1] == "out"):
            new = chance.choice(_OTHER_WORDS)
            end = source.place(node)[1]
            text = source.replaced((end - len(names[-1]), end, new))
            yield Planted("other field", _at(file, node.end_lineno), file, text, f"{'.'.join(names)} → {new}")
            text = source.replaced((end, end, f".{new}"))
            if names[-1] not in ("out", "state_input", "result", "Output", "S", "Item"):
                yield Planted("field too deep", _at(file, node.end_lineno), file, text, f"{'.'.join(names)}.{new}")
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant) and "var." in source.of(node):
            for index in (node.slice.value + 2, 1 - node.slice.value):
                text = source.replaced((*source.place(node.slice), str(index)))
                yield Planted("index", _at(file, node.lineno), file, text, f"[{index}]")


_WRONG_ARGUMENTS = {
    "sum": ("text", "object"),
    "uppercase": ("number", "list"),
    "round": ("text", "boolean"),
    "length": ("number",),
    "join": ("object", "number"),
}
_WRONG_VALUES = {"seconds": ("text", "list", "boolean"), "items": ("text", "number", "boolean")}


def _kinds(host: Host, file: str, source: Source, chance: random.Random) -> Iterator[Planted]:
    """A value of another kind: in a field, an argument of a function, an operand."""

    def one_of(kinds: tuple[str, ...]) -> str | None:
        names = [name for name, kind in host.kinds.items() if kind in kinds]
        return chance.choice(names) if names else None

    def put(kind: str, node: ast.expr, kinds: tuple[str, ...]) -> Iterator[Planted]:
        new = one_of(kinds)
        if new and new.split(".")[0] in source.text[: source.starts[node.lineno - 1]] and new != source.of(node):
            text = source.replaced((*source.place(node), new))
            yield Planted(kind, _at(file, node.lineno), file, text, f"{source.of(node)} → {new}")

    for call, name in calls(source):
        function = chain_of(call.func)
        if "fn" in function and name in _WRONG_ARGUMENTS and call.args:
            yield from put("function's argument", call.args[0], _WRONG_ARGUMENTS[name])
        for keyword in call.keywords:
            if keyword.arg in _WRONG_VALUES and isinstance(keyword.value, ast.Attribute):
                yield from put("field's kind", keyword.value, _WRONG_VALUES[keyword.arg])
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Compare) and isinstance(node.left, ast.Attribute):
            other = node.comparators[0]
            if isinstance(other, ast.Constant) and isinstance(other.value, str):
                yield from put("compared kind", node.left, ("number", "list", "boolean"))
                new = chance.choice(("Paid", "done", "OK", "refused!"))
                text = source.replaced((*source.place(other), repr(new)))
                yield Planted("compared value", _at(file, node.lineno), file, text, new)
            elif isinstance(other, ast.Constant) and isinstance(other.value, int):
                yield from put("compared kind", node.left, ("text",))
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
            yield from put("operand", node.left, ("text", "object"))


def _conditions(source: Source) -> Iterator[tuple[ast.Call, ast.expr]]:
    for call, name in calls(source):
        if name == "when" and call.args:
            yield call, call.args[0]


def _rules(_: Host, file: str, source: Source, chance: random.Random) -> Iterator[Planted]:
    """Rules that are never used, and conditions that always or never hold."""
    by_choice: dict[int, list[ast.expr]] = {}
    for call, name in calls(source):
        if name == "Choice":
            whens = [each for each in call.args if isinstance(each, ast.Call) and source.of(each.func).endswith("when")]
            by_choice[call.lineno] = [each.args[0] for each in whens]
    for conditions in by_choice.values():
        for at, each in enumerate(conditions[1:], 1):
            first = chance.choice(conditions[:at])
            text = source.replaced((*source.place(each), source.of(first)))
            yield Planted("same rule", _at(file, each.lineno), file, text, source.of(first))
    for _, condition in _conditions(source):
        for node in ast.walk(condition):
            if not isinstance(node, ast.Compare) or not isinstance(node.comparators[0], ast.Constant):
                continue
            value = node.comparators[0].value
            if isinstance(value, bool) or not isinstance(node.ops[0], ast.Eq):
                continue
            other = repr(value + 1 if isinstance(value, int) else "refused" if value != "refused" else "paid")
            left, whole = source.of(node.left), source.of(node)
            never = f"({whole}) & ({left} == {other})"
            always = f"({left} != {value!r}) | ({left} != {other})"
            for kind, new in (("never true", never), ("always true", always)):
                text = source.replaced((*source.place(node), f"({new})"))
                yield Planted(kind, _at(file, node.lineno), file, text, new)


def _readers(source: Source, name: str) -> list[int]:
    return [
        node.end_lineno or 0
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Attribute) and chain_of(node)[:2] == [name, "out"] and len(chain_of(node)) > 2
    ]


def _assigned(source: Source) -> Iterator[tuple[str, ast.Call, str]]:
    """The steps that have a name: the name, the call, what is called."""
    for statement in source.tree.body:
        if isinstance(statement, ast.Assign) and isinstance(statement.value, ast.Call):
            target = statement.targets[0]
            if isinstance(target, ast.Name):
                yield target.id, statement.value, chain_of(statement.value.func)[-1]


def _places(_: Host, file: str, source: Source, chance: random.Random) -> Iterator[Planted]:
    """A result that replaces the document, or a part of it that is read later."""
    inputs = {names[1] for _, names in _outermost(source) if names[0] == "state_input" and len(names) > 1}
    for name, call, kind in _assigned(source):
        into = next((each for each in call.keywords if each.arg == "into"), None)
        if kind not in ("Task", "Map", "Parallel") or into is None or source.of(into.value).endswith("DISCARD"):
            continue
        readers = _readers(source, name)
        lines = _at(file, call.lineno, into.lineno, *readers, *_later_reads(source, call))
        without = source.without(into)
        fewer = source.text.count("\n") - without.count("\n")
        after = frozenset((own, line - fewer if line > into.lineno else line) for own, line in lines)
        yield Planted("missing into", after, file, without, name)
        if isinstance(into.value, ast.Constant):
            other = chance.choice(sorted(inputs))
            text = source.replaced((*source.place(into.value), repr(other)))
            reads = [n.end_lineno for n, names in _outermost(source) if names[:2] == ["state_input", other]]
            yield Planted("overwriting into", lines | _at(file, *reads), file, text, f"into={other!r}")


def _later_reads(source: Source, call: ast.Call) -> list[int | None]:
    return [
        node.end_lineno
        for node, names in _outermost(source)
        if names[0] == "state_input" and node.lineno > (call.end_lineno or 0)
    ]


def _loops(_: Host, file: str, source: Source, _chance: random.Random) -> Iterator[Planted]:
    """A loop that does not wait, does not count, or leads where it came from."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add) and source.of(node).startswith("var."):
            text = source.replaced((*source.place(node), source.of(node.left)))
            lines = [each.lineno for each, _ in _conditions(source) if source.of(node.left) in source.of(each)]
            yield Planted("counter", _at(file, node.lineno, *lines), file, text, source.of(node))
    for call, name in calls(source):
        if name != "when":
            continue
        steps = {source.of(each): each for each in call.args[1:]}
        if any("goto(" in each for each in steps) and "wait" in steps:
            start, end = source.place(steps["wait"])
            lines = range(call.lineno, (call.end_lineno or 0) + 1)
            first = next(each.lineno for name, each, _ in _assigned(source) if name == "wait")
            text = source.replaced((start, end + 2, ""))
            yield Planted("no wait", _at(file, *lines, first), file, text, "wait")
    for name, call, kind in _assigned(source):
        if kind not in ("Task", "Map"):
            continue
        for keyword in call.keywords:
            if keyword.arg == "catch" and isinstance(keyword.value, ast.Call):
                target = keyword.value.args[-1]
                own = call.args[0]
                goto = "f.goto" if "import flowdsl as f" in source.text else "goto"
                if isinstance(own, ast.Constant):
                    text = source.replaced((*source.place(target), f"{goto}({own.value!r})"))
                    lines = range(keyword.lineno, (keyword.end_lineno or 0) + 1)
                    yield Planted("catch to itself", _at(file, *lines, call.lineno), file, text, name)


def _errors(_: Host, file: str, source: Source, chance: random.Random) -> Iterator[Planted]:
    """Errors that nothing raises here: of another handler, another service, another kind of state."""
    names = sorted(
        {
            each.value
            for call, name in calls(source)
            if name in ("retry", "catch")
            for each in call.args[:1]
            if isinstance(each, ast.Constant)
        }
    )
    for call, name in calls(source):
        if name not in ("retry", "catch") or not call.args or not isinstance(call.args[0], ast.Constant):
            continue
        around = next((s for s in source.tree.body if s.lineno <= call.lineno <= (s.end_lineno or 0)), call)
        whole = source.of(around) if isinstance(around, ast.expr) else source.of(getattr(around, "value", call))
        others = [each for each in names if each not in whole]
        for new in (
            *chance.sample(others, min(1, len(others))),
            "States.ItemReaderFailed",
            "S3.NoSuchKeyException",
            "Reserve.Failed",
        ):
            text = source.replaced((*source.place(call.args[0]), repr(new)))
            yield Planted("error of others", _at(file, call.args[0].lineno), file, text, new)


def _limits(_: Host, file: str, source: Source, chance: random.Random) -> Iterator[Planted]:
    """Limits that contradict each other."""
    for name, call, kind in _assigned(source):
        limit = next((each for each in call.keywords if each.arg == "timeout"), None)
        if kind == "Task" and limit is not None:
            function = call.args[1]
            inner = [each for each in getattr(function, "keywords", []) if each.arg == "timeout"]
            lines = _at(file, limit.lineno, *(each.lineno for each in inner))
            start, end = source.place(limit.value)
            if inner:
                new = chance.choice((5, 10, 15))
                yield Planted("limits", lines, file, source.replaced((start, end, str(new))), f"{name} {new}")
            lines = _at(file, call.lineno, limit.lineno)
            text = source.replaced((end, end, f", heartbeat={10**6}"))
            yield Planted("limits", lines, file, text, f"{name} heartbeat")
            if "wait_for_task_token" in source.of(call) and "timeout=604_800" not in source.text:
                yield Planted("no limit", lines, file, source.without(limit), name)
        if kind == "StateMachine" and limit is not None:
            tasks = [k.lineno for c, n in calls(source) if n == "Task" for k in c.keywords if k.arg == "timeout"]
            text = source.replaced((*source.place(limit.value), "40"))
            yield Planted("limits", _at(file, limit.lineno, *tasks), file, text, "machine")


def _services(_: Host, file: str, source: Source, chance: random.Random) -> Iterator[Planted]:
    """Arguments and patterns of services."""
    for call, _ in calls(source):
        if "aws" not in chain_of(call.func)[:2]:
            continue
        for node in ast.walk(call):
            if isinstance(node, ast.Dict) and len(node.keys) == 1:
                (key,) = node.keys
                if isinstance(key, ast.Constant) and key.value in ("S", "N"):
                    text = source.replaced((*source.place(key), repr(key.value.lower())))
                    yield Planted("attribute", _at(file, key.lineno), file, text, f"{key.value} in lower case")
                    text = source.replaced((*source.place(node), "7"))
                    yield Planted("attribute", _at(file, key.lineno), file, text, "a bare number")
        for keyword in call.keywords:
            start, end = source.place(keyword)
            if keyword.arg == "UpdateExpression":
                text = source.replaced((end - 1, end - 1, ", more = :more"))
                yield Planted("expression", _at(file, keyword.lineno), file, text, ":more")
            if keyword.arg in ("ExpressionAttributeNames", "ExpressionAttributeValues"):
                lines = _at(file, keyword.lineno, call.lineno, *(k.lineno for k in call.keywords))
                yield Planted("expression", lines, file, source.without(keyword), f"no {keyword.arg}")
            if keyword.arg in ("TopicArn", "StateMachineArn"):
                wrong = "arn:aws:lambda:eu-west-1:123456789012:function:one"
                text = source.replaced((*source.place(keyword.value), repr(wrong)))
                yield Planted("kind of ARN", _at(file, keyword.lineno), file, text, keyword.arg)
            if keyword.arg in ("TableName", "Bucket", "Key", "QueueUrl", "TopicArn", "StateMachineArn"):
                text = source.without(keyword)
                yield Planted("missing argument", _at(file, call.lineno, keyword.lineno), file, text, keyword.arg)
                new = keyword.arg + chance.choice(("s", "Name", "Id"))
                text = source.replaced((start, start + len(keyword.arg), new))
                yield Planted("other argument", _at(file, keyword.lineno), file, text, new)
        for node in ast.walk(call):
            if isinstance(node, ast.Name) and node.id == "task_token":
                text = source.replaced((*source.place(node), "1"))
                yield Planted("no token", _at(file, node.lineno, call.lineno), file, text, "token")


def _events(_: Host, file: str, source: Source, _chance: random.Random) -> Iterator[Planted]:
    """What a handler asks for is not in its event."""
    for call, name in calls(source):
        payload = next((each for each in call.keywords if each.arg == "payload"), None)
        if name != "Task" or payload is None or not isinstance(payload.value, ast.Dict):
            continue
        lines = range(payload.lineno, (payload.end_lineno or 0) + 1)
        for key in payload.value.keys:
            if isinstance(key, ast.Constant) and key.value not in _OPTIONAL:
                text = source.replaced((*source.place(key), repr(f"{key.value}_of")))
                yield Planted("event", _at(file, call.lineno, *lines), file, text, f"{key.value}_of")
        for key, value in zip(payload.value.keys, payload.value.values, strict=True):
            if isinstance(key, ast.Constant) and isinstance(value, ast.Attribute):
                new = '{"a": 1}'
                text = source.replaced((*source.place(value), new))
                yield Planted("event's kind", _at(file, key.lineno), file, text, f"{key.value}: {new}")


_OPTIONAL = {"tries"}


# Bugs of a handler's types.


def handler_bugs(host: Host, file: str, source: Source, flow: Source) -> Iterator[Planted]:
    own = Path(host.flow).name
    functions = [node for node in source.tree.body if isinstance(node, ast.FunctionDef)]
    returned = {source.of(each.returns) for each in functions if each.returns is not None}
    asked = {source.of(a.annotation) for f in functions for a in f.args.args if a.annotation is not None}
    folder = f'"handlers/{Path(file).parent.name}"'
    users = [
        (name, call) for name, call, kind in _assigned(flow) if kind in ("Task", "Map") and folder in flow.of(call)
    ]
    for node in source.tree.body:
        if not isinstance(node, ast.ClassDef):
            continue
        for each in node.body:
            if not isinstance(each, ast.AnnAssign) or not isinstance(each.target, ast.Name):
                continue
            field = each.target.id
            lines = [n.end_lineno or 0 for n, names in _outermost(flow) if field in names[1:]]
            lines += [n.lineno for n in ast.walk(flow.tree) if isinstance(n, ast.Constant) and n.value == field]
            around = [line for _, call in users for line in range(call.lineno, (call.end_lineno or 0) + 1)]
            start, end = source.place(each.target)
            is_read = any(n for n, names in _outermost(flow) if field in names[2:] or names == ["result", field])
            kind = "result's field" if node.name in returned else "event's field"
            if node.name in asked or (
                node.name in returned and is_read and any(field == n[-1] for _, n in _outermost(flow))
            ):
                where = _at(own, *lines, *(around if node.name in asked else []))
                yield Planted(kind, where, file, source.replaced((start, end, f"{field}_new")), f"{field}_new")
            literal = source.of(each.annotation)
            if literal.startswith("Literal[") and node.name in returned:
                words = re.findall(r'"(\w+)"', literal)
                for word in words:
                    used = [n.lineno for n in ast.walk(flow.tree) if isinstance(n, ast.Constant) and n.value == word]
                    if used:
                        text = source.replaced(
                            (*source.place(each.annotation), literal.replace(f'"{word}"', f'"{word}_2"'))
                        )
                        yield Planted("result's value", _at(own, *used), file, text, f"{word}_2")
            if literal in ("int", "str") and lines:
                new = "list[str]" if node.name in asked else {"int": "str", "str": "int"}[literal]
                is_used = node.name in asked or field in ("cents", "wait_seconds", "again_in")
                if is_used:
                    text = source.replaced((*source.place(each.annotation), new))
                    where = _at(own, *lines, *(around if node.name in asked else []))
                    yield Planted("type of a field", where, file, text, f"{field}: {new}")
    for node in source.tree.body:
        if isinstance(node, ast.ClassDef) and "Exception" in [source.of(base) for base in node.bases]:
            used = [n.lineno for n in ast.walk(flow.tree) if isinstance(n, ast.Constant) and n.value == node.name]
            text = source.text.replace(node.name, f"{node.name}Error")
            yield Planted("exception", _at(own, *used), file, text, f"{node.name}Error")


# Bugs of settings and of YAML.


def setting_bugs(file: str, text: str, chance: random.Random) -> Iterator[Planted]:
    lines = text.splitlines()
    for at, line in enumerate(lines, 1):
        key, equals, value = line.partition(" = ")
        if equals:
            wrong = key[:-1] + key[-1] * 2
            yield _line(file, lines, at, f"{wrong} = {value}", "setting")
            new = chance.choice(("7", "true", "[1]")) if value.startswith('"') else '"red"'
            yield _line(file, lines, at, f"{key} = {new}", "setting's kind")
        elif line.startswith("["):
            yield _line(file, lines, at, line.replace("environments", "enviroments"), "setting")
    yield _line(file, lines, 2, 'flow = "travel_flows.py"', "setting")


def _line(file: str, lines: list[str], at: int, new: str, kind: str) -> Planted:
    text = "\n".join([*lines[: at - 1], new, *lines[at:]]) + "\n"
    return Planted(kind, _at(file, at), file, text, f"{lines[at - 1].strip()} → {new.strip()}")


_FIELDS = re.compile(r"^( *(?:- )?)([A-Z]\w+)(\.\$)?: ?(.*)$")
_NEEDED = {
    "Type",
    "Resource",
    "ErrorEquals",
    "StartAt",
    "TableName",
    "TopicArn",
    "JobQueue",
    "CSVHeaderLocation",
    "Next",
}


def yaml_bugs(file: str, text: str) -> Iterator[Planted]:
    lines = text.splitlines()
    names = re.findall(r"^ +(\w+):\n +Type:", text, re.M)
    for at, line in enumerate(lines, 1):
        match = _FIELDS.match(line)
        if match is None:
            path = re.match(r"^( +)([\"':\w]+)\.\$: (\$\.\w+)(.*)$", line)
            if path and path[2] != "S":
                yield _line(file, lines, at, f"{path[1]}{path[2]}: {path[3]}{path[4]}", "no .$")
            if path and path[3] in ("$.order", "$.answer", "$.JobId"):
                yield _line(file, lines, at, f"{path[1]}{path[2]}.$: {path[3]}{path[4]}.deeper.x", "path")
            continue
        indent, key, dollar, value = match[1], match[2], match[3] or "", match[4]
        if key in names or (key[:1] == "S" and len(key) == 1):
            continue
        yield _line(file, lines, at, f"{indent}{key[:-1]}{dollar}: {value}", "key")
        if key == "Next" or key == "StartAt" or key == "Default":
            yield _line(file, lines, at, f"{indent}{key}: {value[:-1]}", "target")
        if value.isdigit():
            yield _line(file, lines, at, f'{indent}{key}: "{value}"', "kind")
            yield _line(file, lines, at, f"{indent}{key}: -{value}", "kind")
        if key == "Resource":
            word = value.rsplit(":", 1)[-1]
            yield _line(file, lines, at, line.replace(word, word[:-2] + "e"), "action")
        if key == "Variable":
            yield _line(file, lines, at, f"{indent}{key}: {value[:-2]}", "path")
        if key == "Mode":
            yield _line(file, lines, at, f"{indent}{key}: INLINE", "kind")
        if key == "Seconds":
            new = _line(file, lines, at, f"{indent}{key}: 0", "no wait")
            yield new._replace(places=new.places | _at(file, at - 2, *(at + n for n in range(30))))
        if key == "ErrorEquals":
            for word in ("States.HeartbeatTimeout", "Glue.ConcurrentRunsExceededException"):
                if "ALL" not in value:
                    yield _line(file, lines, at, f"{indent}{key}: [{word}]", "error")
        if key == "ResultPath" and value.startswith("$."):
            reads = [n for n, each in enumerate(lines, 1) if re.search(re.escape(value) + r"\b", each)]
            new = _line(file, lines, at, f"{indent}{key}: {value}_2", "place")
            if len(reads) > 1 and "problem" not in value and "counts" not in value:
                yield new._replace(places=new.places | _at(file, *reads))
        if key in ("UpdateExpression",):
            yield _line(file, lines, at, line.replace(":job", ":jobs"), "expression")
        if key in _NEEDED:
            rest = [*lines[: at - 1], *lines[at:]]
            if "- " not in indent:
                places = _at(file, *range(max(1, at - 12), at + 6))
                yield Planted("missing", places, file, "\n".join(rest) + "\n", f"no {line.strip()}")


# Correct edits.


def correct_edits(host: Host, files: Mapping[str, str], chance: random.Random) -> Iterator[Planted]:
    own = Path(host.flow).name
    for file, text in files.items():
        if file.endswith(".yaml"):
            yield from _correct_yaml(file, text)
        elif file.endswith(".py"):
            yield from _correct_python(file, text, file == own, chance)


def _planted(kind: str, file: str, text: str, what: str) -> Planted:
    return Planted(kind, frozenset(), file, text, what)


def _correct_yaml(file: str, text: str) -> Iterator[Planted]:
    for name in re.findall(r"^ +(\w+):\n +Type:", text, re.M):
        yield _planted("state renamed", file, re.sub(rf"\b{name}\b", f"{name}Anew", text), name)
    for number in sorted({*re.findall(r": (\d+)$", text, re.M)}):
        if number != "0":
            yield _planted("number", file, text.replace(f": {number}\n", f": {int(number) + 1}\n", 1), number)
    lines = text.splitlines()
    for at, line in enumerate(lines):
        if re.match(r" +Type: ", line):
            indent = line[: len(line) - len(line.lstrip())]
            more = [*lines[: at + 1], f"{indent}Comment: as before", *lines[at + 1 :]]
            yield _planted("comment", file, "\n".join(more) + "\n", line.strip())
        if re.match(r" +(Next|Key|Bucket|TableName|JobName): \w", line):
            key, _, value = line.partition(": ")
            yield _planted(
                "quoted", file, "\n".join([*lines[:at], f'{key}: "{value}"', *lines[at + 1 :]]), line.strip()
            )


def _correct_python(file: str, text: str, is_flow: bool, chance: random.Random) -> Iterator[Planted]:
    source = Source(text)
    for node in ast.walk(source.tree):
        if isinstance(node, ast.ClassDef) and not is_flow and "TypedDict" in [source.of(b) for b in node.bases]:
            end = source.place(node)[1]
            new = source.replaced((end, end, '\n    note: "str | None"'))
            if node.name in ("Registration", "Paid", "Quote", "Offers", "Price", "Assessment"):
                yield _planted("field added", file, new, node.name)
            yield _planted("class renamed", file, re.sub(rf"\b{node.name}\b", f"{node.name}Type", text), node.name)
        if isinstance(node, ast.Dict) and len(node.keys) > 1 and all(node.keys):
            first, last = 0, len(node.keys) - 1
            one, two = node.keys[first], node.keys[last]
            assert one is not None
            assert two is not None
            spans = [
                (source.place(k)[0], source.place(v)[1])
                for k, v in ((one, node.values[first]), (two, node.values[last]))
            ]
            texts = [source.raw[start:end].decode() for start, end in spans]
            new = source.replaced((*spans[0], texts[1]), (*spans[1], texts[0]))
            yield _planted("keys swapped", file, new, texts[0])
    if not is_flow:
        return
    for call, name in calls(source):
        for keyword in call.keywords:
            value = keyword.value
            if keyword.arg in ("interval", "max_attempts", "max_concurrency", "timeout") and isinstance(
                value, ast.Constant
            ):
                new = source.replaced((*source.place(value), str(value.value + (1 if name != "Function" else -1))))
                yield _planted("number", file, new, f"{keyword.arg}={value.value}")
            if keyword.arg in ("cause", "comment"):
                yield _planted("text", file, source.replaced((*source.place(value), repr("Other words"))), "cause")
            if keyword.arg == "retry" and isinstance(value, ast.Name):
                yield _planted(
                    "in a list", file, source.replaced((*source.place(value), f"[{source.of(value)}]")), "retry"
                )
        if name == "when" and call.args and isinstance(call.args[0], ast.Compare):
            compare = call.args[0]
            plain = source.of(compare)
            yield _planted("in parentheses", file, source.replaced((*source.place(compare), f"(({plain}))")), plain)
            if isinstance(compare.ops[0], ast.Eq):
                twice = f"~({source.of(compare.left)} != {source.of(compare.comparators[0])})"
                yield _planted("negated twice", file, source.replaced((*source.place(compare), twice)), plain)
        if name in ("Task", "Map", "Parallel", "Wait", "Choice") and len(call.keywords) > 1:
            one, other = chance.sample(call.keywords, 2)
            new = source.replaced((*source.place(one), source.of(other)), (*source.place(other), source.of(one)))
            yield _planted("keywords swapped", file, new, name)
    for name, call, kind in _assigned(source):
        if kind in ("Task", "Map", "Parallel", "Wait", "Pass"):
            yield _planted("renamed", file, re.sub(rf"(?<![\w.\"]){name}(?![\w\"=(])", f"{name}_step", text), name)
            if isinstance(call.args[0], ast.Constant):
                new = source.replaced((*source.place(call.args[0]), repr(f"{call.args[0].value} (new)")))
                yield _planted("state renamed", file, new, name)


# Measuring.


def files_of(host: Host) -> dict[str, str]:
    path = SEEDED / host.flow
    files = {path.name: path.read_text(), "pyproject.toml": SETTINGS.replace("FLOW", path.name)}
    if host.flow.endswith(".py"):
        files |= {
            str(each.relative_to(path.parent)): each.read_text() for each in sorted(path.parent.rglob("handler.py"))
        }
    return files


def plant(host: Host, chance: random.Random) -> Iterator[Planted]:
    """All bugs of a host."""
    files, own = files_of(host), Path(host.flow).name
    if own.endswith(".yaml"):
        yield from yaml_bugs(own, files[own])
        return
    flow = Source(files[own])
    yield from flow_bugs(host, own, flow, chance)
    yield from setting_bugs("pyproject.toml", files["pyproject.toml"], chance)
    for file, text in files.items():
        if file.startswith("handlers"):
            yield from handler_bugs(host, file, Source(text), flow)


def findings(folder: Path, host: Host, edit: Planted | None) -> list[Diagnostic]:
    """What the check says of a host with this edit, in a folder of its own."""
    files = files_of(host)
    if edit is not None:
        files[edit.file] = edit.text
    for file, text in files.items():
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_text(text)
    own = Path(host.flow).name
    for name in [each for each in sys.modules if each.startswith(own.partition(".")[0] + ":")]:
        del sys.modules[name]  # the loader knows a flow by its place below pyproject.toml
    try:
        flow = project.default_flow(folder)
        return [each for loaded in project.load(flow) for each in project.diagnose(loaded)]
    except FlowError as error:
        return [*error.diagnostics]
    except Exception as error:  # noqa: BLE001 - it is counted
        return [Diagnostic("CRASH", repr(error))]


Result = tuple[Host, Planted, list[Diagnostic]]


def measure(correct: bool, seed: int, count: int) -> list[Result]:
    """Plant `count` bugs, or make correct edits, and return what is new to the check in each."""
    chance = random.Random(seed)  # the seed makes a run repeatable
    edits = [
        (host, each)
        for host in HOSTS
        for each in (correct_edits(host, files_of(host), chance) if correct else plant(host, chance))
        if each.text != files_of(host)[each.file]
    ]
    chance.shuffle(edits)
    base = Path(tempfile.mkdtemp())
    try:
        known: dict[str, set[tuple[str, str]]] = {}
        for index, host in enumerate(HOSTS):
            known[host.flow] = {(each.code, each.message) for each in findings(base / f"known{index}", host, None)}
        results: list[Result] = []
        for index, (host, edit) in enumerate(edits[:count]):
            reported = findings(base / str(index), host, edit)
            results.append(
                (host, edit, [each for each in reported if (each.code, each.message) not in known[host.flow]])
            )
        return results
    finally:
        shutil.rmtree(base)


def is_at_line(edit: Planted, diagnostics: list[Diagnostic]) -> bool:
    """True if a finding points at a place where a colleague would look."""
    return any(
        (file, each.span.line) in edit.places
        for each in diagnostics
        if each.span is not None
        for file in [name for name, _ in edit.places if each.span.file.endswith(name)]
    )


def main() -> None:
    words = [each for each in sys.argv[1:] if not each.startswith("-")]
    seed, count = int(words[0]) if words else 1, int(words[1]) if len(words) > 1 else 300
    totals: Counter[str] = Counter()
    kinds: Counter[tuple[str, str]] = Counter()
    for host, edit, new in measure(False, seed, count):
        exact = is_at_line(edit, new)
        totals.update(bugs=1, found=bool(new), exact=exact, crashes=any(each.code == "CRASH" for each in new))
        kinds.update({(edit.kind, "bugs"): 1, (edit.kind, "found"): bool(new), (edit.kind, "line"): exact})
        if "--missed" in sys.argv and not exact:
            messages = "; ".join(f"{e.code} {e.span.line if e.span else '?'} {e.message[:70]}" for e in new[:3])
            where = " ".join(f"{line}" for _, line in sorted(edit.places)[:6])
            print(f"{host.flow}: {edit.file}: {where}: {edit.kind}: {edit.what}: {messages or 'MISSED'}")
    for kind in sorted({kind for kind, _ in kinds}):
        counts = [kinds[kind, each] for each in ("bugs", "found", "line")]
        print(f"{kind:20} {counts[0]:4} bugs {counts[1]:4} found {counts[2]:4} at the line")
    bugs, hits, exact = totals["bugs"], totals["found"], totals["exact"]
    print(f"found {hits} of {bugs} ({hits / bugs:.1%}), at the line {exact} of {hits} ({exact / max(1, hits):.1%})")
    edits = measure(True, seed, count)
    alarms = [(host, edit, new) for host, edit, new in edits if new]
    for host, edit, new in alarms:
        print(f"false alarm: {host.flow} {edit.file} {edit.kind} {edit.what}: {new[0].code} {new[0].message}")
    print(f"{len(alarms)} false alarms in {len(edits)} correct edits; {totals['crashes']} crashes")


if __name__ == "__main__":
    main()
