"""Bugs and correct edits that were written by hand, for ten flows: `python -m benchmarks.written [FLOW...] [--missed]`.

`seeded/FLOW/bugs.txt` and `correct.txt` list edits of the flow beside them, one at a time:

    == what is wrong
    file handlers/probe/handler.py      another file than the flow
    - lines, or a part of one           what is replaced, which the file has once
    + what takes its place
    and - …                             another place of the same file
    @main a part of a line              where a colleague may look, too: in the flow, after the edit

A correct edit may rename everywhere: `all OLD`, `to NEW`. A bug counts as found if the check says something new, and as
found at the line if it says so at a changed line or at one of the others. With `--missed` it prints what was missed.
"""

from __future__ import annotations

import re
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from flowdsl import project
from flowdsl.base.diagnostics import Diagnostic, FlowError

SEEDED = Path(__file__).parent / "seeded"
FLOWS = {
    "media": "media_flow.py",
    "onboarding": "onboarding_flow.py",
    "settlement": "settlement.asl.json",
    "agent": "agent_flow.py",
    "payout": "payout_flow.py",
    "etl": "etl_flow.py",
    "backup": "backup.asl.json",
    "orders": "template.yaml",
    "tickets": "tickets_flow.py",
    "ledger": "ledger.asl.json",
}
"""The first four were tuned on; the others were measured before anything was mended for them."""


class Edit(NamedTuple):
    """All files of a flow after an edit, and the lines, by file, where a colleague would look."""

    what: str
    files: dict[str, str]
    places: frozenset[tuple[str, int]]


class _Entry(NamedTuple):
    file: str
    replaced: list[tuple[str, str]]
    renamed: list[tuple[str, str]]
    places: list[str]


def files_of(flow: str) -> dict[str, str]:
    """The files of a flow, by their path below its folder."""
    folder = SEEDED / flow
    paths = [each for each in sorted(folder.rglob("*")) if each.suffix in (".py", ".toml", ".json", ".yaml")]
    paths += folder.rglob("requirements.txt")
    return {str(each.relative_to(folder)): each.read_text() for each in paths if "__pycache__" not in each.parts}


def edits_of(flow: str, kind: str) -> Iterator[Edit]:
    """The edits in `bugs.txt` or `correct.txt`. Raises ValueError if one does not fit the flow."""
    files = files_of(flow)
    for part in re.split(r"^== ", (SEEDED / flow / f"{kind}.txt").read_text(), flags=re.M)[1:]:
        what, _, body = part.partition("\n")
        yield _apply(what.strip(), _parse(body, FLOWS[flow]), files, FLOWS[flow])


def _parse(body: str, main: str) -> _Entry:
    entry = _Entry(main, [], [], [])
    old: list[str] = []
    new: list[str] = []
    for line in [*body.splitlines(), "and - "]:
        text = line.removeprefix("and ")
        begins = text.startswith("- ") and (bool(new) or line != text)
        if begins and old:
            entry.replaced.append(("\n".join(old), "\n".join(new) if new else ""))
            old, new = [], []
        if text.startswith("- "):
            old.append(text[2:])
        elif text.startswith("+"):
            new.append(text[2:])
        elif text.startswith("file "):
            entry = entry._replace(file=text[5:])
        elif text.startswith("all "):
            entry.renamed.append((text[4:], ""))
        elif text.startswith("to "):
            entry.renamed[-1] = (entry.renamed[-1][0], text[3:])
        elif text.startswith("@"):
            entry.places.append(text.partition(" ")[2])
    return entry


