"""What a function's zip takes along from the project."""

from __future__ import annotations

import pytest

from flowdsl import Function
from flowdsl.base.diagnostics import FlowError
from flowdsl.package.sources import problems

HANDLER = "def handler(event, context): ...\n"


def closure(project, handler, **files):
    project.write(
        {
            "handlers/setup/handler.py": handler + HANDLER,
            **{name.replace("__", "/"): text for name, text in files.items()},
        }
    )
    project.build()
    own = {"handlers/__init__.py", *(f"handlers/setup/{name}" for name in ("handler.py", "greeting.py", "texts.json"))}
    return sorted(set(project.names()) - own)


@pytest.fixture
def shared(project):
    project.write(
        {
            "handlers/psp/__init__.py": "",
            "handlers/psp/interface.py": "from .codes import CODES\n",
            "handlers/psp/codes.py": "CODES = {}\n",
            "handlers/psp/unused.py": "",
            "handlers/psp/notes.md": "",
            "money.py": "from handlers.psp import codes\n",
            "plain/folder/module.py": "",
        }
    )
    return project


PSP = ["handlers/psp/__init__.py", "handlers/psp/codes.py"]


@pytest.mark.parametrize(
    ("handler", "more"),
    [
        ("import handlers.psp.codes\n", PSP),
        ("import handlers.psp.interface as i\n", [*PSP, "handlers/psp/interface.py"]),
        ("from handlers.psp import interface, codes\n", [*PSP, "handlers/psp/interface.py"]),
        ("from handlers.psp.interface import CODES\n", [*PSP, "handlers/psp/interface.py"]),
        ("from ..psp import codes\n", PSP),
        ("from .. import psp\n", PSP[:1]),
        ("from ..psp.interface import *\n", [*PSP, "handlers/psp/interface.py"]),
        ("def later():\n    from money import Money\n", [*PSP, "money.py"]),
        ("try:\n    import money\nexcept ImportError:\n    money = None\n", [*PSP, "money.py"]),
        ("import importlib\nimportlib.import_module('handlers.psp.codes')\n", PSP),
        ("from importlib import import_module\nimport_module('..psp.codes', __package__)\n", PSP),
        ("import plain.folder.module\n", ["plain/folder/module.py"]),
        ("from plain.folder import module\n", ["plain/folder/module.py"]),
        ("from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import money\n", []),
        ("import json, boto3, sqlite3, xml.etree.ElementTree\n", []),
        ("try:\n    import not_anywhere\nexcept ImportError:\n    pass\n", []),
        ("try:\n    pass\nexcept* ValueError:\n    import money\n", [*PSP, "money.py"]),
    ],
)
def test_imports_are_followed(shared, handler, more):
    assert closure(shared, handler) == sorted(more)


def test_cycles_end(project):
    project.write({"a.py": "import b\n", "b.py": "import a\n"})
    assert closure(project, "import a\n") == ["a.py", "b.py"]


def test_a_long_chain_of_imports(project):
    project.write({f"m{n}.py": f"import m{n + 1}\n" for n in range(1500)} | {"m1500.py": ""})
    assert len(closure(project, "import m0\n")) == 1501


def test_a_module_of_the_folder_counts_without_being_imported(shared):
    shared.write({"handlers/setup/plugin.py": "import money\n"})
    assert "money.py" in closure(shared, "")


def test_a_test_helper_that_is_imported_goes_along(project):
    project.write({"handlers/setup/tests/__init__.py": "", "handlers/setup/tests/cases.py": ""})
    assert closure(project, "from .tests import cases\n") == [
        "handlers/setup/tests/__init__.py",
        "handlers/setup/tests/cases.py",
    ]


def test_include_takes_data_and_modules(shared):
    shared.write({"config/psp.json": "{}", "config/deep/more.json": "{}", "config/rules.py": "import money\n"})
    shared.build(Function("setup", "handlers/setup", include=["config/**/*"]))
    wanted = {"config/psp.json", "config/deep/more.json", "config/rules.py", "money.py"}
    assert wanted <= set(shared.names())


