"""Bugs of a flow in Python."""

from __future__ import annotations

import ast
import random
from collections.abc import Iterator

from ..mutations import Source, calls, chain_of
from .model import Host, Planted, assigned, at_lines, outermost


def flow_bugs(host: Host, file: str, source: Source, chance: random.Random) -> Iterator[Planted]:
    for make in (_reads, _kinds, _rules, _places, _loops, _errors, _limits, _services, _events):
        yield from make(host, file, source, chance)


_OTHER_WORDS = ("total_amount", "state", "reference_no", "value", "kind_of", "payload", "ident")


def _reads(_: Host, file: str, source: Source, chance: random.Random) -> Iterator[Planted]:
    """A field that does not exist, of a result, an input or an answer."""
    for node, names in outermost(source):
        if names[:2] == ["result", "Output"]:
            continue  # Nobody knows what another state machine answers.
        if names[0] in ("state_input", "result") or (len(names) > 2 and names[1] == "out"):
            new = chance.choice(_OTHER_WORDS)
            end = source.place(node)[1]
            text = source.replaced((end - len(names[-1]), end, new))
            yield Planted("other field", at_lines(file, node.end_lineno), file, text, f"{'.'.join(names)} → {new}")
            text = source.replaced((end, end, f".{new}"))
            if names[-1] not in ("out", "state_input", "result", "Output", "S", "Item"):
                yield Planted("field too deep", at_lines(file, node.end_lineno), file, text, f"{'.'.join(names)}.{new}")
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant) and "var." in source.of(node):
            for index in (node.slice.value + 2, 1 - node.slice.value):
                text = source.replaced((*source.place(node.slice), str(index)))
                yield Planted("index", at_lines(file, node.lineno), file, text, f"[{index}]")


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
            yield Planted(kind, at_lines(file, node.lineno), file, text, f"{source.of(node)} → {new}")

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
                yield Planted("compared value", at_lines(file, node.lineno), file, text, new)
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
            yield Planted("same rule", at_lines(file, each.lineno), file, text, source.of(first))
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
                yield Planted(kind, at_lines(file, node.lineno), file, text, new)


def _readers(source: Source, name: str) -> list[int]:
    return [
        node.end_lineno or 0
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Attribute) and chain_of(node)[:2] == [name, "out"] and len(chain_of(node)) > 2
    ]


def _places(_: Host, file: str, source: Source, chance: random.Random) -> Iterator[Planted]:
    """A result that replaces the document, or a part of it that is read later."""
    inputs = {names[1] for _, names in outermost(source) if names[0] == "state_input" and len(names) > 1}
    for name, call, kind in assigned(source):
        into = next((each for each in call.keywords if each.arg == "into"), None)
        if kind not in ("Task", "Map", "Parallel") or into is None or source.of(into.value).endswith("DISCARD"):
            continue
        readers = _readers(source, name)
        lines = at_lines(file, call.lineno, into.lineno, *readers, *_later_reads(source, call))
        without = source.without(into)
        fewer = source.text.count("\n") - without.count("\n")
        after = frozenset((own, line - fewer if line > into.lineno else line) for own, line in lines)
        yield Planted("missing into", after, file, without, name)
        if isinstance(into.value, ast.Constant):
            other = chance.choice(sorted(inputs))
            text = source.replaced((*source.place(into.value), repr(other)))
            reads = [n.end_lineno for n, names in outermost(source) if names[:2] == ["state_input", other]]
            yield Planted("overwriting into", lines | at_lines(file, *reads), file, text, f"into={other!r}")


def _later_reads(source: Source, call: ast.Call) -> list[int | None]:
    return [
        node.end_lineno
        for node, names in outermost(source)
        if names[0] == "state_input" and node.lineno > (call.end_lineno or 0)
    ]


