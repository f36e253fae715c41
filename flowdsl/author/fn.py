"""JSONata's functions, and what Step Functions adds to them, as Python functions: `fn.uppercase(state_input.name)`.

A function that has an intrinsic function for a twin (`fn.count` and States.ArrayLength) also works under JSONPath; the
names `array_contains`, `array_get_item`, `format` and `math_random` are ASL's own. Functions that take a function get a
lambda: it is called once, while the flow is read, with expressions for its parameters.

Source: https://docs.jsonata.org; Step Functions Developer Guide, "Transforming data with JSONata" and "Intrinsic
functions". Names are JSONata's in Python's spelling.
"""

from __future__ import annotations

import builtins
import re
from collections.abc import Callable
from itertools import takewhile
from typing import Any

from ..base.arguments import WrongArgument, mistake
from ..base.record import evolve
from ..base.source import caller
from ..base.words import join_words
from . import nodes
from .conditions import cond
from .expressions import INDEXED, KEYED, UNKNOWN, Condition, Expression, Value, node_of, traced
from .nodes import Kind, Node, kind_of
from .places import snake
from .regexes import NoSuchPattern, write_regex
from .signatures import check_arguments
from .tokens import has_tokens

Pattern = Value | re.Pattern[str]
"""A text, or a compiled regular expression with no flags but IGNORECASE and MULTILINE."""


def _call(name: str, *arguments: Value, kind: Kind | None = None) -> Expression:
    return _build(name, [node_of(argument) for argument in arguments], kind)


def _build(name: str, arguments: list[Node], kind: Kind | None = None) -> Expression:
    if not check_arguments(name, arguments, _parameters(name)):
        return UNKNOWN
    return Expression(nodes.FunctionCall(name, tuple(arguments), kind, origin=caller()))


def _parameters(name: str) -> tuple[str, ...]:
    """The parameters of the Python function for one of JSONata."""
    function = globals().get(snake(name)) or globals()[f"{name}_"]
    return tuple(function.__code__.co_varnames[: function.__code__.co_argcount])


def _asked(name: str, *arguments: Node) -> Condition:
    if not check_arguments(name, arguments, _parameters(name)):
        return Condition(UNKNOWN._node)
    return Condition(nodes.FunctionCall(name, arguments, "boolean", origin=caller()))


def _some(*arguments: Value) -> list[Value]:
    """The arguments up to the first that is left out."""
    return [*takewhile(lambda argument: argument is not None, arguments)]


def _pattern(value: Pattern) -> Node:
    if not isinstance(value, re.Pattern):
        if kind_of(node := node_of(value)) not in ("text", None):
            hint = "write constant text, or re.compile(...)"
            mistake(WrongArgument(f"a pattern is text or a regular expression, not {value!r}", hint, "#1", "pattern"))
            return UNKNOWN._node
        return node
    if not isinstance(value.pattern, str):
        what = "a regular expression for text is needed here, not one for bytes"
        mistake(WrongArgument(what, "write re.compile(...) with text", "#1", "pattern"))
        return UNKNOWN._node
    if value.flags & ~(re.UNICODE | re.ASCII | re.IGNORECASE | re.MULTILINE):
        what = "JSONata's regular expressions know no flags but IGNORECASE and MULTILINE"
        mistake(WrongArgument(what, "write the pattern without them", "#1", "pattern"))
        return UNKNOWN._node
    try:
        write_regex(value.pattern)
    except NoSuchPattern as error:
        what = f"JSONata's regular expressions have no {error}, which is in {value.pattern!r}"
        mistake(WrongArgument(what, "write the pattern without it", "#1", "pattern"))
        return UNKNOWN._node
    flags = ("i" if value.flags & re.IGNORECASE else "") + ("m" if value.flags & re.MULTILINE else "")
    return nodes.Regex(value.pattern, flags)


# Text


def string(value: Value, *, pretty: bool = False) -> Expression:
    """The value as text; objects and lists as JSON, on several lines if `pretty`."""
    return _call("string", value, *([True] if pretty else []), kind="text")


def length(text: Value) -> Expression:
    """How many characters the text has."""
    return _call("length", text, kind="number")


def substring(text: Value, start: Value, length: Value = None) -> Expression:
    """The text from an index that counts from 0, `length` characters at most; a negative index counts from the end."""
    return _call("substring", *_some(text, start, length), kind="text")


def substring_before(text: Value, characters: Value) -> Expression:
    """The text before the first occurrence of the characters, or all of it."""
    return _call("substringBefore", text, characters, kind="text")


def substring_after(text: Value, characters: Value) -> Expression:
    """The text after the first occurrence of the characters, or all of it."""
    return _call("substringAfter", text, characters, kind="text")


