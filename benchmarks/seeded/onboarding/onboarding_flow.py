"""Opens an account for a new customer and undoes it when something goes wrong. JSONPath."""

import dataclasses
from enum import StrEnum

import flowdsl as f
from flowdsl import aws, context, fn, result, state_input, task_token


class Country(StrEnum):
    GERMANY = "DE"
    AUSTRIA = "AT"


@dataclasses.dataclass
class Address:
    street: str
    city: str
    country: Country


@dataclasses.dataclass
class Application:
    customer_id: str
    email: str
    age: int
    address: Address
    documents: list[str]
    marketing: bool


screen = f.Task(
    "Screen",
    f.Function("kyc-screen", "handlers/screen", timeout=20),
    payload={
        "customer_id": state_input.customer_id,
        "age": state_input.age,
        "country": state_input.address.country,
    },
    into="screening",
    timeout=30,
    retry=[f.lambda_transient, f.retry("RegisterDown", interval=5, max_attempts=5, backoff_rate=1.5)],
)
compliance = f.Task(
    "AskCompliance",
    "arn:aws:states:::lambda:invoke.waitForTaskToken",
    parameters={
        "FunctionName": "ask-compliance",
        "Payload": {
            "token": task_token,
            "customer": state_input.customer_id,
            "hits": screen.out.hits,
            "since": context.State.EnteredTime,
        },
    },
    into="compliance",
    timeout=172_800,
    catch=f.catch("States.Timeout", f.fail("NoAnswer", error="NoAnswer", cause="Compliance did not answer")),
)
fetch = f.Map(
    "FetchDocuments",
    items=state_input.documents,
    item_selector={"key": f.item, "customer": state_input.customer_id, "number": f.item_index},
    processor=f.Task(
        "FetchDocument",
        aws.sdk.s3.head_object(Bucket="kyc-documents", Key=state_input.key),
        result_selector={"size": result.ContentLength, "etag": result.ETag},
        retry=f.retry("S3.SdkClientException", interval=1, max_attempts=3),
    ),
    max_concurrency=3,
    into="files",
)
close_account = f.Task(
    "CloseAccount",
    f.Function("account-close", "handlers/close_account"),
    payload={"customer_id": state_input.customer_id},
    into=f.DISCARD,
    retry=f.lambda_transient,
)
undone = f.fail("NotOnboarded", error="NotOnboarded", cause="The account was closed again")
undo = f.chain(close_account, undone)
open_account = f.Task(
    "OpenAccount",
    f.Function("account-open", "handlers/open_account", timeout=25),
    payload={
        "customer_id": state_input.customer_id,
        "risk": screen.out.score,
        "files": fn.count(state_input.documents),
    },
    into="account",
    timeout=40,
    retry=f.lambda_transient,
    catch=[
        f.catch("CustomerExists", f.Succeed("KnownCustomer"), into="problem"),
        f.catch("States.ALL", undo, into="problem"),
    ],
)
card = f.Task(
    "IssueCard",
    f.Function("card-issue", "handlers/issue_card"),
    payload={"iban": open_account.out.iban, "limit": open_account.out.limit, "street": state_input.address.street},
    into="card",
    retry=[f.lambda_transient, f.retry("PrinterJam", interval=30, max_attempts=4)],
    catch=f.catch("States.ALL", undo, into="problem"),
)
pause = f.Wait("WaitForPrinter", seconds=card.out.ready_in)
record = f.Task(
    "Record",
    aws.dynamodb.update_item(
        TableName="customers",
        Key={"id": {"S": state_input.customer_id}},
        UpdateExpression="SET iban = :iban, #limit = :limit, card_state = :state",
        ExpressionAttributeNames={"#limit": "limit"},
        ExpressionAttributeValues={
            ":iban": {"S": open_account.out.iban},
            ":limit": {"N": fn.format("{}", open_account.out.limit)},
            ":state": {"S": card.out.state},
        },
        ReturnValues="ALL_NEW",
    ),
    result_selector={"version": result.Attributes.version.N},
    into="record",
    catch=f.catch("States.ALL", undo, into="problem"),
)
greet = f.Task(
    "Greet",
    f.Function("welcome-mail", "handlers/welcome"),
    payload={
        "email": state_input.email,
        "city": state_input.address.city,
        "text": fn.format("Welcome, {}! Your account is {}", state_input.customer_id, open_account.out.iban),
        "marketing": state_input.marketing,
    },
    into=f.DISCARD,
    retry=f.lambda_transient,
    catch=f.catch("MailBounced", f.Pass("NoMail"), into="mail_problem"),
)
publish = f.Task(
    "PublishEvent",
    aws.events.put_events(
        Entries=[
            {
                "EventBusName": "customers",
                "Source": "bank.onboarding",
                "DetailType": "CustomerOnboarded",
                "Detail": {
                    "id": state_input.customer_id,
                    "card": card.out.number,
                    "version": state_input.record.version,
                },
            }
        ]
    ),
    into=f.DISCARD,
)

flow = f.chain(
    screen,
    f.Choice(
        "IsClean",
        f.when(state_input.age < 18, f.fail("TooYoung", error="TooYoung", cause="Customers are of age")),
        f.when(screen.out.result == "reject", f.fail("Rejected", error="Rejected", cause="Screening failed")),
        f.when((screen.out.result == "review") & (screen.out.score >= 70), compliance),
    ),
    fetch,
    open_account,
    card,
    f.Choice(
        "IsPrinted",
        f.when(card.out.state == "printing", pause, f.goto(card)),
        f.when(card.out.state == "failed", undo),
    ),
    record,
    f.Parallel("Tell", greet, publish, into=f.DISCARD),
    f.Pass("Done", parameters={"iban": open_account.out.iban, "card": card.out.number}),
)
machine = f.StateMachine("onboarding", flow, input=Application, timeout=864_000)
