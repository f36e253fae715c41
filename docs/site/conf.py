"""The site of the docs, made by Sphinx with MyST: `make docs`.

The source is the repository itself, so that a link works on the site as it does in the repository.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[2])]

import pages  # noqa: E402

project = "flowdsl"
copyright = "the authors of flowdsl"  # noqa: A001 - Sphinx's name
root_doc = "README"
extensions = ["myst_parser"]
include_patterns = [*pages.guides(), "docs/reference/*.md"]
html_theme = "furo"
html_title = "flowdsl"
myst_heading_anchors = 4
# A page may begin with a level below the one above it, as CHANGELOG.md does; JSON in examples may end with "…".
suppress_warnings = ["myst.header", "misc.highlighting_failure"]


def setup(app: Any) -> None:
    """Write the pages that are made of the code, and the menu; Sphinx calls it."""
    folder = pages.ROOT / "docs" / "reference"
    folder.mkdir(exist_ok=True)
    for name, text in pages.reference().items():
        (folder / name).write_text(text, encoding="utf-8")
    app.connect("source-read", _add_menu)
    app.connect("build-finished", _add_files)


def _add_menu(_app: Any, name: str, source: list[str]) -> None:
    if name == root_doc:
        entries = [each.removesuffix(".md") for each in pages.guides() if each != "README.md"]
        source[0] += "\n```{toctree}\n:hidden:\n\n" + "\n".join([*entries, "docs/reference/index"]) + "\n```\n"
    elif name == "docs/reference/index":
        entries = [f"{each}.md" for each in pages.public_modules()]
        source[0] += "\n```{toctree}\n:hidden:\n\n" + "\n".join(entries) + "\n```\n"


def _add_files(app: Any, error: Exception | None) -> None:
    shutil.rmtree(pages.ROOT / "docs" / "reference")
    if error is None:
        for each in pages.guides():  # the links of llms.txt
            target = Path(app.outdir) / each
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(pages.ROOT / each, target)
        for name, text in pages.reference().items():
            (Path(app.outdir) / "docs" / "reference" / name).write_text(text, encoding="utf-8")
        (Path(app.outdir) / "llms.txt").write_text(pages.llms(), encoding="utf-8")
        redirect = '<!doctype html><meta http-equiv="refresh" content="0; url=README.html"><title>flowdsl</title>\n'
        (Path(app.outdir) / "index.html").write_text(redirect, encoding="utf-8")
