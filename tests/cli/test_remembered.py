"""A build remembers that a check found nothing: what makes it check again, and what remembers nothing."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import dedent

import pytest

import flowdsl
from flowdsl.base import reads
from flowdsl.project import load, remembered, review
from flowdsl.project.remembered import KIND, verdict_on

FILES = {
    "pyproject.toml": "",
    "flow.py": """\
        import os
        from typing import TypedDict

        from flowdsl import Function, Pass, StateMachine, Task, catch, chain, fail, retry, state_input
        from common.limits import SECONDS

        class Input(TypedDict):
            amount: int

        class Other(TypedDict):
            amount: str

        charge = Task(
            "Charge",
            Function("charge", "handlers/charge", timeout=int(os.environ.get("LIMIT", "20"))),
            payload={"amount": state_input.amount},
            timeout=SECONDS + int(os.environ.get("EXTRA", "0")),
            retry=retry("Busy", max_attempts=2),
            catch=catch("Declined", fail("Refused", "the card was declined")),
            into="charged",
        )
        show = Pass("Show", output={"id": state_input.charged.id})
        machine = StateMachine("shop", chain(charge, show), input=globals()[os.environ.get("TYPE", "Input")])
        """,
    "common/__init__.py": "",
    "common/limits.py": "SECONDS = 30\n",
    "common/errors.py": "class Declined(Exception): ...\n\ndef decline():\n    raise Declined\n",
    "common/shapes.py": "from typing import TypedDict\n\nclass Charged(TypedDict):\n    id: str\n",
    "handlers/__init__.py": "",
    "handlers/charge/__init__.py": "",
    "handlers/charge/handler.py": """\
        from common.errors import decline
        from common.shapes import Charged

        class Busy(Exception): ...

        def handler(event, context) -> Charged:
            if event["amount"] > 10:
                decline()
            if event["amount"] > 9:
                raise Busy
            return {"id": "1"}
        """,
}
# Runs a command, and says on stderr whether it imported the checker.
SCRIPT = """\
import sys
from flowdsl.cli import app
try:
    app(sys.argv[1:], prog_name="flowdsl")
finally:
    print("CHECKED" if "flowdsl.check.registry" in sys.modules else "REMEMBERED", file=sys.stderr)
"""


class Shop:
    """A project that is built by a process of its own each time, as by a user."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for name, text in FILES.items():
            self.write(name, dedent(text))

    def write(self, name: str, text: str) -> None:
        (self.root / name).parent.mkdir(parents=True, exist_ok=True)
        (self.root / name).write_text(text)

    def start(self, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-c", SCRIPT, "build", "--asl-only", "flow.py", *arguments],
            cwd=self.root,
            env=os.environ | {"PYTHONPATH": str(Path(flowdsl.__file__).parent.parent)} | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def checks(self, *arguments: str, **environment: str) -> bool:
        """Build; return whether that checked the flow. The build may fail."""
        process = self.start(*arguments, **environment)
        _, said = process.communicate()
        assert process.returncode in (0, 2), said
        return "CHECKED" in said

    @property
    def notes(self) -> Path:
        return Path(os.environ["FLOWDSL_CACHE_DIR"]) / KIND

    @property
    def stamp(self) -> Path:
        [file] = self.notes.iterdir()
        return file


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)


def test_a_second_build_of_the_same_does_not_check(shop: Shop):
    assert [shop.checks() for _ in range(3)] == [True, False, False]
    assert (shop.root / "build" / "shop.asl.json").exists()
    written = {each.name for each in shop.root.iterdir()} - {each.partition("/")[0] for each in FILES} - {"__pycache__"}
    assert written == {"build"}


def test_it_can_be_turned_off(shop: Shop):
    assert shop.checks("--no-cache")
    assert not shop.notes.exists()
    assert [shop.checks(), shop.checks("--no-cache"), shop.checks(FLOWDSL_NO_CACHE="1"), shop.checks()] == [
        *(True, True, True, False)
    ]


