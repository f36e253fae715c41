"""Text to `Path`: a recursive-descent parser over one string.

It takes what Step Functions takes: names without quotes hold every character but `. [ ( )` and white space, a
backslash makes any character part of a name, and what a filter compares with may be text without quotes:
`[?(@.code==es)]` is in definitions that AWS publishes, `[?(@.Name==/eggs/cooked)]` works in AWS (getmoto/moto#7825).
That such text may hold spaces follows from these (no recording).
"""

from __future__ import annotations

import json
import re
from typing import Any

from ...base.patterns import Regex, regex
from .tree import (
    AllOf,
    AnyOf,
    Comparison,
    Condition,
    Descend,
    Exists,
    Filter,
    FunctionStep,
    Index,
    Literal,
    Name,
    Not,
    Operand,
    Path,
    PathSyntaxError,
    Pattern,
    Query,
    Root,
    Slice,
    Step,
    Wildcard,
)

FUNCTIONS = frozenset(
    {"min", "max", "avg", "stddev", "sum", "length", "size", "keys", "concat", "append", "first", "last", "index"}
)
COMPARISONS = frozenset(
    {"==", "===", "!=", "!==", "<", "<=", ">", ">=", "=~"}
    | {"IN", "NIN", "SUBSETOF", "ANYOF", "NONEOF", "SIZE", "EMPTY", "CONTAINS", "ALL"}
)

_VARIABLE = regex(r"[^\W\d]\w*")
_NUMBER = regex(r"-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?(?![\w.])")
_INTEGER = regex(r"\s*(-?[0-9]+)\s*")
_SLICE = regex(r"\s*(-?[0-9]*)\s*:\s*(-?[0-9]*)\s*(?::\s*-?[0-9]*\s*)?\]")
_MOST_DIGITS = 100
_FROM_END = regex(r"\(\s*@\.length\s*-\s*([0-9]+)\s*\)\s*\]")
_SYMBOL = regex(r"===|!==|==|!=|<=|>=|=~|<|>")
_WORD = regex(r"[^\s()\[\]&|=!<>,'\"]+")
_SPACE = regex(r"\s*")
_NAME_ENDS = frozenset(".[( \t\r\n)]'\"")
_FILTER_NAME_ENDS = _NAME_ENDS | frozenset("=<>!~&|,")
_MAX_DEPTH = 64


def parse_path(text: str) -> Path:
    """Parse a whole path; raises PathSyntaxError with the offset of what is wrong.

    Spaces around it do not count: AWS's samples have paths such as "$$.Execution.Name ".
    """
    parser = _Parser(text)
    parser.space()
    path = parser.path()
    end = parser.at
    parser.space()
    if parser.at < len(text):
        raise parser.error(f"unexpected {text[end]!r}", end)
    return path


_OF_TEXT = frozenset(("==", "!=", "===", "!==", "<", "<=", ">", ">="))
_UNQUOTED = regex(r"[^\s()\[\]{}'\"@$&|][^()\[\]{}'\"&|]*(?<!\s)(?=\s*(?:\)|&&|\|\|))")


def _needs_no_quotes(text: str) -> bool:
    """True for text that is neither a number nor one word: those are operands of their own."""
    return _NUMBER.fullmatch(text) is None and _WORD.fullmatch(text) is None


