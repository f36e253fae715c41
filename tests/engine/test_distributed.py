"""Distributed Maps: what an ItemReader reads, how items are batched, what a Map Run writes and how it ends.

Source of what is expected: Step Functions Developer Guide, "ItemReader (Map)", "ItemBatcher (Map)", "ResultWriter
(Map)" and "Context object data for Map states".
"""

from __future__ import annotations

import base64
import gzip
import io
import json
import sys
from datetime import UTC, datetime
from typing import Any

import pytest

from flowdsl.base.diagnostics import FlowError
from flowdsl.engine import Call, Reply, Result, Scheduler, Settings, VirtualClock, execute, prepare, replay

PASS = {"P": {"Type": "Pass", "End": True}}
FAIL_ON_TWO = {
    "C": {"Type": "Choice", "Choices": [{"Variable": "$", "NumericEquals": 2, "Next": "F"}], "Default": "P"},
    **PASS,
    "F": {"Type": "Fail", "Error": "E", "Cause": "two"},
}
GET = {"Resource": "arn:aws:states:::s3:getObject", "Parameters": {"Bucket": "b", "Key": "k"}}
LIST = {"Resource": "arn:aws:states:::s3:listObjectsV2", "Parameters": {"Bucket": "b", "Prefix": "p/"}}
SOURCES = {"value.$": "$$.Map.Item.Value", "source.$": "$$.Map.Item.Source"}


class Bucket:
    """S3 in a dict of `bucket/key` to body; `put` holds what was written."""

    def __init__(self, objects: dict[str, str], page: int = 1000) -> None:
        self.objects = objects
        self.page = page
        self.got: list[str] = []
        self.put: dict[str, str] = {}

    def __call__(self, call: Call) -> Reply:
        arguments = call.arguments
        if call.action == "listObjectsV2":
            start = int(arguments.get("ContinuationToken", 0))
            place = f"{arguments['Bucket']}/{arguments['Prefix']}"
            found = sorted(name for name in self.objects if name.startswith(place))
            contents = [
                {"ETag": '"e"', "Key": name.partition("/")[2], "LastModified": 1_789_180_622_000, "Size": 2}
                for name in found[start : start + self.page]
            ]
            more = {"NextContinuationToken": str(start + self.page)} if start + self.page < len(found) else {}
            return Reply.succeeded({"Contents": contents, **more})
        name = f"{arguments['Bucket']}/{arguments['Key']}"
        if call.action == "putObject":
            self.put[name.rpartition("/")[2]] = arguments["Body"]
            return Reply.succeeded({})
        self.got.append(name)
        if name not in self.objects:
            return Reply.failed("S3.NoSuchKeyException", "The specified key does not exist.")
        return Reply.succeeded({"Body": self.objects[name]})


def run(
    fields: dict[str, Any],
    input: Any = None,
    *,
    states: dict[str, Any] | None = None,
    bucket: Bucket | None = None,
    settings: Settings | None = None,
) -> Result:
    states = states or PASS
    processor = {
        "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
        "StartAt": next(iter(states)),
        "States": states,
    }
    body = {"Type": "Map", "ItemProcessor": processor, "End": True, **fields}
    program = prepare({"StartAt": "M", "States": {"M": body}}, name="machine")
    invoker = bucket or Bucket({})
    result = execute(program, {} if input is None else input, invoke=invoker, name="run", seed=7, settings=settings)
    again = replay(program, result.input, result.identity, result.settings, result.journal)
    assert again.history == result.history
    return result


def read(body: str, config: dict[str, Any], **fields: Any) -> Any:
    result = run({"ItemReader": {**GET, "ReaderConfig": config}, **fields}, bucket=Bucket({"b/k": body}))
    assert result.status == "SUCCEEDED", result.cause
    return result.output


