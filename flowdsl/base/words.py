"""Words of messages: similar names, lists of names, JSON values in short; names of classes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .patterns import regex

_MOST_CHARACTERS = 60
"""The longest JSON value that a message quotes whole."""
_SIMILARITY = 0.7
"""How similar a word must be to be suggested, from 0 to 1 (difflib's ratio)."""


def did_you_mean(word: str, known: Iterable[str]) -> str | None:
    """Return a hint with the most similar known word, or None if none is similar.

    >>> did_you_mean("Dnoe", ["Pay", "Done"])
    "did you mean 'Done'?"
    """
    near = nearest(word, known)
    return f"did you mean {near!r}?" if near else None


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Return the most similar known word, or None if none is similar; case does not count.

    >>> nearest("PAYMENT", ["payments", "payment"])
    'payment'
    >>> nearest("delay", ["delay_seconds", "status"])
    'delay_seconds'
    >>> nearest("retries", ["retry", "catch"])
    'retry'
    >>> nearest("Arn", ["FunctionArn", "Name"]), nearest("qyt", ["price", "qty"])
    ('FunctionArn', 'qty')
    """
    from difflib import get_close_matches  # only a flow with mistakes needs it

    words = [*known]
    singular = f"{word[:-3]}y" if word.endswith("ies") else word
    same = [each for each in words if each.lower() in (word.lower(), singular.lower())]
    near = same or get_close_matches(word, words, 1, _SIMILARITY)
    near = near or [each for each in words if len(word) > 2 and sorted(each) == sorted(word)]  # letters in disorder
    parts = {*_parts(word)}
    return next(iter(near or [each for each in words if parts <= {*_parts(each)}]), None)


def _parts(word: str) -> list[str]:
    """The words in a name such as `function_arn` or `FunctionArn`."""
    import re  # as difflib

    return [part.lower() for part in re.split(r"[_\W]+|(?<=[a-z0-9])(?=[A-Z])", word) if part] or [word]


def join_words(words: Iterable[str], last: str = "and") -> str:
    """Join words as a sentence does.

    >>> join_words(["a"]), join_words(["a", "b"]), join_words(["a", "b", "c"], "or")
    ('a', 'a and b', 'a, b or c')
    """
    *first, final = [*words] or [""]
    return f"{', '.join(first)} {last} {final}" if first else final


def counted(count: int, noun: str) -> str:
    """Return a number with its noun, which takes an s in the plural.

    >>> counted(1, "change"), counted(2, "change")
    ('1 change', '2 changes')
    """
    return f"{count} {noun}{'s' * (count != 1)}"


def abbreviate(value: Any) -> str:
    """Return a JSON value as a message quotes it: shortened, objects and lists by kind only.

    >>> abbreviate("paid"), abbreviate(None), abbreviate({"a": 1}), abbreviate([])
    ('"paid"', 'null', 'an object', 'an empty list')
    """
    import json

    if isinstance(value, dict):
        return "an object" if value else "an empty object"
    if isinstance(value, list):
        return "a list" if value else "an empty list"
    return shorten(json.dumps(value, ensure_ascii=False, default=repr))


def shorten(text: str) -> str:
    """Return a text as a message has it, at most 60 characters long."""
    return text if len(text) <= _MOST_CHARACTERS else text[: _MOST_CHARACTERS - 3] + "..."


def one_line(text: str) -> str:
    r"""Return a text of others, such as the name of a file or state, without line breaks: what comes after one would
    look like a line of flowdsl, or in GitHub's logs be a command.

    >>> one_line("a\n::error::b")
    'a\\n::error::b'
    """
    return text.replace("\r", "\\r").replace("\n", "\\n")


_WORD = regex(r"[A-Z]+(?![a-z])\d*|[A-Z]?[a-z]+\d*|\d+")


def exception_class(name: str) -> str:
    """The class of an API's error in the AWS SDK for Java: acronyms are words, and all end in Exception.

    >>> [exception_class(name) for name in ("NoSuchKey", "DBInstanceNotFoundFault", "EC2ThrottledException")]
    ['NoSuchKeyException', 'DbInstanceNotFoundException', 'Ec2ThrottledException']
    """
    stem = name.removesuffix("Exception").removesuffix("Fault")
    return "".join(word.capitalize() for word in _WORD.findall(stem)) + "Exception"
