"""CloudFormation's intrinsic functions, as far as their value is known before the deployment.

A reference becomes a placeholder as Fn::Sub writes it: `${Table}`, `${Score.Arn}`, `${AWS::Region}`. Source:
CloudFormation Template Reference, "Intrinsic function reference" and "Pseudo parameters reference".
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

import attrs

from ..base.diagnostics import AslPath, Diagnostic
from ..base.files import MOST_CHARACTERS
from ..base.patterns import regex
from ..base.words import nearest
from .errors import KEPT, LaterError, cannot, later, note, too_long
from .files import Places
from .texts import Piece, plain

PSEUDO = ("AccountId", "NotificationARNs", "NoValue", "Partition", "Region", "StackId", "StackName", "URLSuffix")
_ONLY_LATER = ("Fn::If", "Fn::GetAZs", "Fn::Cidr", "Fn::Length", "Fn::Base64")
_INSTEAD = (
    "give it a name under DefinitionSubstitutions and write ${Name} in its place, or put the value there as plain text"
)
_SUB = regex(r"\$\{(!?)([^{}]*)\}")
_DIGITS = regex(r"[0-9]{1,9}")


def is_intrinsic(value: Any) -> bool:
    """True for `{"Ref": name}` and `{"Fn::…": …}`: a function is the only key of its object. `Condition` is one only
    where templates have conditions, and a key of JSONata's choice rules."""
    if not isinstance(value, dict) or len(value) != 1:
        return False
    [(key, argument)] = value.items()
    return key.startswith("Fn::") or (key == "Ref" and isinstance(argument, str))


def whole_number(value: Any) -> int | None:
    """Return the number that a template writes as such or as a text of at most nine digits; None for any other value.

    >>> whole_number("10"), whole_number(10), whole_number("-1"), whole_number("²")
    (10, 10, None, None)
    """
    return int(value) if isinstance(value, int | str) and _DIGITS.fullmatch(str(value)) else None


