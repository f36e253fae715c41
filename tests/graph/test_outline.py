"""The outline beside a large picture."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from benchmarks.pictures import chain, nested
from flowdsl.asl.tree import Tree
from flowdsl.graph.layout import lay_out
from flowdsl.graph.output import draw
from flowdsl.graph.picture import key
from flowdsl.graph.subject import Subject
from flowdsl.graph.svg import svg
from tests.graph.drawing import Area, read
from tests.graph.test_page import chromium

__all__ = ["chromium"]
SVG = "{http://www.w3.org/2000/svg}"
LARGE = [chain(300, "State"), nested(14, 2)]


def outline(text: str) -> dict[str, tuple[str, Area]]:
    """The square of each entry and the frame that it leads to, by its name."""
    root = ElementTree.fromstring(text)
    frames = {f"#{each.get('id')}": each for each in root.iter(f"{SVG}rect") if each.get("class") == "place"}
    entries: dict[str, tuple[str, Area]] = {}
    for link in root.iter(f"{SVG}a"):
        name, square = [text.text or "" for text in link.iter(f"{SVG}text")]
        x, y, width, height = (float(frames[link.attrib["href"]].attrib[key]) for key in ("x", "y", "width", "height"))
        entries[name] = (square, Area(x, y, x + width, y + height))
    return entries


@pytest.mark.parametrize("definition", LARGE)
def test_every_state_of_a_large_picture_is_in_its_outline_which_leads_to_it(definition: Any) -> None:
    text = svg(lay_out(Tree(definition)), title="large")
    entries, drawing = outline(text), read(text)
    assert entries.keys() == {node.name for node in Tree(definition)}
    for node in Tree(definition):
        assert entries[node.name][1].holds(drawing.states[key(node.path)].area, 10)
        assert drawing.states[key(node.path)].area.holds(entries[node.name][1], 10)


def test_the_squares_are_those_of_a_map() -> None:
    definition = chain(300, "State")
    boxes = {box.title: box.rect for box in lay_out(Tree(definition)).boxes}
    for name, (square, _) in outline(svg(lay_out(Tree(definition)))).items():
        letter, number = square[0], int(square[1:])
        across = boxes[name].x + boxes[name].width / 2
        assert (ord(letter) - ord("A")) * 400 <= across < (ord(letter) - ord("A") + 1) * 400
        assert (number - 1) * 400 <= boxes[name].y < number * 400
    names = [*outline(svg(lay_out(Tree(definition))))]
    assert names.index("State2") < names.index("State10")


def test_small_pictures_and_pages_have_none_unless_it_is_asked_for() -> None:
    small = Subject(name="small", definition=chain(20))
    assert outline(str(draw(small, "svg"))) == {}
    assert len(outline(str(draw(small, "svg", outline=True)))) == 20
    large = Subject(name="large", definition=chain(100))
    assert len(outline(str(draw(large, "svg")))) == 100
    assert outline(str(draw(large, "svg", outline=False))) == {}
    assert 'class="outline"' not in str(draw(large, "html"))


def test_nothing_is_below_the_outline() -> None:
    plain, listed = (
        ElementTree.fromstring(str(draw(Subject(name="x", definition=chain(80)), "svg", outline=each)))
        for each in (False, True)
    )
    side = float(listed.attrib["width"]) - float(plain.attrib["width"])
    texts = [
        text for group in listed.iter(f"{SVG}g") if group.get("class") == "outline" for text in group.iter(f"{SVG}text")
    ]
    assert max(float(text.attrib["x"]) + float(text.attrib["textLength"]) for text in texts) <= side


@pytest.mark.slow
def test_an_entry_leads_to_its_state_in_a_browser(chromium: Any, tmp_path: Path) -> None:
    file = tmp_path / "large.svg"
    file.write_text(str(draw(Subject(name="large", definition=LARGE[1]), "svg")))
    page = chromium.new_page(viewport={"width": 1200, "height": 800})
    page.goto(file.as_uri())
    state = page.locator('[data-state$="/States/S9_5"]').first
    assert state.bounding_box()["y"] > 800
    page.locator("a", has=page.locator("text", has_text=re.compile("^S9_5$"))).click()
    after = state.bounding_box()
    frame = page.locator(".place:target").bounding_box()
    page.close()
    assert -2 < after["y"] < after["y"] + after["height"] <= 800
    assert abs(frame["y"] - after["y"]) < 10
