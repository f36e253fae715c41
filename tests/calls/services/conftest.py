"""Endpoints to call: moto's server, and a stub that answers what a test says."""

import json
import logging
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from attrs import define, field

from flowdsl.calls.services import Services
from flowdsl.engine import Result, execute, prepare


@pytest.fixture(scope="session")
def emulator() -> Iterator[str]:
    """The URL of moto's server."""
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def services(emulator: str) -> Services:
    return Services.at(emulator)


Call = Callable[..., Result]


@pytest.fixture
def call(services: Services) -> Call:
    """Run a machine of one Task."""

    def call(resource: str, arguments: Any, invoke: Services = services, **fields: Any) -> Result:
        return run(invoke, resource, arguments, **fields)

    return call


def run(invoke: Services, resource: str, arguments: Any, **fields: Any) -> Result:
    task = {"Type": "Task", "Resource": f"arn:aws:states:::{resource}", "Parameters": arguments, "End": True, **fields}
    return execute(prepare({"StartAt": "Call", "States": {"Call": task}}), {}, invoke=invoke)


HANG_UP = 0
"""The status of an answer that never comes: the connection is closed."""


@define
class Stub:
    """Answers requests in order with (status, headers, body), the last one again and again; keeps what came."""

    url: str
    answers: list[tuple[int, dict[str, str], bytes]] = field(factory=list)
    requests: list[tuple[str, dict[str, str], bytes]] = field(factory=list)
    methods: list[str] = field(factory=list)

    def will_answer(self, body: Any, status: int = 200, **headers: str) -> None:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.answers.append((status, {"x-amzn-RequestId": "request-1", **named}, content))

    @property
    def bodies(self) -> list[Any]:
        return [json.loads(body) for _, _, body in self.requests]


@pytest.fixture
def stub() -> Iterator[Stub]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            stub.requests.append((self.path, dict(self.headers), body))
            stub.methods.append(self.command)
            status, headers, content = stub.answers.pop(0) if len(stub.answers) > 1 else stub.answers[0]
            if status == HANG_UP:
                return
            self.send_response(status)
            for name, value in {"Content-Length": str(len(content)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        do_DELETE = do_GET = do_PATCH = do_PUT = do_POST  # noqa: N815 - names of http.server

        def log_message(self, *arguments: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    stub = Stub(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield stub
    server.shutdown()
    server.server_close()
    thread.join()
