"""`flowdsl lsp`: the Language Server Protocol for flows in Python and for definitions.

The server itself never imports a flow. Each change starts, after a pause in typing, a process that analyses the file
(`analysis`); a newer change ends it. Its problems become diagnostics. What it knows of the states stays until an
analysis succeeds again, because a file that is being typed is broken most of the time.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attrs import define, field
from lsprotocol import types
from pygls.lsp.server import LanguageServer

from ..base.words import one_line
from .reading import Token, assigned_states, out_before, token_at

if TYPE_CHECKING:
    from pygls.workspace import TextDocument

    from .analysis import Analysis, Place, State, Type

PAUSE = 0.3
"""Seconds without a change after which a file is analysed."""
TIMEOUT = 30.0
"""Seconds that an analysis may take."""
_DEFINITION = re.compile(r".+\.asl\.(json|ya?ml)", re.IGNORECASE)
_MACHINE = re.compile(r"^\w+[ \t]*(:[^=\n]+)?=[ \t]*(\w+\.)?StateMachine\(", re.MULTILINE)
_SEVERITIES = {"error": types.DiagnosticSeverity.Error, "warning": types.DiagnosticSeverity.Warning}


@define
class File:
    """What is known of an open file."""

    states: dict[str, State] = field(factory=dict)
    handlers: dict[str, Place] = field(factory=dict)
    pending: asyncio.Task[None] | None = None


@define
class Analyses:
    """The open files by URI."""

    files: dict[str, File] = field(factory=dict)

    def of(self, uri: str) -> File:
        return self.files.setdefault(uri, File())

    def forget(self, uri: str) -> None:
        file = self.files.pop(uri, None)
        if file and file.pending:
            file.pending.cancel()


def is_flow(path: Path, text: str) -> bool:
    """True for a definition, and for Python that makes a StateMachine: no other Python is run."""
    if path.suffix == ".py":
        return "flowdsl" in text and _MACHINE.search(text) is not None
    return _DEFINITION.fullmatch(path.name) is not None


def make_server(version: str) -> LanguageServer:
    """The server, ready to be started."""
    server = LanguageServer("flowdsl", version)
    analyses = Analyses()

    def changed(uri: str) -> None:
        file = analyses.of(uri)
        if file.pending:
            file.pending.cancel()
        file.pending = asyncio.ensure_future(_update(server, file, uri))

    @server.feature(types.TEXT_DOCUMENT_DID_OPEN)
    def did_open(params: types.DidOpenTextDocumentParams) -> None:
        changed(params.text_document.uri)

    @server.feature(types.TEXT_DOCUMENT_DID_CHANGE)
    def did_change(params: types.DidChangeTextDocumentParams) -> None:
        changed(params.text_document.uri)

    @server.feature(types.TEXT_DOCUMENT_DID_SAVE)
    def did_save(_: types.DidSaveTextDocumentParams) -> None:
        for uri in analyses.files:  # a flow may import the file
            changed(uri)

    @server.feature(types.TEXT_DOCUMENT_DID_CLOSE)
    def did_close(params: types.DidCloseTextDocumentParams) -> None:
        uri = params.text_document.uri
        analyses.forget(uri)
        server.text_document_publish_diagnostics(types.PublishDiagnosticsParams(uri, []))

    @server.feature(types.TEXT_DOCUMENT_HOVER)
    def hover(params: types.HoverParams) -> types.Hover | None:
        document = server.workspace.get_text_document(params.text_document.uri)
        state = _state_at(analyses.of(document.uri), document, params.position)
        return types.Hover(types.MarkupContent(types.MarkupKind.Markdown, explain(state))) if state else None

    @server.feature(types.TEXT_DOCUMENT_DEFINITION)
    def definition(params: types.DefinitionParams) -> types.Location | None:
        document = server.workspace.get_text_document(params.text_document.uri)
        return _definition(server, analyses.of(document.uri), document, params.position)

    @server.feature(types.TEXT_DOCUMENT_COMPLETION, types.CompletionOptions(trigger_characters=["."]))
    def completion(params: types.CompletionParams) -> list[types.CompletionItem]:
        document = server.workspace.get_text_document(params.text_document.uri)
        line, column = _line_and_column(document, params.position)
        out = out_before(line, column)
        if out is None:
            return []
        name, _ = assigned_states(document.source).get(out.variable, ("", 0))
        state = analyses.of(document.uri).states.get(name)
        fields = fields_of(state["result"] if state else None, out.fields)
        return [
            types.CompletionItem(name, kind=types.CompletionItemKind.Field, detail=each["text"])
            for name, each in fields.items()
        ]

    return server


async def _update(server: LanguageServer, file: File, uri: str) -> None:
    """Analyse a file after a pause, and publish its problems."""
    await asyncio.sleep(PAUSE)
    document = server.workspace.get_text_document(uri)
    path, text, version = Path(document.path), document.source, document.version
    diagnostics: list[types.Diagnostic] = []
    if is_flow(path, text):
        opened = {Path(each.path): each.source for each in server.workspace.text_documents.values()}
        others = {str(each): source for each, source in opened.items() if each.suffix == ".py" and each != path}
        analysis = await _analyse(path, text, others)
        if analysis is None:
            message = f"flowdsl: {path.name} could not be analysed within {TIMEOUT:.0f} seconds, or ended the process"
            server.window_log_message(types.LogMessageParams(types.MessageType.Warning, message))
            return
        diagnostics = _diagnostics(analysis, document)
        saved = _saved(path) if analysis["states"] is None and not file.states else None
        if saved is not None and saved != text:
            analysis = await _analyse(path, saved, others) or analysis
        if analysis["states"] is not None:
            file.states = {each["name"]: each for each in analysis["states"]}
            file.handlers = analysis["handlers"]
    server.text_document_publish_diagnostics(types.PublishDiagnosticsParams(uri, diagnostics, version))


def _saved(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError):
        return None


async def _analyse(path: Path, text: str, others: dict[str, str]) -> Analysis | None:
    """Analyse in a process of its own; None if it took too long or died.

    `others` are the texts of open files, which the file may import.
    """
    package = str(Path(__file__).parents[2])
    search = os.pathsep.join(filter(None, [package, os.environ.get("PYTHONPATH")]))
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "flowdsl.server.analysis"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        cwd=next(each for each in path.absolute().parents if each.is_dir()),
        env={**os.environ, "PYTHONPATH": search},
    )
    try:
        request = json.dumps({"file": str(path), "text": text, "others": others}).encode()
        async with asyncio.timeout(TIMEOUT):
            output, _ = await process.communicate(request)
        analysis: Analysis = json.loads(output)
    except (TimeoutError, ValueError):
        return None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return analysis


def _diagnostics(analysis: Analysis, document: TextDocument) -> list[types.Diagnostic]:
    """The problems of the file; those elsewhere, such as in a handler, stand in its first line with their place."""
    diagnostics = []
    for problem in analysis["problems"]:
        place, message = problem["place"], problem["message"]
        if place and not _is_in(place, document):
            message = f"{place['file']}:{place['line']}: {message}"
            place = None
        diagnostics.append(
            types.Diagnostic(
                _range(place, document) if place else _whole(0, document),
                message,
                severity=_SEVERITIES[problem["severity"]],
                code=problem["code"],
                source="flowdsl",
            )
        )
    return diagnostics


def _is_in(place: Place, document: TextDocument) -> bool:
    """True if the place is in this file, whatever links lead to it."""
    return Path(place["file"]).resolve() == Path(document.path).resolve()


def _range(place: Place, document: TextDocument) -> types.Range:
    """The place as the client counts: from 0, in units of UTF-16 unless it agreed on others."""
    line, end_line = place["line"] - 1, (place["end_line"] or place["line"]) - 1
    if place["end_column"] is None:
        end = _whole(end_line, document).end
    else:
        end = _position(document, end_line, place["end_column"] - 1)
    return types.Range(_position(document, line, place["column"] - 1), end)


def _whole(line: int, document: TextDocument) -> types.Range:
    text = document.lines[line].rstrip("\r\n") if line < len(document.lines) else ""
    return types.Range(types.Position(line, 0), _position(document, line, len(text)))


def _position(document: TextDocument, line: int, column: int) -> types.Position:
    if line >= len(document.lines):
        return types.Position(line, 0)
    return document.position_codec.position_to_client_units(document.lines, types.Position(line, column))


def _line_and_column(document: TextDocument, position: types.Position) -> tuple[str, int]:
    """The line, and the column in characters."""
    if position.line >= len(document.lines):
        return "", 0
    own = document.position_codec.position_from_client_units(document.lines, position)
    return document.lines[position.line], own.character


def _token_at(document: TextDocument, position: types.Position) -> Token | None:
    return token_at(*_line_and_column(document, position))


def _state_at(file: File, document: TextDocument, position: types.Position) -> State | None:
    token = _token_at(document, position)
    if token is None:
        return None
    if token.is_string:
        return file.states.get(token.text)
    is_definition = document.path.lower().endswith((".yaml", ".yml"))
    name = token.text if is_definition else assigned_states(document.source).get(token.text, ("", 0))[0]
    return file.states.get(name)


def _definition(
    server: LanguageServer, file: File, document: TextDocument, position: types.Position
) -> types.Location | None:
    """Where a step is assigned, a state is written, or a handler is defined."""
    token = _token_at(document, position)
    if token is None:
        return None
    if not token.is_string and document.path.endswith(".py"):
        assigned = assigned_states(document.source).get(token.text)
        return types.Location(document.uri, _whole(assigned[1], document)) if assigned else None
    place = file.handlers.get(token.text) if token.is_string else None
    if place is None:
        state = file.states.get(token.text)
        place = state["place"] if state else None
    if place is None:
        return None
    uri = Path(place["file"]).as_uri()
    target = document if _is_in(place, document) else server.workspace.get_text_document(uri)
    return types.Location(document.uri if target is document else uri, _range(place, target))


def explain(state: State) -> str:
    """The state as Markdown: what comes next, its types, and its ASL."""
    parts = [f"**{_plain(state['name'])}** — {_plain(str(state['asl'].get('Type')))} of {_plain(state['machine'])}"]
    if state["following"]:
        parts.append(f"next: {', '.join(map(_plain, state['following']))}")
    for what in ("input", "variables", "result"):
        described: Any = state[what]
        if described:
            parts.append(f"{what}:\n```text\n{one_line(described['text'])}\n```")
    return "\n\n".join([*parts, f"```json\n{json.dumps(state['asl'], indent=2, ensure_ascii=False)}\n```"])


def _plain(text: str) -> str:
    return re.sub(r"([\\`*_<>\[\]#|&!~])", r"\\\1", one_line(text))


def fields_of(described: Type | None, steps: tuple[str | int, ...]) -> dict[str, Type]:
    """The fields of a value at these steps; empty if they are not known."""
    for step in steps:
        if described is None:
            break
        described = described.get("item") if isinstance(step, int) else described.get("fields", {}).get(step)
    return described.get("fields", {}) if described else {}