def base64_of(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


# -- formats


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("a,b\n1,2\n", [{"a": "1", "b": "2"}]),
        ("a,b\r\n1,2\r\n", [{"a": "1", "b": "2"}]),
        ('a,b\n"1,\n2",3', [{"a": "1,\n2", "b": "3"}]),
        ('a\n"say ""hi"""', [{"a": 'say "hi"'}]),
        (
            "path,size\nC:\\\\Program Files\\\\MyApp.exe,6534512",
            [{"path": "C:\\Program Files\\MyApp.exe", "size": "6534512"}],
        ),
        ("a,b\n1\\,2,3", [{"a": "1,2", "b": "3"}]),
        ("a\nx\\y", [{"a": "xy"}]),
        ('a,b\n{""k"":""v""},"",\n', [{"a": '{"k":"v"}', "b": ""}]),
        ("a,b\n1,2\\", [{"a": "1", "b": "2"}]),
        ("a,b\n1\n1,2,3\n", [{"a": "1", "b": ""}, {"a": "1", "b": "2"}]),
        ("a,b\n", []),
        ("", []),
    ],
)
def test_text_with_delimiters(text: str, rows: list[dict[str, str]]) -> None:
    assert read(text, {"InputType": "CSV", "CSVHeaderLocation": "FIRST_ROW"}) == rows


@pytest.mark.parametrize(
    ("name", "sign"), [("COMMA", ","), ("PIPE", "|"), ("SEMICOLON", ";"), ("SPACE", " "), ("TAB", "\t")]
)
def test_delimiters(name: str, sign: str) -> None:
    config = {"InputType": "CSV", "CSVHeaderLocation": "GIVEN", "CSVHeaders": ["x", "y"], "CSVDelimiter": name}
    assert read(f"1{sign}2\n", config) == [{"x": "1", "y": "2"}]


def test_a_field_of_more_than_128_kib() -> None:
    config = {"InputType": "CSV", "CSVHeaderLocation": "GIVEN", "CSVHeaders": ["x", "y"]}
    selector = {"ItemSelector": {"y.$": "$$.Map.Item.Value.y"}}
    assert read("x" * 300_000 + ",small", config, **selector) == [{"y": "small"}]


@pytest.mark.parametrize(
    ("pointer", "items"),
    [("/a/b", [1]), ("/a~1b/~0", [2]), ("/list/0", [3]), ("", [{"Key": "a", "Value": 4}])],
)
def test_a_pointer_into_a_file(pointer: str, items: list[Any]) -> None:
    body: Any = {"a": {"b": [1]}, "a/b": {"~": [2]}, "list": [[3]]} if pointer else {"a": 4}
    assert read(json.dumps(body), {"InputType": "JSON", "ItemsPointer": pointer}) == items


def test_a_pointer_to_nothing() -> None:
    reader = {**GET, "ReaderConfig": {"InputType": "JSON", "ItemsPointer": "/a/b"}}
    result = run({"ItemReader": reader}, bucket=Bucket({"b/k": '{"a": [1]}'}))
    assert (result.error, result.cause) == ("States.ItemReaderFailed", "Attempting to map over non-iterable node.")


def test_compressed_text() -> None:
    assert read(base64_of(gzip.compress(b'{"a":1}\n{"a":2}')), {"InputType": "JSONL"}) == [{"a": 1}, {"a": 2}]


