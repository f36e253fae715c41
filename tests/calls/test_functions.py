"""The functions of a project, imported from its folder."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from flowdsl.author.functions import Function
from flowdsl.base.diagnostics import FlowError
from flowdsl.calls.functions import find_handlers


def test_a_package_of_the_same_name_elsewhere_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other, root = tmp_path / "other", tmp_path / "project"
    for file, text in {
        other / "stand_ins" / "__init__.py": "",
        root / "stand_ins" / "reserve" / "handler.py": "def handler(event, context): return 1",
    }.items():
        file.parent.mkdir(parents=True)
        file.write_text(text)
    monkeypatch.syspath_prepend(other)
    function = Function("reserve", "stand_ins/reserve")
    handler = find_handlers([function], {}, root=root, region="eu-west-1")["reserve"]
    with pytest.raises(FlowError) as raised:
        handler({}, None)
    assert "add " in str(raised.value)
    assert str(Path("stand_ins", "__init__.py")) in str(raised.value)
    (root / "stand_ins" / "__init__.py").touch()
    for name in [each for each in sys.modules if each.partition(".")[0] == "stand_ins"]:
        monkeypatch.delitem(sys.modules, name)
    assert handler({}, None) == 1
