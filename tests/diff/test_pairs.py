"""Labelled pairs: what was edited is known to the generator, not to the diff."""

from __future__ import annotations

from collections import Counter

import pytest

from benchmarks.diffs import EDITS, doubles, is_right, pairs


@pytest.mark.parametrize("seed", [11])
def test_at_least_98_percent_of_the_labels_are_found(seed):
    total = Counter(pair.kind for pair in pairs(seed, 100))
    wrong = [(pair.kind, sorted(pair.label)) for pair in pairs(seed, 100) if not is_right(pair)]
    assert set(total) == set(EDITS)
    assert len(wrong) <= 2, wrong


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2000, 2005))
def test_at_least_98_percent_of_more_labels_are_found(seed):
    wrong = [(pair.kind, sorted(pair.label)) for pair in pairs(seed, 200) if not is_right(pair)]
    assert len(wrong) <= 4, wrong


@pytest.mark.slow
def test_two_edits_are_told_apart():
    wrong = [(pair.kind, sorted(pair.label)) for pair in doubles(3000, 200) if not is_right(pair)]
    assert len(wrong) <= 6, wrong


def test_a_wrong_label_is_noticed():
    """The measure itself: a label of another kind, or of another state, is not right."""
    for pair in pairs(3, 10):
        assert is_right(pair)
        assert not is_right(pair._replace(kind="other", label=frozenset({("removed", "Nothing")}), either=""))
