"""A build replaces the one before as a whole or not at all, and does only what is needed."""

from __future__ import annotations

import errno
import json
import os
import random
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

from flowdsl import Function
from flowdsl.base.diagnostics import FlowError
from flowdsl.base.record import evolve
from flowdsl.package import archive, manifest, requirements, workspace
from flowdsl.package.assembly import build
from flowdsl.package.side_by_side import Jobs

pytestmark = pytest.mark.slow

BUILD = """
import os, resource, signal, sys, time
from pathlib import Path
from flowdsl import Function
from flowdsl.base.diagnostics import FlowError
from flowdsl.package import workspace
from flowdsl.package.assembly import build
FUNCTIONS = [Function("setup", "handlers/setup"), Function("intel", "handlers/setup", architecture="x86_64")]
def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)
def run(on_progress=lambda *_: None, text="{}"):
    places = {"root": Path("."), "output": Path("build")}
    return build(FUNCTIONS, {"payment.asl.json": text}, **places, hashed=False, on_progress=on_progress)
"""


def start(project, code, **options):
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    return subprocess.Popen([sys.executable, "-c", BUILD + code], cwd=project.root, env=env, text=True, **options)


def is_whole(folder):
    """Whether manifest and files agree, and nothing else is there."""
    made = manifest.read(folder)
    assert made
    assert {path.name for path in folder.iterdir()} == made.files()
    for name, digest in made.definitions.items():
        assert archive.digests((folder / name).read_bytes())[0] == digest
    for function in made.functions.values():
        assert archive.digests((folder / function.file).read_bytes())[0] == function.sha256
    return made


def leftovers(project):
    return sorted(path.name for path in (project.root / ".flowdsl").rglob("*"))


@pytest.fixture
def packed(project):
    project.wheel("pure")
    project.require("pure==1.0")
    return project


# --- only what is needed


def test_an_unchanged_function_is_not_built_again(packed, monkeypatch):
    first = packed.build()
    before = packed.content()
    monkeypatch.setattr(requirements, "install_job", None)  # calling it would be a TypeError
    os.utime(packed.root / "handlers/setup/handler.py", (1, 1))
    assert packed.build() == first
    assert packed.said == [("setup", "unchanged")]
    assert packed.content() == before


@pytest.mark.parametrize(
    "change",
    [
        {"handlers/setup/greeting.py": "def greet(name): return 1\n"},
        {"handlers/setup/texts.json": "[]"},
        {"handlers/setup/added.txt": ""},
        {"handlers/__init__.py": "# changed"},
        {"handlers/setup/requirements.txt": "# none\n"},
    ],
)
def test_a_changed_input_is_built_again(packed, change):
    before = packed.build().functions["setup"]
    packed.write(change)
    after = packed.build().functions["setup"]
    assert after.inputs != before.inputs
    assert after.contents != before.contents
    assert after.sha256 != before.sha256
    assert packed.said[-1][1].startswith("packaged")


def test_a_new_way_of_packaging_builds_again(packed, monkeypatch):
    packed.build()
    monkeypatch.setattr("flowdsl.package.assembly.RECIPE", -1)
    packed.build()
    assert packed.said[-1][1].startswith("packaged")


def test_comments_in_requirements_are_no_input(packed):
    before = packed.build()
    packed.require("# why", "pure==1.0  # because")
    assert packed.build() == before
    assert packed.said == [("setup", "unchanged")]


def test_functions_with_the_same_requirements_share_an_installation(packed, monkeypatch):
    start, calls = Jobs._start, []
    monkeypatch.setattr(Jobs, "_start", lambda self, name: (calls.append(name), start(self, name)))
    (one, other) = (Function(name, "handlers/setup") for name in ("one", "other"))
    intel = Function("intel", "handlers/setup", architecture="x86_64")
    packed.build(one, other, intel)
    assert len(calls) == 2
    assert packed.names("one") == packed.names("other")
    made = is_whole(packed.output)
    assert made.functions["one"].sha256 == made.functions["other"].sha256


@pytest.mark.parametrize("option", [{"architecture": "x86_64"}, {"python": "3.13"}])
def test_another_target_is_built_again(packed, option):
    packed.build()
    packed.build(Function("setup", "handlers/setup", **option))
    assert packed.said[-1][1].startswith("packaged")


