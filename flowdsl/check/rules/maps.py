"""Map: the fields of a Distributed Map, its reader and its writer.

Source: Step Functions Developer Guide, "Map state", "ItemReader", "ItemBatcher", "ResultWriter".
"""

from __future__ import annotations

from typing import Any

from ...asl.placeholders import has_placeholder
from ...asl.tree import Node
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


def _check_reader_and_writer(state: Node, findings: Findings) -> None:
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
        ),
        also=("FD104", "FD654"),
    ),
)
