"""plan, deploy, rollback, prune and destroy on the command line, against an AWS in memory."""

import json
import re
import shutil
import tomllib
from pathlib import Path

import pytest

from flowdsl.base.diagnostics import FlowError
from flowdsl.deploy import aws as aws_module
from flowdsl.deploy.aws import check_account
from flowdsl.deploy.statements import Place
from flowdsl.package import manifest
from flowdsl.package.archive import digests
from flowdsl.project.environments import environments_in, mistakes_in_environments
from tests.deploy.memory import Memory
from tests.deploy.memory_common import PLACE
from tests.deploy.project import FLOW, SETTINGS

FLOW_WITH_A_QUEUE = """
from flowdsl import Function, StateMachine, Task, chain
message = {"QueueUrl": "${QUEUE}", "MessageBody": "x"}
send = Task("Send", "arn:aws:states:::sqs:sendMessage", parameters=message)
machine = StateMachine("hello", chain(send, Task("Greet", Function("greet", "greet"))))
"""


def test_plan_deploy_plan(project):
    planned = project.run("plan")
    assert planned.exit_code == 3, planned.output
    assert "+ function greet" in planned.stdout
    assert not project.aws.changes()
    deployed = project.run("deploy", "--yes")
    assert deployed.exit_code == 0, deployed.output
    assert "deployed: " in deployed.stderr
    again = project.run("plan", "--env", "test")
    assert again.exit_code == 0
    assert again.stdout.splitlines() == [
        "greeting.hello / test (123456789012, eu-west-1)",
        "now: hello:live → version 1",
        "no changes",
    ]
    assert project.run("deploy", "--yes").exit_code == 0
    assert len(project.aws.machines["hello"]["versions"]) == 1


def test_the_plan_as_json(project):
    planned = json.loads(project.run("plan", "--format", "json").stdout)
    assert planned["account"] == PLACE.account
    create = next(each for each in planned["changes"] if each["operation"] == "CreateFunction")
    assert create["arguments"]["MemorySize"] == 512
    assert create["arguments"]["Environment"]["Variables"] == {"KEY": "(not shown)", "LANGUAGE": "(not shown)"}
    assert create["arguments"]["Code"]["ZipFile"] == "<greet.zip>"


@pytest.mark.parametrize("command", [["plan"], ["plan", "--format", "json"], ["deploy", "--yes"]])
def test_values_of_environment_variables_are_never_shown(project, command):
    output = project.run(*command).output
    assert "LANGUAGE" in output or command[0] == "deploy" or "environment" not in output
    assert "en-secret-looking-value" not in output


def test_a_project_never_touches_what_another_one_of_the_same_flow_file_deployed(project):
    settings = project.root / "pyproject.toml"
    settings.write_text(SETTINGS.replace("greeting", "shop.one"))
    assert project.run("deploy", "--yes").exit_code == 0
    assert project.aws.machines["hello"]["tags"]["flowdsl:stack"] == "shop-one.hello"
    settings.write_text(SETTINGS.replace("greeting", "shop-two"))
    before = len(project.aws.changes())
    refused = project.run("deploy", "--yes")
    assert refused.exit_code == 2
    assert "hello" in refused.output
    assert project.run("destroy", "--yes").exit_code == 0
    assert len(project.aws.changes()) == before
    settings.write_text(SETTINGS.replace("greeting", "shop.one"))
    assert project.run("plan").exit_code == 0


@pytest.mark.parametrize("command", ["plan", "deploy --yes", "rollback --yes", "prune --yes", "destroy --yes"])
def test_a_project_without_a_name_is_refused(project, command):
    """Two of them in one account would take each other's resources."""
    project.run("deploy", "--yes")
    before = len(project.aws.changes())
    (project.root / "pyproject.toml").write_text(SETTINGS.replace('[project]\nname = "greeting"\n', ""))
    refused = project.run(*command.split())
    assert refused.exit_code == 2
    assert "the project has no name" in refused.output
    assert '[project] name = "donations"' in refused.output
    assert len(project.aws.changes()) == before


def test_open_executions_are_shown_with_what_they_can_reach(project):
    project.run("deploy", "--yes")
    project.aws.start("don-1", "hello")
    project.code("2")
    shown = project.run("plan").stdout
    assert "open executions: 1; each keeps what it can reach" in shown
    assert "  don-1: in Greet, version 1, role hello-states-eu-west-1, greet:1" in shown
    planned = json.loads(project.run("plan", "--format", "json").stdout)
    assert planned["executions"][0]["at"] == ["Greet"]
    assert planned["executions"][0]["functions"] == ["greet:1"]


