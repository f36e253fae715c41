"""`flowdsl lsp`, driven over stdio by the client of pytest-lsp."""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from lsprotocol import types
from pytest_lsp import LanguageClient, client_capabilities, make_test_lsp_client

from flowdsl.scaffold import create, project_files
from flowdsl.server.analysis import analyse
from flowdsl.server.lsp import explain

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]


class Editor:
    """An editor with open files."""

    def __init__(self, client: LanguageClient) -> None:
        self.client = client
        self.versions: dict[str, int] = {}

    async def type(self, file: Path, text: str, problems: int | None = None) -> list[types.Diagnostic]:
        """Set the text of a file without saving it; return the diagnostics that the server then publishes."""
        uri = file.as_uri()
        version = self.versions[uri] = self.versions.get(uri, 0) + 1
        if version == 1:
            item = types.TextDocumentItem(uri, "python", version, text)
            self.client.text_document_did_open(types.DidOpenTextDocumentParams(item))
        else:
            document = types.VersionedTextDocumentIdentifier(version, uri)
            change = types.TextDocumentContentChangeWholeDocument(text)
            self.client.text_document_did_change(types.DidChangeTextDocumentParams(document, [change]))
        if problems is None:
            return []
        async with asyncio.timeout(60):
            while True:
                await self.client.wait_for_notification(types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS)
                published = [*self.client.diagnostics.get(uri, ())]
                if len(published) == problems:
                    return published

    async def hover(self, file: Path, at: types.Position) -> str | None:
        document = types.TextDocumentIdentifier(file.as_uri())
        answer = await self.client.text_document_hover_async(types.HoverParams(document, at))
        return answer.contents.value if answer else None

    async def definition(self, file: Path, at: types.Position) -> tuple[str, int] | None:
        document = types.TextDocumentIdentifier(file.as_uri())
        answer = await self.client.text_document_definition_async(types.DefinitionParams(document, at))
        return (answer.uri, answer.range.start.line) if answer else None

    async def completion(self, file: Path, at: types.Position) -> dict[str, str]:
        document = types.TextDocumentIdentifier(file.as_uri())
        answer = await self.client.text_document_completion_async(types.CompletionParams(document, at))
        return {each.label: each.detail for each in answer}


def edit(conversation: Callable[[Editor], Coroutine[Any, Any, None]]) -> None:
    async def main() -> None:
        client = make_test_lsp_client()
        await client.start_io(sys.executable, "-m", "flowdsl", "lsp", env={**os.environ, "PYTHONPATH": str(ROOT)})
        try:
            await client.initialize_session(
                types.InitializeParams(capabilities=client_capabilities("visual-studio-code"), root_uri=None)
            )
            await conversation(Editor(client))
        finally:
            await client.shutdown_session()
            await client.stop()

    asyncio.run(asyncio.wait_for(main(), 300))


