"""Checks of the payment flow's settings in an environment, for `flowdsl check` and `flowdsl plan`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

from handlers.configuration import NEVER, RETENTION, retention_days
from handlers.modes import TRIAL, is_live, is_trial, mistakes
from handlers.select_psp.selection import read_routing

Variables = Mapping[str, Mapping[str, str]]
"""The environment variables of each function, by the function's name in the flow."""


def deployment_check(functions: Iterable[str]) -> Callable[[str, Variables], Iterator[str]]:
    """Return a check for `StateMachine(checks=[...])`: SelectPsp accepts the routing on Lambda, and each enabled PSP
    has the settings that the code of its function and its webhook reads, with keys of the environment's mode.
    References to secrets are checked by the functions."""
    known = sorted(functions)

    def check(_environment: str, variables: Variables) -> Iterator[str]:
        psps, mistakes_there = read_routing(variables.get("payment-select-psp", {}), known)
        yield from (f"payment-select-psp: {each}" if each.startswith("PSPS: ") else each for each in mistakes_there)
        for psp in (each for each in psps if each.enabled):
            for function in (psp.function, *sorted(_webhooks(psp.function, variables))):
                own = variables.get(function, {})
                names = sorted(_settings(function, own))
                for name in names:
                    if not own.get(name, "").strip():
                        yield f"{function}: {name} is not set, and {psp.name} is enabled"
                if names and is_trial(own) != is_trial(variables.get("payment-select-psp", {})):
                    yield f"{function}: {TRIAL} is not as payment-select-psp has it, and {psp.name} is enabled"
        # Also of PSPs that are disabled: the sweep, refunds and webhooks ask them for earlier donations.
        for function, own in variables.items():
            yield from (f"{function}: {each}" for each in mistakes(own, own))
        if not (kept := variables.get("payment-reconcile", {}).get(RETENTION)):
            yield f"payment-reconcile: {RETENTION} is not set: the days for which donors' data is kept, or {NEVER}"
        elif kept != NEVER and retention_days(kept) is None:
            yield f"payment-reconcile: {RETENTION} is {kept!r}; expected a number of days, or {NEVER}"

    return check


def stores_check(_environment: str, variables: Variables) -> Iterator[str]:
    """Check that each table and bus that a function's code opens has a name; for `StateMachine(checks=[...])`.

    The code of `payment-select-psp` is select_psp/handler.py.
    """
    for function in sorted(variables):
        handler = _handler(function)
        if not handler.exists():
            yield f"{function}: {handler.parent.name}/handler.py is not in handlers, so its stores cannot be checked"
        for name in sorted({name for source in _code(handler) for name in source.stores}):
            if not variables[function].get(name, "").strip():
                yield f"{function}: {name} is not set, and its code uses it"


def _webhooks(psp_function: str, functions: Iterable[str]) -> set[str]:
    """Return the other functions whose code imports that of a PSP's function."""
    package = _handler(psp_function).parent
    code = {name: _code(_handler(name)) for name in functions if name != psp_function}
    return {name for name, sources in code.items() if any(source.file.parent == package for source in sources)}


def _settings(function: str, own: Mapping[str, str]) -> set[str]:
    """Return the names of the settings that a function's code reads, given its own variables."""
    names: set[str] = set()
    for source in _code(_handler(function)):
        names |= source.settings
        names |= {name for name, mode in source.live_settings if is_live(mode, own.get(mode, ""))}
    return names


class _Source(NamedTuple):
    """A file's imports from handlers, and the settings that it reads."""

    file: Path
    imports: tuple[Path, ...]
    stores: frozenset[str]
    settings: frozenset[str]
    live_settings: frozenset[tuple[str, str]]
    """Settings that are read in the live mode only, each with the setting that shows the mode."""


def _handler(function: str) -> Path:
    return _HANDLERS / function.removeprefix("payment-").replace("-", "_") / "handler.py"


def _code(handler: Path) -> list[_Source]:
    """Return a function's modules, and those of handlers that they import."""
    sources: dict[Path, _Source] = {}
    waiting = [handler]
    while waiting:
        file = waiting.pop()
        if file not in sources:
            sources[file] = _read(file)
            waiting += sources[file].imports
    return [*sources.values()]


@cache  # functions share modules
def _read(file: Path) -> _Source:
    """Search a file's text: parsing all handlers would take a second, and the formatter keeps the text in one form."""
    text = "\n" + file.read_text(encoding="utf-8") if file.exists() else ""
    imports: list[Path] = []
    for module, names in re.findall(r"\n[ \t]*from (handlers[\w.]*) import (\([^)]*\)|[^\n#]*)", text):
        imports += _files([module, *(f"{module}.{each}" for each in re.findall(r"\w+", names))])
    return _Source(
        file,
        tuple(imports),
        frozenset(re.findall(r'\bstore_name\("(\w+)"\)', text)),
        frozenset(re.findall(r'\b(?:setting|checked|signing_secrets)\("(\w+)"\)', text)),
        frozenset(re.findall(r'\bsetting_if_live\("(\w+)", "(\w+)"\)', text)),
    )


_HANDLERS = Path(__file__).parents[1]


def _files(modules: Iterable[str]) -> Iterator[Path]:
    for module in modules:
        path = _HANDLERS.parent.joinpath(*module.split("."))
        yield from (path.with_suffix(".py"), path / "__init__.py", path.parent / "__init__.py")