@pytest.mark.parametrize("pack", [gzip.compress, lambda data: pytest.importorskip("pyarrow").compress(data, "zstd")])
def test_a_small_file_that_unpacks_to_gigabytes(pack: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flowdsl.engine.data.item_formats.MOST_BYTES", 1000)
    assert read(base64_of(pack(b"[1]" + b" " * 997)), {"InputType": "JSON"}) == [1]
    with pytest.raises(FlowError, match="has more than 1,000 bytes, which is too large for a local run"):
        read(base64_of(pack(b"[1]" + b" " * 998)), {"InputType": "JSON"})


def test_text_that_looks_like_base64() -> None:
    config = {"InputType": "CSV", "CSVHeaderLocation": "FIRST_ROW"}
    assert read("H4sI\nKLUv\n", config) == [{"H4sI": "KLUv"}]


def test_parquet() -> None:
    arrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    file = io.BytesIO()
    day = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    parquet.write_table(arrow.table({"n": [1, 2], "x": [1.5, float("nan")], "when": [day, None]}), file)
    assert read(base64_of(file.getvalue()), {"InputType": "PARQUET"}) == [
        {"n": 1, "x": 1.5, "when": "2026-01-02T03:04:05+00:00"},
        {"n": 2, "x": None, "when": None},
    ]


def test_zstd() -> None:
    arrow = pytest.importorskip("pyarrow")
    compressed = arrow.compress(b"[1]", codec="zstd", asbytes=True)
    assert read(base64_of(compressed), {"InputType": "JSON"}) == [1]


@pytest.mark.parametrize(
    ("kind", "what", "raw"), [("PARQUET", "Parquet", b"PAR1"), ("JSON", "ZSTD", b"\x28\xb5\x2f\xfd")]
)
def test_without_pyarrow_there_is_one_clear_error(
    kind: str, what: str, raw: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(FlowError, match=f"an ItemReader reads {what}, and pyarrow is not installed"):
        read(base64_of(raw), {"InputType": kind})


def test_a_broken_parquet_file() -> None:
    pytest.importorskip("pyarrow")
    reader = {**GET, "ReaderConfig": {"InputType": "PARQUET"}}
    assert run({"ItemReader": reader}, bucket=Bucket({"b/k": "no"})).error == "States.ItemReaderFailed"


# -- several files


def test_a_listing_gives_what_s3_knows_of_each_object() -> None:
    bucket = Bucket({"b/p/1": "", "b/p/2": "", "b/p/3": "", "b/q": ""}, page=2)
    result = run({"ItemReader": LIST, "ItemSelector": SOURCES}, bucket=bucket)
    assert [item["source"] for item in result.output] == ["S3://b"] * 3
    assert result.output[2]["value"] == {"Etag": '"e"', "Key": "p/3", "LastModified": 1_789_180_622, "Size": 2}


def test_the_objects_of_a_listing_are_loaded_and_joined() -> None:
    bucket = Bucket({"b/p/": "", "b/p/1": "[1, 2]", "b/p/2": "[3]"})
    bucket.objects = {name: body for name, body in bucket.objects.items() if name != "b/p/"}
    config = {"InputType": "JSON", "Transformation": "LOAD_AND_FLATTEN"}
    result = run({"ItemReader": {**LIST, "ReaderConfig": config}, "ItemSelector": SOURCES}, bucket=bucket)
    assert result.output == [
        {"value": 1, "source": "S3://b/p/1"},
        {"value": 2, "source": "S3://b/p/1"},
        {"value": 3, "source": "S3://b/p/2"},
    ]


def test_no_more_objects_are_loaded_than_max_items_needs() -> None:
    bucket = Bucket({"b/p/1": "1\n2", "b/p/2": "3\n4", "b/p/3": "5"})
    config = {"InputType": "JSONL", "Transformation": "LOAD_AND_FLATTEN", "MaxItems": 3}
    assert run({"ItemReader": {**LIST, "ReaderConfig": config}}, bucket=bucket).output == [1, 2, 3]
    assert bucket.got == ["b/p/1", "b/p/2"]


def test_an_athena_manifest() -> None:
    files = {"b/k": "s3://data/x/one\ns3://data/two\n", "data/x/one": "1,a\n", "data/two": "2,b\n"}
    config = {
        "ManifestType": "ATHENA_DATA",
        "InputType": "CSV",
        "CSVHeaderLocation": "GIVEN",
        "CSVHeaders": ["n", "s"],
    }
    result = run({"ItemReader": {**GET, "ReaderConfig": config}, "ItemSelector": SOURCES}, bucket=Bucket(files))
    assert result.output == [
        {"value": {"n": "1", "s": "a"}, "source": "S3://data/x/one"},
        {"value": {"n": "2", "s": "b"}, "source": "S3://data/two"},
    ]


def test_an_inventory() -> None:
    manifest = {
        "destinationBucket": "arn:aws:s3:::inventory",
        "fileSchema": "Bucket, Key, Size",
        "files": [{"key": "data/1.csv.gz"}],
    }
    rows = gzip.compress(b'"source","a/b.jpg","27034"\n')
    bucket = Bucket({"b/k": json.dumps(manifest), "inventory/data/1.csv.gz": base64_of(rows)})
    result = run({"ItemReader": {**GET, "ReaderConfig": {"ManifestType": "S3_INVENTORY"}}}, bucket=bucket)
    assert result.output == [{"Bucket": "source", "Key": "a/b.jpg", "Size": "27034"}]


@pytest.mark.parametrize("body", ["", "{}", "[]", '{"destinationBucket": 1, "fileSchema": 2, "files": 3}', "[" * 9999])
def test_a_manifest_that_is_none(body: str) -> None:
    reader = {**GET, "ReaderConfig": {"InputType": "MANIFEST"}}
    assert run({"ItemReader": reader}, bucket=Bucket({"b/k": body})).error == "States.ItemReaderFailed"


def test_an_athena_manifest_of_something_else() -> None:
    reader = {**GET, "ReaderConfig": {"ManifestType": "ATHENA_DATA", "InputType": "JSONL"}}
    assert run({"ItemReader": reader}, bucket=Bucket({"b/k": "http://x/y"})).error == "States.ItemReaderFailed"


def test_an_object_that_is_not_there() -> None:
    result = run({"ItemReader": GET})
    assert (result.error, result.cause) == ("States.ItemReaderFailed", "The specified key does not exist.")
    assert [event.type for event in result.history][-4:] == [
        "MapRunStarted",
        "MapRunFailed",
        "MapStateFailed",
        "ExecutionFailed",
    ]


# -- items


def test_the_pairs_of_an_object() -> None:
    selector = {"k.$": "$$.Map.Item.Key", "v.$": "$$.Map.Item.Value", "i.$": "$$.Map.Item.Index", **SOURCES}
    result = run({"ItemSelector": selector}, {"a": 1, "b": [2]})
    assert result.output == [
        {"k": "a", "v": 1, "i": 0, "value": 1, "source": "STATE_DATA"},
        {"k": "b", "v": [2], "i": 1, "value": [2], "source": "STATE_DATA"},
    ]
    assert run({}, {"a": 1}).output == [{"Key": "a", "Value": 1}]


@pytest.mark.parametrize("items", [{"a": 1}, "{% {'a': 1} %}"])
def test_the_pairs_of_an_object_in_jsonata(items: Any) -> None:
    fields = {"QueryLanguage": "JSONata", "Items": items, "ItemSelector": "{% $states.context.Map.Item.Key %}"}
    assert run(fields).output == ["a"]


@pytest.mark.parametrize("field", ["MaxItemsPath", "MaxItemsPerBatchPath", "MaxInputBytesPerBatchPath"])
@pytest.mark.parametrize("wrong", ["NoNumber", {}, 1.5])
def test_what_is_no_number_is_told_before_the_run_starts(field: str, wrong: Any) -> None:
    part = {field: "$.n"}
    fields = {"ItemReader": {**GET, "ReaderConfig": part}} if field == "MaxItemsPath" else {"ItemBatcher": part}
    result = run({"ItemsPath": "$.items", **fields}, {"items": [1], "n": wrong}, bucket=Bucket({"b/k": "[]"}))
    shown = wrong if isinstance(wrong, str) else json.dumps(wrong)
    assert result.error == "States.Runtime"
    assert (result.cause or "").endswith(
        f'The {field} field refers to value "{shown}" which is not a valid integer: $.n'
    )
    assert [event.type for event in result.history][-2:] == ["MapStateStarted", "ExecutionFailed"]


@pytest.mark.parametrize(
    ("limit", "error"),
    [
        ("2", None),
        (2**63 - 1, None),
        (2**63, "States.Runtime"),
        ("2.0", "States.Runtime"),
        (-1, "States.ItemReaderFailed"),
    ],
)
def test_max_items_path_reads_a_64_bit_integer(limit: Any, error: str | None) -> None:
    fields = {"ItemReader": {**GET, "ReaderConfig": {"MaxItemsPath": "$.n"}}}
    assert run(fields, {"n": limit}, bucket=Bucket({"b/k": "[1, 2]"})).error == error


@pytest.mark.parametrize("limit", ["-1", "1.5", "'2'"])
def test_max_items_in_jsonata_is_a_whole_number(limit: str) -> None:
    arguments = {"Bucket": "b", "Key": "k"}
    config = {"InputType": "JSON", "MaxItems": f"{{% {limit} %}}"}
    reader = {"Resource": GET["Resource"], "Arguments": arguments, "ReaderConfig": config}
    result = run({"QueryLanguage": "JSONata", "ItemReader": reader}, bucket=Bucket({"b/k": "[1]"}))
    assert result.error == "States.QueryEvaluationError"
    assert "EvaluationFailed" in [event.type for event in result.history]


# -- batches


def test_a_batch_has_at_most_256_kib() -> None:
    bucket = Bucket({"b/k": json.dumps(["x" * 100_000] * 5)})
    result = run({"ItemReader": GET, "ItemBatcher": {"MaxItemsPerBatch": 100}}, states=_count(), bucket=bucket)
    assert result.output == [2, 2, 1]


def test_the_size_of_a_batch_is_that_of_its_whole_input() -> None:
    # {"BatchInput":{"d":"xxxx"},"Items":[1,2]} has 41 bytes.
    batcher = {"BatchInput": {"d": "xxxx"}, "MaxInputBytesPerBatch": 41}
    assert run({"ItemBatcher": batcher}, [1, 2, 3, 4, 5], states=_count()).output == [2, 2, 1]
    batcher["MaxInputBytesPerBatch"] = 40
    assert run({"ItemBatcher": batcher}, [1, 2, 3], states=_count()).output == [1, 1, 1]


def test_a_number_of_a_batch_below_zero() -> None:
    result = run({"ItemsPath": "$.i", "ItemBatcher": {"MaxItemsPerBatchPath": "$.n"}}, {"i": [1], "n": -1})
    assert result.error == "States.Runtime"


def test_a_failed_batch_counts_each_of_its_items() -> None:
    states = {"F": {"Type": "Fail", "Error": "E"}}
    fields = {"ItemBatcher": {"MaxItemsPerBatch": 2}, "ToleratedFailureCount": 1}
    assert run(fields, [1, 2], states=states).error == "States.ExceedToleratedFailureThreshold"
    assert run({**fields, "ToleratedFailureCount": 2}, [1, 2], states=states).output == []


def _count() -> dict[str, Any]:
    return {
        "N": {"Type": "Pass", "Parameters": {"n.$": "States.ArrayLength($.Items)"}, "OutputPath": "$.n", "End": True}
    }


# -- tolerance


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({}, "FAILED"),
        ({"ToleratedFailureCount": 1}, "SUCCEEDED"),
        ({"ToleratedFailurePercentage": 25}, "SUCCEEDED"),
        ({"ToleratedFailurePercentage": 24.9}, "FAILED"),
        ({"ToleratedFailureCount": 9, "ToleratedFailurePercentage": 1}, "FAILED"),
        ({"ToleratedFailureCount": 0, "ToleratedFailurePercentage": 0}, "FAILED"),
        ({"ToleratedFailureCount": 0, "ToleratedFailurePercentage": 25}, "SUCCEEDED"),
        ({"ToleratedFailureCountPath": "$$.Execution.Input[0]"}, "SUCCEEDED"),
    ],
)
def test_tolerated_failures(fields: dict[str, Any], status: str) -> None:
    assert run(fields, [1, 2, 3, 4], states=FAIL_ON_TWO).status == status


