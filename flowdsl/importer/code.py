"""Python code as values, and its text as `ruff format` would leave it.

Nothing from a definition becomes code: texts are written as literals, names are made by `naming`. A line is broken as
ruff's formatter does it: a call's arguments move to a line of their own if they fit there, or else to one line each,
with a trailing comma; lists and dicts always have one line for each item.

Source: Ruff documentation, "The Ruff Formatter" (Black compatibility, "Line breaks").
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import attrs

WIDTH = 120
"""The length of a line in this project."""

ATOM, POWER, UNARY, PRODUCT, SUM, AND, OR, COMPARISON, LAMBDA = range(9)
"""How tightly operators bind, tightest first. Source: The Python Language Reference, "Operator precedence"."""

_BINDS = {
    **dict.fromkeys(("*", "/", "%"), PRODUCT),
    **dict.fromkeys(("+", "-"), SUM),
    "&": AND,
    "|": OR,
    **dict.fromkeys(("==", "!=", "<", "<=", ">", ">="), COMPARISON),
}


@attrs.frozen
class Text:
    """Code that is never broken: a name, a literal, a path."""

    text: str


@attrs.frozen
class LongText:
    """A long text of several lines, which has a variable and is written between triple quotes."""

    text: str


@attrs.frozen
class Api:
    """A name of flowdsl's authoring API, written as the module imports it."""

    name: str


@attrs.frozen
class Ref:
    """A state or chain that has a variable; `kind` is goto, steps or out.

    What it becomes depends on whether the variable is assigned before.
    """

    kind: str
    target: Any
    below: tuple[str | int, ...] = ()
    """For `out`: the steps below the state's result, the first one is the field itself."""


@attrs.frozen
class PythonCall:
    """A call; an argument is a keyword, or "" for a positional one, and its value."""

    function: Code
    arguments: tuple[tuple[str, Code], ...] = ()


@attrs.frozen
class Items:
    """A list or a tuple."""

    items: tuple[Code, ...]
    brackets: str = "[]"


@attrs.frozen
class Dict:
    """A dict with texts as keys."""

    pairs: tuple[tuple[str, Code], ...]


@attrs.frozen
class Binary:
    """Two operands and an operator."""

    sign: str
    left: Code
    right: Code


@attrs.frozen
class Unary:
    """`~` or `-` and its operand."""

    sign: str
    operand: Code


@attrs.frozen
class Below:
    """A step into a value: an attribute, an index or a key."""

    base: Code
    step: str | int | Code


@attrs.frozen
class Slice:
    """A part of a list: `errors[1:]`."""

    base: Code
    ends: str


@attrs.frozen
class Lambda:
    """A lambda."""

    parameters: tuple[str, ...]
    body: Code


@attrs.frozen
class FString:
    """A text with expressions in it."""

    pieces: tuple[str | Code, ...]


Code: TypeAlias = (
    "Text | LongText | Api | Ref | PythonCall | Items | Dict | Binary | Unary | Below | Slice | Lambda | FString"
)
Spell: TypeAlias = Callable[[str], str]
"""How the module writes a name of the API: `Task`, or `f.Task`."""

_IDENTIFIER = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


def is_attribute(name: str) -> bool:
    """True if a step into an expression can be an attribute. Of other letters, Python makes equal ones."""
    return _IDENTIFIER.fullmatch(name) is not None and not keyword.iskeyword(name)


def call(function: str | Code, *values: Code, **keywords: Code) -> PythonCall:
    """A call of a name of the API, or of any other function."""
    target = Api(function) if isinstance(function, str) else function
    return PythonCall(target, (*(("", value) for value in values), *keywords.items()))


def literal(text: str) -> str:
    """The text as a Python literal, in double quotes unless single ones need fewer escapes.

    >>> print(literal('say "yes"'), literal("it's"))
    'say "yes"' "it's"
    """
    quote = _quote(text)
    return quote + _content(text, quote) + quote


def _quote(text: str) -> str:
    return "'" if text.count('"') > text.count("'") else '"'