def test_each_file_that_was_read_counts_by_its_content(shop: Shop):
    """Also a change of the same size, and with the same time."""
    assert shop.checks()
    read = FILES.keys() - {"pyproject.toml", "handlers/__init__.py", "handlers/charge/__init__.py"}
    for name in sorted(read):
        file = shop.root / name
        before, state = file.read_text(), file.stat()
        file.write_text(
            before.replace("1", "2").replace("0", "1") if any(c in before for c in "01") else before + "#\n"
        )
        os.utime(file, ns=(state.st_atime_ns, state.st_mtime_ns))
        assert shop.checks("--output", "other"), name
        file.write_text(before)
        shop.checks()
    assert not shop.checks()


def test_a_new_mistake_is_found_although_the_definition_is_the_same(shop: Shop):
    assert [shop.checks(), shop.checks()] == [True, False]
    before = (shop.root / "build" / "shop.asl.json").read_bytes()
    shop.write("common/shapes.py", FILES["common/shapes.py"].replace("id:", "ib:"))
    process = shop.start()
    _, said = process.communicate()
    assert process.returncode == 2
    assert "FD801" in said
    assert (shop.root / "build" / "shop.asl.json").read_bytes() == before


EDITS: dict[str, Callable[[Shop], object]] = {
    "a module that shadows another": lambda shop: shop.write("handlers/charge/common/errors.py", ""),
    "a module that is gone": lambda shop: (shop.root / "common/errors.py").unlink(),
    "a handler that is gone": lambda shop: (shop.root / "handlers/charge/handler.py").unlink(),
    "an __init__.py that is gone": lambda shop: (shop.root / "common/__init__.py").unlink(),
    "another root": lambda shop: (shop.root / "pyproject.toml").unlink(),
    "a comment in the flow": lambda shop: shop.write(
        "flow.py", (shop.root / "flow.py").read_text() + "# flowdsl: ignore[FD802] nothing\n"
    ),
}


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS)
def test_what_was_looked_for_counts(shop: Shop, edit: Callable[[Shop], object]):
    assert [shop.checks(), shop.checks()] == [True, False]
    edit(shop)
    assert shop.checks()


@pytest.mark.parametrize("variable", [{"EXTRA": "2"}, {"LIMIT": "25"}, {"TYPE": "Other"}], ids=str)
def test_what_the_flow_is_made_from_counts(shop: Shop, variable: dict[str, str]):
    """Also what the definition lacks: the function's settings, and the type of the input."""
    assert [shop.checks(), shop.checks(**variable), shop.checks(**variable)] == [True, True, False]


def test_other_files_do_not_count(shop: Shop):
    assert shop.checks()
    shop.write("README.md", "of the shop")
    shop.write("handlers/other/handler.py", "x = 1\n")
    assert not shop.checks()


@pytest.mark.parametrize("problem", ["error", "warning"])
def test_problems_are_reported_each_time(shop: Shop, problem: str):
    text = (shop.root / "flow.py").read_text()
    wrong = {"error": text.replace("charged.id", "charged.no"), "warning": text.replace('"Busy"', '"Bussy"')}
    shop.write("flow.py", wrong[problem])
    for _ in range(2):
        process = shop.start()
        _, said = process.communicate()
        assert f"{problem} FD" in said, said
        assert process.returncode == (2 if problem == "error" else 0)
    assert not shop.notes.exists()


def test_what_a_comment_accepts_is_checked_each_time(shop: Shop):
    """The same definition may come from another line, as here if a variable is set."""
    text = (shop.root / "flow.py").read_text()
    show = 'show = Pass("Show", output={"id": state_input.charged.no})'
    accepted = f"if os.environ.get('LINE'):\n    {show}\nelse:\n    {show}  # flowdsl: ignore[FD801] it is there\n"
    shop.write("flow.py", text.replace('show = Pass("Show", output={"id": state_input.charged.id})\n', accepted))
    assert [shop.checks(), shop.checks()] == [True, True]
    process = shop.start(LINE="1")
    assert "FD801" in process.communicate()[1]
    assert process.returncode == 2


