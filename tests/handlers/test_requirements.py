"""Each function's requirements: what it imports, all locked, and no more."""

from __future__ import annotations

import ast
import re
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = sorted(path.parent.name for path in ROOT.glob("handlers/*/handler.py"))
DISTRIBUTIONS = packages_distributions()


def closure(module: Path) -> set[Path]:
    """The module and all of handlers/ that it imports."""
    found, waiting = set(), [module]
    while waiting:
        current = waiting.pop()
        if current in found:
            continue
        found.add(current)
        for name in imported(current):
            if name.startswith("handlers"):
                waiting += files(name)
    return found


def files(name: str) -> list[Path]:
    path = ROOT.joinpath(*name.split("."))
    found = [path.with_suffix(".py"), path / "__init__.py", path.parent / "__init__.py"]
    return [each for each in found if each.exists()]


@cache
def imported(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            names |= {f"{node.module}.{alias.name}" for alias in node.names} | {str(node.module)}
    return names


def normalised(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def declared(folder: str) -> set[str]:
    lines = (ROOT / "handlers" / folder / "requirements.in").read_text().split()
    return {normalised(re.split("[<>=]", line)[0]) for line in lines}


@cache
def needed(folder: str) -> set[str]:
    modules = closure(ROOT / "handlers" / folder / "handler.py")
    roots = {name.split(".")[0] for module in modules for name in imported(module)} - {"handlers"}
    found = {normalised(DISTRIBUTIONS[root][0]) for root in roots if root in DISTRIBUTIONS}
    return found - {"botocore"}  # comes with boto3, and always in its version


def test_there_are_functions() -> None:
    assert {"setup", "select_psp", "psp_sandbox", "psp_stripe", "persist_output"} <= set(FOLDERS)


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_function_requires_what_it_imports(folder: str) -> None:
    assert declared(folder) == needed(folder)


@pytest.mark.parametrize("folder", FOLDERS)
def test_requirements_are_locked(folder: str) -> None:
    text = (ROOT / "handlers" / folder / "requirements.txt").read_text()
    locked = re.findall(r"^([A-Za-z0-9._-]+)==\S+ \\$", text, re.MULTILINE)
    assert declared(folder) <= {normalised(name) for name in locked}
    assert text.count("--hash=sha256:") >= len(locked) > 0
    assert f"#    flowdsl lock handlers/{folder}\n" in text


PSPS = [folder.removeprefix("psp_") for folder in FOLDERS if folder.startswith("psp_")]
COMMON = needed("psp_sandbox") | {"requests"}
"""What the functions of every PSP may need; the rest is the PSP's own library."""


@pytest.mark.parametrize("folder", FOLDERS)
def test_only_a_psps_own_functions_carry_its_library(folder: str) -> None:
    libraries = {psp: needed(f"psp_{psp}") - COMMON for psp in PSPS}
    own = {library for psp in PSPS if psp in folder for library in libraries[psp]}
    assert needed(folder) & set().union(*libraries.values()) == own


def test_the_library_of_a_psp_is_none_that_all_need() -> None:
    libraries = [needed(f"psp_{psp}") - COMMON for psp in ("adyen", "gocardless", "stripe")]
    assert libraries == [{"adyen"}, {"gocardless-pro"}, {"stripe"}]
