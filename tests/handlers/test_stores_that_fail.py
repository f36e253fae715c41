"""The operators' commands report a store that fails in one line, whichever store and command it is."""

from __future__ import annotations

import importlib
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import handlers
from handlers.commands import Command, Group

HANDLERS = Path(handlers.__file__).parent

COMMANDS = {
    "captures list": "CAPTURES_TABLE",
    "psp_sandbox payments": "SANDBOX_TABLE",
    "reconcile": "TRANSACTIONS_TABLE",
    "reconcile --dry-run": "REFUNDS_TABLE",
    "refunds close don-1:refund:1": "REFUNDS_TABLE",
    "refunds list": "REFUNDS_TABLE",
    "refunds request don-1": "REFUNDS_TABLE",
    "transactions close don-1 --note paid": "TRANSACTIONS_TABLE",
    "transactions erase don-1": "TRANSACTIONS_TABLE",
    "transactions list": "TRANSACTIONS_TABLE",
    "transactions show don-1": "TRANSACTIONS_TABLE",
}


def run(line: str) -> Result:
    package, *arguments = shlex.split(line)
    return CliRunner().invoke(importlib.import_module(f"handlers.{package}.__main__").main, arguments)


@pytest.fixture
def garbage(data: Path) -> None:
    data.mkdir()
    for name in ("captures", "disputes", "psp-sandbox", "refunds", "transactions"):
        (data / f"{name}.sqlite").write_text("this is not a database, but some text that is long enough")


@pytest.mark.usefixtures("garbage")
@pytest.mark.parametrize("line", COMMANDS)
def test_a_file_that_is_no_database(line: str, data: Path) -> None:
    result = run(line)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == f"Error: cannot use the SQLite files in {data}: file is not a database\n"


@pytest.mark.parametrize(("line", "table"), COMMANDS.items())
def test_a_table_that_is_elsewhere(line: str, table: str, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(table, "nowhere")
    result = run(line)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == "Error: AWS: You must specify a region.\n"


def test_every_command_reports_so() -> None:
    packages = [file.parent.name for file in sorted(HANDLERS.glob("*/__main__.py"))]
    commands = [importlib.import_module(f"handlers.{name}.__main__").main for name in packages]
    assert all(isinstance(each, (Command, Group)) for each in commands)
    assert {line.split()[0] for line in COMMANDS} == set(packages)
