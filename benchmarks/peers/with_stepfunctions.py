"""The payment flow with the classes of the Data Science SDK, which stepfunctions-asl has too; prints its ASL."""

from stepfunctions.steps import (
    Catch,
    Chain,
    Choice,
    ChoiceRule,
    Fail,
    Graph,
    Parallel,
    Pass,
    Retry,
    Succeed,
    Task,
    Wait,
)

LAMBDA = "arn:aws:lambda:${AWS::Region}:${AWS::AccountId}:function:payment-"


def service_errors():
    return Retry(
        error_equals=[
            "Lambda.ClientExecutionTimeoutException",
            "Lambda.ServiceException",
            "Lambda.AWSLambdaException",
            "Lambda.SdkClientException",
            "Lambda.TooManyRequestsException",
        ],
        interval_seconds=2,
        max_attempts=6,
        backoff_rate=2,
    )


def any_error():
    return Retry(error_equals=["States.ALL"], interval_seconds=2, max_attempts=3, backoff_rate=2)


def lambda_task(name, function, more=(), **fields):
    return Task(name, resource=LAMBDA + function, retry=[service_errors(), *more], **fields)


def recorded(name, function):
    failed = Pass(f"{name}Failed", parameters={"status": "failed", "error.$": "$.Error", "cause.$": "$.Cause"})
    catch = [Catch(error_equals=["States.ALL"], next_step=failed)]
    return Chain([lambda_task(name, function, [any_error()], catch=catch)])


setup = lambda_task("Setup", "setup")
select_psp = lambda_task("SelectPsp", "select-psp", result_path="$.psp")
take_payment = Task(
    "TakePayment",
    resource="arn:aws:states:::lambda:invoke",
    parameters={"FunctionName.$": "$.psp.function_arn", "Payload.$": "$"},
    result_path="$.payment",
    timeout_seconds=60,
    retry=[
        service_errors(),
        Retry(
            error_equals=["PspUnavailable", "States.Timeout", "States.TaskFailed"],
            interval_seconds=5,
            max_attempts=4,
            backoff_rate=3,
        ),
    ],
)
payload = Pass("TakePayment.Payload", input_path="$.payment.Payload", result_path="$.payment")
outcome = Choice("PaymentOutcome")
notify_delay = lambda_task("NotifyDelay", "notify-delay", result_path=None)
wait_for_psp = Wait("WaitForPsp", seconds_path="$.payment.delay_seconds")
redirect = Task(
    "RedirectToPsp",
    resource="arn:aws:states:::lambda:invoke.waitForTaskToken",
    parameters={
        "FunctionName": LAMBDA + "redirect-to-psp",
        "Payload": {"token.$": "$$.Task.Token", "document.$": "$"},
    },
    result_path="$.redirect",
    timeout_seconds=86400,
    retry=[service_errors()],
)
post_processing = Parallel("PostProcessing", result_path="$.post_processing")
post_processing.add_branch(recorded("Receipt", "receipt"))
post_processing.add_branch(recorded("FundraisingTotals", "fundraising-totals"))
post_processing.add_branch(recorded("PublishEvent", "publish-event"))
persist_output = lambda_task("PersistOutput", "persist-output", [any_error()], result_path="$.transaction")
status = Choice("TransactionStatus")

for step in (select_psp, take_payment):
    step.add_catch(Catch(error_equals=["States.ALL"], result_path="$.error", next_step=persist_output))
notify_delay.add_catch(Catch(error_equals=["States.ALL"], result_path="$.notify_delay_error", next_step=wait_for_psp))
redirect.add_catch(Catch(error_equals=["States.ALL"], result_path="$.redirect", next_step=take_payment))
post_processing.add_catch(Catch(error_equals=["States.ALL"], result_path="$.post_processing", next_step=persist_output))

outcome.add_choice(ChoiceRule.StringEquals("$.payment.status", "retry"), notify_delay)
outcome.add_choice(ChoiceRule.StringEquals("$.payment.status", "redirect"), redirect)
outcome.add_choice(ChoiceRule.StringEquals("$.payment.status", "paid"), post_processing)
outcome.default_choice(persist_output)
notify_delay.next(wait_for_psp)
wait_for_psp.next(take_payment)
redirect.next(take_payment)
post_processing.next(persist_output)
persist_output.next(status)
status.add_choice(
    ChoiceRule.StringEquals("$.transaction.status", "broken"),
    Fail("PaymentBroken", error="PaymentBroken", cause="The payment's outcome is unknown: see $.error"),
)
status.default_choice(Succeed("TransactionStatus.End"))

print(Graph(Chain([setup, select_psp, take_payment, payload, outcome])).to_json(pretty=True))
