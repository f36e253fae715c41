"""Structured logs: each line names the donation and the execution and contains no private data.

Events and the messages of foreign exceptions are never logged, so no token, card number or donor's address gets there.
Logs go to stderr (CloudWatch reads both streams): in local runs stdout is for the command's result.
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
    """Add the donation, the execution and the request to all log lines of one invocation, and log its failure."""
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
        own = type(error).__module__.startswith("handlers.")
        log.error("failed", error_type=type(error).__name__, cause=cards.redact(str(error)) if own else None)
        raise
    finally:
        log.thread_safe_clear_keys()
