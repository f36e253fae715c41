"""What reaches the terminal: text of others cannot move the cursor, change what stands there or turn text around.

State names, errors, causes and inputs come from anywhere. Source: ECMA-48 for the control sequences; Unicode Standard
Annex 9 for the characters that change the direction of text; the Unicode Technical Report 36, "Bidirectional Text
Spoofing".
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from typing import Any, TextIO, cast

from ..base.patterns import regex

_STYLE = r"\x1b\[(?:[0-2]|22|3[1-7]|39)m"
"""The colours, bold and dim of our own messages."""
_CONTROL = "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]"
_RISKY = regex(f"({_STYLE})|{_CONTROL}")


def escape(text: str) -> str:
    r"""The text with control characters and marks of direction as JSON writes them; line breaks, tabs and colours stay.

    >>> escape("a\x1b[2Jb"), escape("pay\u202edecline")
    ('a\\u001b[2Jb', 'pay\\u202edecline')
    """
    if text.isascii() and text.replace("\n", "").isprintable():
        return text
    return _RISKY.sub(lambda match: match[1] or f"\\u{ord(match[0]):04x}", text)


class OutputError(Exception):
    """Stdout or stderr does not take what is written: the disk is full, or the stream is closed."""

    def __init__(self, name: str, error: OSError) -> None:
        super().__init__(f"cannot write to {name}: {error.strerror}")


class _Escaping:
    """A text stream that escapes what is written to it. Raises OutputError if it cannot be written; a closed pipe
    stays BrokenPipeError."""

    def __init__(self, stream: TextIO, name: str) -> None:
        self._stream = stream
        self._stream_name = name

    def write(self, text: str | bytes) -> int:
        if isinstance(text, bytes):  # click's completions
            text = text.decode()
        with self._refusals():
            self._stream.write(escape(text))
        return len(text)

    def flush(self) -> None:
        with self._refusals():
            self._stream.flush()

    def close(self) -> None:
        """A handler may close its stdout; the run goes on to print."""
        self.flush()

    @contextmanager
    def _refusals(self) -> Iterator[None]:
        try:
            yield
        except BrokenPipeError:
            raise
        except OSError as error:
            raise OutputError(self._stream_name, error) from error

    def __getattr__(self, name: str) -> Any:
        if name == "buffer":  # what is written to it would not be escaped
            raise AttributeError(name)
        return getattr(self._stream, name)


@contextmanager
def escaping() -> Iterator[None]:
    """Escape all that is written to stdout and stderr."""
    stdout, stderr = _escaped()
    with redirect_stdout(stdout), redirect_stderr(stderr):
        yield


def escape_from_now_on() -> None:
    """Escape all that is written to stdout and stderr until the process has ended: also by what runs at its exit."""
    sys.stdout, sys.stderr = _escaped()


def _escaped() -> tuple[TextIO, TextIO]:
    return cast(TextIO, _Escaping(sys.stdout, "stdout")), cast(TextIO, _Escaping(sys.stderr, "stderr"))


def write_bytes(content: bytes) -> None:
    """Write to stdout what is no text, such as a PNG file: unchanged, because a program reads it."""
    stream = sys.stdout
    while isinstance(stream, _Escaping):
        stream = stream._stream
    try:
        stream.flush()
        stream.buffer.write(content)
        stream.buffer.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OutputError("stdout", error) from error


def open_streams() -> None:
    """Give closed streams a place: nothing to read, stderr that is dropped, and a stdout that refuses all writes.

    Otherwise the next file that is opened gets the stream's number, and what is printed goes into it.
    """
    for number, name, flags in ((0, "stdin", os.O_RDONLY), (1, "stdout", os.O_RDONLY), (2, "stderr", os.O_WRONLY)):
        if getattr(sys, name) is None:
            null = os.open(os.devnull, flags)
            if null != number:
                os.dup2(null, number)
                os.close(null)
            stream = open(number, "r" if number == 0 else "w", encoding="utf-8", closefd=False)  # noqa: SIM115
            setattr(sys, name, stream)
            setattr(sys, f"__{name}__", stream)


def drop_stdout() -> None:
    """Drop what is still buffered; Python would try to write it when it exits."""
    with suppress(OSError):
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, 1)
        os.close(null)
