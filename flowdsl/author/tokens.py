"""Expressions inside f-strings: each leaves a token in the text, and the writer puts the expression back.

Python joins the pieces of an f-string itself, so an expression can only leave a mark there: two private-use characters
around two letters and a number. A flow's modules hand their f-strings to `followed`, which gives a `Text`: it notes
what Python does with a text whose value it does not know, at the line where that is written. What goes on behind its
back shows in the token: `upper()` and the like change one of its letters, JSON writes its characters otherwise, and a
replacement changes the constant text around it. Such a token, and one that no expression takes up again, is the
author's mistake, at the line of the f-string.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterable
from types import BuiltinMethodType, FrameType, FunctionType, MethodDescriptorType
from typing import Any, Final

from ..base.arguments import WrongArgument, mistake
from ..base.patterns import regex
from ..base.record import Record, field
from ..base.source import Caller, caller, reader
from ..base.words import join_words
from .nodes import Node

_LETTERS = "xY"
_BEGINS, _ENDS = "\ue0f0", "\ue0f1"
_ESCAPED = ascii(_BEGINS)[1:-1]
_TOKEN = regex(r"(?:\ue0f0|\\ue0f0)([A-Za-z]{2}[0-9]+)(?:\ue0f1|\\ue0f1)")


class Token(Record, eq=False, frozen=False):
    """An expression that an f-string holds; `is_used` once a value of the flow has taken it up.

    `is_changed` if the text around it is not what the author wrote there, `is_noted` if a mistake names it already.
    `whole` is the first f-string with it.
    """

    node: Node
    origin: Caller | None
    is_used: bool = False
    is_changed: bool = False
    is_noted: bool = False
    whole: Text | None = field(default=None, repr=False)
    _around: list[tuple[str, str]] = field(factory=list, repr=False)

    def expect(self, text: Text, before: str, after: str) -> None:
        """Remember the constant text around the token in a text that the author wrote."""
        self.whole = text if self.whole is None else self.whole
        self._around.append((before, after))

    def look_around(self, before: str, after: str) -> None:
        """Notice if the constant text around the token is not what the author wrote there.

        White space counts only where there is nothing else, so that `textwrap.dedent` may be used. Quotes directly
        around the token that are not the author's are those of JSON, which has to escape what the value holds.
        """
        left, right = _plain(before), _plain(after)
        is_same = any(
            left.endswith(start.lstrip() or start) and right.startswith(end.rstrip() or end)
            for start, end in ((_plain(one), _plain(other)) for one, other in self._around)
        )
        has_quotes = any(one.endswith('"') and other.startswith('"') for one, other in self._around)
        is_json = before.endswith('"') and after.startswith('"') and not has_quotes
        self.is_changed = self.is_changed or (bool(self._around) and (is_json or not is_same))

    @property
    def text(self) -> str:
        """The expression for people."""
        from .describing import described  # only messages need it

        return described(self.node)


def _plain(text: str) -> str:
    """The text with single spaces."""
    return " ".join(f"|{text}|".split()).strip("|")


_tokens: list[Token] = []


class Text(str):
    """A text with expressions in it, whose value is known only when the flow runs.

    It may be formatted, added, joined and repeated, and asked for what its constant pieces tell. All else that Python
    can do with a text is noted as a mistake.
    """

    __slots__ = ()

    def __str__(self) -> str:
        return self

    def __repr__(self) -> str:
        author = reader()
        if author is not None and author.operation.startswith(("FORMAT_", "CONVERT_", "BINARY_OP")):
            self._note(
                "repr() reads", "{text} in an f-string, without !r, !a or =; fn.string(value) for a list or dict"
            )
        return str.__repr__(self)

    def __format__(self, spec: str) -> str:
        if spec:
            self._note(f"format {spec!r} changes", "fn.pad(text, 20), or fn.format_number(number, '0.00')")
        return self

    def __add__(self, other: Any) -> Any:
        return followed(str.__add__(self, other)) if isinstance(other, str) else NotImplemented

    def __radd__(self, other: Any) -> Any:
        return followed(str.__add__(other, self)) if isinstance(other, str) else NotImplemented

    def __mul__(self, count: Any) -> Text:
        return Text(str.__mul__(self, count))

    __rmul__ = __mul__

    def join(self, texts: Iterable[str]) -> str:
        joined: str = followed(str.join(self, texts))
        return joined

    def strip(self, characters: str | None = None, /) -> str:
        return self._stripped("strip", str.strip(self, characters), (0, -1))

    def lstrip(self, characters: str | None = None, /) -> str:
        return self._stripped("lstrip", str.lstrip(self, characters), (0,))

    def rstrip(self, characters: str | None = None, /) -> str:
        return self._stripped("rstrip", str.rstrip(self, characters), (-1,))

    def _stripped(self, name: str, text: str, ends: tuple[int, ...]) -> str:
        """The text, whose ends are constant unless an expression is at one: then it may have to be stripped too."""
        pieces = _TOKEN.split(text)
        if not all(pieces[end] for end in ends):
            self._note(f"{name}() changes", _HINTS[name])
        stripped: str = followed(text)
        return stripped

    def __mod__(self, values: Any) -> str:
        self._note("% changes", "an f-string for all of it")
        return str.__mod__(self, values)

    def __rmod__(self, template: str) -> str:
        self._note("% changes", "an f-string instead of %")
        return str.__mod__(template, (self,))

    def __bool__(self) -> bool:
        if not any(_TOKEN.split(self)[::2]):
            self._note("bool() reads", "fn.boolean(text) in a condition")
        return True

    def __int__(self) -> int:
        raise TypeError(f"{self._named()} is known only when the flow runs: write fn.number(text)")

    __float__: Any = __int__
    __complex__: Any = __int__

    def __copy__(self) -> Text:
        return self

    def __deepcopy__(self, memo: object) -> Text:
        return self

    def __reduce_ex__(self, protocol: object) -> Any:
        raise TypeError(f"{self._named()} belongs to the flow that is read here and cannot be pickled")

    def _note(self, what: str, instead: str) -> None:
        """Note what Python does with the text, if that is the author's doing."""
        origin = reader(("textwrap", "dedent"), ("inspect", "cleandoc"))
        if origin is not None:
            what = f"Python's {what}"
            if not _is_direct(origin):  # Nobody knows what goes on inside a library.
                what, instead = f"{origin.written()} reads", _WHOLE
            message = f"{what} {self._named()}, whose value is known only when the flow runs"
            mistake(_Misused(message, f"write {instead}"), origin)
            for token in _tokens_of(self):
                token.is_noted = True

    def _named(self) -> str:
        return f"the text with {join_words([*dict.fromkeys(token.text for token in _tokens_of(self))])}"


