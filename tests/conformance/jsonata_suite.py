"""JSONata 2.0.6's own test suite, run through the engine's JSONata.

The folder is FLOWDSL_JSONATA_SUITE, else ../shared/jsonata beside the project: cases.json and datasets.json.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import jlens

from flowdsl.expr.jsonata.engine import Evaluator, Limits, parse_expression
from flowdsl.expr.jsonata.errors import JsonataSyntaxError, Thrown
from flowdsl.expr.jsonata.shortcuts import UNDEFINED

from .cases import Verdict

AREA = "JSONata 2.0.6 suite"
NO_SUITE = (
    "no JSONata suite: set FLOWDSL_JSONATA_SUITE to the folder that holds cases.json and datasets.json; "
    "docs/conformance.md describes them"
)
LIMITS = {"U1001": ("Stack overflow error", "evaluation timeout")}
"""What the service says in place of the codes that the suite's own runner has for its limits."""


class WithInput(Evaluator):
    """An evaluator of expressions that read `$states.input` as their own input, as the suite's do."""

    def evaluate_on_own_input(
        self,
        expression: jlens.Expression,
        states: Mapping[str, Any],
        bindings: dict[str, Any],
        options: dict[str, Any],
    ) -> Any:
        if "input" not in states:
            return expression.evaluate(None, bindings, **options)
        return expression.evaluate_document(jlens.Document(states["input"]), bindings, **options)


def suite_folder() -> Path | None:
    """The folder of the suite, or None if it does not exist."""
    named = os.environ.get("FLOWDSL_JSONATA_SUITE")
    folder = Path(named) if named else Path(__file__).parents[3] / "shared" / "jsonata"
    return folder if (folder / "cases.json").is_file() else None


def judge() -> Iterator[Verdict]:
    """A verdict for each case."""
    folder = suite_folder()
    assert folder is not None
    datasets = json.loads((folder / "datasets.json").read_text())
    for case in json.loads((folder / "cases.json").read_text()):
        if "$eval" in case["expr"]:
            yield Verdict(case["id"], AREA, None, None, skipped="Step Functions does not have $eval")
            continue
        differs = difference(case, datasets)
        yield Verdict(case["id"], AREA, "output" if differs else None, differs)


def difference(case: dict[str, Any], datasets: dict[str, Any]) -> str | None:
    """How the outcome of a case differs from what the suite expects; None if it does not."""
    try:
        outcome = evaluate(case, datasets)
    except (JsonataSyntaxError, Thrown) as error:
        code = case.get("code") or case.get("error", {}).get("code", "no error")
        agrees = any(words in str(error) for words in (code, *LIMITS.get(code, ())))
        return None if agrees else f"error: {code}, not {error}"
    if case.get("undefinedResult"):
        return None if outcome is UNDEFINED else f"output: undefined, not {outcome!r}"
    if "result" not in case:
        return f"error: {case.get('code') or case['error']}, not the value {outcome!r}"
    agrees = outcome is not UNDEFINED and same(outcome, case["result"], unordered=case.get("unordered", False))
    return None if agrees else f"output: {case['result']!r}, not {outcome!r}"


def evaluate(case: dict[str, Any], datasets: dict[str, Any]) -> Any:
    """The value of a case's expression, or UNDEFINED. Raises JsonataSyntaxError or Thrown."""
    states = {"input": case["data"]} if "data" in case else {}
    if case.get("dataset"):
        states = {"input": datasets[case["dataset"]]}
    seconds = 10 * case.get("timelimit", 1000) / 1000
    limits = Limits(depth=case.get("depth", 500), seconds=seconds, items=10_000_000)
    root = parse_expression(case["expr"])
    return WithInput(case["expr"], root, limits).run(states, case.get("bindings") or {}, time.time)


def same(one: Any, other: Any, *, unordered: bool) -> bool:
    """JSON values are equal; true is not 1."""
    if unordered and isinstance(one, list) and isinstance(other, list):
        one, other = sorted(one, key=json.dumps), sorted(other, key=json.dumps)
    return json.dumps(_plain(one), sort_keys=True) == json.dumps(_plain(other), sort_keys=True)


def _plain(value: Any) -> Any:
    """1.0 is 1."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list) else value
