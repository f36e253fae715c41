"""What holds for the picture of any definition: all is there once, in its place, and nothing is on anything else."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.pictures import chain, nested
from flowdsl.asl.tree import Tree
from flowdsl.graph.layout import lay_out
from flowdsl.graph.output import draw
from flowdsl.graph.picture import Mark, key
from flowdsl.graph.subject import Subject
from flowdsl.graph.svg import svg
from flowdsl.graph.wording import condition
from flowdsl.project import load
from tests.conformance_data import cases, definitions
from tests.graph.drawing import Area, Drawing, State, read

ROOT = Path(__file__).parents[2]


def corpus() -> list[Any]:
    """Every definition of the recordings that is JSON."""
    values: dict[str, Any] = {}
    for case in definitions():
        definition = case["definition"]
        if isinstance(definition, str):
            try:
                definition = json.loads(definition)
            except ValueError:
                continue
        values[json.dumps(definition)] = definition
    return [*values.values()]


CORPUS = corpus()


def picture(definition: Any, **options: Any) -> Drawing:
    return read(svg(lay_out(Tree(definition), **options)))


def problems(definition: Any, drawing: Drawing) -> list[str]:
    """What is wrong with a picture that has everything."""
    tree = Tree(definition)
    wrong = [f"{each} twice" for each in drawing.twice]
    states = {key(node.path): node for node in tree}
    named = {}
    for machine in tree.machines:
        for edge in machine.edges:
            named[key(edge.path)] = edge
    missing = drawing.states.keys() - states.keys()
    wrong += [f"state {each} is not drawn" for each in states.keys() - drawing.states.keys()]
    wrong += [f"{each} is no state" for each in missing if "missing" not in drawing.states[each].kinds]
    wrong += [f"edges differ: {each}" for each in named.keys() ^ drawing.edges.keys()]
    parents = {name: key(node.parent.path) if node.parent else None for name, node in states.items()}
    wrong += _misplaced(drawing, parents)
    wrong += _loose(drawing, named)
    whole = {name: node.name for name, node in states.items()}
    for name, state in drawing.states.items():
        for text, area in state.texts:
            if not state.area.holds(area):
                wrong.append(f"{text!r} leaves {name}")
        if name in whole and whole[name].isascii() and whole[name].isprintable() and whole[name] not in state.title:
            wrong.append(f"{name} has no whole title")
    return wrong


def _misplaced(drawing: Drawing, parents: dict[str, str | None]) -> list[str]:
    wrong = []
    siblings: dict[str | None, list[str]] = {}
    for name, state in drawing.states.items():
        parent = parents[name] if name in parents else _around(name, parents)
        siblings.setdefault(parent, []).append(name)
        lanes = [area for lane, area in drawing.lanes.items() if parent is not None and lane.startswith(parent + "/")]
        if parent is not None and not any(lane.holds(state.area) for lane in lanes):
            wrong.append(f"{name} leaves its container")
        if not (state.area.left >= 0 and state.area.right <= drawing.width and state.area.bottom <= drawing.height):
            wrong.append(f"{name} leaves the picture")
    for names in siblings.values():
        for index, name in enumerate(names):
            area = drawing.states[name].area
            wrong += [
                f"{name} is on {other}" for other in names[index + 1 :] if area.overlaps(drawing.states[other].area)
            ]
    plain = {name: state for name, state in drawing.states.items() if "container" not in state.kinds}
    for label, (area, texts) in drawing.labels.items():
        wrong += [f"label {label} is on {name}" for name, state in plain.items() if area.overlaps(state.area, 1.0)]
        wrong += [f"{text!r} leaves its label {label}" for text, each in texts if not area.holds(each, 1.0)]
    return wrong


def _around(missing: str, states: dict[str, str | None]) -> str | None:
    """The innermost state around a missing one."""
    return max((name for name in states if missing.startswith(f"{name}/")), key=len, default=None)


def _loose(drawing: Drawing, named: dict[str, Any]) -> list[str]:
    """The edges whose lines do not begin or end at their states."""
    wrong = []
    for name, edge in named.items():
        drawn = drawing.edges.get(name)
        if drawn is None or drawn.tip is None or drawn.start is None:
            if edge.kind not in ("retry", "branch", "processor"):
                wrong.append(f"{name} has no line")
            continue
        if edge.target is not None:
            target = key(edge.target.path)
        else:
            text = edge.name if isinstance(edge.name, str) else json.dumps(edge.name, ensure_ascii=False)
            machine = edge.source.machine.path if edge.source else edge.path[:-1]
            target = key((*machine, "States", text))
        # A Choice is pointed: its outline is up to 12 px inside its rectangle.
        slack = 12.5 if target in drawing.states and "Choice" in drawing.states[target].kinds else 1.0
        if target not in drawing.states or drawing.states[target].area.distance(*drawn.tip) > slack:
            wrong.append(f"{name} does not end at {target}")
        if edge.source is not None:
            source = drawing.states[key(edge.source.path)]
            if source.area.distance(*drawn.start) > (12.5 if "Choice" in source.kinds else 1.0):
                wrong.append(f"{name} does not begin at its state")
    return wrong


@pytest.mark.parametrize("part", range(8))
def test_everything_is_drawn_once_and_in_its_place(part):
    wrong = {}
    for number, definition in enumerate(CORPUS[part::8]):
        if found := problems(definition, picture(definition)):
            wrong[number * 8 + part] = found[:4]
    assert not wrong


@pytest.mark.parametrize("options", [{"direction": "right"}, {"fold_catches": True}], ids=str)
def test_the_other_ways_to_draw_put_nothing_on_anything_else(options):
    wrong = {}
    for number, definition in enumerate(CORPUS[::5]):
        drawing = picture(definition, **options)
        parents = {key(node.path): key(node.parent.path) if node.parent else None for node in Tree(definition)}
        if misplaced := _misplaced(drawing, parents):
            wrong[number] = misplaced[:4]
    assert not wrong


def test_definitions_that_aws_refused_are_drawn():
    for case in [*cases("definitions_rejected")][:40]:
        definition = case.get("definition")
        if isinstance(definition, dict):
            assert picture(definition).width > 0


@pytest.mark.parametrize("value", [None, [], 3, {}, {"States": None}, {"States": {"A": 3}}, {"StartAt": {"x": 1}}])
def test_any_value_has_a_picture(value):
    assert read(svg(lay_out(Tree(value)))).twice == []


def test_a_transition_to_nowhere_leads_to_a_marked_box():
    drawing = picture({"StartAt": "A", "States": {"A": {"Type": "Pass", "Next": "Gone"}}})
    assert "missing" in drawing.states["/States/Gone"].kinds
    assert "does not exist" in drawing.states["/States/Gone"].title
    assert drawing.states["/States/Gone"].area.distance(*drawing.edges["/States/A/Next"].tip) < 1


@pytest.mark.parametrize("processor", ["ItemProcessor", "Iterator"])
@pytest.mark.parametrize("mode", ["INLINE", "DISTRIBUTED"])
def test_both_spellings_of_a_map_are_the_same_box(processor, mode):
    inside = {"StartAt": "Each", "States": {"Each": {"Type": "Pass", "End": True}}}
    config = {"ProcessorConfig": {"Mode": mode}} if processor == "ItemProcessor" else {}
    machine = {"StartAt": "M", "States": {"M": {"Type": "Map", processor: {**inside, **config}, "End": True}}}
    drawing = picture(machine)
    assert drawing.states["/States/M"].area.holds(drawing.states[f"/States/M/{processor}/States/Each"].area)
    assert ("distributed" in drawing.states["/States/M"].title) == (mode == "DISTRIBUTED" and bool(config))


def test_placeholders_are_shown_as_written():
    machine = {
        "StartAt": "W",
        "States": {
            "W": {"Type": "Wait", "Seconds": "${N}", "Next": "T"},
            "T": {"Type": "Task", "Resource": {"Fn::GetAtt": ["Pay", "Arn"]}, "Next": "C"},
            "C": {"Type": "Task", "Resource": "${PayArn}", "End": True},
        },
    }
    texts = {text for state in picture(machine).states.values() for text, _ in state.texts}
    assert {"${N} seconds", '{"Fn::GetAtt": ["Pay", "Arn"]}', "${PayArn}"} <= texts


def test_the_rest_of_a_name_that_is_cut_is_in_the_title():
    name = "A name as long as names may be " + "x" * 49
    state = picture({"StartAt": name, "States": {name: {"Type": "Pass", "End": True}}}).states[f"/States/{name}"]
    assert state.texts[0][0].endswith("…")
    assert state.title.startswith(name)


HOSTILE = [
    "</title></g></svg><script>alert(1)</script>",
    "\" onload='alert(1)'",
    "a\u202eb\u2066c\x07\x00\x1b[31m\ud800\uffff",
    "]]>&amp;<![CDATA[",
    "&#x3c;b&#x3e; ${x} {{y}} `z`",
]


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_texts_stay_text(name):
    machine = {
        "Comment": name,
        "StartAt": name,
        "States": {
            name: {"Type": "Choice", "Choices": [{"Variable": name, "StringEquals": name, "Next": name + "2"}]},
            name + "2": {"Type": "Task", "Resource": name, "Comment": name, "End": True},
        },
    }
    text = svg(lay_out(Tree(machine)), title=name, comment=name, marks={("States", name): Mark("failed", name, name)})
    text.encode("utf-8")
    drawing = read(text)
    assert len(drawing.states) == 2
    assert "<script" not in text
    attributes = {name for element in ElementTree.fromstring(text).iter() for name in element.attrib}
    assert not {each for each in attributes if each.startswith("on")}
    assert not set("\u202e\u2066\x07\x00\x1b") & set(text)
    assert problems(machine, drawing) == []


names = st.text(min_size=1, max_size=90)


@given(st.lists(names, min_size=1, max_size=5, unique=True))
def test_any_names_fit_into_their_boxes(each):
    states = {
        name: {"Type": "Pass", "Next": following} for name, following in zip(each, [*each[1:], each[0]], strict=True)
    }
    machine = {"StartAt": each[0], "States": states}
    drawing = picture(machine)
    assert [text for state in drawing.states.values() for text, area in state.texts if not state.area.holds(area)] == []


def payment() -> Any:
    return load(ROOT / "payment_flow.py")[0].definition


def test_folded_catches_are_badges_and_what_only_they_lead_to_is_left_out():
    definition = payment()
    whole, folded = picture(definition), picture(definition, fold_catches=True)
    hidden = whole.states.keys() - folded.states.keys()
    assert {name.rpartition("/")[2] for name in hidden} == {
        "ReceiptFailed",
        "FundraisingTotalsFailed",
        "PublishEventFailed",
    }
    assert {"edge", "catch", "chip"} <= folded.edges["/States/TakePayment/Catch[0]/Next"].kinds
    assert folded.edges["/States/TakePayment/Catch[0]/Next"].tip is None
    assert whole.edges["/States/TakePayment/Catch[0]/Next"].tip is not None


def test_marks_colour_a_state_and_an_edge():
    marks = {("States", "Setup"): Mark("added", "new", "Because."), ("States", "Setup", "Next"): Mark("removed")}
    text = svg(lay_out(Tree(payment())), marks=marks)
    drawing = read(text)
    assert {"added", "marked"} <= drawing.states["/States/Setup"].kinds
    assert {"removed", "marked"} <= drawing.edges["/States/Setup/Next"].kinds
    assert drawing.states["/States/Setup"].title.endswith("Because.")
    assert ">new</text>" in text


def test_retriers_are_badges_with_their_number():
    drawing = picture(payment())
    retries = [name for name, edge in drawing.edges.items() if "retry" in edge.kinds and "/TakePayment/" in name]
    assert sorted(retries) == ["/States/TakePayment/Retry[0]", "/States/TakePayment/Retry[1]"]
    assert "TakePayment retries States.Timeout, States.TaskFailed: 368×" in drawing.states["/States/TakePayment"].title


def test_conditions_read_as_the_author_wrote_them():
    rules = [
        {"Variable": "$.payment.status", "StringEquals": "retry"},
        {"Or": [{"Variable": "$.n", "NumericGreaterThanEquals": 3}, {"Not": {"Variable": "$.x", "IsPresent": True}}]},
        {"And": [{"Variable": "$.a", "BooleanEqualsPath": "$.b"}, {"Variable": "$.c", "StringMatches": "x*"}]},
    ]
    states = {"C": {"Type": "Choice", "Choices": [{**rule, "Next": "D"} for rule in rules], "Default": "D"}}
    drawing = picture({"StartAt": "C", "States": {**states, "D": {"Type": "Succeed"}}})
    texts = {" ".join(text for text, _ in texts) for _, texts in drawing.labels.values()}
    assert texts == {
        'payment.status == "retry"',
        "n >= 3 or x is not present",
        'a == b and c matches "x*"',
        "otherwise",
    }


def compared(variable: str, **test: object) -> dict[str, object]:
    return {"Variable": f"$.{variable}", **test}


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        ({"Or": [compared("a", StringEquals="x"), compared("a", NumericEquals=1)]}, 'a in ("x", 1)'),
        ({"Or": [compared("a", StringEquals="x"), compared("b", StringEquals="y")]}, 'a == "x" or b == "y"'),
        ({"Or": [compared("a", StringEquals="x")]}, 'a == "x"'),
        ({"And": [compared("a", StringEquals="x"), compared("a", StringEquals="y")]}, 'a == "x" and a == "y"'),
        ({"And": [compared("a", NumericLessThan=9), compared("a", NumericGreaterThanEquals=2)]}, "2 <= a < 9"),
        ({"And": [compared("a", NumericLessThan=9), compared("b", NumericGreaterThan=2)]}, "a < 9 and b > 2"),
        ({"And": [compared("a", NumericLessThan=9), compared("a", NumericLessThan=8)]}, "a < 9 and a < 8"),
        ({"Not": compared("a", StringEquals="x")}, 'a != "x"'),
        ({"Not": compared("a", NumericLessThan=1)}, "not a < 1"),
        ({"Not": compared("a", IsNull=False)}, "a is null"),
        ({"Not": compared("a", StringEqualsPath="$.b")}, "not a == b"),
    ],
)
def test_conditions_are_short(rule, text):
    assert condition(rule) == text


@pytest.mark.parametrize(
    "fields",
    [
        {"ResultSelector": {"mail.$": "$[0]", "sum.$": "$[1]"}},
        {"QueryLanguage": "JSONata", "Output": {"mail": "{% $states.result[0] %}", "sum": "{% $states.result[1] %}"}},
        {"QueryLanguage": "JSONata", "Output": "{% {'mail': $states.result[0], 'sum': $states.result[1]} %}"},
        {"QueryLanguage": "JSONata", "Assign": {"x": '{% {"mail": $states.result[0], "sum":$states.result[1]} %}'}},
    ],
    ids=["ResultSelector", "Output", "expression", "Assign"],
)
def test_branches_have_the_names_of_their_results(fields):
    branches = [{"StartAt": name, "States": {name: {"Type": "Pass", "End": True}}} for name in "AB"]
    machine = {"StartAt": "P", "States": {"P": {"Type": "Parallel", "Branches": branches, **fields, "End": True}}}
    text = svg(lay_out(Tree(machine)))
    assert text.count(">mail</text>") == text.count(">sum</text>") == 1
    assert "branch 1" in svg(lay_out(Tree({**machine, "States": {"P": {"Type": "Parallel", "Branches": branches}}})))


def test_the_same_definition_gives_the_same_bytes_in_another_process(tmp_path):
    code = (
        "import sys; from pathlib import Path; from flowdsl.project import load; from flowdsl.asl.tree import Tree;"
        "from flowdsl.graph.layout import lay_out; from flowdsl.graph.svg import svg;"
        f"sys.stdout.write(svg(lay_out(Tree(load(Path({str(ROOT / 'payment_flow.py')!r}))[0].definition))))"
    )
    texts = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"},
            cwd=tmp_path,
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(texts) == 1
    assert texts == {svg(lay_out(Tree(payment()))).encode()}


def test_a_new_state_moves_only_what_comes_after_it():
    before = payment()
    after = json.loads(json.dumps(before))
    states = {}
    for name, state in after["States"].items():
        states[name] = state
        if name == "PersistOutput":
            state["Next"] = "Audit"
            states["Audit"] = {"Type": "Pass", "Next": "TransactionStatus"}
    after["States"] = states
    old, new = picture(before).states, picture(after).states
    below = {f"/States/{name}" for name in ("TransactionStatus", "DonationConflict", "PaymentBroken", "End")}
    # The whole picture may become wider on one side, so places are compared with that of the first state.
    for name in old:
        (old_x, old_y), (new_x, new_y) = (_from_setup(states, name) for states in (old, new))
        if name in below:
            assert new_y > old_y + 40
        else:
            assert (new_x, new_y) == (old_x, old_y)


def _from_setup(states: dict[str, State], name: str) -> tuple[float, float]:
    area, setup = states[name].area, states["/States/Setup"].area
    return area.left - setup.left, area.top - setup.top


def test_a_change_in_one_branch_leaves_the_other_branches_alone():
    before = payment()
    after = json.loads(json.dumps(before))
    branch = after["States"]["PostProcessing"]["Branches"][2]
    branch["States"]["PublishEvent"] = {**branch["States"]["PublishEvent"], "Next": "Extra"}
    del branch["States"]["PublishEvent"]["End"]
    branch["States"]["Extra"] = {"Type": "Pass", "End": True}

    def inside(drawing: Drawing, number: int) -> list[tuple[float, float]]:
        lane = drawing.lanes[f"/States/PostProcessing/Branches[{number}]"]
        prefix = f"/States/PostProcessing/Branches[{number}]/"
        states = [state for name, state in drawing.states.items() if name.startswith(prefix)]
        return [(state.area.left - lane.left, state.area.top - lane.top) for state in states]

    old, new = picture(before), picture(after)
    assert [inside(old, number) for number in (0, 1)] == [inside(new, number) for number in (0, 1)]
    assert len(inside(new, 2)) == len(inside(old, 2)) + 1


def test_every_label_is_at_its_line_and_on_no_other():
    wrong = []
    count = 0
    for number, definition in enumerate(CORPUS):
        areas: list[Area] = []
        for link in lay_out(Tree(definition)).links:
            if not link.lines:
                continue
            count += 1
            across, down = link.width / 2 + 4, len(link.lines) * 7 + 1
            area = Area(link.at.x - across, link.at.y - down, link.at.x + across, link.at.y + down)
            wrong += [f"{number}: {link.lines} is on a label" for other in areas if area.overlaps(other)]
            areas.append(area)
            pieces = [
                Area(*map(min, zip(one, two, strict=True)), *map(max, zip(one, two, strict=True)))
                for one, two in pairwise((point.x, point.y) for point in link.points)
            ]
            if not any(area.overlaps(piece, -14) for piece in pieces):
                wrong.append(f"{number}: {link.lines} is far from its line")
    assert not wrong
    assert count > 20


@pytest.mark.parametrize("definition", [chain(1000), nested(20, 3)], ids=["1,000 in a row", "800 in nested Maps"])
def test_a_large_definition_is_drawn_in_two_seconds(definition):
    start = time.process_time()
    draw(Subject(name="large", definition=definition), "svg")
    assert time.process_time() - start < 2
