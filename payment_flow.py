"""The payment flow: from a donation to a stored transaction.

Every step adds to the document: `donation` and `payment` by Setup, `psp` by SelectPsp, and so on. What
TakePayment answers is agreed in handlers/psp.
"""

from datetime import timedelta
from typing import TypedDict, Unpack

from flowdsl import (
    DISCARD,
    Alarm,
    Choice,
    Defaults,
    EventBus,
    Executions,
    Expression,
    Function,
    Functions,
    Metric,
    Parallel,
    Pass,
    Schedule,
    StateMachine,
    Table,
    Task,
    Wait,
    catch,
    chain,
    context,
    dynamic,
    fail,
    fn,
    goto,
    lambda_transient,
    one_of,
    retry,
    state_input,
    task_token,
    when,
)
from handlers.document import DONATION_FIELDS, METHOD_FIELDS, PSP_FIELDS
from handlers.select_psp.deployment import deployment_check, stores_check
from handlers.select_psp.selection import check_routing

# The handlers are safe to be run again, so that any of them may be.
any_error = retry("States.ALL", interval=2, max_attempts=3, backoff_rate=2)
# A crowd of donors may throttle Lambda for longer than lambda_transient waits: 2 s, 4 s, 8 s, …, then every hour.
lambda_busy = retry(
    *lambda_transient.errors,
    interval=2,
    max_attempts=16,
    backoff_rate=2,
    max_delay=timedelta(hours=1),
    jitter="FULL",
)
# The PSP was not reached, its key is being rotated, or its Lambda broke or timed out. The outcome is unknown, so the
# same attempt is repeated, which is safe: 5 s, 15 s, 45 s, …, then every 6 hours for three months. The donation stays
# open, and the sweep lists it as long as the PSP cannot be asked. Adyen forgets keys after a week: then it is broken.
psp_errors = retry(
    "States.Timeout",
    "States.TaskFailed",
    interval=5,
    max_attempts=8 + 90 * 4,
    backoff_rate=3,
    max_delay=timedelta(hours=6),
)
# Repeating would not help: somebody has to investigate.
final_errors = retry("PspRefused", "MalformedEvent", max_attempts=0)
final_choices = retry("DonationConflict", "NoPspAvailable", "MalformedEvent", "Misconfigured", max_attempts=0)
malformed = retry("MalformedDonation", max_attempts=0)
conflict = retry("ConflictingTransaction", max_attempts=0)
# The donor may have paid, or wants to, so the steps around are tried for hours: 5 s, 15 s, 45 s, …, then every hour.
storing = retry("States.ALL", interval=5, max_attempts=10, backoff_rate=3, max_delay=timedelta(hours=1))

# A redirect that was not sent is sent again while the donor waits: 1 s, 2 s, 4 s, …, for 8 minutes. Errors that the
# return page reports are not repeated.
sending = retry(
    "NotDelivered",
    *lambda_transient.errors,
    "Unexpected",
    "Lambda.Unknown",
    "Runtime.ExitError",
    "Sandbox.Timedout",
    interval=1,
    max_attempts=9,
    backoff_rate=2,
)

# In seconds. A function ends before the step gives it up, so that two of one payment are not at work together.
PSP_FUNCTION, PSP_STEP = 50, 60

# Tables and the event bus of the deployed functions, with what each may do; local runs keep SQLite files.
TRANSACTIONS = Table(
    "payment-transactions",
    key="id",
    sort_key="entry",
    # Their keys have parts: one key for all donations of a day would limit the table.
    indexes={f"by-{name}": (f"{name}_part", "started_at") for name in ("status", "charity", "day")},
).access("PutItem", "GetItem", "UpdateItem", "Query", variable="TRANSACTIONS_TABLE")
CHOICES = Table("payment-choices", key="id").access("PutItem", "GetItem", variable="CHOICES_TABLE")
REDIRECTS = Table("payment-redirects", key="id", expires="expires_at").access(
    "PutItem", "GetItem", variable="REDIRECTS_TABLE"
)
REFUNDS = Table("payment-refunds", key="donation", sort_key="id").access(
    "PutItem", "GetItem", "Query", "Scan", variable="REFUNDS_TABLE"
)
CAPTURES = Table("payment-captures", key="id").access("PutItem", "GetItem", "Scan", variable="CAPTURES_TABLE")
DISPUTES = Table("payment-disputes", key="id").access("PutItem", "GetItem", "Scan", variable="DISPUTES_TABLE")
TOTALS = Table("payment-totals", key="id").access("PutItem", "UpdateItem", "BatchGetItem", variable="TOTALS_TABLE")
SANDBOX = Table("payment-sandbox", key="id").access("PutItem", "GetItem", variable="SANDBOX_TABLE")
ADYEN = Table("payment-adyen", key="id", sort_key="entry").access("PutItem", "GetItem", "Query", variable="ADYEN_TABLE")
BUS = EventBus("payment-events").access("PutEvents", variable="PAYMENTS_EVENT_BUS")