# -- results


def writer(**config: str) -> dict[str, Any]:
    parameters = {"Bucket": "out", "Prefix": "jobs/"}
    made: dict[str, Any] = {"Resource": "arn:aws:states:::s3:putObject", "Parameters": parameters}
    return {"ResultWriter": {**made, "WriterConfig": config} if config else made}


def test_a_run_that_fails_writes_what_it_has() -> None:
    bucket = Bucket({})
    result = run({**writer(), "MaxConcurrency": 1}, [1, 2, 3], states=FAIL_ON_TWO, bucket=bucket)
    assert result.error == "States.ExceedToleratedFailureThreshold"
    told = {
        name: [(entry["Status"], entry["Input"]) for entry in json.loads(body)]
        for name, body in bucket.put.items()
        if name != "manifest.json"
    }
    assert told == {
        "SUCCEEDED_0.json": [("SUCCEEDED", "1")],
        "FAILED_0.json": [("FAILED", "2")],
        "PENDING_0.json": [("PENDING", "3")],
    }


def test_what_was_running_when_a_run_failed_is_among_the_failed() -> None:
    states = {**FAIL_ON_TWO, "P": {"Type": "Wait", "Seconds": 9, "End": True}}
    bucket = Bucket({})
    run(writer(), [1, 2], states=states, bucket=bucket)
    assert [entry["Status"] for entry in json.loads(bucket.put["FAILED_0.json"])] == ["ABORTED", "FAILED"]


