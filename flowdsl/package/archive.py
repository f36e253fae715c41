"""Zips that are byte for byte the same on every computer, within Lambda's limits."""

from __future__ import annotations

import hashlib
import stat
from binascii import b2a_base64
from collections.abc import Callable, Mapping
from pathlib import Path

from ..base.diagnostics import FlowError
from ..base.record import Record
from ..base.source import display_path

ZIPPED_LIMIT = 50 * 2**20
UNZIPPED_LIMIT = 250 * 2**20
"""Bytes: docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html, "Deployment package"."""

_DATE = (1980, 1, 1, 0, 0, 0)  # the oldest that a zip can say
_LEVEL = 6  # 9 takes half as long again and saves a thousandth


class Archive(Record):
    """A zip: its sizes in bytes; its SHA-256 in hexadecimal, and in Base64 as Lambda's CodeSha256.

    `contents` is the digest of names, modes and contents. It does not depend on how zlib compresses, while
    the zip's own bytes are the same wherever zlib is (zlib-ng, which some distributions put in its place,
    compresses differently).
    """

    size: int
    unzipped: int
    sha256: str
    code_sha256: str
    contents: str


def write(file: Path, files: Mapping[str, Path], *, on_file: Callable[[], None] = lambda: None) -> Archive:
    """Write a new zip of `files` (by path in the zip); `on_file` is called before each. Raises FlowError if it exceeds
    Lambda's limits."""
    from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo  # a build of definitions alone does without

    check_unzipped(file.name, files)
    contents = hashlib.sha256()
    unzipped = 0
    with ZipFile(file, "x") as archive:
        for name in sorted(files):
            on_file()
            data = files[name].read_bytes()
            mode = _mode(data)
            contents.update(f"{name}\0{mode:o}\0{len(data)}\0".encode() + data)
            unzipped += len(data)
            entry = ZipInfo(name, _DATE)
            entry.create_system = 3  # Unix, wherever it is written: only then do the modes count
            entry.external_attr = (stat.S_IFREG | mode) << 16
            archive.writestr(entry, data, ZIP_DEFLATED, _LEVEL)
    data = file.read_bytes()
    # Names and dates count too: thousands of small files have megabytes of them.
    sizes = {entry.filename: entry.compress_size for entry in archive.infolist()}
    _check(f"{file.name} is", ZIPPED_LIMIT, len(data), sizes)
    return Archive(len(data), unzipped, *digests(data), contents.hexdigest())


def digests(data: bytes) -> tuple[str, str]:
    """SHA-256 in hexadecimal, and in base64 as Lambda gives it."""
    digest = hashlib.sha256(data)
    return digest.hexdigest(), b2a_base64(digest.digest(), newline=False).decode()


def read_zip(file: Path, code_sha256: str) -> bytes:
    """The bytes of a zip that was built. Raises FlowError if it is missing, or has another CodeSha256 than then."""
    try:
        data = file.read_bytes()
    except OSError as error:
        message = f"{display_path(file)} cannot be read: {error.strerror}"
        raise FlowError.of(message, code="FD987", hint=_BUILD) from None
    if digests(data)[1] != code_sha256:
        message = f"{display_path(file)} has changed since it was built"
        raise FlowError.of(message, code="FD987", hint=_BUILD)
    return data


_BUILD = "run flowdsl build, which makes it again; then run the command again"


def check_unzipped(zipped: str, files: Mapping[str, Path]) -> None:
    """Raise FlowError, which names the largest files, if the files exceed Lambda's limit."""
    sizes = {name: path.stat().st_size for name, path in files.items()}
    _check(f"{zipped} unzips to", UNZIPPED_LIMIT, sum(sizes.values()), sizes)


def readable(size: int) -> str:
    """Format a size; AWS counts 2**20 bytes to the MB."""
    return f"{size / 2**20:.1f} MB" if size >= 2**20 else f"{size / 2**10:.1f} KB"


def _mode(data: bytes) -> int:
    """The mode by content, because modes differ by computer: programs and libraries are executable."""
    return 0o755 if data.startswith((b"\x7fELF", b"#!")) else 0o644


def _check(what: str, limit: int, total: int, sizes: Mapping[str, int]) -> None:
    if total <= limit:
        return
    heaps: dict[str, int] = {}
    for name, size in sizes.items():
        heap = name.partition("/")[0]
        heaps[heap] = heaps.get(heap, 0) + size
    heaviest = sorted(heaps.items(), key=lambda heap: (-heap[1], heap[0]))[:5]
    largest_file = max(sizes, key=lambda name: (sizes[name], name))
    parts = ", ".join(f"{name} {readable(size)}" for name, size in heaviest)
    raise FlowError.of(
        f"{what} {readable(total)}; Lambda's limit is {readable(limit)}. Largest parts: {parts}. "
        f"Largest file: {largest_file}, {readable(sizes[largest_file])}",
        code="FD620",
        hint="remove what the function does not need from its folder, its include and its requirements",
    )
