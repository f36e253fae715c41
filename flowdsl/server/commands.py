"""Run flowdsl's commands as processes of their own.

A server lives for hours, while the files of a project change under it. Python keeps modules that it has imported, so a
flow loaded again in the server would use handlers and helpers as they were before. A process of its own sees the files
as they are, and can neither end nor stall the server.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

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


class CommandResult(NamedTuple):
    """How a command ended; `code` is None if it took too long."""

    code: int | None
    stdout: str
    stderr: str


def run_module(
    module: str, arguments: Sequence[str], *, folder: Path, timeout: float, stdin: str | None = None
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
    with subprocess.Popen(  # noqa: S603 - this Python, and arguments that no shell reads
        [sys.executable, "-m", module, *arguments],
        cwd=folder,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        errors="replace",
    ) as process:
        try:
            stdout, stderr = process.communicate(stdin or "", timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            stdout, stderr = process.communicate()
            return CommandResult(None, stdout, stderr)
        except BaseException:
            process.kill()
            raise
    return CommandResult(process.returncode, stdout, stderr)