def test_without_a_project_nothing_is_written(shop: Shop):
    (shop.root / "pyproject.toml").unlink()
    assert [shop.checks(), shop.checks()] == [True, True]
    assert not shop.notes.exists()


def test_builds_at_once(shop: Shop):
    processes = [shop.start("--output", f"build{number}") for number in range(4)]
    for process in processes:
        _, said = process.communicate()
        assert process.returncode == 0, said
    assert not shop.checks()
    assert shop.stamp.suffix == ".json"


def test_packaging_is_checked_each_time(shop: Shop):
    shop.write("handlers/charge/requirements.txt", "")
    assert [shop.checks(), shop.checks()] == [True, False]
    shop.write("handlers/charge/requirements.txt", "left-pad\n")
    machines = load(shop.root / "flow.py")
    assert {each.code for each in review(machines, packaging=True, remember=True)} == {"FD610"}


def test_a_verdict_that_comes_with_the_project_silences_nothing(shop: Shop):
    """A change of the project could bring along any file, also one for flows that nobody has checked."""
    shop.checks()
    stamp = shop.stamp
    folder = shop.root / "cache" / "flowdsl" / KIND
    folder.mkdir(parents=True)
    stamp.rename(folder / stamp.name)
    assert shop.checks(FLOWDSL_CACHE_DIR="", XDG_CACHE_HOME=str(shop.root / "cache"))
    assert shop.checks(FLOWDSL_CACHE_DIR=str(shop.root / "cache" / "flowdsl"))


# Verdicts in this process


@pytest.fixture(autouse=True)
def nothing_seen() -> Iterator[None]:
    """Other tests have looked at files that changed meanwhile."""
    before = dict(reads._seen)
    reads._seen.clear()
    yield
    reads._seen.clear()
    reads._seen.update(before)


@pytest.fixture
def verdict(shop: Shop) -> remembered.Verdict:
    machines = load(shop.root / "flow.py")
    assert review(machines, packaging=False, remember=True) == []
    kept = verdict_on(machines, None)
    assert kept is not None
    assert kept.holds()
    return kept


def test_a_damaged_stamp_does_not_hold(shop: Shop, verdict: remembered.Verdict):
    stamp = shop.stamp
    whole = stamp.read_bytes()
    value = json.loads(whole)
    damaged = [whole[:length] for length in range(0, len(whole), 97)]
    damaged += [b"\xff", b"null", b"[]", b"1", b'"key"', b"{}", b"[" * 100_000]
    for seen in (
        None,
        1,
        [1],
        [[1, 2]],
        [["content", 1, 1]],
        [["exists", 1, 1]],
        [["unknown", "x", 1]],
        [["content", "\0", 1]],
    ):
        damaged.append(json.dumps(value | {"seen": seen}).encode())
    damaged += [json.dumps(value | {"key": key}).encode() for key in (None, "", [value["key"]], value["key"][:-1])]
    for each in damaged:
        stamp.write_bytes(each)
        assert not verdict.holds(), each
    stamp.write_bytes(whole)
    assert verdict.holds()


def test_a_folder_that_cannot_be_written_does_no_harm(shop: Shop):
    shop.notes.parent.mkdir()
    shop.notes.write_text("a file in its place")
    assert review(load(shop.root / "flow.py"), packaging=False, remember=True) == []
    assert shop.notes.read_text() == "a file in its place"


def test_what_a_killed_build_left_does_no_harm(shop: Shop, verdict: remembered.Verdict):
    """In a container each build may have the number of the one before."""
    stamp = shop.stamp
    stamp.rename(stamp.with_name(f"{stamp.name}.{os.getpid()}"))
    verdict.keep()
    assert verdict.holds()


def test_a_full_disk_leaves_no_stamp(shop: Shop, monkeypatch: pytest.MonkeyPatch):
    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", fail)
    assert review(load(shop.root / "flow.py"), packaging=False, remember=True) == []
    assert [*shop.notes.iterdir()] == []


