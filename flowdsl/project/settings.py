"""`[tool.flowdsl]` of pyproject.toml."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..base.diagnostics import Diagnostic, FlowError
from ..base.record import Record, field
from ..base.source import Span, display_path

if TYPE_CHECKING:
    from ..calls.hosts import Hosts
    from .environments import Environment


class Project(Record):
    """A project's folder, and its settings: `[tool.flowdsl]` of pyproject.toml. All paths are absolute."""

    root: Path
    name: str = ""
    """The project's own name, of `[project]`."""
    flows: tuple[Path, ...] = ()
    """The flow files of commands without FILE: `flow`, or all of `flows`. They are built and deployed together."""
    output: Path = field(factory=lambda project: project.root / "build", takes_self=True)
    region: str | None = None
    """The AWS region of local runs, such as `eu-west-1`, which replaces placeholders."""
    account: str | None = None
    """The AWS account number of local runs, 12 digits."""
    hosts: Hosts = field(factory=dict)
    """What is called in place of the hosts of HTTP Tasks."""
    handlers: Mapping[str, str] = field(factory=dict)
    """Handlers of functions that no flow in Python declares, by name: a folder, or `folder/file.py:function`."""
    hashes: bool = True
    """True if each requirement of a function must have a hash."""
    environments: Mapping[str, Environment] = field(factory=dict)
    """Where the flow is deployed, by name."""


_KEYS: dict[str, tuple[str, str]] = {
    "flow": (r".+\.(py|json|ya?ml)", 'a file, such as "payment_flow.py"'),
    "output": (r".+", 'a folder, such as "build"'),
    "region": (r"[a-z]{2}(-[a-z]+)+-\d", 'a region, such as "eu-west-1"'),
    "account": (r"\d{12}", 'an account number of 12 digits in quotes, such as "123456789012"'),
}


_FLOW = _KEYS["flow"][0]


def _flow_mistakes(settings: Mapping[str, Any], root: Path) -> list[str]:
    """What is wrong with `flows`."""
    if "flow" in settings:
        return ["flow and flows exclude each other: list all in flows"]
    flows = settings["flows"]
    if not isinstance(flows, list) or not flows or not all(_is_flow(each) for each in flows):
        return ['flows must be a list of files, such as ["payment_flow.py", "refund_flow.py"]']
    files = [(root / each).resolve() for each in flows]
    twice = sorted({each for each, file in zip(flows, files, strict=True) if files.count(file) > 1})
    missing = [each for each, file in zip(flows, files, strict=True) if not file.is_file()]
    return [
        *(f"flows: {each} is listed twice" for each in twice[:1]),
        *(f"flows: {each} does not exist" for each in missing),
    ]


def _is_flow(value: Any) -> bool:
    return isinstance(value, str) and re.fullmatch(_FLOW, value) is not None


def _read_hosts(table: Any) -> tuple[list[str], Hosts]:
    from ..calls.hosts import hosts_in, mistakes_in

    mistakes = [*mistakes_in(table)]
    return mistakes, {} if mistakes else hosts_in(table)


def _read_environments(table: Any) -> tuple[list[str], Mapping[str, Environment]]:
    from .environments import environments_in, mistakes_in_environments

    mistakes = [*mistakes_in_environments(table)]
    return mistakes, {} if mistakes else environments_in(table)


_TABLES: Mapping[str, Callable[[Any], tuple[list[str], Any]]] = {
    "hosts": _read_hosts,
    "environments": _read_environments,
}
"""Tables with settings of their own, and what reads them: mistakes and value. A project without one imports nothing."""


def find(start: Path) -> Project:
    """The project around a folder, with its settings.

    Raises FlowError if the pyproject.toml cannot be read, or contains unknown keys or values under `[tool.flowdsl]`.
    """
    root = find_root(start)
    file = root / "pyproject.toml"
    return _read_settings(file) if file.is_file() else Project(root)


def find_root(start: Path) -> Path:
    """The folder of the project around a folder: the nearest parent folder with a pyproject.toml, or else `start`."""
    start = start.resolve()
    return next((folder for folder in (start, *start.parents) if (folder / "pyproject.toml").is_file()), start)


@cache
def _read_toml(text: str) -> dict[str, Any]:
    """The tables of a pyproject.toml; a command reads the same one several times."""
    import tomllib  # a flow as JSON does without

    return tomllib.loads(text)


def _read_settings(file: Path) -> Project:
    try:
        content = file.read_text(encoding="utf-8")
        tables = _read_toml(content)
    except (OSError, ValueError) as error:
        place = re.search(r"\(at line (\d+), column (\d+)\)", str(error))
        span = Span(display_path(file), int(place[1]), int(place[2])) if place else Span(display_path(file), 1)
        reason = error.strerror if isinstance(error, OSError) else str(error).partition(" (at line")[0]
        raise FlowError.of(f"{file.name} cannot be read: {reason}", code="FD701", span=span) from None
    settings = tables.get("tool", {}).get("flowdsl", {}) if isinstance(tables.get("tool", {}), dict) else {}
    mistakes = [*_mistakes(settings, file, content)]
    if mistakes:
        raise FlowError(*mistakes)
    root = file.parent
    output = {"output": root / settings["output"]} if "output" in settings else {}
    flows = tuple(root / each for each in settings.get("flows", [settings["flow"]] if "flow" in settings else []))
    own = tables.get("project")
    name = own.get("name") if isinstance(own, dict) else None
    return Project(
        root,
        name if isinstance(name, str) else "",
        flows,
        **output,
        region=settings.get("region"),
        account=settings.get("account"),
        handlers=settings.get("handlers", {}),
        hashes=settings.get("hashes", True),
        **{key: read(settings[key])[1] for key, read in _TABLES.items() if key in settings},
    )


