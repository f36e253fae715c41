"""A trip that is searched, priced, reserved and reported, in JSONata: a host of benchmarks/planted."""

from typing import Literal, TypedDict

import flowdsl as f
from flowdsl import DISCARD, aws, fn, result, state_input, task_token, var


class Leg(TypedDict):
    origin: str
    target: str
    seats: int


class Traveller(TypedDict):
    name: str
    age: int


class Request(TypedDict):
    id: str
    kind: Literal["business", "private"]
    budget: int
    legs: list[Leg]
    traveller: Traveller


gentle = f.retry("SearchBusy", interval=3, max_attempts=5)
careful = f.retry("SeatsTaken", interval=2, max_attempts=2)
search = f.Task(
    "Search",
    f.Function("search", "handlers/search", timeout=40),
    payload={"legs": state_input.legs, "adult": state_input.traveller.age >= 18},
    into=var.search,
    timeout=50,
    retry=[f.lambda_transient, gentle],
)
price = f.Map(
    "PriceOffers",
    items=search.out.offers,
    processor=f.Task(
        "PriceOffer",
        f.Function("price", "handlers/price"),
        payload={"code": state_input.code, "seats": state_input.seats},
        output={"code": result.code, "cents": result.cents, "currency": result.currency},
        retry=f.lambda_transient,
    ),
    max_concurrency=5,
    into=var.prices,
)
profile = f.Task(
    "ReadProfile",
    aws.dynamodb.get_item(TableName="profiles", Key={"id": {"S": state_input.traveller.name}}),
    output={"tier": result.Item.tier.S},
)
manifest = f.Task(
    "ReadManifest",
    aws.s3.head_object(Bucket="trips", Key=f"{state_input.id}.json"),
    output={"size": result.ContentLength, "type": result.ContentType},
)
rating = f.Task(
    "Rate",
    aws.states.start_execution.sync(StateMachineArn="arn:aws:states:eu-west-1:123456789012:stateMachine:rate"),
    output={"score": result.Output.score, "status": result.Status},
    into=var.rating,
)
together = f.Parallel("LookUp", profile, manifest, into=var.facts)
reserve = f.Task(
    "Reserve",
    f.Function("reserve", "handlers/reserve", timeout=30),
    payload={"id": state_input.id, "cents": fn.sum(price.out.cents), "tries": var.tries},
    into=var.reservation,
    timeout=45,
    retry=[f.lambda_transient, careful],
    catch=f.catch("SeatsTaken", f.fail("SoldOut", error="SoldOut", cause="No seats are left"), into=var.problem),
)
count = f.Pass("Count", assign={"tries": var.tries + 1})
wait = f.Wait("WaitForSeats", seconds=reserve.out.wait_seconds)
approval = f.Task(
    "Approve",
    aws.sqs.send_message.wait_for_task_token(
        QueueUrl="https://sqs.eu-west-1.amazonaws.com/123456789012/approvals",
        MessageBody={"token": task_token, "trip": state_input.id, "cents": reserve.out.cents},
    ),
    into=var.approval,
    timeout=86_400,
)
store = f.Task(
    "Store",
    aws.dynamodb.update_item(
        TableName="trips",
        Key={"id": {"S": state_input.id}},
        UpdateExpression="SET #state = :state, cents = :cents",
        ExpressionAttributeNames={"#state": "state"},
        ExpressionAttributeValues={":state": {"S": reserve.out.status}, ":cents": {"N": fn.string(reserve.out.cents)}},
    ),
    into=DISCARD,
    catch=f.catch(aws.dynamodb.errors.ConditionalCheckFailedException, f.Succeed("StoredBefore")),
)
notify = f.Task(
    "Notify",
    f.Function("notify", "handlers/notify"),
    payload={
        "text": f"{fn.uppercase(state_input.traveller.name)}: {reserve.out.status}",
        "cents": fn.round(reserve.out.cents / 100),
        "length": fn.length(state_input.id),
        "codes": fn.join(search.out.offers.code, ", "),
    },
    into=DISCARD,
    retry=f.lambda_transient,
)

flow = f.chain(
    f.Pass("Begin", assign={"tries": 0}),
    search,
    f.Choice("HasOffers", f.when(fn.count(search.out.offers) == 0, f.Succeed("NoOffers"))),
    price,
    together,
    rating,
    reserve,
    f.Choice(
        "IsReserved",
        f.when(reserve.out.status == "confirmed", f.Pass("Confirmed")),
        f.when((reserve.out.status == "waiting") & (var.tries < 5), count, wait, f.goto(reserve)),
        f.when(
            (reserve.out.status == "refused") & (state_input.kind == "business"),
            approval,
        ),
        otherwise=f.fail("Refused", error="Refused", cause="The trip was refused"),
    ),
    store,
    notify,
    f.Pass("Report", output={"id": state_input.id, "tier": var.facts[0].tier, "size": var.facts[1].size}),
)
machine = f.StateMachine("travel", flow, query_language="JSONata", input=Request, timeout=604_800)
