"""Structured logs: each line names the donation and the execution and contains no private data.

Events and the messages of other libraries' exceptions, which may have tokens, card numbers or donors' addresses, are
not logged, and not in the cause of a failed step, which Step Functions keeps: see Unexpected. Logs go to stderr
(CloudWatch reads both streams): in local runs stdout is for the command's result.
"""

from __future__ import annotations

import logging
import os
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO

from aws_lambda_powertools import Logger

from handlers import cards
from handlers.document import donation_id, execution_id


class Unexpected(Exception):
    """An exception of another library, or a mistake in ours. The message has its type and place, not its own message,
    which may contain a donor's data or a token. Repeating may help."""


class _Stderr(logging.StreamHandler[TextIO]):
    """Write to the current sys.stderr, not to the one at import time."""

    @property
    def stream(self) -> TextIO:
        return sys.stderr

    @stream.setter
    def stream(self, value: TextIO) -> None:
        """Ignore the base class's assignment."""


def logger(service: str) -> Logger:
    # Powertools formats only the first handler of a service; a module that is loaded again must reuse it.
    known = logging.getLogger(service).handlers
    return Logger(service=service, logger_handler=known[0] if known else _Stderr(), use_rfc3339=True, utc=True)


@contextmanager
def invocation(log: Logger, event: Any, context: Any) -> Iterator[None]:
    """Add the donation, the execution and the request to all log lines of one invocation, and log its failure.

    Raises Unexpected instead of exceptions that are not of handlers.
    """
    donation = donation_id(event)
    log.thread_safe_append_keys(
        donation=cards.redact(donation) if donation else None,
        execution=execution_id(event),
        request_id=getattr(context, "aws_request_id", None),
    )
    try:
        log.info("started")
        yield
        log.info("finished")
    except Exception as error:
        # Messages of our own errors contain no private data; those of other libraries may.
        name, own = type(error).__name__, type(error).__module__.startswith("handlers.")
        what = cards.redact(str(error)) if own else f"{name} at {_place(error)}"
        log.error("failed", error_type=name, cause=what)
        if own:
            raise
        raise Unexpected(what) from error
    finally:
        log.thread_safe_clear_keys()


def _place(error: BaseException) -> str:
    """Return file and line of the innermost frame in handlers, or of the innermost one."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [each for each in frames if f"{os.sep}handlers{os.sep}" in each.filename]
    last = (ours or frames)[-1]
    return f"{last.filename.rpartition(f'{os.sep}handlers{os.sep}')[2]}:{last.lineno}"
