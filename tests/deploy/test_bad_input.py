"""What the user or the account lacks: one clear error, and never a credential or a secret in it."""

import json
import re
import shutil
from pathlib import Path

import pytest

from flowdsl.base.diagnostics import FlowError
from flowdsl.deploy import aws as aws_module
from flowdsl.deploy.aws import Boto, CallError, check_account
from flowdsl.deploy.errors import missing_permissions
from flowdsl.package.manifest import FILE
from flowdsl.project.environments import FunctionSettings
from tests.deploy.memory_common import PLACE
from tests.deploy.test_watching import watched
from tests.deploy.world import World, with_environment

COMMANDS = ("plan", "deploy --yes", "rollback --yes", "prune --yes", "destroy --yes")
TOKEN = "FwoGZXIvYXdzEXAMPLETOKEN"
SIGNED = (
    "The request signature we calculated does not match the signature you provided.\n\nThe Canonical String for this "
    f"request should have been\n'POST\n/\n\nhost:sts\nx-amz-security-token:{TOKEN}\n'"
)
"""What STS answers to a wrong signature: it repeats the signed request."""


class Refusing:
    """An AWS that answers every call with one error."""

    def __init__(self, code: str, message: str) -> None:
        self.code, self.message = code, message

    def call(self, service, operation, arguments):
        raise CallError(self.code, self.message, service, operation)

    def is_at_aws(self, service):
        return True


def errors_in(output: str) -> list[str]:
    return [line for line in output.splitlines() if "error FD" in line]


# Credentials

EXPIRED = ("ExpiredToken", "ExpiredTokenException", "RequestExpired")
UNKNOWN = ("InvalidClientTokenId", "UnrecognizedClientException", "SignatureDoesNotMatch", "InvalidSignatureException")


@pytest.mark.parametrize("code", EXPIRED)
def test_credentials_that_have_expired(code):
    with pytest.raises(FlowError, match=f"the AWS credentials have expired \\({code}\\)") as raised:
        check_account(Refusing(code, "The security token included in the request is expired"), PLACE)
    assert "log in again" in str(raised.value)


@pytest.mark.parametrize("code", UNKNOWN)
def test_credentials_that_nobody_knows(code):
    with pytest.raises(FlowError, match=f"AWS refuses the credentials: {code}") as raised:
        check_account(Refusing(code, SIGNED), PLACE)
    assert "AWS_PROFILE" in str(raised.value)
    assert TOKEN not in str(raised.value)


@pytest.mark.parametrize("code", ["ExpiredTokenException", "InvalidSignatureException"])
@pytest.mark.parametrize("command", COMMANDS)
def test_credentials_that_a_service_refuses(project, monkeypatch, command, code):
    """STS may still take them, or not be asked, at an endpoint of the user's."""
    monkeypatch.setattr(aws_module, "connect", lambda *_: Refusing(code, SIGNED))
    done = project.run(*command.split())
    assert done.exit_code == 2
    assert len(errors_in(done.output)) == 1
    assert "error FD981" in done.output
    assert TOKEN not in done.output
    assert "Traceback" not in done.output


def test_credentials_that_expire_in_the_middle_of_a_deploy(project):
    """What has been done is kept, and the next deploy does the rest."""
    project.run("plan")
    reads = len(project.aws.log)
    project.aws.fail_at, project.aws.fault = 2 * reads + 6, "expire"
    done = project.run("deploy", "--yes")
    assert done.exit_code == 2
    (line,) = errors_in(done.output)
    assert "the AWS credentials have expired" in line
    assert "log in again, then run the command again: it goes on from what is live" in done.stderr
    made = project.aws.changes()
    assert len(made) > 3
    project.aws.fail_at = None
    assert project.run("deploy", "--yes").exit_code == 0
    assert project.run("plan").exit_code == 0
    assert len(project.aws.functions["greet"]["versions"]) == len(project.aws.machines["hello"]["versions"]) == 1


# Permissions


@pytest.mark.parametrize(
    ("because", "hint"),
    [
        ("because no identity-based policy allows the lambda:CreateFunction action", "have this added to them"),
        (
            "with an explicit deny in a service control policy: arn:aws:organizations::1:policy/o-1/p-1",
            "a service control policy denies it, which no permission outweighs",
        ),
        ("with an explicit deny in an identity-based policy", "an identity-based policy denies it"),
        ("because no permissions boundary allows the lambda:CreateFunction action", "by the permissions boundary too"),
        ("", "have this added to them"),
    ],
)
def test_who_has_to_let_a_call_through(because, hint):
    message = (
        f"User: arn:aws:iam::1:user/me is not authorized to perform: lambda:CreateFunction on resource: r {because}"
    )
    error = missing_permissions([CallError("AccessDeniedException", message, "lambda", "CreateFunction")])
    assert "your credentials lack permissions: lambda:CreateFunction" in str(error)
    assert hint in str(error)
    assert '"Action": [' in str(error)


