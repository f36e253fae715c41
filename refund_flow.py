"""The refund flow: gives back a donation, or a part of it, at most once per number.

Start each execution with the name `<donation>-refund-<number>`: `python -m handlers.refunds request` does.
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
    psp_errors,
    storing,
)

# Nothing was refunded, and repeating would not help.
refused = retry("NotRefundable", "RefundConflict", "MalformedEvent", max_attempts=0)

setup = Task(
    "RefundSetup",
    Function("payment-refund-setup", "handlers/refund_setup", access=[TRANSACTIONS, REFUNDS, DISPUTES]),
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
    retry=[final_errors, psp_errors],
    # Where the answer would be: a later answer replaces the error.
    catch=catch("States.ALL", goto(persist), into="result"),
)

flow = chain(
    setup,
    # The same number again: the PSP has decided, and everybody was told.
    Choice("IsSettled", when(one_of(setup.out.status, "refunded", "declined"), end())),
    take_refund,
    persist,
    Choice(
        "RefundOutcome",
        # The PSP's function looks for the refund before it makes one, so asking again only asks.
        when(persist.out.status == "pending", Wait("WaitForPsp", seconds=timedelta(hours=6)), goto(take_refund)),
        when(
            persist.out.status == "broken",
            fail(
                "RefundBroken",
                error="RefundBroken",
                cause="The outcome of the refund is unknown: run it again with its number, which is safe",
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