PSPS = [
    Function("payment-psp-sandbox", "handlers/psp_sandbox", timeout=PSP_FUNCTION, access=[SANDBOX]),
    Function("payment-psp-stripe", "handlers/psp_stripe", timeout=PSP_FUNCTION),
    Function("payment-psp-adyen", "handlers/psp_adyen", timeout=PSP_FUNCTION, access=[ADYEN]),
    Function("payment-psp-gocardless", "handlers/psp_gocardless", timeout=PSP_FUNCTION),
]
# What SelectPsp may choose is what TakePayment may call: `flowdsl check` fails otherwise.
check_routing(function.name for function in PSPS)

# What settling a donation after its execution takes: ask its PSP, finish its post-processing.
SETTLING = [
    TRANSACTIONS,
    CAPTURES,
    TOTALS,
    BUS,
    Functions(*PSPS).access("InvokeFunction"),
    Executions("payment").access("DescribeExecution"),
]
# What a PSP's webhook takes: it lets executions go on, and settles refunds and disputes.
TOLD = [*SETTLING, REDIRECTS, REFUNDS, DISPUTES, Executions("payment").access("SendTaskSuccess")]


def document_with(fields: tuple[str, ...]) -> Expression:
    """The document, with these fields of the donation only: donors' data stays out of functions that do not need it."""
    donation = fn.sift(state_input.donation, lambda value, name: one_of(name, *fields))
    if "payment_method" in fields:
        method = fn.sift(state_input.donation.payment_method, lambda value, name: one_of(name, *METHOD_FIELDS))
        donation = fn.merge(donation, {"payment_method": method})
    return fn.merge(state_input, {"donation": donation})


class Event(TypedDict, total=False):
    """What a step sends its function, unless that is the whole document."""

    payload: Expression


def recorded(name: str, function: Function, **event: Unpack[Event]) -> Task:
    """A step of the post-processing: its failure is written down and never stops the flow."""
    failed = Pass(
        f"{name}Failed",
        output={"status": "failed", "error": state_input.Error, "cause": state_input.Cause},
    )
    return Task(name, function, **event, retry=[lambda_transient, any_error], catch=catch("States.ALL", failed))


setup = Task(
    "Setup",
    Function("payment-setup", "handlers/setup"),
    payload={"donation": state_input, "execution": context.Execution.Id},
    # Nothing is stored yet that could bring the donation back.
    retry=[lambda_busy, malformed, storing],
)
persist_output = Task(
    "PersistOutput",
    Function("payment-persist-output", "handlers/persist_output", access=[TRANSACTIONS]),
    into="transaction",
    retry=[lambda_busy, conflict, storing],
)
broken = catch("States.ALL", goto(persist_output), into="error")

select_psp = Task(
    "SelectPsp",
    Function("payment-select-psp", "handlers/select_psp", access=[CHOICES, TRANSACTIONS]),
    into="psp",
    retry=[lambda_busy, final_choices, storing],
    catch=broken,
)
take_payment = Task(
    "TakePayment",
    dynamic(select_psp.out.function_arn, allowed=PSPS),
    payload=document_with(PSP_FIELDS),
    into="payment",
    timeout=PSP_STEP,
    retry=[final_errors, psp_errors],
    catch=broken,
)
notify_delay = Task(
    "NotifyDelay",
    Function("payment-notify-delay", "handlers/notify_delay", access=[BUS]),
    payload=document_with(DONATION_FIELDS),
    into=DISCARD,
    catch=catch("States.ALL", into="notify_delay_error"),
)
await_confirmation = Task(
    "AwaitConfirmation",
    Function("payment-await-confirmation", "handlers/await_confirmation", access=[REDIRECTS]),
    payload={"token": task_token, "document": document_with(DONATION_FIELDS)},
    wait_for_task_token=True,
    # The PSP's webhook ends the wait, or a day: then TakePayment asks the PSP.
    timeout=take_payment.out.pending_seconds,
    into="confirmation",
    retry=[retry("States.Timeout", max_attempts=0), lambda_busy, storing],
    catch=[catch("States.Timeout", goto(take_payment), into="confirmation"), broken],
)
redirect_to_psp = Task(
    "RedirectToPsp",
    Function("payment-redirect-to-psp", "handlers/redirect_to_psp", access=[REDIRECTS, BUS]),
    payload={"token": task_token, "document": document_with(DONATION_FIELDS)},
    wait_for_task_token=True,
    # A day in all; shorter once the donor came back without completing the payment, when the PSP is asked again.
    timeout=take_payment.out.redirect_seconds,
    into="redirect",
    retry=sending,
    # A donor who does not come back may have paid all the same: TakePayment asks the PSP and settles it.
    catch=catch("States.ALL", goto(take_payment), into="redirect"),
)