def uppercase(text: Value) -> Expression:
    """The text in capital letters."""
    return _call("uppercase", text, kind="text")


def lowercase(text: Value) -> Expression:
    """The text in small letters."""
    return _call("lowercase", text, kind="text")


def trim(text: Value) -> Expression:
    """The text without white space around it, and with single spaces inside."""
    return _call("trim", text, kind="text")


def pad(text: Value, width: Value, character: Value = None) -> Expression:
    """The text with spaces, or another character, behind it up to the width; before it if the width is negative."""
    return _call("pad", *_some(text, width, character), kind="text")


def contains(text: Value, pattern: Pattern) -> Condition:
    """True if the text contains another text, or matches a regular expression."""
    return _asked("contains", node_of(text), _pattern(pattern))


def split(text: Value, separator: Pattern, limit: Value = None) -> Expression:
    """The pieces between the separators, `limit` of them at most."""
    rest = [] if limit is None else [node_of(limit)]
    return _build("split", [node_of(text), _pattern(separator), *rest], "list")


def join(texts: Value, separator: Value = None) -> Expression:
    """The texts of a list, one after the other."""
    return _call("join", *_some(texts, separator), kind="text")


def match(text: Value, pattern: re.Pattern[str], limit: Value = None) -> Expression:
    """A list of an object for each match: its `match`, `index` and `groups`."""
    if not isinstance(pattern, re.Pattern):
        what = f"match takes a regular expression, not {pattern!r}"
        mistake(WrongArgument(what, "write re.compile(...)", "#1", "pattern"))
        return UNKNOWN
    rest = [] if limit is None else [node_of(limit)]
    return _build("match", [node_of(text), _pattern(pattern), *rest], "list")


def replace(text: Value, pattern: Pattern, replacement: Value, limit: Value = None) -> Expression:
    """The text with every match, or the first `limit` ones, replaced; `$1` in the replacement is the first group."""
    rest = [] if limit is None else [node_of(limit)]
    return _build("replace", [node_of(text), _pattern(pattern), node_of(replacement), *rest], "text")


def format(template: str, *arguments: Value) -> Expression:
    """The template with each `{}` replaced by an argument; an f-string says the same.

    >>> format("Order {} of {}", 1, 2)
    f"Order {1} of {2}"
    """
    pieces = template.split("{}")
    if len(pieces) != len(arguments) + 1:
        what = f"{template!r} has {len(pieces) - 1} places {{}}, but fn.format gets {len(arguments)} values for them"
        mistake(WrongArgument(what, "write a {} for each value, or an f-string", "#0", "template"))
        return UNKNOWN
    parts: list[Node] = [nodes.Constant(pieces[0])] if pieces[0] else []
    for argument, piece in builtins.zip(arguments, pieces[1:], strict=True):
        parts.extend([node_of(argument), *([nodes.Constant(piece)] if piece else [])])
    return Expression(nodes.Text(tuple(parts), origin=caller()))


def parse(text: Value) -> Expression:
    """The JSON value that a text holds."""
    return _call("parse", text)


def base64encode(text: Value) -> Expression:
    """The text in base 64."""
    return _call("base64encode", text, kind="text")


def base64decode(text: Value) -> Expression:
    """The text that is written in base 64."""
    return _call("base64decode", text, kind="text")


def encode_url_component(text: Value) -> Expression:
    """The text as a part of a URL."""
    return _call("encodeUrlComponent", text, kind="text")


def encode_url(text: Value) -> Expression:
    """The text as a URL."""
    return _call("encodeUrl", text, kind="text")


def decode_url_component(text: Value) -> Expression:
    """The text that a part of a URL holds."""
    return _call("decodeUrlComponent", text, kind="text")


def decode_url(text: Value) -> Expression:
    """The text that a URL holds."""
    return _call("decodeUrl", text, kind="text")


_HASHES = ("MD5", "SHA-1", "SHA-256", "SHA-384", "SHA-512")


def hash(value: Value, algorithm: Value) -> Expression:
    """The hash in hexadecimal, with MD5, SHA-1, SHA-256, SHA-384 or SHA-512."""
    if not isinstance(algorithm, Expression) and algorithm not in _HASHES and not has_tokens(str(algorithm)):
        hint = f"use {join_words(_HASHES, 'or')}"
        mistake(WrongArgument(f"there is no algorithm {algorithm!r}", hint, "#1", "algorithm"))
        return UNKNOWN
    return _call("hash", value, algorithm, kind="text")


def uuid() -> Expression:
    """A random version 4 UUID."""
    return _call("uuid", kind="text")


# Numbers


