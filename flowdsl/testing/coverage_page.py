"""Coverage as pages of HTML: each state machine with what the tests reach lit, as a whole and by test."""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import escape

from ..asl.tree import Edge, Tree
from ..base.diagnostics import AslPath, pointer
from ..graph.output import draw
from ..graph.picture import Mark
from ..graph.subject import Subject
from .coverage import Coverage, Measured

ALL = "all tests"
INDEX = "index.html"


def pages(coverage: Coverage) -> dict[str, str]:
    """Return the pages by file name: one for each state machine, and `index.html`, which lists them."""
    files: dict[str, str] = {}
    rows: list[str] = []
    for name, measured in coverage.machines.items():
        file = _file_name(name, files)
        files[file] = str(draw(picture_coverage(name, measured), "html"))
        reached, total = measured.count()
        rows.append(
            f'<tr><td><a href="{escape(file)}">{escape(name)}</a></td><td>{measured.percent:.1f}%</td>'
            f"<td>{reached} of {total}</td><td>{measured.runs}</td></tr>"
        )
    return {INDEX: _INDEX.format(percent=f"{coverage.percent:.1f}", rows="\n".join(rows)), **files}


def picture_coverage(name: str, measured: Measured) -> Subject:
    """A state machine with what the tests reach: lit in one view for all tests, and in one for each."""
    tree = Tree(measured.definition)
    reached, total = measured.count()
    views = {ALL: _marks(tree, measured.hits, measured.followed)}
    for test, hits in sorted(measured.tests.items()):
        views[test] = _marks(tree, hits, hits)
    return Subject(
        name=name,
        definition=measured.definition,
        comment=f"{measured.percent:.1f}% covered: {reached} of {total} states, branches, retriers and catchers",
        marks=views[ALL],
        views=views,
        details=_details(tree, measured),
    )


def _details(tree: Tree, measured: Measured) -> dict[AslPath, dict[str, str]]:
    """For each state its line, what of it no test reaches, and the tests that enter it."""
    missing: dict[AslPath, list[str]] = {}
    for item, count in measured.items():
        node = tree.node_at(item.path)
        if node is not None and not count:
            missing.setdefault(node.path, []).append(item.about)
    details: dict[AslPath, dict[str, str]] = {}
    for node in tree:
        at = pointer(node.path)
        tests = [f"{test} ({hits[at]}×)" for test, hits in sorted(measured.tests.items()) if hits[at]]
        texts = {
            "Written at": measured.places.get(at, ""),
            "Not covered": "\n".join(missing.get(node.path, ())),
            "Reached by": "\n".join(tests),
        }
        details[node.path] = {heading: text for heading, text in texts.items() if text}
    return details


def _marks(tree: Tree, hits: Mapping[str, int], followed: Mapping[str, int]) -> dict[AslPath, Mark]:
    marks: dict[AslPath, Mark] = {}
    for machine in tree.machines:
        for node in machine.states.values():
            marks[node.path] = _mark(hits.get(pointer(node.path), 0), "entered")
        for edge in machine.edges:
            if edge.kind not in ("branch", "processor"):
                marks[edge.path] = _mark(_count(edge, hits, followed), "taken")
    return marks


def _count(edge: Edge, hits: Mapping[str, int], followed: Mapping[str, int]) -> int:
    if edge.kind == "start":
        return hits.get(pointer(edge.target.path), 0) if edge.target is not None else 0
    if edge.kind == "next":
        return followed.get(pointer(edge.path), 0)
    return hits.get(pointer(edge.path[:-1] if edge.kind in ("choice", "catch") else edge.path), 0)


def _mark(count: int, verb: str) -> Mark:
    if not count:
        return Mark("missed", note="no test gets here")
    return Mark("reached", f"{count}×", f"{verb} {count} time{'s' * (count != 1)}")


def _file_name(name: str, taken: Mapping[str, str]) -> str:
    plain = re.sub(r"[^\w-]", "-", name, flags=re.ASCII) or "machine"
    number, file = 1, f"{plain}.html"
    while file in taken or file == INDEX:
        number += 1
        file = f"{plain}-{number}.html"
    return file


_INDEX = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<link rel="icon" href="data:,">
<title>Flow coverage</title>
<style>
body {{ font: 14px/1.5 Helvetica, Arial, "Liberation Sans", sans-serif; margin: 40px; color: #16202c; }}
table {{ border-collapse: collapse; }}
th, td {{ padding: 6px 18px 6px 0; text-align: left; border-bottom: 1px solid #dde3ea; }}
@media (prefers-color-scheme: dark) {{ body {{ color: #e8eef5; background: #0f1620; }} a {{ color: #8aa2ff; }} }}
</style>
</head>
<body>
<h1>Flow coverage: {percent}%</h1>
<table>
<tr><th>state machine</th><th>covered</th><th>states, branches, retriers, catchers</th><th>runs</th></tr>
{rows}
</table>
</body>
</html>
"""
