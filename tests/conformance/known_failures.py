"""Recordings that flowdsl does not reproduce: executions and TestState answers, each with the reason.

Nothing outside this list may fail.
"""

from __future__ import annotations

KNOWN_FAILURES: dict[str, str] = {}