flow = chain(
    setup,
    select_psp,
    take_payment,
    Choice(
        "PaymentOutcome",
        when(
            take_payment.out.status == "retry",
            notify_delay,
            Wait("WaitForPsp", seconds=take_payment.out.delay_seconds),
            goto(take_payment),
        ),
        when(take_payment.out.status == "redirect", redirect_to_psp, goto(take_payment)),
        when(take_payment.out.status == "pending", await_confirmation, goto(take_payment)),
        when(take_payment.out.status == "paid"),
        otherwise=goto(persist_output),
    ),
    Parallel(
        "PostProcessing",
        named={
            "receipt": recorded("Receipt", Function("payment-receipt", "handlers/receipt", access=[BUS])),
            "totals": recorded(
                "FundraisingTotals",
                Function("payment-fundraising-totals", "handlers/fundraising_totals", access=[TOTALS]),
                payload=document_with(DONATION_FIELDS),
            ),
            "event": recorded(
                "PublishEvent",
                Function("payment-publish-event", "handlers/publish_event", access=[BUS]),
                payload=document_with(DONATION_FIELDS),
            ),
        },
        into="post_processing",
    ),
    persist_output,
    Choice(
        "TransactionStatus",
        when(
            persist_output.out.status == "conflict",
            fail(
                "DonationConflict",
                error="DonationConflict",
                cause="A different donation already uses this id. Nothing was charged for this one: give it its own id",
            ),
        ),
        when(
            persist_output.out.status == "broken",
            fail(
                "PaymentBroken",
                error="PaymentBroken",
                cause="The payment could not be settled, people have to look: see error in the stored transaction",
            ),
        ),
    ),
)

# The page to which the PSP sends the donor back calls it; it answers RedirectToPsp's task token.
donor_returned = Function(
    "payment-donor-returned",
    "handlers/donor_returned",
    access=[REDIRECTS, Executions("payment").access("SendTaskSuccess")],
)
# Give each PSP its function's URL; it settles what executions wait for, or could not store.
adyen_webhook = Function("payment-adyen-webhook", "handlers/adyen_webhook", timeout=60, access=[*TOLD, ADYEN])
webhooks = [
    Function("payment-stripe-webhook", "handlers/stripe_webhook", timeout=60, access=TOLD),
    adyen_webhook,
    # Banks decide many debits at once: a request may have hundreds of events, each with questions to GoCardless.
    Function("payment-gocardless-webhook", "handlers/gocardless_webhook", timeout=900, access=TOLD),
]
reconcile = Function("payment-reconcile", "handlers/reconcile", timeout=900, access=[*SETTLING, REFUNDS, DISPUTES])

machine = StateMachine(
    "payment",
    flow,
    query_language="JSONata",
    # AWS recommends to retry the passing errors of the Lambda service for every Lambda.
    defaults=Defaults(retry=lambda_transient),
    comment="Takes a donation's payment through the payment service provider that fits it",
    related=[donor_returned, *webhooks],
    # Nothing is deployed with which money would be lost: `flowdsl check` and `flowdsl plan` fail before.
    checks=[deployment_check(function.name for function in PSPS), stores_check],
    # reconcile settles what executions could not store, and lists what needs people.
    schedules=[Schedule("sweep", reconcile, every=timedelta(minutes=15))],
    alarms=[
        Alarm("payment-executions", Executions("payment")),
        Alarm("payment-refund-executions", Executions("payment-refund")),
        Alarm("payment-capture-executions", Executions("payment-capture")),
        Alarm("payment-functions", Functions(donor_returned, *webhooks)),
        # Adyen would hold back all later events, so it is not told that one cannot be settled: people are.
        Alarm("payment-unsettled-events", Metric("payments", "UnsettledEvents", adyen_webhook)),
        # A PSP that signs with a secret that we don't have sends its events again for hours or days. A burst of
        # somebody's attempts is in one or two quarters of an hour, and does not ring.
        *(
            Alarm(
                f"{webhook.name}-signatures",
                Metric("payments", "UnknownSignatures", webhook),
                within=timedelta(minutes=15),
                datapoints=3,
                periods=16,
            )
            for webhook in webhooks
        ),
        # Donations wait until the PSP has a valid key again.
        *(
            Alarm(f"{psp.name}-key", Metric("payments", "KeyRejected", psp), within=timedelta(minutes=30))
            for psp in PSPS
        ),
        # The sweep fails or does not run at all; or it has found what needs people.
        Alarm("payment-sweep", Functions(reconcile), within=timedelta(hours=1), silence=True),
        Alarm("payment-open-work", Metric("payments", "OpenWork", reconcile), within=timedelta(minutes=30)),
    ],
)
