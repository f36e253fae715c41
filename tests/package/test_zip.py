"""What is in a zip, and that it is always the same bytes."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import stat
import subprocess
import sys
import zipfile
from pathlib import Path
from unicodedata import normalize

import pytest

from flowdsl import Function
from flowdsl.base.diagnostics import FlowError
from flowdsl.package import archive

pytestmark = pytest.mark.slow

SETUP = ["handlers/__init__.py", "handlers/setup/greeting.py", "handlers/setup/handler.py", "handlers/setup/texts.json"]


def test_the_manifest_says_what_was_built(project):
    made = project.build()
    data = (project.output / "setup.zip").read_bytes()
    assert project.names() == SETUP
    function = json.loads((project.output / "manifest.json").read_text())["functions"]["setup"]
    assert function["handler"] == "handlers.setup.handler.handler"
    assert (function["runtime"], function["architecture"]) == ("python3.14", "arm64")
    assert function["sha256"] == hashlib.sha256(data).hexdigest()
    assert base64.b64decode(function["code_sha256"]).hex() == function["sha256"]
    assert function["size"] == len(data)
    assert function["unzipped"] == sum((project.root / name).stat().st_size for name in SETUP)
    assert made.functions["setup"].code_sha256 == function["code_sha256"]
    text = (project.output / "manifest.json").read_text()
    assert str(project.root) not in text
    assert (
        made.definitions["payment.asl.json"]
        == hashlib.sha256((project.output / "payment.asl.json").read_bytes()).hexdigest()
    )


def test_tests_byte_code_and_hidden_files_stay_at_home(project):
    project.write(
        {
            "handlers/setup/test_handler.py": "",
            "handlers/setup/__main__.py": "import click\n",
            "handlers/setup/conftest.py": "",
            "handlers/setup/tests/test_more.py": "",
            "handlers/setup/__pycache__/handler.cpython-314.pyc": "",
            "handlers/setup/.env": "SECRET=1",
            "handlers/setup/.venv/pyvenv.cfg": "",
            "handlers/setup/requirements.in": "",
            "handlers/setup/requirements.txt": "# nothing yet\n",
        }
    )
    project.build()
    assert project.names() == SETUP


SCRIPT = """
import os, sys
from pathlib import Path
os.umask(int(sys.argv[1], 8))
os.chdir(sys.argv[2])
from flowdsl import Function
from flowdsl.package.assembly import build
build([Function("setup", "handlers/setup"), Function("intel", "handlers/setup", architecture="x86_64")],
      {"payment.asl.json": "{}"}, root=Path(sys.argv[3]), output=Path(sys.argv[3]) / "build", hashed=False)
