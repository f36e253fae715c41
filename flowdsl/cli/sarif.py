"""Diagnostics as a SARIF log, which GitHub's code scanning and other tools show.

Source: OASIS, "Static Analysis Results Interchange Format (SARIF) Version 2.1.0"; GitHub Docs, "SARIF support for code
scanning".
"""

from __future__ import annotations

from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path
from typing import Any
from urllib.parse import quote

from ..base.diagnostics import Diagnostic, pointer
from ..base.source import Span
from ..check.other_codes import OTHER_CODES
from ..check.registry import checker_codes


def log(diagnostics: Iterable[Diagnostic]) -> dict[str, Any]:
    """A log with one run: a result for each diagnostic, and the rules that have one."""
    reported = [*diagnostics]
    titles = {each.code: each.title for each in (*checker_codes(), *OTHER_CODES)}
    codes = sorted({each.code for each in reported})
    rules = [
        {
            "id": code,
            "shortDescription": {"text": titles.get(code, code)},
            "help": {"text": f"docs/checks.md, section {code}, has an example and its correction."},
        }
        for code in codes
    ]
    driver = {"name": "flowdsl", "version": version("flowdsl"), "rules": rules}
    results = [_result(each, codes.index(each.code)) for each in reported]
    return {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}],
    }


def _result(diagnostic: Diagnostic, rule: int) -> dict[str, Any]:
    text = "\n".join(filter(None, [diagnostic.message, diagnostic.hint]))
    result: dict[str, Any] = {
        "ruleId": diagnostic.code,
        "ruleIndex": rule,
        "level": diagnostic.severity,
        "message": {"text": text},
    }
    location: dict[str, Any] = {}
    if diagnostic.span:
        location["physicalLocation"] = _place(diagnostic.span)
    if diagnostic.path:
        location["logicalLocations"] = [{"fullyQualifiedName": pointer(diagnostic.path)}]
    if location:
        result["locations"] = [location]
    span = diagnostic.span
    others = [(span.called_at, "called here"), (span.defined_at, "defined here")] if span else []
    related = [{"physicalLocation": _place(each), "message": {"text": text}} for each, text in others if each]
    if related:
        result["relatedLocations"] = related
    return result


def _place(span: Span) -> dict[str, Any]:
    region = {"startLine": span.line, "startColumn": span.column}
    if span.end_line is not None:
        region["endLine"] = span.end_line
    if span.end_column is not None:
        region["endColumn"] = span.end_column
    file = Path(span.file)
    uri = file.as_uri() if file.is_absolute() else quote(file.as_posix())
    return {"artifactLocation": {"uri": uri}, "region": region}