def test_a_file_that_changed_while_it_was_checked_leaves_no_stamp(
    shop: Shop, verdict: remembered.Verdict, monkeypatch: pytest.MonkeyPatch
):
    stamp = shop.stamp
    before = stamp.read_bytes()
    stamp.unlink()
    monkeypatch.setitem(reads._seen, ("content", "x.py"), b"1")
    reads.note("content", "x.py", b"1")
    verdict.keep()
    assert json.loads(stamp.read_bytes())["key"] == json.loads(before)["key"]
    stamp.unlink()
    reads.note("content", "x.py", b"2")
    reads.note("content", "x.py", b"1")
    verdict.keep()
    assert not stamp.exists()


def test_flowdsl_and_what_it_runs_on_count(shop: Shop, tmp_path_factory, monkeypatch: pytest.MonkeyPatch):
    machines = load(shop.root / "flow.py")
    code, package = tmp_path_factory.mktemp("code"), tmp_path_factory.mktemp("packages")
    (code / "rules").mkdir()
    (code / "rules" / "one.py").write_text("1")
    monkeypatch.setattr(remembered, "_ROOMS", [str(code)])
    monkeypatch.setattr(remembered, "_ASKED", ("asked_for_by_the_checker",))
    monkeypatch.syspath_prepend(package)
    keys = {""}

    def is_new() -> bool:
        verdict = verdict_on(machines, None)
        assert verdict == verdict_on(machines, None)
        before = len(keys)
        keys.add(verdict.key if verdict else "")
        return len(keys) > before

    assert is_new()
    assert not is_new()
    rule = code / "rules" / "one.py"
    state = rule.stat()
    rule.write_text("2")  # the same size
    os.utime(rule, ns=(state.st_atime_ns, state.st_mtime_ns + 1))
    assert is_new()
    (code / "rules" / "two.py").write_text("")
    assert is_new()
    asked = package / "asked_for_by_the_checker"
    asked.mkdir()
    (asked / "__init__.py").write_text("__version__ = 1")
    remembered.sys.path_importer_cache.clear()
    assert is_new()
    (asked / "__init__.py").write_text("__version__ = 10")
    assert is_new()
    (asked / "_engine.so").write_text("")
    assert is_new()
    monkeypatch.setattr(remembered.sys, "version", "4.0")
    assert is_new()
    monkeypatch.setattr(remembered.sys, "path", [*sys.path, "/elsewhere"])
    assert is_new()
    monkeypatch.chdir(code)
    assert is_new()


def test_numbers_and_texts_as_keys_are_told_apart(shop: Shop):
    [loaded] = load(shop.root / "flow.py")
    keys = set()
    for value in ({1: "a"}, {"1": "a"}, {"1": ["a"]}, {"1": ("a",)}, {"1": True}, {"1": 1}, {"1": 1.0}):
        loaded.definition["Comment"] = value
        verdict = verdict_on([loaded], None)
        keys.add(verdict.key if verdict else "")
    assert len(keys) == 7
    assert "" not in keys


READING = {
    "exists",
    "getcwd",
    "getenv",
    "getline",
    "getlines",
    "glob",
    "is_dir",
    "is_file",
    "iterdir",
    "listdir",
    "open",
}
READING |= {"environ", "cwd", "read_bytes", "read_text", "rglob", "scandir", "stat"}


@pytest.mark.parametrize("room", ["check", "expr", "asl"])
def test_the_checker_looks_at_nothing_without_noting_it(room: str):
    """It reads by base/unsaved and base/reads. The names of botocore's services go with its version."""
    package = Path(flowdsl.__file__).parent
    found = set()
    for file in sorted((package / room).rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_bytes())):
            if isinstance(node, ast.Attribute) and node.attr in READING:
                found.add(f"{file.relative_to(package)}: {node.attr}")
    botocore = {f"asl/apis.py: {name}" for name in ("glob", "is_dir", "listdir", "read_bytes")}
    assert found == (botocore if room == "asl" else set())
