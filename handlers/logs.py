"""Structured logs: the donation and the execution in every line, and nothing private.

Log lines carry what they are given and no more: no event, no exception text from outside, so that no token,
card number or donor's address gets there. They go to stderr (CloudWatch takes both streams), because on the
desk stdout belongs to the command's result.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO

from aws_lambda_powertools import Logger

from handlers import cards
from handlers.document import donation_id, execution_id


class _Stderr(logging.StreamHandler[TextIO]):
    """Writes to what stderr is when the line is written, not to what it was at import."""

    @property
    def stream(self) -> TextIO:
        return sys.stderr

    @stream.setter
    def stream(self, value: TextIO) -> None:
        """The base class assigns it once; there is nothing to keep."""


def logger(service: str) -> Logger:
    # Powertools formats the first handler of a service only; a module that is loaded again has to go on with that one.
    known = logging.getLogger(service).handlers
    return Logger(service=service, logger_handler=known[0] if known else _Stderr(), use_rfc3339=True, utc=True)


@contextmanager
def invocation(log: Logger, event: Any, context: Any) -> Iterator[None]:
    """Name the donation, the execution and the request in all lines of one invocation, and log how it failed."""
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
        # Our own errors say nothing private; what others say may hold anything.
        own = type(error).__module__.startswith("handlers.")
        log.error("failed", error_type=type(error).__name__, cause=cards.redact(str(error)) if own else None)
        raise
    finally:
        log.thread_safe_clear_keys()
