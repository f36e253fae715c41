"""What would have uv build a package, which runs the package's own code on this computer.

uv gets --only-binary=:all:, but [tool.uv.pip] no-binary and editable requirements (-e) go before that.
Sources: docs.astral.sh/uv/reference/settings and /uv/concepts/configuration-files; pip's "Requirements File Format".
"""

from __future__ import annotations

import os
import re
import tomllib
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Iterator
from pathlib import Path

from ..base.diagnostics import Diagnostic, FlowError
from ..base.source import Span, display_path

_TRUE = frozenset(("1", "true", "yes", "on", "y", "t"))
"""How UV_NO_CONFIG is switched on."""
_VARIABLE = re.compile(r"\$\{([A-Z0-9_]+)\}")
_EDITABLE = re.compile(r"(?<![\w.-])(?:-e|--editable)")
_INCLUDED = re.compile(r"(?<![\w.-])(?:-r|-c|--requirements?|--constraints?)[\s=]*(.*)")


def refuse_settings(folder: Path, code: str) -> None:
    """Raise FlowError if uv's settings in a folder, or in one around it, have it build packages."""
    if os.environ.get("UV_NO_CONFIG", "").lower() in _TRUE:
        return
    folder = folder.resolve()
    for file in (each / name for each in (folder, *folder.parents) for name in ("uv.toml", "pyproject.toml")):
        try:
            settings = tomllib.loads(file.read_text(encoding="utf-8-sig"))
        except OSError:
            continue
        except ValueError as error:
            message = f"{display_path(file)}, which may have settings of uv, cannot be read: {error}"
            hint = "correct the file, or set UV_NO_CONFIG=1: uv then reads no settings from files"
            raise FlowError.of(message, code=code, hint=hint) from None
        if file.name == "pyproject.toml":
            settings = _table(_table(settings, "tool"), "uv")
        if _table(settings, "pip").get("no-binary") not in (None, [], [":none:"]):
            place = "[pip]" if file.name == "uv.toml" else "[tool.uv.pip]"
            raise FlowError.of(
                f"{display_path(file)}: no-binary in {place} has uv build packages, which runs their code",
                code=code,
                hint="remove it, or set UV_NO_CONFIG=1: uv then reads no settings from files; Lambda's packages are "
                "installed from wheels",
            )


def _table(settings: dict[str, object], name: str) -> dict[str, object]:
    table = settings.get(name)
    return table if isinstance(table, dict) else {}


def refuse_editable(file: Path, code: str) -> None:
    """Raise FlowError for each editable requirement in a file that uv reads, and in those that it includes.

    This does not read the file as uv does: it looks at each line alone, so that no line hides one from it.
    """
    wrong: list[Diagnostic] = []
    known: set[str] = set()
    todo = [file]
    while todo:
        file = todo.pop()
        known.add(os.path.realpath(file))
        for number, raw in enumerate(_read(file, code).splitlines(), 1):
            where = Span(display_path(file), number)
            line = re.sub(r"(^|[ \t])#.*", "", raw).strip()
            if _EDITABLE.search(line):
                message = f"{line} is editable: uv would run its setup"
                wrong.append(Diagnostic(code, message, span=where, hint="write the name of a package"))
            for match in _INCLUDED.finditer(line):
                files = [each for each in _files(match[1], file.parent) if each.is_file()]
                if not files:
                    hint = "write the path of a file after -r or -c, on the same line"
                    if "://" in match[1]:
                        hint = "download it into the project: what is there may change, and have uv run a setup"
                    wrong.append(Diagnostic(code, f"no file of the project: {line}", span=where, hint=hint))
                todo += [each for each in files if os.path.realpath(each) not in known]
    if wrong:
        raise FlowError(*wrong)


def _files(name: str, folder: Path) -> Iterator[Path]:
    """The files that a name after -r or -c may mean: uv replaces ${VARIABLE} if it is set."""
    yield folder / name
    yield folder / _VARIABLE.sub(lambda match: os.environ.get(match[1], match[0]), name)


def _read(file: Path, code: str) -> str:
    try:
        data = file.read_bytes()
    except OSError as error:
        raise FlowError.of(f"{display_path(file)} cannot be read: {error.strerror}", code=code) from None
    encoding = "utf-16" if data.startswith((BOM_UTF16_LE, BOM_UTF16_BE)) else "utf-8-sig"  # as uv
    return data.decode(encoding, errors="replace")