def number(value: Value) -> Expression:
    """The number that a text, a boolean or a number holds."""
    return _call("number", value, kind="number")


def abs(number: Value) -> Expression:
    """The number without its sign."""
    return _call("abs", number, kind="number")


def floor(number: Value) -> Expression:
    """The greatest integer that is not greater."""
    return _call("floor", number, kind="number")


def ceil(number: Value) -> Expression:
    """The least integer that is not less."""
    return _call("ceil", number, kind="number")


def round(number: Value, digits: Value = None) -> Expression:
    """The number rounded to an integer, or to decimal digits; halves go to the even neighbour."""
    return _call("round", *_some(number, digits), kind="number")


def power(base: Value, exponent: Value) -> Expression:
    """The base to the power of the exponent."""
    return _call("power", base, exponent, kind="number")


def sqrt(number: Value) -> Expression:
    """The square root."""
    return _call("sqrt", number, kind="number")


def random(seed: Value = None) -> Expression:
    """A number from 0 (included) to 1 (excluded)."""
    return _call("random", *_some(seed), kind="number")


def math_random(start: Value, end: Value) -> Expression:
    """An integer from start (included) to end (excluded)."""
    return _call("math_random", start, end, kind="number")


def format_number(number: Value, picture: Value, options: Value = None) -> Expression:
    """The number as a picture such as `#,##0.00` says. Source: XPath F&O 3.1, "fn:format-number"."""
    return _call("formatNumber", *_some(number, picture, options), kind="text")


def format_base(number: Value, radix: Value = None) -> Expression:
    """The integer in base 10, or in another base from 2 to 36."""
    return _call("formatBase", *_some(number, radix), kind="text")


def format_integer(number: Value, picture: Value) -> Expression:
    """The integer as a picture says: `w` in words, `I` in Roman numerals. Source: XPath F&O 3.1."""
    return _call("formatInteger", number, picture, kind="text")


def parse_integer(text: Value, picture: Value) -> Expression:
    """The integer that a text holds, written as the picture says."""
    return _call("parseInteger", text, picture, kind="number")


def range(first: Value, last: Value, step: Value = 1) -> Expression:
    """The numbers from first to last, both included."""
    return _call("range", first, last, step, kind="list")


# Lists


def sum(numbers: Value) -> Expression:
    """The sum of a list of numbers."""
    return _call("sum", numbers, kind="number")


def max(numbers: Value) -> Expression:
    """The greatest number of a list."""
    return _call("max", numbers, kind="number")


def min(numbers: Value) -> Expression:
    """The least number of a list."""
    return _call("min", numbers, kind="number")


def average(numbers: Value) -> Expression:
    """The mean of a list of numbers."""
    return _call("average", numbers, kind="number")


def count(items: Value) -> Expression:
    """How many items the list has; 0 if the path finds nothing."""
    return _call("count", items, kind="number")


def append(items: Value, more: Value) -> Expression:
    """The list and one more item behind it, or the items of another list."""
    return _call("append", items, more, kind="list")


def reverse(items: Value) -> Expression:
    """The list from its end to its beginning."""
    return _call("reverse", items, kind="list")


def shuffle(items: Value) -> Expression:
    """The list in a random order."""
    return _call("shuffle", items, kind="list")


def distinct(items: Value) -> Expression:
    """The list without repeated values; under JSONPath, AWS does not promise an order."""
    return _call("distinct", items, kind="list")


def zip(*lists: Value) -> Expression:
    """A list of lists: the first items, the second items, and so on, as far as the shortest list goes."""
    return _call("zip", *lists, kind="list")


def partition(items: Value, size: Value) -> Expression:
    """A list of lists of `size` items; the last may be shorter."""
    return _call("partition", items, size, kind="list")


def array_contains(items: Value, value: Value) -> Condition:
    """True if the list has the value. JSONata compares only texts, numbers and booleans."""
    return _asked("array_contains", node_of(items), node_of(value))


def array_get_item(items: Value, index: Value) -> Expression:
    """The item at an index that counts from 0; `items[index]` says the same."""
    return _call("array_get_item", items, index)


def sort(items: Value, key: Callable[..., Any] | None = None, *, descending: bool = False) -> Expression:
    """The list in order: of its texts or numbers, or of what `key` gives for each item.

    A key of two parameters compares: it is true if its first item comes after its second.
    """
    if key is None and not descending:
        return _call("sort", items, kind="list")
    traced_key = traced(key or (lambda value: value), 2)
    if len(traced_key.parameters) == 2:
        parameters = traced_key.parameters[::-1] if descending else traced_key.parameters
        traced_key = evolve(traced_key, parameters=parameters)
    else:
        left, right = nodes.Parameter("l"), nodes.Parameter("r")
        sides = (_substituted(traced_key, left), _substituted(traced_key, right))
        compared = nodes.Comparison("<" if descending else ">", *sides)
        traced_key = nodes.Lambda((left, right), compared)
    return _build("sort", [node_of(items), traced_key], "list")


