"""Locked requirements: what is refused, what uv installs, what of it is packaged."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import zipfile

import pytest

from flowdsl import Function
from flowdsl.base.diagnostics import FlowError
from flowdsl.package import requirements
from flowdsl.package.side_by_side import Ended, Jobs

pytestmark = pytest.mark.slow

UNHASHED = "0" * 64


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("pure", "pure is not pinned to one version"),
        ("pure>=1.0", "pure>=1.0 is not pinned"),
        ("pure==1.*", "is not pinned"),
        ("pure==1.0,<2", "is not pinned"),
        ("pure===1.0", "is not pinned"),
        ("pure @ https://example.org/pure-1.0-py3-none-any.whl", "is not pinned"),
        ("-r other.txt", "is not a locked requirement"),
        ("-e .", "is not a locked requirement"),
        ("--no-binary :all:", "is not a locked requirement"),
        ("git+https://example.org/pure", "is not a locked requirement"),
        ("pure==1.0 --config-settings x=y", "is not a locked requirement"),
    ],
)
def test_what_is_not_locked_is_refused_with_its_line(project, line, message):
    project.wheel("pure")
    project.require("# a comment", line)
    with pytest.raises(FlowError) as caught:
        project.build()
    (diagnostic,) = caught.value.diagnostics
    assert message in diagnostic.message
    assert "write " in diagnostic.hint
    assert (diagnostic.span.file, diagnostic.span.line) == ("handlers/setup/requirements.txt", 4)


def test_all_unlocked_lines_come_at_once(project):
    project.require("one", "two==2.0", "three>=3", "four==4.0 --hash=sha256:" + UNHASHED)
    with pytest.raises(FlowError) as caught:
        project.build()
    assert [diagnostic.span.line for diagnostic in caught.value.diagnostics] == [3, 5, 4]


def test_comments_extras_and_markers(project):
    for name in ("pure", "other"):
        project.wheel(name)
    project.require(
        "pure[extra] == 1.0 ; python_version >= '3.14'  # why", "", "other==9.9 ; python_version < '3.0'", "other==1.0"
    )
    project.build()
    assert {"pure/__init__.py", "other/__init__.py"} <= set(project.names())


def test_only_the_wheels_of_the_target_are_taken(project):
    for machine, version in (("aarch64", "314"), ("x86_64", "314"), ("x86_64", "311")):
        tag = f"cp{version}-cp{version}-manylinux_2_17_{machine}"
        project.wheel("fast", tag=tag, files={"fast.so": f"{machine} {version}".encode()})
    project.require("fast==1.0")
    project.build(
        Function("arm", "handlers/setup"),
        Function("intel", "handlers/setup", architecture="x86_64"),
        Function("older", "handlers/setup", architecture="x86_64", python="3.11"),
    )
    found = {}
    for name in ("arm", "intel", "older"):
        with zipfile.ZipFile(project.output / f"{name}.zip") as opened:
            found[name] = opened.read("fast.so").decode()
    assert found == {"arm": "aarch64 314", "intel": "x86_64 314", "older": "x86_64 311"}


def test_amazon_linux_2_gets_no_wheel_for_a_newer_glibc(project):
    project.wheel("fast", tag="cp311-cp311-manylinux_2_28_aarch64", files={"fast.so": b""})
    project.wheel("fast", tag="cp312-cp312-manylinux_2_28_aarch64", files={"fast.so": b""})
    project.require("fast==1.0")
    project.build(Function("newer", "handlers/setup", python="3.12"))
    with pytest.raises(FlowError, match="FD612"):
        project.build(Function("older", "handlers/setup", python="3.11"))


def test_no_wheel_for_the_platform_is_one_clear_error(project):
    project.wheel("pure")
    project.wheel("fast", tag="cp314-cp314-manylinux_2_17_x86_64", files={"fast.so": b""})
    project.require("pure==1.0", "fast==1.0")
    with pytest.raises(FlowError) as caught:
        project.build()
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.code == "FD612"
    assert "fast" in diagnostic.message
    assert "Python 3.14 on arm64" in diagnostic.hint
    assert "requirements.txt" in diagnostic.message
    assert not project.output.exists()


def test_a_source_distribution_is_never_built(project):
    ran = project.root / "ran"
    folder = project.root / "pure-1.0"
    project.write(
        {"pure-1.0/setup.py": f"open({str(ran)!r}, 'w')\n", "pure-1.0/PKG-INFO": "Name: pure\nVersion: 1.0\n"}
    )
    (project.root / "wheels").mkdir()
    subprocess.run(["tar", "czf", "wheels/pure-1.0.tar.gz", folder.name], check=True, cwd=project.root)
    project.require("pure==1.0")
    with pytest.raises(FlowError, match="have wheels for"):
        project.build()
    assert not ran.exists()


def test_a_version_that_is_not_there(project):
    project.wheel("pure")
    project.require("pure==7.0")
    with pytest.raises(FlowError, match=r"(?s)requirements\.txt:.*no version of pure==7\.0"):
        project.build()


def test_hashes_are_honoured(project):
    project.wheel("pure")
    wheel = next((project.root / "wheels").iterdir())
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    project.require(f"pure==1.0 \\\n    --hash=sha256:{UNHASHED} \\\n    --hash=sha256:{digest}")
    project.build()
    before = project.content()
    project.require(f"pure==1.0 --hash=sha256:{UNHASHED}")
    with pytest.raises(FlowError, match="Hash mismatch") as caught:
        project.build()
    assert caught.value.diagnostics[0].hint.endswith("lock again: flowdsl lock")
    assert project.content() == before


def test_an_incomplete_lock_names_what_to_add(project):
    project.wheel("base", "2.5")
    project.wheel("pure", requires=["base>=2"])
    project.require("pure==1.0")
    with pytest.raises(FlowError) as caught:
        project.build()
    assert "add base==2.5" in caught.value.diagnostics[0].hint
    project.require("pure==1.0", "base==2.5")
    project.build()


def test_pins_that_do_not_go_together(project):
    project.wheel("base", "1.0")
    project.wheel("pure", requires=["base>=2"])
    project.require("pure==1.0", "base==1.0")
    with pytest.raises(FlowError, match="pure depend on base>=2"):
        project.build()


def test_what_the_installer_notes_about_this_machine_is_left_out(project):
    project.wheel("pure", scripts=["tool"])
    project.require("pure==1.0")
    project.build()
    installed = [name for name in project.names() if not name.startswith("handlers/")]
    assert installed == [
        "pure-1.0.dist-info/METADATA",
        "pure-1.0.dist-info/WHEEL",
        "pure-1.0.dist-info/entry_points.txt",
        "pure/__init__.py",
    ]


def test_a_module_of_a_requirement_satisfies_an_import(project):
    project.wheel("dist_name", files={"single.py": b"", "space/inner/__init__.py": b"", "native.cpython-314.so": b""})
    project.require("dist-name==1.0")
    project.write({"handlers/setup/more.py": "import single, space.inner, native\n"})
    project.build()


def test_a_package_folder_named_bin_goes_along(project):
    project.wheel("bin", files={"bin/__init__.py": b"", "bin/tool.py": b""})
    project.require("bin==1.0")
    project.build()
    assert {"bin/__init__.py", "bin/tool.py"} <= set(project.names())


def test_one_path_from_two_sides(project):
    project.write({"shared.py": "", "handlers/setup/more.py": "import shared\n"})
    project.wheel("shared", files={"shared.py": b"x = 1"})
    project.require("shared==1.0")
    with pytest.raises(FlowError, match=r"shared\.py is both in the project and in a requirement"):
        project.build()


SHADOWS = [
    "handlers/setup/texts.json",
    "handlers/setup/handler/__init__.py",
    "handlers/setup/handler.cpython-314-aarch64-linux-gnu.so",
    "handlers/setup/handler.abi3.so",
    "handlers/setup/greeting.so",
    "handlers/setup/__init__.py",
    "handlers.py",
    "json/__init__.py",
    "os.py",
]


@pytest.mark.parametrize("path", SHADOWS)
def test_a_requirement_takes_the_place_of_nothing(project, path):
    project.wheel("pure", files={"pure/__init__.py": b"", path: b""})
    project.require("pure==1.0")
    with pytest.raises(FlowError, match=rf"FD606 function 'setup': {path} (is both|of a requirement would)"):
        project.build()
    assert not project.output.exists()


def test_a_requirement_may_have_what_is_beside_it(project):
    files = ["handlers/other/handler.py", "handlers/setup/also.so.txt", "pure/json.py", "cgi.py", "test/__init__.py"]
    files += ["json/decoder.py"]  # without json/__init__.py, Python imports its own json
    project.wheel("pure", files=dict.fromkeys(files, b""))
    project.require("pure==1.0")
    project.build()
    assert {*files} <= {*project.names()}


@pytest.mark.parametrize("absent", ["uv", "packaging"])
def test_without_the_extra_the_error_names_it(project, monkeypatch, absent):
    for name in [name for name in sys.modules if name.partition(".")[0] == absent]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, absent, None)
    monkeypatch.setenv("PATH", str(project.root))
    project.build()  # nothing to install: neither is needed
    project.wheel("pure")
    project.require("pure==1.0")
    with pytest.raises(FlowError, match=absent) as caught:
        project.build()
    assert "flowdsl[build]" in caught.value.diagnostics[0].hint


def test_settings_of_the_machine_do_not_get_in(project, monkeypatch):
    project.wheel("pure")
    project.require("pure==1.0")
    project.build()
    before = project.content()
    (project.output / "setup.zip").unlink()
    for name in ("UV_SYSTEM_PYTHON", "UV_COMPILE_BYTECODE", "UV_REQUIRE_HASHES", "UV_NO_BINARY"):
        monkeypatch.setenv(name, "0" if name == "UV_REQUIRE_HASHES" else "1")
    monkeypatch.setenv("UV_LINK_MODE", "symlink")
    monkeypatch.setenv("UV_PYTHON_PLATFORM", "windows")
    project.build()
    assert project.content() == before


def test_real_packages_from_the_index(project, monkeypatch):
    """A pure one and a compiled one, for both architectures."""
    monkeypatch.delenv("UV_CACHE_DIR")
    project.write(
        {
            "handlers/setup/requirements.txt": "idna==3.10\nmarkupsafe==3.0.3\n",
            "handlers/setup/more.py": "import idna, markupsafe\n",
        }
    )
    try:
        project.build(
            Function("arm", "handlers/setup"), Function("intel", "handlers/setup", architecture="x86_64", python="3.12")
        )
    except FlowError as error:
        if "could not be reached" in str(error):
            pytest.skip("needs a package index")
        raise
    arm, intel = project.names("arm"), project.names("intel")
    assert "markupsafe/_speedups.cpython-314-aarch64-linux-gnu.so" in arm
    assert "markupsafe/_speedups.cpython-312-x86_64-linux-gnu.so" in intel
    assert "idna/core.py" in arm
    for name in arm + intel:
        assert not name.endswith(("/RECORD", "/INSTALLER", "/REQUESTED", "/direct_url.json", ".pyc", ".lock"))
        assert not name.startswith("bin/")


ONE, TWO = "a" * 64, "b" * 64


def test_requirements_are_read_alone(tmp_path):
    file = tmp_path / "requirements.txt"
    file.write_text(
        "# locked\n--index-url https://example.org/simple\n"
        f"A_b.C==1.0 ; python_version > '3' \\\n --hash=sha256:{ONE}\n\n"
        f"d[x]==2\\\n  --hash sha256:{ONE} --hash=sha256:{TWO}"
    )
    read = requirements.read(file, hashed=True)
    assert [(pin.name, pin.version, len(pin.hashes), pin.span.line) for pin in read.pins] == [
        ("a-b-c", "1.0", 1, 3),
        ("d", "2", 2, 6),
    ]
    assert read.text == (
        "--index-url https://example.org/simple\n"
        f'A_b.C==1.0; python_version > "3" --hash=sha256:{ONE}\n'
        f"d[x]==2 --hash=sha256:{ONE} --hash=sha256:{TWO}\n"
    )


@pytest.mark.parametrize(
    "lines",
    [
        ("--no-index \\", "-e ../../evil"),
        ("--no-index -e ../../evil",),
        ("--find-links ../../wheels -e ../../evil",),
        ("--index-url", "-e ../../evil"),
        ("pure==1.0", "--find-links ../../wheels\\\\"),
        ("--trusted-host=example.org --no-binary :all:",),
        (f"pure==1.0 --hash=sha256:{UNHASHED} -e ../../evil",),
        ("pure==1.0 --hash=md5:abc",),
        ("pure==1.0 --hash=sha256:abc",),
    ],
)
def test_what_uv_might_read_otherwise_is_refused(project, lines):
    """uv and we may read one text in two ways: what reaches uv is written anew from what we read."""
    ran = project.root / "ran"
    project.write({"evil/setup.py": f"open({str(ran)!r}, 'w')\n"})
    project.wheel("pure")
    project.require(*lines)
    with pytest.raises(FlowError, match="FD610"):
        project.build()
    assert not ran.exists()


def test_hashes_are_required_unless_the_project_says_otherwise(project):
    project.wheel("pure")
    project.require("pure==1.0")
    project.build()
    project.hashed = True
    with pytest.raises(FlowError, match=r"FD610 pure==1\.0 has no --hash"):
        project.build()


def test_a_full_disk_is_not_blamed_on_versions(project, monkeypatch):
    project.wheel("pure")
    project.require("pure==1.0")
    full = Ended(2, "error: Failed to extract: No space left on device (os error 28)")
    monkeypatch.setattr(Jobs, "wait", lambda *_: full)
    with pytest.raises(FlowError, match="FD632 build could not be written: No space left on device"):
        project.build()
