"""Random definitions come back equal: the engine's random machines, and graphs of any shape."""

from __future__ import annotations

import random
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowdsl.importer.graph import Options
from flowdsl.importer.layout import successors
from flowdsl.importer.module import write_module
from flowdsl.importer.proof import compiled_machines, differing_states
from flowdsl.importer.source import Imported
from tests.engine.test_random_machines import machines
from tests.importer.corpus import measured

pytestmark = pytest.mark.slow

CATCH_ALL = ["States.ALL"]


def graph(seed: int) -> dict[str, Any]:
    """A graph of up to 25 states whose ways on lead anywhere, without the states that no route reaches."""
    dice = random.Random(seed)
    names = [f"{dice.choice(['Step', 'step', 'Do it!', '步'])} {number}" for number in range(dice.randint(2, 25))]

    def on() -> str:
        return dice.choice(names)

    def state(number: int) -> dict[str, Any]:
        kind = dice.choices(["Task", "Pass", "Choice", "Wait", "Succeed", "Fail"], [8, 4, 5, 1, 1, 1])[0]
        if kind in ("Succeed", "Fail"):
            return {"Type": kind}
        if kind == "Choice":
            rules = [{"Variable": "$.n", "NumericEquals": each, "Next": on()} for each in range(dice.randint(1, 3))]
            return {"Type": kind, "Choices": rules} | ({"Default": on()} if dice.random() < 0.8 else {})
        last = number == len(names) - 1 or dice.random() < 0.1
        forward = names[number + 1] if not last and dice.random() < 0.7 else on()
        way: dict[str, Any] = {"End": True} if last else {"Next": forward}
        if kind == "Wait":
            return {"Type": kind, "Seconds": number, **way}
        fields: dict[str, Any] = {"Type": kind, "ResultPath": dice.choice(["$.a", "$.b", None])}
        if kind == "Pass":
            return fields | {"Parameters": {"a.$": "$.a.x", "b.$": "$.b"}} | way
        fields["Resource"] = dice.choice(["arn:aws:states:::sns:publish", "arn:aws:lambda:eu-west-1:1:function:f"])
        fields["Parameters"] = {"Message.$": dice.choice(["$.a.id", "$.b.id", "$"])}
        if dice.random() < 0.4:
            catchers = [{"ErrorEquals": ["E"], "Next": on()}] * dice.randint(0, 1)
            fields["Catch"] = [
                *catchers,
                {"ErrorEquals": CATCH_ALL, "Next": dice.choice(names[:2]), "ResultPath": "$.e"},
            ]
        return fields | way

    return reachable({"StartAt": names[0], "States": {name: state(number) for number, name in enumerate(names)}})


def reachable(graph: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """The graph with names that are unique, and without what no route reaches."""
    states, seen, todo = graph["States"], set(), [graph["StartAt"]]
    while todo:
        name = todo.pop()
        if name not in seen:
            seen.add(name)
            todo.extend(successors(states[name]))
    kept = {prefix + name: renamed(state, prefix, prefix + name) for name, state in states.items() if name in seen}
    return {**graph, "StartAt": prefix + graph["StartAt"], "States": kept}


def renamed(state: dict[str, Any], prefix: str, name: str) -> dict[str, Any]:
    changed = {key: prefix + value if key in ("Next", "Default") else value for key, value in state.items()}
    for key in ("Choices", "Catch"):
        if key in changed:
            changed[key] = [{**each, "Next": prefix + each["Next"]} for each in changed[key]]
    if "Branches" in changed:
        changed["Branches"] = [reachable(each, f"{name} {number} ") for number, each in enumerate(changed["Branches"])]
    if "ItemProcessor" in changed:
        changed["ItemProcessor"] = reachable(changed["ItemProcessor"], f"{name} ")
    return changed


def test_a_condition_that_gives_no_boolean_comes_back_equal() -> None:
    rule = {"Condition": "{% $partition([1, 2, 3], 2) %}", "Next": "A"}
    measured("m", {"QueryLanguage": "JSONata", "StartAt": "A", "States": {"A": {"Type": "Choice", "Choices": [rule]}}})


@pytest.mark.parametrize("seed", range(40))
def test_graphs_of_any_shape_come_back_equal(seed: int) -> None:
    definition = graph(seed)
    result = measured("m", definition)
    assert result.raw == 0
    assert result.module.text == measured("m", definition).module.text


@given(machines() | machines(loops=True))
def test_random_machines_come_back_equal(definition: dict[str, Any]) -> None:
    measured("m", reachable(definition))


@given(st.text(), st.text(), st.text())
def test_texts_come_back_equal(name: str, key: str, value: str) -> None:
    if not name or any("\ue0f0" <= letter <= "\ue0f1" for letter in name + key + value):
        return
    state = {"Type": "Pass", "Comment": value, "Result": {key: value}, "End": True}
    measured("m", {"StartAt": name, "States": {name: state}})


@pytest.mark.parametrize("seed", range(10))
def test_states_in_a_row_say_the_same(seed: int) -> None:
    definition = graph(seed)
    options = Options(**dict.fromkeys([each.name for each in attrs.fields(Options)], False))
    (machine,) = compiled_machines(write_module([Imported("m", definition)], options).body)
    assert differing_states(definition, machine) is None
