"""A project around an existing definition: its flow in Python, its functions, a snapshot and a test that passes.

A function that the definition calls in the account of its deployment (`${AWS::Region}:${AWS::AccountId}`) is the
project's: its code is copied from the template that has it, or else written as a stub. All other functions, named with
an account or by a placeholder, stay where they are deployed.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs

from ..asl.portable import portable
from ..asl.resource import parse_resource
from ..asl.text import canonical_text
from ..asl.tree import Tree
from ..author.functions import Function
from ..author.serial import dump
from ..base.diagnostics import Diagnostic, FlowError
from ..importer import code as c
from ..importer.calls import OWN_FUNCTION
from ..importer.command import find_mistakes
from ..importer.convert import converted
from ..importer.naming import snake
from ..importer.proof import compiled_machines
from ..importer.source import Imported
from ..importer.sources import read_source
from ..package.sources import function_files
from ..project import Loaded
from ..project.settings import find_root
from .sample import Sample, find_sample

DEFAULT_TIMEOUT = Function("x").timeout_seconds
_STUB = '''\
"""The Lambda function {name}."""

from typing import Any


def handler(event: dict[str, Any], context: object) -> Any:
    """Write the function here; until then a mock of {states} stands in for it."""
    raise NotImplementedError("{name} is not written yet")
'''


@attrs.frozen
class Existing:
    """What a project gets of a definition: its files by path, and what is to be told about it."""

    files: Mapping[str, str | bytes]
    mistakes: tuple[Diagnostic, ...]
    """Mistakes of the definition that the flow has too."""
    warnings: tuple[Diagnostic, ...]
    """What the source says that is not brought in."""
    command: str
    """The command that runs the flow, with mocks."""


def existing_files(name: str, source: str, *, machine: str | None, substitutions: Mapping[str, str]) -> Existing:
    """The files that depend on a definition. Raises FlowError if it cannot be read or is not ASL."""
    [read] = read_source(source, machine, substitutions)
    mistakes = tuple(find_mistakes(attrs.evolve(read, name=name)))
    functions = _own_functions(read)
    placed = {each: _keywords(read, each, folder) for each, folder in functions.items()}
    files: dict[str, str | bytes] = {"handlers/__init__.py": ""}
    for function, folder in functions.items():
        files |= {f"{folder}/__init__.py": ""} | _code(read, function, folder, source)
    module = converted([attrs.evolve(read, name=name, functions=placed)])
    compiled = dump(compiled_machines(module.body)[0])
    sample = find_sample(Loaded(Path("flow.py"), name, read.definition, "", read.type))
    files["flow.py"] = module.text
    files[f"tests/__snapshots__/test_flow/{name}.asl.json"] = canonical_text(portable(compiled))
    files["tests/test_flow.py"] = _tests(sample, read.definition)
    command = _command(sample)
    if len(command) > 100 and sample:
        files["input.json"] = json.dumps(sample.input, indent=2, ensure_ascii=False) + "\n"
        command = _command(sample, "input.json")
    return Existing(files, mistakes, read.warnings, command)


def _own_functions(read: Imported) -> dict[str, str]:
    """The folder of each function of the project, by the function's name."""
    folders: dict[str, str] = {}
    for node in Tree(read.definition):
        match = OWN_FUNCTION.fullmatch(str(node.fields.get("Resource"))) if node.type == "Task" else None
        if match and match[1] not in folders:
            wanted = snake(match[1])
            number = sum(re.fullmatch(rf"handlers/{wanted}(_\d+)?", each) is not None for each in folders.values())
            folders[match[1]] = f"handlers/{wanted}" + (f"_{number + 1}" if number else "")
    return folders


def _keywords(read: Imported, function: str, folder: str) -> dict[str, Any]:
    """The keywords of its `Function`: its module is at the top of the folder."""
    keywords = {**read.functions.get(function, {}), "source": folder}
    if function not in read.functions:  # a stub ends before its Tasks give up
        limits = [node.fields.get("TimeoutSeconds") for node in Tree(read.definition) if _calls(node.fields, function)]
        shortest = min((limit for limit in limits if isinstance(limit, int)), default=DEFAULT_TIMEOUT + 1)
        keywords |= {"timeout": max(shortest - 1, 1)} if shortest <= DEFAULT_TIMEOUT else {}
    handler = ".".join(str(keywords.pop("handler", "handler.handler")).split(".")[-2:])
    return keywords if handler == "handler.handler" else {**keywords, "handler": handler}


