"""Requirements of several functions are installed side by side, and nothing of it survives the build."""

from __future__ import annotations

import os
import re
import shutil
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from flowdsl import Function
from flowdsl.base.diagnostics import FlowError
from flowdsl.package import manifest, requirements
from flowdsl.package.assembly import build

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
NAMES = ("ada", "bob", "cyd", "dan")
FLOW = """\
from flowdsl import Function, Parallel, StateMachine, Task

machine = StateMachine(
    "many", Parallel("All", *(Task(name, Function(name, f"handlers/{name}")) for name in ("ada", "bob", "cyd", "dan")))
)
"""
CACHES = {"__pycache__"}
UV = """\
#!/bin/sh
echo "+ $PWD" >> {log}
sleep {delay} & wait
"{uv}" "$@"
code=$?
echo "- $PWD" >> {log}
exit $code
"""


@pytest.fixture
def many(project):
    """Four functions, each with a requirement of its own."""
    for name in NAMES:
        project.wheel(f"pure_{name}")
        project.write({f"handlers/{name}/handler.py": f"import pure_{name}\n\n\ndef handler(event, context): ...\n"})
        project.require(f"pure_{name}==1.0", source=f"handlers/{name}")
    project.write({"flow.py": FLOW, "pyproject.toml": '[tool.flowdsl]\nflow = "flow.py"\nhashes = false\n'})
    return project


def slow_uv(project, delay, first=None, until=None):
    """uv behind a script that notes when it runs and starts a process of its own; ada's waits until `first` have ended.

    `until` is a condition of the shell that it waits for before the delay.
    """
    log, script = project.root.parent / "uv.log", project.root.parent / "slow-uv"
    script.write_text(UV.format(log=log, delay=delay, uv=requirements.uv_path()))
    if until is not None:
        text = script.read_text()
        script.write_text(text.replace("sleep", f"until {until.format(log=log)}; do sleep 0.02; done\nsleep", 1))
    if first is not None:
        until_ended = f"until [ $(grep -c ^- {log}) -ge {first} ]; do sleep 0.02; done"
        sleep = f'case "$PWD" in *ada) {until_ended};; *) sleep {delay};; esac'
        text = script.read_text().replace(f"sleep {delay}", sleep)
        script.write_text(text)
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    log.write_text("")
    return script, log


def built(project, jobs):
    project.said.clear()
    functions = [Function(name, f"handlers/{name}") for name in NAMES]
    note = lambda name, what: project.said.append((name, what))  # noqa: E731
    places = {"root": project.root, "output": project.root / f"build-{jobs}"}
    build(functions, {}, **places, hashed=False, on_progress=note, jobs=jobs)
    return project.content(project.root / f"build-{jobs}")


def most_at_once(log):
    running, most = 0, 0
    for line in log.read_text().splitlines():
        running += 1 if line.startswith("+") else -1
        most = max(most, running)
    return most


def test_zips_and_progress_are_the_same_whatever_ends_first(many, monkeypatch):
    one = built(many, 1)
    said = [*many.said]
    script, log = slow_uv(many, 0.1, first=3)
    monkeypatch.setattr(requirements, "uv_path", lambda: str(script))
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    assert built(many, 4) == one
    assert many.said == said
    assert [name for name, _ in said] == [*NAMES, *NAMES]
    assert said[:2] == [(name, "installing 1 requirement for aarch64-manylinux_2_34") for name in ("ada", "bob")]
    assert re.fullmatch(r"packaged, [\d.]+ KB \(3 of 4\)", said[6][1])
    ends = [Path(line[2:]).name for line in log.read_text().splitlines() if line.startswith("-")]
    assert sorted(ends) == [*NAMES]
    assert ends[-1] == "ada", "the slow one, which started first, ended last"


@pytest.mark.parametrize(("jobs", "processors", "most"), [(2, 8, 2), (1, 8, 1), (4, 1, 1), (8, 3, 3)])
def test_so_many_run_at_a_time(many, monkeypatch, jobs, processors, most):
    script, log = slow_uv(many, 0.3, until=f"[ $(grep -c + {{log}}) -ge {most} ]")
    monkeypatch.setattr(requirements, "uv_path", lambda: str(script))
    monkeypatch.setattr(os, "cpu_count", lambda: processors)
    built(many, jobs)
    assert most_at_once(log) == most


