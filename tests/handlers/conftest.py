"""What the handlers' tests share: private data folders, a Lambda context, documents, the servers of others."""

from __future__ import annotations

import importlib
import json
import os
import socket
import subprocess
import sys
import threading
import time
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from handlers import clock
from tests.cloud.starter import serving
from tests.handlers.stripe_proxy import StripeProxy

HANDLERS = Path(__file__).parents[2] / "handlers"
Call = Callable[[str, Any], Any]
PSPS = tuple(f"{folder.name.removeprefix('psp_').upper()}_" for folder in HANDLERS.glob("psp_*/"))
"""What the variables of PSPs begin with."""
ARN = "arn:aws:lambda:eu-west-1:123456789012:function:select_psp"


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An own folder for the SQLite files, and an environment without anything of AWS or a PSP."""
    for name in list(os.environ):
        if name.startswith(("AWS_", "PAYMENTS_", "POWERTOOLS_", *PSPS)) or name.endswith("_TABLE"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("PAYMENTS_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


@pytest.fixture
def executions_have_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """Webhooks and the sweep settle what no execution waits for."""
    for module in ("handlers.reconcile.sweep", "handlers.psp_webhook"):
        monkeypatch.setattr(f"{module}.execution_has_ended", lambda execution, **_: True)


def invoke(name: str, event: Any) -> Any:
    """Call a handler as Lambda does: JSON in, JSON out."""
    context = SimpleNamespace(aws_request_id="00000000-0000-0000-0000-000000000000", invoked_function_arn=ARN)
    handler = importlib.import_module(f"handlers.{name}.handler").handler
    return json.loads(json.dumps(handler(json.loads(json.dumps(event)), context)))


@pytest.fixture
def call() -> Call:
    return invoke


def donation(token: str = "tok_paid", **changes: Any) -> dict[str, Any]:
    return {
        "id": f"don-{uuid.uuid4().hex[:12]}",
        "charity": "Lifeboats",
        "amount": 2500,
        "currency": "GBP",
        "payment_method": {"type": "card", "token": token},
        "donor": {"name": "Ada Lovelace", "email": "ada@example.org"},
        **changes,
    }


def document(token: str = "tok_paid", **changes: Any) -> dict[str, Any]:
    """The document that TakePayment gets first."""
    return {
        "donation": donation(token, **changes),
        "payment": {"status": "new", "attempts": []},
        "psp": {"chosen_at": clock.now()},
        "started_at": "2026-01-31T09:30:00.000Z",
        "execution": "arn:aws:states:eu-west-1:123456789012:execution:payment:one",
    }


def paid(token: str = "tok_paid", **changes: Any) -> dict[str, Any]:
    """A document whose payment was taken by the sandbox."""
    found = document(token, **changes)
    return {**found, "payment": invoke("psp_sandbox", found)}


def a_day_later(event: dict[str, Any]) -> dict[str, Any]:
    """The document of a donor who was redirected more than a day ago."""
    payment = event["payment"]
    long_ago = [{**attempt, "at": "2020-01-01T00:00:00.000Z"} for attempt in payment["attempts"]]
    return {**event, "payment": {**payment, "attempts": long_ago}}


def free_port() -> int:
    with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as listener:
        listener.bind(("::1", 0))
        port: int = listener.getsockname()[1]
        return port


def run(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run Python code in a process of its own, in the project's folder."""
    root = Path(__file__).parents[2]
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=root,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.fixture(scope="session")
def localstripe() -> Iterator[str]:
    """A Stripe server that somebody else wrote, in a process of its own; its base URL."""
    executable = Path(sys.executable).with_name("localstripe")
    if not executable.exists():
        pytest.skip("localstripe is not installed: pip install 'flowdsl[dev]'")
    for _ in range(3):
        port = free_port()
        command, null = [str(executable), "--from-scratch", "--port", str(port)], subprocess.DEVNULL
        with serving(command, stdout=null, stderr=null) as server:
            if _answers(f"http://127.0.0.1:{port}/js.stripe.com/v3/", server):
                yield f"http://127.0.0.1:{port}"
                return
    pytest.fail("localstripe did not start")


def _answers(url: str, server: subprocess.Popen[bytes]) -> bool:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and server.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return True
        except OSError:
            time.sleep(0.05)
    return False


@pytest.fixture
def stripe_server(localstripe: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[StripeProxy]:
    """localstripe behind a proxy that honours Idempotency-Key, and psp_stripe set up to use it."""
    with StripeProxy(localstripe) as proxy:
        monkeypatch.setenv("STRIPE_API_BASE", proxy.url)
        monkeypatch.setenv("STRIPE_API_KEY", "sk_test_12345")
        monkeypatch.setenv("STRIPE_RETURN_URL", "https://donate.example/returned")
        yield proxy


@pytest.fixture(scope="session")
def moto() -> Iterator[str]:
    """AWS's API by moto's server; its base URL.

    It takes one request at a time: conditions and transactions of DynamoDB are atomic, moto's alone are not.
    """
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
    from werkzeug.serving import make_server

    server = make_server("127.0.0.1", 0, DomainDispatcherApplication(create_backend_app), threaded=False)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def aws(moto: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """Credentials and endpoint, so that boto3 speaks to moto."""
    values = {"ACCESS_KEY_ID": "testing", "SECRET_ACCESS_KEY": "testing", "DEFAULT_REGION": "eu-west-1"}
    for name, value in values.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    monkeypatch.setenv("AWS_ENDPOINT_URL", moto)
    return moto
