"""Tables, queues, topics and event buses that functions declare, and their rights on functions and executions."""

import re
from pathlib import Path

import pytest

from flowdsl import EventBus, Executions, Function, Functions, Queue, Table, Topic
from tests.deploy.memory_common import PLACE
from tests.deploy.world import flow, with_environment


def test_a_function_gets_what_it_declares(world):
    world.deploy()
    assert world.aws.functions["setup"]["settings"]["Environment"] == {
        "Variables": {
            "DONATIONS": "donations",
            "LETTERS": "https://sqs.eu-west-1.amazonaws.com/123456789012/letters",
            "NEWS": PLACE.arn("sns", "news"),
            "EVENTS": "events",
        }
    }
    role = world.aws.functions["setup"]["settings"]["Role"]
    table = PLACE.arn("dynamodb", "table/donations")
    assert world.aws.allows(role, "dynamodb:PutItem", table)
    assert world.aws.allows(role, "dynamodb:GetItem", f"{table}/index/by-day")
    assert not world.aws.allows(role, "dynamodb:DeleteItem", table)
    assert world.aws.allows(role, "sqs:SendMessage", PLACE.arn("sqs", "letters"))
    assert world.aws.allows(role, "sns:Publish", PLACE.arn("sns", "news"))
    assert world.aws.allows(role, "events:PutEvents", PLACE.arn("events", "event-bus/events"))
    assert world.aws.buses["events"]["flowdsl:stack"] == "payment_flow"
    other = world.aws.functions["receipt"]["settings"]["Role"]
    assert not world.aws.allows(other, "dynamodb:PutItem", table)


def test_an_index_is_added(world):
    world.deploy()
    more = Table("donations", key="id", indexes={"by-day": ("day", "id"), "by-state": "state"})
    world.machine = flow(access=[more.access("Query", variable="DONATIONS")])
    plan = world.deploy()
    assert ("table donations", "index by-state") in [(call.resource, call.reason) for call in plan.calls]
    assert len(world.aws.tables["donations"]["settings"]["GlobalSecondaryIndexes"]) == 2
    assert not world.plan().calls


def test_items_expire(world):
    table = Table("donations", key="id", indexes={"by-day": ("day", "id")}, expires="until")
    world.machine = flow(access=[table.access("Query", variable="DONATIONS")])
    world.deploy()
    assert world.aws.tables["donations"]["expires"] == "until"
    assert not world.plan().calls
    del world.aws.tables["donations"]["expires"]
    assert [call.reason for call in world.deploy().calls] == ["items expire by until"]
    world.aws.tables["donations"]["expires"] = "other"
    (problem,) = world.plan().problems
    assert "items expire by other, and AWS changes that only after an hour" in problem.message


@pytest.mark.parametrize(
    "table",
    [Table("donations", key="other"), Table("donations", key="id", indexes={"by-day": "month"})],
    ids=["key", "index"],
)
def test_a_key_cannot_change(world, table):
    world.deploy()
    world.machine = flow(access=[table.access("Query", variable="DONATIONS")])
    problem = world.plan().problems[0]
    assert "AWS cannot change it without losing data" in problem.message


def test_a_queue_that_somebody_changed(world):
    world.deploy()
    world.aws.queues["letters"]["attributes"]["VisibilityTimeout"] = "1"
    assert [call.reason for call in world.deploy().calls] == ["VisibilityTimeout"]


def test_data_stays_in_an_environment_and_goes_with_an_instance(world):
    world.deploy()
    world.aws.clock.sleep(60)
    plan = world.destroy()
    assert {"donations"} == {*world.aws.tables}
    assert any("table donations stays with its data" in note for note in plan.notes)
    world.instance = "pr-1"
    world.deploy()
    assert {"donations", "donations-pr-1"} == {*world.aws.tables}
    world.aws.clock.sleep(60)
    world.destroy()
    assert {"donations"} == {*world.aws.tables}
    assert {"letters"} == {*world.aws.queues}
    assert {"news"} == {*world.aws.topics}
    assert {"events"} == {*world.aws.buses}


def test_a_table_of_somebody_else(world):
    world.aws.tables["donations"] = {"settings": {}, "tags": {}, "changed": world.aws.clock.now()}
    problem = world.plan().problems[0]
    assert problem.message == "the name is taken: table donations exists and was not created by flowdsl"


