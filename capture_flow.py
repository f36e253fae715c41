"""The capture flow takes a reserved donation, or a part of it, or releases it; at most once.

Start each execution with the name `<donation>-capture`, as `python -m handlers.captures request` does.
"""

from flowdsl import (
    Choice,
    Defaults,
    Function,
    StateMachine,
    Task,
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
    CAPTURES,
    PSP_STEP,
    PSPS,
    TOTALS,
    TRANSACTIONS,
    final_errors,
    lambda_busy,
    psp_errors,
    storing,
)

# Nothing was taken, and repeating would not help.
refused = retry("NotCapturable", "CaptureConflict", "MalformedEvent", max_attempts=0)

setup = Task(
    "CaptureSetup",
    Function("payment-capture-setup", "handlers/capture_setup", access=[TRANSACTIONS, CAPTURES]),
    retry=[lambda_busy, refused, storing],
)
persist = Task(
    "PersistCapture",
    Function("payment-persist-capture", "handlers/persist_capture", access=[TRANSACTIONS, CAPTURES, TOTALS, BUS]),
    into="stored",
    retry=[lambda_busy, storing],
)
take_capture = Task(
    "TakeCapture",
    dynamic(setup.out.psp.function_arn, allowed=PSPS),
    into="result",
    timeout=PSP_STEP,
    retry=[final_errors, psp_errors],
    catch=catch("States.ALL", goto(persist), into="result"),
)

flow = chain(
    setup,
    # A repeated request: the PSP has decided, and the result is stored.
    Choice("IsSettled", when(one_of(setup.out.status, "captured", "released"), end())),
    take_capture,
    persist,
    Choice(
        "CaptureOutcome",
        when(
            one_of(persist.out.status, "broken", "declined"),
            fail(
                "CaptureBroken",
                error="CaptureBroken",
                cause="The capture was refused, or its outcome is unknown: run it again, which is safe",
            ),
        ),
    ),
)

machine = StateMachine(
    "payment-capture",
    flow,
    query_language="JSONata",
    defaults=Defaults(retry=lambda_transient),
    comment="Takes a reserved donation, or a part of it, or releases it",
    checks=[stores_check],
)