def _content(text: str, quote: str) -> str:
    """What is between the quotes of a literal."""
    body = repr(text + "'\"")[1:-1]  # with both quotes in it, repr uses single ones and escapes them
    return body[: -len("\\'\"")].replace("\\'", "'").replace(quote, "\\" + quote)


_FEWEST_LINES = 4


def _is_block(text: str) -> bool:
    lines = text.split("\n")
    return len(lines) >= _FEWEST_LINES and len(text) > WIDTH and all(map(str.isprintable, lines))


def block(text: str) -> str:
    """The text between triple quotes, from a line of its own on."""
    body = text.replace("\\", "\\\\").replace('"""', '\\"\\"\\"')
    body = body[:-1] + '\\"' if body.endswith('"') else body
    return f'"""\\\n{body}"""'


def constant(value: Any) -> Code:
    """A JSON value as code."""
    if isinstance(value, str):
        return LongText(value) if _is_block(value) else Text(literal(value))
    if isinstance(value, dict):
        return Dict(tuple((key, constant(item)) for key, item in value.items()))
    if isinstance(value, list | tuple):
        return Items(tuple(map(constant, value)))
    return Text(repr(value))


def path(root: str, steps: tuple[str | int, ...]) -> str:
    """A path of the API: `state_input.a[0]["odd key"]`."""
    return root + "".join(
        f"[{step}]" if isinstance(step, int) else f".{step}" if is_attribute(step) else f"[{literal(step)}]"
        for step in steps
    )


def children(code: Code) -> Iterator[Code]:
    """The parts of the code."""
    match code:
        case PythonCall(function=function, arguments=arguments):
            yield function
            yield from (value for _, value in arguments)
        case Items(items=items):
            yield from items
        case Dict(pairs=pairs):
            yield from (value for _, value in pairs)
        case Binary(left=left, right=right):
            yield from (left, right)
        case Unary(operand=operand):
            yield operand
        case Below(base=base, step=step):
            yield base
            if not isinstance(step, str | int):
                yield step
        case Slice(base=base):
            yield base
        case Lambda(body=body):
            yield body
        case FString(pieces=pieces):
            yield from (piece for piece in pieces if not isinstance(piece, str))


def walk(code: Code) -> Iterator[Code]:
    """The code and every part inside it, in the order of the text."""
    todo = [code]
    while todo:
        here = todo.pop()
        yield here
        todo.extend(reversed([*children(here)]))


def changed(code: Code, change: Callable[[Code], Code]) -> Code:
    """The code with every part changed, from the outside in; what `change` gives for a part is not looked into."""
    new = change(code)
    if new is not code:
        return new
    match code:
        case PythonCall(function=function, arguments=arguments):
            return PythonCall(
                changed(function, change), tuple((key, changed(value, change)) for key, value in arguments)
            )
        case Items(items=items, brackets=brackets):
            return Items(tuple(changed(item, change) for item in items), brackets)
        case Dict(pairs=pairs):
            return Dict(tuple((key, changed(value, change)) for key, value in pairs))
        case Binary(sign=sign, left=left, right=right):
            return Binary(sign, changed(left, change), changed(right, change))
        case Unary(sign=sign, operand=operand):
            return Unary(sign, changed(operand, change))
        case Below(base=base, step=step):
            return Below(changed(base, change), step if isinstance(step, str | int) else changed(step, change))
        case Lambda(parameters=parameters, body=body):
            return Lambda(parameters, changed(body, change))
        case FString(pieces=pieces):
            return FString(tuple(piece if isinstance(piece, str) else changed(piece, change) for piece in pieces))
    return code


# Layout: a document of texts, groups and the places where a line may be broken


@attrs.frozen(eq=False)
class _Group:
    """Parts that are on one line if they fit there; or else each of its own breaks is a new line."""

    parts: tuple[Any, ...]


@attrs.frozen(eq=False)
class _Indent:
    parts: tuple[Any, ...]


@attrs.frozen(eq=False)
class _Break:
    """A new line if the group is broken, else the text."""

    flat: str


