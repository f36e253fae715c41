"""The directions of docs/architecture.md, and what the command line may import."""

import ast
import importlib
import re
import subprocess
import sys
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from types import FunctionType

import pytest

from tests.check.index import GUIDE, codes, with_index

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "flowdsl"
MODULES = sorted(PACKAGE.rglob("*.py"))
ENTRANCES = {"__init__", "__main__"}
HEAVY = {"boto3", "botocore", "stepfunctions", "sagemaker", "jlens", "yaml", "uv", "pyarrow", "graphlay", "resvg_py"}


def layers() -> list[set[str]]:
    """The rooms in the order of docs/architecture.md, "Directions"."""
    text = (ROOT / "docs" / "architecture.md").read_text()
    said = re.search(r"## Directions\s+(base <.*?)\.\s", text, re.DOTALL)
    assert said, "docs/architecture.md says no directions"
    return [set(re.findall(r"\w+", layer)) for layer in said[1].split("<")]


LAYER = {room: number for number, layer in enumerate(layers()) for room in layer}


def room(module: Path) -> str:
    return module.relative_to(PACKAGE).parts[0].removesuffix(".py")


def label(module: Path) -> str:
    return str(module.relative_to(ROOT))


def imports(module: Path) -> Iterator[tuple[int, str, bool]]:
    """The imports of a module: line, dotted name (with `flowdsl.` for relative ones), whether at the top level.

    What is imported for types only has no direction.
    """
    inside = module.relative_to(ROOT).with_suffix("").parts
    todo: list[tuple[ast.AST, bool]] = [(ast.parse(module.read_text()), True)]
    while todo:
        node, top = todo.pop()
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name, top) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(inside[: len(inside) - node.level]) if node.level else ""
            target = ".".join(filter(None, [base, node.module]))
            names = [alias.name for alias in node.names] if target in ("flowdsl", base) and node.level else [""]
            yield from ((node.lineno, f"{target}.{name}".rstrip("."), top) for name in names)
        inner = top and not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        todo.extend((child, inner) for child in ast.iter_child_nodes(node))


def test_every_room_has_its_place_in_the_document():
    rooms = {room(module) for module in MODULES} - ENTRANCES
    assert rooms == set(LAYER)


@pytest.mark.parametrize("module", MODULES, ids=label)
def test_imports_go_one_way(module):
    own = room(module)
    if own in ENTRANCES:
        return
    wrong = []
    for line, name, _ in imports(module):
        parts = name.split(".")
        if parts[0] != "flowdsl" or parts[1:2] == [own]:
            continue
        if len(parts) == 1 or LAYER.get(parts[1], 99) >= LAYER[own]:
            wrong.append(f"{label(module)}:{line} imports {name}")
    assert not wrong


CIRCULAR = {"author"}
"""Rooms in which modules still import each other."""


