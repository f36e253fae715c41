"""What of a file is written, how often it is tried, and that a file is imported once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from examples.csv_import.flow import machine
from flowdsl.testing import ExecutionFailed, Mock, Runner, fail

FILE = {"tenant": "lifeboats", "bucket": "uploads", "key": "october.csv"}
WRITTEN: dict[str, Any] = {"UnprocessedItems": {}}


@pytest.fixture
def bucket(tmp_path: Path) -> Path:
    return tmp_path


@pytest.fixture
def flow(bucket: Path) -> Runner:
    flow = Runner.of(machine, buckets={"uploads": bucket})
    for name in ("Claim", "MarkDone", "MarkFailed"):
        flow.mock(name, returns={})
    flow.mock("WriteRows", returns=WRITTEN)
    flow.mock("Announce", returns={"MessageId": "m-1"})
    return flow


def upload(bucket: Path, *rows: str) -> None:
    (bucket / "october.csv").write_text("\n".join(["id,email,amount", *rows, ""]))


def status(mark: Mock) -> str:
    [call] = mark.calls
    return str(call["ExpressionAttributeValues"][":status"]["S"])


def test_rows_are_written_in_batches(flow: Runner, bucket: Path) -> None:
    upload(bucket, *(f"{index},a{index}@example.org,{index}.10" for index in range(1, 31)))
    write, done = flow.mock("WriteRows", returns=WRITTEN), flow.mock("MarkDone", returns={})

    run = flow.run(FILE, name="first")

    assert run.output == {
        "import_id": "lifeboats-first",
        "status": "COMPLETE",
        "rows": {"written": 30, "rejected": 0},
    }
    assert status(done) == "COMPLETE"
    assert sorted(len(call["RequestItems"]["payments"]) for call in write.calls) == [5, 25]


def test_only_payments_are_written(flow: Runner, bucket: Path) -> None:
    upload(bucket, "1,ADA@example.org,0.29", ",b@example.org,5", "2,c@example.org,0", "3,d@example.org,much")
    write, done = flow.mock("WriteRows", returns=WRITTEN), flow.mock("MarkDone", returns={})
    assert flow.run(FILE).output["rows"] == {"written": 1, "rejected": 3}
    item = {"id": {"S": "lifeboats#1"}, "email": {"S": "ada@example.org"}, "cents": {"N": "29"}}
    assert write.calls == [{"RequestItems": {"payments": [{"PutRequest": {"Item": item}}]}}]
    assert status(done) == "PARTIAL"


@pytest.mark.parametrize("rows", [[], [",nobody@example.org,"]], ids=["empty", "rejected"])
def test_a_file_without_payments(flow: Runner, bucket: Path, rows: list[str]) -> None:
    upload(bucket, *rows)
    write = flow.mock("WriteRows")
    assert flow.run(FILE).output["rows"] == {"written": 0, "rejected": len(rows)}
    assert write.calls == []


def test_what_dynamodb_leaves_is_written_later(flow: Runner, bucket: Path) -> None:
    upload(bucket, "1,a@example.org,1", "2,b@example.org,2")
    left = [{"PutRequest": {"Item": {"id": {"S": "lifeboats#2"}}}}]
    write = flow.mock("WriteRows", {"UnprocessedItems": {"payments": left}}, WRITTEN)
    run = flow.run(FILE)
    assert write.calls[1] == {"RequestItems": {"payments": left}}
    assert run.duration == 2**2


def test_a_file_that_cannot_be_written_may_be_imported_again(flow: Runner, bucket: Path) -> None:
    upload(bucket, "1,a@example.org,1")
    left: dict[str, Any] = {"UnprocessedItems": {"payments": [{"PutRequest": {"Item": {}}}]}}
    write, mark = flow.mock("WriteRows", returns=left), flow.mock("MarkFailed", returns={})
    with pytest.raises(ExecutionFailed) as failed:
        flow.run(FILE)
    assert failed.value.error == "ImportFailed"
    assert len(write.calls) == 6
    assert status(mark) == "FAILED"


def test_a_file_is_imported_once(flow: Runner) -> None:
    flow.mock("Claim", fail("DynamoDB.ConditionalCheckFailedException"))
    assert flow.run(FILE).history.states() == ["NameImport", "Claim", "ImportedBefore"]
