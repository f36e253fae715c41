"""The payment flow: from a donation to a stored transaction.

Every step adds to the document: Setup adds `donation` and `payment`, SelectPsp adds `psp`, and so on. handlers/psp
defines the answers of TakePayment.
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
    cond,
    context,
    dynamic,
    fail,
    fn,
    goto,
    is_present,
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

# Every handler can be run again safely.
any_error = retry("States.ALL", interval=2, max_attempts=3, backoff_rate=2)
# Many donors may throttle Lambda for longer than lambda_transient waits: 2 s, 4 s, 8 s, …, then every hour.
lambda_busy = retry(
    *lambda_transient.errors,
    interval=2,
    max_attempts=16,
    backoff_rate=2,
    max_delay=timedelta(hours=1),
    jitter="FULL",
)
# The PSP could not be reached, its key is being rotated, or its Lambda failed or timed out. The outcome is unknown, so
# the same attempt is repeated, which is safe: 5 s, 15 s, 45 s, …, then every 6 hours for three months. The donation
# stays open, and the sweep lists it while the PSP cannot be asked. Adyen forgets keys after a week: then it is broken.
psp_errors = retry(
    "States.Timeout",
    "States.TaskFailed",
    interval=5,
    max_attempts=8 + 90 * 4,
    backoff_rate=3,
    max_delay=timedelta(hours=6),
)
# Repeating would not help: an operator has to investigate.
final_errors = retry("PspRefused", "MalformedEvent", max_attempts=0)
final_choices = retry("DonationConflict", "NoPspAvailable", "MalformedEvent", "Misconfigured", max_attempts=0)
malformed = retry("MalformedDonation", max_attempts=0)
conflict = retry("ConflictingTransaction", max_attempts=0)
# The donor has paid, or wants to, so the other steps are repeated for hours: 5 s, 15 s, 45 s, …, then every hour.
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

# Seconds. A function ends before its step times out, so that two functions never work on one payment.
PSP_FUNCTION, PSP_STEP = 50, 60

# Tables and the event bus of the deployed functions, with what each may do; local runs keep SQLite files.
TRANSACTIONS = Table(
    "payment-transactions",
    key="id",
    sort_key="entry",
    # A key has parts (handlers/transactions/dynamodb.py): one key for all donations of a day would throttle the table.
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

# Access for settling a donation after its execution: ask its PSP, finish its post-processing.
SETTLING = [
    TRANSACTIONS,
    CAPTURES,
    TOTALS,
    BUS,
    Functions(*PSPS).access("InvokeFunction"),
    Executions("payment").access("DescribeExecution"),
]
# Access of a PSP's webhook, which resumes executions, and settles payments, refunds and disputes.
WEBHOOK = [*SETTLING, REDIRECTS, REFUNDS, DISPUTES, Executions("payment").access("SendTaskSuccess")]


def document_with(fields: tuple[str, ...]) -> Expression:
    """Return the document with only these fields of the donation: functions get no donors' data that they do not
    need."""
    donation = fn.sift(state_input.donation, lambda value, name: one_of(name, *fields))
    if "payment_method" in fields:
        method = fn.sift(state_input.donation.payment_method, lambda value, name: one_of(name, *METHOD_FIELDS))
        donation = fn.merge(donation, {"payment_method": method})
    return fn.merge(state_input, {"donation": donation})


class Event(TypedDict, total=False):
    """Arguments of a Task whose function gets another event than the whole document."""

    payload: Expression


def recorded(name: str, function: Function, **event: Unpack[Event]) -> Task:
    """Return a step of the post-processing; its failure is recorded and does not stop the flow."""
    failed = Pass(
        f"{name}Failed",
        output={"status": "failed", "error": state_input.Error, "cause": state_input.Cause},
    )
    return Task(name, function, **event, retry=[lambda_transient, any_error], catch=catch("States.ALL", failed))


setup = Task(
    "Setup",
    Function("payment-setup", "handlers/setup"),
    payload={"donation": state_input, "execution": context.Execution.Id},
    # Nothing is stored yet: if this step fails, the donation is lost.
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
    # The PSP's webhook or the timeout of a day ends the wait: then TakePayment asks the PSP.
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
    # A day in all; shorter after the donor came back without completing the payment: then the PSP is asked again.
    timeout=take_payment.out.redirect_seconds,
    into="redirect",
    retry=sending,
    # A donor who does not come back may have paid: TakePayment asks the PSP.
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
                cause=cond(
                    # Only for a donation that never had a PSP.
                    is_present(state_input.error) & (state_input.error.Error == "NoPspAvailable"),
                    "No PSP takes this donation, so nothing was charged: see error in the stored transaction",
                    "The payment's outcome is unknown, an operator has to look: see error in the stored transaction",
                ),
            ),
        ),
    ),
)

# The return page, to which the PSP sends the donor back, calls this function; it answers RedirectToPsp's task token.
donor_returned = Function(
    "payment-donor-returned",
    "handlers/donor_returned",
    access=[REDIRECTS, Executions("payment").access("SendTaskSuccess")],
)
# Give each PSP the URL of its function, which settles what executions wait for, or could not store.
adyen_webhook = Function("payment-adyen-webhook", "handlers/adyen_webhook", timeout=60, access=[*WEBHOOK, ADYEN])
webhooks = [
    Function("payment-stripe-webhook", "handlers/stripe_webhook", timeout=60, access=WEBHOOK),
    adyen_webhook,
    # Banks decide many debits at once: one request may have hundreds of events, each with requests to GoCardless.
    Function("payment-gocardless-webhook", "handlers/gocardless_webhook", timeout=900, access=WEBHOOK),
]
reconcile = Function("payment-reconcile", "handlers/reconcile", timeout=900, access=[*SETTLING, REFUNDS, DISPUTES])

machine = StateMachine(
    "payment",
    flow,
    query_language="JSONata",
    # AWS recommends retrying transient errors of the Lambda service for every function.
    defaults=Defaults(retry=lambda_transient),
    comment="Takes a donation's payment through the payment service provider that fits it",
    related=[donor_returned, *webhooks],
    # `flowdsl check` and `flowdsl plan` fail for settings with which money would be lost.
    checks=[deployment_check(function.name for function in PSPS), stores_check],
    # reconcile settles what executions could not store, and lists open work for an operator.
    schedules=[Schedule("sweep", reconcile, every=timedelta(minutes=15))],
    alarms=[
        Alarm("payment-executions", Executions("payment")),
        Alarm("payment-refund-executions", Executions("payment-refund")),
        Alarm("payment-capture-executions", Executions("payment-capture")),
        Alarm("payment-functions", Functions(donor_returned, *webhooks)),
        # Adyen would hold back all later events after an error: so it gets none, and an alarm tells an operator.
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
        # The sweep fails or does not run, or there is open work.
        Alarm("payment-sweep", Functions(reconcile), within=timedelta(hours=1), silence=True),
        Alarm("payment-open-work", Metric("payments", "OpenWork", reconcile), within=timedelta(minutes=30)),
    ],
)
