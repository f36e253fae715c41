"""The payment flow as sfnx has it: Python control flow that its compiler parses."""

# ruff: noqa: BLE001, N818, SIM105 - this is how sfnx spells error names, States.ALL, and a Catch that goes on

from typing import TypedDict

from sfnx import Timeout, aws, context, parallel, state_machine, wait


class PspUnavailable(Exception):
    pass


class PaymentBroken(Exception):
    pass


class Payment(TypedDict):
    status: str
    delay_seconds: int


class Psp(TypedDict):
    function_arn: str


class Answer(TypedDict):
    status: str


SERVICE_ERRORS = {
    "ErrorEquals": [
        aws.optimized.lambda_.errors.ClientExecutionTimeoutException,
        aws.optimized.lambda_.errors.ServiceException,
        aws.optimized.lambda_.errors.AWSLambdaException,
        aws.optimized.lambda_.errors.SdkClientException,
        aws.optimized.lambda_.errors.TooManyRequestsException,
    ],
    "IntervalSeconds": 2,
    "MaxAttempts": 6,
    "BackoffRate": 2,
    "JitterStrategy": "FULL",
}
PSP_ERRORS = {
    "ErrorEquals": [PspUnavailable, Timeout],
    "IntervalSeconds": 5,
    "MaxAttempts": 4,
    "BackoffRate": 3,
}
ANY_ERROR = {"ErrorEquals": [Exception], "IntervalSeconds": 2, "MaxAttempts": 3, "BackoffRate": 2}


@state_machine
def payment(input: dict[str, str]):
    """Takes a donation's payment through the payment service provider that fits it."""
    error: str | None = None
    payment: Payment = {"status": "broken", "delay_seconds": 0}
    post_processing: list[dict[str, str]] | None = None
    document = aws.optimized.lambda_.invoke(FunctionName="payment-setup", Payload=input, retry=[SERVICE_ERRORS])[
        "Payload"
    ]
    try:
        psp: Psp = aws.optimized.lambda_.invoke(
            FunctionName="payment-select-psp", Payload=document, retry=[SERVICE_ERRORS]
        )["Payload"]
        while True:
            payment = aws.optimized.lambda_.invoke(
                FunctionName=psp["function_arn"],
                Payload={"document": document, "payment": payment},
                timeout=60,
                retry=[SERVICE_ERRORS, PSP_ERRORS],
            )["Payload"]
            if payment["status"] == "retry":
                try:
                    aws.optimized.lambda_.invoke(
                        FunctionName="payment-notify-delay", Payload=payment, retry=[SERVICE_ERRORS]
                    )
                except Exception:
                    pass
                wait(payment["delay_seconds"])
            elif payment["status"] == "redirect":
                try:
                    aws.optimized.lambda_.invoke(
                        FunctionName="payment-redirect-to-psp",
                        Payload={"token": context["Task"]["Token"], "document": document},
                        pattern=".waitForTaskToken",
                        timeout=86400,
                        retry=[SERVICE_ERRORS],
                    )
                except Exception:
                    pass
            else:
                break
    except Exception as e:
        error = str(e)
    if payment["status"] == "paid":

        def receipt():
            try:
                done = aws.optimized.lambda_.invoke(
                    FunctionName="payment-receipt", Payload=document, retry=[SERVICE_ERRORS, ANY_ERROR]
                )["Payload"]
            except Exception as e:
                return {"status": "failed", "cause": str(e)}
            return done

        def totals():
            try:
                done = aws.optimized.lambda_.invoke(
                    FunctionName="payment-fundraising-totals", Payload=document, retry=[SERVICE_ERRORS, ANY_ERROR]
                )["Payload"]
            except Exception as e:
                return {"status": "failed", "cause": str(e)}
            return done

        def event():
            try:
                done = aws.optimized.lambda_.invoke(
                    FunctionName="payment-publish-event", Payload=document, retry=[SERVICE_ERRORS, ANY_ERROR]
                )["Payload"]
            except Exception as e:
                return {"status": "failed", "cause": str(e)}
            return done

        post_processing = parallel(receipt, totals, event)
    transaction: Answer = aws.optimized.lambda_.invoke(
        FunctionName="payment-persist-output",
        Payload={"document": document, "payment": payment, "post_processing": post_processing, "error": error},
        retry=[SERVICE_ERRORS, ANY_ERROR],
    )["Payload"]
    if transaction["status"] == "broken":
        raise PaymentBroken("The payment's outcome is unknown")
    return transaction