def _mistakes(settings: Any, file: Path, content: str) -> list[Diagnostic]:
    if not isinstance(settings, dict):
        return [_setting(file, content, "flowdsl", "tool.flowdsl is not a table", "write [tool.flowdsl]")]
    diagnostics = []
    for key, value in settings.items():
        if key in _TABLES:
            mistakes, _ = _TABLES[key](value)
            diagnostics += [_setting(file, content, key, f"[tool.flowdsl] {each}", None) for each in mistakes]
            continue
        if key == "flows":
            mistakes = _flow_mistakes(settings, file.parent)
            diagnostics += [_setting(file, content, key, f"[tool.flowdsl] {each}", None) for each in mistakes]
            continue
        if key == "handlers":
            if not isinstance(value, dict) or not all(isinstance(place, str) and place for place in value.values()):
                message = (
                    '[tool.flowdsl] handlers must be a table of folders by function, such as charge = "handlers/charge"'
                )
                diagnostics.append(_setting(file, content, key, message, None))
            continue
        if key == "hashes":
            if not isinstance(value, bool):
                message = "[tool.flowdsl] hashes must be true or false"
                diagnostics.append(_setting(file, content, key, message, None))
            continue
        if key not in _KEYS:
            hint = f"valid keys: {', '.join(_KEYS)}, environments, flows, handlers, hashes, hosts"
            diagnostics.append(_setting(file, content, key, f"unknown key {key!r} in [tool.flowdsl]", hint))
            continue
        pattern, what = _KEYS[key]
        if not isinstance(value, str) or not re.fullmatch(pattern, value):
            diagnostics.append(_setting(file, content, key, f"[tool.flowdsl] {key} must be {what}", None))
    return diagnostics


def _setting(file: Path, content: str, key: str, message: str, hint: str | None) -> Diagnostic:
    return Diagnostic("FD701", message, span=Span(display_path(file), _line_of(content, key, message)), hint=hint)


def _line_of(content: str, key: str, message: str) -> int:
    """The line of a setting; inside a table, of the key that the message names: `environments.test.region must be …`,
    `environments.test: unknown key 'regoin'`, or else the table's own."""
    named = re.search(r"\] ([\w-]+(?:\.[\w-]+)*)(?:: unknown key '([^']+)')?", message)
    names = [*named[1].split("."), *filter(None, [named[2]])] if named and named[1].startswith(f"{key}.") else [key]
    return find_line(content, names)


def find_line(content: str, names: Sequence[str]) -> int:
    """The line of a setting in `[tool.flowdsl]`, such as `("environments", "test", "region")`, or of the innermost
    table around it."""
    table = max(content.find("[tool.flowdsl]"), 0)
    first, lines = content[:table].count("\n") + 1, content[table:].splitlines()
    inside: list[str] = []
    best, depth = 0, 0
    for number, line in enumerate(lines):
        header = re.match(r"\s*\[\s*tool\.flowdsl\.?([^\]]*)\]", line)
        if header:
            inside = [part.strip("\"' ") for part in header[1].split(".") if part]
        elif re.match(r"\s*\[", line):
            inside = ["<other>"]
        setting = None if header else re.match(r"""\s*["']?([\w.-]+)["']?\s*=""", line)
        path = [*inside, *setting[1].removeprefix("tool.flowdsl.").split(".")] if setting else inside if header else []
        same = [*names[: len(path)]] == (path[: len(names)] if header else path)
        if path and same and min(len(path), len(names)) > depth:
            best, depth = number, min(len(path), len(names))
    return first + best


def default_flows(start: Path | None = None) -> tuple[Path, ...]:
    """The flow files of the project around a folder, the current one by default.

    Raises FlowError if pyproject.toml sets none, or one that does not exist.
    """
    project = find(start or Path.cwd())
    if not project.flows:
        raise FlowError.of(
            "no flow file given",
            code="FD702",
            hint='give one, or set it in pyproject.toml: [tool.flowdsl] flow = "payment_flow.py"',
        )
    for flow in project.flows:
        if not flow.exists():
            file = project.root / "pyproject.toml"
            span = Span(display_path(file), _line_of(file.read_text(encoding="utf-8"), "flow", ""))
            raise FlowError.of(f"{display_path(flow)} does not exist", code="FD702", span=span)
    return project.flows


def default_flow(start: Path | None = None) -> Path:
    """The one flow file of the project around a folder. Raises FlowError like `default_flows`, and for several."""
    flows = default_flows(start)
    if len(flows) > 1:
        names = ", ".join(display_path(each) for each in flows)
        raise FlowError.of("the project has several flows: give one", code="FD702", hint=f"give one of {names}")
    return flows[0]