def _is_direct(origin: Caller) -> bool:
    """True if the author's own code, and no library that it calls, does what is done with a text now."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_code.co_filename == __file__:
        frame = frame.f_back
    return frame is not None and frame.f_code is origin.code


class _Misused(WrongArgument):
    """What Python does with a text whose value it does not know."""

    code = "FD215"


_COMPARED = "a condition that compares the value itself, as in state_input.status == 'paid'"
_SEARCHED = "fn.contains(text, 'a') in a condition"
_TAKEN_APART = "fn.split(text, '-'), fn.substring_before(text, '-') or fn.substring_after(text, '-')"
_ELSE: Final = "the f-string unchanged into the flow; fn has the functions that change a text when the flow runs"
_WHOLE: Final = "an f-string for all of it; fn has the functions that change a text when the flow runs"
_LOOKING: Final = regex(r"(?:\.(?:get|pop|setdefault|add|discard|remove|fromkeys)|\b(?:hash|set|frozenset|dict))\(\)$")
"""The calls that look up a text in a dict or set. Others, such as of a function with `functools.cache`, only keep what
they gave for it."""
_HINTS = {
    **dict.fromkeys(("strip", "lstrip", "rstrip"), "the f-string without these ends, or fn.trim(text)"),
    **dict.fromkeys(("upper", "capitalize", "title", "swapcase"), "fn.uppercase(text)"),
    **dict.fromkeys(("lower", "casefold"), "fn.lowercase(text)"),
    **dict.fromkeys(("replace", "translate"), "fn.replace(text, '-', '_')"),
    **dict.fromkeys(("split", "rsplit", "splitlines", "partition", "rpartition"), _TAKEN_APART),
    **dict.fromkeys(("removeprefix", "removesuffix"), _TAKEN_APART),
    **dict.fromkeys(("ljust", "rjust", "center", "zfill"), "fn.pad(text, 20)"),
    **dict.fromkeys(("startswith", "endswith", "find", "rfind", "index", "rindex", "count"), _SEARCHED),
    "encode": "fn.base64encode(text) or fn.encode_url_component(text)",
}
_OPERATORS = {
    **{f"__{name}__": (sign, "reads", _COMPARED) for name, sign in {"eq": "==", "ne": "!=", "lt": "<"}.items()},
    **{f"__{name}__": (sign, "reads", _COMPARED) for name, sign in {"le": "<=", "gt": ">", "ge": ">="}.items()},
    "__len__": ("len()", "reads", "fn.length(text)"),
    "__contains__": ("in", "reads", _SEARCHED),
    "__getitem__": ("index or slice", "reads", "fn.substring(text, 0, 7)"),
    "__iter__": ("loop", "reads", "fn.split(text, '')"),
}


def _noting(name: str, what: str, instead: str) -> Callable[..., Any]:
    plain = getattr(str, name)

    def method(self: Text, *arguments: Any, **named: Any) -> Any:
        if len(arguments) != 1 or named or not _is_known(name, self, arguments[0]):
            self._note(what, instead)
        return plain(self, *arguments, **named)

    return method


def _is_known(name: str, text: str, asked: Any) -> bool:
    """True if the constant pieces of a text already tell what a method returns, whatever its expressions are."""
    if isinstance(asked, tuple) and name in ("startswith", "endswith"):
        return all(_is_known(name, text, each) for each in asked)
    if not isinstance(asked, str) or has_tokens(asked):
        return not isinstance(asked, str) and name in ("__eq__", "__ne__")
    pieces = _TOKEN.split(text)[::2]
    first, last = pieces[0], pieces[-1]
    match name:
        case "startswith":
            return first.startswith(asked) or not asked.startswith(first)
        case "endswith":
            return last.endswith(asked) or not asked.endswith(last)
        case "__contains__":
            return any(asked in piece for piece in pieces)
        case "__eq__" | "__ne__":
            return not (asked.startswith(first) and asked.endswith(last) and len(first + last) <= len(asked))
    return False


def _hash(self: Text) -> int:
    origin = reader()
    keeps = origin is None or origin.operation.startswith(("BUILD_", "MAP_", "SET_", "STORE_", "DICT_"))
    if origin is not None and not keeps and ("CALL" not in origin.operation or _LOOKING.search(origin.written())):
        self._note("dict or set looks up", "a Choice, or fn.lookup(object, text)")
    return str.__hash__(self)


for _name in {name for name in dir(str) if not name.startswith("_")} - {*vars(Text)}:
    _verb = "reads" if _HINTS.get(_name) is _SEARCHED or _name.startswith("is") else "changes"
    setattr(Text, _name, _noting(_name, f"{_name}() {_verb}", _HINTS.get(_name, _ELSE)))
for _name, (_sign, _verb, _instead) in _OPERATORS.items():
    setattr(Text, _name, _noting(_name, f"{_sign} {_verb}", _instead))
setattr(Text, "__hash__", _hash)  # noqa: B010 - mypy knows the one of str


KEEPS_TEXTS: Final = frozenset({"join", "format", "format_map", "dedent", "cleandoc"})
"""The names of the functions and methods that leave the texts in their arguments what they are."""
READS_TEXTS: Final = frozenset(
    {name for name in dir(str) if not name.startswith("_") and name not in KEEPS_TEXTS}
    | {"match", "search", "fullmatch", "findall", "finditer", "sub", "subn"}
    | {"fnmatch", "fnmatchcase", "filter", "normalize"}
)
"""The names of those of `str` and of `READ_BY` that read the texts in their arguments."""
READ_BY: Final = frozenset({"re", "fnmatch", "unicodedata"})
"""The modules whose functions read texts without a call of the text's own methods."""


