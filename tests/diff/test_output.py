"""Comparisons as text, Markdown and pictures."""

from __future__ import annotations

import copy
import json
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from flowdsl.asl.tree import Tree
from flowdsl.diff.compare import compare
from flowdsl.diff.markdown import code, markdown, plain
from flowdsl.diff.model import Comparison, Side
from flowdsl.diff.picture import picture
from flowdsl.diff.text import lines
from flowdsl.graph.earlier import kept, read_positions
from flowdsl.graph.output import draw
from flowdsl.graph.subject import Subject
from tests.diff.test_meaning import TASK, chain, choice, rule

WAIT = {"Type": "Wait", "Seconds": 1}
HOSTILE = "@octocat #1 `x` **b** <img src=x> https://evil.example ```\n| a |"


def compared(old: Any, new: Any) -> Comparison:
    return compare(Side(name="m", definition=old), Side(name="m", definition=new))


def test_text_has_a_sign_for_each_change_and_a_summary():
    old = chain(A={"Type": "Pass"}, Gone=WAIT, B=TASK)
    new = chain(
        A={"Type": "Pass", "Comment": "x"}, B={**TASK, "Retry": [{"ErrorEquals": ["E"]}]}, Come={"Type": "Pass"}
    )
    assert [line.text for line in lines([compared(old, new)])] == [
        "m",
        "- Gone: removed: Wait 1 s, after A, before B",
        "~ B: retry: E: repeated up to 3× now",
        "    ! at most once: B may be carried out again after E: it must recognise a repeated call",
        "+ Come: added: Pass, after B",
        "= comments: A",
        "3 changes in meaning; 1 may touch at-most-once",
    ]


def test_the_same_is_told_from_the_same_in_meaning():
    machine = chain(A=TASK)
    assert [line.text for line in lines([compared(machine, machine)])][-1] == "no difference"
    commented = [line.text for line in lines([compared(machine, chain(A={**TASK, "Comment": "x"}))])]
    assert commented[-1] == "same in meaning"


def test_names_can_neither_format_nor_mention_in_markdown():
    old = chain(A={"Type": "Pass"}, B=TASK)
    new = chain(A={"Type": "Pass"}, **{HOSTILE: WAIT}, B={**TASK, "Retry": [{"ErrorEquals": [HOSTILE]}]})
    text = markdown([compared(old, new)], title=code(HOSTILE))
    prose = re.sub(r"```mermaid.*?```", "", text, flags=re.DOTALL)
    outside = re.sub(r"(`+)(?!`).+?(?<!`)\1(?!`)", "", prose)
    assert "@octocat" not in outside
    assert "https://" not in outside
    assert not re.search(r"(?<!\\)<img", outside)
    assert not re.search(r"(?<!\\)\*\*b", outside)
    assert "#1" not in outside


@pytest.mark.parametrize("text", ["@octocat", "#12", "https://x.example", "a_b_c", "<b>", "www.x.example"])
def test_plain_text_has_nothing_that_github_links(text):
    assert text not in plain(f"see {text} now")


def test_a_long_comparison_is_cut_for_a_comment():
    new = chain(**{f"State{n:0>40}": {**TASK, "Parameters": {"n": n}} for n in range(900)})
    text = markdown([compared(chain(A={"Type": "Pass"}), new), compared(chain(A=WAIT), chain(A=WAIT))])
    assert len(text) < 65_000
    assert text.endswith("run `flowdsl diff`.*\n")


# Pictures


def both() -> tuple[dict[str, Any], dict[str, Any]]:
    old = chain(A={"Type": "Pass"}, Gone=WAIT, B=TASK)
    new = chain(A={"Type": "Pass"}, Come={"Type": "Pass", "Result": 1}, B={**TASK, "TimeoutSeconds": 3})
    return old, new


def test_the_picture_has_the_states_of_both():
    old, new = both()
    kept = copy.deepcopy((old, new))
    subject = picture(compared(old, new))
    assert (old, new) == kept
    tones = {path[-1]: mark.tone for path, mark in subject.marks.items() if path[-2] == "States"}
    assert tones == {"Gone": "removed", "Come": "added", "B": "changed"}
    tree = Tree(subject.definition)
    assert {node.name for node in tree} == {"A", "Gone", "Come", "B"}
    edges = {
        (edge.source.name, edge.target.name): subject.marks.get(edge.path)
        for node in tree
        for edge in node.transitions
        if edge.source and edge.target
    }
    assert {key: mark.tone if mark else None for key, mark in edges.items()} == {
        ("A", "Come"): "added",
        ("Come", "B"): "added",
        ("A", "Gone"): "removed",
        ("Gone", "B"): "removed",
    }


@pytest.mark.parametrize("form", ["svg", "html", "mermaid"])
def test_the_picture_is_drawn(form):
    text = draw(picture(compared(*both())), form)
    assert isinstance(text, str)
    assert all(name in text for name in ("Gone", "Come"))
    if form == "svg":
        ElementTree.fromstring(text)


def test_a_removed_state_whose_name_another_has():
    old = chain(A={"Type": "Pass"}, Pay=TASK, Z=WAIT)
    new = chain(A={"Type": "Pass"}, Pay={"Type": "Pass", "Result": 5}, Charge=TASK, Z=WAIT)
    subject = picture(compared(new, old))
    assert {"Pay", "Pay (before)"} <= {node.name for node in Tree(subject.definition)}


def test_removed_containers_are_drawn_with_what_is_inside():
    old = chain(A={"Type": "Pass"}, Each={"Type": "Map", "ItemProcessor": chain(In=TASK)})
    subject = picture(compared(old, chain(A={"Type": "Pass"})))
    tones = {path[-1]: mark.tone for path, mark in subject.marks.items() if path[-2] == "States"}
    assert tones == {"Each": "removed", "In": "removed"}


def test_a_changed_condition_is_marked_at_its_line():
    old, new = (choice(rule("X", Variable="$.a", NumericGreaterThan=n)) for n in (1, 2))
    subject = picture(compared(old, new))
    assert subject.marks["States", "C", "Choices", 0, "Next"].tone == "changed"


def test_states_are_where_they_are_in_a_picture_of_the_old_definition(tmp_path):
    old = json.loads((Path(__file__).parent / "payment.asl.json").read_text())
    new = copy.deepcopy(old)
    states = new["States"]
    states["Fraud"] = {**TASK, "Next": "TakePayment"}
    states["SelectPsp"]["Next"] = "Fraud"
    states["PaymentOutcome"]["Choices"] = [
        {**each, "Next": "PersistOutput"} if each["Next"] == "RedirectToPsp" else each
        for each in states["PaymentOutcome"]["Choices"]
    ]
    del states["RedirectToPsp"]
    comparison = compared(old, new)

    def places(subject: Any) -> dict[str, Any]:
        file = tmp_path / "picture.svg"
        file.write_text(str(draw(subject, "svg")))
        return read_positions(file)

    before = places(Subject(name="m", definition=old))
    shares = []
    for keeps_places in (False, True):
        after = places(picture(comparison, keeps_places=keeps_places))
        assert before.keys() <= after.keys()
        shares.append(kept(dict(enumerate(before.values())), [after[each] for each in before]))
    assert shares[1] > shares[0]
    assert shares[1] > 0.9
