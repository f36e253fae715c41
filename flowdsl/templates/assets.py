"""Local files behind a template's S3 locations: what `cdk synth` wrote beside it.

Source: AWS CDK, cloud-assembly-schema, "AssetManifest": `files.*.source.path` and `files.*.destinations.*.objectKey`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def _assets(folder: Path) -> dict[str, Path]:
    """The files and folders of every assets manifest in a folder, by the key that they get in S3."""
    places: dict[str, Path] = {}
    for manifest in sorted(folder.glob("*.assets.json")):
        try:
            files: Any = json.loads(manifest.read_text(encoding="utf-8"))["files"]
            for each in files.values():
                for destination in each["destinations"].values():
                    places[destination["objectKey"]] = folder / each["source"]["path"]
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            continue  # not a manifest, or of another format: what it would say is reported as missing
    return places


def local_asset(template: Path, key: object) -> Path | None:
    """The local file or folder that a template's S3 object key stands for, or None if no manifest has it."""
    return _assets(template.parent).get(key) if isinstance(key, str) else None
