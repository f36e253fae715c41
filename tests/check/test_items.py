"""What the states of a Map get: its items, rows of a file, batches; and what jobs return."""

from __future__ import annotations

from typing import Any

import pytest

from flowdsl.check import check
from flowdsl.check.dataflow.annotations import Data
from flowdsl.check.dataflow.shapes import NUMBER, STRING, ArrayShape, Member, ObjectShape, Source

LINES = ArrayShape(ObjectShape({"sku": Member(STRING), "count": Member(NUMBER)}, True, Source("a line")))
ORDER = ObjectShape({"id": Member(STRING), "lines": Member(LINES)}, True, Source("the order"))


def reports(fields: dict[str, Any], read: Any, language: str = "JSONPath", mode: str = "INLINE") -> list[str]:
    """The messages about a Map whose processor reads something of what it gets."""
    key = "Output" if language == "JSONata" else "Parameters"
    config = {"Mode": mode, **({"ExecutionType": "STANDARD"} if mode == "DISTRIBUTED" else {})}
    processor = {"ProcessorConfig": config, "StartAt": "P", "States": {"P": {"Type": "Pass", key: read, "End": True}}}
    state = {"Type": "Map", **fields, "ItemProcessor": processor, "End": True}
    found = check({"QueryLanguage": language, "StartAt": "M", "States": {"M": state}}, data=Data(ORDER))
    return [f"{each.code} {each.message}" for each in found if each.code.startswith("FD8")]


@pytest.mark.parametrize(
    ("name", "is_number"), [("Size", True), ("LastModified", True), ("Key", False), ("Etag", False)]
)
def test_what_is_known_of_an_object_in_s3(name: str, is_number: bool) -> None:
    reader = {"Resource": "arn:aws:states:::s3:listObjectsV2", "Parameters": {"Bucket": "b"}}
    read = {"v.$": f"States.MathAdd($.{name}, 1)"}
    assert (reports({"ItemReader": reader}, read, mode="DISTRIBUTED") == []) is is_number


@pytest.mark.parametrize(
    ("selector", "read", "is_right"),
    [
        ({"line.$": "$$.Map.Item.Value"}, "$.line.sku", True),
        ({"line.$": "$$.Map.Item.Value"}, "$.line.price", False),
        ({"line.$": "$$.Map.Item.Value"}, "$.sku", False),
        ({"sku.$": "$$.Map.Item.Value.sku"}, "$.sku", True),
        ({"sku.$": "$$.Map.Item.Value.price"}, "$.sku", False),
        ({"n.$": "$$.Map.Item.Index"}, "$.n.value", False),
        ({"id.$": "$.id"}, "$$.Map.Item.Value.sku", True),
        ({"id.$": "$.id"}, "$$.Map.Item.Value.price", False),
    ],
)
def test_selected_items_in_jsonpath(selector: dict[str, Any], read: str, is_right: bool) -> None:
    assert (reports({"ItemsPath": "$.lines", "ItemSelector": selector}, {"v.$": read}) == []) is is_right


@pytest.mark.parametrize(
    ("selector", "read", "is_right"),
    [
        ({"line": "{% $states.context.Map.Item.Value %}"}, "{% $states.input.line.sku %}", True),
        ({"line": "{% $states.context.Map.Item.Value %}"}, "{% $states.input.line.price %}", False),
        ({"line": "{% $states.context.Map.Item.Value %}"}, "{% $states.input.sku %}", False),
        ({"sku": "{% $states.context.Map.Item.Value.price %}"}, "{% $states.input.sku %}", False),
        ({"n": "{% $states.context.Map.Item.Value.count * 2 %}"}, "{% $uppercase($states.input.n) %}", False),
        ({"id": "{% $states.input.id %}"}, "{% $states.context.Map.Item.Value.sku %}", True),
        ({"id": "{% $states.input.name %}"}, "{% $states.input.id %}", False),
    ],
)
def test_selected_items_in_jsonata(selector: dict[str, Any], read: str, is_right: bool) -> None:
    pytest.importorskip("jlens")
    fields = {"Items": "{% $states.input.lines %}", "ItemSelector": selector}
    assert (reports(fields, read, "JSONata") == []) is is_right