def test_the_record_of_an_execution() -> None:
    bucket = Bucket({})
    run(writer(), [1], bucket=bucket)
    (entry,) = json.loads(bucket.put["SUCCEEDED_0.json"])
    assert set(entry) == {
        *("ExecutionArn", "Input", "InputDetails", "Name", "Output", "OutputDetails", "RedriveCount"),
        *("RedriveStatus", "RedriveStatusReason", "StartDate", "StateMachineArn", "Status", "StopDate"),
    }
    assert entry["StateMachineArn"].endswith(":stateMachine:machine/M")


@pytest.mark.parametrize(
    ("transformation", "results"),
    [("COMPACT", [[1, 2], [3]]), ("FLATTEN", [1, 2, 3])],
)
def test_results_formatted(transformation: str, results: list[Any]) -> None:
    bucket = Bucket({})
    run(writer(Transformation=transformation), [[1, 2], [3]], bucket=bucket)
    assert json.loads(bucket.put["SUCCEEDED_0.json"]) == results
    run(writer(Transformation=transformation, OutputType="JSONL"), [[1, 2], [3]], bucket=bucket)
    assert [json.loads(line) for line in bucket.put["SUCCEEDED_0.json"].split("\n")] == results
    fields = {"ResultWriter": {"WriterConfig": {"Transformation": transformation}}}
    assert run(fields, [[1, 2], [3]]).output == results


