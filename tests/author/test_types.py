"""What mypy --strict and pyright say of expressions: the comments of typed_flow.py hold the types and the errors."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FLOW = Path(__file__).with_name("typed_flow.py")
_REVEALED = re.compile(r'typed_flow\.py:(\d+): note: Revealed type is "(.*)"')
_ERROR = re.compile(r"typed_flow\.py:(\d+): error: (.*)  \[(.*)\]")
_EXPECTED = re.compile(r"# (type|error): (.*)$")


def expected() -> dict[tuple[int, str], str]:
    lines = enumerate(FLOW.read_text().splitlines(), 1)
    return {(number, match[1]): match[2] for number, line in lines if (match := _EXPECTED.search(line))}


def test_mypy_knows_the_types_of_expressions(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "mypy", "--strict", "--no-color-output", "--cache-dir", str(tmp_path), str(FLOW)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    output = {}
    for line in done.stdout.splitlines():
        if revealed := _REVEALED.search(line):
            output[int(revealed[1]), "type"] = re.sub(r"\w+(\.\w+)*\.", "", revealed[2])
        elif error := _ERROR.search(line):
            output[int(error[1]), "error"] = error[3]
    assert output == expected(), done.stdout + done.stderr


PYRIGHT = os.environ.get("PYRIGHT") or shutil.which("pyright")


@pytest.mark.slow
@pytest.mark.skipif(not PYRIGHT, reason="pyright is not installed; the variable PYRIGHT may name it")
def test_pyright_finds_the_same_mistakes_and_none_in_the_examples(tmp_path: Path) -> None:
    flows = [FLOW, ROOT / "payment_flow.py", *sorted(ROOT.glob("examples/*/flow.py"))]
    command = [str(PYRIGHT), "--pythonpath", sys.executable, "--outputjson", *map(str, flows)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    reports = json.loads(done.stdout)["generalDiagnostics"]
    output = set()
    for report in reports:
        name, number = Path(report["file"]).name, report["range"]["start"]["line"] + 1
        if report["severity"] == "information":
            revealed = re.fullmatch(r'Type of ".*" is "(.*)"', report["message"])
            output.add((name, number, revealed[1] if revealed else report["message"]))
        elif report["severity"] == "error":
            output.add((name, number, "error"))
    known = expected().items()
    wanted = {(FLOW.name, number, text if kind == "type" else kind) for (number, kind), text in known}
    assert output == wanted
