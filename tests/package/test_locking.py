"""`flowdsl lock`, on wheels of the test's own: the platform, hashes, what stays and what is refused."""

from __future__ import annotations

import socket
import sys
import tarfile
import threading

import pytest
from click.testing import CliRunner

from flowdsl import Function
from flowdsl.base.diagnostics import FlowError
from flowdsl.cli import app
from flowdsl.package import locking, requirements

pytestmark = pytest.mark.slow

SETUP = Function("setup", "handlers/setup")


@pytest.fixture
def setup(project):
    """A project that takes packages from its wheels/."""
    project.wheel("base", "2.5")
    project.wheel("pure", requires=["base>=2"])
    want(project, "pure")
    return project


def want(project, *lines):
    project.write(
        {"handlers/setup/requirements.in": "\n".join(["--no-index", "--find-links ../../wheels", *lines, ""])}
    )


def lock(project, *functions, **options):
    folder = project.root / "handlers/setup"
    return locking.lock(folder, project.root, functions or [SETUP], **options).is_changed


def test_a_lock_has_all_packages_with_hashes_and_is_what_a_build_reads(setup):
    assert lock(setup)
    file = setup.root / "handlers/setup/requirements.txt"
    assert "#    flowdsl lock handlers/setup\n" in file.read_text()
    assert [(pin.name, pin.version) for pin in requirements.read(file, hashed=True).pins] == [
        ("base", "2.5"),
        ("pure", "1.0"),
    ]
    assert not lock(setup)


def test_locked_versions_stay_until_they_are_upgraded(setup):
    lock(setup)
    setup.wheel("pure", "1.1", requires=["base>=2"])
    assert not lock(setup)
    before = (setup.root / "handlers/setup/requirements.txt").read_text()
    assert lock(setup, upgrade=True, write=False)
    assert (setup.root / "handlers/setup/requirements.txt").read_text() == before
    assert lock(setup, upgrade=True)
    assert "pure==1.1" in (setup.root / "handlers/setup/requirements.txt").read_text()


def test_the_platform_is_that_of_the_functions(setup):
    for machine, version in (("aarch64", "1.0"), ("x86_64", "2.0")):
        setup.wheel("fast", version, tag=f"cp314-cp314-manylinux_2_17_{machine}")
    want(setup, "fast")
    locked = setup.root / "handlers/setup/requirements.txt"
    lock(setup)
    assert "fast==1.0" in locked.read_text()
    lock(setup, Function("setup", "handlers/setup", architecture="x86_64"), upgrade=True)
    assert "fast==2.0" in locked.read_text()


def test_what_cannot_be_locked_leaves_the_file(setup):
    lock(setup)
    before = (setup.root / "handlers/setup/requirements.txt").read_text()
    want(setup, "pure", "nowhere-to-be-seen")
    with pytest.raises(
        FlowError, match=r"(?s)FD614 uv cannot lock handlers/setup/requirements\.in.*nowhere-to-be-seen"
    ):
        lock(setup)
    assert (setup.root / "handlers/setup/requirements.txt").read_text() == before
    assert sorted(file.name for file in (setup.root / "handlers/setup").glob("*requirements*")) == [
        "requirements.in",
        "requirements.txt",
    ]


def test_no_other_python_is_looked_for_in_the_network(setup, monkeypatch):
    """uv would ask where to download the function's version; every request would come to this server."""
    with socket.create_server(("127.0.0.1", 0)) as proxy:
        proxy.settimeout(0)
        for name in ("ALL_PROXY", "HTTPS_PROXY", "HTTP_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.getsockname()[1]}")
        monkeypatch.setenv("PATH", "")
        other = "3.13" if sys.version_info[:2] == (3, 14) else "3.14"
        assert lock(setup, Function("setup", "handlers/setup", python=other))
        with pytest.raises(BlockingIOError):
            proxy.accept()


def test_an_index_that_does_not_answer(setup, monkeypatch):
    (setup.root / "handlers/setup/requirements.in").write_text("attrs\n")
    monkeypatch.setenv("UV_DEFAULT_INDEX", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    with pytest.raises(FlowError, match="check the network, and the index"):
        lock(setup)


def test_a_cache_that_uv_cannot_write(setup, monkeypatch):
    (setup.root / "file").touch()
    monkeypatch.setenv("UV_CACHE_DIR", str(setup.root / "file/cache"))
    with pytest.raises(FlowError, match="let uv write to its cache, or set UV_CACHE_DIR"):
        lock(setup)


def test_folders(setup):
    root = setup.root
    assert locking.folders(root, [SETUP], []) == [root / "handlers/setup"]
    assert locking.folders(root, [SETUP], ["setup", "handlers/setup"]) == [root / "handlers/setup"]
    with pytest.raises(FlowError, match="did you mean 'setup'"):
        locking.folders(root, [SETUP], ["setpu"])
    with pytest.raises(FlowError, match=r"handlers has no requirements\.in"):
        locking.folders(root, [SETUP], ["handlers"])
    (root / "handlers/setup/requirements.in").unlink()
    with pytest.raises(FlowError, match="no folder of the project"):
        locking.folders(root, [SETUP], [])


def test_links_that_lead_in_a_circle(setup):
    locked, wanted = (setup.root / "handlers/setup" / name for name in ("requirements.txt", "requirements.in"))
    locked.unlink(missing_ok=True)
    locked.symlink_to(locked.name)
    assert lock(setup)
    assert "pure==" in locked.read_text()
    wanted.unlink()
    wanted.symlink_to(wanted.name)
    with pytest.raises(FlowError, match=r"FD614 .*requirements\.in cannot be read"):
        lock(setup)


def test_a_source_distribution_is_not_run(setup):
    ran = setup.root / "ran"
    setup.write(
        {
            "evil-1.0/setup.py": f"open({str(ran)!r}, 'w')\n",
            "evil-1.0/PKG-INFO": "Name: evil\nVersion: 1.0\n",
        }
    )
    with tarfile.open(setup.root / "wheels/evil-1.0.tar.gz", "w:gz") as archive:
        archive.add(setup.root / "evil-1.0", "evil-1.0")
    want(setup, "evil")
    with pytest.raises(FlowError, match="FD614"):
        lock(setup)
    assert not ran.exists()


def test_the_command_locks_all_folders_and_tells_it_in_their_order(setup, monkeypatch):
    import uv

    find, threads = uv.find_uv_bin, []
    monkeypatch.setattr(uv, "find_uv_bin", lambda: [threads.append(threading.current_thread()), find()][1])
    monkeypatch.chdir(setup.root)
    (setup.root / "pyproject.toml").write_text("")
    names = [f"handlers/{name}" for name in ("ada", "bob", "cyd", "setup")]
    for name in names[:3]:
        setup.write({f"{name}/requirements.in": "--no-index\n--find-links ../../wheels\npure\n"})
    run = lambda *options: CliRunner().invoke(app, ["lock", *options], prog_name="flowdsl")  # noqa: E731
    done = run("--check")
    assert done.exit_code == 2
    assert not list(setup.root.glob("handlers/*/requirements.txt"))
    done = run()
    assert done.exit_code == 0, done.stderr
    assert done.stdout.split() == [f"{name}/requirements.txt" for name in names]
    told = [f"{name}: 2 packages locked ({number} of 4)" for number, name in enumerate(names, 1)]
    assert done.stderr.splitlines() == ["locking 4 folders ...", *told]
    assert threads[0] is threading.main_thread(), "sysconfig, which it reads, is not made for several at once"
    done = run("--check", "handlers/bob")
    assert (done.exit_code, done.stdout) == (0, "")