def _apply(what: str, entry: _Entry, files: dict[str, str], main: str) -> Edit:
    text, lines = files[entry.file], list[int]()
    for old, new in entry.renamed:
        is_name = old[0].islower()
        pattern = rf'(?<![\w"/.\-]){re.escape(old)}(?![\w\-])' if is_name else re.escape(old) + r"(?!\w)"
        text = re.sub(pattern, new.replace("\\", r"\\"), text)
    for old, new in entry.replaced:
        whole = old if new else f"{old}\n"
        if text.count(whole) != 1:
            raise ValueError(f"{what}: {main} has {text.count(whole)} times {whole!r}")
        at = text.index(whole)
        first, more = text.count("\n", 0, at) + 1, new.count("\n") - whole.count("\n")
        text = text[:at] + new + text[at + len(whole) :]
        before = {each.strip() for each in old.splitlines()}
        changed = [index for index, each in enumerate(new.splitlines()) if each.strip() not in before]
        changed = changed or [*range(len(new.splitlines()))]
        lines = [line + more if line > first else line for line in lines] + [first + index for index in changed]
    edited = {**files, entry.file: text}
    places = {(entry.file, line) for line in lines}
    for part in entry.places:
        numbers = [number for number, line in enumerate(edited[main].splitlines(), 1) if part in line]
        if not numbers:
            raise ValueError(f"{what}: {main} has no {part!r}")
        opened = [each - 1 for each in numbers if edited[main].splitlines()[each - 2].endswith("(")]
        places |= {(main, number) for number in (*numbers, *opened)}  # the name of a state, and the call around it
    return Edit(what, edited, frozenset(places))


def findings(folder: Path, files: dict[str, str], main: str) -> list[Diagnostic]:
    """What the check says of these files, in a folder of their own."""
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    for name in [each for each in sys.modules if each.startswith(main.partition(".")[0] + ":")]:
        del sys.modules[name]  # the loader knows a flow by its place below pyproject.toml
    try:
        if "pyproject.toml" in files:
            project.default_flow(folder)
        return [each for loaded in project.load(folder / main) for each in project.diagnose(loaded)]
    except FlowError as error:
        return [*error.diagnostics]
    except Exception as error:  # noqa: BLE001 - it is counted
        return [Diagnostic("CRASH", repr(error))]


def is_at_line(edit: Edit, diagnostics: list[Diagnostic]) -> bool:
    """True if a finding points at a place where a colleague would look."""
    return any(
        each.span is not None and each.span.file.endswith(file) and each.span.line == line
        for each in diagnostics
        for file, line in edit.places
    )


def measure(flow: str, kind: str) -> Iterator[tuple[Edit, list[Diagnostic]]]:
    """Make each edit by itself, and yield what is new to the check."""
    base = Path(tempfile.mkdtemp())
    try:
        known = {(each.code, each.message) for each in findings(base / "known", files_of(flow), FLOWS[flow])}
        for index, edit in enumerate(edits_of(flow, kind)):
            reported = findings(base / str(index), edit.files, FLOWS[flow])
            yield edit, [each for each in reported if (each.code, each.message) not in known]
    finally:
        shutil.rmtree(base)


def main() -> None:
    names = [each for each in sys.argv[1:] if not each.startswith("-")] or [*FLOWS]
    totals: Counter[str] = Counter()
    for flow in names:
        counts: Counter[str] = Counter()
        for edit, new in measure(flow, "bugs"):
            is_exact = is_at_line(edit, new)
            counts.update(bugs=1, hits=bool(new), exact=is_exact, crashes=any(each.code == "CRASH" for each in new))
            if "--missed" in sys.argv and not is_exact:
                messages = "; ".join(f"{each.code} {each.span and each.span.line} {each.message[:80]}" for each in new)
                print(f"{flow}: {edit.what}: {sorted(line for _, line in edit.places)[:4]}: {messages or 'MISSED'}")
        for edit, new in measure(flow, "correct"):
            counts.update(edits=1, alarms=bool(new))
            if new:
                print(f"false alarm: {flow}: {edit.what}: {new[0].code} {new[0].message}")
        print(flow, *(f"{counts[each]} {each}" for each in ("bugs", "hits", "exact", "edits", "alarms", "crashes")))
        totals.update(counts)
    bugs, hits, exact = totals["bugs"], totals["hits"], totals["exact"]
    print(f"{hits} of {bugs} ({hits / bugs:.1%}), at the line {exact} of {hits} ({exact / max(1, hits):.1%})")
    print(f"{totals['alarms']} false alarms in {totals['edits']} correct edits; {totals['crashes']} crashes")


if __name__ == "__main__":
    main()