"""


def test_the_same_bytes_in_other_folders_with_other_umasks_dates_and_modes(new_project, tmp_path):
    built = []
    for number, (umask, seed, date, mode) in enumerate([("022", "1", 10**9, 0o644), ("077", "2", 1.5 * 10**9, 0o700)]):
        made = new_project(f"deep/{'er/' * number}project")
        for files in (["pure/__init__.py"], ["fast.so", "fast.py"]):
            made.wheel(
                files[0].partition("/")[0].partition(".")[0],
                files={name: b"\x7fELF" if name.endswith(".so") else b"" for name in files},
                scripts=["tool"],
            )
        made.require("pure==1.0", "fast==1.0")
        # As macOS may have it, and as Linux has it; Python itself imports the second.
        made.write({f"handlers/setup/{normalize(['NFD', 'NFC'][number], 'größe.json')}": "{}"})
        made.write({"handlers/setup/Data.txt": "1", "handlers/setup/data.txt": "2"})
        for path in sorted(made.root.rglob("*"), reverse=number == 1):
            os.utime(path, (date, date))
            if path.is_file():
                path.chmod(mode)
        path = str(Path(__file__).parents[2])
        env = {
            **os.environ,
            "PYTHONPATH": path,
            "PYTHONHASHSEED": seed,
            "UV_COMPILE_BYTECODE": str(number),
            "UV_LINK_MODE": "hardlink",
            "TZ": ["Asia/Tokyo", "America/New_York"][number],
            "LC_ALL": ["C", "C.UTF-8"][number],
        }
        command = [sys.executable, "-c", SCRIPT, umask, str([tmp_path, made.root][number]), str(made.root)]
        subprocess.run(command, check=True, env=env, timeout=60)
        built.append(made)
    one, other = built
    assert one.content() == other.content()
    assert sorted(one.content()) == ["intel.zip", "manifest.json", "payment.asl.json", "setup.zip"]
    with zipfile.ZipFile(one.output / "setup.zip") as opened:
        names = [f"handlers/setup/{name}" for name in ("größe.json", "Data.txt", "data.txt")]
        assert {*names} <= {*opened.namelist()}


def test_dates_modes_and_owner_are_fixed(project):
    project.write({"handlers/setup/tool.sh": "#!/bin/sh\n"})
    (project.root / "handlers/setup/greeting.py").chmod(0o777)
    project.build()
    with zipfile.ZipFile(project.output / "setup.zip") as opened:
        entries = opened.infolist()
    assert [entry.filename for entry in entries] == sorted(entry.filename for entry in entries)
    assert {entry.date_time for entry in entries} == {(1980, 1, 1, 0, 0, 0)}
    assert {entry.create_system for entry in entries} == {3}
    modes = {entry.filename: entry.external_attr >> 16 for entry in entries}
    assert modes.pop("handlers/setup/tool.sh") == stat.S_IFREG | 0o755
    assert set(modes.values()) == {stat.S_IFREG | 0o644}


def test_a_packaged_handler_runs_from_its_zip_alone(project, tmp_path):
    project.wheel("polite", files={"polite/__init__.py": b"def bow(name): return f'Dear {name}'\n"})
    project.require("polite==1.0")
    project.write(
        {
            "handlers/setup/greeting.py": "import polite\nfrom handlers.shared import texts\n\n\n"
            "def greet(name):\n    return texts.END.join([polite.bow(name), ''])\n",
            "handlers/shared/texts.py": "END = '!'\n",
        }
    )
    project.build()
    with zipfile.ZipFile(project.output / "setup.zip") as opened:
        opened.extractall(tmp_path / "var" / "task")
    code = (
        "import sys, importlib; sys.path.insert(0, sys.argv[1]); module, name = sys.argv[2].rsplit('.', 1)\n"
        "print(getattr(importlib.import_module(module), name)({'name': 'Ann'}, None))"
    )
    handler = json.loads((project.output / "manifest.json").read_text())["functions"]["setup"]["handler"]
    command = [sys.executable, "-I", "-S", "-c", code, str(tmp_path / "var" / "task"), handler]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, cwd=tmp_path)
    assert (done.stdout, done.stderr) == ("Dear Ann!\n", "")


def test_what_is_too_large_unzipped_is_named(project, monkeypatch):
    monkeypatch.setattr(archive, "UNZIPPED_LIMIT", 3 * 2**20)
    project.write({"handlers/setup/model.bin": "x" * 2 * 2**20})
    project.build()
    before = project.content()
    project.wheel("heavy", files={"heavy/data.bin": b"y" * 2 * 2**20})
    project.require("heavy==1.0")
    with pytest.raises(FlowError) as caught:
        project.build()
    message = str(caught.value)
    assert "FD620" in message
    assert "4.0 MB; Lambda's limit is 3.0 MB" in message
    assert "handlers 2.0 MB" in message
    assert "heavy 2.0 MB" in message
    assert project.content() == before


def test_what_is_too_large_zipped_is_named(project, monkeypatch):
    monkeypatch.setattr(archive, "ZIPPED_LIMIT", 2**20)
    (project.root / "handlers/setup/noise.bin").write_bytes(os.urandom(2 * 2**20))
    with pytest.raises(FlowError, match=r"setup\.zip is 2\.0 MB; Lambda's limit is 1\.0 MB.*handlers/setup/noise\.bin"):
        project.build()
    assert not project.output.exists()


def test_the_zip_itself_is_measured(project, monkeypatch):
    """Of many small files the names are more than the contents."""
    monkeypatch.setattr(archive, "ZIPPED_LIMIT", 20_000)
    project.write({f"handlers/setup/{'n' * 100}{number}.txt": "" for number in range(100)})
    with pytest.raises(FlowError, match=r"setup\.zip is 3\d\.\d KB; Lambda's limit is 19\.5 KB"):
        project.build()


def test_a_real_file_larger_than_lambda_takes(project):
    with (project.root / "handlers/setup/sparse.bin").open("wb") as file:
        file.truncate(250 * 2**20)
    with pytest.raises(FlowError, match=r"sparse\.bin, 250\.0 MB"):
        project.build()


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (Function("no spaces", "handlers/setup"), "invalid name for a Lambda function"),
        (Function("../up", "handlers/setup"), "invalid name for a Lambda function"),
        (Function("a", "handlers/gone"), "folder handlers/gone does not exist"),
        (Function("a", "../elsewhere"), "not a folder of the project"),
        (Function("a", "/handlers"), "not a folder of the project"),
        (Function("a", "handlers/setup", python="2.7"), "no runtime python2.7"),
        (Function("a", "handlers/setup", architecture="riscv"), "no architecture 'riscv'"),  # type: ignore[arg-type]
        (Function("a", "handlers/setup", handler="handler"), "is not of the form module.function"),
        (Function("a", "handlers/setup", handler="other.handler"), "handlers/setup/other.py does not exist"),
        (Function("a", "handlers/setup", handler="handler.main"), "handlers/setup/handler.py does not define main"),
        (Function("a", "handlers/setup", include=["conf/*.json"]), "include 'conf/*.json' matches no file"),
        (Function("a", "handlers/setup", include=[""]), "include '' matches no file"),
        (Function("a", "handlers/setup", include=["../*"]), "matches no file of the project"),
    ],
)
def test_a_wrong_function_is_one_error_on_the_authors_line(project, function, message):
    with pytest.raises(FlowError) as caught:
        project.build(function)
    (diagnostic,) = caught.value.diagnostics
    assert message in diagnostic.message
    assert diagnostic.hint
    assert diagnostic.span
    assert diagnostic.span.file == __file__
    assert not project.output.exists()


def test_two_functions_of_one_name(project):
    one = Function("setup", "handlers/setup")
    assert list(project.build(one, one).functions) == ["setup"]
    with pytest.raises(FlowError, match="two different functions"):
        project.build(one, Function("Setup", "handlers/setup"))


def test_links_out_of_the_project_are_refused(project, tmp_path):
    (tmp_path / "secret").write_text("s")
    (project.root / "handlers/setup/secret").symlink_to(tmp_path / "secret")
    with pytest.raises(FlowError, match="symbolic link out of the project"):
        project.build()


@pytest.mark.parametrize("how", ["included", "imported"])
def test_what_is_behind_a_link_out_of_the_project_is_refused(project, tmp_path, how):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "keys.py").write_text("KEY = 1\n")
    (project.root / "theirs").symlink_to(elsewhere)
    function = Function("setup", "handlers/setup", include=["theirs/*.py"] if how == "included" else [])
    if how == "imported":
        project.write({"handlers/setup/handler.py": "from theirs import keys\ndef handler(event, context): return 1\n"})
    with pytest.raises(FlowError, match=r"theirs/keys\.py is behind a symbolic link out of the project"):
        project.build(function)


def test_a_link_within_the_project_is_packaged_as_what_it_leads_to(project):
    project.write({"texts/end.txt": "Bye"})
    (project.root / "handlers/setup/end.txt").symlink_to(project.root / "texts/end.txt")
    project.build()
    with zipfile.ZipFile(project.output / "setup.zip") as opened:
        assert opened.read("handlers/setup/end.txt") == b"Bye"
        assert opened.getinfo("handlers/setup/end.txt").external_attr >> 16 == stat.S_IFREG | 0o644


def test_a_pipe_in_the_folder_is_refused(project):
    os.mkfifo(project.root / "handlers/setup/pipe")
    with pytest.raises(FlowError, match="not a regular file"):
        project.build()
