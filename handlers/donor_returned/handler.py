"""The donor came back from the PSP: answer the task token that RedirectToPsp handed out.

What happened at the PSP is not taken from the browser; TakePayment asks the PSP next.
"""

from __future__ import annotations

import json
from typing import Any

from handlers import cards
from handlers.document import MalformedEvent, read
from handlers.logs import invocation, logger

LOG = logger("donor_returned")


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Let the execution go on; the event is `{"token": …}`, with an `outcome` where the page knows one.

    Returns `{"status": "done"}`, or `{"status": "late"}` where nobody waits any more (timed out, answered
    before, or the execution is over). Raises MalformedEvent.
    """
    import boto3
    from botocore.exceptions import ClientError

    with invocation(LOG, event, context):
        token = read(event, "token", str)
        output = {"status": "returned"}
        if "outcome" in event:
            # It comes from the browser, and the document has to keep room for what the payment adds.
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
