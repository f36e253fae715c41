"""HTTP for PSPs whose libraries use `requests`: sessions that read answers of a bounded size."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import requests
from requests.adapters import HTTPAdapter

MAX_ANSWER = 2_000_000
"""Bytes. Most answers have some thousand, and a page of a hundred payments has less than this."""


def open_session() -> requests.Session:
    """Return a session that raises requests.ConnectionError for an answer of more than MAX_ANSWER bytes."""
    session = requests.Session()
    # No proxies and passwords from the environment or ~/.netrc: they would replace the PSP's own credentials.
    session.trust_env = False
    for scheme in ("https://", "http://"):
        session.mount(scheme, _Bounded())
    return session


class _Bounded(HTTPAdapter):
    def send(self, request: requests.PreparedRequest, *args: Any, **settings: Any) -> requests.Response:
        response = super().send(request, *args, **settings)
        response.raw = _Reader(response.raw)
        return response


class _Reader:
    """urllib3's raw answer, which raises an error once it is too long."""

    def __init__(self, raw: Any) -> None:
        self._raw = raw

    def stream(self, size: int, decode_content: bool | None = None) -> Iterator[bytes]:
        """Yield the content after decompression, which is what fills the memory."""
        total = 0
        for chunk in self._raw.stream(size, decode_content=decode_content):
            total += len(chunk)
            if total > MAX_ANSWER:
                self._raw.close()
                raise requests.ConnectionError(f"the answer has more than {MAX_ANSWER:,} bytes")
            yield chunk

    def __getattr__(self, name: str) -> Any:
        return getattr(self._raw, name)
