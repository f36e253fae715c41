"""Recall and false alarms of checkers: `python -m benchmarks.checkers FOLDER`, a folder as docs/conformance.md says.

The peers are installed once into .flowdsl/bench: statelint from PyPI, asl-validator and amazon-states-language-service
from npm. What is counted: of the definitions that AWS refused, or that its documentation refuses, how many are refused;
of those that AWS took or published, how many are refused. Warnings do not count. CPU times are of whole processes.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
PEERS = ROOT / ".flowdsl" / "bench"
HERE = Path(__file__).parent / "peers"
NODE = {"asl-validator": "asl-validator@4.0.0", "als": "amazon-states-language-service@1.16.1"}


def install() -> dict[str, list[str]]:
    """The command of each checker."""
    venv = PEERS / "statelint"
    if not venv.exists():
        subprocess.run([sys.executable, "-m", "venv", venv], check=True)
        subprocess.run([venv / "bin" / "pip", "install", "-q", "statelint==3.1.0"], check=True)
    for name, package in NODE.items():
        modules = PEERS / name
        if not modules.exists():
            modules.mkdir(parents=True)
            subprocess.run(["npm", "install", "--silent", "--prefix", modules, package], check=True)
    return {
        "flowdsl": [sys.executable, str(HERE / "with_flowdsl_check.py")],
        "statelint 3.1.0 (PyPI)": [str(venv / "bin" / "python"), str(HERE / "with_statelint.py")],
        "asl-validator 4.0.0 (npm)": ["node", str(HERE / "with_asl_validator.js")],
        "amazon-states-language-service 1.16.1 (npm)": ["node", str(HERE / "with_language_service.js")],
    }


def chain(length: int) -> str:
    """A definition of so many Tasks, each with a retry, a catcher and two expressions, and a Succeed."""
    states: dict[str, Any] = {
        f"S{number}": {
            "Type": "Task",
            "Resource": "arn:aws:states:::lambda:invoke",
            "Parameters": {"FunctionName": "f", "Payload": {"a.$": "$.x.y[0]", "b.$": "States.Format('{}', $.z)"}},
            "ResultPath": f"$.r{number}",
            "Retry": [{"ErrorEquals": ["Lambda.ServiceException"], "IntervalSeconds": 1}],
            "Catch": [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.error", "Next": f"S{length}"}],
            "Next": f"S{number + 1}",
        }
        for number in range(length)
    }
    return json.dumps({"StartAt": "S0", "States": {**states, f"S{length}": {"Type": "Succeed"}}})


def definitions(folder: Path) -> tuple[list[str], list[str]]:
    """Texts that AWS or its documentation refuses, and texts that AWS took or published; Standard ones."""
    unverified = set(re.findall(r"\| ([A-Z]\d+) [^|]*\| U \|", (folder / "rules.md").read_text()))
    refused: list[str] = []
    taken: list[str] = []
    for file in sorted((folder / "definitions").glob("*.json")):
        for case in json.loads(file.read_text()):
            by_aws = case["authority"].startswith(("aws", "spec"))
            if not by_aws or case["type"] != "STANDARD" or (case["rule"] or "").split(" ")[0] in unverified:
                continue
            (taken if case["expected"] == "valid" else refused).append(_text(case["definition"]))
    for file in sorted((folder / "executions").glob("*.json")):
        taken += [_text(case["definition"]) for case in json.loads(file.read_text())]
    return refused, list(dict.fromkeys(taken))


def _text(definition: Any) -> str:
    return definition if isinstance(definition, str) else json.dumps(definition)


def ask(command: list[str], texts: list[str]) -> tuple[int, float]:
    """How many texts are refused, and the CPU seconds of the whole process."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    modules = os.pathsep.join(str(PEERS / name / "node_modules") for name in NODE)
    environment = {**os.environ, "NODE_PATH": modules}
    environment["PYTHONPATH"] = str(ROOT) if command[0] == sys.executable else ""
    answer = subprocess.run(
        command, input=json.dumps(texts), capture_output=True, text=True, check=True, env=environment
    ).stdout
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return sum(json.loads(answer)), after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main(folder: Path) -> None:
    refused, taken = definitions(folder)
    head = f"refuses of {len(refused)} that AWS refuses | of {len(taken)} that AWS takes"
    print(f"| checker | {head} | CPU for all | for one state | for 1,000 |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    for name, command in install().items():
        right, first = ask(command, refused)
        wrong, second = ask(command, taken)
        share = f"{right} ({right / len(refused):.0%})"
        one, many = (min(ask(command, [chain(length)])[1] for _ in range(5)) for length in (1, 1_000))
        print(f"| {name} | {share} | {wrong} | {first + second:.1f} s | {one:.2f} s | {many:.2f} s |")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m benchmarks.checkers", description="Compare checkers.")
    parser.add_argument("folder", type=Path, help="a folder as docs/conformance.md says")
    main(parser.parse_args().folder)
