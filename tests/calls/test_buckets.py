"""Folders in place of S3 buckets."""

from __future__ import annotations

import gzip
import json
import time
from pathlib import Path
from typing import Any

import pytest

from flowdsl.base.diagnostics import FlowError
from flowdsl.calls.buckets import LocalFiles
from flowdsl.calls.chain import first_of
from flowdsl.engine import Result, execute, prepare


def distributed(tmp_path: Path, **fields: Any) -> Result:
    """A Distributed Map over the lines of a file, which fails where a line says so."""
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "lines.jsonl").write_text('{"n": 1}\n{"n": 2}\n{"n": 3}\n')
    rule = {"Variable": "$.n", "NumericEquals": 2, "Next": "Fail"}
    processor = {
        "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "EXPRESS"},
        "StartAt": "Check",
        "States": {
            "Check": {"Type": "Choice", "Choices": [rule], "Default": "Done"},
            "Done": {"Type": "Succeed", "OutputPath": "$.n"},
            "Fail": {"Type": "Fail", "Error": "Two", "Cause": "it is two"},
        },
    }
    state = {
        "Type": "Map",
        "ItemReader": {
            "Resource": "arn:aws:states:::s3:getObject",
            "ReaderConfig": {"InputType": "JSONL"},
            "Parameters": {"Bucket": "donations", "Key.$": "$.key"},
        },
        "ItemProcessor": processor,
        "ToleratedFailureCount": 1,
        "End": True,
        **fields,
    }
    invoker = first_of(LocalFiles({"donations": tmp_path / "in", "results": tmp_path / "out"}))
    machine = prepare({"StartAt": "S", "States": {"S": state}}, name="machine")
    return execute(machine, {"key": "lines.jsonl"}, invoke=invoker)


def test_items_from_a_local_file(tmp_path: Path) -> None:
    assert distributed(tmp_path).output == [1, 3]


def test_results_to_local_files(tmp_path: Path) -> None:
    writer = {"Resource": "arn:aws:states:::s3:putObject", "Parameters": {"Bucket": "results", "Prefix": "run"}}
    output = distributed(tmp_path, ResultWriter=writer).output
    manifest = json.loads((tmp_path / "out" / output["ResultWriterDetails"]["Key"]).read_text())
    assert manifest["MapRunArn"] == output["MapRunArn"]
    files = manifest["ResultFiles"]
    (succeeded,), (failed,) = files["SUCCEEDED"], files["FAILED"]
    written = json.loads((tmp_path / "out" / succeeded["Key"]).read_text())
    assert [(entry["Status"], entry["Input"], entry["Output"]) for entry in written] == [
        ("SUCCEEDED", '{"n":1}', "1"),
        ("SUCCEEDED", '{"n":3}', "3"),
    ]
    (entry,) = json.loads((tmp_path / "out" / failed["Key"]).read_text())
    assert (entry["Error"], entry["Cause"]) == ("Two", "it is two")


def test_items_of_a_local_folder(tmp_path: Path) -> None:
    reader = {"Resource": "arn:aws:states:::s3:listObjectsV2", "Parameters": {"Bucket": "donations", "Prefix": "li"}}
    processor = {
        "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
        "StartAt": "P",
        "States": {"P": {"Type": "Pass", "OutputPath": "$.Key", "End": True}},
    }
    assert distributed(tmp_path, ItemReader=reader, ItemProcessor=processor).output == ["lines.jsonl"]


def test_what_a_listing_says_and_files_that_are_no_text(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "data.csv.gz").write_bytes(gzip.compress(b"a\n1\n"))
    processor = {
        "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
        "StartAt": "P",
        "States": {"P": {"Type": "Pass", "End": True}},
    }

    def listed(**config: str) -> Any:
        reader = {
            "Resource": "arn:aws:states:::s3:listObjectsV2",
            "Parameters": {"Bucket": "b"},
            "ReaderConfig": config,
        }
        state = {"Type": "Map", "ItemReader": reader, "ItemProcessor": processor, "End": True}
        program = prepare({"StartAt": "S", "States": {"S": state}})
        return execute(program, {}, invoke=first_of(LocalFiles({"b": folder}))).output

    (entry,) = listed()
    assert (entry["Key"], entry["StorageClass"], len(entry["Etag"])) == ("data.csv.gz", "STANDARD", 34)
    assert abs(entry["LastModified"] - time.time()) < 3600
    flattened = listed(InputType="CSV", CSVHeaderLocation="FIRST_ROW", Transformation="LOAD_AND_FLATTEN")
    assert flattened == [{"a": "1"}]


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    reader = {"Resource": "arn:aws:states:::s3:getObject", "Parameters": {"Bucket": "donations", "Key": "other"}}
    result = distributed(tmp_path, ItemReader=reader)
    assert (result.error, result.cause) == ("States.ItemReaderFailed", "The specified key does not exist.")


def test_a_key_stays_in_its_folder(tmp_path: Path) -> None:
    reader = {"Resource": "arn:aws:states:::s3:getObject", "Parameters": {"Bucket": "donations", "Key": "../secret"}}
    (tmp_path / "secret").write_text("[]")
    assert distributed(tmp_path, ItemReader=reader).error == "States.ItemReaderFailed"


@pytest.mark.parametrize("key", ["", "a/", "a", "all.csv/b", "a\0b", "x" * 300])
def test_a_key_that_cannot_be_a_file_is_a_mistake(tmp_path: Path, key: str) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "all.csv").write_text("id\n")
    put = {"Type": "Task", "Resource": "arn:aws:states:::aws-sdk:s3:putObject", "End": True}
    program = prepare({"StartAt": "Put", "States": {"Put": put}})
    with pytest.raises(FlowError, match="cannot be a file in"):
        execute(program, {"Bucket": "b", "Key": key, "Body": "x"}, invoke=first_of(LocalFiles({"b": tmp_path})))
