"""A small project with handlers, and wheels of its own, so that most tests need no package index."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from attrs import field, mutable

from flowdsl import Function
from flowdsl.package.assembly import build
from flowdsl.package.manifest import Manifest

ASL = '{"StartAt": "Pay", "States": {"Pay": {"Type": "Succeed"}}}\n'
HANDLER = "from . import greeting\n\n\ndef handler(event, context):\n    return greeting.greet(event['name'])\n"


@mutable
class Project:
    root: Path
    hashed: bool = False
    said: list[tuple[str, str]] = field(factory=list)

    @property
    def output(self) -> Path:
        return self.root / "build"

    def write(self, files: Mapping[str, str]) -> None:
        for name, text in files.items():
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    def build(self, *functions: Function, definitions: Mapping[str, str] | None = None) -> Manifest:
        self.said.clear()
        return build(
            functions or [Function("setup", "handlers/setup")],
            {"payment.asl.json": ASL} if definitions is None else definitions,
            root=self.root,
            output=self.output,
            hashed=self.hashed,
            on_progress=lambda name, what: self.said.append((name, what)),
        )

    def names(self, function: str = "setup") -> list[str]:
        with zipfile.ZipFile(self.output / f"{function}.zip") as archive:
            return archive.namelist()

    def content(self, folder: Path | None = None) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in sorted((folder or self.output).iterdir())}

    def wheel(
        self,
        name: str,
        version: str = "1.0",
        *,
        tag: str = "py3-none-any",
        files: Mapping[str, bytes] | None = None,
        requires: Sequence[str] = (),
        scripts: Sequence[str] = (),
    ) -> None:
        """Write a wheel to wheels/, as the binary distribution format says."""
        info = f"{name}-{version}.dist-info"
        content: dict[str, bytes] = dict(files or {f"{name}/__init__.py": f"VERSION = '{version}'\n".encode()})
        content[f"{info}/METADATA"] = "\n".join(
            [
                "Metadata-Version: 2.1",
                f"Name: {name}",
                f"Version: {version}",
                *(f"Requires-Dist: {one}" for one in requires),
                "",
            ]
        ).encode()
        content[f"{info}/WHEEL"] = f"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: {tag}\n".encode()
        if scripts:
            lines = ["[console_scripts]", *(f"{script} = {name}:main" for script in scripts), ""]
            content[f"{info}/entry_points.txt"] = "\n".join(lines).encode()
        content[f"{info}/RECORD"] = "".join(f"{path},,\n" for path in [*content, f"{info}/RECORD"]).encode()
        folder = self.root / "wheels"
        folder.mkdir(exist_ok=True)
        with zipfile.ZipFile(folder / f"{name}-{version}-{tag}.whl", "w") as archive:
            for path, data in content.items():
                archive.writestr(path, data)

    def require(self, *lines: str, source: str = "handlers/setup") -> None:
        """requirements.txt on the project's own wheels: its first two lines say so."""
        self.write({f"{source}/requirements.txt": "\n".join(["--no-index", "--find-links ../../wheels", *lines, ""])})


@pytest.fixture
def new_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Project]:
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv-cache"))

    def make(name: str = "project") -> Project:
        project = Project(tmp_path / name)
        project.write(
            {
                "handlers/__init__.py": "",
                "handlers/setup/handler.py": HANDLER,
                "handlers/setup/greeting.py": "def greet(name):\n    return f'Hello {name}'\n",
                "handlers/setup/texts.json": "{}\n",
            }
        )
        return project

    return make


@pytest.fixture
def project(new_project: Callable[..., Project], monkeypatch: pytest.MonkeyPatch) -> Any:
    made = new_project()
    monkeypatch.chdir(made.root)
    return made
