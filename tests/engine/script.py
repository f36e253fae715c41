"""Scripted replies: what a case says that each state's calls answer."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from flowdsl.engine import Call, Failed, Heartbeat, Later, Reply, Succeeded


class Script:
    """An invoker; `replies` lists for each state what its calls answer, in order. It keeps the calls."""

    def __init__(self, replies: dict[str, list[Any]] | None = None) -> None:
        self._replies = replies or {}
        self._used: dict[str, int] = defaultdict(int)
        self.calls: list[Call] = []

    def __call__(self, call: Call) -> Reply:
        self.calls.append(call)
        written = self._replies[call.state_name][self._used[call.state_name]]
        self._used[call.state_name] += 1
        return reply(written)


def reply(written: Any) -> Reply:
    if written == "timed_out":
        return Reply.timed_out()
    if "pending" in written:
        later = [Later(seconds, _signal(signal)) for seconds, signal in written.get("later", ())]
        return Reply.pending(written["pending"], *later)
    if "failed" in written:
        return Reply.failed(written["failed"], written.get("cause"), seconds=written.get("seconds", 0))
    return Reply.succeeded(value(written["succeeded"]), seconds=written.get("seconds", 0))


def _signal(written: Any) -> Succeeded | Failed | Heartbeat:
    if written == "heartbeat":
        return Heartbeat()
    if "failed" in written:
        return Failed(written["failed"], written.get("cause"))
    return Succeeded(written["succeeded"])


def value(written: Any) -> Any:
    """A value of a case; `{"repeat": [text, times]}` is a long string."""
    if isinstance(written, dict):
        if written.keys() == {"repeat"}:
            text, times = written["repeat"]
            return text * times
        return {key: value(item) for key, item in written.items()}
    return [value(item) for item in written] if isinstance(written, list) else written
