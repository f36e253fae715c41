"""The syntax tree of a JSONata expression, version 2.0.6, with the place of each node in the text.

The engine runs expressions without it. It serves what the engine cannot tell: which variables and functions an
expression names and where, operators that came after 2.0.6, and where to insert a check. Its text has been accepted by
the engine, so errors here are about the version alone.

Source: docs.jsonata.org; the grammar follows the operator precedence of the reference implementation.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from ...base.patterns import regex
from ...base.record import Record
from .errors import JsonataSyntaxError


class Node(Record):
    """A part of an expression: `text[start:end]`.

    `value` is the operator of a binary or unary node, the name of a name, variable, bind, focus or index node, and the
    content of a string. `parts` are in the order of the text. `parameters` are those of a lambda.

    Kinds: string number value regex name variable wildcard placeholder unary binary path filter keep focus index sort
    group array range object block call partial lambda condition bind transform.
    """

    kind: str
    start: int
    end: int
    value: str = ""
    parts: tuple[Node, ...] = ()
    parameters: tuple[str, ...] = ()


def parse(text: str) -> Node:
    """Parse an expression that the engine has accepted. Raises JsonataSyntaxError for operators later than 2.0.6."""
    return _Parser(text).parse()


def walk(node: Node) -> Iterator[Node]:
    """The node and every node below it, each before its parts."""
    todo = [node]
    while todo:
        each = todo.pop()
        yield each
        todo.extend(reversed(each.parts))


def evaluated_depth(root: Node) -> int:
    """How deep an evaluation of the expression nests at least, counted as the service does."""
    deepest, todo = 0, [(root, 1)]
    while todo:
        node, depth = todo.pop()
        deepest = max(deepest, depth)
        if node.kind in ("path", "filter"):  # a step is no level
            todo.append((node.parts[0], depth))
        elif node.kind == "condition" or node.value in ("and", "or"):
            todo += [(part, depth + 1) for part in node.parts[:1]]
        elif node.kind in _EVALUATED:
            todo += [(part, depth + 1) for part in node.parts]
    return deepest


_EVALUATED: Final = ("binary", "unary", "array", "object", "block", "call")
"""The kinds of nodes whose parts are all evaluated, whatever they are."""


def steps(node: Node) -> list[Node]:
    """The steps of a path, `a`, `b[0]` and `c` of `a.b[0].c`; the node itself if it is not a path."""
    path = [node]
    while path[0].kind == "path":
        path[:1] = path[0].parts
    return path


_SPACE: Final = regex(r"(?:\s|/\*.*?\*/)+", re.DOTALL)
_STRING: Final = regex(r"\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'", re.DOTALL)
_QUOTED_NAME: Final = regex(r"`[^`]*`")
_NUMBER: Final = regex(r"(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?")
_OPERATOR: Final = regex(r"\.\.|:=|!=|>=|<=|\*\*|~>|[.\[\]{}(),@#;:?+\-*/%|=<>^&~!]")
_WORD: Final = regex(r"[^\s.\[\]{}(),@#;:?+\-*/%|=<>^&~!\"'`]+")
_ESCAPE: Final = regex(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)
_DIGITS: Final = "0123456789"
_ESCAPED: Final = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}

_POWERS: Final = {
    **dict.fromkeys(("[", "(", "@", "#"), 80),
    ".": 75,
    "{": 70,
    **dict.fromkeys(("*", "/", "%"), 60),
    **dict.fromkeys(("+", "-", "&"), 50),
    **dict.fromkeys(("=", "<", ">", "<=", ">=", "!=", "in", "^", "~>"), 40),
    "and": 30,
    "or": 25,
    "?": 20,
    ":=": 10,
}
"""How tightly an operator binds what stands to its left."""


class _Token(Record):
    kind: str
    """operator, name, variable, string, number, value, regex or end."""
    text: str
    start: int
    end: int


class _Parser:
    """A Pratt parser. `token` is the next token; a slash starts a regular expression where an operand is expected."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.end = 0
        """Where the last token that was taken ends."""
        self.token = self._read(0, operand=True)

    def parse(self) -> Node:
        node = self.expression(0)
        if self.token.kind != "end":
            raise self._unexpected()
        return node

    def expression(self, power: int) -> Node:
        left = self._operand()
        while self._power() > power:
            left = self._after(left)
        return left

    def _power(self) -> int:
        return _POWERS.get(self.token.text, 0) if self.token.kind == "operator" else 0

    # Tokens

    def _read(self, at: int, *, operand: bool) -> _Token:
        text = self.text
        letter = text[at : at + 1]
        if (letter.isspace() or letter == "/") and (space := _SPACE.match(text, at)):
            at = space.end()
            letter = text[at : at + 1]
        if not letter:
            return _Token("end", "(end)", at, at)
        if operand and letter == "/":
            return self._regex(at)
        if letter in "\"'" and (match := _STRING.match(text, at)):
            return _Token("string", _unescaped(match[0][1:-1]), at, match.end())
        if letter == "`" and (match := _QUOTED_NAME.match(text, at)):
            return _Token("name", match[0][1:-1], at, match.end())
        if letter in _DIGITS and (match := _NUMBER.match(text, at)):
            return _Token("number", match[0], at, match.end())
        if match := _OPERATOR.match(text, at):
            return _Token("operator", match[0], at, match.end())
        match = _WORD.match(text, at)
        if match is None:
            raise JsonataSyntaxError("S0204", f'Unknown operator: "{letter}"', at)
        word = match[0]
        if word[0] == "$":
            return _Token("variable", word[1:], at, match.end())
        if not operand and word in ("and", "or", "in"):
            return _Token("operator", word, at, match.end())
        return _Token("value" if word in ("true", "false", "null") else "name", word, at, match.end())

    def _regex(self, start: int) -> _Token:
        at, depth = start + 1, 0
        while at < len(self.text):
            letter = self.text[at]
            if letter == "\\":
                at += 1
            elif letter in "([{":
                depth += 1
            elif letter in ")]}":
                depth -= 1
            elif letter == "/" and depth == 0:
                break
            at += 1
        end = at + 1
        while self.text[end : end + 1] in ("i", "m"):
            end += 1
        return _Token("regex", self.text[start:end], start, end)

    def _take(self, *, operand: bool) -> _Token:
        """The current token; `operand` tells whether the one after it starts an operand."""
        token = self.token
        self.end = token.end
        self.token = self._read(token.end, operand=operand)
        return token

    def _is(self, *operators: str) -> bool:
        return self.token.kind == "operator" and self.token.text in operators

    def _expect(self, operator: str, *, operand: bool = False) -> None:
        if not self._is(operator):
            raise JsonataSyntaxError("S0202", f'Expected "{operator}", got "{self.token.text}"', self.token.start)
        self._take(operand=operand)

    def _unexpected(self) -> JsonataSyntaxError:
        return JsonataSyntaxError("S0201", f'Syntax error: "{self.token.text}"', self.token.start)

    def _node(self, kind: str, start: int, *parts: Node, value: str = "", parameters: tuple[str, ...] = ()) -> Node:
        return Node(kind, start, self.end, value, parts, parameters)

    def _list(self, closing: str) -> list[Node]:
        """Expressions separated by commas, and the closing bracket."""
        items: list[Node] = []
        while not self._is(closing):
            items.append(self.expression(0))
            if not self._is(","):
                break
            self._take(operand=True)
        self._expect(closing)
        return items

    # Operands

    def _operand(self) -> Node:
        token = self.token
        if token.kind in ("name", "variable", "string", "number", "value", "regex"):
            self._take(operand=False)
            return self._node(token.kind, token.start, value=token.text)
        if self._is("*", "**", "%"):
            self._take(operand=False)
            return self._node("wildcard", token.start, value=token.text)
        if self._is("-"):
            self._take(operand=True)
            return self._node("unary", token.start, self.expression(70), value="-")
        if self._is("("):
            return self._block()
        if self._is("["):
            return self._array()
        if self._is("{"):
            return self._node("object", token.start, *self._pairs())
        if self._is("|"):
            return self._transform()
        if token.kind == "end":
            raise JsonataSyntaxError("S0207", "Unexpected end of expression", token.start)
        message = f'The symbol "{token.text}" cannot be used as a unary operator'
        raise JsonataSyntaxError("S0211", message, token.start)

    def _block(self) -> Node:
        start = self._take(operand=True).start
        parts: list[Node] = []
        while not self._is(")"):
            parts.append(self.expression(0))
            if not self._is(";"):
                break
            self._take(operand=True)
        self._expect(")")
        return self._node("block", start, *parts)

    def _array(self) -> Node:
        start = self._take(operand=True).start
        items: list[Node] = []
        while not self._is("]"):
            item = self.expression(0)
            if self._is(".."):
                self._take(operand=True)
                item = self._node("range", item.start, item, self.expression(0))
            items.append(item)
            if not self._is(","):
                break
            self._take(operand=True)
        self._expect("]")
        return self._node("array", start, *items)

    def _pairs(self) -> list[Node]:
        """Keys and values, in turn."""
        self._take(operand=True)
        parts: list[Node] = []
        while not self._is("}"):
            parts.append(self.expression(0))
            self._expect(":", operand=True)
            parts.append(self.expression(0))
            if not self._is(","):
                break
            self._take(operand=True)
        self._expect("}")
        return parts

    def _transform(self) -> Node:
        start = self._take(operand=True).start
        parts = [self.expression(0)]
        self._expect("|", operand=True)
        parts.append(self.expression(0))
        if self._is(","):
            self._take(operand=True)
            parts.append(self.expression(0))
        self._expect("|")
        return self._node("transform", start, *parts)

    # Operators

    def _after(self, left: Node) -> Node:
        operator = self.token.text
        start = left.start
        if operator == "(":
            return self._call(left)
        if operator == "{":
            return self._node("group", start, left, *self._pairs())
        if operator == "[":
            self._take(operand=True)
            if self._is("]"):
                self._take(operand=False)
                return self._node("keep", start, left)
            condition = self.expression(0)
            self._expect("]")
            return self._node("filter", start, left, condition)
        if operator == "^":
            return self._sort(left)
        self._take(operand=True)
        if operator in ("@", "#"):
            name = self._take(operand=False).text
            return self._node("focus" if operator == "@" else "index", start, left, value=name)
        if operator == "?":
            parts = [left, self.expression(0)]
            if self._is(":"):
                self._take(operand=True)
                parts.append(self.expression(0))
            return self._node("condition", start, *parts)
        if operator == ":=":
            return self._node("bind", start, self.expression(_POWERS[operator] - 1), value=left.value)
        right = self.expression(_POWERS[operator])
        return self._node("path" if operator == "." else "binary", start, left, right, value=operator)

    def _call(self, left: Node) -> Node:
        self._take(operand=True)
        arguments: list[Node] = []
        while not self._is(")"):
            if self._is("?"):
                place = self._take(operand=False).start
                arguments.append(self._node("placeholder", place))
            else:
                arguments.append(self.expression(0))
            if not self._is(","):
                break
            self._take(operand=True)
        self._expect(")")
        if left.kind == "name" and left.value in ("function", "\u03bb"):
            for each in arguments:
                if each.kind != "variable":
                    message = "a parameter of a function must be a variable, which starts with $"
                    raise JsonataSyntaxError("S0208", message, each.start)
            return self._lambda(left.start, tuple(each.value for each in arguments))
        kind = "partial" if any(each.kind == "placeholder" for each in arguments) else "call"
        return self._node(kind, left.start, left, *arguments)

    def _lambda(self, start: int, parameters: tuple[str, ...]) -> Node:
        if self._is("<"):  # a signature, such as <n-(sa<n>)?:s>
            at, depth = self.token.start, 0
            while at < len(self.text):
                depth += {"<": 1, ">": -1}.get(self.text[at], 0)
                at += 1
                if depth == 0:
                    break
            self.token = self._read(at, operand=False)
        self._expect("{", operand=True)
        body = self.expression(0)
        self._expect("}")
        return self._node("lambda", start, body, parameters=parameters)

    def _sort(self, left: Node) -> Node:
        self._take(operand=False)
        self._expect("(", operand=True)
        parts = [left]
        while not self._is(")"):
            if self._is("<", ">"):
                self._take(operand=True)
            parts.append(self.expression(0))
            if not self._is(","):
                break
            self._take(operand=True)
        self._expect(")")
        return self._node("sort", left.start, *parts)


def _unescaped(content: str) -> str:
    if "\\" not in content:
        return content

    def plain(escape: re.Match[str]) -> str:
        letter = escape[1]
        return chr(int(letter[1:], 16)) if len(letter) == 5 else _ESCAPED.get(letter, letter)

    return _ESCAPE.sub(plain, content)
