"""The payment flow in a folder of its own, and a MiniStack to deploy it to: an emulator that runs Lambda zips."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from attrs import frozen

ROOT = Path(__file__).parents[2]
PYTHON = os.environ.get("MINISTACK_PYTHON", "")
"""The Python that has MiniStack: `make test-cloud` sets it."""
MACHINE = "arn:aws:states:eu-west-1:000000000000:stateMachine:payment"
TIME = "0.02"
"""How long MiniStack's waits and retries take, of the time that the definition says."""


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a MiniStack of this test run's own."""
    if not PYTHON:
        pytest.skip("needs MiniStack in an environment of its own: make test-cloud")
    folder = tmp_path_factory.mktemp("ministack")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = {
        "GATEWAY_PORT": str(port),
        "BIND_HOST": "127.0.0.1",
        "MINISTACK_HOST": "127.0.0.1",
        "MINISTACK_REGION": "eu-west-1",
        "SFN_WAIT_SCALE": TIME,
        "LOG_LEVEL": "WARNING",
        "TMPDIR": str(folder),
        # The functions run with the `python3` that is found first.
        "PATH": f"{Path(PYTHON).parent}{os.pathsep}{os.environ['PATH']}",
    }
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "PYTHON", "PAYMENTS_"))}
    log = folder / "log.txt"
    with log.open("wb") as output:
        server = subprocess.Popen(
            [PYTHON, str(Path(__file__).with_name("emulator.py"))],
            cwd=folder,
            env={**kept, **settings},
            stdin=subprocess.PIPE,  # ends with this process, and the emulator with it
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    url = f"http://127.0.0.1:{port}"
    try:
        if not _answers(url, server):
            pytest.fail(f"MiniStack did not start:\n{log.read_text()}")
        yield url
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(server.pid, signal.SIGKILL)


def _answers(url: str, server: subprocess.Popen[bytes]) -> bool:
    end = time.monotonic() + 60
    while time.monotonic() < end and server.poll() is None:
        try:
            with urllib.request.urlopen(f"{url}/_ministack/health", timeout=5):
                return True
        except urllib.error.HTTPError:
            return True
        except OSError:
            time.sleep(0.1)
    return False


@frozen
class Project:
    """A copy of this project that tests may change, deployed to an emulator."""

    folder: Path
    endpoint: str

    def flowdsl(self, *arguments: str, code: int = 0) -> str:
        """Run a command; its stdout."""
        done = self.run("-m", "flowdsl", *arguments)
        assert done.returncode == code, f"flowdsl {' '.join(arguments)}: {done.stdout}{done.stderr}"
        return done.stdout

    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        credentials = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_ENDPOINT_URL": self.endpoint}
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=self.folder,
            env={**os.environ, **credentials, "PYTHONPATH": f"{self.folder}{os.pathsep}{ROOT}", **environment},
            capture_output=True,
            text=True,
            timeout=900,
            check=False,
        )

    def end_to_end(self, machine: str) -> None:
        """Run tests/e2e at a state machine, its version or alias: none may fail, none be skipped."""
        tests = self.run(
            *("-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/e2e"),
            STATE_MACHINE_ARN=machine,
            STEPFUNCTIONS_ENDPOINT=self.endpoint,
        )
        assert tests.returncode == 0, tests.stdout + tests.stderr
        assert re.search(r"^1\d passed in", tests.stdout, re.MULTILINE), tests.stdout

    def replace(self, file: str, old: str, new: str) -> None:
        path = self.folder / file
        text = path.read_text()
        assert old in text, f"{file} has no {old!r}"
        path.write_text(text.replace(old, new))

    def client(self, service: str) -> Any:
        import boto3
        from botocore.config import Config

        session = boto3.Session("test", "test", region_name="eu-west-1")
        return session.client(service, endpoint_url=self.endpoint, config=Config(inject_host_prefix=False))


def copy_project(folder: Path, emulator: str) -> Project:
    """The project as it is, in a folder of its own."""
    for name in ("pyproject.toml", *(file.name for file in ROOT.glob("*_flow.py")), "README.md"):
        shutil.copy(ROOT / name, folder)
    for name in ("handlers", "tests/e2e"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("tests/conftest.py", "tests/psps.toml"):
        shutil.copy(ROOT / name, folder / name)
    return Project(folder, emulator)


@pytest.fixture(scope="session")
def build(emulator: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the project's build: another build of the same files keeps its zips."""
    project = copy_project(tmp_path_factory.mktemp("built"), emulator)
    project.flowdsl("build")
    return project.folder / "build"


@pytest.fixture(scope="session")
def project(emulator: str, build: Path, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The project, built and deployed; tests change it one after the other."""
    project = copy_project(tmp_path_factory.mktemp("project"), emulator)
    shutil.copytree(build, project.folder / "build")
    assert "new, with its first version" in project.flowdsl("deploy", "--yes")
    return project