_SOFT, _SPACE = _Break(""), _Break(" ")


@attrs.frozen(eq=False)
class _IfBroken:
    text: str


def one_line(code: Code, spell: Spell = str) -> str:
    """The code on a single line."""
    return _flat(_document(code, spell))


def laid_out(prefix: str, code: Code, spell: Spell = str, *, indent: int = 0, suffix: str = "") -> str:
    """The prefix, such as `name = `, and the code, on as few lines as `ruff format` needs."""
    return _printed(_Group((prefix, _document(code, spell), suffix)), indent)


def _flat(document: Any) -> str:
    pieces: list[str] = []
    todo = [document]
    while todo:
        part = todo.pop()
        if isinstance(part, str):
            pieces.append(part)
        elif isinstance(part, _Break):
            pieces.append(part.flat)
        elif isinstance(part, _Group | _Indent):
            todo.extend(reversed(part.parts))
    return "".join(pieces)


def _printed(document: Any, indent: int) -> str:
    """Wadler's printer: a group is flat if it fits, with what follows it up to the next break, into the line."""
    pieces: list[str] = []
    column = 0
    todo: list[tuple[int, bool, Any]] = [(indent, True, document)]
    while todo:
        depth, broken, part = todo.pop()
        if isinstance(part, str):
            pieces.append(part)
            column += _width(part)
        elif isinstance(part, _Break):
            if broken:
                pieces.append("\n" + " " * depth)
                column = depth
            else:
                pieces.append(part.flat)
                column += len(part.flat)
        elif isinstance(part, _IfBroken):
            if broken:
                pieces.append(part.text)
                column += len(part.text)
        elif isinstance(part, _Indent):
            todo.extend((depth + 4, broken, each) for each in reversed(part.parts))
        else:
            flat = not broken or _fits(part, todo, WIDTH - column)
            todo.extend((depth, not flat, each) for each in reversed(part.parts))
    return "".join(pieces)


def _fits(group: _Group, rest: list[tuple[int, bool, Any]], room: int) -> bool:
    todo: list[tuple[bool, Any]] = [(False, group)]
    behind = len(rest)
    while room >= 0:
        if not todo:
            if behind == 0:
                return True
            behind -= 1
            todo.append((rest[behind][1], rest[behind][2]))
        broken, part = todo.pop()
        if isinstance(part, str):
            room -= _width(part)
        elif isinstance(part, _Break):
            if broken:
                return True
            room -= len(part.flat)
        elif isinstance(part, _IfBroken):
            room -= len(part.text) if broken else 0
        elif isinstance(part, _Group):
            todo.extend((False, each) for each in reversed(part.parts))
        else:
            todo.extend((broken, each) for each in reversed(part.parts))
    return False


def _width(text: str) -> int:
    """The columns that a text takes, as ruff counts them: wide characters take two."""
    if text.isascii():
        return len(text)
    from unicodedata import combining, east_asian_width

    return sum(0 if combining(letter) else 2 if east_asian_width(letter) in "WF" else 1 for letter in text)


def binds(code: Code) -> int:
    """How tightly the code's outermost operator binds."""
    match code:
        case Binary(sign=sign):
            return _BINDS[sign]
        case Unary():
            return UNARY
        case Lambda():
            return LAMBDA
        case Text(text=text) if text.startswith("-"):
            return UNARY
    return ATOM