def test_errors_of_all_functions_come_in_their_order(many, monkeypatch):
    many.require("gone_ada==1.0", source="handlers/ada")
    many.require("gone_cyd==1.0", source="handlers/cyd")
    many.write({"handlers/dan/pure_dan.py": "", "handlers/dan/handler.py": "def handler(event, context): ...\n"})
    script, _ = slow_uv(many, 0.1, first=2)
    monkeypatch.setattr(requirements, "uv_path", lambda: str(script))
    with pytest.raises(FlowError) as caught:
        built(many, 2)
    named = [re.search(r"function '(\w+)'", each.message)[1] for each in caught.value.diagnostics]
    assert named == ["ada", "cyd"]
    assert not (many.root / "build-2").exists()
    assert not (many.root / ".flowdsl").exists()
    assert [what for _, what in many.said if what.startswith("packaged")] == [], "nothing is said after a failure"


def left_running(folder):
    """The commands of processes that run in the folder, or that name it."""
    commands = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            place, command = str((process / "cwd").readlink()), (process / "cmdline").read_bytes().replace(b"\0", b" ")
        except OSError:
            continue
        if process.name != str(os.getpid()) and (place.startswith(str(folder)) or str(folder).encode() in command):
            commands.append(command)
    return commands


def command(project, uv):
    """`flowdsl build`, as a shell starts it: in a process group of its own, to which Ctrl-C goes."""
    code = f"from flowdsl.package import requirements\nrequirements.uv_path = lambda: {str(uv)!r}\n"
    code += "from flowdsl.__main__ import main\nmain()"
    return subprocess.Popen(
        [sys.executable, "-c", code, "build"],
        cwd=project.root,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )


@pytest.mark.skipif(not Path("/proc/self/cwd").exists(), reason="processes are looked for in /proc")
def test_ctrl_c_at_any_moment_leaves_no_files_and_no_processes(many):
    script, log = slow_uv(many, 0.2)
    before = {path.relative_to(many.root) for path in many.root.rglob("*") if not CACHES & {*path.parts}}
    codes = []
    for moment in range(1, 2 * len(NAMES) + 1):  # each installation notes its begin and its end
        log.write_text("")
        running = command(many, script)
        while len(log.read_text().splitlines()) < moment and running.poll() is None:
            time.sleep(0.01)
        os.killpg(running.pid, signal.SIGINT)
        _, stderr = running.communicate(timeout=120)
        codes.append(running.returncode)
        assert "Traceback" not in stderr
        assert left_running(many.root) == []
        if (many.root / "build").exists():  # it was done
            assert manifest.read(many.root / "build").functions.keys() == {*NAMES}
            shutil.rmtree(many.root / "build")
        after = {path.relative_to(many.root) for path in many.root.rglob("*") if not CACHES & {*path.parts}}
        assert after == before
    assert 130 in codes


@pytest.mark.skipif(not Path("/proc/self/cwd").exists(), reason="processes are looked for in /proc")
def test_after_a_build_that_was_killed_the_next_waits_for_its_installations(many):
    script, log = slow_uv(many, 0.1, until="[ -e {log}.go ]")
    killed = command(many, script)
    while len(log.read_text().splitlines()) < 2:
        time.sleep(0.02)
    killed.kill()
    killed.communicate(timeout=120)
    assert left_running(many.root), "uv goes on"
    started = len(log.read_text().splitlines())
    following = command(many, script)
    assert "waiting for another build of build" in following.stderr.readline()
    log.with_name(f"{log.name}.go").touch()
    _, stderr = following.communicate(timeout=120)
    assert following.returncode == 0, stderr
    lines = log.read_text().splitlines()[started:]
    assert [line[0] for line in lines[:2]] == ["-", "-"], "the earlier installations ended before new ones began"
    assert manifest.read(many.root / "build").functions.keys() == {*NAMES}
    assert left_running(many.root) == []
    assert not (many.root / ".flowdsl").exists()


@pytest.mark.skipif(not Path("/proc/self/cwd").exists(), reason="processes are looked for in /proc")
def test_a_failure_in_this_process_ends_the_others(many, monkeypatch):
    script, _ = slow_uv(many, 600)
    monkeypatch.setattr(requirements, "uv_path", lambda: str(script))
    monkeypatch.setattr(requirements, "check_installed", lambda *_: None)
    from flowdsl.package.side_by_side import Jobs

    def fail(self, name):
        self.go_on(0)
        assert left_running(many.root)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Jobs, "wait", fail)
    with pytest.raises(FlowError, match="No space left on device"):
        built(many, 2)
    assert left_running(many.root) == []
    assert not (many.root / ".flowdsl").exists()
