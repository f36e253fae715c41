"""Pays a merchant out, above a limit only after somebody approved. JSONPath, with one state in JSONata."""

from typing import Literal, TypedDict

from flowdsl import (
    DISCARD,
    Choice,
    Function,
    Map,
    Parallel,
    Pass,
    StateMachine,
    Succeed,
    Task,
    Wait,
    aws,
    catch,
    chain,
    context,
    end,
    fail,
    fn,
    goto,
    lambda_transient,
    one_of,
    result,
    retry,
    state_input,
    task_token,
    var,
    when,
)


class BankAccount(TypedDict):
    iban: str
    holder: str


class Item(TypedDict):
    reference: str
    cents: int
    currency: Literal["EUR", "GBP"]


class Payout(TypedDict):
    id: str
    merchant: str
    account: BankAccount
    items: list[Item]
    speed: Literal["instant", "standard"]
    requested_by: str
    dry_run: bool


bank_down = retry("BankUnavailable", interval=20, max_attempts=6, backoff_rate=2, max_delay=300)

quote = Task(
    "Quote",
    Function("payout-quote", "handlers/quote", timeout=15),
    payload={"merchant": state_input.merchant, "items": state_input.items, "speed": state_input.speed},
    into="quote",
    timeout=20,
    retry=lambda_transient,
)
limits = Task(
    "ReadLimits",
    aws.dynamodb.get_item(
        TableName="merchant-limits",
        Key={"merchant": {"S": state_input.merchant}},
        ConsistentRead=True,
    ),
    result_selector={"row": result.Item},
)
sanctions = Task(
    "Sanctions",
    aws.states.start_execution.sync(
        StateMachineArn="arn:aws:states:eu-west-1:123456789012:stateMachine:sanctions",
        Input={
            "holder": state_input.account.holder,
            "AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID": context.Execution.Id,
        },
    ),
    result_selector={"listed": result.Output.listed, "status": result.Status},
    timeout=600,
)
checks = Parallel(
    "Checks",
    limits,
    sanctions,
    into="checks",
    catch=catch("States.ALL", fail("ChecksFailed", error="ChecksFailed", cause="A check did not run"), into="problem"),
)
approve = Task(
    "AskForApproval",
    aws.sns.publish.wait_for_task_token(
        TopicArn="arn:aws:sns:eu-west-1:123456789012:approvals",
        Subject="A payout needs approval",
        Message=fn.format("{} wants {} cents. Token: {}", state_input.merchant, quote.out.total, task_token),
    ),
    into="approval",
    timeout=86_400,
    catch=catch("States.Timeout", Pass("NotApproved", result="timeout", into="refusal"), into="problem"),
)
transfer = Task(
    "Transfer",
    Function("payout-transfer", "handlers/transfer", timeout=30),
    payload={
        "id": state_input.id,
        "iban": state_input.account.iban,
        "cents": quote.out.total,
        "fee": quote.out.fee,
        "attempt": var.attempt,
    },
    into="transfer",
    timeout=45,
    retry=[lambda_transient, bank_down],
    catch=[
        catch(
            "AccountClosed", fail("AccountClosed", error="AccountClosed", cause="The account is closed"), into="problem"
        ),
        catch("States.Timeout", goto("AskBank"), into="problem"),
    ],
)
ask = Task(
    "AskBank",
    Function("payout-transfer", "handlers/transfer", timeout=30),
    payload={
        "id": state_input.id,
        "iban": state_input.account.iban,
        "cents": quote.out.total,
        "fee": quote.out.fee,
        "attempt": var.attempt,
    },
    into="transfer",
    retry=lambda_transient,
)
pause = Wait("WaitForBank", seconds=transfer.out.retry_in)
book = Map(
    "BookItems",
    items=state_input.items,
    item_selector={
        "payout": state_input.id,
        "item": context.Map.Item.Value,
        "index": context.Map.Item.Index,
        "reference": transfer.out.reference,
    },
    processor=Task(
        "BookItem",
        Function("payout-ledger", "handlers/ledger"),
        payload={
            "payout": state_input.payout,
            "cents": state_input.item.cents,
            "currency": state_input.item.currency,
            "reference": state_input.reference,
        },
        retry=[lambda_transient, retry("LedgerLocked", interval=1, max_attempts=8)],
    ),
    max_concurrency=1,
    into="entries",
)
summary = Pass(
    "Summary",
    query_language="JSONata",
    output={
        "id": state_input.id,
        "cents": fn.sum(state_input.entries.cents),
        "entries": fn.count(state_input.entries),
        "reference": fn.uppercase(state_input.transfer.reference),
        "late": state_input.transfer.retry_in > 0,
    },
)
announce = Task(
    "Announce",
    aws.events.put_events(
        Entries=[
            {
                "EventBusName": "payouts",
                "Source": "shop.payouts",
                "DetailType": "PayoutSent",
                "Detail": {"id": state_input.id, "cents": state_input.cents, "reference": state_input.reference},
            }
        ]
    ),
    into=DISCARD,
    retry=retry("EventBridge.InternalException", interval=2, max_attempts=5),
)

flow = chain(
    Pass("Begin", assign={"attempt": 1}),
    quote,
    Choice(
        "IsWorthIt",
        when(state_input.dry_run == True, end()),  # noqa: E712
        when(quote.out.total <= 0, fail("Nothing", error="Nothing", cause="Nothing to pay out")),
    ),
    checks,
    Choice(
        "IsAllowed",
        when(state_input.checks[1].listed == True, fail("Listed", error="Listed", cause="On a sanctions list")),  # noqa: E712
        when((quote.out.total > 1_000_000) & one_of(state_input.speed, "instant", "standard"), approve),
    ),
    transfer,
    Choice(
        "Outcome",
        when(
            (transfer.out.status == "pending") & (var.attempt < 10),
            Pass("Again", assign={"attempt": var.attempt + 1}),
            pause,
            ask,
            goto("Outcome"),
        ),
        when(transfer.out.status == "sent", book),
        otherwise=fail("NotSent", error="NotSent", cause="The bank refused the transfer"),
    ),
    summary,
    announce,
    Succeed("PaidOut"),
)
machine = StateMachine("payout", flow, input=Payout, timeout=259_200)
