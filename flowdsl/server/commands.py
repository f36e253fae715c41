"""Run flowdsl's commands as processes of their own.

A server lives for hours, while the files of a project change under it. Python keeps modules that it has imported, so a
flow loaded again in the server would use handlers and helpers as they were before. A process of its own sees the files
as they are, and can neither end nor stall the server.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

from ..base.named import NamedTuple

_NO_ACCOUNT = {
    "AWS_ACCESS_KEY_ID": "none",
    "AWS_SECRET_ACCESS_KEY": "none",
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
}
_ACCOUNT = ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_")
"""How variables begin that lead to an account; STATE_MACHINE_ARN would run tests against a deployed machine."""
_MOST_KEPT = 1_000_000
"""How many bytes of what a command prints are kept from its start, and at least as many from its end."""


class CommandResult(NamedTuple):
    """How a command ended; `code` is None if it took too long. The middle of a very long text is left out."""

    code: int | None
    stdout: str
    stderr: str


def run_module(
    module: str, arguments: Sequence[str], *, folder: Path, timeout: float, stdin: str = ""
) -> CommandResult:
    """Run `python -m module arguments` in the folder, for at most `timeout` seconds, with `stdin` as its input.

    The module of flowdsl is this one, wherever it is installed. The process has credentials of no AWS account, so
    that a handler or test cannot change anything there; an emulator at AWS_ENDPOINT_URL accepts them.
    """
    inherited = os.environ.get("PYTHONPATH")
    path = os.pathsep.join(filter(None, [str(Path(__file__).parents[2]) if module == "flowdsl" else "", inherited]))
    hidden = (*_ACCOUNT, "STATE_MACHINE_ARN", "FORCE_COLOR")
    environment = {key: value for key, value in os.environ.items() if not key.startswith(hidden)}
    environment |= {**_NO_ACCOUNT, "PYTHONIOENCODING": "utf-8", "NO_COLOR": "1"}
    if path:
        environment["PYTHONPATH"] = path
    with tempfile.TemporaryFile() as input_file:
        input_file.write(stdin.encode())
        input_file.seek(0)
        process = subprocess.Popen(  # noqa: S603 - this Python, and arguments that no shell reads
            [sys.executable, "-m", module, *arguments],
            cwd=folder,
            env=environment,
            stdin=input_file,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    readers = [_Reader(stream) for stream in (process.stdout, process.stderr) if stream]
    try:
        code: int | None = process.wait(timeout)
    except subprocess.TimeoutExpired:
        code = None
    finally:
        end_group(process.pid)  # what a handler has left would keep the pipes open
        process.wait()
    stdout, stderr = (reader.text() for reader in readers)
    return CommandResult(code, stdout, stderr)


def end_group(leader: int) -> None:
    """Kill what is left of the process group of a process that got a session of its own."""
    with suppress(OSError):
        os.killpg(leader, signal.SIGKILL)


class _Reader(threading.Thread):
    """Reads a stream to its end, and keeps what comes first and last of it: a handler may write without end."""

    def __init__(self, stream: IO[bytes]) -> None:
        super().__init__(daemon=True)
        self._stream = stream
        self._first, self._last, self._left_out = bytearray(), bytearray(), 0
        self.start()

    def run(self) -> None:
        descriptor = self._stream.fileno()
        while piece := os.read(descriptor, 65_536):
            room = _MOST_KEPT - len(self._first)
            self._first += piece[:room]
            self._last += piece[room:]
            if (excess := len(self._last) - _MOST_KEPT) > _MOST_KEPT:
                del self._last[:excess]
                self._left_out += excess

    def text(self) -> str:
        """The text so far, once the stream has ended, or a moment later: a process of its own may hold it open."""
        self.join(2)
        between = f"\n… {self._left_out} bytes left out …\n" if self._left_out else ""
        parts = [bytes(part).decode("utf-8", "replace") for part in (self._first, self._last)]
        return between.join(parts)
