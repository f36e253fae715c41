"""Whatever is in a definition, a comparison ends, shows itself, and changes nothing of what it was given."""

from __future__ import annotations

import copy
import json
import random
from typing import Any

import pytest

from flowdsl.diff.compare import compare
from flowdsl.diff.markdown import markdown
from flowdsl.diff.model import Side
from flowdsl.diff.text import lines
from tests.conformance_data import definitions

WEIRD: list[Any] = [None, 1, "x", [], {}, True, [1], {"a": 1}, "{% (", "$..", [None], [{"ErrorEquals": 5}]]


def damaged(rng: random.Random, value: Any) -> Any:
    """The value with some of its parts gone, or of another kind."""
    if isinstance(value, dict):
        kept = {name: each for name, each in value.items() if rng.random() > 0.02}
        return {
            name: damaged(rng, each) if rng.random() > 0.04 else copy.deepcopy(rng.choice(WEIRD))
            for name, each in kept.items()
        }
    return [damaged(rng, each) for each in value] if isinstance(value, list) else value


@pytest.mark.parametrize("seed", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_damaged_definitions_are_compared(seed):
    rng = random.Random(seed)
    values = [case["definition"] for case in definitions()]
    for value in rng.sample(values, min(len(values), 150)):
        other = damaged(rng, value)
        before = json.dumps([value, other])
        comparison = compare(Side(name="m", definition=value), Side(name="m", definition=other))
        assert [*lines([comparison])]
        assert markdown([comparison])
        json.dumps(comparison.as_json())
        assert json.dumps([value, other]) == before
        same = compare(Side(name="m", definition=other), Side(name="m", definition=json.loads(json.dumps(other))))
        assert (same.changes, same.neutral) == ((), ())