def test_a_failure_is_written_as_it_is_whatever_the_transformation() -> None:
    bucket = Bucket({})
    fields = {**writer(Transformation="FLATTEN"), "ToleratedFailureCount": 1}
    run(fields, [1, 2], states=FAIL_ON_TWO, bucket=bucket)
    (entry,) = json.loads(bucket.put["FAILED_0.json"])
    assert (entry["Status"], entry["Error"], entry["Cause"]) == ("FAILED", "E", "two")


def test_an_execution_that_timed_out_is_among_the_failed_without_an_error() -> None:
    processor = {
        "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "EXPRESS"},
        "StartAt": "W",
        "States": {"W": {"Type": "Wait", "Seconds": 301, "End": True}},
    }
    bucket = Bucket({})
    result = run({**writer(), "ItemProcessor": processor, "ToleratedFailureCount": 1}, [1], bucket=bucket)
    assert result.status == "SUCCEEDED"
    (entry,) = json.loads(bucket.put["FAILED_0.json"])
    assert (entry["Status"], "Error" in entry, "Cause" in entry) == ("TIMED_OUT", False, False)


def test_results_that_cannot_be_written() -> None:
    program_input = [1]

    class Full(Bucket):
        def __call__(self, call: Call) -> Reply:
            return Reply.failed("S3.S3Exception", "Access Denied")

    result = run(writer(), program_input, bucket=Full({}))
    assert (result.error, result.cause) == ("States.ResultWriterFailed", "Access Denied")


# -- ends


def events(result: Result) -> list[tuple[str, int]]:
    return [(event.type, event.previous) for event in result.history]


def distributed_wait() -> dict[str, Any]:
    processor = {
        "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
        "StartAt": "W",
        "States": {"W": {"Type": "Wait", "Seconds": 60, "End": True}},
    }
    return {"Type": "Map", "ItemProcessor": processor, "End": True}


