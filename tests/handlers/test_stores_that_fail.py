"""The operators' commands report a store that fails in one line, whichever store and command it is."""

from __future__ import annotations

import importlib
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import handlers
from handlers.commands import STORES, Command, Group

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

EMPTY = {
    "captures list": "captures",
    "reconcile --dry-run": "open work",
    "refunds list": "refunds",
    "transactions list": "transactions",
}
"""What each command tells of a place without anything."""


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
    for name in (table, *STORES):
        monkeypatch.setenv(name, "nowhere")
    result = run(line)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == "Error: AWS: You must specify a region.\n"


@pytest.mark.parametrize("table", STORES)
@pytest.mark.parametrize("line", COMMANDS)
def test_an_environment_without_some_of_its_stores(
    line: str, table: str, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sweep would finish a donation's post-processing elsewhere, and call it done."""
    for name in STORES:
        if name != table:
            monkeypatch.setenv(name, "nowhere")
    result = run(line)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(f"Error: {table}: not set, but ")
    assert not data.exists()


@pytest.mark.parametrize(("line", "what"), EMPTY.items())
def test_nothing_is_nothing_of_a_named_place(line: str, what: str, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run(line).stderr == f"no {what} in {data}, which is not a folder\n"
    data.mkdir()
    assert run(line).stderr == f"no {what} in {data}\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
def test_an_output_that_is_full() -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "handlers.psp_sandbox", "cards"], stdout=full, stderr=subprocess.PIPE, check=False
        )
    assert (done.returncode, done.stderr) == (2, b"Error: [Errno 28] No space left on device\n")


def test_every_command_reports_so() -> None:
    packages = [file.parent.name for file in sorted(HANDLERS.glob("*/__main__.py"))]
    commands = [importlib.import_module(f"handlers.{name}.__main__").main for name in packages]
    assert all(isinstance(each, (Command, Group)) for each in commands)
    assert {line.split()[0] for line in COMMANDS} == set(packages)


def test_the_guide_names_all_stores_of_an_environment() -> None:
    guide = (HANDLERS.parent / "docs" / "payment-flow.md").read_text()
    named = dict(re.findall(r"([A-Z_]+)=(payment-[a-z]+)", guide))
    flow = (HANDLERS.parent / "payment_flow.py").read_text()
    declared = re.findall(r'(?:Table|EventBus)\(\s*"(payment-[a-z]+)"[^"]*?.*?variable="([A-Z_]+)"', flow, re.DOTALL)
    assert named == {variable: name for name, variable in declared if variable in STORES}
    assert set(named) == set(STORES)