def _document(code: Code, spell: Spell) -> Any:
    match code:
        case Text(text=text):
            return text
        case LongText(text=text):
            return literal(text)
        case Api(name=name):
            return spell(name)
        case Ref():
            return _Group((f"<{code.kind} {code.target!r}>",))
        case PythonCall(function=function, arguments=()):
            return _Group((_document(function, spell), "()"))
        case PythonCall(function=function, arguments=arguments):
            values = [
                (f"{key}=" if key and not key.startswith("*") else key, _document(value, spell))
                for key, value in arguments
            ]
            inner = _Group((*_separated([_Group(value) for value in values]), _IfBroken(",")))
            return _Group((_document(function, spell), "(", _Indent((_SOFT, inner)), _SOFT, ")"))
        case Items(items=(), brackets=brackets):
            return brackets
        case Items(items=items, brackets=brackets):
            entries = _separated([_document(item, spell) for item in items])
            return _Group((brackets[0], _Indent((_SOFT, *entries, _IfBroken(","))), _SOFT, brackets[1]))
        case Dict(pairs=()):
            return "{}"
        case Dict(pairs=pairs):
            entries = [_Group((f"{literal(key)}: ", _document(value, spell))) for key, value in pairs]
            return _Group(("{", _Indent((_SOFT, *_separated(entries), _IfBroken(","))), _SOFT, "}"))
        case Binary():
            return _Group(tuple(_operands(code, spell)))
        case Unary(sign=sign, operand=operand):
            return _Group((sign, _inner(operand, UNARY, spell)))
        case Below(base=base, step=step):
            below = f"[{step}]" if isinstance(step, int) else _step(step, spell)
            return _Group((_inner(base, ATOM, spell), below))
        case Slice(base=base, ends=ends):
            return f"{_flat(_document(base, spell))}[{ends}]"
        case Lambda(parameters=parameters, body=body):
            start = f"lambda {', '.join(parameters)}: "
            if not isinstance(body, Binary):
                return _Group((start, _document(body, spell)))
            return _Group((start, _IfBroken("("), _Indent((_SOFT, _document(body, spell))), _SOFT, _IfBroken(")")))
        case FString():
            return fstring(code, spell)
    raise AssertionError(code)


def _step(step: str | Code, spell: Spell) -> str:
    if isinstance(step, str):
        return f".{step}" if is_attribute(step) else f"[{literal(step)}]"
    return f"[{_flat(_document(step, spell))}]"


def _separated(parts: list[Any]) -> list[Any]:
    """The parts with a comma and a place for a break between them."""
    document: list[Any] = []
    for index, part in enumerate(parts):
        document.extend([",", _SPACE, part] if index else [part])
    return document


def _operands(code: Binary, spell: Spell) -> list[Any]:
    """The operands of a row of operators that bind equally; a broken line begins with its operator."""
    power = _BINDS[code.sign]
    chain: list[tuple[str, Code]] = []
    here: Code = code
    while isinstance(here, Binary) and _BINDS[here.sign] == power and (power != COMPARISON or not chain):
        chain.append((here.sign, here.right))
        here = here.left
    document = [_inner(here, power if power != COMPARISON else power - 1, spell)]
    for sign, right in reversed(chain):
        document.extend([_SPACE, f"{sign} ", _inner(right, power - 1, spell)])
    return document


def _inner(code: Code, least: int, spell: Spell) -> Any:
    """The code, in parentheses if it binds less tightly than it must."""
    document = _document(code, spell)
    if binds(code) <= least:
        return document
    return _Group(("(", _Indent((_SOFT, document)), _SOFT, ")"))


def fstring(code: FString, spell: Spell) -> str:
    """The text as an f-string. Ask `fits_fstring` first: until Python 3.12 the code inside has quotes of one kind."""
    quote = _quote("".join(piece for piece in code.pieces if isinstance(piece, str)))
    inner = "'" if quote == '"' else '"'
    pieces = []
    for piece in code.pieces:
        if isinstance(piece, str):
            pieces.append(_content(piece, quote).replace("{", "{{").replace("}", "}}"))
            continue
        text = one_line(piece, spell).replace('"', inner)
        space = " " if text.startswith("{") else ""
        pieces.append(f"{{{space}{text}{space}}}")
    return f"f{quote}{''.join(pieces)}{quote}"


def fits_fstring(code: FString) -> bool:
    """True if the code inside has no quote or backslash that an f-string of Python 3.11 cannot hold."""
    for piece in code.pieces:
        text = one_line(piece) if not isinstance(piece, str) else ""
        if "\\" in text or "'" in text:
            return False
    return True
