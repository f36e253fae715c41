"""From the parts of a template's state machine to a `Machine`: substitutions, names, problems."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import attrs

from ..asl.names import is_machine_name
from ..asl.placeholders import PLACEHOLDER, find_placeholders, substitute, substitute_text
from ..base.diagnostics import AslPath, Diagnostic, FlowError
from ..base.files import MOST_CHARACTERS
from ..base.patterns import regex
from ..base.record import evolve
from ..base.source import Span
from .errors import CANNOT, UNIMPORTED, UNREPLACED, cannot, note, too_long
from .intrinsics import TemplateScope, is_intrinsic
from .model import Machine, Type
from .texts import Parsed, parse

_GENERATED = regex(r"definition_substitution_\d+")
"""Names that SAM's transform makes. Source: samtranslator/model/stepfunctions/generators.py."""


@attrs.frozen
class Definition:
    """A definition as the template has it, its functions replaced."""

    value: Any
    locate: Callable[..., Span | None] = attrs.field(repr=False)
    comments: Mapping[AslPath, tuple[str, ...]] = attrs.field(factory=dict)
    twice: tuple[AslPath, ...] = ()
    bare: frozenset[str] = frozenset()

    @classmethod
    def of_text(cls, parsed: Parsed) -> Definition:
        return cls(parsed.value, parsed.locate, {}, parsed.document.twice, parsed.bare)


def definition_at(scope: TemplateScope, value: Any, path: AslPath) -> Definition:
    """A definition that is an object, or as text of JSON."""
    if isinstance(value, str) or is_intrinsic(value):
        pieces = scope.pieces(value, path)
        return Definition.of_text(parse(pieces, scope.places, path))
    places = scope.places
    return Definition(
        scope.value(value, path), lambda inner, needle=None: places.span((*path, *inner), needle), places.comments(path)
    )


@attrs.define
class Overrides:
    """The values that the user gives to placeholders, by name, and which of them were used."""

    values: Mapping[str, str] = attrs.field(factory=dict)
    known: set[str] = attrs.field(factory=set)
    """Every name that a definition of the template has."""


@attrs.frozen
class Identity:
    """How a machine is called."""

    id: str
    name: str
    span: Span | None


def build_machine(
    scope: TemplateScope,
    identity: Identity,
    definition: Definition,
    *,
    substitutions: Mapping[str, Any] | None = None,
    substitutions_at: AslPath = (),
    overrides: Overrides | None = None,
    type: Type = "STANDARD",
    role: str | None = None,
    notes: list[Diagnostic] | None = None,
    starts: Iterable[Diagnostic] = (),
) -> Machine:
    """Fill in what is known, and say what nothing replaces. Raises FlowError if the definition is not an object.

    `starts` are problems of what starts the state machine."""
    overrides = overrides or Overrides()
    if not isinstance(definition.value, dict) and scope.notes:
        raise FlowError(evolve(scope.notes[-1], code=CANNOT, severity="error"))
    if not isinstance(definition.value, dict):
        raise cannot(
            f"the definition of {identity.id} must be a JSON object",
            definition.locate(()) or identity.span,
            'write {"StartAt": …, "States": {…}}',
        )
    literal, references = _substitutions(scope, substitutions or {}, substitutions_at, overrides)
    generated = {name: text for name, text in references.items() if _GENERATED.fullmatch(name)}
    overrides.known |= {name for name, _ in find_placeholders(definition.value)} | references.keys()
    values = {**literal, **generated, **overrides.values}
    if sum(len(values.get(name, "")) for name, _ in find_placeholders(definition.value)) > MOST_CHARACTERS:
        raise too_long(definition.locate(()) or identity.span)
    value = substitute(definition.value, values, definition.bare)
    overrides.known |= {name for name, _ in find_placeholders(value)}
    value = substitute(value, overrides.values, definition.bare)
    left = [*find_placeholders(value)]
    originals = {readable: f"${{{name}}}" for name, readable in scope.names.items() if readable != name}
    used = {name for name, _ in left}
    stays = {name: text for name, text in {**originals, **references}.items() if name in used and text}
    replaced = {*references, *scope.references, *scope.literals}
    problems = [
        note(
            UNREPLACED,
            f"nothing replaces ${{{name}}}",
            definition.locate(path) or identity.span,
            f"add {name} under DefinitionSubstitutions, or give its value: --substitution {name}=…",
        )
        for name, path in _first_of_each(left)
        if name not in replaced and not name.startswith("AWS::") and not _is_variable(name)
    ]
    problems = [evolve(each, path=path) for each, path in zip(problems, _paths(left, problems), strict=True)]
    return Machine(
        identity.id,
        identity.name,
        value,
        type,
        role,
        stays,
        frozenset(scope.literals & used),
        definition.locate,
        definition.comments,
        definition.twice,
        (*problems, *scope.notes, *starts),
        tuple(notes or ()),
    )


def _paths(left: list[tuple[str, AslPath]], problems: list[Diagnostic]) -> list[AslPath]:
    first = dict(_first_of_each(left))
    return [first[each.message.removeprefix("nothing replaces ${")[:-1]] for each in problems]


def _first_of_each(left: list[tuple[str, AslPath]]) -> list[tuple[str, AslPath]]:
    return [*{name: (name, path) for name, path in reversed(left)}.values()][::-1]


def _is_variable(name: str) -> bool:
    """True for a variable of the Serverless Framework, which has a note of its own: `ssm:/my/path`, `self:custom.x`."""
    return re.match(r"[a-zA-Z]+(\([^)]*\))?:", name) is not None


def _substitutions(
    scope: TemplateScope, substitutions: Mapping[str, Any], path: AslPath, overrides: Overrides
) -> tuple[dict[str, str], dict[str, str]]:
    """Values that are known, also by what the user gives for names in them, and the references of the others (empty if
    the template says none)."""
    literal: dict[str, str] = {}
    references: dict[str, str] = {}
    for name, value in substitutions.items():
        text = scope.known_text(value, (*path, name))
        if text is not None:
            overrides.known |= {inner for inner, _ in find_placeholders(text)}
            text = substitute_text(text, overrides.values)
        if text is None or PLACEHOLDER.search(text):
            references[name] = text or ""
        else:
            literal[name] = text
    return literal, references


def machine_name(scope: TemplateScope, value: Any, path: AslPath, fallback: str, notes: list[Diagnostic]) -> str:
    """The name that the template gives, or the fallback if the name is known only on AWS."""
    if value is None:
        return fallback
    text = scope.known_text(value, path)
    if text is not None and is_machine_name(text):
        return text
    message = f"the name {text or 'of the state machine'} is known only when the template is deployed"
    hint = f"it is called {fallback!r} here; rename it in Python if you like"
    notes.append(note(UNIMPORTED, message, scope.places.span(path), hint))
    return fallback


def machine_type(scope: TemplateScope, value: Any, path: AslPath) -> Type:
    """STANDARD or EXPRESS. Raises FlowError for anything else."""
    if value is None:
        return "STANDARD"
    text = (scope.known_text(value, path) or "").upper()
    if text not in ("STANDARD", "EXPRESS"):
        raise cannot(f"there is no type {value!r}", scope.places.span(path), "write STANDARD or EXPRESS")
    return text  # type: ignore[return-value]
