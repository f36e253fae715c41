"""moto's server and MiniStack, started on this machine's loopback and stopped again; executions by boto3."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import boto3
from attrs import frozen
from botocore.config import Config

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "cloud"))
from starter import serving  # of the tests, where scripts of this folder do not look

HOST = "127.0.0.1"
ROLE = "arn:aws:iam::123456789012:role/benchmark"
STARTERS = 8
"""How many threads start executions that run at once."""
POLL = 0.005
"""Seconds between two looks at an execution."""


@frozen
class Emulator:
    """A server that answers as Step Functions does."""

    name: str
    client: Any

    def create(self, name: str, definition: dict[str, Any]) -> str:
        created = self.client.create_state_machine(name=name, definition=json.dumps(definition), roleArn=ROLE)
        return str(created["stateMachineArn"])

    def run(self, machine: str, input: Any, *, count: int = 1, limit: float = 120) -> float:
        """Seconds from the start of so many executions at once to the end of the last; TimeoutError after `limit`."""
        start = time.perf_counter()
        data = json.dumps(input)

        def started(name: str) -> str:
            answer = self.client.start_execution(stateMachineArn=machine, name=name, input=data)
            return str(answer["executionArn"])

        names = [str(uuid.uuid4()) for _ in range(count)]
        if count == 1:
            executions = [started(names[0])]
        else:
            with ThreadPoolExecutor(STARTERS) as threads:
                executions = list(threads.map(started, names))
        for execution in executions:
            while (status := self._status(execution)) == "RUNNING":
                if time.perf_counter() - start > limit:
                    raise TimeoutError(f"{self.name}: still running after {limit} seconds")
                time.sleep(POLL)
            if status != "SUCCEEDED":
                raise RuntimeError(f"{self.name}: the execution ended {status}")
        return time.perf_counter() - start

    def _status(self, execution: str) -> str:
        return str(self.client.describe_execution(executionArn=execution)["status"])


@contextmanager
def moto() -> Iterator[Emulator]:
    """moto's server, which runs state machines where it is told to."""
    port = _free_port()
    with _serving(
        [sys.executable, "-m", "moto.server", "-H", HOST, "-p", str(port)], {}, f"http://{HOST}:{port}"
    ) as url:
        body = json.dumps({"stepfunctions": {"execute_state_machine": True}}).encode()
        headers = {"Content-Type": "application/json"}
        with urllib.request.urlopen(urllib.request.Request(f"{url}/moto-api/config", body, headers), timeout=10):
            pass
        yield _emulator(f"moto {version('moto')}", url)


@contextmanager
def ministack(environment: Path) -> Iterator[Emulator]:
    """MiniStack, from the virtual environment that it has for itself: it pins botocore."""
    [package] = environment.glob("lib/python*/site-packages/ministack-*.dist-info")
    port = _free_port()
    settings = {"BIND_HOST": HOST, "GATEWAY_PORT": str(port), "SERVICES": "stepfunctions", "LOG_LEVEL": "WARNING"}
    with _serving([str(environment / "bin" / "ministack")], settings, f"http://{HOST}:{port}") as url:
        yield _emulator(f"MiniStack {package.name.removesuffix('.dist-info').partition('-')[2]}", url)


def _emulator(name: str, url: str) -> Emulator:
    config = Config(retries={"total_max_attempts": 1}, read_timeout=60, max_pool_connections=STARTERS)
    client = boto3.client(
        "stepfunctions",
        region_name="us-east-1",
        endpoint_url=url,
        aws_access_key_id="benchmark",
        aws_secret_access_key="benchmark",
        config=config,
    )
    return Emulator(name, client)


@contextmanager
def _serving(command: Sequence[str], settings: dict[str, str], url: str) -> Iterator[str]:
    """The process's URL once it answers; the process ends with the block."""
    with tempfile.TemporaryDirectory() as folder, (Path(folder) / "log").open("w+") as log:
        options = {"cwd": folder, "env": {**os.environ, **settings}, "stdout": log, "stderr": subprocess.STDOUT}
        with serving(command, **options) as process:
            deadline = time.monotonic() + 60
            while not _answers(url):
                if process.poll() is not None or time.monotonic() > deadline:
                    log.seek(0)
                    raise RuntimeError(f"{command[0]} does not start:\n{log.read()}")
                time.sleep(0.1)
            yield url


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5):
            return True
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False


def _free_port() -> int:
    with socket.socket() as unused:
        unused.bind((HOST, 0))
        return int(unused.getsockname()[1])
