"""What repositories use of flowdsl: hooks of pre-commit, the GitHub Action, and flowdsl's own workflows."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import threading
import tomllib
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from flowdsl.scaffold import create, project_files

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]
HOOKS = {each["id"]: each for each in yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())}
ACTION = yaml.safe_load((ROOT / "action.yml").read_text())
STEPS = {step["name"]: step for step in ACTION["runs"]["steps"] if "name" in step}
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
DEFINITION = '{"StartAt": "A", "States": {"A": {"Type": "Pass", "Next": "```B @octocat"}}}'


@pytest.fixture
def project(tmp_path: Path) -> Path:
    create(tmp_path / "orders", project_files("orders"))
    return tmp_path / "orders"


def run(command: list[str], folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PATH": path, **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


class TestHooks:
    def test_pre_commit_accepts_them(self):
        done = run([sys.executable, "-m", "pre_commit", "validate-manifest", ".pre-commit-hooks.yaml"], ROOT)
        assert done.returncode == 0, done.stdout + done.stderr

    def test_they_install_what_the_extras_name(self):
        extras = PYPROJECT["project"]["optional-dependencies"]
        wanted = {each for name in ("build", "jsonata", "yaml") for each in extras[name]}
        for hook in HOOKS.values():
            assert set(hook["additional_dependencies"]) == wanted

    @pytest.mark.parametrize(
        ("file", "matches"),
        [
            ("flow.py", True),
            ("src/payment_flow.py", True),
            ("order.asl.json", True),
            ("a/b.asl.yml", True),
            ("workflow.py", False),
            ("package.json", False),
        ],
    )
    def test_check_takes_flows_and_definitions(self, file, matches):
        assert bool(re.search(HOOKS["flowdsl-check"]["files"], file)) == matches

    def test_check_finds_a_mistake(self, project):
        (project / "wrong.asl.json").write_text(DEFINITION)
        command = shlex.split(HOOKS["flowdsl-check"]["entry"])
        assert run([*command, "flow.py"], project).returncode == 0
        done = run([*command, "flow.py", "wrong.asl.json"], project)
        assert done.returncode == 2
        assert "wrong.asl.json:1" in done.stdout

    def test_build_writes_the_definitions(self, project):
        hook = HOOKS["flowdsl-build"]
        assert hook["pass_filenames"] is False
        assert re.search(hook["files"], "handlers/charge/handler.py")
        assert run(shlex.split(hook["entry"]), project).returncode == 0
        assert json.loads((project / "build" / "orders.asl.json").read_text())["StartAt"] == "Reserve"


class GitHub:
    """The part of GitHub's API that the Action calls: the comments of one pull request."""

    def __init__(self) -> None:
        self.comments: list[dict[str, Any]] = []
        self.calls: list[str] = []
        self.read_only = False
        github = self

        class Handler(BaseHTTPRequestHandler):
            def _answer(self) -> None:
                status, value = github.answer(self.command, self.path, self._body())
                self.send_response(status)
                self.end_headers()
                self.wfile.write(json.dumps(value).encode())

            def _body(self) -> Any:
                length = int(self.headers.get("Content-Length") or 0)
                return json.loads(self.rfile.read(length)) if length else None

            do_GET = do_POST = do_PATCH = _answer  # noqa: N815 - the base class's names

            def log_message(self, *_: object) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def answer(self, method: str, path: str, body: Any) -> tuple[int, Any]:
        self.calls.append(f"{method} {path}")
        if method == "GET":
            page = int(re.findall(r"page=(\d+)", path)[-1])
            return 200, self.comments[(page - 1) * 100 : page * 100]
        if self.read_only:
            return 403, {"message": "Resource not accessible by integration"}
        if method == "POST":
            self.add(body["body"], "Bot")
            return 201, self.comments[-1]
        [comment] = [each for each in self.comments if path.endswith(f"/issues/comments/{each['id']}")]
        comment["body"] = body["body"]
        return 200, comment

    def add(self, body: str, author: str) -> None:
        self.comments.append({"id": len(self.comments) + 1, "body": body, "user": {"type": author}})


@pytest.fixture
def github() -> Iterator[GitHub]:
    fake = GitHub()
    thread = threading.Thread(target=fake.server.serve_forever)
    thread.start()
    yield fake
    fake.server.shutdown()
    thread.join()
    fake.server.server_close()