@pytest.mark.parametrize(
    ("handler", "line", "message", "hint"),
    [
        ("import stripe\n", 1, "stripe is neither in the project", "handlers/setup/requirements.txt"),
        ("\nfrom stripe.api import x\n", 2, "stripe.api is neither in the project", "ImportError"),
        ("import handlers.psp.gone\n", 1, "the project has no module handlers.psp.gone", "correct"),
        ("from ..gone import x\n", 1, "the project has no module handlers.gone", "correct"),
        ("from .... import x\n", 1, "relative import leaves the project", "fewer dots"),
        ("import greeting\n", 1, "greeting cannot be imported in Lambda", "from . import greeting"),
        ("def broken(:\n", 1, "not Python 3", "fix the syntax"),
    ],
)
def test_an_import_that_fails_in_lambda_is_an_error_here(shared, handler, line, message, hint):
    with pytest.raises(FlowError) as caught:
        closure(shared, handler)
    (diagnostic,) = caught.value.diagnostics
    assert message in diagnostic.message
    assert hint in diagnostic.hint
    assert (diagnostic.span.file, diagnostic.span.line) == ("handlers/setup/handler.py", line)
    assert not shared.output.exists()


def test_all_missing_packages_come_at_once(project):
    with pytest.raises(FlowError) as caught:
        closure(project, "import stripe\nimport requests\n")
    assert [diagnostic.span.line for diagnostic in caught.value.diagnostics] == [2, 1]


def test_mistakes_of_all_functions_come_at_once_before_anything_is_installed(project):
    project.wheel("pure")
    project.require("pure==1.0")
    project.write(
        {
            "handlers/gone/__init__.py": "",
            "handlers/typo/handler.py": "def handlr(event, context): ...\n",
            "handlers/broken/handler.py": "import handlers.nowhere\nimport handlers.neither\nfrom . import other\n"
            + HANDLER,
            "handlers/broken/other.py": "def (\n",
            "handlers/bare/handler.py": "import stripe\n" + HANDLER,
            "handlers/loose/handler.py": HANDLER,
            "handlers/loose/requirements.txt": "stripe\n",
        }
    )
    names = ["setup", "gone", "typo", "broken", "bare", "loose"]
    with pytest.raises(FlowError) as caught:
        project.build(*(Function(name, f"handlers/{name}") for name in names))
    assert sorted((each.code, each.span.file) for each in caught.value.diagnostics) == [
        ("FD602", "handlers/broken/other.py"),
        ("FD603", "handlers/broken/handler.py"),
        ("FD603", "handlers/broken/handler.py"),
        ("FD604", "handlers/bare/handler.py"),
        ("FD605", __file__),
        ("FD605", __file__),
        ("FD610", "handlers/loose/requirements.txt"),
    ]
    assert project.said == []


def test_problems_are_what_a_build_says_as_far_as_nothing_is_installed(shared):
    shared.write({"handlers/setup/handler.py": "import stripe\nfrom ..psp import gone\n"})
    nowhere = Function("nowhere", "handlers/nowhere", handler="handler")
    assert [
        (each.code, each.message) for each in problems([Function("a b", "handlers/setup"), nowhere], shared.root)
    ] == [
        ("FD601", "function 'a b': invalid name for a Lambda function"),
        ("FD601", "function 'nowhere': folder handlers/nowhere does not exist"),
        ("FD601", "function 'nowhere': handler 'handler' is not of the form module.function"),
    ]
    limits = Function("f", "handlers/setup", timeout=901, memory=64), Function("g", "handlers/setup", timeout="30")
    assert [each.message for each in problems([*limits], shared.root) if each.code == "FD601"] == [
        "function 'f': timeout 901 is not possible in Lambda",
        "function 'f': memory 64 is not possible in Lambda",
        "function 'g': timeout '30' is not possible in Lambda",
    ]
    missing = problems([nowhere], shared.root)[0]
    assert missing.hint == "`source` is relative to the folder of pyproject.toml: correct it, or create the folder"
    setup = Function("setup", "handlers/setup")
    assert [each.code for each in problems([setup], shared.root)] == ["FD605"]
    shared.write({"handlers/setup/handler.py": "import stripe\n" + HANDLER})
    assert [each.code for each in problems([setup], shared.root)] == ["FD604"]
    shared.write({"handlers/setup/requirements.txt": "# nothing\n\n"})
    assert [each.code for each in problems([setup], shared.root)] == ["FD604"]
    shared.write({"handlers/setup/requirements.txt": "stripe==1.0\n"})
    assert [each.code for each in problems([setup], shared.root)] == ["FD610"]
    assert problems([setup], shared.root, hashed=False) == []


