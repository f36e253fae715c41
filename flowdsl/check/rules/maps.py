"""Map: the fields of a Distributed Map, its reader and its writer.

Source: Step Functions Developer Guide, "Map state", "ItemReader", "ItemBatcher", "ResultWriter".
"""

from __future__ import annotations

import re
from typing import Any

from ...asl.placeholders import has_placeholder
from ...asl.tree import Node
from ...base.diagnostics import AslPath
from ...base.words import abbreviate, did_you_mean
from ..findings import Findings
from ..registry import Code, Rule
from ..subject import Subject

DISTRIBUTED_ONLY = ("ItemReader", "ItemBatcher", "ResultWriter")
DISTRIBUTED_ONLY_UNVERIFIED = (
    "Label",
    "ToleratedFailureCount",
    "ToleratedFailureCountPath",
    "ToleratedFailurePercentage",
    "ToleratedFailurePercentagePath",
)


def check_maps(subject: Subject, findings: Findings) -> None:
    for state in subject.tree:
        if state.type == "Map":
            _check_map(state, subject.type, findings)


def _check_map(state: Node, type: str, findings: Findings) -> None:
    processor = state.fields.get("ItemProcessor", state.fields.get("Iterator"))
    config = processor.get("ProcessorConfig") if isinstance(processor, dict) else None
    config = config if isinstance(config, dict) else {}
    config_path = (*state.path, "ItemProcessor", "ProcessorConfig")
    mode = config.get("Mode", "INLINE")
    if mode == "DISTRIBUTED":
        if "ExecutionType" not in config:
            findings.error(
                "FD521",
                'a Distributed Map needs ExecutionType: "STANDARD" or "EXPRESS"',
                config_path,
                hint='add execution_type="STANDARD"' if findings.python else None,
                aws_message="These fields are required: [ExecutionType]",
            )
        if type == "EXPRESS":
            message = "an Express state machine cannot run a Distributed Map"
            findings.error(
                "FD654", message, (*config_path, "Mode"), hint="use a Standard state machine, or mode INLINE"
            )
        _check_reader_and_writer(state, findings)
        return
    if has_placeholder(mode) or mode != "INLINE":
        return
    if "ExecutionType" in config:
        findings.warning(
            "FD520", "ExecutionType has no effect without Mode DISTRIBUTED", (*config_path, "ExecutionType")
        )
    for key in DISTRIBUTED_ONLY:
        if key in state.fields:
            findings.error(
                "FD520",
                f"{key} requires a Distributed Map",
                (*state.path, key),
                hint=findings.either(
                    'add "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"} to ItemProcessor',
                    'add mode="DISTRIBUTED", execution_type="STANDARD"',
                ),
            )
    for key in DISTRIBUTED_ONLY_UNVERIFIED:
        if key in state.fields:
            findings.warning("FD520", f"{key} has no effect without a Distributed Map", (*state.path, key))


_RESOURCES: dict[str, dict[str, tuple[str, ...]]] = {
    "ItemReader": {"getObject": ("Bucket", "Key"), "listObjectsV2": ("Bucket",)},
    "ResultWriter": {"putObject": ("Bucket",)},
}
"""What a reader and a writer call in S3, and the arguments that it needs."""
_OPTIONAL = {"getObject": ("VersionId", "ExpectedBucketOwner"), "listObjectsV2": ("Prefix",), "putObject": ("Prefix",)}


