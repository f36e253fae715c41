"""The flow files in a folder, found without running them."""

from __future__ import annotations

import ast
import os
import re
from collections.abc import Iterator
from pathlib import Path

from ..base.diagnostics import FlowError
from ..base.patterns import regex
from ..base.source import display_path

_DEFINITION = regex(r".+\.asl\.(json|ya?ml)", re.IGNORECASE)
_OTHERS = frozenset({"__snapshots__", "build", "dist", "node_modules", "site-packages", "venv"})
"""Folders of what tools made or installed, and of expected definitions."""
_TESTS = regex(r"test_.*|.*_test|conftest")


def flow_files(folder: Path) -> list[Path]:
    """The flow files below a folder, sorted: `*.asl.json`, `*.asl.yaml`, and Python files that define a StateMachine
    at their top level.

    Left out are tests, hidden folders, and folders of builds and installed packages. Raises FlowError if there is none.
    """
    files = sorted(_walk(folder))
    if not files:
        raise FlowError.of(
            f"folder {display_path(folder)} has no flows",
            code="FD702",
            hint="a flow is a .py file with a StateMachine at its top level, or an .asl.json or .asl.yaml file",
        )
    return files


def _walk(folder: Path) -> Iterator[Path]:
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".") and name not in _OTHERS]
        for name in names:
            file = Path(place, name)
            if _DEFINITION.fullmatch(name) or (name.endswith(".py") and _has_machine(file)):
                yield file


def _has_machine(file: Path) -> bool:
    if _TESTS.fullmatch(file.stem):
        return False
    try:
        text = file.read_bytes()
    except OSError:
        return False
    if b"StateMachine(" not in text or b"flowdsl" not in text:
        return False
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):
        return True  # Loading it says what is wrong.
    return any(_makes_machine(statement) for statement in tree.body)


def _makes_machine(statement: ast.stmt) -> bool:
    value = statement.value if isinstance(statement, ast.Assign | ast.AnnAssign) else None
    if not isinstance(value, ast.Call):
        return False
    called = value.func.attr if isinstance(value.func, ast.Attribute) else getattr(value.func, "id", "")
    return called == "StateMachine"