def dotted(module: Path) -> str:
    return ".".join(module.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def all_imports(module: Path) -> Iterator[str]:
    """The modules of flowdsl that a module imports anywhere, also inside functions and for types only."""
    parts = module.relative_to(ROOT).with_suffix("").parts
    known = {dotted(each) for each in MODULES}
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = ".".join([*parts[: len(parts) - node.level], *filter(None, [node.module])])
            names = [f"{base}.{alias.name}" for alias in node.names]
            yield from (name if name in known else base for name in names)


@pytest.mark.parametrize("own", sorted(LAYER))
def test_the_modules_of_a_room_import_in_one_direction(own):
    inside = {dotted(module): module for module in MODULES if room(module) == own}
    graph = {name: set(all_imports(module)) & (inside.keys() - {name}) for name, module in inside.items()}
    circle = None
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        circle = error.args[1]
    assert (circle is not None) == (own in CIRCULAR), circle


@pytest.mark.parametrize("module", MODULES, ids=label)
def test_no_module_names_the_package_itself(module):
    absolute = [
        node.lineno
        for node in ast.walk(ast.parse(module.read_text()))
        if (isinstance(node, ast.ImportFrom) and not node.level and (node.module or "").split(".")[0] == "flowdsl")
        or (isinstance(node, ast.Import) and any(alias.name.split(".")[0] == "flowdsl" for alias in node.names))
    ]
    assert not absolute


HANDLERS = sorted((ROOT / "handlers").rglob("*.py"))


@pytest.mark.parametrize("module", [*MODULES, *HANDLERS], ids=label)
def test_nothing_heavy_is_imported_at_the_top_level(module):
    found = [f"{line}: {name}" for line, name, top in imports(module) if top and name.split(".")[0] in HEAVY]
    assert not found


@pytest.mark.parametrize("module", MODULES, ids=label)
def test_no_except_takes_an_interrupt_for_an_error(module):
    """What catches anything may have caught KeyboardInterrupt under another name (base/interrupts)."""
    careless = [
        f"{label(module)}:{node.lineno}: begin with pass_on_interrupt(error)"
        for node in ast.walk(ast.parse(module.read_text()))
        if isinstance(node, ast.ExceptHandler)
        and re.search(r"\b(Exception|SystemExit)\b", ast.unparse(node.type or ast.Name("Exception")))
        and not ast.unparse(node.body[0]).startswith("pass_on_interrupt(")
    ]
    assert not careless


@pytest.mark.parametrize("module", MODULES, ids=label)
def test_no_module_is_longer_than_600_lines(module):
    assert len(module.read_text().splitlines()) <= 600


UNCLEAR = {"found", "given", "made", "said", "shown", "told"}
"""Participles, which do not say what they name: see docs/glossary.md."""
FOLDERS = ("flowdsl", "handlers", "scripts", "benchmarks", "examples")
"""Where no name may be unclear; in tests no function's name."""


@pytest.mark.parametrize("folder", [*FOLDERS, "tests"])
def test_names_say_what_they_name(folder):
    unclear = [
        f"{file.relative_to(ROOT)}:{line}: {name}"
        for file in sorted((ROOT / folder).rglob("*.py"))
        for line, name in names_in(file, functions_only=folder == "tests")
        if name.lstrip("_") in UNCLEAR
    ]
    assert not unclear


def names_in(file: Path, *, functions_only: bool) -> Iterator[tuple[int, str]]:
    """Yield the names that a file gives, with their lines."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.lineno, node.name
        elif functions_only:
            continue
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.lineno, node.id
        elif isinstance(node, ast.arg):
            yield node.lineno, node.arg


def public_modules() -> list[str]:
    """The modules listed in docs/architecture.md, "Public API"."""
    section = (ROOT / "docs" / "architecture.md").read_text().partition("## Public API")[2].partition("\n## ")[0]
    names = re.findall(r"^\| `(flowdsl[\w.]*)`", section, re.MULTILINE)
    assert names, "docs/architecture.md lists no public modules"
    return names


PUBLIC = public_modules()


@pytest.mark.parametrize("name", PUBLIC)
def test_public_modules_list_and_describe_their_names(name):
    module = importlib.import_module(name)
    assert module.__doc__
    values = {each: getattr(module, each) for each in module.__all__}
    described = {each for each, value in values.items() if not isinstance(value, type | FunctionType) or value.__doc__}
    assert described == set(values)
    assert sorted(module.__all__, key=lambda each: (not each.isupper(), not each[0].isupper(), each)) == module.__all__


@pytest.mark.parametrize("name", PUBLIC)
def test_public_names_are_complete(name):
    """Names that a public module defines, or the package imports for its users, are in `__all__` or private."""
    module = importlib.import_module("flowdsl.author.api" if name == "flowdsl" else name)
    tree = ast.parse(Path(module.__file__).read_text())
    names: set[str] = set()
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names |= {target.id for target in targets if isinstance(target, ast.Name)}
    if name in ("flowdsl", "flowdsl.testing", "flowdsl.project"):
        imported = [each for node in tree.body if isinstance(node, ast.ImportFrom) for each in node.names]
        names |= {each.asname or each.name for each in imported}
    assert {each for each in names if not each.startswith("_")} - {"annotations"} <= set(module.__all__)


TEXTS = [
    *(ROOT / "docs").glob("*.md"),
    *ROOT.glob("*.md"),
    *(ROOT / "examples").rglob("*.py"),
    *(ROOT / "handlers").rglob("*.py"),
    ROOT / "payment_flow.py",
]
_IMPORT = re.compile(r"^ *from (flowdsl[\w.]*) import (\([^)]*\)|[^#\n]*)|^ *import (flowdsl[\w.]*)", re.MULTILINE)


@pytest.mark.parametrize("file", sorted(TEXTS), ids=label)
def test_users_are_shown_public_names_only(file):
    wrong = []
    for module, names, alone in _IMPORT.findall(file.read_text()):
        known = importlib.import_module(module or alone) if (module or alone) in PUBLIC else None
        for name in re.findall(r"(\w+)(?: as \w+)?", names) or [None]:
            if f"{module}.{name}" in PUBLIC or (known and (name is None or name in known.__all__)):
                continue
            wrong.append(f"{module or alone} {name}")
    assert not wrong


SETTINGS = '[tool.flowdsl]\nflow = "flow.py"\n[tool.flowdsl.hosts."api.stripe.com"]\nurl = "http://localhost:12111"\n'
FLOW = 'from flowdsl import Pass, StateMachine\nmachine = StateMachine("m", Pass("A"))\n'
COMMANDS = {
    "--help": ["--help"],
    "run --help": ["run", "--help"],
    "check": ["check", str(ROOT / "payment_flow.py")],
    "build --asl-only": ["build", str(ROOT / "payment_flow.py"), "--asl-only", "--output", "built"],
    "build --asl-only with hosts": ["build", "--asl-only"],
}


@pytest.mark.parametrize("arguments", COMMANDS.values(), ids=COMMANDS)
def test_the_command_line_imports_nothing_heavy(arguments, tmp_path):
    loaded = modules_of(arguments, tmp_path)
    assert "flowdsl.cli.group" in loaded
    assert not {name.split(".")[0] for name in loaded} & (HEAVY | {"asyncio", "sqlite3", "pytest"})
    assert not {
        name
        for name in loaded
        if name.startswith(
            ("flowdsl.engine", "flowdsl.graph", "flowdsl.testing", "flowdsl.run.local", "flowdsl.calls.services")
        )
    }


def modules_of(arguments: list[str], folder: Path) -> set[str]:
    """The modules that a command has imported when it ends."""
    (folder / "pyproject.toml").write_text(SETTINGS)
    (folder / "flow.py").write_text(FLOW)
    code = (
        "import sys; from flowdsl.cli import app\n"
        f"try: app({arguments!r})\n"
        "finally: print(*sys.modules, file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    return set(done.stderr.split())


NOT_NEEDED = {
    "--help": {"attrs", "tomllib", "hashlib", "flowdsl.author.api", "flowdsl.check.registry"},
    "check": {"attrs", "gzip", "flowdsl.expr.jsonata.engine"},
    "build --asl-only": {"attrs", "gzip", "zipfile", "importlib.metadata", "flowdsl.expr.jsonata.engine"},
}
"""What these commands do without, for speed. attrs because of its classes: see docs/architecture.md, "Values"."""


@pytest.mark.parametrize("command", NOT_NEEDED)
def test_commands_do_not_import_what_they_do_not_need(command, tmp_path):
    assert not modules_of(COMMANDS[command], tmp_path) & NOT_NEEDED[command]


ON_COLD_PATHS = {"base", "expr", "author", "asl", "check", "project", "templates", "cli"}
"""What `flowdsl check` and `flowdsl build --asl-only` import: modules that do little when they are imported."""


@pytest.mark.parametrize("module", [each for each in MODULES if room(each) in ON_COLD_PATHS], ids=label)
def test_patterns_and_named_tuples_cost_nothing_at_import(module):
    """Patterns are compiled when they are used (base/patterns); classes of tuples are made by base/named."""
    tree = ast.parse(module.read_text())
    costly = [
        f"{label(module)}:{node.lineno}: {ast.unparse(node)}"
        for statement in tree.body
        if not isinstance(statement, ast.FunctionDef | ast.ClassDef)
        for node in ast.walk(statement)
        if (isinstance(node, ast.Call) and ast.unparse(node.func) == "re.compile")
        or (isinstance(node, ast.ImportFrom) and node.module == "typing" and "NamedTuple" in ast.unparse(node))
    ]
    assert not costly or module.name == "named.py"


def test_every_code_is_registered_and_documented():
    used = {code for file in MODULES for code in re.findall(r"\"(FD\d{3})\"", file.read_text())}
    registered = {each.code for each in codes()}
    assert used - registered == set(), "declare them in RULES of the module, or in flowdsl/check/other_codes.py"
    assert registered - used == set(), "remove them from flowdsl/check/other_codes.py and docs/checks.md"
    guide = GUIDE.read_text()
    assert sorted(used) == sorted(re.findall(r"^### (FD\d+)$", guide, re.M)), "add a section to docs/checks.md"
    assert with_index(guide) == guide, "run python -m tests.check.index"
