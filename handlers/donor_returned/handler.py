"""Answer RedirectToPsp's task token when the donor is back from the PSP.

The browser is not trusted with the payment's outcome: TakePayment asks the PSP next.
"""

from __future__ import annotations

import json
from typing import Any

from handlers import cards
from handlers.document import MalformedEvent, read
from handlers.logs import invocation, logger

LOG = logger("donor_returned")


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Resume the execution; the event is `{"token": …}`, with an `outcome` if the page knows one.

    Return `{"status": "done"}`, or `{"status": "late"}` if the step no longer waits (timed out, already answered, or
    the execution has ended). Raises MalformedEvent.
    """
    import boto3
    from botocore.exceptions import ClientError

    with invocation(LOG, event, context):
        token = read(event, "token", str)
        output = {"status": "returned"}
        if "outcome" in event:
            # It comes from the browser, and must leave room in the document for the payment.
            output["outcome"] = cards.redact(read(event, "outcome", str)[:200])
        try:
            boto3.client("stepfunctions").send_task_success(taskToken=token, output=json.dumps(output))
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code == "InvalidToken":
                raise MalformedEvent("token: is not a task token of Step Functions") from error
            if code not in ("TaskTimedOut", "TaskDoesNotExist"):
                raise
            LOG.info("late", code=code)
            return {"status": "late"}
        return {"status": "done"}
