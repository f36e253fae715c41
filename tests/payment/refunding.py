"""What the tests of refunds share: a donation that was taken, its refunds, and where they are kept."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import Any

import boto3
import pytest
from click.testing import CliRunner

from flowdsl.testing import ExecutionFailed, Runner, fail
from handlers import refunds
from handlers.fundraising_totals.totals import Contribution, add
from handlers.refunds.__main__ import main
from handlers.sqlite import database


def moved() -> list[int]:
    """What went back to the donor."""
    with closing(sqlite3.connect(database("psp-sandbox"))) as db:
        return [amount for (amount,) in db.execute("SELECT amount FROM movements WHERE kind = 'refund'")]


def total() -> int:
    return add(Contribution("don-1", "Lifeboats", 2500, "GBP"))


def only() -> refunds.Refund:
    [record] = refunds.listed()
    return record


def request(**changes: Any) -> dict[str, Any]:
    return {"donation": "don-1", "number": 1, **changes}


def close_not_made() -> tuple[int, str]:
    result = CliRunner().invoke(main, ["close", "don-1:refund:1", "--not-made", "--note", "made in the dashboard"])
    return result.exit_code, result.output


def broken(refund: Runner, **changes: Any) -> None:
    refund.mock("TakeRefund", fail("PspRefused"))
    with pytest.raises(ExecutionFailed, match="RefundBroken"):
        refund.run(request(**changes))


def set_up_table(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep refunds in DynamoDB, which has to be mocked."""
    for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY"):
        monkeypatch.setenv(f"AWS_{name}", "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    names = ("donation", "id")
    boto3.client("dynamodb").create_table(
        TableName="refunds",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in names],
        KeySchema=[
            {"AttributeName": "donation", "KeyType": "HASH"},
            {"AttributeName": "id", "KeyType": "RANGE"},
        ],
    )
    monkeypatch.setenv("REFUNDS_TABLE", "refunds")
    monkeypatch.setattr("handlers.commands.STORES", ())  # the other stores are not used
