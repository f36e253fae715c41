"""Data that PSPs publish, in ../shared/psp or the folder that FLOWDSL_PSP names. Without it no comparison is made."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

PUBLISHED = Path(os.environ.get("FLOWDSL_PSP") or Path(__file__).parents[3] / "shared" / "psp")
WITHOUT = f"no {PUBLISHED.name}: set FLOWDSL_PSP to the folder with what PSPs publish"


def published(name: str) -> Any:
    """Return a document that a PSP publishes, or None without the folder."""
    file = PUBLISHED / name
    return json.loads(file.read_text(encoding="utf-8")) if file.is_file() else None


def check_shape(answer: Any, published: Any, where: str = "") -> list[str]:
    """Return where an answer has a field that the published one lacks, or one of another type."""
    if isinstance(answer, dict) and isinstance(published, dict):
        unknown = [
            f"{where}.{name}: not published" for name in answer.keys() - published.keys() if where != ".metadata"
        ]
        known = [
            mistake
            for name in answer.keys() & published.keys()
            if name != "metadata"
            for mistake in check_shape(answer[name], published[name], f"{where}.{name}")
        ]
        return unknown + known
    if isinstance(answer, list) and isinstance(published, list):
        return [each for item in answer for each in check_shape(item, published[0], f"{where}[]")]
    if answer is not None and type(answer) is not type(published):
        return [f"{where}: {type(answer).__name__}; published as {type(published).__name__}"]
    return []
