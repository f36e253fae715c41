"""What the commands that draw pictures have in common."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..base.diagnostics import AslPath, Diagnostic, FlowError

if TYPE_CHECKING:
    from ..base.source import Span
    from ..engine import Result
    from ..graph.subject import Subject
    from ..project import Loaded
    from ..testing.history import History


def describe(loaded: Loaded, *, details: bool = False) -> Subject:
    """A loaded state machine as the subject of a picture; `details` are for the page of HTML."""
    from ..graph.subject import Subject

    known = _details(loaded) if details else {}
    return Subject(name=loaded.name, definition=loaded.definition, details=known, words=conditions(loaded))


def conditions(loaded: Loaded) -> dict[AslPath, str]:
    """The conditions of a flow in Python as their author wrote them, without `state_input.`, by the paths of rules."""
    written = loaded.machine.conditions if loaded.machine else {}
    return {path: re.sub(r"(?<![\w'\"])state_input\.", "", repr(condition)) for path, condition in written.items()}


def _details(loaded: Loaded) -> dict[AslPath, dict[str, Any]]:
    """For each state the line where the author wrote it, and what is known of its input and the variables."""
    from ..asl.tree import Tree
    from ..check.dataflow.annotations import read_declarations
    from ..check.dataflow.describe import describe_documents
    from ..project import find, locate_state

    machine = loaded.machine
    data = read_declarations(machine.input, machine.callees, find(loaded.file.parent).root) if machine else None
    documents = describe_documents(loaded.definition, data)
    known: dict[AslPath, dict[str, Any]] = {}
    for node in Tree(loaded.definition):
        texts: dict[str, str] = {}
        span = locate_state(loaded, node.name)
        if span is not None:
            texts["Written at"] = f"{span.file}:{span.line}\n{_line(span)}".rstrip()
        if node.path in documents:
            document, variables = documents[node.path]
            texts |= {name: text for name, text in (("Input", document), ("Variables", variables)) if text}
        known[node.path] = texts
    return known


def _line(span: Span) -> str:
    """The author's line."""
    import linecache

    return linecache.getline(span.file, span.line).strip()


def missing_states(loaded: Loaded) -> list[Diagnostic]:
    """A diagnostic for each transition to a state that does not exist."""
    from ..asl.tree import Tree
    from ..graph.wording import short

    return [
        Diagnostic(
            "FD401",
            f"state {short(edge.name)!r} does not exist; it is drawn as missing",
            edge.path,
            span=loaded.locate(edge.path),
            hint="add the state, or correct the name",
        )
        for machine in Tree(loaded.definition).machines
        for edge in machine.edges
        if edge.target is None and edge.kind not in ("branch", "processor")
    ]


def _check_name(_ctx: click.Context, _option: click.Parameter, value: Path | None) -> Path | None:
    """Refuse the name of a picture's file before anything is run for it."""
    if value is not None:
        from ..graph.output import format_of

        format_of(value)
    return value


picture_option = click.option(
    "--picture",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    callback=_check_name,
    help="Draw the route with its waits, retries and failures, and a timeline; the name ends with .svg, .html, .png or "
    ".mmd.",
)


def write_picture(subject: Subject, file: Path) -> None:
    """Draw in the format that the file's name ends with. Raises FlowError if that cannot be done."""
    from ..base.files import write_file
    from ..graph.output import CANNOT_WRITE, draw, format_of

    write_file(file, draw(subject, format_of(file)), code=CANNOT_WRITE, hint="choose another file")


def picture_result(loaded: Loaded, result: Result) -> Subject:
    """An execution of the embedded engine, with the child executions of its Distributed Maps."""
    from attrs import evolve

    from ..testing.history import History
    from ..testing.picture import picture_run

    children: list[History] = []
    todo = [*reversed(result.children)]
    while todo:
        child = todo.pop()
        if child.identity.state_machine_name.partition("/")[0] == loaded.name:
            children.append(History(child.history))
            todo.extend(reversed(child.children))
    history = History(result.history)
    subject = picture_run(loaded.name, loaded.definition, history, children, details=_details(loaded))
    return evolve(subject, words=conditions(loaded))


def picture_history(loaded: Loaded, file: Path) -> Subject:
    """An execution by the JSON of GetExecutionHistory: an object with `events`, or the list of them. Raises FlowError
    if the file has no history."""
    from attrs import evolve

    from ..base.document import read_json
    from ..base.source import display_path
    from ..testing.history import History
    from ..testing.picture import picture_run

    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise FlowError.of(f"{display_path(file)} cannot be read: {reason}", code="FD711") from None
    value = read_json(text, display_path(file)).value
    events: Any = value.get("events") if isinstance(value, dict) else value
    try:
        history = History.parse(events)
    except (TypeError, KeyError, ValueError, AttributeError):
        raise FlowError.of(
            f"{display_path(file)} is not the history of an execution",
            code="FD711",
            hint="write one with: aws stepfunctions get-execution-history --execution-arn ARN > history.json",
        ) from None
    subject = picture_run(loaded.name, loaded.definition, history, details=_details(loaded))
    return evolve(subject, words=conditions(loaded))
