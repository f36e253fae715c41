"""No code of a package runs on this computer, whatever the project says to uv."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from flowdsl import Function
from flowdsl.base.diagnostics import FlowError
from flowdsl.package import locking
from flowdsl.package.building import refuse_editable, refuse_settings

pytestmark = pytest.mark.slow

SETUP = Function("setup", "handlers/setup")


@pytest.fixture
def evil(project: Any) -> Path:
    """The project has a package whose setup writes a file; return that file."""
    ran: Path = project.root / "ran"
    project.write(
        {
            "evil/setup.py": f"open({str(ran)!r}, 'w')\n",
            "evil/backend.py": f"open({str(ran)!r}, 'w')\n",
            "evil/pyproject.toml": "[build-system]\nrequires = []\nbuild-backend = 'backend'\nbackend-path = ['.']\n",
            "evil/PKG-INFO": "Metadata-Version: 2.1\nName: evil\nVersion: 1.0\n",
        }
    )
    (project.root / "wheels").mkdir()
    command = ["tar", "czf", "wheels/evil-1.0.tar.gz", "--transform", "s/^evil/evil-1.0/", "evil"]
    subprocess.run(command, check=True, cwd=project.root)
    return ran


def lock(project: Any, *lines: str) -> None:
    text = "\n".join(["--no-index", "--find-links ../../wheels", *lines, ""])
    project.write({"handlers/setup/requirements.in": text})
    locking.lock(project.root / "handlers/setup", project.root, [SETUP])


SETTINGS = {
    "pyproject.toml": '[tool.uv.pip]\nno-binary = ["evil"]\n',
    "uv.toml": '[pip]\nno-binary = ["evil"]\n',
    "handlers/uv.toml": '[pip]\nno-binary = ["evil"]\n',
    "handlers/setup/pyproject.toml": '[tool.uv]\n"\\u0070ip" = {"no\\u002dbinary" = ["evil"]}\n',
}


@pytest.mark.parametrize("file", SETTINGS)
def test_settings_of_the_project_build_nothing(project: Any, evil: Path, file: str):
    project.write({file: SETTINGS[file]})
    project.require("evil==1.0")
    with pytest.raises(FlowError, match=r"FD612 .*no-binary in .* has uv build packages"):
        project.build()
    if not file.startswith("handlers"):  # uv looks around the current folder
        with pytest.raises(FlowError, match=r"FD614 .*no-binary"):
            lock(project, "evil")
    assert not evil.exists()


def test_settings_that_build_nothing_are_the_projects_own(project: Any):
    project.write(
        {"pyproject.toml": "[tool.uv]\npip = {no-binary = []}\n", "uv.toml": "[[index]]\nurl = 'https://a/b'\n"}
    )
    refuse_settings(project.root / "handlers", "FD612")


def test_settings_that_cannot_be_read_are_refused(project: Any):
    """uv may read TOML that we cannot."""
    project.write({"uv.toml": "[pip]\nno-binary = [\n"})
    with pytest.raises(FlowError, match=r"uv\.toml, which may have settings of uv, cannot be read"):
        refuse_settings(project.root, "FD612")


@pytest.mark.parametrize("text", ["[pip]\nno-binary = [\n", '[pip]\nno-binary = ["evil"]\n'])
def test_settings_that_uv_does_not_read_are_no_matter(project: Any, evil: Path, monkeypatch: Any, text: str):
    project.write({"uv.toml": text})
    with pytest.raises(FlowError, match="or set UV_NO_CONFIG=1"):
        refuse_settings(project.root, "FD612")
    monkeypatch.setenv("UV_NO_CONFIG", "1")
    with pytest.raises(FlowError, match="FD614 uv cannot lock"):  # it has no wheel
        lock(project, "evil")
    assert not evil.exists()


def test_no_binary_of_nothing_builds_nothing(project: Any):
    project.write({"uv.toml": '[pip]\nno-binary = [":none:"]\n'})
    refuse_settings(project.root, "FD612")


def test_a_file_in_a_folder_that_a_variable_names(project: Any, monkeypatch: Any):
    project.write({"shared/good.in": "evil\n", "shared/evil.in": "-e ./evil\n"})
    file = project.root / "handlers/setup/requirements.in"
    file.write_text("-r ${SHARED}/good.in\n-c ${SHARED}/evil.in\n")
    with pytest.raises(FlowError, match=r"no file of the project: -r \$\{SHARED\}/good\.in"):
        refuse_editable(file, "FD614")
    monkeypatch.setenv("SHARED", "../../shared")
    with pytest.raises(FlowError, match=r"evil\.in:1:1: error FD614 -e \./evil is editable") as caught:
        refuse_editable(file, "FD614")
    assert len(caught.value.diagnostics) == 1


def test_what_is_elsewhere_can_be_downloaded(project: Any):
    file = project.root / "handlers/setup/requirements.in"
    file.write_text("-c https://example.org/constraints.txt\n")
    with pytest.raises(FlowError, match="download it into the project"):
        refuse_editable(file, "FD614")


EDITABLE = [
    "-e ./evil",
    "-e ../../evil",
    "-e evil",
    "-e file:evil",
    "--editable=./evil",
    "-e./evil",
    "--no-index \\\n-e ./evil",
    "# a comment \\\n-e ./evil",
    "\t-e ./evil # why",
    "\f-e ./evil",
    "\u00a0-e ./evil",
    "\u2028-e ./evil",
    "evil @ file:evil\r-e ./evil",
    "-r more.in",
    "--requirement=more.in",
    "-c more.in",
    "-r link.in",
]


@pytest.mark.parametrize("line", EDITABLE)
def test_editable_requirements_are_refused_before_uv_reads_them(project: Any, evil: Path, line: str):
    project.write({"handlers/setup/more.in": "\n-e ./evil\n"})
    (project.root / "handlers/setup/link.in").symlink_to("more.in")
    with pytest.raises(FlowError, match=r"FD614 .*-e.* is editable|--editable.* is editable") as caught:
        lock(project, line)
    assert not evil.exists()
    assert not (project.root / "handlers/setup/requirements.txt").exists()
    assert caught.value.diagnostics[0].span.line > (1 if "more" in line or "link" in line else 2)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_in_any_encoding_that_uv_reads(project: Any, encoding: str):
    file = project.root / "handlers/setup/requirements.in"
    file.write_text("-e ./evil\n", encoding=encoding)
    with pytest.raises(FlowError, match=r"requirements\.in:1:1: error FD614 -e \./evil is editable"):
        refuse_editable(file, "FD614")


@pytest.mark.parametrize(
    "line",
    [
        "-r gone.in",
        "-r ${HOME}/more.in",
        "-r https://example.org/more.in",
        "-r \\\nmore.in",
        "-r 'more.in'",
        "-c /dev/zero",
    ],
)
def test_what_a_file_includes_must_be_known(project: Any, evil: Path, line: str):
    project.write({"handlers/setup/more.in": "-e ./evil\n"})
    with pytest.raises(FlowError, match="no file of the project: -"):
        lock(project, line)
    assert not evil.exists()


def test_files_that_include_each_other(project: Any):
    project.wheel("pure")
    names = ["more.in", "../setup/more.in", "other-e.in"]
    project.write(
        {
            "handlers/setup/more.in": f"-r requirements.in\n-r {names[1]}\n-c {names[2]}\n",
            "handlers/setup/other-e.in": "pure<2 # not -e pure\n",
        }
    )
    lock(project, "-c more.in", "pure")
    assert "pure==1.0" in (project.root / "handlers/setup/requirements.txt").read_text()


@pytest.mark.parametrize("line", ["./evil", "evil @ file:./evil", "evil"])
def test_sources_are_not_built(project: Any, evil: Path, line: str):
    with pytest.raises(FlowError, match=r"FD614"):
        lock(project, line)
    assert not evil.exists()


def test_a_lock_is_not_written_through_a_link_out_of_the_project(project: Any, tmp_path: Path):
    project.wheel("pure")
    (tmp_path / "mine").write_text("mine")
    (project.root / "handlers/setup/requirements.txt").symlink_to(tmp_path / "mine")
    with pytest.raises(FlowError, match="is a symbolic link out of the project"):
        lock(project, "pure")
    assert (tmp_path / "mine").read_text() == "mine"
