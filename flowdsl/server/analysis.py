"""What an editor shows of one file, found in a process of its own: `python -m flowdsl.server.analysis`.

It reads `{"file": …, "text": …, "others": {…}}` as JSON from stdin, and prints an Analysis as JSON. The text need not
be saved; `others` are the texts of other files that are open in the editor, by path.

A flow in Python is imported as `flowdsl check` does, which is why this is another process than the editor's server: it
sees modules as they are, and can be ended at any time.
"""

from __future__ import annotations

import json
import os
import re
import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any, TypedDict

from ..asl.tree import Node, Tree
from ..author.functions import Function
from ..base.diagnostics import Diagnostic, FlowError
from ..base.source import Span
from ..base.unsaved import use_text
from ..check.dataflow.annotations import Data, read_declarations
from ..check.dataflow.rule import Known, follow
from ..check.dataflow.shapes import ArrayShape, ObjectShape, ScalarShape, Shape
from ..project import Loaded, find, functions, load, review
from ..project.documents import load_text

_DEEPEST = 6
"""How deep a type is shown; types may contain themselves."""


class Place(TypedDict):
    """Lines and columns count from 1, columns in characters; the end is exclusive, and None if it is not known."""

    file: str
    line: int
    column: int
    end_line: int | None
    end_column: int | None


class Problem(TypedDict):
    """A diagnostic."""

    code: str
    severity: str
    message: str
    place: Place | None


class Type(TypedDict, total=False):
    """What is known of a value. `text` is for people; `fields` are those of an object, `item` is that of a list."""

    text: str
    fields: dict[str, Type]
    item: Type


class State(TypedDict):
    """A state of the file's definitions; `result` is what the handlers of a Task declare that they return."""

    name: str
    machine: str
    asl: dict[str, Any]
    following: list[str]
    place: Place | None
    result: Type | None
    input: Type | None
    """What is known of the document in front of the state: the declared input, and what the states before it add."""
    variables: Type | None
    """What is known of the variables in front of the state."""


class Analysis(TypedDict):
    """`states` is None if the file cannot be loaded; `handlers` are the places of functions, by name and by source."""

    problems: list[Problem]
    states: list[State] | None
    handlers: dict[str, Place]


def analyse(file: Path, text: str) -> Analysis:
    """Load and check a file with this text. A file that cannot be loaded has problems, and no states."""
    try:
        if file.suffix == ".py":
            use_text(file, text)
            machines = load(file)
        else:
            machines = load_text(text, file, file.suffix.lower(), {})
        problems = review(machines, environments=True)
    except FlowError as error:
        return {"problems": [_problem(each) for each in error.diagnostics], "states": None, "handlers": {}}
    root = find(file.parent).root
    handlers = [(each, place) for each in functions(machines) if (place := _handler(each, root))]
    return {
        "problems": [_problem(each) for each in problems],
        "states": [state for loaded in machines for state in _states(loaded, root)],
        "handlers": {key: place for each, place in handlers for key in (each.name, each.source)},
    }


def _problem(diagnostic: Diagnostic) -> Problem:
    message = "\n".join(filter(None, [diagnostic.message, diagnostic.hint]))
    return {
        "code": diagnostic.code,
        "severity": diagnostic.severity,
        "message": message,
        "place": _place(diagnostic.span),
    }


def _place(span: Span | None) -> Place | None:
    if span is None:
        return None
    file = str(Path(span.file).absolute())
    return {
        "file": file,
        "line": span.line,
        "column": span.column,
        "end_line": span.end_line,
        "end_column": span.end_column,
    }


def _states(loaded: Loaded, root: Path) -> list[State]:
    machine = loaded.machine
    data = read_declarations(machine.input, machine.callees, root) if machine else Data()
    tree = Tree(loaded.definition)
    flow = follow(tree, data if machine else None)
    known = flow.before if flow.budget > 0 else {}
    return [_state(node, loaded, data, known.get(node)) for node in tree]


def _state(node: Node, loaded: Loaded, data: Data, known: Known | None) -> State:
    result = data.results.get(node.path)
    return {
        "name": node.name,
        "machine": loaded.name,
        "asl": node.fields,
        "following": [each.name for each in node.following],
        "place": _place(loaded.locate(node.path)),
        "result": describe(result) if result is not None else None,
        "input": _if_known(known.document) if known else None,
        "variables": _if_known(known.variables) if known else None,
    }


def _if_known(shape: Shape) -> Type | None:
    """The shape as a type; None if nothing is known of it, or nothing is in it."""
    if isinstance(shape, ObjectShape):
        return describe(shape) if shape.fields else None
    return describe(shape) if isinstance(shape, ArrayShape | ScalarShape) else None


def describe(shape: Shape, depth: int = 0) -> Type:
    """A shape as a type: `{id: string, status: "paid" | "declined", note?: string}`."""
    if depth >= _DEEPEST:
        return {"text": "…"}
    if isinstance(shape, ScalarShape):
        if shape.values:
            return {"text": " | ".join(sorted(json.dumps(each, ensure_ascii=False) for each in shape.values))}
        return {"text": shape.kind}
    if isinstance(shape, ArrayShape):
        item = describe(shape.item, depth + 1)
        return {"text": f"list of {item['text']}", "item": item}
    if isinstance(shape, ObjectShape):
        fields = {name: describe(member.shape, depth + 1) for name, member in shape.fields.items()}
        optional = {name: "" if member.always else "?" for name, member in shape.fields.items()}
        parts = [f"{name}{optional[name]}: {inner['text']}" for name, inner in fields.items()]
        return {"text": f"{{{', '.join([*parts, *['…'] * (not shape.closed)])}}}", "fields": fields}
    return {"text": "any value"}


def _handler(function: Function, root: Path) -> Place | None:
    """The `def` of a function's handler."""
    module, _, name = function.handler.rpartition(".")
    file = root.joinpath(function.source, *module.split(".")).with_suffix(".py")
    if not function.source or not file.is_file():
        return None
    match = re.search(
        rf"^(?:async )?(?:def )?{re.escape(name)}\b", text := file.read_text(errors="replace"), re.MULTILINE
    )
    line = text.count("\n", 0, match.start()) + 1 if match else 1
    return {"file": str(file), "line": line, "column": 1, "end_line": None, "end_column": None}


def main() -> None:
    """Answer one question on stdin."""
    request = json.load(sys.stdin)
    with os.fdopen(os.dup(1), "w") as answer, redirect_stdout(sys.stderr):
        os.dup2(2, 1)  # what a flow prints is no part of the answer, however it does so
        for file, text in request["others"].items():
            use_text(Path(file), text)
        json.dump(analyse(Path(request["file"]), request["text"]), answer)


if __name__ == "__main__":
    main()
