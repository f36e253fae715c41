"""What is published: sdist and wheel have what they should and nothing else, and PyPI can show the README."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tarfile
import zipfile
from email.parser import HeaderParser
from pathlib import Path

import pytest
import yaml

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sdist, and the wheel that is built from it."""
    folder = tmp_path_factory.mktemp("dist")
    done = subprocess.run(
        [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(ROOT)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.fixture(scope="module")
def wheel(dist: Path) -> zipfile.ZipFile:
    [file] = dist.glob("*.whl")
    return zipfile.ZipFile(file)


def tracked(*folders: str) -> set[str]:
    """The files of the project, without what tools leave beside them."""
    files = (file for folder in folders for file in (ROOT / folder).rglob("*") if file.is_file())
    kept = [each for each in files if "__pycache__" not in each.parts and ".hypothesis" not in each.parts]
    return {str(file.relative_to(ROOT)) for file in kept}


def test_the_wheel_has_the_package_alone(wheel):
    names = {name for name in wheel.namelist() if ".dist-info/" not in name}
    assert names == tracked("flowdsl") | {"flowdsl/server/checks.md"}
    assert wheel.read("flowdsl/server/checks.md") == (ROOT / "docs" / "checks.md").read_bytes()
    assert "flowdsl/scaffold/files/handlers/reserve/handler.py.txt" in names
    assert "flowdsl/py.typed" in names


def test_the_sdist_has_tests_and_docs(dist):
    [file] = dist.glob("*.tar.gz")
    with tarfile.open(file) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert tracked("flowdsl", "tests", "docs", "examples", "handlers", "scripts", ".github") <= names
    assert {
        "CHANGELOG.md",
        "LICENSE",
        "Makefile",
        "README.md",
        "action.yml",
        "capture_flow.py",
        "payment_flow.py",
        "refund_flow.py",
    } <= names
    top = {name.partition("/")[0] for name in names}
    assert top == {
        *(
            ".ci",
            ".gitattributes",
            ".github",
            ".gitignore",
            ".pre-commit-hooks.yaml",
            "CHANGELOG.md",
            "CONTRIBUTING.md",
            "LICENSE",
        ),
        *(
            "Makefile",
            "PKG-INFO",
            "README.md",
            "SECURITY.md",
            "action.yml",
            "benchmarks",
            "capture_flow.py",
            "changes",
            "docs",
            "examples",
        ),
        *("flowdsl", "handlers", "payment_flow.py", "pyproject.toml", "refund_flow.py", "scripts", "tests"),
    }
    stray = ("__pycache__", ".pyc", ".flowdsl", ".hypothesis", ".venv", "build/")
    assert not [name for name in names if any(each in name for each in stray)]


def test_the_metadata(wheel):
    [name] = [name for name in wheel.namelist() if name.endswith(".dist-info/METADATA")]
    metadata = HeaderParser().parsestr(wheel.read(name).decode())
    assert metadata["License-Expression"] == "Apache-2.0"
    assert metadata["Requires-Python"] == ">=3.11"
    assert metadata["Description-Content-Type"] == "text/markdown"
    assert {each.partition(">")[0] for each in metadata.get_all("Requires-Dist") if ";" not in each} == {
        "attrs",
        "click",
        "simplejson",
    }


def twine_check(dist: Path) -> int:
    files = [str(each) for each in dist.iterdir()]
    command = [sys.executable, "-m", "twine", "check", "--strict", *files]
    return subprocess.run(command, capture_output=True, text=True, check=False).returncode


def test_pypi_takes_them(dist):
    assert twine_check(dist) == 0


@pytest.fixture(scope="module")
def released(dist: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel and the sdist of a release, made of the sdist with the step of the workflow that adds addresses."""
    folder = tmp_path_factory.mktemp("release")
    [file] = dist.glob("*.tar.gz")
    with tarfile.open(file) as archive:
        archive.extractall(folder, filter="data")
    [source] = folder.iterdir()
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "release.yml").read_text())
    [step] = [each for each in workflow["jobs"]["build"]["steps"] if "addresses" in each.get("name", "")]
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    github = {"GITHUB_SERVER_URL": "https://github.com", "GITHUB_REPOSITORY": "org/flows", "GITHUB_REF_NAME": "v9.9.9"}
    subprocess.run(
        ["bash", "-e", "-c", step["run"]], cwd=source, env={**os.environ, "PATH": path, **github}, check=True
    )
    build = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder / "dist"), str(source)]
    done = subprocess.run(build, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "dist"


def test_a_release_leads_to_its_repository(released):
    """PyPI's page has no other files: each link and picture of README.md needs a whole address there."""
    pytest.importorskip("comrak", reason="README.md is not rendered without readme-renderer[md]")
    from readme_renderer.markdown import render

    [wheel] = released.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        [name] = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        metadata = HeaderParser().parsestr(archive.read(name).decode())
    repository = "https://github.com/org/flows"
    assert dict(each.split(", ") for each in metadata.get_all("Project-URL")) == {
        "Source": repository,
        "Documentation": f"{repository}/tree/v9.9.9/docs",
        "Issues": f"{repository}/issues",
        "Changelog": f"{repository}/blob/v9.9.9/CHANGELOG.md",
    }
    page = render(metadata.get_payload())
    links = re.findall(r'<(?:a|img)\b[^>]* (?:href|src)="([^#"][^"]*)"', page)
    assert f"{repository}/blob/v9.9.9/docs/tutorial.md" in links
    assert f"{repository}/raw/v9.9.9/docs/pictures/payment.svg" in links
    for link in links:
        [place] = re.findall(rf"^{repository}/(?:blob|raw)/v9\.9\.9/([^#]+)", link)
        assert (ROOT / place).is_file(), link
    assert "$ pip install 'flowdsl[" in metadata.get_payload()
    assert twine_check(released) == 0
