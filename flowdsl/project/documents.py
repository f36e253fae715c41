"""State machines of JSON and YAML files: definitions, and the templates of other tools."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..asl.text import canonical_text
from ..base.diagnostics import FlowError
from ..base.document import Document, read_json
from ..base.files import check_length, read_text
from ..base.source import display_path
from .loaded import Loaded, substituted


def load_document(file: Path, suffix: str, substitutions: Mapping[str, str]) -> list[Loaded]:
    """The definition of a file, or every state machine of a template. Raises FlowError."""
    return load_text(read_text(file, code="FD702"), file, suffix, substitutions)


def load_text(content: str, file: Path, suffix: str, substitutions: Mapping[str, str]) -> list[Loaded]:
    """The state machines of a document's text. Raises FlowError."""
    check_length(content, display_path(file), "FD704")
    is_json = suffix == ".json" or (suffix == ".template" and content.lstrip().startswith("{"))
    if _may_be_template(content):
        from ..templates import is_template_text

        if is_template_text(content, ".json" if is_json else suffix):
            return _load_template(file, content, substitutions)
    names: dict[str, str] = {}
    hidden = content
    if is_json:
        if "${" in content:
            from ..templates.texts import hide_bare

            hidden, names = hide_bare(content)
        source = read_json(hidden, display_path(file))
    else:
        from ..base.yaml_document import read_yaml

        source = read_yaml(content, display_path(file))
    return substituted([_definition(file, source, names)], substitutions, frozenset(names.values()))


def _may_be_template(content: str) -> bool:
    """False for almost every definition, which then needs no reader of templates."""
    return any(word in content for word in ("Resources", "AWSTemplateFormatVersion", "Transform", "stepFunctions"))


def _definition(file: Path, source: Document, names: dict[str, str]) -> Loaded:
    value: Any = source.value
    if not isinstance(value, dict):
        raise FlowError.of(
            "a definition must be a JSON object",
            code="FD704",
            span=source.span(()),
            hint='write {"StartAt": …, "States": {…}}',
        )
    if names:
        from ..templates.texts import show_bare

        value = show_bare(value, names)
    name = file.stem.removesuffix(".asl")
    return Loaded(file, name, value, canonical_text(value), locate=source.span, twice=source.twice)


def _load_template(file: Path, content: str, substitutions: Mapping[str, str]) -> list[Loaded]:
    from ..templates import read_template

    template = read_template(file, substitutions, text=content)
    return [
        Loaded(
            file,
            machine.name,
            machine.definition,
            canonical_text(machine.definition),
            machine.type,
            locate=machine.locate,
            twice=machine.twice,
            warnings=machine.problems,
            handlers=template.handlers(machine),
        )
        for machine in template.machines
    ]
