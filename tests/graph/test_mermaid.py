"""Mermaid: every state and edge is there, and texts stay texts."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from flowdsl.asl.tree import Tree
from flowdsl.graph.mermaid import mermaid
from flowdsl.graph.picture import Mark
from flowdsl.project import load
from tests.graph.test_drawing import CORPUS, HOSTILE

ROOT = Path(__file__).parents[2]
_NODE = re.compile(r'^\s*(?:subgraph )?(s\d+)(\["|\{\{"|\(\["|\(")(.*?)("\]|"\}\}|"\]\)|"\))$')
_EDGE = re.compile(r'^\s*(\w+) (-->|-- ".*" -->|-\.->|-\. ".*" \.->) (\w+)(\(\(\("End"\)\)\))?$')


def test_every_state_and_edge_of_every_definition_is_there():
    wrong = {}
    for number, definition in enumerate(CORPUS):
        tree = Tree(definition)
        first, *lines = mermaid(tree).splitlines()
        assert first == "flowchart TD"
        nodes = [match[1] for line in lines if (match := _NODE.match(line))]
        drawn = [match for line in lines if (match := _EDGE.match(line))]
        states = [*tree]
        kinds = ("start", "next", "choice", "default", "catch")
        edges = [edge for machine in tree.machines for edge in machine.edges if edge.kind in kinds]
        ends = [node for node in tree.root.states.values() if node.is_terminal and node.type not in ("Succeed", "Fail")]
        balanced = sum(line.strip().startswith("subgraph") for line in lines) == [*map(str.strip, lines)].count("end")
        expected = [f"s{index + 1}" for index in range(len(states))]
        if sorted(nodes, key=lambda each: int(each[1:])) != expected or len(drawn) != len(edges) + len(ends):
            wrong[number] = (len(nodes), len(states), len(drawn), len(edges) + len(ends))
        if not balanced:
            wrong[number] = "subgraphs are not closed"
    assert not wrong


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_texts_are_codes(name):
    machine = {"StartAt": name, "States": {name: {"Type": "Task", "Resource": name, "Next": name + "2"}}}
    lines = mermaid(Tree(machine)).splitlines()
    assert _NODE.match(lines[1]), lines[1]
    label = _NODE.match(lines[1])[3]
    assert not set('"<>&`{}[]#\n') & set(re.sub(r"#\d+;|<br/>", "", label))


def test_the_payment_flow_reads_like_it_is_written():
    text = mermaid(Tree(load(ROOT / "payment_flow.py")[0].definition), marks={("States", "Setup"): Mark("added")})
    ids = {match[3].partition("<br/>")[0]: match[1] for line in text.splitlines() if (match := _NODE.match(line))}
    assert f'  {ids["PaymentOutcome"]} -- "payment.status = ' in text
    assert f'  {ids["TakePayment"]} -. "States.ALL" .-> {ids["PersistOutput"]}' in text
    assert f'  subgraph {ids["PostProcessing"]}["PostProcessing<br/>3 branches"]' in text
    assert re.search(r'^    subgraph m\d+\["totals"\]$', text, re.MULTILINE)
    assert f"  class {ids['Setup']} added" in text
