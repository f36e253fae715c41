"""The directions of docs/architecture.md, and what the command line may import."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import flowdsl

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "flowdsl"
MODULES = sorted(PACKAGE.rglob("*.py"))
ENTRANCES = {"__init__", "__main__"}
LATE = "jsonata_library.py"
"""A module that imports what is heavy, and is itself imported by name when it is needed."""
HEAVY = {"boto3", "botocore", "stepfunctions", "sagemaker", "jsonata", "yaml", "uv", "pyarrow"}


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
    heavy = HEAVY - {"jsonata"} if module.name == LATE else HEAVY
    found = [f"{line}: {name}" for line, name, top in imports(module) if top and name.split(".")[0] in heavy]
    assert not found
    assert not re.search(rf"^\s*(from|import) .*\b{LATE.removesuffix('.py')}\b", module.read_text(), re.MULTILINE)


@pytest.mark.parametrize("module", MODULES, ids=label)
def test_no_module_is_longer_than_600_lines(module):
    assert len(module.read_text().splitlines()) <= 600


def test_public_names_are_complete_and_sorted():
    tree = ast.parse((PACKAGE / "__init__.py").read_text())
    imported = {
        alias.asname or alias.name for node in tree.body if isinstance(node, ast.ImportFrom) for alias in node.names
    }
    assert set(flowdsl.__all__) == imported
    assert (
        sorted(flowdsl.__all__, key=lambda name: (not name.isupper(), not name[0].isupper(), name)) == flowdsl.__all__
    )


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
    (tmp_path / "pyproject.toml").write_text(SETTINGS)
    (tmp_path / "flow.py").write_text(FLOW)
    code = (
        "import sys; from flowdsl.cli import app\n"
        f"try: app({arguments!r})\n"
        "finally: print(*sys.modules, file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = set(done.stderr.split())
    assert "flowdsl.cli.run" in loaded
    assert not {name.split(".")[0] for name in loaded} & (HEAVY | {"asyncio", "sqlite3", "pytest"})
    assert not {
        name
        for name in loaded
        if name.startswith(("flowdsl.engine", "flowdsl.testing", "flowdsl.run.local", "flowdsl.calls.services"))
    }