def _substituted(function: nodes.Lambda, parameter: nodes.Parameter) -> Node:
    (own,) = function.parameters
    body = nodes.replaced(function.body, lambda node: _renamed(node, own, parameter))
    is_condition = kind_of(body) == "boolean"  # JSONata does not order true and false
    return nodes.Conditional(body, nodes.Constant(1), nodes.Constant(0)) if is_condition else body


def _renamed(node: Node, old: nodes.Parameter, new: nodes.Parameter) -> Node:
    if isinstance(node, nodes.Path) and node.root is old:
        return nodes.Path(new, node.steps, node.mark)
    return node


def map(items: Value, function: Callable[..., Any]) -> Expression:
    """What the function gives for each item, as a list. It gets the item, and its index if it takes a second."""
    return _build("map", [node_of(items), traced(function, 3, INDEXED)], "list")


def filter(items: Value, condition: Callable[..., Any]) -> Expression:
    """The items for which the condition holds, as a list; `where` is the same."""
    return _build("filter", [node_of(items), traced(condition, 3, INDEXED)], "list")


def single(items: Value, condition: Callable[..., Any]) -> Expression:
    """The only item for which the condition holds; the state fails if there is none, or more than one."""
    return _build("single", [node_of(items), traced(condition, 3, INDEXED)])


def reduce(items: Value, function: Callable[..., Any], start: Value) -> Expression:
    """What remains of a list: the function gets what there is so far, `start` at first, and the next item."""
    return _build("reduce", [node_of(items), traced(function, 4, (None, *INDEXED)), node_of(start)])


# Objects


def keys(value: Value) -> Expression:
    """The keys of an object as a list."""
    return _call("keys", value, kind="list")


def lookup(value: Value, key: Value) -> Expression:
    """The value at a key that is known only when the flow runs."""
    return _call("lookup", value, key)


def spread(value: Value) -> Expression:
    """A list of objects with one key each."""
    return _call("spread", value, kind="list")


def merge(*values: Value) -> Expression:
    """The fields of all objects in one, or of a list of objects; a later one wins. Not deep, as AWS has it."""
    if len(values) == 1:
        return _call("merge", values[0], kind="object")
    return _call("merge", [*values], kind="object")


def sift(value: Value, condition: Callable[..., Any]) -> Expression:
    """The object with the fields for which the condition holds; it gets a value, and its key if it takes a second."""
    return _build("sift", [node_of(value), traced(condition, 3, KEYED)], "object")


def each(value: Value, function: Callable[..., Any]) -> Expression:
    """A list of what the function gives for each value of an object, and its key if it takes a second."""
    return _build("each", [node_of(value), traced(function, 3, KEYED)], "list")


def type(value: Value) -> Expression:
    """`null`, `number`, `string`, `boolean`, `array`, `object` or `function`."""
    return _call("type", value, kind="text")


def error(message: Value) -> Expression:
    """Fail the state with a message."""
    return _call("error", message)


def assert_(condition: Expression, message: Value) -> Expression:
    """Fail the state with a message if the condition does not hold."""
    return _call("assert", condition, message)


# Conditions


def boolean(value: Value) -> Condition:
    """False for false, 0, null, the empty text, list and object, and what is missing; else true."""
    return _asked("boolean", node_of(value))


def exists(value: Value) -> Condition:
    """True if the value is there; it may be null."""
    return _asked("exists", node_of(value))


def default(value: Expression, otherwise: Value) -> Expression:
    """The value, or another one if it is missing. (A state fails if a field that it needs gets a missing value.)"""
    return cond(exists(value), value, otherwise)


# Time


def now(picture: Value = None, timezone: Value = None) -> Expression:
    """The time as RFC 3339 text in UTC, or as a picture says."""
    return _call("now", *_some(picture, timezone), kind="text")


def millis() -> Expression:
    """The time in milliseconds since 1970."""
    return _call("millis", kind="number")


def from_millis(millis: Value, picture: Value = None, timezone: Value = None) -> Expression:
    """Milliseconds since 1970 as RFC 3339 text in UTC, or as a picture says. Source: XPath F&O 3.1."""
    return _call("fromMillis", *_some(millis, picture, timezone), kind="text")


def to_millis(text: Value, picture: Value = None) -> Expression:
    """A time as milliseconds since 1970: RFC 3339 text, or text as the picture says."""
    return _call("toMillis", *_some(text, picture), kind="number")