def test_deploy_asks(project):
    refused = project.run("deploy", input="n\n")
    assert refused.exit_code == 0
    assert not project.aws.changes()
    nobody = project.run("deploy")
    assert nobody.exit_code == 2
    assert "use --yes" in nobody.stderr
    assert "\nerror FD001 nothing was changed" in nobody.stderr  # on a line of its own
    assert project.run("deploy", input="y\n").exit_code == 0
    assert project.aws.machines


def test_a_canary_and_its_end(project):
    project.run("deploy", "--yes")
    project.code("2")
    started = project.run("deploy", "--yes", "--canary", "10%", "--for", "2m", "--no-wait")
    assert started.exit_code == 0, started.output
    routes = project.aws.machines["hello"]["aliases"]["live"]["routes"]
    assert sorted(routes.values()) == [10, 90]
    assert "version 2 gets 10 % until" in project.run("plan").stdout
    ended = project.run("deploy", "--yes")
    assert "all to version 2" in ended.stderr
    assert [*project.aws.machines["hello"]["aliases"]["live"]["routes"].values()] == [100]


@pytest.mark.parametrize(("exit_code", "version"), [(0, "2"), (1, "1")])
def test_a_test_of_the_new_version_before_the_alias_moves(project, exit_code, version):
    """A23: it starts the version, because an alias or the state machine may give an earlier definition for a while."""
    project.run("deploy", "--yes")
    project.code("2")
    script = project.root / "check.py"
    script.write_text(
        "import os, sys, pathlib\n"
        "pathlib.Path('arn').write_text(os.environ['STATE_MACHINE_ARN'])\n"
        f"sys.exit({exit_code})\n"
    )
    deployed = project.run("deploy", "--yes", "--test", "python check.py")
    assert deployed.exit_code == exit_code, deployed.output
    assert (project.root / "arn").read_text().endswith(":stateMachine:hello:2")
    (arn,) = project.aws.machines["hello"]["aliases"]["live"]["routes"]
    assert arn.endswith(f":{version}")


def test_rollback_prune_and_destroy(project):
    project.run("deploy", "--yes")
    project.code("2")
    project.run("deploy", "--yes")
    back = project.run("rollback", "--yes")
    assert "back to version 1, from version 2" in back.stdout
    project.run("deploy", "--yes")
    pruned = project.run("prune", "--yes", "--keep", "1")
    assert "- version 1 of state machine hello" in pruned.stdout
    assert "everything is still needed" in project.run("prune", "--yes", "--keep", "1").stdout
    project.aws.clock.sleep(60)
    assert project.run("destroy", "--yes").exit_code == 0
    assert not project.aws.machines
    assert not project.aws.roles
    assert "nothing is left" in project.run("destroy", "--yes").stdout


def test_an_instance(project):
    project.run("deploy", "--yes", "--instance", "pr-7")
    assert [*project.aws.machines] == ["hello-pr-7"]
    project.aws.clock.sleep(60)
    project.run("destroy", "--yes", "--instance", "pr-7")
    assert not project.aws.machines


MISTAKES = {
    "no environment": (
        ["plan"],
        lambda text: text.split("[tool.flowdsl.environments")[0],
        "no environment to deploy to",
    ),
    "another name": (["plan", "--env", "prod"], str, "unknown environment 'prod'"),
    "two of them": (
        ["plan"],
        lambda text: text + '[tool.flowdsl.environments.b]\nregion = "eu-west-1"\naccount = "123456789012"\n',
        "several environments: test, b",
    ),
    "no region": (["plan"], lambda text: text.replace("region", "regoin"), "unknown key 'regoin'"),
    "a number": (["plan"], lambda text: text.replace("memory = 512", "memory = 5"), "must be megabytes from 128"),
    "a value of a secret": (
        ["plan"],
        lambda text: text.replace('secret = "greet/key"', 'value = "x"'),
        "must be a table of texts and references",
    ),
    "an unknown function": (
        ["plan"],
        lambda text: text.replace("functions.greet", "functions.gret"),
        "not in the flow",
    ),
    "a bad instance": (["plan", "--instance", "a/b"], str, "cannot be an instance's name"),
    "a long instance": (["plan", "--instance", "x" * 21], str, "cannot be an instance's name"),
    "a wildcard action": (
        ["plan"],
        lambda text: text + 'permissions = [{ actions = ["sqs:*"], resources = ["*"] }]\n',
        "an action has no wildcard",
    ),
    "an alias that reads like a version (A22)": (
        ["plan"],
        lambda text: text.replace("account =", 'alias = "7"\naccount ='),
        "not digits alone",
    ),
    "an alias with a space (A22)": (
        ["plan"],
        lambda text: text.replace("account =", 'alias = "a b"\naccount ='),
        'letters, digits, "-" and "_"',
    ),
    "a canary of everything": (["deploy", "--canary", "100%"], str, "use 1% to 99%"),
    "no duration": (["deploy", "--canary", "10", "--for", "soon"], str, "use 90s, 15m or 2h"),
}


