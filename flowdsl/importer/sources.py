"""Where definitions come from: a file, standard input, or a deployed state machine."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from ..base import document, yaml_document
from ..base.diagnostics import FlowError
from ..base.source import display_path
from .deployed import read_deployed
from .source import Imported

STDIN = "-"


def read_source(source: str) -> list[Imported]:
    """The definitions of a source. Raises FlowError if it cannot be read or has none."""
    if source == STDIN:
        return [_definition(sys.stdin.read(), "standard input", "machine", "")]
    if source.startswith("arn:"):
        return [read_deployed(source)]
    path = Path(source)
    if not path.is_file():
        what = "is a folder" if path.is_dir() else "does not exist"
        raise FlowError.of(
            f"{display_path(path)} {what}",
            code="FD702",
            hint="give a .json, .yaml or .yml file, the ARN of a state machine, or -",
        )
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise FlowError.of(f"{display_path(path)} cannot be read: {reason}", code="FD702") from None
    name = re.sub(r"[^A-Za-z0-9_-]+", "-", path.name.split(".")[0]).strip("-")[:80] or "machine"
    return [_definition(text, display_path(path), name, path.suffix.lower())]


def _definition(text: str, file: str, name: str, suffix: str) -> Imported:
    """A definition in JSON, or in YAML if its name says so or it does not begin as JSON does."""
    is_yaml = suffix in (".yaml", ".yml") or (suffix != ".json" and not text.lstrip().startswith("{"))
    read = yaml_document.read_yaml(text, file) if is_yaml else document.read_json(text, file)
    return Imported(name, read.value, file, locate=read.span, twice=read.twice, comments=read.comments)