def test_each_action_of_a_deployment_may_be_missing(world):
    """Whichever it is: one error with that action in a policy to paste, and the next deploy makes the rest."""
    world.deploy()
    actions = {f"{'tag' if service == 'tagging' else service}:{name}" for service, name in world.aws.log}
    assert len(actions) > 20
    for action in sorted(actions - {"states:ValidateStateMachineDefinition"}):
        again = World(world.folder)
        again.aws.denied = frozenset({action})
        with pytest.raises(FlowError) as raised:
            again.deploy()
        (told,) = raised.value.diagnostics
        assert told.code == "FD983", action
        policy = json.loads(told.hint.partition(":\n")[2])
        assert [each["Action"] for each in policy["Statement"]] == [[action]]
        again.aws.denied = frozenset()
        again.deploy()
        assert not again.plan().calls, action


# Settings that AWS refuses


def test_more_variables_than_lambda_takes(world):
    with_environment(world, functions={"setup": FunctionSettings(environment={"KEY": "k" * 5000})})
    with pytest.raises(FlowError, match=r"variables of 'setup' have 5,\d+ bytes; Lambda takes 4,096") as raised:
        world.plan()
    assert "kkk" not in str(raised.value)
    assert not world.aws.log


# Builds


def manifest(change):
    """Change build/manifest.json as a value."""

    def edit(build: Path) -> None:
        value = json.loads((build / FILE).read_text())
        change(value)
        (build / FILE).write_text(json.dumps(value))

    return edit


BUILDS = {
    "half a manifest": (lambda build: (build / FILE).write_text((build / FILE).read_text()[:99]), "cannot be read"),
    "no JSON": (lambda build: (build / FILE).write_bytes(b"\xff\xfe\x00"), "cannot be read"),
    "another shape": (lambda build: (build / FILE).write_text("[]"), "cannot be read"),
    "another version of flowdsl": (
        manifest(lambda value: value.update(format=2)),
        "another version of flowdsl wrote it: format 2, not 1",
    ),
    "a field that is missing": (manifest(lambda value: value["functions"]["greet"].pop("memory")), "'memory'"),
    "a wrong value": (manifest(lambda value: value["functions"]["greet"].update(timeout="1")), "timeout is '1'"),
    "a file elsewhere": (
        manifest(lambda value: value["functions"]["greet"].update(file="../pyproject.toml")),
        "'../pyproject.toml' is in another folder",
    ),
    "no zip": (lambda build: (build / "greet.zip").unlink(), "build/greet.zip cannot be read: No such file"),
    "half a zip": (lambda build: (build / "greet.zip").write_bytes(b"PK"), "greet.zip has changed since it was built"),
}


@pytest.mark.parametrize("command", ["plan", "deploy --yes", "prune --yes"])
@pytest.mark.parametrize(("change", "message"), BUILDS.values(), ids=BUILDS)
def test_a_build_that_somebody_changed(project, command, change, message):
    """Before anything is called; with the hint followed, the next command goes on."""
    change(project.root / "build")
    done = project.run(*command.split())
    assert done.exit_code == 2
    (line,) = errors_in(done.output)
    assert message in line
    assert "run flowdsl build" in done.stderr
    assert not project.aws.log
    if "then delete it" in done.stderr:
        shutil.rmtree(project.root / "build")
    assert project.run("build").exit_code == 0
    assert project.run("deploy", "--yes").exit_code == 0
    assert project.run("plan").exit_code == 0


# Names