def _loops(_: Host, file: str, source: Source, _chance: random.Random) -> Iterator[Planted]:
    """A loop that does not wait, does not count, or leads where it came from."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add) and source.of(node).startswith("var."):
            text = source.replaced((*source.place(node), source.of(node.left)))
            lines = [each.lineno for each, _ in _conditions(source) if source.of(node.left) in source.of(each)]
            yield Planted("counter", at_lines(file, node.lineno, *lines), file, text, source.of(node))
    for call, name in calls(source):
        if name != "when":
            continue
        steps = {source.of(each): each for each in call.args[1:]}
        if any("goto(" in each for each in steps) and "wait" in steps:
            start, end = source.place(steps["wait"])
            lines = range(call.lineno, (call.end_lineno or 0) + 1)
            first = next(each.lineno for name, each, _ in assigned(source) if name == "wait")
            text = source.replaced((start, end + 2, ""))
            yield Planted("no wait", at_lines(file, *lines, first), file, text, "wait")
    for name, call, kind in assigned(source):
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
                    yield Planted("catch to itself", at_lines(file, *lines, call.lineno), file, text, name)


def _errors(_: Host, file: str, source: Source, chance: random.Random) -> Iterator[Planted]:
    """Error names that cannot occur here: those of another handler, another service or another kind of state."""
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
            yield Planted("error of others", at_lines(file, call.args[0].lineno), file, text, new)


def _limits(_: Host, file: str, source: Source, chance: random.Random) -> Iterator[Planted]:
    """Limits that contradict each other."""
    for name, call, kind in assigned(source):
        limit = next((each for each in call.keywords if each.arg == "timeout"), None)
        if kind == "Task" and limit is not None:
            function = call.args[1]
            inner = [each for each in getattr(function, "keywords", []) if each.arg == "timeout"]
            lines = at_lines(file, limit.lineno, *(each.lineno for each in inner))
            start, end = source.place(limit.value)
            if inner:
                new = chance.choice((5, 10, 15))
                yield Planted("limits", lines, file, source.replaced((start, end, str(new))), f"{name} {new}")
            lines = at_lines(file, call.lineno, limit.lineno)
            text = source.replaced((end, end, f", heartbeat={10**6}"))
            yield Planted("limits", lines, file, text, f"{name} heartbeat")
            if "wait_for_task_token" in source.of(call) and "timeout=604_800" not in source.text:
                yield Planted("no limit", lines, file, source.without(limit), name)
        if kind == "StateMachine" and limit is not None:
            tasks = [k.lineno for c, n in calls(source) if n == "Task" for k in c.keywords if k.arg == "timeout"]
            text = source.replaced((*source.place(limit.value), "40"))
            yield Planted("limits", at_lines(file, limit.lineno, *tasks), file, text, "machine")


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
                    yield Planted("attribute", at_lines(file, key.lineno), file, text, f"{key.value} in lower case")
                    text = source.replaced((*source.place(node), "7"))
                    yield Planted("attribute", at_lines(file, key.lineno), file, text, "a bare number")
        for keyword in call.keywords:
            start, end = source.place(keyword)
            if keyword.arg == "UpdateExpression":
                text = source.replaced((end - 1, end - 1, ", more = :more"))
                yield Planted("expression", at_lines(file, keyword.lineno), file, text, ":more")
            if keyword.arg in ("ExpressionAttributeNames", "ExpressionAttributeValues"):
                lines = at_lines(file, keyword.lineno, call.lineno, *(k.lineno for k in call.keywords))
                yield Planted("expression", lines, file, source.without(keyword), f"no {keyword.arg}")
            if keyword.arg in ("TopicArn", "StateMachineArn"):
                wrong = "arn:aws:lambda:eu-west-1:123456789012:function:one"
                text = source.replaced((*source.place(keyword.value), repr(wrong)))
                yield Planted("kind of ARN", at_lines(file, keyword.lineno), file, text, keyword.arg)
            if keyword.arg in ("TableName", "Bucket", "Key", "QueueUrl", "TopicArn", "StateMachineArn"):
                text = source.without(keyword)
                yield Planted("missing argument", at_lines(file, call.lineno, keyword.lineno), file, text, keyword.arg)
                new = keyword.arg + chance.choice(("s", "Name", "Id"))
                text = source.replaced((start, start + len(keyword.arg), new))
                yield Planted("other argument", at_lines(file, keyword.lineno), file, text, new)
        for node in ast.walk(call):
            if isinstance(node, ast.Name) and node.id == "task_token":
                text = source.replaced((*source.place(node), "1"))
                yield Planted("no token", at_lines(file, node.lineno, call.lineno), file, text, "token")


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
                yield Planted("event", at_lines(file, call.lineno, *lines), file, text, f"{key.value}_of")
        for key, value in zip(payload.value.keys, payload.value.values, strict=True):
            if isinstance(key, ast.Constant) and isinstance(value, ast.Attribute):
                new = '{"a": 1}'
                text = source.replaced((*source.place(value), new))
                yield Planted("event's kind", at_lines(file, key.lineno), file, text, f"{key.value}: {new}")


_OPTIONAL = {"tries"}