def place(text: str, what: str, offset: int = 0, last: bool = False) -> types.Position:
    """Where the text has `what`, in units of UTF-16."""
    index = (text.rindex(what) if last else text.index(what)) + offset
    line = text.count("\n", 0, index)
    before = text[text.rfind("\n", 0, index) + 1 : index]
    return types.Position(line, len(before.encode("utf-16-le")) // 2)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    create(tmp_path / "orders", project_files("orders"))
    return tmp_path / "orders"


def test_a_flow_is_typed(project):
    file = project / "flow.py"
    text = file.read_text()

    async def conversation(editor: Editor) -> None:
        assert await editor.type(file, text, problems=0) == []

        # Not saved, and with a character that takes two units of UTF-16 before the mistake.
        wrong = text.replace('"WaitForGoods", seconds=', '"Wait 😀", second=')
        [problem] = [each for each in await editor.type(file, wrong, problems=2) if each.code == "FD102"]
        assert (problem.source, problem.severity) == ("flowdsl", types.DiagnosticSeverity.Error)
        assert problem.range.start == place(wrong, "second=", len("second="))
        assert "did you mean seconds=" in problem.message
        assert file.read_text() == text

        # Broken: what was known of the states is still there.
        typing = text.replace("reserve.out.status", "reserve.out.", 1)
        [broken] = await editor.type(file, typing, problems=1)
        assert broken.code == "FD703"
        assert broken.range.start.line in range(place(typing, "reserve.out.").line, len(typing.splitlines()))
        fields = await editor.completion(file, place(typing, "reserve.out.", len("reserve.out.")))
        assert fields.keys() == {"status", "retry_after_seconds"}
        assert '"later"' in fields["status"]
        assert await editor.completion(file, place(typing, "machine =")) == {}

        text_of_state = await editor.hover(file, place(typing, '"Reserve"', 1))
        assert '"Type": "Task"' in text_of_state
        assert "result:\n```text\n{status: " in text_of_state
        assert "input:\n```text\n{id: string" in text_of_state
        assert text_of_state == await editor.hover(file, place(typing, "goto(reserve)", 5))
        later = await editor.hover(file, place(text, '"Confirm"', 1))
        assert "input:\n```text\n{id: string, item: string, quantity: number, reservation: {status: " in later
        assert await editor.hover(file, place(typing, "TypedDict")) is None

        to_step = await editor.definition(file, place(typing, "goto(reserve)", 5))
        assert to_step == (file.as_uri(), place(typing, "reserve = Task").line)
        handler = project / "handlers" / "confirm" / "handler.py"
        to_handler = await editor.definition(file, place(typing, "handlers/confirm"))
        assert to_handler == (handler.as_uri(), place(handler.read_text(), "def handler").line)

    edit(conversation)


def test_a_definition(tmp_path):
    file = tmp_path / "order.asl.json"
    text = """{
  "StartAt": "A",
  "States": {
    "A": {"Type": "Pass", "Next": "B"},
    "B": {"Type": "Succeed"}
  }
}
"""
    file.write_text(text)

    async def conversation(editor: Editor) -> None:
        await editor.type(file, text, problems=0)
        assert "next: B" in await editor.hover(file, place(text, '"A"', 1))
        assert await editor.definition(file, place(text, '"Next": "B"', 9)) == (file.as_uri(), 4)
        wrong = text.replace('"Next": "B"', '"Next": "C"')
        problems = await editor.type(file, wrong, problems=2)
        assert {each.code for each in problems} == {"FD401", "FD402"}
        [broken] = await editor.type(file, wrong.replace("}\n  }", ""), problems=1)
        assert broken.severity == types.DiagnosticSeverity.Error

    edit(conversation)


def test_hover_shows_the_document_and_the_variables_of_each_state():
    definition = {
        "StartAt": "A",
        "States": {
            "A": {"Type": "Pass", "Result": {"n": 1}, "ResultPath": "$.a", "Assign": {"v": "x"}, "Next": "B"},
            "B": {"Type": "Map", "ItemsPath": "$.a", "ItemProcessor": {"StartAt": "C", "States": {}}, "Next": "D"},
            "D": {"Type": "Succeed"},
        },
    }
    definition["States"]["B"]["ItemProcessor"]["States"] = {"C": {"Type": "Pass", "End": True}}
    states = {each["name"]: each for each in analyse(Path("order.asl.json"), json.dumps(definition))["states"]}
    assert states["A"]["input"] is None
    assert states["B"]["input"]["text"] == "{a: {n: 1}, …}"
    assert states["B"]["variables"]["text"] == '{v: "x", …}'
    assert "variables:\n```text\n" in explain(states["B"])


def test_hover_shows_no_markdown_of_the_definition():
    text = "a\n```\n\n[click](command:x) ![](https://example.org/x.png) <b>&amp;"
    states = {"A": {"Type": "Pass", "Result": {text: 1}, "Next": text}, text: {"Type": text}}
    definition = json.dumps({"StartAt": "A", "States": states})
    for state in analyse(Path("order.asl.json"), definition)["states"]:
        outside = re.sub(r"^```(text|json)$.*?^```$", "", explain(state), flags=re.MULTILINE | re.DOTALL)
        assert not re.search(r"(?<!\\)[\[\]`<>&!]", outside)


@pytest.mark.parametrize("suffix", ["yaml", "yml"])
def test_a_definition_in_yaml(tmp_path, suffix):
    file = tmp_path / f"order.asl.{suffix}"
    text = """StartAt: A
States:
  A: # the first one
    Type: Pass
    Next: B
  B:
    Type: Succeed
"""
    file.write_text(text)

    async def conversation(editor: Editor) -> None:
        assert await editor.type(file, text, problems=0) == []
        assert "next: B" in await editor.hover(file, place(text, "A: #"))
        assert await editor.definition(file, place(text, "Next: B", 6)) == (file.as_uri(), 5)
        wrong = text.replace("Next: B", "Next: C")
        problems = await editor.type(file, wrong, problems=2)
        assert {each.code for each in problems} == {"FD401", "FD402"}
        [unknown] = [each for each in problems if each.code == "FD401"]
        assert unknown.range.start == place(wrong, "C")
        [broken] = await editor.type(file, text.replace("    Type: Pass", "\tType: Pass"), problems=1)
        assert (broken.code, broken.range.start.line) == ("FD704", 3)

    edit(conversation)


def test_other_python_is_not_run(tmp_path):
    trace, file, flow = tmp_path / "trace", tmp_path / "script.py", tmp_path / "flow.py"
    code = f"from pathlib import Path\nPath({str(trace)!r}).touch()\n"
    stuck = "from flowdsl import Pass, StateMachine\nimport os\nos._exit(3)\nmachine = StateMachine('m', Pass('A'))\n"
    flow.write_text(stuck)

    async def conversation(editor: Editor) -> None:
        assert await editor.type(file, f"# flowdsl\n{code}", problems=0) == []
        assert not trace.exists()
        # A flow that ends its process neither ends the server nor keeps it from the next version.
        await editor.type(flow, stuck)
        assert await editor.type(flow, stuck.replace("os._exit(3)\n", ""), problems=0) == []

    edit(conversation)


class TestReading:
    @pytest.mark.parametrize(
        ("line", "out"),
        [
            ("when(charge.out.", ("charge", (), "")),
            ("    x == charge.out.receipt.na", ("charge", ("receipt",), "na")),
            ("charge.out.lines[0].", ("charge", ("lines", 0), "")),
            ("charge.output.", None),
            ("charge.out", None),
        ],
    )
    def test_out(self, line, out):
        from flowdsl.server.reading import out_before

        assert out_before(line, len(line)) == out

    def test_assigned_states(self):
        from flowdsl.server.reading import assigned_states

        text = "a = Task(\n    'A b', f)\nb: Task = f.Task(\"B\", (\n  c = Task('C')\nd = Task(name)\n"
        assert assigned_states(text) == {"a": ("A b", 0), "b": ("B", 2)}


def test_files_that_are_not_saved(project, tmp_path):
    """A new file, a helper that is changed too, a link to the folder, and a flow that prints past Python."""
    file, helper = project / "new_flow.py", project / "names.py"
    helper.write_text('NAME = "Confirm"\n')
    text = (project / "flow.py").read_text().replace('Task("Confirm"', "Task(NAME")
    text = f'import sys\nfrom names import NAME\nsys.__stdout__.write("x")\n{text}'
    (tmp_path / "link").symlink_to(project)

    async def conversation(editor: Editor) -> None:
        assert await editor.type(file, text, problems=0) == []
        await editor.type(helper, 'NAME = "Reserve"\n', problems=0)
        [problem] = await editor.type(file, text + "\n", problems=1)
        assert problem.code == "FD201"
        assert helper.read_text() == 'NAME = "Confirm"\n'

        linked = tmp_path / "link" / "flow.py"
        wrong = linked.read_text().replace('"Refuse", error=', '"Refuse", eror=')
        problems = await editor.type(linked, wrong, problems=1)
        assert [each.range.start.line for each in problems] == [place(wrong, "eror=").line]

    edit(conversation)
