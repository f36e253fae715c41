"""Locked requirements, and their installation for Lambda's platform by uv.

Only hashes make sure that a version is the same files tomorrow: an index may get more wheels of it.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import shutil
import sys
from collections.abc import Collection, Iterator
from pathlib import Path
from textwrap import indent

from ..author.functions import Function
from ..base.diagnostics import Diagnostic, FlowError
from ..base.record import Record
from ..base.source import Span, display_path
from .building import refuse_settings
from .handler import markers, normalized, platform
from .provided import Split, leave_to_runtime
from .side_by_side import Ended, Job

_OPTION = re.compile(
    r"(?:(?:-i|--index-url|--extra-index-url|-f|--find-links|--trusted-host|--only-binary)(?:\s+|\s*=\s*)[^\s\\-][^\s\\]*"
    r"|--no-index|--require-hashes)"
)
"""An option of a requirements file that chooses where to find packages, or that always applies here."""
_HASH = re.compile(r"sha(256:[0-9a-f]{64}|384:[0-9a-f]{96}|512:[0-9a-f]{128})")

_PLAIN = re.compile(r"([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)==([A-Za-z0-9][A-Za-z0-9.!+_-]*)")

_SETTINGS = re.compile("INDEX|FIND_LINKS|CACHE|OFFLINE|HTTP|TLS|CERT|INSECURE_HOST|KEYRING|CONCURRENT|CONFIG")
"""uv's variables that choose where and how to download."""

_NOT_PACKAGED = frozenset(
    {"RECORD", "RECORD.jws", "RECORD.p7s", "INSTALLER", "REQUESTED", "direct_url.json", "uv_cache.json"}
)
"""Files in a dist-info folder that describe the installation, not the package."""


class Pin(Record):
    """One requirement: exactly one version. `text` is the line without hashes, such as `pure[x]==1.0; marker`."""

    name: str
    version: str
    text: str
    hashes: tuple[str, ...]
    span: Span


class Requirements(Record):
    """A file of locked requirements; `options` say where the packages are."""

    file: Path
    options: tuple[str, ...]
    pins: tuple[Pin, ...]

    @property
    def text(self) -> str:
        """What uv installs: only what was read, so nothing that uv would read differently."""
        pins = [" ".join([pin.text, *(f"--hash={each}" for each in pin.hashes)]) for pin in self.pins]
        return "".join(f"{line}\n" for line in (*self.options, *pins))


def read(file: Path, *, hashed: bool) -> Requirements:
    """Read a requirements file. Raises FlowError with every line that does not pin one version.

    `hashed` if each pin must have a hash: an index, or who can write to it, may replace the files of a version.
    """
    options: list[str] = []
    pins: list[Pin] = []
    wrong: list[Diagnostic] = []
    for number, line in _lines(file.read_text(encoding="utf-8", errors="replace")):
        where = Span(display_path(file), number)
        if _OPTION.fullmatch(line):
            options.append(line)
            continue
        wanted, *hashes = re.split(r"\s+--hash[=\s]\s*", line)
        pin = _pin(wanted, line, tuple(hashes), where)
        if isinstance(pin, Diagnostic):
            wrong.append(pin)
        elif not_hashes := [each for each in hashes if not _HASH.fullmatch(each)]:
            message = f"{not_hashes[0]!r} is not a hash of {pin.name}"
            wrong.append(_lock_error(message, where, "write --hash=sha256:… with 64 hexadecimal digits"))
        else:
            pins.append(pin)
    if hashed or any(pin.hashes for pin in pins):
        hint = "hash all" if hashed else "hash all or none"
        wrong += [
            _lock_error(f"{pin.name}=={pin.version} has no --hash", pin.span, hint) for pin in pins if not pin.hashes
        ]
    if wrong:
        raise FlowError(*wrong)
    return Requirements(file, tuple(options), tuple(pins))


def _pin(wanted: str, line: str, hashes: tuple[str, ...], where: Span) -> Pin | Diagnostic:
    """One requirement, or what is wrong with it."""
    if plain := _PLAIN.fullmatch(wanted):  # as uv writes it; a check of such files needs no further package
        return Pin(normalized(plain[1]), plain[2], wanted, hashes, where)
    try:
        from packaging.requirements import InvalidRequirement, Requirement
    except ImportError:
        raise _extra_missing("packaging") from None
    try:
        requirement = Requirement(wanted)
    except InvalidRequirement:
        return _lock_error(f"{line!r} is not a locked requirement", where, "write name==version, one a line")
    exact = re.fullmatch(r"==\s*([^=*,\s]+)", str(requirement.specifier))
    if requirement.url or not exact:
        return _lock_error(f"{wanted} is not pinned to one version", where, f"write {requirement.name}==VERSION")
    return Pin(normalized(requirement.name), exact[1], str(requirement), hashes, where)


def check_extra() -> None:
    """Raise FlowError if the packages that installing needs are missing."""
    try:
        import packaging  # noqa: F401 - what is installed is compared with the lock by it
    except ImportError:
        raise _extra_missing("packaging") from None
    uv_path()


def target_name(requirements: Requirements, function: Function) -> str:
    """The name of the folder for an installation; functions with the same requirements and target share it."""
    same = [platform(function), function.python, requirements.text]
    if requirements.options:  # may name a folder relative to the file
        same.append(str(requirements.file.parent))
    return hashlib.sha256("\n".join(same).encode()).hexdigest()


