"""A Python file from definitions: its assignments and its imports."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from typing import Any

import attrs

from ..author import api
from ..author.fields import Language
from ..base.diagnostics import AslPath
from . import code as c
from .code import Code
from .graph import GraphWriter, Options
from .helpers import helpers, signature
from .naming import Names, snake
from .sharing import common_fields, repeated_parts
from .source import Imported, comments_by_state
from .statements import Statement, Statements
from .states import Context, Level, duration, state_code

VALUES = frozenset({"DISCARD", "aws", "context", "error_output", "fn", "intrinsic", "item", "item_index", "result"})
VALUES |= {"state_input", "task_token", "var"}
"""Names of the API that a module imports by themselves also if it has `import flowdsl as f`."""
_INLINE = 96
"""A flow in a longer line gets a variable."""


@attrs.frozen
class Module:
    """The text of a file: `header` has the imports, `body` the assignments."""

    header: str
    body: str
    levels: Mapping[AslPath, Level]
    """How each state is written, by its path; those inside a `raw` are not in it."""

    @property
    def text(self) -> str:
        return f"{self.header}\n\n{self.body}"


def write_module(sources: Sequence[Imported], options: Options) -> Module:
    """The Python file for definitions, each written with these idioms."""
    statements = Statements()
    levels: dict[AslPath, Level] = {}
    for source in sources:
        variable = "machine" if len(sources) == 1 else statements.names.give(snake(source.name), "machine")
        machine = _Machine(source, options, statements, single=len(sources) == 1)
        machine.write(variable)
        levels |= {(source.name, *path): level for path, level in machine.levels.items()}
    return _finished(sources, statements, levels)


class _Machine:
    """One definition."""

    def __init__(self, source: Imported, options: Options, statements: Statements, *, single: bool) -> None:
        self.source = source
        self.options = options
        self.statements = statements
        self.single = single
        self.language: Language = source.definition.get("QueryLanguage", "JSONPath")
        self.levels: dict[AslPath, Level] = {}
        self.comments = comments_by_state(source.comments)
        self.defaults: Mapping[str, Any] = common_fields(source.definition) if options.has_defaults else {}

    def write(self, variable: str) -> None:
        definition = self.source.definition
        statements = self.statements
        flow = self.graph((), definition)
        keywords: dict[str, Code] = {}
        for key, keyword in (("Comment", "comment"), ("Version", "version"), ("QueryLanguage", "query_language")):
            if key in definition:
                keywords[keyword] = c.constant(definition[key])
        if "TimeoutSeconds" in definition:
            keywords["timeout"] = duration(definition["TimeoutSeconds"])
        if self.source.type != "STANDARD":
            keywords["type"] = c.constant(self.source.type)
        extras = definition.keys() - {"StartAt", "States", "Comment", "Version", "QueryLanguage", "TimeoutSeconds"}
        if extras:
            keywords["extras"] = c.constant({key: definition[key] for key in definition if key in extras})
        if self.defaults:
            keywords["defaults"] = self._defaults()
        if self.options.has_helpers:
            functions, replaced = helpers(
                [flow, *statements.codes()], Names({*statements.names.taken, *statements.wanted()})
            )
            for function in functions:
                statements.names.give(function.name)
                statements.add_helper(function)
            statements.replace(replaced)
            flow = c.changed(flow, lambda part: replaced.get(part, part))
        self._share(flow, keywords)
        flow = statements.resolved(flow)
        name = c.constant(self.source.name)
        whole = statements.resolved(c.call("StateMachine", name, flow, **keywords))
        if len(c.one_line(flow)) > _INLINE and isinstance(flow, c.PythonCall):
            flow_name = "flow" if self.single else statements.names.give(f"{variable}_flow")
            statements.emit(flow_name, flow)
            whole = statements.resolved(c.call("StateMachine", name, c.Text(flow_name), **keywords))
        statements.emit(variable, whole, [line for lines in self.comments.values() for line in lines])

    def _defaults(self) -> Code:
        keywords: dict[str, Code] = {}
        if "Retry" in self.defaults:
            task = {"Type": "Task", "Resource": "x", "Retry": self.defaults["Retry"]}
            code = state_code("x", task, Level.IDIOM, self.context(()), {})
            keywords["retry"] = dict(code.arguments if isinstance(code, c.PythonCall) else ())["retry"]
        if "TimeoutSeconds" in self.defaults:
            keywords["timeout"] = duration(self.defaults["TimeoutSeconds"])
        return c.call("Defaults", **keywords)

    def context(self, at: AslPath) -> Context:
        def inner(below: tuple[str | int, ...], graph: dict[str, Any], _: Language) -> Code:
            return self.graph((*at, *below), graph)

        return Context(self.language, self.source.functions, inner)

    # A graph

    def graph(self, at: AslPath, graph: Mapping[str, Any]) -> Code:
        """The flow of a graph, as the code of its main chain; the other chains and states get variables."""
        return GraphWriter(self, at, graph).flow()

    def _share(self, flow: Code, keywords: Mapping[str, Code]) -> None:
        """Give a name to what is written more than once."""
        for part, name in repeated_parts([flow, *keywords.values(), *self.statements.codes()]).items():
            if not self.statements.has(("part", part)):
                self.statements.add(("part", part), name, part)


# The text


def _finished(sources: Sequence[Imported], statements: Statements, levels: Mapping[AslPath, Level]) -> Module:
    names = _names_in(_body(statements, str))
    own = sorted(names & {*api.__all__}, key=_import_order)
    imports = ["import re"] * ("re" in names) + ["from datetime import timedelta"] * ("timedelta" in names)
    imports += [""] * bool(imports)
    single = "from flowdsl import " + ", ".join(own)
    spell: c.Spell = str
    if len(single) <= c.WIDTH:
        imports.append(single)
    else:
        spell = lambda name: name if name in VALUES else f"f.{name}"  # noqa: E731
        values = [name for name in own if name in VALUES]
        imports.append("import flowdsl as f")
        imports += [f"from flowdsl import {', '.join(values)}"] * bool(values)
    notes = [
        f"# {_printable(line)}".rstrip() for source in sources for note in source.notes for line in note.splitlines()
    ]
    header = "\n".join([*notes, *[""] * bool(notes), *imports])
    return Module(header, _body(statements, spell), levels)


def _body(statements: Statements, spell: c.Spell) -> str:
    text = ""
    before: Statement | None = None
    for statement in statements.lines:
        if statement.helper or (before and before.helper):
            text += "\n\n" if before else "\n"
        text += "".join(f"# {_printable(line)}".rstrip() + "\n" for line in "\n".join(statement.comments).splitlines())
        if statement.helper:
            body = c.laid_out("    return ", statement.code, spell, indent=4)
            text += f"{signature(statement.helper, spell)}\n{body}\n"
        elif isinstance(statement.code, c.LongText):
            text += f"{statement.name} = {c.block(statement.code.text)}\n"
        else:
            text += c.laid_out(f"{statement.name} = ", statement.code, spell) + "\n"
        before = statement
    return text


def _names_in(body: str) -> set[str]:
    return {node.id for node in ast.walk(ast.parse(body)) if isinstance(node, ast.Name)}


def _printable(text: str) -> str:
    return "".join(letter if letter.isprintable() else " " for letter in text)


def _import_order(name: str) -> tuple[int, str]:
    """The order of ruff's isort rules: constants, classes, and then the rest."""
    return (0 if name.isupper() else 1 if name[:1].isupper() else 2, name)