READER = {
    "Resource": "arn:aws:states:::s3:getObject",
    "ReaderConfig": {"InputType": "CSV", "CSVHeaderLocation": "GIVEN", "CSVHeaders": ["id", "cents"]},
    "Arguments": {"Bucket": "b", "Key": "k.csv"},
}
BATCHER = {"MaxItemsPerBatch": 2, "BatchInput": {"order": "{% $states.input.id %}"}}


@pytest.mark.parametrize(
    ("fields", "read", "is_right"),
    [
        ({"ItemReader": READER}, "{% $number($states.input.cents) %}", True),
        ({"ItemReader": READER}, "{% $states.input.euros %}", False),
        ({"ItemReader": READER}, "{% $states.input.cents + 1 %}", False),
        ({"ItemReader": READER, "ItemBatcher": BATCHER}, "{% $sum($states.input.Items.$number(cents)) %}", True),
        ({"ItemReader": READER, "ItemBatcher": BATCHER}, "{% $sum($states.input.Items.cents) %}", False),
        ({"ItemReader": READER, "ItemBatcher": BATCHER}, "{% $states.input.BatchInput.order %}", True),
        ({"ItemReader": READER, "ItemBatcher": BATCHER}, "{% $states.input.BatchInput.order * 2 %}", False),
        ({"ItemReader": READER, "ItemBatcher": BATCHER}, "{% $states.input.BatchInput.id %}", False),
        ({"ItemReader": READER, "ItemBatcher": BATCHER}, "{% $states.input.id %}", False),
    ],
)
def test_rows_and_batches(fields: dict[str, Any], read: str, is_right: bool) -> None:
    pytest.importorskip("jlens")
    assert (reports(fields, read, "JSONata", "DISTRIBUTED") == []) is is_right


@pytest.mark.parametrize(
    ("resource", "path", "is_right"),
    [
        ("arn:aws:states:::batch:submitJob.sync", "$.Status", True),
        ("arn:aws:states:::batch:submitJob.sync", "$.State", False),
        ("arn:aws:states:::mediaconvert:createJob.sync", "$.Job.Id", True),
        ("arn:aws:states:::mediaconvert:createJob.sync", "$.JobId", False),
        ("arn:aws:states:::athena:startQueryExecution.sync", "$.QueryExecution.QueryExecutionId", True),
        ("arn:aws:states:::athena:startQueryExecution.sync", "$.QueryExecutionId", False),
    ],
)
def test_the_answer_of_a_job_is_its_description(resource: str, path: str, is_right: bool) -> None:
    state = {"Type": "Task", "Resource": resource, "ResultSelector": {"v.$": path}, "End": True}
    found = check({"StartAt": "J", "States": {"J": state}}, data=Data())
    assert [each.severity for each in found if each.code == "FD801"] == ([] if is_right else ["warning"])


def test_the_result_of_a_writer_says_where_it_wrote() -> None:
    def reading(path: str) -> list[str]:
        inner = {"StartAt": "P", "States": {"P": {"Type": "Pass", "End": True}}}
        config = {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}
        state = {
            "Type": "Map",
            "ItemProcessor": {"ProcessorConfig": config, **inner},
            "ResultWriter": {"Resource": "arn:aws:states:::s3:putObject", "Parameters": {"Bucket": "b"}},
            "ResultSelector": {"v.$": path},
            "End": True,
        }
        return [each.code for each in check({"StartAt": "M", "States": {"M": state}})]

    assert reading("$.ResultWriterDetails.Key") == []
    assert reading("$.Key") == ["FD801"]


def test_the_answer_of_lambda() -> None:
    def reading(path: str) -> list[str]:
        state = {
            "Type": "Task",
            "Resource": "arn:aws:states:::lambda:invoke",
            "Parameters": {"FunctionName": "f"},
            "ResultSelector": {"v.$": path},
            "End": True,
        }
        return [each.code for each in check({"StartAt": "T", "States": {"T": state}})]

    assert [reading(path) for path in ("$.Payload.a", "$.StatusCode", "$.ExecutedVersion")] == [[], [], []]
    assert reading("$.Status") == ["FD801"]
