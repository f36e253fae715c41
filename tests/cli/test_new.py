"""`flowdsl new`: what it creates works at once."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib

import pytest
import yaml

from flowdsl import scaffold
from tests.cli.conftest import ROOT

NAME = "order-flow"


@pytest.fixture
def created(project):
    (project.root / "pyproject.toml").unlink()
    done = project.run("new", NAME)
    assert done.exit_code == 0, done.stderr
    assert {f"{NAME}/{name}" for name in scaffold.project_files(NAME)} == {*done.stdout.split()}
    return project.root / NAME


def command(created, *arguments, **options):
    run = [sys.executable, *arguments]
    env = {"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", "HOME": str(created.parent)}
    return subprocess.run(run, cwd=created, env=env, capture_output=True, text=True, check=False, **options)


@pytest.mark.slow
def test_the_steps_that_it_names_can_be_copied(project):
    done = project.run("new", NAME, "--folder", "my orders")
    steps = re.findall("^  (.+)", done.stderr, re.MULTILINE)
    assert [step.split()[0] for step in steps] == ["cd", "flowdsl", "flowdsl", "python"]
    script = ["bash", "-ec", "\n".join(steps)]
    shell = subprocess.run(
        script, cwd=project.root, env=project.environment, capture_output=True, text=True, check=False
    )
    assert shell.returncode == 0, shell.stdout + shell.stderr
    assert "5 passed" in shell.stdout


@pytest.mark.parametrize("target", ["empty", "later"])
def test_a_link_to_a_folder_is_followed(project, target):
    (project.root / "empty").mkdir()
    (project.root / "link").symlink_to(target)
    done = project.run("new", NAME, "--folder", "link")
    assert done.exit_code == 0, done.stderr
    assert (project.root / target / "flow.py").is_file()
    assert (project.root / "link").is_symlink()


def test_what_is_in_the_way_is_named(project):
    done = project.run("new", NAME, "--folder", "hello.py/shop")
    assert done.exit_code == 2
    assert "FD708 hello.py/shop cannot be written: File exists (hello.py)" in done.stderr


@pytest.mark.parametrize("address", ["file:///projects/flowdsl", None])
def test_an_installation_that_is_not_from_an_index_is_named(project, tmp_path, monkeypatch, address):
    folder = tmp_path / "flowdsl-9.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Name: flowdsl\nVersion: 9\n")
    if address:
        (folder / "direct_url.json").write_text(json.dumps({"url": address, "dir_info": {}}))
    monkeypatch.syspath_prepend(tmp_path)
    said = project.run("new", NAME).stderr
    assert (f"installed from {address}. If" in said) == bool(address)


@pytest.mark.slow
def test_check_run_and_tests_pass(created):
    done = command(created, "-m", "flowdsl", "check", "--strict")
    assert (done.returncode, done.stdout) == (0, ""), done.stdout
    (line,) = re.findall("flowdsl (run .*)", (created / "README.md").read_text())
    order = re.search("'(.*)'", line)
    done = command(created, "-m", "flowdsl", "run", "--input", order[1])
    assert done.returncode == 0, done.stderr
    assert '"page": "/orders/1"' in done.stdout
    done = command(created, "-m", "pytest", "-q", "-p", "no:cacheprovider")
    assert done.returncode == 0, done.stdout
    assert "1 snapshot passed" in done.stdout


@pytest.mark.slow
def test_the_linter_likes_it(created):
    assert command(created, "-m", "ruff", "check", "--isolated", "--line-length=120").returncode == 0
    assert command(created, "-m", "ruff", "format", "--check", "--isolated", "--line-length=120").returncode == 0


def test_its_settings_and_pipeline_can_be_read(created):
    settings = tomllib.loads((created / "pyproject.toml").read_text())
    assert settings["project"]["name"] == NAME
    extras = re.search(r"flowdsl\[([^]]*)\]", str(settings["dependency-groups"]["dev"]))
    own = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert {*extras[1].split(",")} <= {*own}
    pipeline = yaml.safe_load((created / ".github/workflows/ci.yml").read_text())
    targets = {*re.findall(r"^(\w+):", (created / "Makefile").read_text(), re.MULTILINE)}
    runs = [step["run"] for step in pipeline["jobs"]["test"]["steps"] if "run" in step]
    assert {run.split()[1] for run in runs if run.startswith("make ")} <= targets


@pytest.mark.parametrize("name", ["", "1st", "a b", "../up", "é", "a" * 56, "-x"])
def test_names_that_aws_would_refuse(project, name):
    done = project.run("new", "--", name)
    assert done.exit_code == 2
    assert "FD708" in done.stderr
    assert not list(project.root.glob("*/flow.py"))


def test_a_folder_with_files_is_left_alone(project):
    project.write(f"{NAME}/mine.txt", "mine")
    done = project.run("new", NAME)
    assert done.exit_code == 2
    assert f"FD708 {NAME} already exists" in done.stderr
    assert [file.name for file in (project.root / NAME).iterdir()] == ["mine.txt"]
    done = project.run("new", NAME, "--folder", "hello.py")
    assert done.exit_code == 2
    assert [file.name for file in project.root.iterdir() if file.name.startswith(".")] == []


def test_an_empty_folder_is_taken(project):
    (project.root / "empty").mkdir()
    assert project.run("new", NAME, "--folder", "empty").exit_code == 0
    assert (project.root / "empty/flow.py").is_file()