def test_a_name_that_is_taken_whatever_it_names(world):
    """Each resource is somebody else's: each is told of, none is touched."""
    world.code["sweep"] = "1"
    world.machine = watched()
    world.deploy()
    for kind in (
        world.aws.functions,
        world.aws.machines,
        world.aws.tables,
        world.aws.queues,
        world.aws.roles,
        world.aws.groups,
    ):
        for each in kind.values():
            each["tags"] = {}
    for kind in (world.aws.metric_alarms, world.aws.schedule_groups):
        for each in kind.values():
            each["tags"] = {"flowdsl:stack": "others", "flowdsl:environment": "test"}
    for kind in (world.aws.topics, world.aws.buses):
        for each in kind.values():
            each.clear()
    before = len(world.aws.changes())
    plan = world.plan()
    words = {
        problem.message.removeprefix("the name is taken: ").partition(" exists and ")[0] for problem in plan.problems
    }
    assert words >= {
        *("function setup", "state machine payment", "table donations", "queue letters", "topic news"),
        *("event bus events", "alarm failing", "role setup-eu-west-1", "role payment-states-eu-west-1"),
        "schedule group payment",
    }
    taken = [each for each in plan.problems if each.message.startswith("the name is taken")]
    assert all("flowdsl changes only what it tagged" in each.hint for each in taken)
    assert any("belongs to others / test" in each.message for each in taken)
    assert len(world.aws.changes()) == before
    assert not world.session().plan_destroy(request(), ["payment"], world.wanted().stores).calls


def request():
    from flowdsl.deploy.retire import DestroyRequest

    return DestroyRequest(stop_executions=True)


# Never shown

SECRETS = {
    "AWS_ACCESS_KEY_ID": "AKIAEXAMPLEACCESSKEY",
    "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMIexamplesecret",
    "AWS_SESSION_TOKEN": TOKEN,
}
VALUE = "en-secret-looking-value"
"""Of an environment variable in the project's settings."""


def test_lambda_repeats_all_variables_in_its_error(world):
    """Lambda Developer Guide, "Troubleshoot configuration issues": "String measured: {…}"."""
    value = 'sk_live_4eC39HqLyjWDarjtT1zdp7dc "quoted"'
    with_environment(world, functions={"setup": FunctionSettings(environment={"KEY": value, "FLAG": "on"})})
    plan = world.plan()
    text = f"exceeded the 4KB limit. String measured: {json.dumps({'KEY': value, 'FLAG': 'on'})}"
    session = world.session()

    class Measuring:
        def call(self, service, operation, arguments):
            if operation == "CreateFunction" and arguments["FunctionName"] == "setup":
                raise CallError("InvalidParameterValueException", text, service, operation)
            return world.aws.call(service, operation, arguments)

    session.aws = Measuring()
    with pytest.raises(FlowError, match="String measured") as raised:
        session.apply(plan)
    assert "sk_live" not in str(raised.value)
    assert '"KEY": "(not shown)"' in str(raised.value)


@pytest.mark.parametrize("secret", [4242424242424242, ["my, type secret-part"], ["a\n, valid secret-part"]])
def test_what_boto3_refuses_is_told_without_its_value(monkeypatch, secret):
    boto3 = pytest.importorskip("boto3")
    aws = Boto(PLACE, boto3.Session("id", "secret", region_name=PLACE.region))
    with pytest.raises(FlowError, match="refused by boto3") as raised:
        aws.call("lambda", "PublishVersion", {"FunctionName": "f", "Description": secret, "Nothing": 1})
    assert not re.search("4242|secret-part", str(raised.value))
    assert "Description" in str(raised.value)


def test_no_output_has_a_secret(project, monkeypatch):
    """Every command, in text and JSON, when it succeeds, when nothing is to do, and when AWS refuses a call."""
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    card = '{"number": "4242424242424242", "name": "Ada Lovelace"}'
    outputs = []

    def run(*arguments: str) -> None:
        done = project.run(*arguments)
        assert "Traceback" not in done.output
        outputs.append(done.output)

    steps = [
        *("plan", "plan --format json", "deploy --yes", "plan", "deploy --yes", "rollback --yes"),
        *("prune --yes --keep 1", "destroy --yes", "destroy --yes --stop-executions", "destroy --yes"),
    ]
    for fault in (None, "before", "expire"):
        for number, step in enumerate(steps):
            if number == 3:
                execution = project.aws.start(f"don-{fault}", "hello")
                project.aws.executions[execution]["input"] = card
                project.code(str(fault))
            project.aws.fail_at, project.aws.fault = None, fault or "before"
            if fault:
                project.aws.fail_at = len(project.aws.log) + 5 * number
                run(*step.split())
                project.aws.fail_at = None
            run(*step.split())
            project.aws.clock.sleep(60)
    shown = "\n".join(outputs)
    assert "open executions: 1" in shown
    assert "InternalFailure" in shown
    assert "have expired" in shown
    for secret in (*SECRETS.values(), VALUE, "4242424242424242", "Lovelace"):
        assert secret not in shown
