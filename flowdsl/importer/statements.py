"""The assignments of a module: what has a variable, and in which order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import attrs

from . import code as c
from .code import Code
from .helpers import Helper
from .naming import Names

Key = tuple[Any, ...]
"""What has a variable: ("state", path of its graph, name), ("chain", path, first state) or ("part", code)."""
_DEEPEST = 500
"""How many assignments may wait for each other; further ones are named by text, as those are that lead back."""


@attrs.frozen(eq=False)
class Statement:
    """`name = code`, below a comment."""

    name: str
    """Of what is not written yet, the name that it would like to have."""
    code: Code
    comments: Sequence[str] = ()
    helper: Helper | None = None
    """The function whose body the code is."""


class NotYetError(Exception):
    """Something needs what cannot be defined at this place."""


def _ending(key: Key, code: Code) -> str:
    """What makes another name of one that is taken."""
    if key[0] == "part":
        return ""
    return "steps" if isinstance(code, c.PythonCall) and code.function == c.Api("chain") else "step"


class Statements:
    """The assignments of a module in their order; one that another needs comes before it."""

    def __init__(self) -> None:
        self.names = Names()
        self.lines: list[Statement] = []
        self._pending: dict[Key, Statement] = {}
        self._defined: dict[Key, str] = {}
        self._busy: set[Key] = set()

    def add(self, key: Key, name: str, code: Code, comments: Sequence[str] = ()) -> None:
        """An assignment that is written when something needs it."""
        self._pending[key] = Statement(name, code, comments)

    def wanted(self) -> set[str]:
        """The names that what may be written would like to have."""
        return {statement.name for statement in self._pending.values()}

    def add_helper(self, helper: Helper) -> None:
        """A function that is written when something needs it."""
        self._pending["helper", helper.name] = Statement(helper.name, helper.body, helper=helper)

    def replace(self, replaced: Mapping[Code, Code]) -> None:
        """Change parts of what may be written."""
        for key, statement in self._pending.items():
            code = c.changed(statement.code, lambda part: replaced.get(part, part))
            self._pending[key] = attrs.evolve(statement, code=code)

    def emit(self, name: str, code: Code, comments: Sequence[str] = ()) -> None:
        """An assignment that is written now."""
        self.lines.append(Statement(name, code, comments))

    def has(self, key: Key) -> bool:
        return key in self._pending

    def codes(self) -> list[Code]:
        """The code of all assignments that may be written."""
        return [statement.code for statement in self._pending.values()]

    def define(self, key: Key) -> str | None:
        """The variable for the key, assigned now if it is not yet; None if it cannot be at this place."""
        if key in self._defined:
            return self._defined[key]
        if key not in self._pending or key in self._busy or len(self._busy) > _DEEPEST:
            return None
        self._busy.add(key)
        statement = self._pending[key]
        try:
            code = self.resolved(statement.code, inside=True)
        except NotYetError:
            return None
        finally:
            self._busy.discard(key)
        # Named only now: of several that want one name, the first in the file has it.
        name = statement.name if statement.helper else self.names.give(statement.name, _ending(key, code))
        self.lines.append(attrs.evolve(statement, name=name, code=code))
        self._defined[key] = name
        return name

    def resolved(self, code: Code, *, inside: bool = False) -> Code:
        """The code with variables for all that has one; `inside` for what has one itself."""
        if inside and isinstance(code, c.LongText):
            return code
        if inside and isinstance(code, c.Dict):
            return c.Dict(tuple((key, self.resolved(value)) for key, value in code.pairs))
        if inside and isinstance(code, c.PythonCall):
            arguments = tuple((key, self.resolved(value)) for key, value in code.arguments)
            return c.PythonCall(self.resolved(code.function), arguments)
        return c.changed(code, self._resolve)

    def _resolve(self, code: Code) -> Code:
        if isinstance(code, c.PythonCall | c.Dict | c.LongText) and self.has(("part", code)):
            name = self.define(("part", code))
            return c.Text(name) if name else code
        if not isinstance(code, c.Ref):
            return code
        if code.kind == "helper":
            return c.Text(self._needed(("helper", code.target)))
        at, name = code.target
        state = ("state", at, name)
        if code.kind == "out":
            variable = self.define(state)
            field, below = code.below
            return c.Text(f"{variable}.out{below}" if variable else f"state_input.{field}{below}")
        chain = ("chain", at, name)
        if code.kind == "steps" and self.has(chain):
            variable = self.define(chain)
            if variable:
                return c.Text(variable)
            return c.call("goto", c.constant(name))
        if code.kind == "state":
            return c.Text(self._needed(state))
        variable = self.define(state)
        if code.kind == "steps" and variable:
            return c.Text(variable)
        return c.call("goto", c.Text(variable) if variable else c.constant(name))

    def _needed(self, key: Key) -> str:
        name = self.define(key)
        if name is None:
            raise NotYetError
        return name
