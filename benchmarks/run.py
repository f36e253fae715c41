"""`make bench`: CPU time and peak memory of whole processes, and the speed of the engine, as Markdown tables.

With --peers the other tools are installed first, each in an environment of its own in .flowdsl/bench (300 MB); without,
they are measured where that was done before. With --emulators the engine is measured beside moto's server and MiniStack
instead: emulators.py and speed.py.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from attrs import define, field

ROOT = Path(__file__).parent.parent
HERE = Path("benchmarks")
PEERS = ROOT / ".flowdsl" / "bench"
REQUIREMENTS = {
    "sfnx": ["sfnx==3.1.0"],
    "stepfunctions-asl": ["stepfunctions-asl==2.3.0"],
    # The last release that imports: later sagemaker and setuptools removed what it needs.
    "stepfunctions": ["stepfunctions==2.3.0", "sagemaker<3", "setuptools<81"],
}
EMULATORS = {"ministack": ["ministack==1.5.33"]}  # it pins botocore; moto is among the tests' requirements
ASL = "payment.asl.json"
"""What `flowdsl build` makes of payment_flow.py."""
# A process's peak memory is at least that of the one that started it, so a small one does.
STARTER = """\
import os, sys
silent = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
process = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ, file_actions=silent)
_, status, usage = os.wait4(process, 0)
print(usage.ru_utime + usage.ru_stime, usage.ru_maxrss)
sys.exit(os.waitstatus_to_exitcode(status))
"""


@define
class Subject:
    """A command to measure; `cpu` in seconds, `memory` in MB, one value a round."""

    name: str
    command: list[str]
    cpu: list[float] = field(factory=list)
    memory: list[float] = field(factory=list)

    def measure(self, environment: dict[str, str]) -> None:
        done = subprocess.run(
            [sys.executable, "-I", "-S", "-c", STARTER, *self.command],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise SystemExit(f"{self.name} failed:\n{done.stderr}")
        cpu, memory = map(float, done.stdout.split())
        self.cpu.append(cpu)
        self.memory.append(memory / (1024**2 if sys.platform == "darwin" else 1024))


def install(wanted: dict[str, list[str]]) -> None:
    for name, requirements in wanted.items():
        python = PEERS / name / "bin" / "python"
        uv = Path(sys.executable).parent / "uv"
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        commands = [
            [uv, "venv", "--quiet", "--clear", "--python", version, PEERS / name],
            [uv, "pip", "install", "--quiet", "--compile-bytecode", "--python", python, *requirements],
        ]
        print(f"installing {' '.join(requirements)} ...", file=sys.stderr)
        for command in commands:
            if subprocess.run(command, cwd=ROOT, check=False).returncode:
                print(f"{name} cannot be installed here: it is left out", file=sys.stderr)
                break


def subjects(output: Path) -> list[Subject]:
    python = sys.executable
    flowdsl = [python, "-m", "flowdsl"]
    build = [*flowdsl, "build", "--asl-only", "payment_flow.py", "--output", str(output / "build")]
    groups = [
        Subject("`import click, attrs` (the measure)", [python, "-c", "import click, attrs"]),
        Subject("flowdsl: compile the payment flow", [python, str(HERE / "compile_flow.py")]),
        Subject("flowdsl: `flowdsl check payment_flow.py`", [*flowdsl, "check", "payment_flow.py"]),
        Subject(
            "flowdsl: `flowdsl build --asl-only payment_flow.py`, checked before",
            build,  # the round that is not measured leaves the verdict
        ),
        Subject("flowdsl: the same, checked for the first time (`--no-cache`)", [*build, "--no-cache"]),
        Subject("flowdsl: `flowdsl check payment.asl.json`", [*flowdsl, "check", str(output / "build" / ASL)]),
        Subject("flowdsl: `flowdsl --help`", [*flowdsl, "--help"]),
        Subject("flowdsl: chain of 1,000 states", [python, str(HERE / "chain.py"), "1000"]),
        Subject("flowdsl: chain of 10,000 states", [python, str(HERE / "chain.py"), "10000"]),
    ]
    peers = {
        "sfnx": ["sfnx", "compile", str(HERE / "peers" / "with_sfnx.py")],
        "stepfunctions-asl": ["python", str(HERE / "peers" / "with_stepfunctions.py")],
        "stepfunctions": ["python", str(HERE / "peers" / "with_stepfunctions.py")],
    }
    for name, (program, *arguments) in peers.items():
        path = PEERS / name / "bin" / program
        if path.exists():
            requirement = REQUIREMENTS[name][0].replace("==", " ")
            groups.append(Subject(f"{requirement}: the same flow", [str(path), *arguments]))
        else:
            print(f"{name} is not installed, so it is left out: make bench ARGS=--peers", file=sys.stderr)
    return groups


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peers", action="store_true", help="install the other tools first (300 MB)")
    parser.add_argument("--emulators", action="store_true", help="only the engine, beside moto and MiniStack (65 MB)")
    parser.add_argument("--rounds", type=int, help="how often each is measured (15; 5 with --emulators)")
    arguments = parser.parse_args()
    if arguments.peers:
        install(REQUIREMENTS)
    # As in everyday use, byte code is cached: the first, unmeasured round writes it.
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    environment["PYTHONPATH"] = str(ROOT)
    if arguments.emulators:
        beside_emulators(arguments.rounds or 5, environment)
    else:
        processes_and_engine(arguments.rounds or 15, environment)


def beside_emulators(rounds: int, environment: dict[str, str]) -> None:
    if not (PEERS / "ministack" / "bin" / "ministack").exists():
        install(EMULATORS)
    for command in ([str(HERE / "emulators.py"), str(rounds)], [str(HERE / "speed.py")]):
        subprocess.run([sys.executable, *command], cwd=ROOT, env=environment, check=True)
        print(flush=True)


def processes_and_engine(rounds: int, environment: dict[str, str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        groups = subjects(Path(folder))
        for round_number in range(-1, rounds):
            for subject in groups:
                subject.measure(environment)
                if round_number < 0:
                    subject.cpu.clear()
                    subject.memory.clear()
    print(f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()},")
    print(f"medians of {rounds} rounds; each round runs every process once.\n")
    print("| process | CPU | times the measure | peak memory |\n| --- | ---: | ---: | ---: |")
    measure = groups[0]
    for subject in groups:
        cpu = statistics.median(subject.cpu) * 1000
        ratio = statistics.median(own / base for own, base in zip(subject.cpu, measure.cpu, strict=True))
        print(f"| {subject.name} | {cpu:.0f} ms | {ratio:.1f} | {statistics.median(subject.memory):.0f} MB |")
    print("\n| engine | transitions a second | events an execution | peak memory of one | of many |")
    print("| --- | ---: | ---: | ---: | --- |", flush=True)
    subprocess.run([sys.executable, str(HERE / "engine.py")], cwd=ROOT, env=environment, check=True)


if __name__ == "__main__":
    main()
