"""Bugs of a handler's types, of settings and of YAML."""

from __future__ import annotations

import ast
import random
import re
from collections.abc import Iterator
from pathlib import Path

from ..mutations import Source
from .model import Host, Planted, assigned, at_lines, changed_line, outermost


def handler_bugs(host: Host, file: str, source: Source, flow: Source) -> Iterator[Planted]:
    own = Path(host.flow).name
    functions = [node for node in source.tree.body if isinstance(node, ast.FunctionDef)]
    returned = {source.of(each.returns) for each in functions if each.returns is not None}
    asked = {source.of(a.annotation) for f in functions for a in f.args.args if a.annotation is not None}
    folder = f'"handlers/{Path(file).parent.name}"'
    users = [(name, call) for name, call, kind in assigned(flow) if kind in ("Task", "Map") and folder in flow.of(call)]
    for node in source.tree.body:
        if not isinstance(node, ast.ClassDef):
            continue
        for each in node.body:
            if not isinstance(each, ast.AnnAssign) or not isinstance(each.target, ast.Name):
                continue
            field = each.target.id
            lines = [n.end_lineno or 0 for n, names in outermost(flow) if field in names[1:]]
            lines += [n.lineno for n in ast.walk(flow.tree) if isinstance(n, ast.Constant) and n.value == field]
            around = [line for _, call in users for line in range(call.lineno, (call.end_lineno or 0) + 1)]
            start, end = source.place(each.target)
            is_read = any(n for n, names in outermost(flow) if field in names[2:] or names == ["result", field])
            kind = "result's field" if node.name in returned else "event's field"
            if node.name in asked or (
                node.name in returned and is_read and any(field == n[-1] for _, n in outermost(flow))
            ):
                where = at_lines(own, *lines, *(around if node.name in asked else []))
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
                        yield Planted("result's value", at_lines(own, *used), file, text, f"{word}_2")
            if literal in ("int", "str") and lines:
                new = "list[str]" if node.name in asked else {"int": "str", "str": "int"}[literal]
                is_used = node.name in asked or field in ("cents", "wait_seconds", "again_in")
                if is_used:
                    text = source.replaced((*source.place(each.annotation), new))
                    where = at_lines(own, *lines, *(around if node.name in asked else []))
                    yield Planted("type of a field", where, file, text, f"{field}: {new}")
    for node in source.tree.body:
        if isinstance(node, ast.ClassDef) and "Exception" in [source.of(base) for base in node.bases]:
            used = [n.lineno for n in ast.walk(flow.tree) if isinstance(n, ast.Constant) and n.value == node.name]
            text = source.text.replace(node.name, f"{node.name}Error")
            yield Planted("exception", at_lines(own, *used), file, text, f"{node.name}Error")


def setting_bugs(file: str, text: str, chance: random.Random) -> Iterator[Planted]:
    lines = text.splitlines()
    for at, line in enumerate(lines, 1):
        key, equals, value = line.partition(" = ")
        if equals:
            wrong = key[:-1] + key[-1] * 2
            yield changed_line(file, lines, at, f"{wrong} = {value}", "setting")
            new = chance.choice(("7", "true", "[1]")) if value.startswith('"') else '"red"'
            yield changed_line(file, lines, at, f"{key} = {new}", "setting's kind")
        elif line.startswith("["):
            yield changed_line(file, lines, at, line.replace("environments", "enviroments"), "setting")
    yield changed_line(file, lines, 2, 'flow = "travel_flows.py"', "setting")


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
                yield changed_line(file, lines, at, f"{path[1]}{path[2]}: {path[3]}{path[4]}", "no .$")
            if path and path[3] in ("$.order", "$.answer", "$.JobId"):
                yield changed_line(file, lines, at, f"{path[1]}{path[2]}.$: {path[3]}{path[4]}.deeper.x", "path")
            continue
        indent, key, dollar, value = match[1], match[2], match[3] or "", match[4]
        if key in names or (key[:1] == "S" and len(key) == 1):
            continue
        yield changed_line(file, lines, at, f"{indent}{key[:-1]}{dollar}: {value}", "key")
        if key == "Next" or key == "StartAt" or key == "Default":
            yield changed_line(file, lines, at, f"{indent}{key}: {value[:-1]}", "target")
        if value.isdigit():
            yield changed_line(file, lines, at, f'{indent}{key}: "{value}"', "kind")
            yield changed_line(file, lines, at, f"{indent}{key}: -{value}", "kind")
        if key == "Resource":
            word = value.rsplit(":", 1)[-1]
            yield changed_line(file, lines, at, line.replace(word, word[:-2] + "e"), "action")
        if key == "Variable":
            yield changed_line(file, lines, at, f"{indent}{key}: {value[:-2]}", "path")
        if key == "Mode":
            yield changed_line(file, lines, at, f"{indent}{key}: INLINE", "kind")
        if key == "Seconds":
            new = changed_line(file, lines, at, f"{indent}{key}: 0", "no wait")
            yield new._replace(places=new.places | at_lines(file, at - 2, *(at + n for n in range(30))))
        if key == "ErrorEquals":
            for word in ("States.HeartbeatTimeout", "Glue.ConcurrentRunsExceededException"):
                if "ALL" not in value:
                    yield changed_line(file, lines, at, f"{indent}{key}: [{word}]", "error")
        if key == "ResultPath" and value.startswith("$."):
            reads = [n for n, each in enumerate(lines, 1) if re.search(re.escape(value) + r"\b", each)]
            new = changed_line(file, lines, at, f"{indent}{key}: {value}_2", "place")
            if len(reads) > 1 and "problem" not in value and "counts" not in value:
                yield new._replace(places=new.places | at_lines(file, *reads))
        if key in ("UpdateExpression",):
            yield changed_line(file, lines, at, line.replace(":job", ":jobs"), "expression")
        if key in _NEEDED:
            rest = [*lines[: at - 1], *lines[at:]]
            if "- " not in indent:
                places = at_lines(file, *range(max(1, at - 12), at + 6))
                yield Planted("missing", places, file, "\n".join(rest) + "\n", f"no {line.strip()}")
