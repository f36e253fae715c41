"""Variables of the Serverless Framework, resolved without running anything: `${self:…}`, `${opt:…}`, `${file(…)}`.

Sources: Serverless Framework, "Variables"; serverless-step-functions and serverless-pseudo-parameters, for
`#{AWS::Region}`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import attrs

from ..base.diagnostics import AslPath
from ..base.patterns import regex
from .building import Overrides
from .errors import KEPT, cannot, note
from .files import Part, Places, read_document, read_text
from .intrinsics import TemplateScope, whole_number

_INNERMOST = regex(r"\$\{((?!AWS::)[a-zA-Z]+(?:\([^(){}]*\))?:?[^{}]*)\}")
_VARIABLE = regex(r"(?P<type>[a-zA-Z]+)(?:\((?P<argument>[^()]*)\))?(?::(?P<address>.*))?", re.DOTALL)
_TYPES = ("self", "file", "opt", "env", "sls", "param", "aws", "cf", "ssm", "s3", "git", "strToBool", "custom")
_PSEUDO = regex(r"#\{([^{}]+)\}|\$\{(AWS::[^{}]*)\}")
_LITERAL = regex(r"'([^']*)'|\"([^\"]*)\"")
_MOST_VALUES = 100_000
"""How many values variables may add up to: a variable can stand for a subtree with variables."""
_DEEPEST = 40
"""How many variables may stand for one another."""


class _UnknownError(Exception):
    """The variable has no value here."""


@attrs.define
class Variables:
    """The values of one serverless.yml. `root` is its folder."""

    root: Path
    template: Any
    places: Places
    overrides: Overrides
    scope: TemplateScope
    _left: int = _MOST_VALUES
    _files: dict[Path, Any] = attrs.field(factory=dict)

    def resolve(self, value: Any, path: AslPath, depth: int = 0) -> Any:
        """The value with its variables resolved, at any depth. What has no value here stays, with a note."""
        self._left -= 1
        if self._left < 0 or depth > _DEEPEST:
            message = "the variables stand for too many values, or for one another"
            raise cannot(message, self.places.span(path), "write the values out")
        if isinstance(value, dict):
            return {key: self.resolve(item, (*path, key), depth) for key, item in value.items()}
        if isinstance(value, list):
            return [self.resolve(item, (*path, index), depth) for index, item in enumerate(value)]
        return self._text(value, path, depth) if isinstance(value, str) else value

    def resolve_text(self, value: Any, path: AslPath) -> Any:
        """The value of text that is a variable; anything else as it is, with the variables below it."""
        return self.resolve(value, path) if isinstance(value, str) else value

    def _text(self, text: str, path: AslPath, depth: int) -> Any:
        kept: dict[str, str] = {}
        while True:
            match = next((each for each in _INNERMOST.finditer(text) if _is_variable(each[1])), None)
            if match is None:
                break
            try:
                value = self._variable(match[1], path, depth)
            except _UnknownError:
                self._note(match[1], path)
                mark = f"\0{len(kept)}\0"
                kept[mark] = match[0]
                value = mark
            if match[0] == text:
                if not isinstance(value, str):
                    return value
                text = value
            elif isinstance(value, dict | list):
                self.places.parts.pop(path, None)
                message = f"{match[0]} is an object or a list, in the middle of text"
                raise cannot(message, self.places.span(path), "use a variable that is text")
            else:
                plain = {True: "true", False: "false", None: ""}.get(value, str(value)) if not value else str(value)
                text = text[: match.start()] + ("true" if value is True else plain) + text[match.end() :]
            if len(text) > _MOST_VALUES:
                raise cannot("the text is too long", self.places.span(path), "write the values out")
        for mark, original in kept.items():
            text = text.replace(mark, original)
        return _PSEUDO.sub(lambda each: self.scope.reference(each[1] or each[2], path), text)

    def _note(self, variable: str, path: AslPath) -> None:
        name = variable.partition(",")[0].strip()
        if re.fullmatch(r"file\(.*\.(js|ts|cjs|mjs|mts)\).*", name):
            hint = "flowdsl runs no code of a template: write the value out, or into a YAML file"
        else:
            hint = f"give its value: --substitution '{name}=…'"
        message = f"${{{name}}} has no value here; it stays in the definition"
        self.scope.notes.append(note(KEPT, message, self.places.span(path), hint))

    def _variable(self, text: str, path: AslPath, depth: int) -> Any:
        """The first of the alternatives that has a value. Raises _UnknownError."""
        for alternative in _alternatives(text):
            literal = _LITERAL.fullmatch(alternative)
            if literal:
                return literal[1] if literal[1] is not None else literal[2]
            if alternative in ("true", "false", "null"):
                return {"true": True, "false": False, "null": None}[alternative]
            if re.fullmatch(r"-?\d+", alternative):
                return int(alternative)
            self.overrides.known.add(alternative)
            if alternative in self.overrides.values:
                return self.overrides.values[alternative]
            match = _VARIABLE.fullmatch(alternative)
            if match is None:
                continue
            try:
                return self._source(match["type"], match["argument"], match["address"] or "", path, depth)
            except _UnknownError:
                continue
        raise _UnknownError

    def _source(self, kind: str, argument: str | None, address: str, path: AslPath, depth: int) -> Any:
        if kind == "self":
            return self._at((), self.template, address, path, depth)
        if kind == "file" and argument is not None:
            return self._file(argument.strip(), address, path, depth)
        if kind == "aws" and address in ("accountId", "region"):
            return self.scope.reference(
                f"AWS::{address[0].upper()}{address[1:]}".replace("Accountid", "AccountId"), path
            )
        if (kind, address) in (("sls", "stage"), ("opt", "stage")) and "opt:stage" in self.overrides.values:
            return self.overrides.values["opt:stage"]
        if (kind, address) == ("sls", "stage"):
            return self.stage(depth)
        if kind == "param":
            params = self.template.get("params", {}) if isinstance(self.template, dict) else {}
            for group in (self.stage(depth), "default"):
                if isinstance(params, dict) and address in (params.get(group) or {}):
                    return self.resolve(params[group][address], ("params", group, address), depth + 1)
        raise _UnknownError

    def stage(self, depth: int = 0) -> str:
        """The stage: --substitution opt:stage=…, or provider.stage, or `dev`."""
        overrides = self.overrides.values.get("opt:stage")
        provider = self.template.get("provider") if isinstance(self.template, dict) else None
        stage = provider.get("stage") if isinstance(provider, dict) else None
        return overrides or (str(self.resolve(stage, ("provider", "stage"), depth + 1)) if stage else "dev")

    def _at(self, base: AslPath, tree: Any, address: str, path: AslPath, depth: int) -> Any:
        value, at = tree, base
        for step in filter(None, address.split(".")):
            if isinstance(value, str):
                value = self.resolve(value, at, depth + 1)
            index = whole_number(step) if isinstance(value, list) else None
            key: Any = step if index is None else index
            if (isinstance(value, Mapping) and key in value) or (isinstance(value, list) and key in range(len(value))):
                value = value[key]
            elif address == "provider.stage":
                return "dev"
            else:
                raise _UnknownError
            at = (*at, key)
        if isinstance(value, dict | list):
            self.places.parts[path] = Part(*self.places.origin(at))
        return self.resolve(value, path if isinstance(value, dict | list) else at, depth + 1)

    def _file(self, name: str, address: str, path: AslPath, depth: int) -> Any:
        file = (self.root / name).resolve()
        if file.suffix.lower() not in (".yml", ".yaml", ".json"):
            raise _UnknownError
        span = self.places.span(path)
        if file not in self._files:
            self._files[file] = read_document(file, read_text(file, span, "correct the path of ${file(…)}"))
        document = self._files[file]
        value: Any = document.value
        inside: AslPath = ()
        for step in filter(None, address.split(".")):
            if not isinstance(value, Mapping) or step not in value:
                raise _UnknownError
            value, inside = value[step], (*inside, step)
        self.places.parts[path] = Part(document, inside)
        return self.resolve(value, path, depth + 1)


def _alternatives(text: str) -> Iterator[str]:
    """The alternatives of a variable: the parts between commas outside quotes and parentheses."""
    pattern = r"(?:'[^']*'|\"[^\"]*\"|\([^()]*\)|[^,'\"()]|['\"()])+"
    return (match[0].strip() for match in re.finditer(pattern, text) if match[0].strip())


def _is_variable(text: str) -> bool:
    match = re.match(r"([a-zA-Z]+)(\([^()]*\))?(:|$|,|\s)", text)
    return match is not None and match[1] in _TYPES and (match[2] is not None or ":" in text)
