"""Bad flows: the line that has to change carries the code that the checker gives it, and no other line has one."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from flowdsl import project
from flowdsl.check.rules import integrations

CASES = Path(__file__).parent / "cases"
_CODES = re.compile(r"#((?: FD\d{3})+)$")


@pytest.mark.parametrize("name", sorted(file.name for file in CASES.glob("*.py")))
def test_case(name: str, tmp_path: Path) -> None:
    shutil.copytree(CASES, tmp_path, dirs_exist_ok=True)
    (tmp_path / "pyproject.toml").touch()
    file = tmp_path / name
    expected = {
        (number, code)
        for number, line in enumerate(file.read_text().splitlines(), 1)
        if (found := _CODES.search(line))
        for code in found[1].split()
    }
    given = {
        (each.span.line if each.span else 0, each.code)
        for loaded in project.load(file)
        for each in project.diagnose(loaded)
    }
    assert given == expected


def test_models_are_read_in_parts() -> None:
    """The parts that are cut out of a model's text are those that the whole text has."""
    pytest.importorskip("botocore")
    for service in ("sqs", "lambda", "sfn", "dynamodb", "cognitoidentityprovider", "kafka"):
        model = integrations.model_of(service)
        assert model
        for name, operation in model.whole["operations"].items():
            assert model.input_of(name) == operation.get("input", {}).get("shape", "")
        for name, shape in model.whole["shapes"].items():
            assert model.shape(name) == shape


def test_the_common_integrations_are_as_in_the_models() -> None:
    pytest.importorskip("botocore")
    for name, (required, taken) in integrations.COMMON.items():
        service, action = name.split(":")
        model = integrations.model_of(service)
        assert model
        shape = model.shape(model.input_of(action) or "")
        known = {each[:1].upper() + each[1:] for each in shape["members"]}
        assert required == {each[:1].upper() + each[1:] for each in shape["required"]}
        assert taken <= known
