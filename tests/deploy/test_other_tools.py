"""The snippets of docs/templates.md for SAM, CDK and Terraform, with what `flowdsl build --template` writes.

SAM's is transformed and linted by cfn-lint. Terraform's definition is filled in by terraform where it is installed.
`make test-tools` installs CDK, which makes its stack, and SAM, which validates. No test needs a network.
"""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from flowdsl import Function, StateMachine, Task, chain
from flowdsl.deploy.exports import files
from tests.deploy.world import World

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
GUIDE = ROOT / "docs" / "templates.md"
TOOLS = os.environ.get("FLOWDSL_TOOLS", "")
"""The folder that `make test-tools` fills."""
with_tools = pytest.mark.skipif(not TOOLS, reason="needs CDK and SAM: make test-tools")


def snippet(language: str) -> str:
    (code,) = re.findall(rf"```{language}\n(.*?)```", GUIDE.read_text(), re.DOTALL)
    return str(code)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The build of a flow with the guide's two functions."""
    world = World(tmp_path)
    names = ("payment-setup", "payment-receipt")
    world.code = dict.fromkeys(names, "1")
    setup, receipt = (Task(name, Function(name, f"handlers/{name.partition('-')[2]}")) for name in names)
    world.machine = StateMachine("payment", chain(setup, receipt))
    machines, build = world.build()
    for name, text in files(world.stack, world.environment, machines, build).items():
        (build / name).write_text(text)
    return tmp_path


def deployed(folder: Path, arns: dict[str, str]) -> dict[str, object]:
    """The definition with these ARNs of functions."""
    text = (folder / "build" / "payment.template.asl.json").read_text()
    for name, arn in arns.items():
        text = text.replace(f"${{{name}}}", arn)
    assert "${" not in text
    return dict(json.loads(text))


def test_sam(folder, monkeypatch):
    import cfnlint.api

    monkeypatch.chdir(folder)
    code = snippet("yaml")
    found = cfnlint.api.lint(code, config=cfnlint.api.ManualArgs(regions=["eu-west-1"]))
    assert not [f"{each.rule.id} {each.message}" for each in found]
    values = json.loads((folder / "build" / "payment.substitutions.json").read_text())
    (substitutions,) = re.findall(r"DefinitionSubstitutions:\n((?: {8}\w+: .*\n)+)", code)
    assert {*re.findall(r"^ +(\w+):", substitutions, re.MULTILINE)} == {*values["substitutions"]}
    assert {*re.findall(r"FunctionName: (payment\S+)", code)} == {*values["functions"].values()}
    assert all((folder / file).exists() for file in re.findall(r"(?:CodeUri|DefinitionUri): (\S+)", code))


@pytest.mark.skipif(not shutil.which("terraform"), reason="terraform is not installed")
def test_terraform(folder):
    """The provider of AWS is not at hand: its resources are replaced by what the definition needs of them."""
    code = snippet("hcl")
    (folder / "snippet.tf").write_text(code)
    run = {"cwd": folder, "capture_output": True, "text": True, "timeout": 120, "check": False}
    formatted = subprocess.run(["terraform", "fmt", "-check", "-diff", "snippet.tf"], **run)
    assert formatted.returncode == 0, formatted.stdout + formatted.stderr
    (folder / "snippet.tf").unlink()

    (known,) = re.findall(r"^locals \{\n.*?^\}\n", code, re.DOTALL | re.MULTILINE)
    (definition,) = re.findall(r"  definition = (templatefile\(.*?\n  \)\))\n", code, re.DOTALL)
    functions = '{ for key, name in local.flow.functions : key => { qualified_arn = "arn:${name}:7" } }'
    built = "{ for key, name in local.flow.functions : key => local.built[name].handler }"
    filled = definition.replace("aws_lambda_function.payment", "local.made")
    outputs = {"definition": filled, "handlers": built, "policy": "jsonencode(local.flow.policy)"}
    written = [f'output "{name}" {{\n  value = {value}\n}}\n' for name, value in outputs.items()]
    (folder / "main.tf").write_text("".join([known, f"locals {{\n  made = {functions}\n}}\n", *written]))
    for command in (["init"], ["apply", "-auto-approve"]):
        done = subprocess.run(["terraform", *command, "-no-color", "-input=false"], **run)
        assert done.returncode == 0, done.stdout + done.stderr
    shown = json.loads(subprocess.run(["terraform", "output", "-json"], **run).stdout)
    arns = {"PaymentSetup": "arn:payment-setup:7", "PaymentReceipt": "arn:payment-receipt:7"}
    assert json.loads(shown["definition"]["value"]) == deployed(folder, arns)
    assert {*shown["handlers"]["value"]} == {"PaymentSetup", "PaymentReceipt"}
    assert "lambda:InvokeFunction" in shown["policy"]["value"]


@with_tools
def test_sam_itself(folder):
    command = [f"{TOOLS}/sam/bin/sam", "validate", "--lint", "--template", "template.yaml", "--region", "eu-west-1"]

    def validate(code: str) -> subprocess.CompletedProcess[str]:
        (folder / "template.yaml").write_text(code)
        variables = {**os.environ, "SAM_CLI_TELEMETRY": "0", "HOME": str(folder)}
        return subprocess.run(
            command, cwd=folder, env=variables, capture_output=True, text=True, timeout=120, check=False
        )

    code = snippet("yaml")
    done = validate(code)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "is a valid SAM Template" in done.stdout
    assert validate(code.replace("!Ref Setup.Version", "!Ref Nobody.Version")).returncode != 0


@with_tools
def test_cdk(folder):
    (folder / "node_modules").symlink_to(Path(TOOLS) / "node_modules")
    code = snippet("js").replace("new App()", 'new App({ outdir: "out" })') + "\nstack.node.root.synth();\n"
    (folder / "app.mjs").write_text(code)
    done = subprocess.run(["node", "app.mjs"], cwd=folder, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    template = json.loads((folder / "out" / "payment.template.json").read_text())
    by_type = {each["Type"]: each for each in template["Resources"].values()}
    machine = by_type["AWS::StepFunctions::StateMachine"]["Properties"]
    assert {*machine["DefinitionSubstitutions"]} == {"PaymentSetup", "PaymentReceipt"}
    versions = [each for each in template["Resources"].values() if each["Type"] == "AWS::Lambda::Version"]
    assert [each["DeletionPolicy"] for each in versions] == ["Retain", "Retain"]
