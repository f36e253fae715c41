"""The handler that the functions of all PSPs share."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, cast

from aws_lambda_powertools import Logger

from handlers.document import Misconfigured, check_object
from handlers.logs import invocation
from handlers.metrics import report
from handlers.psp.interface import KeyRejected, Payment, Psp
from handlers.psp.payment import INQUIRIES, inquire, perform
from handlers.secrets import fresh_secrets_after


def handle(log: Logger, event: Mapping[str, Any], context: Any, open_psp: Callable[[], Psp]) -> Payment:
    """Perform the event's operation, or answer its inquiry, and log the answer; see `perform` and `inquire`.

    A rejected key is reported as the metric KeyRejected, and the next invocation reads secrets anew.
    """
    with invocation(log, event, context), _rejected_keys(), fresh_secrets_after(KeyRejected, Misconfigured):
        check_object(event)
        psp = open_psp()
        if event.get("operation") in INQUIRIES:
            # Annotated as a Payment all the same: flowdsl takes a handler's annotation for TakePayment's result, and
            # the flow never inquires.
            return cast("Payment", inquire(event, psp))
        result = perform(event, psp)
        log.info("answered", status=result["status"], code=result["code"], reference=result["reference"])
        return result


@contextmanager
def _rejected_keys() -> Iterator[None]:
    try:
        yield
    except KeyRejected:
        report("KeyRejected", 1)
        raise
