"""Where definitions come from: a file, standard input, or a deployed state machine."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import attrs

from ..asl.placeholders import find_placeholders, substitute
from ..base import document, yaml_document
from ..base.diagnostics import FlowError
from ..base.files import read_stdin, read_text
from ..base.source import display_path
from ..templates import is_template_text
from ..templates.errors import refuse_unknown
from .deployed import read_deployed
from .source import Imported
from .templates import read_machine

STDIN = "-"


def read_source(source: str, machine: str | None, substitutions: Mapping[str, str]) -> list[Imported]:
    """The definitions of a source: `machine` chooses one of a template's, `substitutions` fill placeholders.

    Raises FlowError if it cannot be read or has none.
    """
    if source == STDIN:
        return [_filled(_definition(read_stdin(code="FD702"), "standard input", "machine", ""), substitutions)]
    if source.startswith("arn:"):
        return [_filled(read_deployed(source), substitutions)]
    path = Path(source)
    if not path.is_file():
        what = "is a folder" if path.is_dir() else "does not exist"
        raise FlowError.of(
            f"{display_path(path)} {what}",
            code="FD702",
            hint="give a .json, .yaml or .yml file with a definition or a template, the ARN of a state machine, or -",
        )
    if path.suffix == ".py":
        raise FlowError.of(
            f"{display_path(path)} is Python already",
            code="FD702",
            hint="give a definition or a template; flowdsl check, run and build take the file as it is",
        )
    text = read_text(path, code="FD702")
    if is_template_text(text, path.suffix.lower()):
        return [read_machine(path, text, machine, substitutions)]
    name = re.sub(r"[^A-Za-z0-9_-]+", "-", path.name.split(".")[0]).strip("-")[:80] or "machine"
    return [_filled(_definition(text, display_path(path), name, path.suffix.lower()), substitutions)]


def _filled(source: Imported, substitutions: Mapping[str, str]) -> Imported:
    """The definition with placeholders filled in. Raises FlowError for a name that it does not contain."""
    refuse_unknown(substitutions, {name for name, _ in find_placeholders(source.definition)})
    return attrs.evolve(source, definition=substitute(source.definition, substitutions))


def _definition(text: str, file: str, name: str, suffix: str) -> Imported:
    """A definition in JSON, or in YAML if its name says so or it does not begin as JSON does."""
    is_yaml = suffix in (".yaml", ".yml") or (suffix != ".json" and not text.lstrip().startswith("{"))
    read = yaml_document.read_yaml(text, file) if is_yaml else document.read_json(text, file)
    return Imported(name, read.value, file, locate=read.span, twice=read.twice, comments=read.comments)