def test_settings_that_are_not_in_the_zip_keep_it(packed):
    packed.build()
    made = packed.build(Function("setup", "handlers/setup", timeout=7, memory=512, environment={"STAGE": "test"}))
    assert packed.said == [("setup", "unchanged")]
    assert json.loads((packed.output / "manifest.json").read_text())["functions"]["setup"]["timeout"] == 7
    assert made.functions["setup"].environment == {"STAGE": "test"}


@pytest.mark.parametrize(
    "damage", [Path.unlink, lambda path: path.write_bytes(b"PK"), lambda path: path.write_bytes(b"")]
)
def test_a_missing_or_damaged_zip_is_built_again(packed, damage):
    packed.build()
    before = packed.content()
    damage(packed.output / "setup.zip")
    packed.build()
    assert packed.said[-1][1].startswith("packaged")
    assert packed.content() == before


def test_a_zip_that_came_with_the_project_is_built_again(packed, monkeypatch, tmp_path):
    """Who proposes a change knows the digests too, and may put anything into the zip."""
    honest = packed.build()
    evil = packed.output / "setup.zip"
    with zipfile.ZipFile(evil, "a") as zipped:
        zipped.writestr("handlers/setup/evil.py", "steal()")
    sha256, code_sha256 = archive.digests(evil.read_bytes())
    planted = evolve(honest.functions["setup"], sha256=sha256, code_sha256=code_sha256)
    (packed.output / "manifest.json").write_text(evolve(honest, functions={"setup": planted}).text())
    assert packed.build() == honest
    assert packed.said[-1][1].startswith("packaged")
    assert "handlers/setup/evil.py" not in packed.names()
    monkeypatch.setenv("FLOWDSL_CACHE_DIR", str(tmp_path / "of another user"))
    assert packed.build() == honest
    assert packed.said[-1][1].startswith("packaged")


def test_definitions_alone_keep_the_zips(packed):
    packed.build()
    zipped = (packed.output / "setup.zip").read_bytes()
    build(None, {"other.asl.json": "{}\n"}, root=packed.root, output=packed.output)
    made = is_whole(packed.output)
    assert list(made.definitions) == ["other.asl.json"]
    assert (packed.output / "setup.zip").read_bytes() == zipped
    packed.build()
    assert packed.said == [("setup", "unchanged")]


# --- the folder


def test_files_of_removed_functions_and_machines_go(packed):
    packed.build(
        Function("setup", "handlers/setup"), Function("old", "handlers/setup"), definitions={"old.asl.json": "{}"}
    )
    packed.build()
    assert sorted(packed.content()) == ["manifest.json", "payment.asl.json", "setup.zip"]
    assert leftovers(packed) == []


@pytest.mark.parametrize("name", ["notes.txt", "other.zip", ".hidden", "folder/file"])
def test_what_flowdsl_did_not_write_stops_the_build_and_stays(packed, name):
    packed.build()
    before = packed.content()
    packed.write({f"build/{name}": "mine", "handlers/setup/texts.json": "[1]"})
    with pytest.raises(FlowError, match="contains files that flowdsl did not write") as caught:
        packed.build()
    assert "--output" in caught.value.diagnostics[0].hint
    assert (packed.output / name).read_text() == "mine"
    assert {file: data for file, data in before.items() if (packed.output / file).read_bytes() != data} == {}


def test_a_file_that_appears_while_building_stays_too(packed):
    packed.build()
    packed.write({"handlers/setup/texts.json": "[1]"})

    def interfere(_name, _what):
        (packed.output / "mine.txt").write_text("mine")

    with pytest.raises(FlowError, match=r"mine\.txt"):
        build(
            [Function("setup", "handlers/setup")],
            {},
            root=packed.root,
            output=packed.output,
            hashed=False,
            on_progress=interfere,
        )
    assert (packed.output / "mine.txt").read_text() == "mine"


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"format": 0}', '{"format": 1, "functions": {"a": {}}, "definitions": {}}']
)
def test_a_damaged_manifest_is_an_error_that_loses_nothing(packed, text):
    packed.build()
    (packed.output / "manifest.json").write_text(text)
    before = packed.content()
    with pytest.raises(FlowError, match=r"manifest\.json cannot be read"):
        packed.build()
    assert packed.content() == before


