"""What paths, payload templates and expressions read in what is known, and what is said where it is not there."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

import attrs

from ...base.diagnostics import AslPath
from ...base.words import did_you_mean
from ...expr.path.tree import Index, Name, Path, Root
from ..findings import Findings
from ..rules.jsonata import read_text
from ..rules.paths import is_intrinsic, parsed
from ..rules.variables import paths_of
from .shapes import (
    ANY,
    BOOLEAN,
    MAX_DEPTH,
    NUMBER,
    STRING,
    Array,
    Field,
    Missing,
    Object,
    Shape,
    Unknown,
    look,
    merged,
    of_value,
)

_RESULTS: Final[dict[str, Shape]] = {"string": STRING, "number": NUMBER, "boolean": BOOLEAN}
"""The kind of an intrinsic function's result → its shape; any other kind has an unknown shape."""
_PLAIN = re.compile(r"\$[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*")
"""An expression that is a path and nothing else."""
_ASKING = ("$exists", "?", " in ", "$type", "$lookup", "$keys", "$spread")
"""Words of expressions that may well ask whether something is there."""


@attrs.define(kw_only=True)
class Reader:
    """Reads; `findings` is None while the routes are still being followed, and nothing is said then."""

    is_declared: bool
    """Whether the author declares input and results: then what no route produces is an error."""
    findings: Findings | None = None
    variables: Shape = ANY
    """The variables that can be read, as an object."""

    def template(self, value: Any, document: Shape, path: AslPath, source: str, depth: int = 0) -> Shape:
        """The shape that a payload template gives."""
        if depth > MAX_DEPTH:
            return ANY
        if isinstance(value, dict):
            made: dict[str, Field] = {}
            for key, each in value.items():
                if key.endswith(".$"):
                    made[key[:-2]] = Field(self.read(document, each, (*path, key)))
                else:
                    made[key] = Field(self.template(each, document, (*path, key), source, depth + 1))
            return Object(made, True, source)
        if isinstance(value, list):
            items = tuple(
                self.template(each, document, (*path, index), source, depth + 1) for index, each in enumerate(value)
            )
            return Array(merged(items), items)
        return of_value(value, source)

    def read(self, document: Shape, text: Any, path: AslPath) -> Shape:
        """What a path or an intrinsic function finds in the document."""
        if not isinstance(text, str):
            return ANY
        if is_intrinsic(text):
            for each in paths_of(text):
                self.find(document, each, path)
            from ..rules.intrinsics import result_kind  # takes 15 ms, and most definitions have no intrinsic function

            return _RESULTS.get(result_kind(text), ANY)
        found = parsed(text)
        return self.find(document, found, path) if found is not None else ANY

    def find(self, document: Shape, wanted: Path, path: AslPath) -> Shape:
        if wanted.root is Root.VARIABLE and wanted.variable is not None:
            document = self.variable(wanted.variable)
        elif wanted.root is not Root.INPUT:
            return ANY
        keys = keys_of(wanted)
        complete = keys is not None
        if keys is None:
            keys = first_keys(wanted)
        found, missing = look(document, keys)
        self.say(missing, wanted.text, path)
        return found if complete else ANY

    def say(self, missing: Missing | None, text: str, path: AslPath) -> None:
        if self.findings is None or missing is None:
            return
        caught = missing.source.startswith("the error that ")
        if missing.sometimes:
            message = f"{text}: {missing.name!r} is there only on some routes; {missing.source} has none"
            kept = self.findings.either(
                "keep it with a ResultPath in the Catch", 'keep it with catch(..., into="error")'
            )
            hint = kept if caught else "let every route put it there"
            self.findings.warning("FD804" if caught else "FD802", message, path, hint=hint)
            return
        if missing.there is None:
            message = f"{text}: nothing has a field {missing.name!r} there, for it is no object"
            self.nothing(message, path, None)
            return
        here = missing.source or "what is there"
        there = ", ".join(missing.there) if missing.there else "nothing"
        near = did_you_mean(missing.name, missing.there)
        message = f"{text}: no route puts {missing.name!r} there; {here} has {there}"
        self.nothing(message, path, near)

    def nothing(self, message: str, path: AslPath, hint: str | None) -> None:
        """AWS takes such a definition, so it is an error only in what somebody writes here and now."""
        if self.findings is not None and self.is_declared:
            self.findings.error("FD801", message, path, hint=hint, aws=None)
        elif self.findings is not None:
            self.findings.warning("FD801", message, path, hint=hint)

    def expression(self, value: Any, known: Mapping[str, Shape], path: AslPath, source: str, depth: int = 0) -> Shape:
        """The shape of a value with JSONata in it; of an expression that is more than a path nothing is known."""
        if depth > MAX_DEPTH:
            return ANY
        if isinstance(value, dict):
            made = {
                key: Field(self.expression(each, known, (*path, key), source, depth + 1)) for key, each in value.items()
            }
            return Object(made, True, source)
        if isinstance(value, list):
            items = tuple(
                self.expression(each, known, (*path, index), source, depth + 1) for index, each in enumerate(value)
            )
            return Array(merged(items), items)
        if not isinstance(value, str) or not value.startswith("{%"):
            return of_value(value)
        text = value[2:-2].strip()
        if _PLAIN.fullmatch(text):
            root, *names = text[1:].split(".")
            return self.followed(root, tuple(names), known, path)
        if self.findings is not None and not any(word in text for word in _ASKING):
            read = read_text(text)
            for each in getattr(read, "reads", ()):
                self.followed(each.name, each.fields, known, path)
        return ANY

    def followed(self, root: str, names: tuple[str, ...], known: Mapping[str, Shape], path: AslPath) -> Shape:
        """What `$root.name.name` finds, `root` being `states` or a variable."""
        text = "$" + ".".join((root, *names))
        start = self.variable(root)
        if root == "states":
            start, names = known.get(names[0], ANY) if names else ANY, names[1:]
        if isinstance(start, Unknown) or _meets_list(start, names):
            return ANY
        found, missing = look(start, names)
        self.say(missing, text, path)
        return found

    def variable(self, name: str) -> Shape:
        field = self.variables.fields.get(name) if isinstance(self.variables, Object) else None
        return field.shape if field is not None else ANY


def keys_of(path: Path | None) -> tuple[str | int, ...] | None:
    """A path of single names and indexes as keys; None where it is something else."""
    if path is None:
        return None
    keys = first_keys(path)
    return keys if len(keys) == len(path.steps) else None


def first_keys(path: Path) -> tuple[str | int, ...]:
    keys: list[str | int] = []
    for step in path.steps:
        if isinstance(step, Name) and len(step.names) == 1:
            keys.append(step.names[0])
        elif isinstance(step, Index) and len(step.indexes) == 1:
            keys.append(step.indexes[0])
        else:
            break
    return tuple(keys)


def _meets_list(shape: Shape, keys: tuple[str, ...]) -> bool:
    """JSONata maps over a list that it meets on its way."""
    for count in range(len(keys)):
        found, _ = look(shape, keys[:count])
        if isinstance(found, Array):
            return True
    return False
