"""A proxy that gives localstripe what it lacks of Stripe's behaviour.

Idempotency-Key as https://docs.stripe.com/api/idempotent_requests says: the first answer is kept and given again, a
key with other parameters is an error, a key in use is a conflict (409). PaymentIntents are searched by metadata.
return_url leads to a redirect_to_url as next action. And it can fail: lose an answer, be unavailable, refuse a card for
a reason of the test's choice.
"""

from __future__ import annotations

import json
import re
import threading
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

AUTHORIZATION = {"Authorization": "Bearer sk_test_12345"}


class StripeProxy:
    def __init__(self, upstream: str) -> None:
        self.upstream = upstream
        self.lose_answers = 0
        """How many answers to POST get lost after Stripe did its work."""
        self.refuse: list[tuple[int, dict[str, Any]]] = []
        """Answers (status, error) to give instead of asking Stripe."""
        self.hold: threading.Event | None = None
        """What a POST waits for before it is answered."""
        self.requests: list[tuple[str, str | None]] = []
        self._lock = threading.Lock()
        self._kept: dict[str, tuple[str, int, bytes] | None] = {}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> StripeProxy:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def payment_intents(self, donation: str, field: str = "donation") -> list[dict[str, Any]]:
        """What Stripe has for a donation."""
        _, body = self.ask("GET", "/v1/payment_intents?limit=100", b"")
        return [intent for intent in json.loads(body)["data"] if intent["metadata"].get(field) == donation]

    def forget_keys(self) -> None:
        """What Stripe may do 24 hours after a key's first use."""
        with self._lock:
            self._kept.clear()

    def _search(self, path: str) -> tuple[int, bytes]:
        (query,) = parse_qs(urlsplit(path).query)["query"]
        asked = re.fullmatch(r"""metadata\['(\w+)'\]:"([\w-]+)\"""", query)
        assert asked, query
        _, body = self.ask("GET", "/v1/payment_intents?limit=100", b"")
        # As Stripe may do, without regard to case.
        intents = json.loads(body)["data"]
        found = [each for each in intents if each["metadata"].get(asked[1], "").lower() == asked[2].lower()]
        result = {"object": "search_result", "url": "/v1/payment_intents/search", "has_more": False, "data": found}
        return 200, json.dumps(result).encode()

    def method(self, number: str) -> str:
        """A payment method for a card number, as Stripe's form in the donor's browser gets one."""
        card = {"number": number, "exp_month": "12", "exp_year": "2030", "cvc": "123"}
        form = {"type": "card", **{f"card[{name}]": value for name, value in card.items()}}
        status, body = self.ask("POST", "/v1/payment_methods", urlencode(form).encode())
        assert status == 200, body
        identity: str = json.loads(body)["id"]
        return identity

    def authenticate(self, intent: dict[str, Any], *, success: bool) -> None:
        """The donor's part of 3-D Secure."""
        form = {"client_secret": intent["client_secret"], "success": str(success).lower()}
        self.ask("POST", f"/v1/payment_intents/{intent['id']}/_authenticate", urlencode(form).encode())

    def ask(self, method: str, path: str, body: bytes) -> tuple[int, bytes]:
        request = urllib.request.Request(
            f"{self.upstream}{path}", data=body or None, method=method, headers=AUTHORIZATION
        )
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read()

    def answer(self, method: str, path: str, body: bytes, key: str | None) -> tuple[int, bytes] | None:
        """The answer, or None where it is to be lost."""
        answer = self._answer(method, path, body, key)
        with self._lock:
            if method == "POST" and self.lose_answers:
                self.lose_answers -= 1
                return None
        return answer

    def _answer(self, method: str, path: str, body: bytes, key: str | None) -> tuple[int, bytes]:
        fingerprint = f"{method} {path} {body!r}"
        with self._lock:
            self.requests.append((f"{method} {path}", key))
            if self.refuse:
                status, error = self.refuse.pop(0)
                return status, json.dumps({"error": error}).encode()
            if key is not None:
                if key in self._kept:
                    return self._again(key, fingerprint)
                self._kept[key] = None
        if path.startswith("/v1/payment_intents/search"):
            return self._search(path)
        status, content = self.ask(method, path, _without_return_url(body))
        if b"return_url=" in body:
            content = _with_redirect(content)
        if method == "POST" and self.hold is not None:
            self.hold.wait(10)
        with self._lock:
            if key is not None:
                self._kept[key] = (fingerprint, status, content)
        return status, content

    def _again(self, key: str, fingerprint: str) -> tuple[int, bytes]:
        kept = self._kept[key]
        if kept is None:
            error = {"type": "invalid_request_error", "code": "idempotency_key_in_use", "message": "in use"}
            return 409, json.dumps({"error": error}).encode()
        if kept[0] != fingerprint:
            error = {"type": "idempotency_error", "message": "used with other parameters"}
            return 400, json.dumps({"error": error}).encode()
        return kept[1], kept[2]


def _without_return_url(body: bytes) -> bytes:
    return urlencode([(name, value) for name, value in parse_qsl(body.decode()) if name != "return_url"]).encode()


def _with_redirect(content: bytes) -> bytes:
    intent = json.loads(content)
    if intent.get("next_action"):
        url = f"https://hooks.stripe.example/{intent['id']}"
        intent["next_action"] = {"type": "redirect_to_url", "redirect_to_url": {"url": url}}
    return json.dumps(intent).encode()


def _handler(proxy: StripeProxy) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._relay()

        def do_POST(self) -> None:
            self._relay()

        def _relay(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            answer = proxy.answer(self.command, self.path, body, self.headers.get("Idempotency-Key"))
            if answer is None:
                self.close_connection = True
                return
            self.send_response(answer[0])
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer[1])))
            self.end_headers()
            self.wfile.write(answer[1])

        def log_message(self, *_: object) -> None:
            """Tests keep quiet."""

    return Handler