def test_an_output_that_is_a_file_or_in_a_handler(packed):
    packed.write({"out": "mine"})
    with pytest.raises(FlowError, match="out is not a folder"):
        build([], {}, root=packed.root, output=packed.root / "out")
    with pytest.raises(FlowError, match="inside the folder of function 'setup'"):
        build([Function("setup", "handlers/setup")], {}, root=packed.root, output=packed.root / "handlers/setup/build")
    with pytest.raises(FlowError, match="contains files that flowdsl did not write"):
        build([], {}, root=packed.root, output=packed.root)


def test_an_output_that_no_folder_can_have(packed):
    (packed.root / "circle").symlink_to("circle")
    for name in ("circle", "x" * 300, "circle/build"):
        with pytest.raises(FlowError, match="FD63"):
            build([], {}, root=packed.root, output=packed.root / name)
    assert leftovers(packed) == []


@pytest.mark.parametrize("name", ["../x.asl.json", "x.json", "manifest.json", ".asl.json"])
def test_a_definition_has_a_plain_name(packed, name):
    with pytest.raises(FlowError, match="invalid file name"):
        packed.build(definitions={name: "{}"})


def test_a_folder_that_cannot_be_written(packed, monkeypatch):
    def refuse(*_):
        raise PermissionError(errno.EACCES, "Permission denied", "build")

    monkeypatch.setattr(workspace, "_swap", refuse)
    with pytest.raises(FlowError, match="build could not be written: Permission denied"):
        packed.build()
    assert leftovers(packed) == []


@pytest.mark.parametrize("link", [".flowdsl", ".flowdsl/build", ".flowdsl/build/lock", ".flowdsl/build/.gitignore"])
def test_links_of_the_project_lead_nowhere(packed, tmp_path, link):
    """A project may come with them: what they lead to is not flowdsl's."""
    mine = tmp_path / "mine"
    for folder in (mine, mine / "build"):
        (folder / "build-1").mkdir(parents=True)
        for name in ("file", ".gitignore", "lock", "build-1/file"):
            (folder / name).write_text("mine")
    before = {file: file.read_bytes() for file in mine.rglob("*") if file.is_file()}
    place = packed.root / link
    place.parent.mkdir(parents=True, exist_ok=True)
    place.symlink_to(mine / "file" if link.endswith(("lock", "ignore")) else mine)
    if link.endswith("ignore"):
        packed.build()
    else:
        with pytest.raises(FlowError, match="is a symbolic link") as caught:
            packed.build()
        assert caught.value.diagnostics[0].code == "FD630"
        assert not packed.output.exists()
    assert {file: file.read_bytes() for file in mine.rglob("*") if file.is_file()} == before


def test_a_killed_build_that_came_with_the_project_moves_no_link(packed, tmp_path):
    (tmp_path / "mine").mkdir()
    (packed.root / ".flowdsl/build/build-1").mkdir(parents=True)
    (packed.root / ".flowdsl/build/build-1/old").symlink_to(tmp_path / "mine")
    packed.build()
    assert not packed.output.is_symlink()
    assert [*(tmp_path / "mine").iterdir()] == []


# --- interruptions


@pytest.mark.parametrize(
    "death",
    [
        'run(lambda name, what: die() if "installing" in what else None, "new")',
        'run(lambda name, what: die() if "packaged" in what else None, "new")',
        'run(lambda name, what: die() if (name, what[:8]) == ("setup", "packaged") else None, "new")',
        'workspace._swap = die; run(text="new")',
    ],
)
def test_kill_9_leaves_the_build_before(packed, death):
    start(packed, "run()").wait(60)
    before = packed.content()
    packed.write({"handlers/setup/texts.json": "[1]"})
    assert start(packed, death).wait(60) == -signal.SIGKILL
    assert packed.content() == before
    assert start(packed, 'run(text="new")').wait(60) == 0
    assert is_whole(packed.output).definitions != json.loads(before["manifest.json"])["definitions"]
    assert leftovers(packed) == []


