"""Names and shapes against the tasks that Step Functions itself carried out."""

from collections.abc import Iterator
from typing import Any

import pytest

from flowdsl.asl.integrations import find_action
from flowdsl.calls.services.catalogue import Operation, find_operation
from flowdsl.calls.services.data import to_request
from flowdsl.calls.services.failures import error_prefix
from tests.conformance_data import IS_RECORDED, cases

pytestmark = pytest.mark.skipif(not IS_RECORDED, reason="needs recorded calls of AWS's APIs: set FLOWDSL_CONFORMANCE")

METADATA = {"SdkHttpMetadata", "SdkResponseMetadata"}


def calls() -> Iterator[tuple[str, Operation, dict[str, Any]]]:
    """The recorded calls of APIs that botocore knows."""
    for case in cases("executions"):
        for task in case["tasks"]:
            integration, action = task["resourceType"] or "", task["resource"].partition(".")[0]
            found = None if integration.startswith(("lambda-arn", "activity")) else find_operation(integration, action)
            if found is not None and isinstance(task.get("parameters"), dict):
                yield case["id"], found, task


def test_every_recorded_call_could_be_made() -> None:
    made = [to_request(operation, task["parameters"]) for _, operation, task in calls()]
    assert len(made) > 50


def test_recorded_results_have_the_fields_of_the_api() -> None:
    unknown = []
    for case, operation, task in calls():
        if "." in task["resource"] or not isinstance(task.get("output"), dict):
            continue
        fields = task["output"].keys()
        record = find_action(task["resourceType"], task["resource"])
        adds = record is not None and record.has_metadata
        assert (fields >= METADATA) == adds, case
        unknown += [(case, key) for key in fields - METADATA - operation.names_of(operation.model.output_shape).keys()]
    assert not unknown


def test_recorded_errors_begin_with_the_service() -> None:
    wrong = []
    for case, operation, task in calls():
        if "." not in task["resource"] and "Service: " in str(task.get("cause")):
            begins = f"{error_prefix(operation)}."
            wrong += [] if task["error"].startswith(begins) else [(case, task["error"], begins)]
    assert not wrong