@pytest.mark.parametrize(("command", "change", "message"), MISTAKES.values(), ids=MISTAKES)
def test_mistakes(project, command, change, message):
    (project.root / "pyproject.toml").write_text(change(SETTINGS))
    done = project.run(*command)
    assert done.exit_code == 2
    assert message in done.stderr
    assert "Traceback" not in done.output
    assert not project.aws.log


def test_the_environment_variable_names_the_environment(project):
    assert project.run("plan", env={"FLOWDSL_ENV": "nowhere"}).exit_code == 2


def test_an_old_build(project):
    (project.root / "hello.py").write_text(FLOW.replace('"Greet"', '"Hello"'))
    done = project.run("plan")
    assert done.exit_code == 2
    assert "build is out of date: the definition of hello has changed" in done.stderr
    assert "run flowdsl build" in done.stderr


@pytest.mark.parametrize("code", ["def handler(event, context):\n    return 2\n", "def handler(event, context:"])
def test_a_build_of_earlier_code(project, code):
    (project.root / "greet" / "handler.py").write_text(code)
    for command in ("plan", "deploy --yes"):
        done = project.run(*command.split())
        assert done.exit_code == 2
        assert "build is out of date: the code of greet has changed" in done.stderr
    assert not project.aws.changes()


def test_a_build_without_the_code_is_deployed(project):
    """A pipeline may have built it elsewhere."""
    shutil.rmtree(project.root / "greet")
    assert project.run("deploy", "--yes").exit_code == 0


@pytest.mark.parametrize("options", [["--for", "10s"], ["--no-wait"]])
def test_an_option_of_a_canary_without_one(project, options):
    done = project.run("deploy", "--yes", *options)
    assert done.exit_code == 2
    assert f"{options[0]} is of a canary: use it with --canary" in done.stderr
    assert not project.aws.log


def test_no_build(project):
    (project.root / "build" / manifest.FILE).unlink()
    assert "nothing is built in build" in project.run("plan").stderr


def test_a_build_without_zips(project, tmp_path):
    (project.root / "hello.py").write_text(FLOW.replace("greet", "meet"))
    project.run("build", "--asl-only")
    done = project.run("plan")
    assert "build lacks the zips of meet" in done.stderr or "not in the flow" in done.stderr


def test_a_placeholder_without_a_value(project):
    (project.root / "hello.py").write_text(FLOW_WITH_A_QUEUE)
    assert project.run("build").exit_code == 0
    done = project.run("plan")
    assert done.exit_code == 2
    assert "state 'Send': ${QUEUE} has no value in environment 'test'" in done.stderr
    with_value = SETTINGS + '[tool.flowdsl.environments.test.substitutions]\nQUEUE = "https://sqs/1/q"\n'
    (project.root / "pyproject.toml").write_text(with_value)
    assert project.run("plan").exit_code == 3


def test_another_account_is_refused():
    with pytest.raises(FlowError, match="wrong account: the credentials are of 123456789012") as raised:
        check_account(Memory(), Place("eu-west-1", "999999999999"))
    assert "choose another environment with --env" in str(raised.value)


def test_credentials_that_aws_refuses():
    with pytest.raises(FlowError, match="AWS refuses the credentials"):
        check_account(Memory(denied=frozenset({"sts:GetCallerIdentity"})), PLACE)


def test_no_credentials(monkeypatch, tmp_path):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with pytest.raises(FlowError, match="no AWS credentials"):
        aws_module.connect(PLACE)


def test_a_failure_is_one_clear_error(project):
    project.run("plan")
    reads = len(project.aws.log)
    project.aws.fail_at = 2 * reads + 4  # in the middle of the changes
    done = project.run("deploy", "--yes")
    assert done.exit_code == 2
    assert "InternalFailure: injected" in done.stderr
    assert "deploy again: it goes on from what is live" in done.stderr
    project.aws.fail_at = None
    assert project.run("deploy", "--yes").exit_code == 0


def test_digests_are_those_of_lambda():
    assert digests(b"")[1] == "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="


def test_the_settings_in_the_guide_are_valid():
    guide = (Path(__file__).parents[2] / "docs" / "deploying.md").read_text()
    block, *_ = (each for each in re.findall(r"```toml\n(.*?)```", guide, re.DOTALL) if "environments" in each)
    environments = tomllib.loads(block)["tool"]["flowdsl"]["environments"]
    assert not [*mistakes_in_environments(environments)]
    assert environments_in(environments)["production"].functions["payment-psp-stripe"].reserved_concurrency == 20
