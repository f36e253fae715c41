"""Lambda's Runtime API for one process, which asks it for events and reports what became of them.

Source: Lambda Developer Guide, "Using the Lambda runtime API for custom runtimes".
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import SimpleQueue
from threading import Thread
from types import TracebackType
from typing import Any, Literal, Self

from attrs import define, field, frozen

_NEXT = "/2018-06-01/runtime/invocation/next"
_INIT_ERROR = "/2018-06-01/runtime/init/error"
_INVOCATION = "/2018-06-01/runtime/invocation/"


@frozen
class Report:
    """What the process did: asked for an event, answered one, failed, or ended (`body` is its exit code)."""

    kind: Literal["next", "response", "error", "init error", "exit"]
    body: Any = None


@frozen
class Invocation:
    """An event as JSON, and the time limit of its invocation in seconds."""

    body: bytes
    request_id: str
    arn: str
    timeout: float

    def headers(self) -> dict[str, str]:
        return {
            "Content-Type": "application/json",
            "Lambda-Runtime-Aws-Request-Id": self.request_id,
            "Lambda-Runtime-Deadline-Ms": str(int((time.time() + self.timeout) * 1000)),
            "Lambda-Runtime-Invoked-Function-Arn": self.arn,
            "Lambda-Runtime-Trace-Id": "Root=1-00000000-000000000000000000000000;Sampled=0",
        }


@define(eq=False)
class RuntimeApi:
    """A server on this computer. `reports` has what the process did; `events` is what it gets when it asks.

    Every other request is refused at once, so this is also where calls to AWS services can be sent that must not leave
    the computer.
    """

    reports: SimpleQueue[Report] = field(factory=SimpleQueue)
    events: SimpleQueue[Invocation | None] = field(factory=SimpleQueue)
    _server: ThreadingHTTPServer = field(init=False)

    def __enter__(self) -> Self:
        api = self

        class Handler(_Handler):
            reports, events = api.reports, api.events

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.events.put(None)  # releases the request that waits for an event
        self._server.shutdown()
        self._server.server_close()

    @property
    def address(self) -> str:
        """Host and port, as AWS_LAMBDA_RUNTIME_API has them."""
        return f"127.0.0.1:{self._server.server_port}"


class _Handler(BaseHTTPRequestHandler):
    reports: SimpleQueue[Report]
    events: SimpleQueue[Invocation | None]

    def do_GET(self) -> None:
        if self.path != _NEXT:
            self._refuse()
            return
        self.reports.put(Report("next"))
        event = self.events.get()
        if event is None:
            self.close_connection = True
        else:
            self._answer(200, event.body, event.headers())

    def do_POST(self) -> None:
        body = self._body()
        if self.path == _INIT_ERROR:
            self._report("init error", body)
        elif self.path.startswith(_INVOCATION) and self.path.endswith("/response"):
            self._report("response", body)
        elif self.path.startswith(_INVOCATION) and self.path.endswith("/error"):
            self._report("error", body)
        else:
            self._refuse()

    do_PUT = do_DELETE = do_HEAD = do_PATCH = do_GET  # noqa: N815 - the base class's names

    def _body(self) -> bytes:
        if "chunked" not in self.headers.get("Transfer-Encoding", ""):
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        chunks = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            chunks.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(chunks)

    def _report(self, kind: Literal["response", "error", "init error"], body: bytes) -> None:
        self.reports.put(Report(kind, body if kind == "response" else json.loads(body)))
        self._answer(202, b'{"status": "OK"}', {"Content-Type": "application/json"})

    def _refuse(self) -> None:
        message = "flowdsl build --verify does not call services; set AWS_ENDPOINT_URL to an emulator to allow it"
        body = json.dumps({"__type": "NotCalled", "message": message}).encode()
        self._answer(400, body, {"Content-Type": "application/json"})

    def _answer(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        with suppress(ConnectionError):  # the process was stopped
            self.end_headers()
            self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Print no line for each request."""
