"""The checker against what AWS refused and accepted, and against what others say about it."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from flowdsl.base.diagnostics import Diagnostic
from flowdsl.check import check, check_text
from tests.conformance_data import cases

DEVIATIONS = {
    # Another validator's opinion, against AWS.
    "awslabs-statelint/task-with-credentials": "AWS refuses Credentials without RoleArn",
    "pypi-statelint/task_state.test_ok": "AWS refuses Credentials without RoleArn",
    "pypi-statelint/retrier.test_bad_fields_props4-errors4": "AWS takes a whole BackoffRate",
    "pypi-statelint/map_state.test_ok_items": "AWS refuses a name at the top level: states.input for $states.input",
    # Another validator's opinion, against the documentation.
    "pypi-statelint/map_state.test_ng_items_items1": "Items may be an object",
    "pypi-statelint/state_machine.test_positive_int_fields_99999999-expected3": "99,999,999 is the greatest allowed",
    "pypi-statelint/choice_rule.test_ok_all_of_or_not_and": "a rule has only one of And, Or and Not",
    "pypi-statelint/map_state.test_ok_2022_min": "ItemReader and ResultWriter need a Distributed Map",
    "pypi-statelint/map_state.test_ok_arguments_ItemReader": "ItemReader needs a Distributed Map",
    # Another validator's opinion, against Jayway JsonPath, which AWS runs.
    "asl-path-validator/064-REF-_.book_-2": "a negative index leads to one place",
    "asl-path-validator/073-PATH-_.book_.price_expensive": "a filter may read the document",
    "asl-path-validator/073-TPL-_.book_.price_expensive": "a filter may read the document",
    "asl-path-validator/074-PATH-_.book_.author_._REES_i": "a filter may have a pattern",
}

_UNVERIFIED = re.compile(r"\| ([A-Z]\d+) [^|]*\| U \|")


def errors(found: list[Diagnostic]) -> list[str]:
    """What AWS refuses."""
    return [f"{each.code} {each.message}" for each in found if each.severity == "error" and each.aws]


def failures(found: list[Diagnostic]) -> list[str]:
    """What AWS saves, and fails when it runs."""
    return [f"{each.code} {each.message}" for each in found if each.severity == "error" and not each.aws]


def diagnose(definition: Any, type: str | None) -> list[Diagnostic]:
    if isinstance(definition, str):
        return check_text(definition, type=type or "STANDARD")
    return check(definition, type=type or "STANDARD")


def is_unverified(rule: str | None, unverified: set[str]) -> bool:
    return bool(rule) and rule.split(" ")[0] in unverified  # type: ignore[union-attr]


FAILS_WHEN_RUN = re.compile(
    r"""rule-probes/(042|043|044|116|117|131)-  # saved or unknown, and nothing that could work
    |asl-path-validator/\d+-[A-Z]+-(_variable|States\.Format_Hello.*_inputPayload)  # without its Assign
    |pypi-statelint/(jsonata-[145]|map_state\.test_ok_(items_items1|arguments_ItemReader))  # likewise
    |pypi-statelint/(retrier\.test_ok_props[01]|task_state\.test_ok(_min)?)  # the resource arn:x
    |asl-path-validator/017-TPL-  # the context object has no such field
    |awslabs-statelint/(map-with-itemspath-context-object|parallel-with-resultselector)$  # likewise
    |pypi-statelint/map_state\.test_(max_concurrency|tolerated_failure|ok(_2022.*)?$)  # likewise
    |aws-workflows-collection/calling-async-api-callback_  # the substitution is a function, which waits for nothing
    |pypi-statelint/map_state\.test_ok_2022_reader  # the reader and the writer arn:x
    |aws-workflows-collection(-raw)?/distributed-data-stream-aggregator_  # #CsvUrl for #errorCsvUrl
    """,
    re.VERBOSE,
)
"""The definitions that others call valid, or that AWS saved, and that fail whenever they run. Of recorded executions it
is known whether they failed."""


@pytest.mark.parametrize("folder", ["definitions", "executions"])
def test_what_surely_fails_is_an_error(folder: str) -> None:
    reported = {
        case["id"]: said
        for case in cases(folder)
        if case.get("expected") != "invalid" and (said := failures(diagnose(case["definition"], None)))
    }
    failed = {case["id"] for case in cases(folder) if folder == "executions" and case["expected"]["status"] == "FAILED"}
    assert {
        name: said for name, said in reported.items() if not FAILS_WHEN_RUN.match(name) and name not in failed
    } == {}
    assert reported


@pytest.fixture(scope="module")
def unverified() -> set[str]:
    """The rules that AWS has neither confirmed nor documented: warnings."""
    from tests.conformance_data import ROOT

    rules = ROOT / "rules.md"
    return set(_UNVERIFIED.findall(rules.read_text())) if rules.exists() else set()


def test_definitions(unverified: set[str]) -> None:
    wrong = []
    for case in cases("definitions"):
        found = diagnose(case["definition"], case["type"])
        said = errors(found)
        if case["id"] in DEVIATIONS:
            continue
        if case["expected"] == "valid":
            as_expected = not said
        elif is_unverified(case["rule"], unverified):
            as_expected = not said and bool(found)
        else:
            as_expected = bool(said)
        if not as_expected:
            wrong.append(f"{case['id']} ({case['rule']}): {said or found}")
    assert not wrong, "\n".join(wrong)


def test_the_deviations_are_still_deviations() -> None:
    for case in cases("definitions"):
        if case["id"] in DEVIATIONS:
            refused = bool(errors(diagnose(case["definition"], case["type"])))
            assert refused == (case["expected"] == "valid"), case["id"]


def test_refusals_say_what_aws_says() -> None:
    for case in cases("definitions_rejected"):
        found = diagnose(case["definition"], case["request"].get("type"))
        answers = [each.answer() for each in found]
        if "expected" in case:
            assert by_text(answers) == by_text(case["expected"]["diagnostics"]), case["id"]
        else:
            said = [f"{each['code']}: {each['message']} at {each['location']}" for each in answers]
            expected = case["expected_create_error"]["message"]
            assert [f"Invalid State Machine Definition: '{each}'" for each in said] == [expected], case["id"]


def by_text(answers: list[dict[str, Any]]) -> list[str]:
    return sorted(json.dumps(answer, sort_keys=True) for answer in answers)


def test_what_aws_ran_is_accepted() -> None:
    """Every recorded execution is of a definition that AWS took."""
    wrong = [
        f"{case['id']}: {said}"
        for case in cases("executions")
        if (said := errors(diagnose(case["definition"], case["state_machine_type"])))
    ]
    assert not wrong, "\n".join(wrong)


def test_states_that_aws_tested_are_accepted() -> None:
    """TestState takes one state, or a machine of which it runs one: what leads elsewhere does not count."""
    outside = {"FD401", "FD402", "FD403"}
    wrong = []
    for case in cases("test_state"):
        definition = case["definition"]
        if "Error" in case["expected"]:
            continue
        definition = json.loads(definition) if isinstance(definition, str) else definition
        if "States" not in definition:
            definition = {"StartAt": "State", "States": {"State": definition}}
        found = [each for each in check(definition) if each.code not in outside]
        if said := errors(found):
            wrong.append(f"{case['id']}: {said}")
    assert not wrong, "\n".join(wrong)
