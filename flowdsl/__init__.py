"""Write, check, test, build and run AWS Step Functions workflows in Python."""

from __future__ import annotations

TYPE_CHECKING = False  # as typing's; its import is what takes longest before `__main__` can see to Ctrl-C

if TYPE_CHECKING:
    from typing import Any

    from .author.api import *  # noqa: F403 - for type checkers and editors


def __getattr__(name: str) -> Any:
    """Import the authoring API with the first of its names: commands that read JSON or print help need none of it."""
    if name.startswith("__") and name != "__all__":
        raise AttributeError(name)
    from .author import api

    if name != "__all__" and name not in api.__all__:
        raise AttributeError(f"module 'flowdsl' has no attribute {name!r}")
    return getattr(api, name)


def __dir__() -> list[str]:
    from .author import api

    return [*globals(), *api.__all__]
