"""The workflows and the policy in docs/: as far as they can be tested without GitHub and AWS."""

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import jsonschema
import pytest
import yaml

from flowdsl.cli import app

DOCS = Path(__file__).parents[1] / "docs"
WORKFLOWS = sorted((DOCS / "workflows").glob("*.yml"))


def read(file: Path) -> dict[str, Any]:
    """A workflow; YAML reads the key `on` as true."""
    value = yaml.safe_load(file.read_text())
    return {"on" if key is True else key: each for key, each in value.items()}


def jobs() -> Iterator[tuple[str, dict[str, Any]]]:
    for file in WORKFLOWS:
        for name, job in read(file)["jobs"].items():
            yield f"{file.stem}/{name}", job


JOBS = dict(jobs())
COMMANDS = {
    f"{name}: {line}": (job, line)
    for name, job in JOBS.items()
    for step in job["steps"]
    for line in step.get("run", "").splitlines()
    if line.startswith("flowdsl ")
}


def parse(line: str) -> click.Context:
    """Parse a command line as the command itself does, without running it."""
    words = shlex.split(re.sub(r'"\$INSTANCE"|\$\{\{.*?\}\}', "pr-7", line))[1:]
    context = click.Context(app)
    command: click.Command = app
    while isinstance(command, click.Group):
        found = command.get_command(context, words[0])
        assert found is not None, words[0]
        command, words = found, words[1:]
    return command.make_context(command.name, words)


def test_there_are_workflows():
    assert [file.stem for file in WORKFLOWS] == ["main", "nightly", "pull-request"]
    assert len(COMMANDS) > 10


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_the_options_that_it_is_given(command):
    context = parse(COMMANDS[command][1])
    assert context.command.callback is not None
    assert context.params.get("yes", True), "nobody is there to answer the question"


def test_a_wrong_option_would_be_noticed():
    with pytest.raises(click.UsageError):
        parse("flowdsl deploy --environment test")


@pytest.mark.parametrize("name", JOBS)
def test_jobs_are_safe(name):
    job = JOBS[name]
    uses = [step["uses"] for step in job["steps"] if "uses" in step]
    assert all(re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", each) for each in uses), uses
    assert job["timeout-minutes"] <= 120
    needs_aws = any("configure-aws-credentials" in each for each in uses)
    assert (job.get("permissions", {}).get("id-token") == "write") == needs_aws
    assert ("environment" in job) == needs_aws
    calls_aws = any(
        re.match(r"flowdsl (plan|deploy|rollback|prune|destroy|executions)", step.get("run", ""))
        for step in job["steps"]
    )
    assert calls_aws == needs_aws
    names = [step.get("run", step.get("uses", "")) for step in job["steps"]]
    if any(each.startswith(("flowdsl deploy", "flowdsl plan", "flowdsl prune")) for each in names):
        assert names.index("flowdsl build") < min(
            number for number, each in enumerate(names) if re.match("flowdsl (deploy|plan|prune)", each)
        )
    # Texts of strangers, such as a title or a branch, never become part of a shell command.
    assert not [step["run"] for step in job["steps"] if "${{" in step.get("run", "")]


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.stem)
def test_workflows(file):
    workflow = read(file)
    assert workflow["permissions"] == {"contents": "read"}
    assert workflow["concurrency"]["cancel-in-progress"] is False
    for line in file.read_text().splitlines():
        if "uses:" in line:
            assert re.search(r"# v\d+\.\d+\.\d+$", line), "say which version the commit is"
    jsonschema.validate(workflow, SCHEMA)


SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["name", "on", "jobs"],
    "additionalProperties": False,
    "properties": {
        "name": {"type": "string"},
        "on": {"type": "object"},
        "permissions": {"$ref": "#/$defs/permissions"},
        "concurrency": {
            "type": "object",
            "required": ["group"],
            "additionalProperties": False,
            "properties": {"group": {"type": "string"}, "cancel-in-progress": {"type": "boolean"}},
        },
        "jobs": {"type": "object", "additionalProperties": {"$ref": "#/$defs/job"}},
    },
    "$defs": {
        "permissions": {"type": "object", "additionalProperties": {"enum": ["read", "write", "none"]}},
        "job": {
            "type": "object",
            "required": ["runs-on", "steps"],
            "additionalProperties": False,
            "properties": {
                "if": {"type": "string"},
                "needs": {"type": "string"},
                "runs-on": {"const": "ubuntu-24.04-arm"},
                "timeout-minutes": {"type": "integer"},
                "environment": {"enum": ["test", "production"]},
                "permissions": {"$ref": "#/$defs/permissions"},
                "env": {"type": "object", "additionalProperties": {"type": "string"}},
                "steps": {"type": "array", "items": {"$ref": "#/$defs/step"}},
            },
        },
        "step": {
            "type": "object",
            "oneOf": [{"required": ["uses"]}, {"required": ["run"]}],
            "additionalProperties": False,
            "properties": {
                "name": {"type": "string"},
                "if": {"type": "string"},
                "uses": {"type": "string"},
                "run": {"type": "string"},
                "with": {"type": "object", "additionalProperties": {"type": ["string", "boolean", "integer"]}},
            },
        },
    },
}
"""Of what GitHub documents, the part that these workflows use: "Workflow syntax for GitHub Actions"."""


def test_only_closed_pull_requests_are_destroyed_and_forks_get_no_credentials():
    own = "github.event.pull_request.head.repo.full_name == github.repository"
    assert JOBS["pull-request/destroy"]["if"] == f"github.event.action == 'closed' && {own}"
    assert JOBS["pull-request/deploy"]["if"] == f"github.event.action != 'closed' && {own}"
    types = read(DOCS / "workflows" / "pull-request.yml")["on"]["pull_request"]["types"]
    assert types == ["opened", "synchronize", "reopened", "closed"]


def test_the_page_names_every_workflow_and_its_policy_is_json():
    page = (DOCS / "pipelines.md").read_text()
    assert all(f"(workflows/{file.name})" in page for file in [*WORKFLOWS, DOCS / "workflows" / "deployer-policy.json"])
    (trust,) = re.findall(r"```json\n(.*?)```", page, re.DOTALL)
    assert json.loads(trust)["Statement"][0]["Action"] == "sts:AssumeRoleWithWebIdentity"
