"""Adding a PSP as docs/payment-flow.md says breaks no test, and its donations are paid."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FLOWS = [file.name for file in ROOT.glob("*_flow.py")]
SHIPPED = ("pyproject.toml", *FLOWS, "README.md", "handlers", "examples", "benchmarks", "docs")

pytestmark = pytest.mark.slow


def run(folder: Path, *arguments: str, **variables: str) -> str:
    """Run Python in the copy, where `handlers` and the flows are those of the copy."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(folder), str(ROOT)]), **variables}
    done = subprocess.run(
        [sys.executable, "-m", *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def replace(file: Path, old: str, new: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert text.count(old) == 1, f"{file.name}: {old!r}"
    file.write_text(text.replace(old, new), encoding="utf-8")


HANDLER = '''"""TakePayment at the toy. Environment: TOY_API_KEY and TOY_RETURN_URL."""

from __future__ import annotations

from typing import Any

from handlers.logs import logger
from handlers.modes import checked
from handlers.psp import Payment
from handlers.psp.handling import handle
from handlers.psp_toy.provider import SandboxPsp
from handlers.psp_toy.table import open_ledger

LOG = logger("psp_toy")


def handler(event: dict[str, Any], context: Any) -> Payment:
    return handle(LOG, event, context, open_psp)


def open_psp() -> SandboxPsp:
    if not (checked("TOY_API_KEY") and checked("TOY_RETURN_URL")):
        raise AssertionError
    return SandboxPsp(open_ledger())
'''
WEBHOOK = '''"""The toy's webhook. Environment: TOY_WEBHOOK_SECRET, and what psp_toy needs."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any

from handlers.logs import logger
from handlers.psp_toy.handler import open_psp
from handlers.psp_webhook import BadSignature, UnknownSignature, content, header, receive, settle, signing_secrets

LOG = logger("toy_webhook")


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return receive(LOG, event, context, verify=_verify, settle=_settle, unsigned=400)


def _verify(event: Mapping[str, Any]) -> dict[str, Any]:
    body, signature = content(event), header(event, "toy-signature").encode()
    secrets = signing_secrets("TOY_WEBHOOK_SECRET")
    digests = [hmac.new(secret.encode(), body, hashlib.sha256).hexdigest() for secret in secrets]
    if not any(hmac.compare_digest(digest.encode(), signature) for digest in digests):
        kind = UnknownSignature if len(signature) == 64 else BadSignature
        raise kind("the signature does not match")
    return dict(json.loads(body))


def _settle(reported: dict[str, Any]) -> str:
    payment = open_psp().find(reported["payment"])
    return settle(reported["donation"], is_decided=True, payment=str(payment.reference))
'''
WORLD = """

class ToyWorld(SandboxWorld):
    name = "psp_toy"
    webhook = "toy_webhook"
    settings: ClassVar = {
        "TOY_API_KEY": "test_1",
        "TOY_RETURN_URL": RETURN_URL,
        "TOY_WEBHOOK_SECRET": "secret",
        "PAYMENTS_SANDBOX": "allowed",
    }
    key = "TOY_API_KEY"
    secret = "TOY_WEBHOOK_SECRET"

    def ledger(self) -> Ledger:
        return Ledger(sqlite.database("psp-toy"))

    def event(self, donation: str) -> dict[str, Any]:
        return self._signed(donation, "secret")

    def forged(self, donation: str) -> dict[str, Any]:
        return self._signed(donation, self.other_secret)

    def _signed(self, donation: str, secret: str) -> dict[str, Any]:
        from hashlib import sha256
        from hmac import new

        body = json.dumps({"donation": donation, "payment": self.ledger().payments(donation)[0].reference})
        return {"body": body, "headers": {"Toy-Signature": new(secret.encode(), body.encode(), sha256).hexdigest()}}
"""
ROUTING = """
[psp_toy]
function = "payment-psp-toy"
enabled = {enabled}
percentage = 100
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the project with a fifth PSP: the steps of docs/payment-flow.md, one after the other."""
    folder = tmp_path / "project"
    for name in SHIPPED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            folder.mkdir(exist_ok=True)
            shutil.copy(ROOT / name, folder)
    shutil.copytree(ROOT / "tests", folder / "tests", ignore=shutil.ignore_patterns("__pycache__", "conformance"))
    # 1 and 2: the packages; the smallest example is the sandbox.
    psp, webhook = folder / "handlers" / "psp_toy", folder / "handlers" / "toy_webhook"
    shutil.copytree(folder / "handlers" / "psp_sandbox", psp)
    for file in psp.iterdir():
        text = file.read_text(encoding="utf-8").replace("psp_sandbox", "psp_toy").replace("psp-sandbox", "psp-toy")
        file.write_text(text, encoding="utf-8")
    (psp / "handler.py").write_text(HANDLER, encoding="utf-8")
    webhook.mkdir()
    for name in ("__init__.py", "requirements.in", "requirements.txt"):
        text = (psp / name).read_text(encoding="utf-8")
        (webhook / name).write_text(text.replace("handlers/psp_toy", "handlers/toy_webhook"), encoding="utf-8")
    (webhook / "handler.py").write_text(WEBHOOK, encoding="utf-8")
    # 4: the flow, and which setting tells the mode. (3, the library, is not needed.)
    flow = folder / "payment_flow.py"
    stripe = '    Function("payment-psp-stripe", "handlers/psp_stripe", timeout=PSP_FUNCTION),\n'
    toy = '    Function("payment-psp-toy", "handlers/psp_toy", timeout=PSP_FUNCTION, access=[SANDBOX]),\n'
    replace(flow, stripe, stripe + toy)
    stripe = '    Function("payment-stripe-webhook", "handlers/stripe_webhook", timeout=60, access=WEBHOOK),\n'
    toy = '    Function("payment-toy-webhook", "handlers/toy_webhook", timeout=60, access=[*WEBHOOK, SANDBOX]),\n'
    replace(flow, stripe, stripe + toy)
    replace(folder / "handlers" / "modes.py", "_MODES = {\n", '_MODES = {\n    "TOY_API_KEY": r"(live|test)_",\n')
    # 5: the routing, and one of an environment that has the settings.
    with (folder / "handlers" / "select_psp" / "psps.toml").open("a", encoding="utf-8") as routing:
        routing.write(ROUTING.format(enabled="false"))
    (folder / "handlers" / "select_psp" / "toy.toml").write_text(ROUTING.format(enabled="true"), encoding="utf-8")
    # 6: the tables of functions and settings.
    rows = "".join(f"| `{name}` | … |\n" for name in ("toy_webhook", "psp_toy", *SETTINGS))
    with (folder / "handlers" / "README.md").open("a", encoding="utf-8") as readme:
        readme.write(rows)
    # 7: the world.
    worlds = folder / "tests" / "handlers" / "psp_worlds.py"
    replace(worlds, "\n\nWORLDS: ", f"{WORLD}\n\nWORLDS: ")
    replace(worlds, "(SandboxWorld, StripeWorld,", "(SandboxWorld, ToyWorld, StripeWorld,")
    return folder


SETTINGS = {"TOY_API_KEY": "test_1", "TOY_RETURN_URL": "https://donate.example", "TOY_WEBHOOK_SECRET": "secret"}


def test_a_fifth_psp(project: Path) -> None:
    # 8: the check, which has the routing, too; and the tests.
    assert "no mistakes found" in run(project, "flowdsl", "check")
    output = run(
        project,
        "flowdsl",
        "run",
        "payment_flow.py",
        "--input",
        str(project / "examples" / "donation.json"),
        PSPS=str(project / "handlers" / "select_psp" / "toy.toml"),
        PAYMENTS_DATA=str(project / "data"),
        **SETTINGS,
    )
    assert '"psp": "psp_toy"' in output
    tests = (
        "payment/test_outcomes.py",
        "handlers/test_configuration.py",
        *(f"handlers/{each.name}" for each in sorted((project / "tests/handlers").glob("test_psp_contract*.py"))),
        "handlers/test_requirements.py",
        "handlers/test_select_psp.py",
        "test_snapshots.py",
    )
    others = "not picture and not psp_stripe and not psp_adyen and not psp_gocardless and not psp_sandbox"
    result = run(project, "pytest", "-q", "-p", "no:cacheprovider", "-k", others, *(f"tests/{each}" for each in tests))
    assert " passed" in result
    assert "failed" not in result
