"""How definitions come in: `python -m tests.importer.report [FILE or FOLDER]...`

Without arguments it measures the recordings (tests/conformance_data.py).
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from statistics import median
from typing import Any

from flowdsl.base.diagnostics import FlowError

from .corpus import Measured, measured, recorded


def files(names: list[str]) -> list[tuple[str, dict[str, Any]]]:
    """The definitions in files and folders."""
    paths = [
        each for name in names for each in (sorted(Path(name).rglob("*.json")) if Path(name).is_dir() else [Path(name)])
    ]
    return [(path.name, json.loads(path.read_text())) for path in paths]


def main(names: list[str]) -> None:
    """Print the figures."""
    definitions = files(names) if names else recorded()
    equal: list[Measured] = []
    start = time.monotonic()
    write = sys.stdout.write
    for name, definition in definitions:
        try:
            equal.append(measured("machine", definition))
        except FlowError as error:
            write(f"{name}: {error}\n")
    write(f"{len(equal)} of {len(definitions)} come back equal\n")
    write(f"{100 * median(each.ratio for each in equal):.1f} % of the JSON's lines (median)\n")
    large = [each for each in equal if each.states >= 5]
    if large:
        write(f"{100 * median(each.ratio for each in large):.1f} % in the {len(large)} with five states or more\n")
    states, raw = sum(each.states for each in equal), sum(each.raw for each in equal)
    write(f"{raw} of {states} states are raw ({100 * raw / states:.2f} %)\n")
    write(f"{time.monotonic() - start:.1f} s\n")


if __name__ == "__main__":
    main(sys.argv[1:])
