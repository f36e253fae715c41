"""The refund flow gives back a donation, or a part of it, at most once per number.

Start each execution with the name `<donation>-refund-<number>`, as `python -m handlers.refunds request` does.
"""

from datetime import timedelta

from flowdsl import (
    Choice,
    Defaults,
    Function,
    StateMachine,
    Task,
    Wait,
    catch,
    chain,
    context,
    dynamic,
    end,
    fail,
    goto,
    lambda_transient,
    one_of,
    retry,
    when,
)
from handlers.select_psp.deployment import stores_check
from payment_flow import (
    BUS,
    DISPUTES,
    PSP_STEP,
    PSPS,
    REFUNDS,
    TOTALS,
    TRANSACTIONS,
    final_errors,
    lambda_busy,
    storing,
)

# A round of requests: 5 s, 15 s, 45 s, …, for a quarter of an hour. Rounds begin every six hours for three months,
# after RefundSetup has checked that nobody has closed the refund.
asking = retry("States.Timeout", "States.TaskFailed", interval=5, max_attempts=5, backoff_rate=3)
# Nothing was refunded, and repeating would not help.
refused = retry("NotRefundable", "RefundConflict", "MalformedEvent", max_attempts=0)

setup = Task(
    "RefundSetup",
    Function("payment-refund-setup", "handlers/refund_setup", access=[TRANSACTIONS, REFUNDS, DISPUTES]),
    # It runs again before each round of requests.
    payload=context.Execution.Input,
    retry=[lambda_busy, refused, storing],
)
persist = Task(
    "PersistRefund",
    Function("payment-persist-refund", "handlers/persist_refund", access=[REFUNDS, TOTALS, BUS]),
    into="stored",
    retry=[lambda_busy, storing],
)
take_refund = Task(
    "TakeRefund",
    dynamic(setup.out.psp.function_arn, allowed=PSPS),
    into="result",
    timeout=PSP_STEP,
    retry=[final_errors, asking],
    # Where the answer would be: a later answer replaces the error.
    catch=catch("States.ALL", goto(persist), into="result"),
)

flow = chain(
    setup,
    # A repeated number: the PSP has decided, and the result is stored.
    Choice("IsSettled", when(one_of(setup.out.status, "refunded", "declined", "failed", "closed"), end())),
    take_refund,
    persist,
    Choice(
        "RefundOutcome",
        # The PSP's function looks for the refund before it makes one, so asking again only asks.
        when(
            one_of(persist.out.status, "pending", "open"),
            Wait("WaitForPsp", seconds=timedelta(hours=6)),
            goto(setup),
        ),
        when(
            persist.out.status == "broken",
            fail(
                "RefundBroken",
                error="RefundBroken",
                cause=f"The outcome of {persist.out.id} is unknown: run it again with its number, which is safe",
            ),
        ),
    ),
)

machine = StateMachine(
    "payment-refund",
    flow,
    query_language="JSONata",
    defaults=Defaults(retry=lambda_transient),
    comment="Gives back a donation, or a part of it",
    checks=[stores_check],
)
