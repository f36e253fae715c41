"""The page of HTML in a real browser (Debian's chromium, driven by Playwright)."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from flowdsl.graph.output import draw
from flowdsl.graph.picture import Mark
from flowdsl.graph.subject import Subject
from flowdsl.project import load
from tests.graph.test_drawing import HOSTILE

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
BROWSER = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    if BROWSER is None:
        pytest.skip("chromium is not installed")
    api = pytest.importorskip("playwright.sync_api")
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
        yield browser
        browser.close()


class Page:
    """An open page, and all that it said and asked for."""

    def __init__(self, browser: Any, file: Path) -> None:
        self.page = browser.new_page(viewport={"width": 1400, "height": 900})
        self.messages: list[str] = []
        self.requests: list[str] = []
        self.page.on("console", lambda message: self.messages.append(message.text))
        self.page.on("pageerror", lambda error: self.messages.append(str(error)))
        self.page.on("dialog", lambda dialog: (self.messages.append("dialog"), dialog.dismiss()))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.goto(file.as_uri())

    def state(self, name: str) -> Any:
        return self.page.locator(f'.drawing:not([hidden]) [data-state="/States/{name}"]')


@pytest.fixture
def open_page(chromium: Any, tmp_path: Path) -> Iterator[Any]:
    pages: list[Page] = []

    def open_it(subject: Subject) -> Page:
        file = tmp_path / f"{len(pages)}.html"
        file.write_text(str(draw(subject, "html")), encoding="utf-8")
        pages.append(Page(chromium, file))
        return pages[-1]

    yield open_it
    for each in pages:
        assert each.messages == []
        assert [url for url in each.requests if not url.startswith("file:")] == []
        assert len(each.requests) == 1
        each.page.close()


@pytest.fixture
def payment() -> Subject:
    loaded = load(ROOT / "payment_flow.py")[0]
    details = {("States", "TakePayment"): {"Written at": "payment_flow.py:113"}}
    marks = {("States", "Setup"): Mark("reached", "2×", "Visited twice.")}
    return Subject(name="payment", definition=loaded.definition, details=details, views={"a run": marks, "none": {}})


def test_a_click_shows_what_is_known_of_a_state(open_page, payment):
    opened = open_page(payment)
    assert opened.page.locator("#details").is_hidden()
    opened.state("TakePayment").click()
    text = opened.page.locator("#details").inner_text()
    assert "payment_flow.py:113" in text
    assert '"TimeoutSeconds": 60' in text
    opened.page.get_by_role("button", name="TakePayment → PersistOutput on States.ALL").click()
    assert opened.page.locator("#details h2").inner_text() == "PersistOutput"
    opened.page.keyboard.press("Escape")
    assert opened.page.locator("#details").is_hidden()


def test_the_search_finds_states_and_dims_the_others(open_page, payment):
    opened = open_page(payment)
    opened.page.keyboard.press("/")
    opened.page.keyboard.type("fundraising failed")
    assert re.fullmatch(r"2 of \d+ states", opened.page.locator("#count").inner_text())
    assert opened.page.locator("#states li:visible").all_inner_texts() == [
        "FundraisingTotals",
        "FundraisingTotalsFailed",
    ]
    assert "dimmed" in opened.state("Setup").get_attribute("class")
    opened.page.keyboard.press("Enter")
    assert opened.page.locator("#details h2").inner_text() == "FundraisingTotals"


def test_catches_fold_away_and_come_back(open_page, payment):
    opened = open_page(payment)
    catches = opened.page.locator(".drawing:not([hidden]) .edge.catch:not(.chip)")
    failed = opened.page.locator('.drawing:not([hidden]) [data-state$="/ReceiptFailed"]')
    assert (catches.count(), failed.count()) == (9, 1)
    opened.page.get_by_role("button", name="Fold catches").click()
    assert (catches.count(), failed.count()) == (0, 0)
    opened.page.keyboard.press("f")
    assert (catches.count(), failed.count()) == (9, 1)


def test_zoom_pan_and_keys(open_page, payment):
    opened = open_page(payment)
    zoom = opened.page.locator("#zoom")
    before = opened.state("Setup").bounding_box()
    opened.page.keyboard.press("+")
    assert opened.state("Setup").bounding_box()["width"] == pytest.approx(before["width"] * 1.25, rel=0.05)
    opened.page.keyboard.press("1")
    assert zoom.inner_text() == "100%"
    at = opened.state("Setup").bounding_box()
    opened.page.keyboard.press("ArrowRight")
    assert opened.state("Setup").bounding_box()["x"] == pytest.approx(at["x"] - 60, abs=1)
    stage = opened.page.locator("#stage").bounding_box()
    x, y = stage["x"] + 20, stage["y"] + stage["height"] - 20
    opened.page.mouse.move(x, y)
    opened.page.mouse.down()
    opened.page.mouse.move(x + 100, y - 50, steps=4)
    opened.page.mouse.up()
    assert opened.state("Setup").bounding_box()["y"] == pytest.approx(at["y"] - 50, abs=1)
    opened.page.mouse.wheel(0, -200)
    assert zoom.inner_text() != "100%"


def test_light_and_dark(open_page, payment):
    opened = open_page(payment)

    def colour() -> str:
        script = "each => getComputedStyle(each).fill"
        return str(opened.page.locator(".drawing:not([hidden]) .background").evaluate(script))

    assert colour() == "rgb(255, 255, 255)"
    opened.page.keyboard.press("d")
    assert colour() == "rgb(15, 22, 32)"


def test_views_colour_the_picture(open_page, payment):
    opened = open_page(payment)
    assert "reached" in opened.state("Setup").get_attribute("class")
    assert opened.state("Setup").locator(".mark text").text_content() == "2×"
    opened.page.locator("#views").select_option("none")
    assert "reached" not in opened.state("Setup").get_attribute("class")
    assert opened.state("Setup").locator(".mark").count() == 0


def test_no_text_leaves_its_box_with_the_fonts_of_this_computer(open_page, payment):
    opened = open_page(payment)
    script = """() => [...document.querySelectorAll('.drawing:not([hidden]) .state')].flatMap((state) => {
        const frame = [...state.querySelectorAll(':scope > .shape')].pop().getBoundingClientRect();
        return [...state.querySelectorAll(':scope > text, :scope > .chip text')].filter((text) => {
            const box = text.getBoundingClientRect();
            return box.left < frame.left || box.right > frame.right || box.top < frame.top || box.bottom > frame.bottom;
        }).map((text) => text.textContent);
    })"""
    assert opened.page.evaluate(script) == []


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_texts_do_nothing(open_page, name):
    definition = {
        "Comment": name,
        "StartAt": name,
        "States": {
            name: {"Type": "Pass", "Comment": name, "Next": "B"},
            "B": {"Type": "Task", "Resource": name, "Catch": [{"ErrorEquals": [name], "Next": name}], "End": True},
        },
    }
    opened = open_page(Subject(name=name, definition=definition, details={("States", "B"): {name: name}}))
    opened.state("B").click()
    assert opened.page.locator("script").count() == 2
    assert opened.page.locator("#states li").count() == 2
    opened.page.locator("#states li button").first.click()
    assert opened.page.locator("#details").is_visible()
