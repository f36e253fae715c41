"""Places in the author's Python files."""

from __future__ import annotations

import ast
import linecache
import os
import sys
from collections.abc import Callable
from dis import opname
from itertools import islice, takewhile
from pathlib import Path
from types import CodeType, FrameType
from typing import TypeVar

from .record import Record
from .words import one_line, shorten

_WIDEST = 200
"""The most characters of a line in an excerpt."""
_PACKAGE = str(Path(__file__).parent.parent) + "/"


def display_path(path: Path) -> str:
    """The path for messages: relative if it is below the current folder."""
    relative = os.path.relpath(path)
    return one_line(str(path) if relative.startswith("..") else relative)


class Span(Record):
    """A piece of a file: lines count from 1, columns (in characters) from 1; `end_column` is exclusive."""

    file: str
    line: int
    column: int = 1
    end_line: int | None = None
    end_column: int | None = None
    called_at: Span | None = None
    """Where the function that this piece is in was called from, if it is in one."""
    defined_at: Span | None = None
    """Where the value that is used here was made, if that is elsewhere, such as a retrier that several states share."""

    def __str__(self) -> str:
        return f"{one_line(self.file)}:{self.line}:{self.column}"

    def excerpt(self) -> str | None:
        """The line in question with carets under the piece, or None if the file cannot be read."""
        linecache.checkcache(self.file)
        text = linecache.getline(self.file, self.line).rstrip("\n")
        if not text or text.isspace():
            return None
        whole = self.end_line == self.line and self.end_column is not None
        end = self.end_column if whole and self.end_column is not None else len(text) + 1
        width = max(1, end - self.column)
        if len(text) > _WIDEST:  # JSON without line breaks: cut around the place
            cut = max(0, self.column - 41)
            text, width = text[cut : cut + _WIDEST].expandtabs(1), min(width, _WIDEST - 40)
            return f"{self.line:>5} | {text}\n{' ' * 5} | {' ' * (self.column - cut - 1)}{'^' * width}"
        number = f"{self.line:>5}"
        return f"{number} | {text.expandtabs(1)}\n{' ' * len(number)} | {' ' * (self.column - 1)}{'^' * width}"


