"""The payment flow, written with the Data Science SDK: in JSONPath, the only query language that the SDK knows.

The values of its retriers and texts are payment_flow.py's own; the steps and their order are written out here.
The SDK knows no ResultSelector either, so a PSP's answer stays in the Payload of what lambda:invoke returns.
"""

from __future__ import annotations

from typing import Any

from stepfunctions import steps

from flowdsl import lambda_transient
from payment_flow import any_error, final_errors, machine, psp_errors, sending


def arn(name: str) -> str:
    return f"arn:aws:lambda:${{AWS::Region}}:${{AWS::AccountId}}:function:payment-{name}"


def retry(retrier: Any) -> steps.Retry:
    """What the SDK's Retry can say of a retrier: neither a longest delay nor jitter."""
    fields = {
        "interval_seconds": retrier.interval,
        "max_attempts": retrier.max_attempts,
        "backoff_rate": retrier.backoff_rate,
    }
    return steps.Retry(
        error_equals=[*retrier.errors], **{key: value for key, value in fields.items() if value or value == 0}
    )


def task(name: str, function: str, *retriers: Any, **fields: Any) -> steps.Task:
    each = [*map(retry, retriers or (lambda_transient,))]
    return steps.Task(name, resource=arn(function), retry=each, **fields)


def catch_all(next_step: Any, path: str | None = None) -> steps.Catch:
    path = {"result_path": path} if path else {}  # type: ignore[assignment]
    return steps.Catch(error_equals=["States.ALL"], next_step=next_step, **(path or {}))


def recorded(name: str, function: str) -> steps.Task:
    failed = steps.Pass(f"{name}Failed", parameters={"status": "failed", "error.$": "$.Error", "cause.$": "$.Cause"})
    return task(name, function, lambda_transient, any_error, catch=catch_all(failed))


def fail(name: str) -> steps.Fail:
    state = machine.states[name]
    return steps.Fail(name, error=state.error, cause=state.cause)


def retriers_of(name: str) -> list[Any]:
    return list(machine.states[name].retry)


def payment() -> steps.Graph:
    status = steps.Choice("TransactionStatus")
    conflict = steps.ChoiceRule.StringEquals("$.transaction.status", "conflict")
    broken = steps.ChoiceRule.StringEquals("$.transaction.status", "broken")
    status.add_choice(conflict, fail("DonationConflict"))
    status.add_choice(broken, fail("PaymentBroken"))
    status.default_choice(steps.Succeed("End"))
    persist = task("PersistOutput", "persist-output", *retriers_of("PersistOutput"), result_path="$.transaction")
    persist.next(status)

    post = steps.Parallel(
        "PostProcessing",
        result_path="$.post_processing",
    )
    for branch in (
        recorded("Receipt", "receipt"),
        recorded("FundraisingTotals", "fundraising-totals"),
        recorded("PublishEvent", "publish-event"),
    ):
        post.add_branch(branch)
    post.next(persist)

    take = steps.Task(
        "TakePayment",
        resource="arn:aws:states:::lambda:invoke",
        parameters={"FunctionName.$": "$.psp.function_arn", "Payload.$": "$"},
        timeout_seconds=60,
        result_path="$.payment",
        retry=[retry(final_errors), retry(psp_errors)],
        catch=catch_all(persist, "$.error"),
    )
    wait = steps.Wait("WaitForPsp", seconds_path="$.payment.Payload.delay_seconds")
    wait.next(take)
    delay = task("NotifyDelay", "notify-delay", result_path=None, catch=catch_all(wait, "$.notify_delay_error"))
    delay.next(wait)
    redirect = steps.Task(
        "RedirectToPsp",
        resource="arn:aws:states:::lambda:invoke.waitForTaskToken",
        parameters={
            "FunctionName": arn("redirect-to-psp"),
            "Payload": {"token.$": "$$.Task.Token", "document.$": "$"},
        },
        timeout_seconds_path="$.payment.Payload.redirect_seconds",
        result_path="$.redirect",
        retry=[retry(sending)],
        catch=catch_all(take, "$.redirect"),
    )
    redirect.next(take)
    confirmation = steps.Task(
        "AwaitConfirmation",
        resource="arn:aws:states:::lambda:invoke.waitForTaskToken",
        parameters={
            "FunctionName": arn("await-confirmation"),
            "Payload": {"token.$": "$$.Task.Token", "document.$": "$"},
        },
        timeout_seconds_path="$.payment.Payload.pending_seconds",
        result_path="$.confirmation",
        retry=[retry(each) for each in machine.states["AwaitConfirmation"].retry],
        catch=[
            steps.Catch(error_equals=["States.Timeout"], next_step=take, result_path="$.confirmation"),
            catch_all(persist, "$.error"),
        ],
    )
    confirmation.next(take)
    outcome = steps.Choice("PaymentOutcome")
    for value, step in (("retry", delay), ("redirect", redirect), ("pending", confirmation), ("paid", post)):
        outcome.add_choice(steps.ChoiceRule.StringEquals("$.payment.Payload.status", value), step)
    outcome.default_choice(persist)
    take.next(outcome)

    select = task(
        "SelectPsp",
        "select-psp",
        *retriers_of("SelectPsp"),
        result_path="$.psp",
        catch=catch_all(persist, "$.error"),
    )
    setup = task(
        "Setup",
        "setup",
        *retriers_of("Setup"),
        parameters={"donation.$": "$", "execution.$": "$$.Execution.Id"},
    )
    return steps.states.Graph(steps.Chain([setup, select, take]), comment=machine.comment)
