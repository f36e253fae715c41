"""A value of the wrong kind in a call of flowdsl, with its place among the arguments."""

from __future__ import annotations


class WrongArgument(TypeError):  # noqa: N818 - its name says what the author did
    """An argument is of a kind that the function does not take.

    `names` are the argument's, as `Caller.span` takes them (`"until"`, `"#1"` for the second positional one); `inside`
    leads on into a list or dict. The hint says what to write instead; Python's message has both.
    """

    def __init__(self, message: str, hint: str, *names: str, inside: tuple[str | int, ...] = ()) -> None:
        super().__init__(f"{message}; {hint}" if hint else message)
        self.message = message
        self.hint = hint
        self.names = names
        self.inside = inside
