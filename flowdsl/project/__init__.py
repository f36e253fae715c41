"""The project: `[tool.flowdsl]` of pyproject.toml, and flows loaded from Python, JSON or YAML."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping
from contextlib import redirect_stdout
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

import attrs

from ..asl.names import is_machine_name
from ..asl.text import canonical_text
from ..author.expressions import Function
from ..author.machine import StateMachine
from ..author.serial import dump
from ..base.diagnostics import AslPath, Diagnostic, FlowError
from ..base.imports import import_from
from ..base.source import Span, display_path
from ..calls.hosts import Hosts, hosts_in, mistakes_in
from .mistakes import author_error, syntax_error

Type = Literal["STANDARD", "EXPRESS"]


@attrs.frozen
class Project:
    """A project's folder and what its pyproject.toml says under `[tool.flowdsl]`; all paths are absolute."""

    root: Path
    flow: Path | None = None
    """The flow file that is meant where none is named."""
    output: Path = attrs.field(default=attrs.Factory(lambda self: self.root / "build", takes_self=True))
    region: str | None = None
    """The AWS region that placeholders stand for in a local run, such as `eu-west-1`."""
    account: str | None = None
    """The AWS account number, 12 digits, likewise."""
    hosts: Hosts = attrs.field(factory=dict)
    """What stands in for the hosts that HTTP Tasks call."""
    handlers: Mapping[str, str] = attrs.field(factory=dict)
    """Lambda functions that no flow in Python declares: their folder, or `folder/file.py:function`, by their name."""


@attrs.frozen
class Loaded:
    """A state machine that was read from a file."""

    file: Path
    name: str
    definition: dict[str, Any]
    """The ASL as JSON values."""
    text: str
    """The ASL as canonical text."""
    type: Type = "STANDARD"
    machine: StateMachine | None = None
    """The author's object, where the file is Python."""
    locate: Callable[[AslPath], Span | None] = attrs.field(default=lambda _: None, repr=False)
    """Where in the file stands what the definition has at a path."""
    twice: tuple[AslPath, ...] = ()
    """The keys that stand more than once in the file."""


# Settings

_KEYS: dict[str, tuple[str, str]] = {
    "flow": (r".+\.(py|json|ya?ml)", 'a file, such as "payment_flow.py"'),
    "output": (r".+", 'a folder, such as "build"'),
    "region": (r"[a-z]{2}(-[a-z]+)+-\d", 'a region, such as "eu-west-1"'),
    "account": (r"\d{12}", 'an account number of 12 digits in quotes, such as "123456789012"'),
}


def find(start: Path) -> Project:
    """The project that `start`, a folder, is in: the nearest folder upwards with a pyproject.toml, else `start` itself.

    Raises FlowError where the pyproject.toml is broken or has keys or values under `[tool.flowdsl]` that flowdsl does
    not know.
    """
    start = start.resolve()
    for folder in (start, *start.parents):
        if (folder / "pyproject.toml").is_file():
            return _read_settings(folder / "pyproject.toml")
    return Project(start)


def _read_settings(file: Path) -> Project:
    import tomllib

    try:
        content = file.read_text(encoding="utf-8")
        tables = tomllib.loads(content)
    except (OSError, ValueError) as error:
        place = re.search(r"\(at line (\d+), column (\d+)\)", str(error))
        span = Span(display_path(file), int(place[1]), int(place[2])) if place else Span(display_path(file), 1)
        reason = error.strerror if isinstance(error, OSError) else str(error).partition(" (at line")[0]
        raise FlowError.of(f"cannot be read: {reason}", code="FD701", span=span) from None
    settings = tables.get("tool", {}).get("flowdsl", {}) if isinstance(tables.get("tool", {}), dict) else {}
    mistakes = [*_mistakes(settings, file, content)]
    if mistakes:
        raise FlowError(*mistakes)
    root = file.parent
    paths = {key: root / settings[key] for key in ("flow", "output") if key in settings}
    return Project(
        root,
        **paths,
        region=settings.get("region"),
        account=settings.get("account"),
        hosts=hosts_in(settings.get("hosts", {})),
        handlers=settings.get("handlers", {}),
    )