def followed(value: Any, read_by: str = "") -> Any:
    """A text as a `Text` if it has expressions in it, and a function that takes one so that it notes what it reads.

    Anything else as it is. `read_by` is the operator whose left side the value is.
    """
    if isinstance(value, str):
        text: str = str.__str__(value)
        if _BEGINS not in text:
            return value
        if read_by:
            Text(text)._note(f"{read_by} reads", _COMPARED)
            return value
        followed_text, pieces = Text(text), _TOKEN.split(text)
        for token, before, after in zip(_tokens_of(text), pieces[::2], pieces[2::2], strict=False):
            token.expect(followed_text, before, after)
        return followed_text
    is_method = isinstance(value, MethodDescriptorType) and value.__objclass__ in (str, re.Pattern)
    is_bound = isinstance(value, BuiltinMethodType) and isinstance(value.__self__, str | re.Pattern)
    is_function = isinstance(value, FunctionType | BuiltinMethodType) and value.__module__ in READ_BY
    return _reading(value) if is_method or is_bound or is_function else value


def _reading(function: Any) -> Callable[..., Any]:
    """The function, which notes the texts that it reads."""
    name = function.__name__

    def call(*arguments: Any, **named: Any) -> Any:
        for each in arguments[:1] if name == "replace" else arguments:
            if isinstance(each, Text):
                each._note(f"{name}() reads", _HINTS.get(name, _ELSE))
        return followed(function(*arguments, **named))

    return call


