"""The payment flow as it is deployed: its tables and the permissions of its functions."""

from pathlib import Path

from flowdsl.author.resources import Table
from flowdsl.deploy.stores import Store, plan_store
from flowdsl.deploy.wanted import stack_of, stores_of
from flowdsl.project import load
from handlers.transactions.dynamodb import definition
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
        "payment-transactions": ("id", "entry"),
        "payment-choices": ("id", None),
        "payment-redirects": ("id", None),
        "payment-refunds": ("donation", "id"),
        "payment-totals": ("id", None),
    }
    (call,) = plan_store(stores["payment-transactions"], None, stack, {})
    expected = definition("payment-transactions")
    for key in ("KeySchema", "GlobalSecondaryIndexes", "BillingMode"):
        assert call.arguments[key] == expected[key]  # type: ignore[union-attr]
    names = [each["AttributeName"] for each in call.arguments["AttributeDefinitions"]]  # type: ignore[union-attr]
    assert sorted(names) == sorted(each["AttributeName"] for each in expected["AttributeDefinitions"])


def test_a_store_is_labelled_by_its_kind():
    assert Store("t", Table("t", key="id")).label == "table t"
