"""`flowdsl graph`."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from statistics import mean
from xml.etree import ElementTree

import pytest
import resvg_py
from click.testing import CliRunner, Result

from benchmarks.pictures import stability
from flowdsl.cli.group import CommandGroup
from flowdsl.graph.earlier import kept, read_positions
from flowdsl.graph.fonts import FAMILY
from flowdsl.graph.png import _installed_family, png

NEEDS_FONT = pytest.mark.skipif(
    _installed_family(resvg_py) is None, reason="no usual font is installed, as PNG needs it"
)
ROOT = Path(__file__).parents[2]
FLOW = str(ROOT / "payment_flow.py")


def graph(*arguments: str) -> Result:
    return CliRunner().invoke(CommandGroup(), ["graph", *arguments])


def machine(folder: Path, text: str, name: str = "order.asl.json") -> str:
    (folder / name).write_text(text, encoding="utf-8")
    return str(folder / name)


def test_svg_goes_to_stdout():
    done = graph(FLOW)
    assert done.exit_code == 0
    assert ElementTree.fromstring(done.stdout).get("aria-label") == "payment"
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("name", "start"),
    [
        ("p.svg", b"<svg "),
        ("p.html", b"<!doctype html>"),
        pytest.param("p.png", b"\x89PNG\r\n\x1a\n", marks=NEEDS_FONT),
        ("p.mmd", b"flowchart TD\n"),
    ],
)
def test_the_name_of_the_file_tells_the_format(tmp_path, name, start):
    target = tmp_path / "pictures" / name
    done = graph(FLOW, "-o", str(target))
    assert (done.exit_code, done.stdout) == (0, f"{target}\n")
    assert target.read_bytes().startswith(start)
    assert [*target.parent.iterdir()] == [target]


@NEEDS_FONT
def test_png_goes_to_stdout_as_it_is():
    assert graph(FLOW, "--format", "png").stdout_bytes.startswith(b"\x89PNG\r\n\x1a\n")


def test_a_picture_can_be_dark():
    dark, light = (graph(FLOW, "--theme", theme).stdout for theme in ("dark", "light"))
    assert "#0f1620" in dark
    assert "#0f1620" not in light
    assert "prefers-color-scheme" not in dark + light
    assert graph(FLOW, "--format", "html", "--theme", "dark").exit_code == 2


@NEEDS_FONT
def test_png_is_light_unless_it_is_to_be_dark():
    pictures = {graph(FLOW, "--format", "png", "--theme", theme).stdout_bytes for theme in ("auto", "light", "dark")}
    assert len(pictures) == 2


def test_placeholders_are_filled_in(tmp_path):
    file = machine(tmp_path, '{"StartAt": "A", "States": {"A": {"Type": "Wait", "Seconds": ${N}, "End": true}}}')
    assert "90 seconds" not in graph(file, "--format", "mermaid").stdout
    done = graph(file, "--format", "mermaid", "--substitution", "N=90")
    assert (done.exit_code, "1 min 30 s" in done.stdout) == (0, True)
    unknown = graph(file, "--substitution", "M=1")
    assert (unknown.exit_code, unknown.stdout) == (2, "")


def test_a_file_of_no_known_format_is_refused(tmp_path):
    done = graph(FLOW, "-o", str(tmp_path / "p.jpeg"))
    assert done.exit_code == 2
    assert "cannot tell the format of p.jpeg" in done.stderr
    assert [*tmp_path.iterdir()] == []


def test_a_file_that_cannot_be_written_is_one_error(tmp_path):
    (tmp_path / "file").write_text("")
    done = graph(FLOW, "-o", str(tmp_path / "file" / "p.svg"))
    assert done.exit_code == 2
    assert "FD971" in done.stderr
    assert done.stderr.count("\n") <= 2


def test_a_transition_to_nowhere_is_drawn_and_reported(tmp_path):
    file = machine(tmp_path, '{"StartAt": "A", "States": {"A": {"Type": "Pass", "Next": "Gone"}}}')
    done = graph(file)
    assert done.exit_code == 1
    assert "does not exist" in done.stdout
    assert ":1:59: error FD401 state 'Gone' does not exist" in done.stderr


def test_placeholders_need_no_quotes(tmp_path):
    file = machine(tmp_path, '{"StartAt": "A", "States": {"A": {"Type": "Wait", "Seconds": ${N}, "End": true}}}')
    done = graph(file)
    assert done.exit_code == 0
    assert "${N} seconds" in done.stdout


def test_mermaid_needs_no_library(monkeypatch):
    for name in ("graphlay", "resvg_py"):
        monkeypatch.setitem(sys.modules, name, None)
    assert graph(FLOW, "--format", "mermaid").stdout.startswith("flowchart TD\n")
    done = graph(FLOW)
    assert done.exit_code == 2
    assert "FD970 pictures need the library graphlay" in done.stderr
    assert "pip install 'flowdsl[pictures]'" in done.stderr


def test_png_needs_its_library(monkeypatch):
    monkeypatch.setitem(sys.modules, "resvg_py", None)
    assert graph(FLOW).exit_code == 0
    assert "FD970 PNG needs the library resvg-py" in graph(FLOW, "--format", "png").stderr


@NEEDS_FONT
def test_png_has_its_texts_in_whatever_font_is_installed():
    style = f"<style>text{{font-family:{FAMILY}}}</style>"
    drawn = [
        png(f"<svg xmlns='http://www.w3.org/2000/svg' width='90' height='30'>{style}<text y='20'>{text}</text></svg>")
        for text in ("payment", "")
    ]
    assert drawn[0] != drawn[1]


def test_png_without_a_font_is_an_error_and_no_picture_without_text(monkeypatch):
    monkeypatch.setattr("flowdsl.graph.png._installed_family", lambda _resvg: None)
    done = graph(FLOW, "--format", "png")
    assert (done.exit_code, done.stdout_bytes) == (2, b"")
    assert "FD970 PNG needs a font" in done.stderr
    assert "fonts-liberation" in done.stderr


def test_catches_are_folded_and_the_direction_is_chosen():
    whole, folded, right = (
        ElementTree.fromstring(graph(FLOW, *options).stdout)
        for options in ([], ["--fold-catches"], ["--direction", "right"])
    )
    count = [len(each.findall(".//*[@class='edge catch']")) for each in (whole, folded)]
    assert count[0] > 0
    assert count[1] == 0
    ratio = [float(each.get("width")) / float(each.get("height")) for each in (whole, right)]
    assert ratio[1] > max(1, ratio[0])


def test_the_page_tells_what_is_known_of_a_state(tmp_path):
    text = graph(FLOW, "--format", "html").stdout
    data = json.loads(text.partition('id="data">')[2].partition("</script>")[0])
    states = {state["name"]: state for state in data["states"]}
    details = states["PersistOutput"]["details"]
    assert "payment_flow.py:" in details["Written at"]
    assert "persist_output = Task(" in details["Written at"]
    assert 'status: "done" | "failed"' in details["Input"]
    assert json.loads(states["TakePayment"]["asl"])["TimeoutSeconds"] == 60
    assert json.loads(states["PostProcessing"]["asl"])["Branches"][0]["States"] == ["Receipt", "ReceiptFailed"]


@pytest.mark.parametrize("language", ["JSONPath", "JSONata"])
@pytest.mark.parametrize(
    ("condition", "label"),
    [
        ("state_input.a.b == 'paid'", "a.b == 'paid'"),
        ("f.is_present(state_input.a) & ~(state_input.b > 3)", "is_present(a) & ~(b > 3)"),
        ("f.one_of(state_input.a, 'x', 'y')", "one_of(a, 'x', 'y')"),
        ("f.matches(state_input.a, 'state_input.*')", "matches(a, 'state_input.*')"),
        ("f.var.turn < 8", "var.turn < 8"),
    ],
)
def test_labels_are_conditions_as_their_author_wrote_them(condition, label, language, tmp_path):
    text = (
        "import flowdsl as f\nfrom flowdsl import state_input\n"
        f"inner = f.Choice('C', f.when({condition}, f.Pass('A')))\n"
        "other = f.Choice('D', f.when(state_input.z == 1, f.Pass('B')))\n"
        f"machine = f.StateMachine('m', f.chain(other, f.Map('M', processor=inner)), query_language='{language}')\n"
    )
    whole, inner = _labels(machine(tmp_path, text, "flow.py"))
    assert (whole, inner) == ("z == 1", label)


def _labels(file: str) -> list[str]:
    texts = re.findall(r'-- "(.*)" -->', graph(file, "--format", "mermaid").stdout)
    return [re.sub(r"#(\d+);", lambda code: chr(int(code[1])), text) for text in texts if text != "otherwise"]


@pytest.mark.parametrize("suffix", ["svg", "html"])
def test_an_unchanged_flow_like_its_picture_is_that_picture(suffix, tmp_path):
    picture = tmp_path / f"before.{suffix}"
    graph(FLOW, "-o", str(picture))
    assert graph(FLOW, "--like", str(picture), "--format", suffix).stdout == picture.read_text()


def test_a_state_that_is_added_leaves_the_others_where_they_were(tmp_path):
    states = {"A": choice("B", "C", "D"), **{name: task("E") for name in "BCD"}, "E": {"Type": "Succeed"}}
    before, after = tmp_path / "before.svg", tmp_path / "after.svg"
    graph(machine(tmp_path, json.dumps({"StartAt": "A", "States": states})), "-o", str(before))
    added = {**states, "A": choice("D", "N", "B", "C"), "N": task("E")}
    changed = machine(tmp_path, json.dumps({"StartAt": "A", "States": added}))
    assert graph(changed, "--like", str(before), "-o", str(after)).exit_code == 0
    old, new = read_positions(before), read_positions(after)
    assert new.keys() - old.keys() == {"/States/N"}
    assert kept(dict(enumerate(old.values())), [new[each] for each in old]) == 1


def test_pictures_change_less_with_the_earlier_one_to_keep_to():
    alone, like = (mean(shares) for shares in zip(*stability(20), strict=True))
    assert like > alone
    assert like > 0.96


def choice(*targets):
    rules = [{"Variable": "$.x", "StringEquals": target, "Next": target} for target in targets]
    return {"Type": "Choice", "Choices": rules[:-1], "Default": targets[-1]}


def task(target):
    return {"Type": "Task", "Resource": "arn:aws:states:::sqs:sendMessage", "Next": target}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "cannot be read: No such file"),
        (b"\xff\xfe", "it is not text"),
        (b"<svg></svg>", "has no states of a flow"),
    ],
)
def test_a_file_that_is_no_picture_of_a_flow_is_refused(content, message, tmp_path):
    file = tmp_path / "old.svg"
    if content is not None:
        file.write_bytes(content)
    done = graph(FLOW, "--like", str(file))
    assert (done.exit_code, done.stdout) == (2, "")
    assert "FD971" in done.stderr
    assert message in done.stderr
