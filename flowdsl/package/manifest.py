"""build/manifest.json: the parts of a build."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..base.diagnostics import FlowError
from ..base.record import Record, as_dict, field
from ..base.source import display_path

FILE = "manifest.json"
FORMAT = 1
"""Of manifest.json itself."""


class Packaged(Record):
    """A function's zip, and the settings that CreateFunction needs.

    `inputs` is the digest of all that decides what is in the zip; `sha256`, `code_sha256`, `contents`, `size`
    and `unzipped` are those of `Archive`. `timeout` is in seconds, `memory` in MB. `from_runtime` are the locked
    packages that the zip leaves to Lambda's runtime, with their locked versions; the runtime's may differ.
    """

    file: str
    handler: str
    runtime: str
    architecture: str
    timeout: int
    memory: int
    environment: dict[str, str]
    sha256: str
    code_sha256: str
    contents: str
    inputs: str
    size: int
    unzipped: int
    from_runtime: dict[str, str] = field(factory=dict)


class Manifest(Record):
    """`definitions` and `others`, such as a template: file name to SHA-256 in hexadecimal; `functions`: by the Lambda
    function's name."""

    definitions: dict[str, str]
    functions: dict[str, Packaged]
    others: dict[str, str] = field(factory=dict)

    def files(self) -> set[str]:
        """The names of all files of the build."""
        return {FILE, *self.definitions, *self.others, *(function.file for function in self.functions.values())}

    def text(self) -> str:
        """The manifest as JSON: sorted, without dates and paths, so that equal builds have equal texts."""
        functions = {name: as_dict(function) for name, function in self.functions.items()}
        others = {"others": self.others} if self.others else {}
        value = {"format": FORMAT, "definitions": self.definitions, "functions": functions, **others}
        return json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def read(folder: Path) -> Manifest | None:
    """The manifest of an earlier build, or None if there is none; FlowError if it is damaged."""
    file = folder / FILE
    try:
        value = json.loads(file.read_bytes())
        if value["format"] != FORMAT:
            raise ValueError(f"another version of flowdsl wrote it: format {value['format']}, not {FORMAT}")
        functions = {name: _read_packaged(one) for name, one in value["functions"].items()}
        definitions, others = (
            {str(name): str(digest) for name, digest in listed.items()}
            for listed in (value["definitions"], value.get("others", {}))
        )
        return Manifest(definitions, functions, others)
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError, AttributeError, OSError) as error:
        raise FlowError.of(
            f"{display_path(file)} cannot be read ({type(error).__name__}: {error}), so flowdsl cannot tell "
            f"which files in {display_path(folder)} are its own",
            code="FD631",
            hint=f"check {display_path(folder)}, then delete it, and run flowdsl build",
        ) from None


def _read_packaged(value: Mapping[str, Any]) -> Packaged:
    """Raises KeyError, TypeError and ValueError for what `Manifest.text` never writes."""
    optional = {"from_runtime"}  # earlier builds lack it
    names = [name for name in Packaged.__fields__ if name in value or name not in optional]
    for name in names:
        if not isinstance(value[name], _TYPES.get(Packaged.__annotations__[name], dict)):
            raise TypeError(f"{name} is {value[name]!r}")
    if Path(value["file"]).name != value["file"]:
        raise ValueError(f"{value['file']!r} is in another folder")
    return Packaged(**{name: value[name] for name in names})


_TYPES: Mapping[str, type] = {"str": str, "int": int}
