"""A claim of an insurance, in JSONPath: a host of benchmarks/planted."""

from typing import Literal, TypedDict

from flowdsl import (
    DISCARD,
    Choice,
    Function,
    Map,
    Parallel,
    Pass,
    StateMachine,
    Task,
    Wait,
    aws,
    catch,
    chain,
    fail,
    fn,
    goto,
    lambda_transient,
    result,
    retry,
    state_input,
    when,
)


class Damage(TypedDict):
    part: str
    cents: int


class Claim(TypedDict):
    number: str
    channel: Literal["web", "phone", "letter"]
    damages: list[Damage]
    urgent: bool
    note: str


busy = retry("RegisterBusy", interval=2, max_attempts=4)
register = Task(
    "Register",
    Function("register", "handlers/register", timeout=20),
    payload={"number": state_input.number, "channel": state_input.channel},
    into="registration",
    timeout=30,
    retry=[lambda_transient, busy],
)
assess = Map(
    "AssessDamages",
    items=state_input.damages,
    processor=Task(
        "AssessDamage",
        Function("assess", "handlers/assess"),
        payload={"part": state_input.part, "cents": state_input.cents},
        retry=lambda_transient,
        catch=catch("NotCovered", Pass("Rejected"), into="problem"),
    ),
    into="assessments",
)
photos = Task(
    "ListPhotos",
    aws.s3.list_objects_v2(Bucket="claims", Prefix=fn.format("{}/", state_input.number)),
    result_selector={"photos": result.KeyCount, "more": result.IsTruncated},
)
policy = Task(
    "ReadPolicy",
    aws.dynamodb.get_item(TableName="policies", Key={"number": {"S": state_input.number}}),
    result_selector={"item": result.Item},
)
research = Parallel("Research", photos, policy, into="research")
pay = Task(
    "PayOut",
    Function("pay", "handlers/pay", timeout=30),
    payload={
        "number": state_input.number,
        "account": register.out.account,
        "registered": register.out.id,
        "parts": fn.count(state_input.damages),
    },
    into="payout",
    timeout=60,
    retry=[lambda_transient, retry("BankClosed", interval=60, max_attempts=3)],
    catch=catch("AccountUnknown", fail("NoAccount", error="NoAccount", cause="Nobody knows the account"), into="gone"),
)
wait = Wait("WaitForBank", seconds=pay.out.again_in)
announce = Task(
    "Announce",
    aws.sns.publish(
        TopicArn="arn:aws:sns:eu-west-1:123456789012:claims",
        Message=fn.format("Claim {} was paid: {}", state_input.number, pay.out.reference),
    ),
    into=DISCARD,
)
flow = chain(
    register,
    Choice(
        "Channel",
        when(register.out.status == "known", fail("Known", error="Known", cause="The claim is known")),
        when((state_input.channel == "letter") & (state_input.urgent == False), Pass("Slow")),  # noqa: E712
        when(state_input.channel == "web", Pass("Quick")),
    ),
    assess,
    research,
    pay,
    Choice(
        "IsPaid",
        when(pay.out.status == "waiting", wait, goto(pay)),
        when(pay.out.status == "paid", announce),
        otherwise=fail("NotPaid", error="NotPaid", cause="The bank refused"),
    ),
    Pass("Done", parameters={"number": state_input.number, "reference": pay.out.reference}),
)
machine = StateMachine("claims", flow, input=Claim)
