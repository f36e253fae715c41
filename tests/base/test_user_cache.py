"""Notes for later commands are the user's own: nothing that comes with a project is one."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from flowdsl.base.user_cache import notes


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "work" / "project"
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cache"
    monkeypatch.setenv("FLOWDSL_CACHE_DIR", str(folder))
    return folder


def test_a_note_is_read_again(project: Path, cache: Path):
    kept = notes("kind", project)
    assert kept
    assert kept.read("name") is None
    for text in ("one", "two", ""):
        kept.write("name", text)
        assert kept.read("name") == text
    assert [each.name for each in (cache / "kind").iterdir()] == ["name"]
    assert cache.stat().st_mode & 0o777 == 0o700
    other = notes("other kind", project)
    assert other
    assert other.read("name") is None


@pytest.mark.parametrize("repository", ["work", "work/project", None])
def test_there_are_none_inside_of_the_project(project: Path, tmp_path: Path, monkeypatch, repository: str | None):
    """Pipelines put the user's caches there, and so could a change of the project."""
    if repository:
        (tmp_path / repository / ".git").mkdir()
    inside = tmp_path / (repository or "work/project") / ".cache"
    monkeypatch.delenv("FLOWDSL_CACHE_DIR")
    monkeypatch.setenv("XDG_CACHE_HOME", str(inside))
    assert notes("kind", project) is None
    monkeypatch.setenv("FLOWDSL_CACHE_DIR", str(inside))
    assert notes("kind", project) is None
    (tmp_path / "link").symlink_to(inside)
    monkeypatch.setenv("FLOWDSL_CACHE_DIR", str(tmp_path / "link"))
    assert notes("kind", project) is None
    monkeypatch.setenv("FLOWDSL_CACHE_DIR", str(tmp_path / "outside"))
    assert notes("kind", project)


def test_there_are_none_where_others_may_write(project: Path, cache: Path, monkeypatch: pytest.MonkeyPatch):
    assert notes("kind", project)
    cache.chmod(0o777)
    assert notes("kind", project) is None
    cache.chmod(0o700)
    assert notes("kind", project)
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    assert notes("kind", project) is None


@pytest.mark.parametrize("place", ["relative", "/dev/null/cache", "~nobody-of-this-name/cache", "a\0b"])
def test_a_place_that_cannot_be_is_none(project: Path, monkeypatch: pytest.MonkeyPatch, place: str):
    monkeypatch.setattr(os, "environ", {"FLOWDSL_CACHE_DIR": place})
    assert notes("kind", project) is None


def test_old_notes_go(project: Path, cache: Path):
    kept = notes("kind", project)
    assert kept
    for name, days in (("old", 31), ("recent", 29)):
        kept.write(name, "text")
        seconds = time.time() - days * 24 * 3600
        os.utime(cache / "kind" / name, (seconds, seconds))
    kept.write("new", "text")
    assert {each.name for each in (cache / "kind").iterdir()} == {"recent", "new"}