def _mistakes(settings: Any, file: Path, content: str) -> list[Diagnostic]:
    if not isinstance(settings, dict):
        return [_setting(file, content, "flowdsl", "tool.flowdsl is not a table", "write [tool.flowdsl]")]
    found = []
    for key, value in settings.items():
        if key == "hosts":
            found += [_setting(file, content, key, f"[tool.flowdsl] {wrong}", None) for wrong in mistakes_in(value)]
            continue
        if key == "handlers":
            if not isinstance(value, dict) or not all(isinstance(place, str) and place for place in value.values()):
                said = (
                    '[tool.flowdsl] handlers must be a table of folders by function, such as charge = "handlers/charge"'
                )
                found.append(_setting(file, content, key, said, None))
            continue
        if key not in _KEYS:
            hint = f"the keys are {', '.join(_KEYS)}, handlers, hosts"
            found.append(_setting(file, content, key, f"[tool.flowdsl] has no key {key!r}", hint))
            continue
        pattern, what = _KEYS[key]
        if not isinstance(value, str) or not re.fullmatch(pattern, value):
            found.append(_setting(file, content, key, f"[tool.flowdsl] {key} must be {what}", None))
    return found


def _setting(file: Path, content: str, key: str, message: str, hint: str | None) -> Diagnostic:
    table = max(content.find("[tool.flowdsl]"), 0)
    lines = content[:table].count("\n"), content[table:].splitlines()
    pattern = re.compile(
        rf"""\s*(\[tool\.flowdsl\.{re.escape(key)}|["']?(tool\.flowdsl\.)?{re.escape(key)}["']?\s*=)"""
    )
    number = next((index for index, line in enumerate(lines[1]) if pattern.match(line)), 0)
    return Diagnostic("FD701", message, span=Span(display_path(file), lines[0] + number + 1), hint=hint)


def default_flow() -> Path:
    """The flow of the project that the current folder is in. Raises FlowError where pyproject.toml names none."""
    project = find(Path.cwd())
    if project.flow is None:
        raise FlowError.of(
            "no flow file is named",
            code="FD702",
            hint='name one, or say it in pyproject.toml: [tool.flowdsl] flow = "payment_flow.py"',
        )
    return project.flow


# Flows


def load(file: Path) -> list[Loaded]:
    """The state machines of a file: every StateMachine at the top level of a .py, or the one of a .json, .yaml or .yml.

    Python is executed in a module of its own, with the project's folder on `sys.path`; what it prints goes to stderr.
    Raises FlowError for a file that cannot be read, that fails, or that has no machine.
    """
    if not file.is_file():
        what = "is a folder, not a flow" if file.is_dir() else "there is no such file"
        raise FlowError.of(f"{display_path(file)}: {what}", code="FD702", hint="name a .py, .json, .yaml or .yml file")
    file = file.resolve()
    suffix = file.suffix.lower()
    if suffix == ".py":
        return _load_python(file, find(file.parent))
    if suffix in (".json", ".yaml", ".yml"):
        return [_load_document(file, suffix)]
    raise FlowError.of(
        f"{display_path(file)} is not a flow", code="FD702", hint="name a .py, .json, .yaml or .yml file"
    )


def _load_document(file: Path, suffix: str) -> Loaded:
    from ..base import document

    try:
        content = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise FlowError.of(f"{display_path(file)} cannot be read: {reason}", code="FD702") from None
    read = document.read_json if suffix == ".json" else document.read_yaml
    found = read(content, display_path(file))
    if not isinstance(found.value, dict):
        raise FlowError.of(
            "a definition is a JSON object",
            code="FD704",
            span=found.span(()),
            hint='write {"StartAt": …, "States": {…}}',
        )
    name = file.stem.removesuffix(".asl")
    return Loaded(file, name, found.value, canonical_text(found.value), locate=found.span, twice=found.twice)


def _load_python(file: Path, project: Project) -> list[Loaded]:
    module = _execute(file, project.root)
    machines: dict[int, StateMachine] = {
        id(value): value for value in vars(module).values() if isinstance(value, StateMachine)
    }
    if not machines:
        raise FlowError.of(
            "there is no state machine in this file",
            code="FD705",
            span=Span(display_path(file), 1),
            hint='assign one at the top level: machine = StateMachine("payment", chain(...))',
        )
    loaded = []
    for machine in machines.values():
        definition = dump(machine)
        loaded.append(
            Loaded(file, machine.name, definition, canonical_text(definition), machine.type, machine, machine.span)
        )
    return loaded


