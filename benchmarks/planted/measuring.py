"""Plant bugs and make correct edits in copies of the hosts, and check them."""

from __future__ import annotations

import random
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from flowdsl import project
from flowdsl.base.diagnostics import Diagnostic, FlowError

from ..mutations import ROOT, Source
from .correct import correct_edits
from .file_bugs import handler_bugs, setting_bugs, yaml_bugs
from .flow_bugs import flow_bugs
from .model import HOSTS, Host, Planted

SEEDED = ROOT / "benchmarks" / "seeded"
SETTINGS = """[tool.flowdsl]
flow = "FLOW"
output = "build"

[tool.flowdsl.environments.test]
region = "eu-west-1"
account = "123456789012"
tags = { team = "travel" }
"""


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