@pytest.fixture
def job(project: Path, github: GitHub, tmp_path: Path) -> Any:
    """Run the steps of the Action after those that install, as GitHub's runner does; return the last exit code."""
    temp = tmp_path / "runner"
    (temp / "flowdsl").mkdir(parents=True)
    event = tmp_path / "event.json"
    event.write_text('{"pull_request": {"number": 7}}')

    def run_job(**inputs: str) -> int:
        values = {name: each["default"] for name, each in ACTION["inputs"].items()} | inputs
        environment = {
            "GITHUB_ACTION_PATH": str(ROOT),
            "GITHUB_API_URL": github.url,
            "GITHUB_EVENT_PATH": str(event),
            "GITHUB_REPOSITORY": "org/orders",
            "GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md"),
            "RUNNER_TEMP": str(temp),
        }
        for name in ("Check", "Snapshots", "Diff", "Comment", "Result"):
            step = STEPS[name]
            own = {key: _filled(value, values) for key, value in step.get("env", {}).items()}
            # What `shell: bash` means. Source: GitHub Docs, "Workflow syntax", "jobs.<job_id>.steps[*].shell".
            command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]]
            done = run(command, project, **environment, **own)
            if name != "Result":
                assert done.returncode == 0, done.stdout + done.stderr
            run_job.output[name] = done.stdout
        return done.returncode

    run_job.output = {}
    return run_job


def _filled(value: str, inputs: dict[str, str]) -> str:
    name = re.fullmatch(r"\$\{\{ (?:inputs\.([\w-]+)|github\.token)(?: \|\| github\.event\.[\w.]+)? \}\}", value)
    assert name, value
    return inputs[name[1]] if name[1] else "token"