def leave_token(node: Node) -> str:
    """The text that stands for the expression inside a string."""
    _tokens.append(Token(node, caller()))
    return Text(f"{_BEGINS}{_LETTERS}{len(_tokens) - 1}{_ENDS}")


def has_tokens(text: str) -> bool:
    return _BEGINS in text or _ENDS in text or _ESCAPED in text


def _tokens_of(text: str) -> list[Token]:
    numbers = (int(piece[2:]) for piece in _TOKEN.split(text)[1::2])
    return [_tokens[number] for number in numbers if number < len(_tokens)]


def tokens_in(text: str) -> list[Token]:
    """The expressions in a text; they count as used, for whoever asks reports them."""
    return [token for token in split(text) if isinstance(token, Token)]


def split(text: str) -> list[str | Token]:
    """The text in pieces: plain text and tokens, in order."""
    pieces: list[str | Token] = []
    raw = _TOKEN.split(text)
    for index, piece in enumerate(raw):
        if index % 2 == 0:
            pieces.extend([piece] if piece else [])
        elif int(piece[2:]) < len(_tokens):
            token = _tokens[int(piece[2:])]
            token.is_used = True
            token.is_changed = token.is_changed or not piece.startswith(_LETTERS) or _ESCAPED in text
            token.look_around(raw[index - 1], raw[index + 1])
            pieces.append(token)
    return pieces


_descriptions: list[tuple[str, Caller]] = []


def note_description(text: str, origin: Caller) -> None:
    """Remember that Python's `repr` of an expression was asked for: it serves people, not a flow."""
    _descriptions.append((text, origin))


Moment = tuple[int, int]


def moment() -> Moment:
    """This moment, for `misused_since` and `descriptions_in`."""
    return len(_tokens), len(_descriptions)


def descriptions_in(before: Moment, definition: str) -> dict[str, Caller]:
    """The `repr` of expressions that are part of a definition, with the calls that asked for them."""
    return {text: origin for text, origin in _descriptions[before[1] :] if _written(text).search(definition)}


def _written(text: str) -> re.Pattern[str]:
    """The text, not as a part of a longer one, in JSON."""
    return re.compile(rf"(?<![\w.]){re.escape(json.dumps(text)[1:-1])}(?![\w.])")


def misused_since(before: Moment) -> list[Token]:
    """The tokens left since then that no value of a flow has taken up, or whose text was changed.

    One for each f-string.
    """
    misused: dict[int, Token] = {}
    for token in _tokens[before[0] :]:
        if (token.is_changed or not token.is_used) and not token.is_noted:
            misused.setdefault(id(token if token.whole is None else token.whole), token)
    return [*misused.values()]
