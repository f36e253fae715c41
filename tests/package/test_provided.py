"""Zips carry only what Lambda's runtime lacks."""

from __future__ import annotations

import json
from typing import Any

import pytest

from flowdsl import Function

pytestmark = pytest.mark.slow

SDK = {"boto3": ["botocore"], "botocore": ["jmespath", "urllib3"], "jmespath": [], "urllib3": []}
LOCKED = ["boto3==1.0", "botocore==1.0", "jmespath==1.0", "urllib3==1.0"]
ALL = {"boto3": "1.0", "botocore": "1.0", "jmespath": "1.0", "urllib3": "1.0"}


@pytest.fixture
def sdk(project: Any) -> Any:
    for name, requires in SDK.items():
        project.wheel(name, requires=requires)
    return project


def left(project: Any) -> dict[str, str]:
    function = json.loads((project.output / "manifest.json").read_text())["functions"]["setup"]
    return function["from_runtime"]


def packages(project: Any) -> set[str]:
    return {name.partition("/")[0] for name in project.names()} - {"handlers"}


CASES = {
    # other packages and what they need; an import of the handler; what the zip contains besides `other`
    "nothing else": ([], "boto3", set()),
    "a package that needs none": (["pure"], "boto3", set()),
    "a package that needs one that comes along": (["urllib3"], "boto3", {"urllib3"}),
    "a package that needs the SDK": (["boto3>=1.0"], "boto3", {"boto3", "botocore", "jmespath", "urllib3"}),
    "a package that needs the SDK's lower part": (["botocore"], "json", {"botocore", "jmespath", "urllib3"}),
    "a package that needs it with an extra only": (["boto3; extra == 'aws'"], "boto3", set()),
    "a package that needs it on Windows only": (["boto3; sys_platform == 'win32'"], "boto3", set()),
    "a package that needs it on this Python": (["urllib3; python_version == '3.14'"], "boto3", {"urllib3"}),
    "an import of one that comes along": ([], "jmespath", {"jmespath"}),
}


@pytest.mark.parametrize(("requires", "imported", "kept"), CASES.values(), ids=CASES)
def test_what_the_runtime_provides(sdk: Any, requires: list[str], imported: str, kept: set[str]) -> None:
    sdk.wheel("other", requires=requires)
    sdk.wheel("pure")
    sdk.write({"handlers/setup/handler.py": f"import {imported}\ndef handler(event, context): ...\n"})
    sdk.require("other==1.0", "pure==1.0", *LOCKED)
    sdk.build()
    assert packages(sdk) == {
        *("other", "other-1.0.dist-info", "pure", "pure-1.0.dist-info"),
        *kept,
        *(f"{name}-1.0.dist-info" for name in kept),
    }
    assert left(sdk) == {name: version for name, version in ALL.items() if name not in kept}


def test_a_function_that_wants_a_copy_of_its_own(sdk: Any) -> None:
    sdk.require(*LOCKED)
    sdk.build()
    assert packages(sdk) == set()
    sdk.build(Function("setup", "handlers/setup", bundle_sdk=True))
    assert "setup: unchanged" not in [": ".join(each) for each in sdk.said]
    assert packages(sdk) >= {"boto3", "botocore", "jmespath", "urllib3"}
    assert left(sdk) == {}


def test_an_unchanged_function_keeps_what_the_manifest_tells(sdk: Any) -> None:
    sdk.require(*LOCKED)
    sdk.build()
    sdk.build()
    assert sdk.said == [("setup", "unchanged")]
    assert left(sdk) == ALL


def test_a_manifest_of_an_earlier_flowdsl(sdk: Any) -> None:
    sdk.build()
    file = sdk.output / "manifest.json"
    manifest = json.loads(file.read_text())
    del manifest["functions"]["setup"]["from_runtime"]
    file.write_text(json.dumps(manifest))
    sdk.build()
    assert left(sdk) == {}