@pytest.mark.parametrize(
    ("module", "locked", "codes"),
    [
        ("yaml", "PyYAML==6.0", []),
        ("yaml", "stripe==1.0", ["FD604"]),  # PyYAML is installed here, and not locked
        ("aws_lambda_powertools", "aws-lambda-powertools==3.0", []),
        ("unknown_module", "unknown-package==1.0", []),  # it may have the module
        ("unknown_module", "pytest==8.0", ["FD604"]),  # what pytest has is known
        ("unknown_module", "unknown.module==1.0", []),
    ],
)
def test_an_import_that_no_requirement_has(shared, module, locked, codes):
    shared.write({"handlers/setup/handler.py": f"import {module}\n" + HANDLER})
    shared.write({"handlers/setup/requirements.txt": f"{locked}\n"})
    reported = problems([Function("setup", "handlers/setup")], shared.root, hashed=False)
    assert [each.code for each in reported] == codes


@pytest.mark.parametrize(
    ("content", "place"),
    [
        (b"import os\n# caf\xe9\n", (2, 1)),  # no encoding is declared
        (b"# coding: ascii\nx = '\xe9'\n", (1, 1)),
        (b"# coding: klingon\n", (1, 1)),
        (b"# coding: latin-1\n# caf\xe9\n", None),
        ("# café\n".encode(), None),
        ("# café\n".encode("utf-8-sig"), None),
    ],
)
def test_a_file_that_python_cannot_decode(project, content, place):
    project.write({"handlers/setup/handler.py": ""})
    (project.root / "handlers/setup/handler.py").write_bytes(content + HANDLER.encode())
    found = problems([Function("setup", "handlers/setup")], project.root)
    assert [(each.code, (each.span.line, each.span.column)) for each in found] == ([("FD602", place)] if place else [])


@pytest.mark.parametrize(
    ("code", "is_defined"),
    [
        ("handler = wrap(main)", True),
        ("main, handler = 1, 2", True),
        ("from main import *", True),
        ("import main as handler", True),
        ("try:\n    from main import handler\nexcept ImportError:\n    pass", True),
        ("def setup():\n    if True:\n        global handler\n    handler = 1", True),
        ("def main(handler):\n    handler = 1", False),
        ("class Main:\n    def handler(self): ...", False),
        ("import handler.main as main", False),
    ],
)
def test_what_defines_a_handler(project, code, is_defined):
    project.write({"handlers/setup/handler.py": f"{code}\n", "main.py": "", "handler/main.py": ""})
    found = problems([Function("setup", "handlers/setup")], project.root)
    assert [each.code for each in found] == ([] if is_defined else ["FD605"])


def test_a_mistake_that_functions_share_is_told_once(project):
    project.write({"shared.py": "def (\n", "handlers/setup/handler.py": "import shared\n" + HANDLER})
    functions = [Function(name, "handlers/setup") for name in ("one", "other")]
    assert [each.code for each in problems(functions, project.root)] == ["FD602"]


def test_functions_of_one_name_are_problems(project):
    clashing = [Function("setup", "handlers/setup"), Function("setup", "handlers/setup", timeout=5)]
    assert [each.message for each in problems(clashing, project.root)] == ["two different functions are named 'setup'"]


def test_a_folder_that_is_not_text_may_be_above_the_project(tmp_path):
    """Under a C locale, a path that is not ASCII is none."""
    root = tmp_path / "pr\udcc3\udcbcf"
    for name, text in (("handlers/__init__.py", ""), ("handlers/setup/handler.py", HANDLER)):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    assert problems([Function("setup", "handlers/setup")], root) == []
