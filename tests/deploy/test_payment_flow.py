"""The payment flow as it is deployed: its tables and the permissions of its functions."""

from pathlib import Path

from flowdsl.author.resources import Table
from flowdsl.deploy.access import statements
from flowdsl.deploy.kinds import plan_store
from flowdsl.deploy.stores import store_of
from flowdsl.deploy.wanted import stack_of, stores_of
from flowdsl.project import load
from handlers.transactions.dynamodb import definition
from payment_flow import PSPS
from tests.deploy.world import ENVIRONMENT

ROOT = Path(__file__).parents[2]


def test_the_tables_are_those_that_the_handlers_expect():
    stack = stack_of(ENVIRONMENT, ROOT / "payment_flow.py")
    stores = {each.name: each for each in stores_of(stack, load(ROOT / "payment_flow.py"))}
    keys = {
        name: (each.resource.key, each.resource.sort_key)
        for name, each in stores.items()
        if isinstance(each.resource, Table)
    }
    assert keys == {
        "payment-adyen": ("id", "entry"),
        "payment-transactions": ("id", "entry"),
        "payment-choices": ("id", None),
        "payment-captures": ("id", None),
        "payment-disputes": ("id", None),
        "payment-redirects": ("id", None),
        "payment-refunds": ("donation", "id"),
        "payment-sandbox": ("id", None),
        "payment-totals": ("id", None),
    }
    assert {*stores} - {*keys} == {"payment-events"}
    (call,) = plan_store(stores["payment-transactions"], None, stack, {})
    expected = definition("payment-transactions")
    for key in ("KeySchema", "GlobalSecondaryIndexes", "BillingMode"):
        assert call.arguments[key] == expected[key]  # type: ignore[union-attr]
    names = [each["AttributeName"] for each in call.arguments["AttributeDefinitions"]]  # type: ignore[union-attr]
    assert sorted(names) == sorted(each["AttributeName"] for each in expected["AttributeDefinitions"])


def test_each_function_may_do_what_its_handler_does():
    """Under the names of an instance, and nothing else."""
    stack = stack_of(ENVIRONMENT, ROOT / "payment_flow.py", "pr-1")
    (loaded,) = load(ROOT / "payment_flow.py")
    functions = loaded.machine.functions
    names = {name: stack.named(name) for name in [*functions, loaded.name]}
    rights = {
        name: {
            (action, resource.split(":", 5)[5])
            for each in statements(function.access, stack, names)
            for action in each.actions
            for resource in each.resources
        }
        for name, function in functions.items()
    }
    psps = [f"{function.name}-pr-1" for function in PSPS]
    puts_events = {("events:PutEvents", "event-bus/payment-events-pr-1")}
    keeps_tickets = {(f"dynamodb:{action}", "table/payment-redirects-pr-1") for action in ("GetItem", "PutItem")}
    assert rights["payment-donor-returned"] == keeps_tickets | {
        ("states:SendTaskSuccess", "stateMachine:payment-pr-1"),
    }
    assert rights["payment-redirect-to-psp"] == keeps_tickets | puts_events
    assert {each for each in rights["payment-reconcile"] if not each[0].startswith("dynamodb:")} == {
        *(("lambda:InvokeFunction", f"function:{name}{more}") for name in psps for more in ("", ":*")),
        ("states:DescribeExecution", "execution:payment-pr-1:*"),
        *puts_events,
    }
    refunds = {each for each in rights["payment-reconcile"] if each[1].startswith("table/payment-refunds")}
    assert {action for action, _ in refunds} == {f"dynamodb:{each}" for each in ("PutItem", "GetItem", "Query", "Scan")}
    assert rights["payment-stripe-webhook"] == rights["payment-reconcile"] | rights["payment-donor-returned"]
    for name in ("notify-delay", "receipt", "publish-event"):
        assert rights[f"payment-{name}"] == puts_events
    assert rights["payment-psp-stripe"] == rights["payment-setup"] == set()
    assert rights["payment-psp-sandbox"] == {
        ("dynamodb:GetItem", "table/payment-sandbox-pr-1"),
        ("dynamodb:PutItem", "table/payment-sandbox-pr-1"),
    }


def test_a_store_is_labelled_by_its_kind():
    stack = stack_of(ENVIRONMENT, ROOT / "payment_flow.py")
    assert store_of(Table("donors", key="id"), stack).label == "table donors"
