"""What mypy --strict says of expressions: the comments of typed_flow.py hold the types and the errors."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

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
