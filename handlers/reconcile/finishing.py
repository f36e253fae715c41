"""Finish the post-processing of a paid donation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from handlers.fundraising_totals import handler as totals
from handlers.publish_event import handler as event
from handlers.receipt import handler as receipt

STEPS: dict[str, Callable[[dict[str, Any], Any], Any]] = {
    "receipt": receipt.handler,
    "totals": totals.handler,
    "event": event.handler,
}
"""The branches of the flow's PostProcessing by their names in the document. Each has an effect once per donation."""


def finish(document: dict[str, Any]) -> dict[str, Any]:
    """Run the steps that are not done; return the document with all results. A failure is a result, as in the flow."""
    results = dict(document.get("post_processing") or {})
    for name, step in STEPS.items():
        if not isinstance(results.get(name), Mapping) or results[name].get("status") != "done":
            results[name] = _run(step, document)
    return {**document, "post_processing": results}


def _run(step: Callable[[dict[str, Any], Any], Any], document: dict[str, Any]) -> Any:
    try:
        return step(document, None)
    except Exception as error:  # noqa: BLE001 - the other steps and donations go on
        return {"status": "failed", "error": type(error).__name__, "cause": None}