class TestAction:
    def test_texts_of_others_are_never_part_of_a_command(self):
        assert not [step for step in STEPS.values() if "${{" in step["run"]]
        used = set(re.findall(r"inputs\.([\w-]+)", (ROOT / "action.yml").read_text()))
        assert used == ACTION["inputs"].keys()

    def test_it_installs_extras_that_exist(self):
        [extras] = re.findall(r"ACTION_PATH\[([\w,]+)\]", STEPS["Install flowdsl"]["run"])
        assert set(extras.split(",")) <= PYPROJECT["project"]["optional-dependencies"].keys()

    def test_a_comment_is_updated_not_repeated(self, job, github, project):
        for number in range(120):
            github.add(f"comment {number}", "User")
        github.add("<!-- flowdsl: flowdsl --> by somebody who knows the mark", "User")
        (project / "wrong.asl.json").write_text(DEFINITION)
        assert job(files="flow.py\nwrong.asl.json", tests="tests/test_flow.py") == 1
        comment = github.comments[-1]
        assert "**❌ 2 errors**" in comment["body"] or "**❌ 1 error" in comment["body"]
        assert "wrong.asl.json:1: error FD" in comment["body"]
        assert "**✅ Snapshots agree**" in comment["body"]
        fence = re.search(r"^(`{4,})text$", comment["body"], re.MULTILINE)
        assert fence, "the state's name would end the block"
        assert "::error " in job.output["Check"]

        (project / "wrong.asl.json").unlink()
        assert job(files="flow.py", tests="tests/test_flow.py") == 0
        assert len(github.comments) == 122
        assert "**✅ No mistakes found**" in comment["body"]
        assert github.calls[-1] == f"PATCH /repos/org/orders/issues/comments/{comment['id']}"
        assert github.comments[120]["body"].endswith("by somebody who knows the mark")

    def test_snapshots_that_differ(self, job, github, project):
        flow = project / "flow.py"
        flow.write_text(flow.read_text().replace("timeout=60", "timeout=61"))
        assert job(tests="tests/test_flow.py") == 1
        assert "**✅ No mistakes found**" in github.comments[0]["body"]
        assert "**❌ Snapshots differ" in github.comments[0]["body"]
        assert "61" in github.comments[0]["body"]

    def test_no_name_of_a_file_is_an_option(self, job, github, project):
        (project / "--format=text.asl.json").write_text(DEFINITION)
        (project / "@words").write_text("--version\n")
        (project / "-p").mkdir()
        shutil.copy(project / "tests" / "test_flow.py", project / "-p" / "test_flow.py")
        assert job(files="--format=text.asl.json", tests="@words\n-p/test_flow.py") == 1
        assert "--format=text.asl.json:1: error FD" in github.comments[-1]["body"]
        assert "@words" in github.comments[-1]["body"]

    def test_each_title_has_its_comment(self, job, github):
        job()
        job(title="flowdsl: orders -->")
        assert len(github.comments) == 2
        job(title="flowdsl: orders -->")
        assert len(github.comments) == 2

    def test_a_fork_gets_a_summary_only(self, job, github, tmp_path):
        github.read_only = True
        assert job() == 0
        assert "::notice" in job.output["Comment"]
        assert "No mistakes found" in (tmp_path / "summary.md").read_text()

    def test_the_change_since_the_base_is_told(self, job, github, project, tmp_path):
        def git(*arguments: str) -> str:
            who = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
            done = run(["git", *who, *arguments], project, GIT_CONFIG_GLOBAL=os.devnull)
            assert done.returncode == 0, done.stderr
            return done.stdout.strip()

        git("init", "-q")
        git("add", "-A")
        git("commit", "-q", "-m", "base")
        base = git("rev-parse", "HEAD")
        flow = project / "flow.py"
        flow.write_text(flow.read_text().replace("timeout=60", "timeout=61"))
        job(diff=base)
        body = github.comments[0]["body"]
        assert body.startswith("<!-- flowdsl: flowdsl -->")
        assert "#### What the change means" in body
        assert re.search(r"🟠 `\w+` \*\*timeout\*\*: `TimeoutSeconds: 60 s → 61 s`", body)
        assert "```mermaid\nflowchart TD" in body

        job(diff=base, files="flow.py")
        assert "61 s`" in github.comments[0]["body"]
        assert len(github.comments) == 1
        job(diff="false")
        assert "What the change means" not in github.comments[0]["body"]
        job(diff="0" * 40)
        assert "could not compare with the base" in github.comments[0]["body"]
        job(diff="--output=x")
        assert "could not compare with the base" in github.comments[0]["body"]
        assert not (project / "x").exists()

    def test_a_base_that_the_checkout_lacks_is_fetched(self, job, github, project):
        """As actions/checkout does it: one commit only."""
        origin = project.parent / "origin"
        who = ["-c", "user.name=a", "-c", "user.email=a@example.org"]

        def git(folder: Path, *arguments: str) -> str:
            done = run(["git", *who, *arguments], folder, GIT_CONFIG_GLOBAL=os.devnull)
            assert done.returncode == 0, done.stderr
            return done.stdout.strip()

        project.rename(origin)
        git(origin, "init", "-q")
        git(origin, "config", "uploadpack.allowReachableSHA1InWant", "true")
        git(origin, "add", "-A")
        git(origin, "commit", "-q", "-m", "base")
        base = git(origin, "rev-parse", "HEAD")
        flow = origin / "flow.py"
        flow.write_text(flow.read_text().replace("timeout=60", "timeout=61"))
        git(origin, "commit", "-q", "-a", "-m", "change")
        git(origin.parent, "clone", "-q", "--depth=1", f"file://{origin}", project.name)
        job(diff=base)
        assert "`TimeoutSeconds: 60 s → 61 s`" in github.comments[0]["body"]

    def test_a_long_comment_is_cut(self, tmp_path):
        """GitHub refuses more than 65,536 characters."""
        results = tmp_path / "results"
        results.mkdir()
        problem = {"severity": "error", "code": "FD1", "message": "m" * 500, "path": "/a"}
        (results / "check.json").write_text(json.dumps([problem] * 200))
        (results / "check.code").write_text("1")
        (results / "tests.code").write_text("1")
        (results / "tests.log").write_text("t" * 90_000)
        picture = f"<details><summary>Picture</summary>\n\n```mermaid\n{'p' * 9000}\n```\n\n</details>\n"
        changes = "\n".join(f"- change {number} {'x' * 90}" for number in range(600))
        (results / "diff.md").write_text(f"{changes}\n\n{picture}")
        spec = importlib.util.spec_from_file_location("comment", ROOT / ".github" / "action" / "comment.py")
        assert spec
        assert spec.loader
        comment = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(comment)
        text = comment.body("t", results)
        assert 55_000 < len(text) < 65_000
        assert "- change 1 " in text
        assert "mermaid" not in text
        assert "too long for a comment" in text

    def test_only_the_step_that_comments_has_the_token(self):
        with_token = [name for name, step in STEPS.items() if "github.token" in str(step)]
        assert with_token == ["Comment"]
        assert STEPS["Comment"]["run"].startswith("python -I ")

    def test_no_comment_is_asked_for(self, job, github):
        assert job(comment="false") == 0
        assert github.calls == []

    def test_a_check_that_does_not_run(self, job, github, project):
        (project / "pyproject.toml").write_text("[tool.flowdsl\n")
        assert job() == 1
        assert "did not run" in github.comments[0]["body"]


