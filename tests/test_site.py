"""The site of the docs: its reference has every public name, llms.txt every guide, and Sphinx builds it."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import flowdsl
from flowdsl.author.fields import Element, specs

ROOT = Path(__file__).parents[1]
_spec = importlib.util.spec_from_file_location("site_pages", ROOT / "docs" / "site" / "pages.py")
pages = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(pages)


@pytest.fixture(scope="module")
def reference() -> dict[str, str]:
    return pages.reference()


@pytest.mark.parametrize("name", pages.public_modules())
def test_the_reference_has_every_public_name_with_its_docstring(reference, name):
    module = importlib.import_module(name)
    page = reference[f"{name}.md"]
    assert re.findall(r"^## (.+)", page, re.MULTILINE)[-len(module.__all__) :] == module.__all__
    assert "object at 0x" not in page
    for each in module.__all__:
        own = getattr(module, each).__doc__ if isinstance(getattr(module, each), type) else None
        assert not own or own.strip().splitlines()[0] in page


def test_a_method_and_a_long_signature(reference):
    page = reference["flowdsl.testing.md"]
    section = page.partition("### Runner.mock")[2].partition("### ")[0]
    assert "\n    returns: Any = " in section
    assert "`target` is a state's name, a function's name or ARN" in section


def test_keywords_have_their_field_units_and_bounds(reference):
    page = reference["flowdsl.md"]
    wait = page.partition("\n## Wait\n")[2].partition("\n## ")[0]
    whole = "an integer from 0 to 99,999,999, or a timedelta, or JSONata"
    assert f"| `seconds` | `Seconds` or `SecondsPath` | {whole} |" in wait
    assert "| `output` | `Output` | a JSON value, JSONata only |" in wait
    diagnostic = page.partition("\n## Diagnostic\n")[2].partition("\n## ")[0]
    assert "\n- `aws`: " in diagnostic


@pytest.mark.parametrize("name", sorted(each for each in flowdsl.__all__ if isinstance(getattr(flowdsl, each), type)))
def test_each_keyword_of_a_part_of_a_definition_is_in_the_table(reference, name):
    part = getattr(flowdsl, name)
    section = reference["flowdsl.md"].partition(f"\n## {name}\n")[2].partition("\n## ")[0]
    declared = list(specs(part)) if issubclass(part, Element) else []
    assert re.findall(r"^\| `(\w+)` \| `", section, re.MULTILINE) == declared


def test_llms_txt_lists_the_guides_that_exist():
    text = pages.llms()
    assert text.startswith("# flowdsl\n\n> With flowdsl you write")
    linked = re.findall(r"^- \[[^\]]+\]\(([^)]+)\)", text, re.MULTILINE)
    assert {str(each.relative_to(ROOT)) for each in (ROOT / "docs").glob("*.md")} <= {*linked}
    written = {f"docs/reference/{name}.md" for name in pages.public_modules()}
    assert [each for each in linked if not (ROOT / each).is_file() and each not in written] == []
    assert "- [Testing flows](docs/testing-flows.md): " in text
    assert "- [Working on a flow](docs/skills/flowdsl/SKILL.md): A flow is a Python file" in text
    assert all(re.match(r"- \[[A-Z`f]", line) for line in text.splitlines() if line.startswith("- ["))


def test_make_docs_has_an_environment_of_its_own_and_fails_on_warnings():
    makefile = (ROOT / "Makefile").read_text()
    [line] = re.findall(r"\.venv-docs/bin/sphinx-build .*", makefile)
    assert "--fail-on-warning" in line
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert any(each.startswith("sphinx>") for each in extras["docs"])


@pytest.mark.slow
def test_sphinx_builds_it(tmp_path):
    """Only where the extra `docs` is installed, as in the workflow."""
    pytest.importorskip("sphinx")
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-c", "docs/site", ".", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "docs/reference/flowdsl.testing.html").is_file()
    assert (tmp_path / "llms.txt").read_text() == pages.llms()
