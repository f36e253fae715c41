"""The servers that stand for PSPs: the campaign's books behind HTTP, with faults."""

from __future__ import annotations

import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from benchmarks.campaign.adyen_books import AdyenBooks
from benchmarks.campaign.gocardless_books import GoCardlessBooks

HOSTILE: dict[str, tuple[int, str, bytes]] = {
    # An answer that the PSP never gave: status, content type, body.
    "html": (502, "text/html", b"<html><body><h1>502 Bad Gateway</h1></body></html>"),
    "html with 200": (200, "text/html", b"<html>Please log in</html>"),
    "half": (200, "application/json", b'{"id": "x", "status": "suc'),
    "empty": (200, "application/json", b""),
    "no fields": (200, "application/json", b"{}"),
    "null": (200, "application/json", b"null"),
    "array": (200, "application/json", b"[1]"),
    "text": (200, "application/json", b'"paid"'),
    "huge": (200, "application/json", b'{"id": "' + b"x" * 12_000_000 + b'"}'),
    "error of another shape": (422, "application/json", b'{"error": [], "errorCode": {}, "errors": 7}'),
    "error as text": (500, "application/json", b'{"error": "oops"}'),
    "throttled": (429, "application/json", b'{"message": "slow down"}'),
    "unavailable": (503, "application/json", b'{"message": "try again later", "status": 503}'),
}


class PspServer:
    """A server at `url`. `answer` has the PSP's rules, and runs one request at a time."""

    def __init__(self) -> None:
        self.faults: list[str] = []
        """What happens to the next requests: `lost` (the work is done, its answer never arrives), `down` (nothing is
        done), `twice` (it arrives twice, and the second answer is the one that is read), `none`, or a name of HOSTILE
        (the work is done)."""
        self.requests: list[str] = []
        self.keys_of: dict[tuple[str, bytes], list[str]] = {}
        """The idempotency keys of all requests that change something, by path and body."""
        self.mistakes: list[str] = []
        """Where a request or an answer differs from what the PSP publishes."""
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self._serve))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Any:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def answer(
        self, method: str, path: str, query: dict[str, str], headers: dict[str, str], body: bytes
    ) -> tuple[int, bytes]:
        """Do what the request asks for; return the status and the body."""
        raise NotImplementedError

    def _serve(self, method: str, url: str, headers: dict[str, str], body: bytes) -> tuple[int, str, bytes] | None:
        parts = urlsplit(url)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        with self._lock:
            self.requests.append(f"{method} {parts.path}")
            if method != "GET":
                keys = self.keys_of.setdefault((parts.path, body), [])
                keys.append(headers.get("idempotency-key", ""))
            fault = self.faults.pop(0) if self.faults else "none"
            if fault == "down":
                return None
            try:
                if fault == "twice":
                    self.answer(method, parts.path, query, headers, body)
                status, content = self.answer(method, parts.path, query, headers, body)
            except Exception as error:
                self.mistakes.append(f"{method} {url}: {type(error).__name__}: {error}")
                raise
        if fault == "lost":
            return None
        return HOSTILE.get(fault, (status, "application/json", content))


class AdyenServer(AdyenBooks, PspServer):
    def __init__(self) -> None:
        PspServer.__init__(self)
        AdyenBooks.__init__(self)


class GoCardlessServer(GoCardlessBooks, PspServer):
    def __init__(self) -> None:
        PspServer.__init__(self)
        GoCardlessBooks.__init__(self)


def _handler(serve: Callable[..., Any]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def __getattr__(self, name: str) -> Any:
            """Answer every method alike: do_GET, do_POST, do_DELETE, …"""
            if name.startswith("do_"):
                return self._answer
            raise AttributeError(name)

        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            answer = serve(self.command, self.path, headers, body)
            self.close_connection = True
            if answer is None:
                return
            status, kind, content = answer
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content)))
            self.send_header("Connection", "close")
            self.end_headers()
            try:
                self.wfile.write(content)
            except OSError:
                return  # the client had enough of it

        def log_message(self, *_: object) -> None:
            """Not in the tests' output."""

    return Handler