def test_kill_9_after_the_swap_leaves_the_new_build(packed):
    start(packed, "run()").wait(60)
    death = 'swap = workspace._swap\nworkspace._swap = lambda *a: (swap(*a), die())\nrun(text="new")'
    assert start(packed, death).wait(60) == -signal.SIGKILL
    assert (packed.output / "payment.asl.json").read_text() == "new"
    is_whole(packed.output)
    start(packed, "run()").wait(60)
    assert leftovers(packed) == []


def test_the_next_build_undoes_a_kill_9_between_the_two_renames(packed):
    start(packed, "run()").wait(60)
    before = packed.content()
    death = (
        "rename, count = Path.rename, []\n"
        "def once(self, to):\n    die() if count else count.append(1)\n    return rename(self, to)\n"
        'Path.rename = once\nrun(text="new")'
    )
    assert start(packed, death).wait(60) == -signal.SIGKILL
    assert not packed.output.exists()
    (packed.root / "handlers/setup/handler.py").write_text("broken(")
    assert start(packed, "run()", stderr=subprocess.DEVNULL).wait(60) == 1
    assert packed.content() == before


def test_a_rename_that_fails_leaves_the_build_before(packed, monkeypatch):
    packed.build()
    before = packed.content()
    rename = Path.rename

    def refuse_new(self, target):
        if self.name == "new":
            raise PermissionError(errno.EACCES, "Permission denied", str(self))
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", refuse_new)
    with pytest.raises(FlowError, match="build could not be written: Permission denied"):
        packed.build(definitions={"payment.asl.json": "new"})
    assert packed.content() == before
    assert leftovers(packed) == []


def test_kill_9_at_any_moment_leaves_a_whole_build(packed):
    texts = {"{}"}
    start(packed, "run()").wait(60)
    chance = random.Random(7)
    began = time.monotonic()
    start(packed, 'run(text="0")').wait(60)
    usual = time.monotonic() - began
    texts.add("0")
    for number in range(1, 11):
        packed.write({"handlers/setup/texts.json": f"[{number}]"})
        running = start(packed, f'run(text="{number}")', stderr=subprocess.DEVNULL)
        time.sleep(usual * chance.uniform(0.3, 1.1))
        running.kill()
        running.wait(60)
        texts.add(str(number))
        if not packed.output.exists():  # killed between the two renames
            start(packed, f'run(text="{number}")').wait(60)
        is_whole(packed.output)
        assert (packed.output / "payment.asl.json").read_text() in texts


def test_ctrl_c_leaves_the_build_before_and_nothing_else(packed):
    start(packed, "run()").wait(60)
    before = packed.content()
    packed.write({"handlers/setup/texts.json": "[1]"})
    code = (
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        'run(lambda name, what: os.kill(os.getpid(), signal.SIGINT), "new")'
    )
    assert start(packed, code, stderr=subprocess.DEVNULL).wait(60) != 0
    assert packed.content() == before
    assert leftovers(packed) == []


def test_a_full_disk_leaves_the_build_before(packed):
    start(packed, "run()").wait(60)
    before = packed.content()
    (packed.root / "handlers/setup/noise.bin").write_bytes(random.Random(1).randbytes(200_000))
    code = (
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))\n"
        'try:\n    run(text="new")\nexcept FlowError as error:\n    print(error)\n    sys.exit(2)'
    )
    running = start(packed, code, stdout=subprocess.PIPE)
    said, _ = running.communicate(timeout=60)
    assert running.returncode == 2
    assert "build could not be written: File too large" in said
    assert packed.content() == before
    assert leftovers(packed) == []


def test_builds_at_once_wait_for_each_other(packed):
    script = (
        "def tell(name, what):\n    print(what, flush=True)\n"
        "    if 'waiting' in what: Path('..', f'waiting-{{os.getpid()}}').touch()\n"
        "    while 'waiting' not in what and len([*Path('..').glob('waiting-*')]) < 3: time.sleep(0.02)\n"
        'run(tell, "{}")'
    )
    running = [start(packed, script.format(number), stdout=subprocess.PIPE) for number in range(4)]
    said = [one.communicate(timeout=60)[0] for one in running]
    assert [one.returncode for one in running] == [0] * 4
    assert sum("waiting for another build of build" in one for one in said) == 3
    assert sum("unchanged" in one for one in said) == 3
    is_whole(packed.output)
    assert (packed.output / "payment.asl.json").read_text() in {"0", "1", "2", "3"}
    assert leftovers(packed) == []
