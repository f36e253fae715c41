"""The names that Step Functions accepts."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from flowdsl.asl import names

NAMES: dict[Callable[[str], bool], tuple[list[str], list[str]]] = {
    names.is_machine_name: (["a", "a" * 80, "pay-ment_1", "Zahlung-für"], ["", "a" * 81, "a b", "a/b", ".a", "a\n"]),
    names.is_execution_name: (["a", "a" * 80, ".a"], ["", "a" * 81, "a b", "a:b", "a\x7f"]),
    names.is_state_name: (["a", "a" * 80, "Paid? (yes/no)"], ["", "a" * 81]),
    names.is_label: (["a", "a" * 40, "each-item"], ["", "a" * 41, "each item", "each*"]),
    names.is_variable_name: (["a", "a" * 80, "_1", "größe"], ["", "a" * 81, "1a", "a-b", "states", "a.b"]),
}


@pytest.mark.parametrize("rule", NAMES, ids=lambda rule: rule.__name__)
def test_names(rule: Callable[[str], bool]) -> None:
    accepted, refused = NAMES[rule]
    assert [name for name in accepted if not rule(name)] == []
    assert [name for name in refused if rule(name)] == []
