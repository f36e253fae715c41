"""Measure `flowdsl build` beside aws-lambda-builders, and a deployment without changes.

    python -m benchmarks.deploys [--builders PYTHON] [--ministack PYTHON]

`PYTHON` is the interpreter of a virtual environment that has aws-lambda-builders, and one that has ministack and boto3.
CPU time (user and system) and wall-clock time of whole processes with all that they start, in seconds. The deployments
go to the AWS in memory of the tests, whose clock is virtual: the wait for the pace of AWS's quotas costs no time here.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
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
from subprocess import DEVNULL

from tests.cloud.starter import serving

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
from click.testing import CliRunner
from flowdsl.cli import app
from flowdsl.deploy import aws as connections
from tests.deploy.memory import Memory

memory = Memory()
connections.connect = lambda place: memory
connections.WallClock = lambda: memory.clock


def deploy(what):
    calls, slept = len(memory.log), memory.clock.slept
    wall, cpu = time.perf_counter(), time.process_time()
    done = CliRunner().invoke(app, ["deploy", "--yes"])
    assert done.exit_code == 0, done.output
    print(json.dumps({
        "what": what,
        "changes": len(memory.changes()),
        "calls": collections.Counter(f"{service}:{name}" for service, name in memory.log[calls:]),
        "cpu": time.process_time() - cpu,
        "wall": time.perf_counter() - wall,
        "pace": memory.clock.slept - slept,
    }))


deploy("everything new")
memory.clock.sleep(3600)
deploy("nothing changed")
"""


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure builds and deployments.")
    parser.add_argument(
        "--builders", metavar="PYTHON", type=interpreter, help="an interpreter that has aws-lambda-builders"
    )
    parser.add_argument(
        "--ministack", metavar="PYTHON", type=interpreter, help="an interpreter that has ministack and boto3"
    )
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        project = copy_project(Path(folder) / "project")
        functions = len([*project.glob("handlers/*/handler.py")])
        print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}\n")
        print(f"| build of {functions} functions | CPU | wall-clock |\n| --- | ---: | ---: |")
        measure_builds(project, Path(folder))
        if options.builders:
            measure_builders(options.builders, project, Path(folder))
        measure_deployments(project)
        if options.ministack:
            with ministack(options.ministack, Path(folder)) as url:
                measure_ministack(project, url)
        print(f"\nload {os.getloadavg()[0]:.1f} at the end")


def interpreter(path: str) -> str:
    """Absolute, for commands run in other folders; a link stays one, by which Python finds its environment."""
    return str(Path(path).absolute())


def copy_project(folder: Path) -> Path:
    folder.mkdir()
    for name in ("pyproject.toml", *(file.name for file in ROOT.glob("*_flow.py")), "README.md"):
        shutil.copy(ROOT / name, folder)
    shutil.copytree(ROOT / "handlers", folder / "handlers", ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def timed(what: str, command: list[str], folder: Path, **environment: str) -> str:
    """Print how long a command took, with all that it started; its stdout."""
    before, used = time.perf_counter(), children()
    variables = {**os.environ, "PYTHONPATH": f"{folder}{os.pathsep}{ROOT}", **environment}
    done = subprocess.run(command, cwd=folder, env=variables, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{what}: {done.stdout}{done.stderr}")
    print(f"| {what} | {children() - used:.1f} s | {time.perf_counter() - before:.1f} s |", flush=True)
    return done.stdout


def children() -> float:
    """Seconds of CPU that processes which have ended used."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


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
    timed("flowdsl, a handler changed that six functions package", build, project, **cache)


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
    options = {"cwd": folder, "env": {**os.environ, **variables}, "stdout": DEVNULL, "stderr": DEVNULL}
    url = f"http://127.0.0.1:{port}"
    with serving([python, "-m", "ministack"], **options):
        wait_for(url)
        yield url


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


def measure_deployments(project: Path) -> None:
    settings = project / "pyproject.toml"
    text = settings.read_text()
    settings.write_text(text.replace('account = "000000000000"', 'account = "123456789012"'))  # the account in memory
    done = subprocess.run(
        [sys.executable, "-c", CALLS],
        cwd=project,
        env={**os.environ, "PYTHONPATH": f"{project}{os.pathsep}{ROOT}"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(done.stderr)
    settings.write_text(text)
    runs = [json.loads(line) for line in done.stdout.splitlines()]
    print("\n| flowdsl deploy, AWS in memory | calls | CPU | wall-clock | wait for quotas and AWS |")
    print("| --- | ---: | ---: | ---: | ---: |")
    for run in runs:
        calls = sum(run["calls"].values())
        print(f"| {run['what']} | {calls} | {run['cpu']:.2f} s | {run['wall']:.2f} s | {run['pace']:.0f} s |")
    assert runs[0]["changes"] == runs[1]["changes"], "the second deployment made changes"
    print("\nCalls of the second, all of them describe and list:\n")
    print("\n".join(f"- {count} {name}" for name, count in Counter(runs[1]["calls"]).most_common()))


def measure_ministack(project: Path, url: str) -> None:
    access = {"AWS_ENDPOINT_URL": url, "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
    print("\n| deployment to MiniStack | CPU | wall-clock |\n| --- | ---: | ---: |")
    command = [sys.executable, "-m", "flowdsl", "deploy", "--yes"]
    timed("flowdsl deploy, everything new", command, project, **access)
    timed("flowdsl deploy, nothing changed", command, project, **access)


if __name__ == "__main__":
    main()