def read(file: Path) -> dict[Any, Any]:
    value = yaml.safe_load(file.read_text())
    assert isinstance(value, dict)
    return value


@pytest.mark.parametrize("file", [*WORKFLOWS, ROOT / "action.yml"], ids=lambda file: file.name)
def test_actions_are_pinned(file):
    lines = [line for line in file.read_text().splitlines() if "uses:" in line]
    assert lines
    assert all(re.search(r"uses: [\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$", line) for line in lines)


MORE_RIGHTS = {"publish": {"id-token": "write"}, "pages": {"id-token": "write", "pages": "write"}}
"""What jobs that publish may do, by their name."""


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.name)
def test_workflows_have_few_rights(file):
    workflow = read(file)
    assert workflow["permissions"] == {"contents": "read"}
    for name, job in workflow["jobs"].items():
        assert job.get("permissions", {}) == MORE_RIGHTS.get(name, {})
        assert job["timeout-minutes"] <= 60
        assert not [step for step in job["steps"] if "${{" in step.get("run", "")]


def test_workflows_run_every_version_of_python():
    named = [each.rpartition(" ")[2] for each in PYPROJECT["project"]["classifiers"] if ":: 3." in each]
    assert named == ["3.11", "3.12", "3.13", "3.14"]
    ci, release = (read(ROOT / ".github" / "workflows" / f"{name}.yml") for name in ("ci", "release"))
    for job in (ci["jobs"]["test"], release["jobs"]["test"]):
        assert job["strategy"]["matrix"]["python"] == named


def test_targets_of_make_exist():
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    steps = [step.get("run", "") for file in WORKFLOWS for job in read(file)["jobs"].values() for step in job["steps"]]
    used = {each.split()[1] for each in steps if each.startswith("make ")}
    assert used
    assert used <= targets


class TestRelease:
    steps = {  # noqa: RUF012 - read only
        step["name"]: step["run"]
        for job in read(ROOT / ".github" / "workflows" / "release.yml")["jobs"].values()
        for step in job["steps"]
        if "name" in step
    }

    @pytest.mark.parametrize(
        ("tag", "heading", "code"),
        [("v0.1.0", "0.1.0", 0), ("v0.1.1", "0.1.0", 1), ("v0.1.0", "0.1.0 (not released)", 1)],
    )
    def test_the_tag_has_to_be_the_version(self, tmp_path, tag, heading, code):
        (tmp_path / "pyproject.toml").write_text('[project]\nname = "x"\nversion = "0.1.0"\n')
        (tmp_path / "CHANGELOG.md").write_text(f"# Changes\n\n## {heading}\n\n- First.\n")
        command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", self.steps["The tag is the version"]]
        assert run(command, tmp_path, GITHUB_REF_NAME=tag).returncode == code

    def test_what_publishes_comes_last_and_runs_nothing_else(self):
        jobs = read(ROOT / ".github" / "workflows" / "release.yml")["jobs"]
        assert (jobs["test"]["needs"], jobs["publish"]["needs"]) == ("build", "test")
        assert jobs["publish"]["environment"] == "pypi"
        assert not [step for step in jobs["publish"]["steps"] if "run" in step]

    def test_the_project_of_its_test_works(self, tmp_path):
        """The commands of the job, without those that install."""
        command = self.steps["A new project works with the wheel"].split("\n", 1)[1]
        done = run(["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", command], tmp_path)
        assert done.returncode == 0, done.stdout + done.stderr