class _Parser:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.depth = 0

    # Small tools.

    def error(self, message: str, offset: int | None = None) -> PathSyntaxError:
        return PathSyntaxError(message, self.at if offset is None else offset)

    def peek(self) -> str:
        return self.text[self.at] if self.at < len(self.text) else ""

    def take(self, expected: str) -> bool:
        if self.text.startswith(expected, self.at):
            self.at += len(expected)
            return True
        return False

    def expect(self, expected: str) -> None:
        if not self.take(expected):
            actual = repr(self.peek()) if self.peek() else "the end"
            raise self.error(f"expected {expected!r}, found {actual}")

    def match(self, pattern: Regex) -> re.Match[str] | None:
        match = pattern.match(self.text, self.at)
        if match is not None:
            self.at = match.end()
        return match

    def space(self) -> None:
        self.match(_SPACE)

    # The path.

    def path(self) -> Path:
        start = self.at
        if not self.take("$"):
            raise self.error("a path starts with '$'")
        root, variable = Root.INPUT, None
        if self.take("$"):
            root = Root.CONTEXT
        elif name := self.match(_VARIABLE):
            root, variable = Root.VARIABLE, name.group()
        steps = self.steps()
        return Path(self.text[start : self.at], root, variable, steps)

    def steps(self) -> tuple[Step, ...]:
        steps: list[Step] = []
        while True:
            start = self.at
            if self.take(".."):
                steps.append(Descend())
                steps.append(self.bracket() if self.peek() == "[" else self.dotted())
            elif self.take("."):
                steps.append(self.bracket() if self.peek() == "[" else self.dotted())
            elif self.peek() == "[":
                steps.append(self.bracket())
            else:
                return tuple(steps)
            if len(steps) > 1 and isinstance(steps[-2], FunctionStep):
                raise self.error("a function must be the last step", start)

    def dotted(self) -> Step:
        if self.take("*"):
            return Wildcard()
        start = self.at
        name = ""
        ends = _FILTER_NAME_ENDS if self.depth else _NAME_ENDS
        while (character := self.peek()) and character not in ends:
            if character == "\\":
                self.at += 1
                character = self.peek()
                if not character:
                    raise self.error("a path cannot end in a backslash", start)
            name += character
            self.at += 1
        if self.at == start:
            raise self.error("expected a name")
        if self.peek() == "(":
            if name not in FUNCTIONS:
                raise self.error(f"unknown function {name}()", start)
            return FunctionStep(name, self.arguments())
        return Name((name,))

    def arguments(self) -> tuple[Operand, ...]:
        self.expect("(")
        self.space()
        if self.take(")"):
            return ()
        self.depth += 1  # where names end at a comma
        if self.depth > _MAX_DEPTH:
            raise self.error("the functions are nested too deeply")
        operands = [self.operand()]
        self.space()
        while self.take(","):
            self.space()
            operands.append(self.operand())
            self.space()
        self.depth -= 1
        self.expect(")")
        return tuple(operands)

    def bracket(self) -> Step:
        self.expect("[")
        self.space()
        start = self.at
        character = self.peek()
        if self.take("*"):
            self.space()
            self.expect("]")
            return Wildcard()
        if character and character in "'\"":
            return self.names()
        if self.take("?"):
            return self.filter(start)
        if bounds := self.match(_SLICE):
            low, high = bounds.groups()
            if low in {"", "-"} and high in {"", "-"}:
                raise self.error("a slice needs a start or an end", start)
            ends = [None if each in {"", "-"} else self.index(each) for each in (low, high)]
            return Slice(*ends)
        if last := self.match(_FROM_END):  # `[(@.length-1)]`, the oldest way to say [-1].
            return Index((-self.index(last.group(1)),))
        indexes: list[int] = []
        while number := self.match(_INTEGER):
            indexes.append(self.index(number.group(1)))
            if not self.take(","):
                break
        if not indexes:
            raise self.error("expected an index, a quoted name, '*', a slice or a filter")
        self.expect("]")
        return Index(tuple(indexes))

    def index(self, digits: str) -> int:
        if len(digits) > _MOST_DIGITS:
            raise self.error("an index that is larger than any list")
        return int(digits)

    def names(self) -> Name:
        names = [self.quoted(unescape=False)]
        self.space()
        while self.take(","):
            self.space()
            names.append(self.quoted(unescape=False))
            self.space()
        self.expect("]")
        return Name(tuple(names))

    def quoted(self, *, unescape: bool) -> str:
        """A string in quotes; in a name the backslashes stay (recorded: `$['a\\"b']` selects the key `a\\"b`)."""
        start = self.at
        quote = self.peek()
        if not quote or quote not in "'\"":
            raise self.error("expected a quoted name")
        self.at += 1
        value = ""
        while (character := self.peek()) != quote:
            if character == "\\":
                before = self.at
                escaped = self.escape(start)
                value += escaped if unescape else self.text[before : self.at]
                continue
            if not character:
                raise self.error("the quote is not closed", start)
            value += character
            self.at += 1
        self.at += 1
        return value

    def escape(self, start: int) -> str:
        self.at += 1
        character = self.peek()
        if not character:
            raise self.error("the quote is not closed", start)
        self.at += 1
        if character == "u":
            digits = self.text[self.at : self.at + 4]
            if not re.fullmatch(r"[0-9a-fA-F]{4}", digits):
                raise self.error("\\u needs four hexadecimal digits")
            self.at += 4
            return chr(int(digits, 16))
        return {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}.get(character, character)

    # Filters.

    def filter(self, start: int) -> Filter:
        self.space()
        self.expect("(")
        condition = self.disjunction()
        self.space()
        self.expect(")")
        self.space()
        text = self.text[start : self.at]
        self.expect("]")
        return Filter(condition, text)

    def disjunction(self) -> Condition:
        self.depth += 1
        if self.depth > _MAX_DEPTH:
            raise self.error("the filter is nested too deeply")
        conditions = [self.conjunction()]
        self.space()
        while self.take("||"):
            conditions.append(self.conjunction())
            self.space()
        self.depth -= 1
        return conditions[0] if len(conditions) == 1 else AnyOf(tuple(conditions))

    def conjunction(self) -> Condition:
        conditions = [self.negation()]
        self.space()
        while self.take("&&"):
            conditions.append(self.negation())
            self.space()
        return conditions[0] if len(conditions) == 1 else AllOf(tuple(conditions))

    def negation(self) -> Condition:
        self.space()
        if self.text.startswith("!", self.at) and not self.text.startswith("!=", self.at):
            self.at += 1
            self.depth += 1
            if self.depth > _MAX_DEPTH:
                raise self.error("the filter is nested too deeply")
            condition = self.negation()
            self.depth -= 1
            return Not(condition)
        if self.take("("):
            condition = self.disjunction()
            self.space()
            self.expect(")")
            return condition
        return self.comparison()

    def comparison(self) -> Condition:
        start = self.at
        left = self.operand()
        self.space()
        operator = self.operator()
        if operator is None:
            if isinstance(left, Query):
                return Exists(left)
            if isinstance(left, Literal) and isinstance(left.value, bool):
                return left
            raise self.error("expected a comparison", start)
        self.space()
        return Comparison(left, operator, self.compared(operator))

    def compared(self, operator: str) -> Operand:
        """The right side of a comparison, which may be text without quotes: up to the end of the condition."""
        start = self.at
        if operator not in _OF_TEXT:
            return self.operand()
        text = _UNQUOTED.match(self.text, start)
        if text is None or (text.group()[0] != "/" and not _needs_no_quotes(text.group())):
            return self.operand()
        self.at = text.end()
        return Literal(text.group())

    def operator(self) -> str | None:
        if symbol := self.match(_SYMBOL):
            return symbol.group()
        word = _WORD.match(self.text, self.at)
        if word is None:
            return None
        if word.group().upper() not in COMPARISONS:
            raise self.error(f"unknown operator {word.group()!r}")
        self.at = word.end()
        return word.group().upper()

    def operand(self) -> Operand:
        start = self.at
        character = self.peek()
        if character == "@":
            self.at += 1
            steps = self.steps()
            return Query(True, Path(self.text[start : self.at], Root.INPUT, None, steps))
        if character == "$":
            return Query(False, self.path())
        if character and character in "'\"":
            return Literal(self.quoted(unescape=True))
        if character and character in "[{":
            return Literal(self.json())
        if character == "/":
            return self.pattern()
        if number := self.match(_NUMBER):
            digits = number.group()
            return Literal(int(digits) if re.fullmatch(r"-?[0-9]{1,4000}", digits) else float(digits))
        if word := self.match(_WORD):
            known: dict[str, object] = {"true": True, "false": False, "null": None}
            return Literal(known.get(word.group(), word.group()))
        raise self.error("expected a path, a string, a number, true, false, null or a pattern", start)

    def json(self) -> Any:
        try:
            value, end = json.JSONDecoder().raw_decode(self.text, self.at)
        except (ValueError, RecursionError):
            pass
        else:
            self.at = end
            return value
        if not self.take("["):  # Jayway's JSON reader also takes ['a', 'b'].
            raise self.error("expected a JSON value")
        values: list[Any] = []
        self.space()
        while not self.take("]"):
            operand = self.operand() if self.peek() not in ("[", "{") else None
            if not isinstance(operand, Literal):
                raise self.error("expected a JSON value")
            values.append(operand.value)
            self.space()
            if not self.take(","):
                self.expect("]")
                break
            self.space()
        return values

    def pattern(self) -> Pattern:
        start = self.at
        self.at += 1
        body = ""
        while (character := self.peek()) != "/":
            if not character:
                raise self.error("the pattern is not closed", start)
            if character == "\\":
                body += character
                self.at += 1
                character = self.peek()
            body += character
            self.at += 1
        self.at += 1
        flags = ""
        while (character := self.peek()) and character in "dixmsuU":
            flags += character
            self.at += 1
        pattern = Pattern(body, flags)
        try:
            _ = pattern.regex
        except (re.error, OverflowError, RecursionError) as error:
            raise self.error(f"not a regular expression: {error}", start) from None
        return pattern