def test_a_removed_tag_is_removed(world):
    """A19, of tables, queues, topics and event buses."""
    world.deploy()
    with_environment(world, tags={"owner": "me"})
    world.deploy()
    tags = {"flowdsl:stack": "payment_flow", "flowdsl:environment": "test", "flowdsl:tags": "owner", "owner": "me"}
    assert world.aws.tables["donations"]["tags"] == tags
    assert world.aws.queues["letters"]["tags"] == tags
    assert world.aws.topics["news"] == tags
    assert world.aws.buses["events"] == tags
    assert not world.plan().calls


def test_fifo_queues_and_topics_in_an_instance(world):
    """AWS wants .fifo at the end of their names."""
    orders, events = Queue("orders.fifo"), Topic("events.fifo")
    access = [orders.access("SendMessage", variable="ORDERS"), events.access("Publish", variable="EVENTS")]
    world.machine, world.instance = flow(access=access), "pr-7"
    world.deploy()
    assert {*world.aws.queues} == {"orders-pr-7.fifo"}
    assert {*world.aws.topics} == {"events-pr-7.fifo"}
    assert not world.plan().calls


@pytest.mark.parametrize("kind", [Table, Queue, Topic, EventBus])
def test_the_guide_has_every_field(kind):
    guide = (Path(__file__).parents[2] / "docs" / "deploying.md").read_text()
    (row,) = re.findall(rf"^\| `{kind.__name__}\(name\)` \|.*$", guide, re.MULTILINE)
    assert all(f"`{each}`" in row for each in kind.__fields__ if each != "name")
    assert f"`{kind.service}:`" in row


@pytest.mark.parametrize(
    ("actions", "variable", "message"),
    [
        ([], "TABLE", "needs actions"),
        (["*"], "TABLE", "without prefix and wildcard"),
        (["Get*"], "TABLE", "without prefix and wildcard"),
        (["dynamodb:GetItem"], "TABLE", "without prefix and wildcard"),
        (["GetItem"], "1TABLE", "begins with a letter"),
    ],
)
def test_access_that_aws_would_not_take(actions, variable, message):
    with pytest.raises(TypeError, match=message):
        Table("donations", key="id").access(*actions, variable=variable)


def test_a_function_may_answer_and_look_at_executions_and_call_others(world):
    """Under the names that they are deployed with."""
    world.instance = "pr-1"
    psps = [Function("psp-a", "handlers/psp_a"), Function("elsewhere")]
    access = [
        Executions("payment").access("SendTaskSuccess", "DescribeExecution", "StartExecution"),
        Functions(*psps).access("InvokeFunction"),
    ]
    world.machine = flow(access=access)
    world.deploy()
    role = world.aws.functions["setup-pr-1"]["settings"]["Role"]
    machine = PLACE.arn("states", "stateMachine:payment-pr-1")
    execution = PLACE.arn("states", "execution:payment-pr-1:one")
    function = PLACE.arn("lambda", "function:psp-a-pr-1")
    allowed = {
        ("states:SendTaskSuccess", machine): True,
        ("states:SendTaskSuccess", PLACE.arn("states", "stateMachine:other")): False,
        ("states:SendTaskFailure", machine): False,
        ("states:StartExecution", machine): True,
        ("states:StartExecution", f"{machine}:live"): True,
        ("states:DescribeExecution", execution): True,
        ("states:DescribeExecution", machine): False,
        ("lambda:InvokeFunction", function): True,
        ("lambda:InvokeFunction", f"{function}:3"): True,
        ("lambda:InvokeFunction", PLACE.arn("lambda", "function:elsewhere")): True,
        ("lambda:InvokeFunction", PLACE.arn("lambda", "function:psp-b-pr-1")): False,
    }
    assert {key: world.aws.allows(role, *key) for key in allowed} == allowed
    assert "Environment" in world.aws.functions["setup-pr-1"]["settings"]
    assert not world.plan().calls


@pytest.mark.parametrize(
    "declare", [Executions("payment"), Functions(Function("psp-a"))], ids=["executions", "functions"]
)
def test_an_action_that_they_do_not_have(declare):
    with pytest.raises(TypeError, match="'DeleteEverything' is not one of "):
        declare.access("DeleteEverything")
