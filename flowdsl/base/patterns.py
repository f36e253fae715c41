"""Regular expressions of modules, compiled when they are first used: a command needs few of those that it imports."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    import sys
    from collections.abc import Callable, Iterator
    from typing import Protocol

    class Regex(Protocol):
        """A compiled pattern, which the functions of `re` do not take."""

        @property
        def pattern(self) -> str: ...
        def search(self, string: str, pos: int = 0, endpos: int = sys.maxsize, /) -> re.Match[str] | None: ...
        def match(self, string: str, pos: int = 0, endpos: int = sys.maxsize, /) -> re.Match[str] | None: ...
        def fullmatch(self, string: str, pos: int = 0, endpos: int = sys.maxsize, /) -> re.Match[str] | None: ...
        def finditer(self, string: str, pos: int = 0, endpos: int = sys.maxsize, /) -> Iterator[re.Match[str]]: ...
        def findall(self, string: str, pos: int = 0, endpos: int = sys.maxsize, /) -> list[Any]: ...
        def split(self, string: str, /, maxsplit: int = 0) -> list[str | Any]: ...
        def sub(self, repl: str | Callable[[re.Match[str]], str], string: str, /, count: int = 0) -> str: ...

else:
    Regex = Any


class _Pattern:
    """Takes the methods of the compiled pattern as its own, each when somebody asks for it."""

    def __init__(self, text: str, flags: int) -> None:
        self._text = text
        self._flags = flags

    def __getattr__(self, name: str) -> Any:
        value = self.__dict__[name] = getattr(re.compile(self._text, self._flags), name)
        return value


def regex(text: str, flags: int = 0) -> Regex:
    """What `re.compile` returns, for a constant of a module. A mistake in `text` raises re.error at the first use."""
    return cast("Regex", _Pattern(text, flags))