def _execute(file: Path, root: Path) -> ModuleType:
    import_from(root)
    name = f"flow:{file.stem}"
    module = ModuleType(name)
    module.__file__, module.__package__ = str(file), ""
    before, sys.modules[name] = sys.modules.get(name), module
    try:
        with redirect_stdout(sys.stderr):
            SourceFileLoader(name, str(file)).exec_module(module)
    except SyntaxError as error:
        raise FlowError(syntax_error(error, file)) from error
    except (Exception, SystemExit) as error:
        raise FlowError(*author_error(error, file, root)) from error
    finally:
        if before is not None:
            sys.modules[name] = before
    return module


# Diagnosing


def diagnose(loaded: Loaded, *, type: Type | None = None) -> list[Diagnostic]:
    """All that is wrong with a machine: what its author wrote, and the definition that it gives, in order of places."""
    from ..check import check

    found = _name_mistakes(loaded)
    machine, data = loaded.machine, None
    if machine:
        from ..check.dataflow.annotations import declared

        data = declared(machine.input, machine.callees, find(loaded.file.parent).root)
    found += check(
        loaded.definition,
        type=type or loaded.type,
        locate=loaded.locate,
        twice=loaded.twice,
        data=data,
        problems=machine.problems if machine else (),
        python=machine is not None,
    )
    if machine:
        from ..check.ignores import without_marked

        found = without_marked(found, str(loaded.file))
    return _in_order(found)


def review(machines: list[Loaded], *, type: Type | None = None, packaging: bool = True) -> list[Diagnostic]:
    """All that keeps the machines of a file from being built, in order of places: what `diagnose` says of each, two of
    one name and, with `packaging`, functions that cannot be packaged."""
    found = [*clashes(machines), *(each for loaded in machines for each in diagnose(loaded, type=type))]
    called = functions(machines) if packaging else []
    if called:
        from ..package.sources import problems

        found += problems(called, find(machines[0].file.parent).root)
    return _in_order(found)


def _in_order(found: list[Diagnostic]) -> list[Diagnostic]:
    relative = [_relative(each) for each in found]
    return sorted(relative, key=lambda each: (each.span.file, each.span.line) if each.span else ("", 0))


def located(loaded: Loaded, state: str) -> Span | None:
    """Where the author wrote the state of this name."""
    from ..asl.tree import survey

    paths = [scope.states[state].path for scope in survey(loaded.definition) if state in scope.states]
    span = loaded.locate(paths[0]) if paths else None
    return _relative_span(span) if span else None


def _relative(diagnostic: Diagnostic) -> Diagnostic:
    if diagnostic.span is None:
        return diagnostic
    return attrs.evolve(diagnostic, span=_relative_span(diagnostic.span))


def _relative_span(span: Span) -> Span:
    called_at = _relative_span(span.called_at) if span.called_at else None
    return attrs.evolve(span, file=display_path(Path(span.file)), called_at=called_at)


def _name_mistakes(loaded: Loaded) -> list[Diagnostic]:
    if is_machine_name(loaded.name):
        return []
    hint = "write 1 to 80 letters, digits, '-' and '_'"
    message = f"{loaded.name!r} cannot be a state machine's name"
    return [Diagnostic("FD706", message, span=loaded.locate(()), hint=hint)]


def functions(machines: list[Loaded]) -> list[Function]:
    """The Lambda functions of all machines."""
    return [function for loaded in machines if loaded.machine for function in loaded.machine.functions.values()]


def clashes(machines: list[Loaded]) -> list[Diagnostic]:
    """Machines of one name would be one file of a build; file systems may fold case."""
    named: dict[str, Loaded] = {}
    others = [loaded for loaded in machines if named.setdefault(loaded.name.casefold(), loaded) is not loaded]
    hint = "give one of them another name"
    return [
        Diagnostic("FD707", f"two state machines are named {loaded.name!r}", span=loaded.locate(()), hint=hint)
        for loaded in others
    ]


def definitions(machines: list[Loaded]) -> Mapping[str, str]:
    """What a build writes: file name to text, of machines that `review` finds nothing wrong with."""
    return {f"{loaded.name}.asl.json": loaded.text for loaded in machines}