@attrs.define
class TemplateScope:
    """What the names in a template stand for. `notes` gets what stays a placeholder."""

    places: Places
    names: Mapping[str, str] = attrs.field(factory=dict)
    """Readable names of resources by logical id."""
    known: frozenset[str] | None = None
    """Every resource and parameter; None if a transform may add any other."""
    by_sam: bool = False
    """True if SAM adds resources of its own: `ScoreRole` of a function `Score`, and a few with fixed names."""
    mappings: Mapping[str, Any] = attrs.field(factory=dict)
    literals: set[str] = attrs.field(factory=set)
    """Names that Fn::Sub's `${!name}` keeps as text."""
    notes: list[Diagnostic] = attrs.field(factory=list)
    references: set[str] = attrs.field(factory=set)
    """The names of the placeholders that references became."""

    def fresh(self) -> TemplateScope:
        """The scope for another resource, with notes of its own."""
        return attrs.evolve(self, notes=[], literals=set(), references=set())

    def known_text(self, value: Any, path: AslPath) -> str | None:
        """Text with placeholders, or None if it is known only when the template is deployed."""
        before = len(self.notes)
        try:
            text = self.text(value, path)
        except LaterError:
            return None
        return None if len(self.notes) > before and isinstance(value, dict) and "Fn::ImportValue" in value else text

    def value(self, value: Any, path: AslPath) -> Any:
        """A JSON value with its functions replaced, at any depth."""
        if is_intrinsic(value):
            [(key, argument)] = value.items()
            return self._call(key, argument, (*path, key))
        if isinstance(value, dict):
            self._refuse_mixed(value, path)
            return {key: self.value(item, (*path, key)) for key, item in value.items()}
        if isinstance(value, list):
            return [self.value(item, (*path, index)) for index, item in enumerate(value)]
        return value

    def text(self, value: Any, path: AslPath) -> str:
        """A value that has to be text."""
        return plain(self.pieces(value, path))

    def pieces(self, value: Any, path: AslPath) -> list[Piece]:
        """Text in pieces, each with its place."""
        if isinstance(value, str):
            return [Piece(value, path, 0)]
        if is_intrinsic(value):
            [(key, argument)] = value.items()
            at = (*path, key)
            if key in ("Fn::Join", "Fn::Sub"):
                pieces = self._join(argument, at) if key == "Fn::Join" else self._sub(argument, at)
                if sum(len(each.text) for each in pieces) > MOST_CHARACTERS:
                    raise too_long(self.places.span(at))
                return pieces
            value = self._call(key, argument, at)
            return [Piece(value if isinstance(value, str) else json.dumps(value), at)]
        if isinstance(value, bool | int | float):
            return [Piece(json.dumps(value), path)]
        raise cannot("text expected here", self.places.span(path), "write a string, Fn::Sub or Fn::Join")

    def _refuse_mixed(self, value: Mapping[str, Any], path: AslPath) -> None:
        """CloudFormation refuses a function with further keys beside it."""
        function = next((key for key in value if key.startswith("Fn::")), None)
        if function is None:
            return
        others = [key for key in value if key != function]
        span = self.places.span((*path, function))
        raise cannot(
            f"{function} is not the only key of its object: {', '.join(others[:3])} beside it",
            span,
            f"CloudFormation refuses this: move {function} into a value of its own",
        )

    def _call(self, name: str, argument: Any, path: AslPath) -> Any:
        call: Callable[[TemplateScope, Any, AslPath], Any] | None = _FUNCTIONS.get(name)
        if call is not None:
            return call(self, argument, path)
        span = self.places.span(path)
        if name in _ONLY_LATER:
            raise later(name, span, _INSTEAD)
        if name in ("Fn::Transform", "Fn::ForEach"):
            hint = "write out what the macro makes, or import the template that AWS made of it (aws cloudformation "
            raise cannot(f"{name} changes the template on AWS", span, hint + "get-template --template-stage Processed)")
        near = nearest(name, (*_FUNCTIONS, *_ONLY_LATER))
        hint = f"did you mean {near!r}?" if near and near != "Ref" else _INSTEAD
        raise cannot(f"unknown function {name}", span, hint)

    def reference(self, name: str, path: AslPath) -> str:
        """The placeholder for `Table`, `Score.Arn` or `AWS::Region`. Raises FlowError for unknown pseudo parameters."""
        if name.startswith("AWS::"):
            if name.removeprefix("AWS::") not in PSEUDO:
                near = nearest(name, [f"AWS::{each}" for each in PSEUDO])
                hint = f"did you mean {near}?" if near else f"there are AWS::{', AWS::'.join(PSEUDO)}"
                raise cannot(f"there is no pseudo parameter {name}", self.places.span(path), hint)
            return self._placeholder(name)
        base, dot, attribute = name.partition(".")
        if self.known is not None and base not in self.known and not (self.by_sam and self._is_generated(base)):
            near = nearest(base, self.known)
            message = f"there is no resource or parameter {base!r} in the template; ${{{name}}} stays in the definition"
            hint = f"did you mean {near!r}?" if near else "declare it, or correct the name"
            self.notes.append(note(KEPT, message, self.places.span(path), hint))
        return self._placeholder(f"{self.names.get(base, base)}{dot}{attribute}")

    def _is_generated(self, name: str) -> bool:
        """Source: samtranslator, model/*/generators.py and api/: names start with those of what they are made for."""
        return name.startswith(("Serverless", "CodeDeployServiceRole", *(self.known or ())))

    def _placeholder(self, name: str) -> str:
        self.references.add(name)
        return f"${{{name}}}"

    def _ref(self, argument: Any, path: AslPath) -> str:
        return self.reference(str(argument), path)

    def _get_att(self, argument: Any, path: AslPath) -> str:
        if isinstance(argument, list) and argument and all(isinstance(each, str) for each in argument):
            return self.reference(".".join(argument), path)
        if isinstance(argument, str):
            return self.reference(argument, path)
        hint = 'write [resource, attribute], such as {"Fn::GetAtt": ["Score", "Arn"]}'
        raise cannot("Fn::GetAtt takes the name of a resource and of its attribute", self.places.span(path), hint)

    def _join(self, argument: Any, path: AslPath) -> list[Piece]:
        if not (isinstance(argument, list) and len(argument) == 2 and isinstance(argument[0], str)):
            raise cannot("Fn::Join takes a delimiter and a list", self.places.span(path), 'write ["", [first, …]]')
        delimiter, items = argument
        at = (*path, 1)
        if is_intrinsic(items):
            items = self.value(items, at)
        if not isinstance(items, list):
            raise cannot("Fn::Join takes a delimiter and a list", self.places.span(path), _INSTEAD)
        pieces: list[Piece] = []
        for index, item in enumerate(items):
            if index and delimiter:
                pieces.append(Piece(delimiter, path))
            pieces += self.pieces(item, (*at, index))
        return pieces

    def _sub(self, argument: Any, path: AslPath) -> list[Piece]:
        values: Mapping[str, Any] = {}
        at = path
        if isinstance(argument, list) and argument and isinstance(argument[0], str):
            values = argument[1] if len(argument) > 1 else {}
            argument, at = argument[0], (*path, 0)
        if not isinstance(argument, str) or not isinstance(values, dict):
            raise cannot("Fn::Sub takes text, or text and a mapping", self.places.span(path), 'write ["text", {}]')
        pieces: list[Piece] = []
        texts: dict[str, str] = {}
        end = 0
        for match in _SUB.finditer(argument):
            pieces.append(Piece(argument[end : match.start()], at, end))
            end = match.end()
            literal, name = match[1], match[2].strip()
            if literal:
                self.literals.add(name)
                pieces.append(Piece(f"${{{name}}}", at, match.start()))
            elif name in values:
                if name not in texts:
                    texts[name] = self.text(values[name], (*path, 1, name))
                pieces.append(Piece(texts[name], at))
            else:
                pieces.append(Piece(self.reference(name, at), at))
        return [*pieces, Piece(argument[end:], at, end)]

    def _import_value(self, argument: Any, path: AslPath) -> str:
        export = re.sub(r"[^\w:.-]+", "-", self.text(argument, path)).strip("-")
        message = f"Fn::ImportValue is known only on AWS; ${{{export}}} stays in its place"
        hint = f"give its value: --substitution {export}=…"
        self.notes.append(note(KEPT, message, self.places.span(path), hint))
        return self._placeholder(export)

    def _find_in_map(self, argument: Any, path: AslPath) -> Any:
        value: Any = self.mappings
        for key in argument[:3] if isinstance(argument, list) else [None]:
            value = value.get(key) if isinstance(key, str) and isinstance(value, Mapping) else None
        if value is None:
            raise later("Fn::FindInMap", self.places.span(path), _INSTEAD)
        return value

    def _select(self, argument: Any, path: AslPath) -> Any:
        if isinstance(argument, list) and len(argument) == 2:
            index, items = whole_number(argument[0]), self.value(argument[1], (*path, 1))
            if index is not None and isinstance(items, list) and index < len(items):
                return items[index]
        raise later("Fn::Select", self.places.span(path), _INSTEAD)

    def _split(self, argument: Any, path: AslPath) -> list[str]:
        if isinstance(argument, list) and len(argument) == 2 and isinstance(argument[0], str):
            text = self.text(argument[1], (*path, 1))
            if "${" not in text and argument[0]:
                return text.split(argument[0])
        raise later("Fn::Split", self.places.span(path), _INSTEAD)


_FUNCTIONS: dict[str, Callable[[TemplateScope, Any, AslPath], Any]] = {
    "Ref": TemplateScope._ref,
    "Fn::GetAtt": TemplateScope._get_att,
    "Fn::Join": lambda scope, argument, path: plain(scope._join(argument, path)),
    "Fn::Sub": lambda scope, argument, path: plain(scope._sub(argument, path)),
    "Fn::ImportValue": TemplateScope._import_value,
    "Fn::FindInMap": TemplateScope._find_in_map,
    "Fn::Select": TemplateScope._select,
    "Fn::Split": TemplateScope._split,
    "Fn::ToJsonString": lambda scope, argument, path: json.dumps(scope.value(argument, path)),
}