def _check_source(state: Node, key: str, findings: Findings) -> None:
    """The Resource of a reader or a writer, and the arguments that say where in S3."""
    part = state.fields.get(key)
    resource = part.get("Resource") if isinstance(part, dict) else None
    if not isinstance(part, dict) or not isinstance(resource, str) or has_placeholder(resource):
        return
    known = _RESOURCES[key]
    match = re.fullmatch(r"arn:aws[\w-]*:states:::(?:aws-sdk:)?s3:(\w+)", resource)
    path = (*state.path, key)
    if match is None or match[1] not in known:
        hint = "use " + " or ".join(f"arn:aws:states:::s3:{action}" for action in known)
        findings.failure("FD523", f"{key} cannot use {abbreviate(resource)}", (*path, "Resource"), hint=hint)
        return
    action = match[1]
    name = "Arguments" if state.language == "JSONata" else "Parameters"
    arguments = part.get(name, {})
    if not isinstance(arguments, dict) or any(has_placeholder(each) for each in arguments):
        return
    plain = {each.removesuffix(".$") if state.language == "JSONPath" else each: each for each in arguments}
    missing = [each for each in known[action] if each not in plain]
    if missing:
        where = (*path, name) if name in part else path
        findings.failure("FD523", f"s3:{action} in {key} requires {' and '.join(missing)}", where)
    valid = {*known[action], *_OPTIONAL[action]}
    for each, written in plain.items():
        if each not in valid and (near := did_you_mean(each, valid)):
            message = f"s3:{action} has no parameter {each!r}"
            findings.warning("FD523", message, (*path, name, written), hint=near, needle=written)
        elif each in ("Bucket", "Key", "Prefix") and each == written and not isinstance(arguments[each], str):
            message = f"{each} must be text, not {abbreviate(arguments[each])}"
            findings.failure("FD523", message, (*path, name, written))
    _check_kind(part, action, path, findings)


def _check_kind(part: dict[str, Any], action: str, path: AslPath, findings: Findings) -> None:
    """What is read: an object has a type, a list of objects does not."""
    config = part.get("ReaderConfig")
    if action == "getObject" and not (isinstance(config, dict) and {"InputType", "InputTypePath"} & config.keys()):
        message, hint = "an ItemReader of an S3 object needs an InputType", "add CSV, JSON, JSONL, MANIFEST or PARQUET"
        where = (*path, "ReaderConfig") if isinstance(config, dict) else path
        findings.warning("FD523", message, where, hint=hint)


def _check_batcher(state: Node, findings: Findings) -> None:
    batcher = state.fields.get("ItemBatcher")
    if not isinstance(batcher, dict):
        return
    sizes = ("MaxItemsPerBatch", "MaxInputBytesPerBatch")
    present = [key for key in (*sizes, *(f"{size}Path" for size in sizes)) if key in batcher]
    path = (*state.path, "ItemBatcher")
    if not present:
        hint = findings.either("add MaxItemsPerBatch or MaxInputBytesPerBatch", "add max_items=… or max_bytes=…")
        findings.warning("FD523", "an ItemBatcher needs a size for its batches", path, hint=hint)
    elif all(batcher[key] == 0 for key in present):
        findings.warning("FD523", f"{present[0]} is 0, so no batches are made", (*path, present[0]))


def _check_reader_and_writer(state: Node, findings: Findings) -> None:
    _check_source(state, "ItemReader", findings)
    _check_source(state, "ResultWriter", findings)
    _check_batcher(state, findings)
    writer = state.fields.get("ResultWriter")
    if isinstance(writer, dict) and writer and not {"Resource", "WriterConfig"} & writer.keys():
        message = "a ResultWriter needs Resource or WriterConfig"
        findings.error("FD104", message, (*state.path, "ResultWriter"))
    reader = state.fields.get("ItemReader")
    config: Any = reader.get("ReaderConfig") if isinstance(reader, dict) else None
    if not isinstance(config, dict):
        return
    path = (*state.path, "ItemReader", "ReaderConfig")
    kind, location = config.get("InputType"), config.get("CSVHeaderLocation")
    if kind == "CSV" and "CSVHeaderLocation" not in config:
        message = "a CSV reader needs CSVHeaderLocation: FIRST_ROW or GIVEN"
        findings.error("FD522", message, path, aws_message="These fields are required: [CSVHeaderLocation]")
    if location == "GIVEN" and "CSVHeaders" not in config:
        message = "CSVHeaderLocation GIVEN needs CSVHeaders"
        findings.error("FD522", message, path, aws_message="These fields are required: [CSVHeaders]")
    if location == "FIRST_ROW" and "CSVHeaders" in config:
        message = "CSVHeaders requires CSVHeaderLocation GIVEN"
        findings.error("FD522", message, (*path, "CSVHeaders"))


RULES = (
    Rule(
        check_maps,
        (
            Code("FD520", "error or warning", "A field that requires a Distributed Map"),
            Code("FD521", "error", "A Distributed Map without ExecutionType"),
            Code("FD522", "error", "CSV headers that do not fit the reader"),
            Code("FD523", "error or warning", "A reader, batcher or writer that lacks something"),
        ),
        also=("FD104", "FD654"),
    ),
)
