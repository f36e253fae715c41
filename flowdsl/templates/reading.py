"""Read a template of any kind."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..base.diagnostics import AslPath, Diagnostic, FlowError
from ..base.patterns import regex
from ..base.source import Span, display_path
from .building import Overrides
from .cloudformation import MACHINES, read_resources
from .errors import CHOOSE, cannot, refuse_unknown
from .files import Part, Places, read_document, read_text
from .model import Kind, Machine, Template, TemplateFunction
from .serverless import read_serverless


def is_template(value: Any) -> bool:
    """True for the value of a template, and False for that of a definition."""
    return kind_of(value) is not None


def kind_of(value: Any) -> Kind | None:
    """The kind of template that a JSON value is; None for anything else."""
    if not isinstance(value, Mapping) or "StartAt" in value or "States" in value:
        return None
    if "stepFunctions" in value or {"service", "provider"} <= value.keys():
        return "serverless"
    resources = value.get("Resources")
    if "AWSTemplateFormatVersion" not in value and "Transform" not in value and not isinstance(resources, Mapping):
        return None
    parts = resources.values() if isinstance(resources, Mapping) else ()
    types = [each.get("Type") for each in parts if isinstance(each, Mapping)]
    sam = "Serverless" in str(value.get("Transform")) or any(str(each).startswith("AWS::Serverless") for each in types)
    return "sam" if sam else "cloudformation"


_YAML = regex(r"^(Resources|AWSTemplateFormatVersion|Transform|stepFunctions|service)[ \t]*:", re.MULTILINE)


def is_template_text(text: str, suffix: str) -> bool:
    """True for the text of a template in a file with this suffix; False for that of a definition."""
    if suffix != ".json" and not text.lstrip().startswith("{"):
        return _YAML.search(text) is not None
    try:
        return is_template(json.loads(text))
    except (ValueError, RecursionError):
        return False


def read_template(file: Path, substitutions: Mapping[str, str] | None = None, *, text: str | None = None) -> Template:
    """Read the state machines and functions of a template: CloudFormation or SAM in YAML or JSON, or serverless.yml.

    `substitutions` gives values to placeholders by name: of DefinitionSubstitutions, parameters and references
    (`Score.Arn`), and to variables of serverless.yml (`opt:stage`). `text` is the file's content, if it was read
    already. Raises FlowError if the file cannot be read, is no template, has no state machine, or has something in a
    definition that cannot be brought in.
    """
    document = read_document(file, read_text(file) if text is None else text)
    kind = kind_of(document.value)
    if kind is None:
        hint = "give a CloudFormation or SAM template, or a serverless.yml"
        raise cannot(f"{display_path(file)} is not a template", Span(display_path(file), 1), hint)
    places = Places({(): Part(document)})
    overrides = Overrides(dict(substitutions or {}))
    root = file.resolve().parent
    notes: list[Diagnostic] = []
    try:
        if kind == "serverless":
            machines, functions = _serverless(root, document.value, places, overrides, notes)
        else:
            machines, functions = read_resources(root, document.value, (), places, overrides)
    except RecursionError:
        raise cannot("nested too deeply", Span(display_path(file), 1), "write less nested values") from None
    if not machines:
        raise _no_machine(kind, places)
    refuse_unknown(overrides.values, overrides.known)
    return Template(file, kind, tuple(machines), tuple(functions), tuple(notes))


def _serverless(
    root: Path, value: Mapping[str, Any], places: Places, overrides: Overrides, notes: list[Diagnostic]
) -> tuple[list[Machine], list[TemplateFunction]]:
    if "stepFunctions" not in value:
        value = {**value, "stepFunctions": {}}
    machines, functions, more = read_serverless(root, value, places, overrides)
    notes += more
    return machines, functions


def _no_machine(kind: Kind, places: Places) -> FlowError:
    at: AslPath = ("stepFunctions",) if kind == "serverless" else ("Resources",)
    where = "add stepFunctions: stateMachines:" if kind == "serverless" else f"add a resource of type {MACHINES[0]}"
    error = cannot("the template has no state machine", places.span(at), f"{where}, or give another file")
    [mistake] = error.diagnostics
    return FlowError(Diagnostic(CHOOSE, mistake.message, span=mistake.span, hint=mistake.hint))