def _code(read: Imported, function: str, folder: str, source: str) -> dict[str, str | bytes]:
    """The function's files: copies, where a template says where they are, or a stub."""
    keywords = read.functions.get(function)
    if not keywords:
        states = [node.name for node in Tree(read.definition) if _calls(node.fields, function)]
        named = ", ".join(state for state in states if state.isprintable()) or "its state"
        text = _STUB.format(name=function, states=named.replace("\\", "\\\\").replace('"', '\\"'))
        return {f"{folder}/handler.py": text}
    packages = str(keywords.get("handler", "handler.handler")).split(".")[:-2]
    origin = find_root(Path(source).resolve().parent).joinpath(str(keywords["source"]), *packages)
    files: dict[str, str | bytes] = {}
    try:
        for file in function_files(origin):
            files[f"{folder}/{file.relative_to(origin).as_posix()}"] = file.read_bytes()
        for each in ("requirements.in", "requirements.txt"):
            if (origin / each).is_file():
                files[f"{folder}/{each}"] = (origin / each).read_bytes()
    except OSError as error:
        raise FlowError.of(
            f"function {function!r}: {error.filename} cannot be read: {error.strerror}",
            code="FD702",
            hint="correct its permissions, or the function's folder in the template",
        ) from None
    locked = files.get(f"{folder}/requirements.txt")
    if isinstance(locked, bytes) and b"--hash=" not in locked and f"{folder}/requirements.in" not in files:
        files[f"{folder}/requirements.in"] = files.pop(f"{folder}/requirements.txt")  # the versions that are wanted
    return files


def _calls(fields: Mapping[str, Any], function: str) -> bool:
    match = OWN_FUNCTION.fullmatch(str(fields.get("Resource")))
    return match is not None and match[1] == function


# The test


def _tests(sample: Sample | None, definition: Mapping[str, Any]) -> str:
    """The test module. There a mock of a function is what the function returns, without the response of Invoke."""
    resources = {node.name: str(node.fields.get("Resource")) for node in Tree(definition) if node.type == "Task"}
    text = (
        '"""The flow on the embedded engine: mocks in place of its calls, and a virtual clock that skips waits."""\n\n'
    )
    text += "from typing import Any\n\nfrom flowdsl.project import load\n\n"
    if sample:
        text += c.laid_out("INPUT = ", c.constant(sample.input)) + "\n\n\n"
        text += "def test_an_execution(flow: Any) -> None:\n"
        text += '    """Made of what the states read: replace the values by those of your flow."""\n'
        for state, result in sample.results.items():
            if parse_resource(resources[state]).operation == "lambda:invoke" and isinstance(result, dict):
                result = result.get("Payload", {})
            text += c.laid_out("    ", c.call("flow.mock", c.constant(state), returns=c.constant(result)), indent=4)
            text += "\n"
        for state, result in sample.callbacks.items():
            text += c.laid_out("    ", c.call("flow.answer", c.constant(state), c.constant(result)), indent=4) + "\n"
        text += "    run = flow.run(INPUT)\n"
        states = c.constant([*sample.states])
        text += c.laid_out("    assert run.history.states() == ", states, indent=4) + "\n\n\n"
    else:
        text += "\n"
    return text + _ALWAYS


_ALWAYS = """\
def test_the_definition_is_the_one_that_was_reviewed(asl_snapshot: Any, request: Any) -> None:
    for machine in load(request.config.rootpath / "flow.py"):
        assert machine.definition == asl_snapshot(name=machine.name)
"""


def _command(sample: Sample | None, file: str = "") -> str:
    if sample is None:
        return "flowdsl run --help"
    words = ["--input", file or json.dumps(sample.input, ensure_ascii=False)]
    for option, answers in (("--mock", sample.results), ("--callback", sample.callbacks)):
        for state, value in answers.items():
            words += [option, f"{state}={json.dumps(value, ensure_ascii=False)}"]
    return "flowdsl run " + " ".join(map(shlex.quote, words))
