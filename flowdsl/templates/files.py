"""The files of a template: itself, and local files that it names."""

from __future__ import annotations

import stat
from pathlib import Path

import attrs

from ..base.diagnostics import AslPath, FlowError
from ..base.document import Document, Place, read_json
from ..base.source import Span, display_path
from ..base.yaml_document import TEMPLATE, read_yaml

MOST_BYTES = 5_000_000
"""The largest file that is read. CloudFormation takes templates of 1 MB, Step Functions definitions of 1 MB."""


def read_text(file: Path, span: Span | None = None, hint: str | None = None) -> str:
    """The text of a file. Raises FlowError, at `span` where another file names it."""
    code = "FD702" if span is None else "FD720"
    try:
        status = file.stat()
        if not stat.S_ISREG(status.st_mode):
            raise FlowError.of(f"{display_path(file)} is not a file", code=code, span=span, hint=hint)
        if status.st_size > MOST_BYTES:
            raise FlowError.of(f"{display_path(file)} is larger than {MOST_BYTES:,} bytes", code=code, span=span)
        return file.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise FlowError.of(f"{display_path(file)} does not exist", code=code, span=span, hint=hint) from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise FlowError.of(f"{display_path(file)} cannot be read: {reason}", code=code, span=span) from None


def read_document(file: Path, text: str) -> Document:
    """JSON, or YAML with the short forms of intrinsic functions."""
    label = display_path(file)
    is_json = file.suffix.lower() in (".json", ".template") and text.lstrip().startswith("{")
    return read_json(text, label) if is_json else read_yaml(text, label, TEMPLATE)


@attrs.frozen
class Part:
    """A subtree of the composed template that comes from a document."""

    document: Document
    inside: AslPath = ()
    """Where it is in its document."""


@attrs.define
class Places:
    """Where the values of a template were written; a serverless.yml includes other files."""

    parts: dict[AslPath, Part]
    """By their path in the composed template; the one at () is the template itself."""

    def origin(self, path: AslPath) -> tuple[Document, AslPath]:
        """The document that the value at a path comes from, and its path there."""
        length = next(length for length in range(len(path), -1, -1) if path[:length] in self.parts)
        part = self.parts[path[:length]]
        return part.document, (*part.inside, *path[length:])

    def span(self, path: AslPath, needle: str | float | None = None) -> Span:
        document, inside = self.origin(path)
        return document.span(inside, needle)

    def place(self, path: AslPath) -> tuple[Document, Place | None]:
        """The document and the offsets of the value itself; None if it has no place of its own."""
        document, inside = self.origin(path)
        return document, document.places.get(inside)

    def comments(self, path: AslPath) -> dict[AslPath, tuple[str, ...]]:
        """The comments at and below a path, by the path below it."""
        document, inside = self.origin(path)
        below = _comments_below(document, inside)
        for at, part in self.parts.items():
            if len(at) > len(path) and at[: len(path)] == path:
                own = _comments_below(part.document, part.inside)
                below |= {(*at[len(path) :], *place): texts for place, texts in own.items()}
        return below


def _comments_below(document: Document, path: AslPath) -> dict[AslPath, tuple[str, ...]]:
    return {place[len(path) :]: texts for place, texts in document.comments.items() if place[: len(path)] == path}
