"""The tree of a definition: its machines, states and edges; any value has one."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from flowdsl.asl.tree import STATE_TYPES, Tree

DONE = {"Type": "Succeed"}
DEFINITION: dict[str, Any] = {
    "StartAt": "Pay",
    "States": {
        "Pay": {
            "Type": "Task",
            "Retry": [{"ErrorEquals": ["Busy", "Slow"]}],
            "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Refund"}],
            "Next": "Paid?",
        },
        "Paid?": {"Type": "Choice", "Choices": [{"Next": "Each"}, {"Next": "Nowhere"}], "Default": "Pay"},
        "Each": {
            "Type": "Map",
            "ItemProcessor": {
                "ProcessorConfig": {"Mode": "DISTRIBUTED"},
                "StartAt": "Both",
                "States": {
                    "Both": {
                        "Type": "Parallel",
                        "QueryLanguage": "JSONata",
                        "Branches": [{"StartAt": "A", "States": {"A": DONE}}, {"StartAt": "B", "States": {"B": DONE}}],
                        "End": True,
                    }
                },
            },
            "End": True,
        },
        "Refund": {"Type": "Wait", "Next": "Refund"},
        "Lost": {"Type": "Sleep", "Next": "Each"},
    },
}
TREE = Tree(DEFINITION)


def names(nodes: Any) -> list[str]:
    return [node.name for node in nodes]


def test_states_follow_the_state_that_they_are_in() -> None:
    assert names(TREE) == ["Pay", "Paid?", "Each", "Both", "A", "B", "Refund", "Lost"]
    assert [machine.kind for machine in TREE.machines] == ["machine", "processor", "branch", "branch"]
    assert [machine.is_distributed for machine in TREE.machines] == [False, True, False, False]


def test_edges() -> None:
    edges = [(edge.kind, edge.target and edge.target.name, edge.path[1:], edge.label) for edge in TREE.root.edges]
    assert edges == [
        ("start", "Pay", (), ""),
        ("next", "Paid?", ("Pay", "Next"), ""),
        ("retry", "Pay", ("Pay", "Retry", 0), "Busy, Slow"),
        ("catch", "Refund", ("Pay", "Catch", 0, "Next"), "States.ALL"),
        ("choice", "Each", ("Paid?", "Choices", 0, "Next"), "rule 1"),
        ("choice", None, ("Paid?", "Choices", 1, "Next"), "rule 2"),
        ("default", "Pay", ("Paid?", "Default"), "Default"),
        ("processor", "Both", ("Each", "ItemProcessor"), "item processor"),
        ("next", "Refund", ("Refund", "Next"), ""),
        ("next", "Each", ("Lost", "Next"), ""),
    ]
    (both,) = TREE.names["Both"]
    assert [(edge.kind, edge.name, edge.label) for edge in both.edges] == [
        ("branch", "A", "branch 1"),
        ("branch", "B", "branch 2"),
    ]


def test_where_a_state_is() -> None:
    node = TREE.find("A")
    assert node is not None
    assert names(node.ancestors) == ["Each", "Both"]
    assert TREE.node_at((*node.path, "Comment")) is node
    assert TREE.node_at(("States", "Each", "ItemProcessor", "ProcessorConfig")) is TREE.find("Each")
    assert TREE.node_at(("Comment",)) is None
    assert TREE.find("Nowhere") is None
    assert [node.type for node in TREE.names["Lost"]] == [""]
    assert {node.name: node.language for node in TREE if node.language == "JSONata"} == {"Both": "JSONata"}


def test_routes() -> None:
    root = TREE.root
    assert sorted(names(root.reachable())) == ["Each", "Paid?", "Pay", "Refund"]
    assert sorted(names(root.leading_to([root.states["Each"]]))) == ["Each", "Lost", "Paid?", "Pay"]
    assert names(root.predecessors()[root.states["Each"]]) == ["Paid?", "Lost"]
    assert sorted(map(names, root.cycles())) == [["Pay", "Paid?"], ["Refund"]]


def chain(length: int, *, closed: bool) -> dict[str, Any]:
    states: dict[str, Any] = {f"S{at}": {"Type": "Pass", "Next": f"S{at + 1}"} for at in range(length)}
    return {"StartAt": "S0", "States": {**states, f"S{length}": {"Type": "Pass", "Next": "S0"} if closed else DONE}}


def test_length_and_depth_have_no_limit() -> None:
    root = Tree(chain(5_000, closed=False)).root
    assert len(root.reachable()) == 5_001
    assert root.cycles() == []
    assert [len(cycle) for cycle in Tree(chain(5_000, closed=True)).root.cycles()] == [5_001]
    definition: dict[str, Any] = {"StartAt": "In", "States": {"In": DONE}}
    for at in range(1_500):
        each = {"Type": "Map", "ItemProcessor": definition, "End": True}
        definition = {"StartAt": f"S{at}", "States": {f"S{at}": each}}
    tree = Tree(definition)
    node = tree.find("In")
    assert node is not None
    assert len(node.ancestors) == len(tree.machines) - 1 == 1_500


KEYS = ["StartAt", "States", "Type", "Next", "Default", "End", "Choices", "Catch", "Retry", "ErrorEquals", "Branches"]
KEYS += ["ItemProcessor", "Iterator", "ProcessorConfig", "Mode", "QueryLanguage", "A", "B"]
scalars = st.none() | st.booleans() | st.integers() | st.sampled_from(["A", "B", "", "${X}", "JSONata", *STATE_TYPES])
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=6),
    max_leaves=30,
)
machines = st.recursive(
    st.fixed_dictionaries({"StartAt": scalars, "States": st.dictionaries(st.sampled_from("AB"), values)}),
    lambda inner: st.fixed_dictionaries(
        {
            "StartAt": st.sampled_from("AB"),
            "States": st.dictionaries(
                st.sampled_from("AB"),
                st.fixed_dictionaries(
                    {"Type": st.sampled_from(["Map", "Parallel"]), "Next": scalars},
                    optional={"ItemProcessor": inner, "Branches": st.lists(inner | values, max_size=3)},
                ),
            ),
        }
    ),
    max_leaves=6,
)


@settings(max_examples=100, deadline=None)
@given(values | machines)
def test_any_value_has_a_tree(value: Any) -> None:
    tree = Tree(value)
    assert sum(len(machine.states) for machine in tree.machines) == len([*tree])
    for node in tree:
        assert tree.node_at(node.path) is node
        assert len(node.ancestors) == sum(step in ("Branches", "ItemProcessor", "Iterator") for step in node.path)
        for edge in node.edges:
            assert isinstance(edge.label, str)
            assert edge.path[: len(node.path)] == node.path
    for machine in tree.machines:
        reached = machine.reachable()
        assert all(target in reached for node in reached for target in node.following)
        cyclic = {node for cycle in machine.cycles() for node in cycle}
        for cycle in machine.cycles():
            for node in cycle:
                assert set(cycle) <= set(machine.leading_to([node]))
        for node in machine.states.values():
            way = machine.cycle_through(node)
            assert bool(way) == (node in cyclic)
            assert way[:1] == [node] * bool(way)
            assert len(set(way)) == len(way)
            assert all(after in before.following for before, after in pairwise([*way, *way[:1]]))
