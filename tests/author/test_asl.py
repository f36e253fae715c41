"""Dump, load and the canonical text."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import flowdsl as f
import payment_flow
from flowdsl.asl.placeholders import fill_placeholders
from flowdsl.asl.text import canonical_text
from tests.conformance_data import definitions

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@given(json_values)
def test_text_is_json(value: Any) -> None:
    assert json.loads(canonical_text(value)) == value


def test_text_looks_like_this() -> None:
    expected = '{\n  "a": [\n    1,\n    {}\n  ],\n  "é": "\\n"\n}\n'
    assert canonical_text({"a": [1, {}], "é": "\n"}) == expected


def test_the_payment_flow_comes_back() -> None:
    machine = payment_flow.machine
    assert f.load(canonical_text(f.dump(machine)), name="payment") == machine


def test_real_definitions_come_back() -> None:
    for case in definitions():
        definition = case["definition"]
        if isinstance(definition, dict):
            assert f.dump(f.load(definition)) == definition, case["id"]
            assert f.load(f.dump(f.load(definition))) == f.load(definition), case["id"]


state_names = st.text(min_size=1, max_size=20)


@given(
    st.dictionaries(
        state_names,
        st.dictionaries(
            st.sampled_from(
                ["Type", "Next", "Seconds", "SecondsPath", "Choices", "Branches", "Retry", "ItemProcessor"]
            ),
            json_values,
            max_size=4,
        ),
        max_size=3,
    )
)
def test_anything_comes_back(states: dict[str, Any]) -> None:
    definition = {"StartAt": "x", "States": states}
    assert f.dump(f.load(definition)) == definition


@pytest.mark.parametrize("bad", ["{", "[]", "3"])
def test_text_that_is_no_definition(bad: str) -> None:
    with pytest.raises(f.FlowError, match="FD101"):
        f.load(bad)


def test_an_unknown_keyword_is_kept_for_the_checker() -> None:
    machine = f.StateMachine("m", f.Pass("P", coment="typo"))  # type: ignore[call-arg]
    assert f.dump(machine)["States"]["P"]["Coment"] == "typo"


def test_a_long_chain_and_a_deep_nest() -> None:
    long = f.StateMachine("long", f.chain(*(f.Pass(f"S{n}") for n in range(10_000))))
    assert len(f.dump(long)["States"]) == 10_000
    assert f.load(canonical_text(f.dump(long)), name="long") == long
    nest: Any = f.Pass("Inside")
    for level in range(200):
        nest = f.Parallel(f"P{level}", nest, f.Pass(f"S{level}"))
    written = canonical_text(f.dump(f.StateMachine("deep", nest.as_("x"))))
    assert canonical_text(f.dump(f.load(written))) == written


def test_compiling_is_deterministic_and_silent() -> None:
    program = (
        "import payment_flow, flowdsl; from flowdsl.asl.text import canonical_text as text; "
        "open({!r}, 'w').write(text(flowdsl.dump(payment_flow.machine)))"
    )
    import tempfile
    from pathlib import Path

    with tempfile.TemporaryDirectory() as folder:
        outputs = []
        for seed in ("0", "1"):
            target = Path(folder, seed)
            done = subprocess.run(
                [sys.executable, "-c", program.format(str(target))],
                env={"PYTHONHASHSEED": seed, "PYTHONPATH": "."},
                capture_output=True,
                check=True,
            )
            assert done.stdout == b""
            outputs.append(target.read_bytes())
    assert outputs[0] == outputs[1]


@pytest.mark.parametrize(
    ("region", "arn"),
    [
        ("eu-west-1", "arn:aws:lambda:eu-west-1:111122223333:function:${name}"),
        ("cn-north-1", "arn:aws-cn:lambda:cn-north-1:111122223333:function:${name}"),
        ("us-gov-west-1", "arn:aws-us-gov:lambda:us-gov-west-1:111122223333:function:${name}"),
        ("eusc-de-east-1", "arn:aws-eusc:lambda:eusc-de-east-1:111122223333:function:${name}"),
        ("us-isob-east-1", "arn:aws-iso-b:lambda:us-isob-east-1:111122223333:function:${name}"),
    ],
)
def test_a_definition_is_placed_in_a_region(region: str, arn: str) -> None:
    definition = {"a": ["arn:${AWS::Partition}:lambda:${AWS::Region}:${AWS::AccountId}:function:${name}"]}
    assert fill_placeholders(definition, region=region, account="111122223333") == {"a": [arn]}