class Caller(Record):
    """A call in the author's code, cheap to create; `span()` computes lines and columns."""

    code: CodeType
    instruction: int
    outer: Caller | None = None
    """For a call inside a function: the call at module level that led there."""
    argument: str = ""
    """The argument that the value comes from, if flowdsl itself made the value of it."""

    def span(
        self, keywords: tuple[str, ...] = (), inside: tuple[str | int, ...] = (), needle: str | float | None = None
    ) -> Span:
        """The span of the call, or of the first of these keyword arguments that it has; `#1` is its second argument.

        `inside` leads on into that value, as far as it is written there: keys of a dict, indexes of a list. `needle`
        is a name or a constant in it: the place is that of the expression with it, if there is only one.
        If a function passed the keyword on by `**`, the place is where the function was called.
        """
        keywords = (self.argument,) if self.argument else keywords
        line, end_line, start, end = self._positions()
        file = self.code.co_filename
        if line is None or start is None:
            return Span(file, line or self.code.co_firstlineno)
        place = (line, start, end_line or line, end or start)
        argument = _keyword(file, place, keywords, inside, needle) if keywords or needle is not None else None
        passed_on = tuple(name for name in keywords if not name.startswith("#"))
        if argument is None and passed_on and self.outer and _keyword(file, place, ("**",), (), None):
            span = self.outer.span(passed_on, inside, needle)
            if span != self.outer.span():
                return span
        line, start, end_line, end = argument or (line, start, end_line, end)
        end_column = _column(file, end_line or line, end or start)
        called_at = self.outer.span() if self.outer else None
        return Span(file, line, _column(file, line, start), end_line, end_column, called_at)

    @property
    def operation(self) -> str:
        """The name of the instruction, such as CALL or CONTAINS_OP. Source: Python's `dis`."""
        return opname[self.code.co_code[self.instruction]]

    def written(self) -> str:
        """What is written there, as messages name it: `os.path.join()` for a call, else the expression in short."""
        line, end_line, start, end = self._positions()
        if line is None or start is None or end is None:
            return "this line"
        file = self.code.co_filename
        call = _calls(file).get((line, start, end_line or line, end))
        if call is not None:
            return f"{shorten(ast.unparse(call.func))}()"
        text = linecache.getline(file, line).encode()[start : end if end_line == line else None]
        return shorten(text.decode(errors="ignore").strip()) or "this line"

    def converts(self) -> bool:
        """True if an f-string of a file, not one that a library generates, converts a value by `!r` or `!a` here."""
        argument = self.code.co_code[self.instruction + 1]
        converting = self.operation in ("FORMAT_VALUE", "CONVERT_VALUE")  # the second from Python 3.13 on
        return converting and argument & 3 in (2, 3) and not self.code.co_filename.startswith("<")

    def _positions(self) -> tuple[int | None, int | None, int | None, int | None]:
        nothing = (None, None, None, None)
        linecache.checkcache(self.code.co_filename)  # who loads a file again has changed it
        return next(islice(self.code.co_positions(), self.instruction // 2, None), nothing)


Key = TypeVar("Key")
Value = TypeVar("Value")
Place = tuple[int, int, int, int]
"""Line, offset in bytes, end line, end offset."""


def _of_text(read: Callable[[ast.Module], dict[Key, Value]]) -> Callable[[str], dict[Key, Value]]:
    """What `read` finds in a file, read once for each text that the file has."""
    known: dict[str, tuple[list[str], dict[Key, Value]]] = {}

    def find(file: str) -> dict[Key, Value]:
        lines = linecache.getlines(file)
        # linecache keeps one list of lines until the text is another.
        if file not in known or known[file][0] is not lines:
            try:
                known[file] = lines, read(ast.parse("".join(lines)))
            except SyntaxError:
                known[file] = lines, {}
        return known[file][1]

    return find


@_of_text
def _calls(tree: ast.Module) -> dict[Place, ast.Call]:
    return {_place(node): node for node in ast.walk(tree) if isinstance(node, ast.Call)}


def _place(node: ast.expr) -> Place:
    return (
        node.lineno,
        node.col_offset,
        node.end_lineno or node.lineno,
        node.end_col_offset or node.col_offset,
    )


def _keyword(
    file: str, call: Place, keywords: tuple[str, ...], inside: tuple[str | int, ...], needle: str | float | None
) -> Place | None:
    node = _calls(file).get(call)
    if node is None:
        return None
    plain = takewhile(lambda each: not isinstance(each, ast.Starred), node.args)  # what `*steps` holds is not known
    arguments = {f"#{index}": value for index, value in enumerate(plain)}
    arguments |= {keyword.arg or "**": keyword.value for keyword in node.keywords}
    value = next((arguments[name] for name in keywords if name in arguments), None)
    if value is None and (keywords or needle is None):
        return None
    inner = _inner(value, inside, file) if value is not None else node
    part = _part_with(inner, needle, file) if needle is not None else None
    return _place(part or inner) if part is not None or value is not None else None


_OPERATORS = {"And": ast.BitAnd, "Or": ast.BitOr}


def _inner(value: ast.expr, steps: tuple[str | int, ...], file: str) -> ast.expr:
    """The value that the steps lead to, or the innermost one on the way that is written as a dict, a list or a
    condition, there or where its name was given its only value."""
    rest = [*steps]
    while rest:
        if isinstance(value, ast.Name):
            meant = _values(file).get(value.id, ())
            literal = meant[0] if len(meant) == 1 and isinstance(meant[0], ast.Dict | ast.List) else None
            deeper = _inner(literal, tuple(rest), file) if literal is not None else None
            return value if deeper is None or deeper is literal else deeper
        step, inner = rest.pop(0), None
        if isinstance(value, ast.Dict):
            keys = [key.value if isinstance(key, ast.Constant) else None for key in value.keys]
            plain = step.removesuffix(".$") if isinstance(step, str) else step
            inner = next((part for key, part in zip(keys, value.values, strict=True) if key in (step, plain)), None)
        elif isinstance(value, ast.List | ast.Tuple) and isinstance(step, int):
            inner = value.elts[step] if step < len(value.elts) else None
        elif isinstance(value, ast.BinOp) and step in _OPERATORS and rest and isinstance(rest[0], int):
            operands = _operands(value, _OPERATORS[str(step)])
            inner = operands[rest[0]] if rest[0] < len(operands) else None
            rest.pop(0)
        elif isinstance(value, ast.UnaryOp) and step == "Not":
            inner = value.operand
        if inner is None:
            break
        value = inner
    return value


def _operands(node: ast.expr, operator: type[ast.operator]) -> list[ast.expr]:
    """The operands of `a & b & c`."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, operator):
        return [*_operands(node.left, operator), *_operands(node.right, operator)]
    return [node]


_FOLLOWED = 6
"""How many names after each other are followed to where they were given a value."""


def _part_with(node: ast.expr, needle: str | float, file: str, depth: int = 0) -> ast.expr | None:
    """The part of an expression with this name or constant; also where a name in it was given its value, or in the
    function that is called; None if there is no such part, or several lines have one."""
    own = [each for each in ast.walk(node) if isinstance(each, ast.expr) and _has(each, needle)]
    own = [each for each in own if isinstance(each, ast.Attribute)] or own
    if own:
        return own[0] if len({each.end_lineno for each in own}) == 1 else None
    if depth >= _FOLLOWED:
        return None
    values = (
        value for each in ast.walk(node) if isinstance(each, ast.Name) for value in _values(file).get(each.id, ())
    )
    parts = [_part_with(value, needle, file, depth + 1) for value in values if value is not node]
    matches = [each for each in parts if each is not None]
    return matches[0] if len({each.end_lineno for each in matches}) == 1 else None


def _has(node: ast.expr, needle: str | float) -> bool:
    if isinstance(node, ast.Attribute):
        return node.attr == needle
    if isinstance(node, ast.Constant):
        return type(node.value) is not bool and node.value == needle
    return isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant) and node.slice.value == needle


@_of_text
def _values(tree: ast.Module) -> dict[str, list[ast.expr]]:
    """The expressions that the names of a file stand for: what is assigned, and what functions return or contain."""
    values: dict[str, list[ast.expr]] = {}
    for node in tree.body:
        inner = [*ast.walk(node)] if isinstance(node, ast.FunctionDef) else [node]
        for each in inner:
            targets = (
                each.targets
                if isinstance(each, ast.Assign)
                else [each.target]
                if isinstance(each, ast.AnnAssign)
                else []
            )
            value = each.value if isinstance(each, ast.Assign | ast.AnnAssign | ast.Return) else None
            if value is None:
                continue
            if len(targets) == 1 and isinstance(targets[0], ast.Name):
                values.setdefault(targets[0].id, []).append(value)
            if isinstance(node, ast.FunctionDef):
                values.setdefault(node.name, []).append(value)
    return values


def _column(file: str, line: int, offset: int) -> int:
    """CPython gives offsets in UTF-8 bytes; people and editors count characters."""
    text = linecache.getline(file, line)
    return len(text.encode()[:offset].decode(errors="ignore")) + 1


FOLLOWED = "@text"
"""The global of the modules whose texts are followed: a function that their f-strings go through."""


def caller() -> Caller | None:
    """The innermost call outside flowdsl and outside generated code, or None if there is none."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_code.co_filename.startswith((_PACKAGE, "<attrs")):
        frame = frame.f_back
    return _caller_at(frame) if frame else None


def reader(*keeping: tuple[str, str]) -> Caller | None:
    """The call in a followed module by which Python, not flowdsl, reads a value now; None if there is none.

    To be called in the module of the value's class, whose own calls do not count. `keeping` are functions that may
    read, by module and name.
    """
    frame: FrameType | None = sys._getframe(1)
    own = frame.f_code.co_filename if frame else ""
    while frame is not None:
        file, name = frame.f_code.co_filename, frame.f_code.co_name
        is_generated = file.startswith("<")  # such as the methods of a dataclass, with the globals of its module
        if FOLLOWED in frame.f_globals and not is_generated and file != own:
            return _caller_at(frame)
        if file != own and (file.startswith(_PACKAGE) or (frame.f_globals.get("__name__"), name) in keeping):
            return None
        frame = frame.f_back
    return None


def is_asked_by_flowdsl() -> bool:
    """True if the method that asks this is called by flowdsl's own code."""
    return sys._getframe(2).f_code.co_filename.startswith(_PACKAGE)


def _caller_at(frame: FrameType) -> Caller:
    outer = None
    if frame.f_code.co_name != "<module>":
        above = frame.f_back
        while above is not None and above.f_code.co_name != "<module>":
            above = above.f_back
        # A caller in another file (a test runner, an import) does not help the author.
        if above is not None and above.f_code.co_filename == frame.f_code.co_filename:
            outer = Caller(above.f_code, above.f_lasti)
    return Caller(frame.f_code, frame.f_lasti, outer)