def test_a_stopped_execution_aborts_its_map_run() -> None:
    scheduler = Scheduler(Bucket({}), clock=VirtualClock(datetime(2026, 1, 1, tzinfo=UTC)), seed=1)
    result = scheduler.start(prepare({"StartAt": "M", "States": {"M": distributed_wait()}}), [1, 2])
    short = scheduler.start(
        prepare({"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 1, "End": True}}}, name="other"), {}
    )
    scheduler.run(until=short)
    scheduler.stop_execution(result, "E", "c")
    scheduler.run()
    assert events(result)[-4:] == [
        ("MapStateStarted", 2),
        ("MapRunStarted", 3),
        ("MapRunAborted", 4),
        ("ExecutionAborted", 0),
    ]
    children = [each for each in scheduler.executions.values() if each not in (result, short)]
    assert [child.status for child in children] == ["ABORTED", "ABORTED"]


def test_an_execution_that_times_out_aborts_its_map_run() -> None:
    program = prepare({"StartAt": "M", "TimeoutSeconds": 5, "States": {"M": distributed_wait()}})
    result = execute(program, [1], invoke=Bucket({}))
    assert result.status == "TIMED_OUT"
    assert events(result)[-2:] == [("MapRunAborted", 4), ("ExecutionTimedOut", 0)]


def test_a_branch_that_fails_aborts_the_map_run_of_another() -> None:
    branches = [
        {"StartAt": "M", "States": {"M": distributed_wait()}},
        {
            "StartAt": "W",
            "States": {"W": {"Type": "Wait", "Seconds": 1, "Next": "F"}, "F": {"Type": "Fail", "Error": "E"}},
        },
    ]
    program = prepare({"StartAt": "P", "States": {"P": {"Type": "Parallel", "Branches": branches, "End": True}}})
    result = execute(program, [1], invoke=Bucket({}))
    kinds = [event.type for event in result.history]
    assert kinds[-4:] == ["MapRunAborted", "MapStateAborted", "ParallelStateFailed", "ExecutionFailed"]
    aborted = result.history[kinds.index("MapStateAborted")]
    assert result.history[aborted.previous - 1].type == "MapRunAborted"


@pytest.mark.parametrize(
    ("fields", "kinds"),
    [
        ({"ItemSelector": {"x.$": "$.nope"}}, ["MapRunStarted", "MapRunFailed", "ExecutionFailed"]),
        (
            {"QueryLanguage": "JSONata", "ItemSelector": "{% $nope %}"},
            ["MapRunStarted", "MapRunFailed", "EvaluationFailed", "MapStateFailed", "ExecutionFailed"],
        ),
    ],
)
def test_a_run_whose_items_cannot_be_selected_fails(fields: dict[str, Any], kinds: list[str]) -> None:
    assert [event.type for event in run(fields, [1]).history][3:] == kinds


def test_the_paths_of_a_map_see_what_input_path_selects() -> None:
    reader = {**GET, "ReaderConfig": {"MaxItemsPath": "$.n"}, "Parameters": {"Bucket.$": "$.b", "Key": "k"}}
    fields = {
        **writer(),
        "InputPath": "$.in",
        "MaxConcurrencyPath": "$.n",
        "ToleratedFailureCountPath": "$.n",
        "ToleratedFailurePercentagePath": "$.n",
        "ItemReader": reader,
        "ItemBatcher": {"MaxItemsPerBatchPath": "$.n", "BatchInput": {"x.$": "$.b"}},
        "OutputPath": "$.ResultWriterDetails.Bucket",
    }
    fields["ResultWriter"]["Parameters"] = {"Bucket.$": "$.b"}
    bucket = Bucket({"b/k": "[1, 2, 3]"})
    assert run(fields, {"in": {"n": 2, "b": "b"}}, bucket=bucket).output == "b"
    (entry,) = json.loads(bucket.put["SUCCEEDED_0.json"])
    assert json.loads(entry["Input"]) == {"BatchInput": {"x": "b"}, "Items": [1, 2]}


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"ItemReader": {"Resource": GET["Resource"], "Arguments": "{% 5 %}"}}, "States.ItemReaderFailed"),
        (
            {"ResultWriter": {"Resource": "arn:aws:states:::s3:putObject", "Arguments": "{% 5 %}"}},
            "States.ResultWriterFailed",
        ),
        ({"ItemReader": {**GET, "Parameters": {}}, "QueryLanguage": "JSONPath"}, "States.ItemReaderFailed"),
    ],
)
def test_arguments_that_name_no_object(fields: dict[str, Any], error: str) -> None:
    class Nothing(Bucket):
        def __call__(self, call: Call) -> Reply:
            return Reply.failed("S3.S3Exception", "no bucket")

    assert run({"QueryLanguage": "JSONata", **fields}, [1], bucket=Nothing({})).error == error
