"""Measure `flowdsl build` beside aws-lambda-builders, and a deployment without changes.

    python -m benchmarks.deploys --builders PYTHON --ministack PYTHON

`PYTHON` is the interpreter of a virtual environment that has aws-lambda-builders, and one that has ministack and boto3.
Seconds of wall-clock time, each process from its start to its end.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[1]

BUILDERS = """
import sys
from pathlib import Path
from aws_lambda_builders.builder import LambdaBuilder

project, target, runtime = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
for handler in sorted(project.glob("handlers/*/handler.py")):
    name = handler.parent.name
    scratch, artifacts = target / "scratch" / name, target / "artifacts" / name
    scratch.mkdir(parents=True)
    artifacts.mkdir(parents=True)
    LambdaBuilder("python", "pip", None).build(
        str(project), str(artifacts), str(scratch), str(handler.parent / "requirements.txt"),
        runtime=runtime, architecture="arm64",
    )
    print(name)
"""
"""What SAM does for each function: copy the project, and install the requirements that its folder locks."""

CALLS = """
import collections, json, sys, time
from pathlib import Path
from flowdsl.cli.deploying import find_target

target = find_target(Path("payment_flow.py"), None, "")
wanted, session = target.wanted(), target.session()
calls = collections.Counter()
paced = session.aws
make = paced.aws.call

class Counting:
    def call(self, service, operation, arguments):
        calls[f"{service}:{operation}"] += 1
        return make(service, operation, arguments)

paced.aws = Counting()
before = time.perf_counter()
plan = session.plan(wanted)
print(json.dumps({"changes": len(plan.calls), "seconds": time.perf_counter() - before, "calls": calls}))
"""


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure builds and deployments.")
    parser.add_argument("--builders", metavar="PYTHON", help="an interpreter that has aws-lambda-builders")
    parser.add_argument("--ministack", metavar="PYTHON", help="an interpreter that has ministack and boto3")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        project = copy_project(Path(folder) / "project")
        functions = len([*project.glob("handlers/*/handler.py")])
        print(f"| build of {functions} functions | seconds |\n| --- | ---: |")
        measure_builds(project, Path(folder))
        if options.builders:
            measure_builders(options.builders, project, Path(folder))
        if options.ministack:
            with ministack(options.ministack, Path(folder)) as url:
                measure_deployments(project, url)


def copy_project(folder: Path) -> Path:
    folder.mkdir()
    for name in ("pyproject.toml", *(file.name for file in ROOT.glob("*_flow.py")), "README.md"):
        shutil.copy(ROOT / name, folder)
    shutil.copytree(ROOT / "handlers", folder / "handlers", ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def timed(what: str, command: list[str], folder: Path, **environment: str) -> str:
    """Print how long a command took; its stdout."""
    before = time.perf_counter()
    variables = {**os.environ, "PYTHONPATH": f"{folder}{os.pathsep}{ROOT}", **environment}
    done = subprocess.run(command, cwd=folder, env=variables, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{what}: {done.stdout}{done.stderr}")
    print(f"| {what} | {time.perf_counter() - before:.1f} |", flush=True)
    return done.stdout


def measure_builds(project: Path, folder: Path) -> None:
    build = [sys.executable, "-m", "flowdsl", "build"]
    cache = {"UV_CACHE_DIR": str(folder / "uv")}
    timed("flowdsl, with nothing downloaded", build, project, **cache)
    shutil.rmtree(project / "build")
    shutil.rmtree(project / ".flowdsl", ignore_errors=True)
    timed("flowdsl, with packages downloaded", build, project, **cache)
    timed("flowdsl, unchanged", build, project, **cache)
    handler = project / "handlers" / "receipt" / "handler.py"
    handler.write_text(handler.read_text() + "\n# changed\n")
    timed("flowdsl, one function changed", build, project, **cache)


def measure_builders(python: str, project: Path, folder: Path) -> None:
    version = subprocess.run([python, "-c", "import sys; print('python%d.%d' % sys.version_info[:2])"], **TEXT).stdout
    source = folder / "source"
    shutil.copytree(project / "handlers", source / "handlers")
    for what in ("with nothing downloaded", "with packages downloaded"):
        target = folder / f"artifacts {what}"
        command = [python, "-c", BUILDERS, str(source), str(target), version.strip()]
        path = f"{Path(python).parent}{os.pathsep}{os.environ['PATH']}"
        timed(f"aws-lambda-builders, {what}", command, source, PIP_CACHE_DIR=str(folder / "pip"), PATH=path)


TEXT = {"capture_output": True, "text": True, "check": True}


@contextmanager
def ministack(python: str, folder: Path) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    variables = {"GATEWAY_PORT": str(port), "BIND_HOST": "127.0.0.1", "MINISTACK_REGION": "eu-west-1"}
    server = subprocess.Popen(
        [python, "-m", "ministack"],
        cwd=folder,
        env={**os.environ, **variables},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{port}"
    try:
        wait_for(url)
        yield url
    finally:
        server.terminate()
        server.wait(20)


def wait_for(url: str) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        try:
            with urllib.request.urlopen(f"{url}/_ministack/health", timeout=5):
                return
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.1)
    sys.exit("MiniStack did not start")


def measure_deployments(project: Path, url: str) -> None:
    access = {"AWS_ENDPOINT_URL": url, "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
    print("\n| deployment to MiniStack | seconds |\n| --- | ---: |")
    command = [sys.executable, "-m", "flowdsl"]
    timed("flowdsl deploy, everything new", [*command, "deploy", "--yes"], project, **access)
    timed("flowdsl deploy, nothing changed", [*command, "deploy", "--yes"], project, **access)
    counted = json.loads(timed("flowdsl plan, nothing changed", [sys.executable, "-c", CALLS], project, **access))
    assert counted["changes"] == 0
    calls = Counter(counted["calls"])
    print(f"\n{calls.total()} calls in {counted['seconds']:.1f} s, all of them describe and list:\n")
    print("\n".join(f"- {count} {name}" for name, count in calls.most_common()))


if __name__ == "__main__":
    main()
