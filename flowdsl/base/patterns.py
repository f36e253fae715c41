"""Regular expressions of modules, compiled when they are first used: a command needs few of those that it imports."""

from __future__ import annotations

import re
from typing import Any, cast


class _Pattern:
    """Takes the methods of the compiled pattern as its own, each when somebody asks for it."""

    def __init__(self, text: str, flags: int) -> None:
        self._text = text
        self._flags = flags

    def __getattr__(self, name: str) -> Any:
        value = self.__dict__[name] = getattr(re.compile(self._text, self._flags), name)
        return value


def regex(text: str, flags: int = 0) -> re.Pattern[str]:
    """What `re.compile` returns, for a constant of a module. A mistake in `text` raises re.error at the first use."""
    return cast("re.Pattern[str]", _Pattern(text, flags))
