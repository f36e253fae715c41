"""Correct edits, which stay without a new finding."""

from __future__ import annotations

import ast
import random
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from ..mutations import Source, calls
from .model import Host, Planted, assigned


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
    for name, call, kind in assigned(source):
        if kind in ("Task", "Map", "Parallel", "Wait", "Pass"):
            yield _planted("renamed", file, re.sub(rf"(?<![\w.\"]){name}(?![\w\"=(])", f"{name}_step", text), name)
            if isinstance(call.args[0], ast.Constant):
                new = source.replaced((*source.place(call.args[0]), repr(f"{call.args[0].value} (new)")))
                yield _planted("state renamed", file, new, name)