def install_job(requirements: Requirements, function: Function, target: Path) -> Job:
    """What installs the requirements into a folder. Only wheels for the function's platform are installed, so no code
    of a package runs here. Raises FlowError for settings of uv that would change that."""
    refuse_settings(requirements.file.parent, "FD612")
    command = [uv_path(), "pip", "install", "--quiet", "--no-progress", "--color=never"]
    command += ["--target", str(target), "--python", sys.executable]
    command += ["--only-binary=:all:", "--link-mode=copy", "--no-compile-bytecode"]
    command += [f"--python-platform={platform(function)}", f"--python-version={function.python}"]
    if any(pin.hashes for pin in requirements.pins):
        command.append("--require-hashes")
    command += ["-r", "-"]
    return Job((*command,), requirements.text, requirements.file.parent, uv_environment())


def check_installed(ended: Ended, requirements: Requirements, function: Function, target: Path) -> None:
    """Raise FlowError if uv failed, or if a package needs another one that the file does not list."""
    if ended.code:
        raise _install_error(ended.stderr, requirements, function)
    _check_complete(requirements, target)


def installed_files(function: Function, target: Path, imported: Collection[str]) -> Split:
    """The installed files by their paths in the zip.

    What Lambda's runtime provides is left out, unless `function.bundle_sdk` is set or other code needs it; `imported`
    are the modules that the function's own code imports from outside the project.
    """
    files = {
        file.relative_to(target).as_posix(): file for file in sorted(target.rglob("*")) if _is_packaged(file, target)
    }
    if function.bundle_sdk:
        return Split(files, {})
    return leave_to_runtime(files, target, imported, markers(function))


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """Logical lines without comments, with their first line's number (pip's requirements file format)."""
    start, joined = 0, ""
    for number, raw in enumerate(text.splitlines(), 1):
        line = re.sub(r"(^|\s)#.*$", "", raw).strip()
        start = start if joined else number
        joined += line.removesuffix("\\").strip() + " "
        if not line.endswith("\\"):
            if joined.strip():
                yield start, joined.strip()
            joined = ""
    if joined.strip():
        yield start, joined.strip()


def _lock_error(message: str, where: Span, hint: str) -> Diagnostic:
    return Diagnostic("FD610", message, span=where, hint=f"{hint}, or lock requirements.in with `flowdsl lock`")


def uv_path() -> str:
    """uv's path: the package's own, else the one on PATH."""
    try:
        from uv import find_uv_bin

        return find_uv_bin()
    except (ImportError, FileNotFoundError):
        path = shutil.which("uv")
        if path is None:
            raise _extra_missing("uv") from None
        return path


def uv_environment() -> dict[str, str]:
    """The environment of this process, without settings of uv that would change what is installed."""
    return {name: value for name, value in os.environ.items() if not name.startswith("UV_") or _SETTINGS.search(name)}


_REASONS = {
    "Failed to fetch": "check the network, and the index if you name one (such as with UV_DEFAULT_INDEX)",
    "the network was disabled": "let uv use the network: remove UV_OFFLINE",
    "initialize cache": "let uv write to its cache, or set UV_CACHE_DIR to a folder of your own",
    "Permission denied": "correct the permissions; UV_CACHE_DIR sets another folder for uv's cache",
    "Read-only file system": "set UV_CACHE_DIR and TMPDIR to folders that can be written",
}


def hint_outside(stderr: str) -> str | None:
    """What to do if uv failed for a reason that is not in the requirements; None if it is there.

    Raises OSError if the disk is full.
    """
    if "No space left on device" in stderr:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    return next((hint for words, hint in _REASONS.items() if words in stderr), None)


def _extra_missing(what: str) -> FlowError:
    return FlowError.of(
        f"packaging requirements.txt needs {what}, which is not installed",
        code="FD611",
        hint="install flowdsl with its extra: pip install 'flowdsl[build]'",
    )


def _install_error(stderr: str, requirements: Requirements, function: Function) -> FlowError:
    reason = indent(stderr.strip() or "(no output)", "    ")
    hint = hint_outside(stderr)
    if hint is None:
        hint = f"pin versions that exist and have wheels for Python {function.python} on {function.architecture}"
        hint += "; lock again: flowdsl lock" if any(pin.hashes for pin in requirements.pins) else ""
    return FlowError.of(
        f"function {function.name!r}: uv cannot install {display_path(requirements.file)}:\n{reason}",
        code="FD612",
        hint=hint,
    )


def _check_complete(requirements: Requirements, target: Path) -> None:
    from packaging.specifiers import Specifier
    from packaging.utils import canonicalize_name

    missing: list[str] = []
    for folder in sorted(target.glob("*.dist-info")):
        dashed, _, version = folder.name.removesuffix(".dist-info").partition("-")
        name = canonicalize_name(dashed)
        pins = [pin for pin in requirements.pins if pin.name == name]
        if not pins:
            missing.append(f"{name}=={version}")
        elif not any(Specifier(f"=={pin.version}").contains(version, prereleases=True) for pin in pins):
            raise FlowError.of(
                f"{name}=={pins[0].version} is locked but uv installed {version}",
                code="FD613",
                span=pins[0].span,
                hint="look for UV_OVERRIDE, UV_CONSTRAINT and [tool.uv] that change versions",
            )
    if missing:
        raise FlowError.of(
            "requirements.txt is incomplete: its packages need others that it does not list, so the zip would "
            "change with the index",
            code="FD613",
            span=Span(display_path(requirements.file), 1),
            hint=f"add {', '.join(missing)}, or lock with `flowdsl lock`",
        )


def _is_packaged(file: Path, target: Path) -> bool:
    """True unless it is a script, whose first line names the local interpreter, or a file of the installer."""
    path = file.relative_to(target)
    if not file.is_file() or path.name == ".lock" or path.suffix in {".pyc", ".pyo"} or "__pycache__" in path.parts:
        return False
    if path.parts[0] == "bin" and not (target / "bin" / "__init__.py").exists():
        return False
    return not (path.parts[0].endswith(".dist-info") and len(path.parts) == 2 and path.name in _NOT_PACKAGED)
