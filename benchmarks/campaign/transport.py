"""Books of a PSP in the place of HTTP: what they know is in a file, which outlives a process that is killed."""

from __future__ import annotations

import os
import pickle
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import parse_qs, urlsplit

import requests
from attrs import define
from requests.adapters import BaseAdapter
from requests.structures import CaseInsensitiveDict

from handlers.psp_sandbox.ledger import Payment

FURTHER = "further"
"""The code of a payment that somebody took by hand, beside those that the flow asked for."""

Event = tuple[int, str, Any]
"""The number of an event, a name for it, and what the webhook gets."""


class Books(Protocol):
    """A PSP with its rules, its donors and its banks, as an object that can be pickled."""

    def answer(
        self, method: str, path: str, query: dict[str, str], headers: dict[str, str], body: bytes
    ) -> tuple[int, bytes]:
        """Do what the request asks for; return the status and the body."""
        ...

    def fail(self, headers: dict[str, str]) -> tuple[int, bytes]:
        """Answer a request that was done with an error of the PSP's own."""
        ...

    def refuse(self, status: int) -> bytes:
        """Return the body of an answer 401 or 429."""
        ...

    def payments(self) -> list[Payment]:
        """Return all payments as the sandbox's ledger shows them, with amounts in ISO 4217's minor unit."""
        ...

    def taken_back(self) -> dict[str, int]:
        """Return what banks took back of taken payments, by the payment's reference."""
        ...

    def authenticate(self, reference: str, *, passed: bool) -> None:
        """Play the donor's part. Raises LookupError for an unknown payment."""
        ...

    def by_hand(self, act: str, donation: str, amount: int) -> None:
        """Play somebody at the dashboard: see banks.BY_HAND."""
        ...

    def refund_keys(self) -> set[str]:
        """Return the keys of all refunds that the flow asked for: see banks.Bank."""
        ...

    def waiting(self) -> list[str]:
        """Return what banks, or the PSP itself, have to decide next."""
        ...

    def decide(self, what: str) -> None:
        """Decide one of these; one that was decided before stays so."""
        ...

    def all_events(self) -> list[tuple[str, Any]]:
        """Return all events, oldest first: a name, and what the webhook gets."""
        ...

    def request(self, event: Any, *, forged: bool) -> dict[str, Any]:
        """Return the webhook's request, signed with the PSP's key, or with another one."""
        ...

    def returned(self, reference: str) -> dict[str, str]:
        """Return the parameters that the donor's browser brings back."""
        ...


@define
class Filed:
    """Books in a file: each use of them is read from it, and stored in it again."""

    path: Path
    new: Callable[[], Books]

    def load(self) -> Books:
        if not self.path.exists():
            return self.new()
        books: Books = pickle.loads(self.path.read_bytes())
        return books

    def save(self, books: Books) -> None:
        partial = self.path.with_suffix(".partial")
        partial.write_bytes(pickle.dumps(books))
        partial.replace(self.path)

    def payments(self) -> list[Payment]:
        return self.load().payments()

    def taken_back(self) -> dict[str, int]:
        return self.load().taken_back()

    def refund_keys(self) -> set[str]:
        return self.load().refund_keys()

    def returned(self, reference: str) -> dict[str, str]:
        return self.load().returned(reference)

    def waiting(self) -> list[str]:
        return self.load().waiting()

    def authenticate(self, reference: str, *, passed: bool) -> None:
        books = self.load()
        books.authenticate(reference, passed=passed)
        self.save(books)

    def by_hand(self, act: str, donation: str, amount: int) -> None:
        books = self.load()
        books.by_hand(act, donation, amount)
        self.save(books)

    def decide(self, what: str) -> None:
        books = self.load()
        books.decide(what)
        self.save(books)

    def events(self, after: int) -> list[Event]:
        """Return the events after a number, oldest first."""
        events = self.load().all_events()
        return [(number, name, item) for number, (name, item) in enumerate(events, 1) if number > after]

    def request(self, event: Any, *, forged: bool) -> dict[str, Any]:
        return self.load().request(event, forged=forged)


class Transport(BaseAdapter):
    """An adapter of `requests` that answers from books.

    `disturb` returns the fault of a request (its method and path), or None: refused, answer lost, unauthorized,
    throttled, failed (a 500 after the work), garbled, crash, kill.
    """

    def __init__(self, books: Filed, disturb: Callable[[str], str | None] = lambda _: None) -> None:
        super().__init__()
        self.books = books
        self.disturb = disturb

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        parts = urlsplit(str(request.url))
        fault = self.disturb(f"{request.method} {parts.path}")
        if fault == "refused":
            raise requests.ConnectionError("nobody there")
        books = self.books.load()
        if fault in _REFUSALS:
            return _response(request, _REFUSALS[fault], books.refuse(_REFUSALS[fault]))
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        headers = {name.lower(): str(value) for name, value in request.headers.items()}
        body = request.body or b""
        content = body.encode() if isinstance(body, str) else bytes(body)
        status, answer = books.answer(str(request.method), parts.path, query, headers, content)
        if fault == "failed":
            status, answer = books.fail(headers)
        self.books.save(books)
        if fault == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        if fault == "crash":
            raise SystemExit(137)
        if fault == "answer lost":
            raise requests.ConnectionError("the connection was closed")
        return _response(request, status, answer[: len(answer) // 2] if fault == "garbled" else answer)

    def close(self) -> None:
        """Nothing stays open."""


_REFUSALS = {"unauthorized": 401, "throttled": 429}


def _response(request: requests.PreparedRequest, status: int, content: bytes) -> requests.Response:
    response = requests.Response()
    response.status_code = status
    response.headers = CaseInsensitiveDict({"Content-Type": "application/json"})
    response._content = content
    response.request, response.url, response.encoding = request, str(request.url), "utf-8"
    return response
