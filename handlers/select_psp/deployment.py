"""What has to be set where the payment flow is deployed, for `flowdsl check` and `flowdsl plan`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path

from handlers.configuration import NEVER, RETENTION
from handlers.document import Misconfigured
from handlers.modes import TRIAL, is_trial, mistakes
from handlers.select_psp.selection import check_routing

Variables = Mapping[str, Mapping[str, str]]
"""The environment variables of each function, by the function's name in the flow."""


def deployment_check(
    functions: Iterable[str], required: Mapping[str, Mapping[str, Iterable[str]]]
) -> Callable[[str, Variables], Iterator[str]]:
    """Return a check for `StateMachine(checks=[...])`: the routing is what SelectPsp accepts on Lambda, and what a PSP
    that may be chosen needs is set: variables by function, by the PSP's name. Keys are of the environment's mode, but
    for references to secrets, which the functions check."""
    known = sorted(functions)

    def check(_environment: str, variables: Variables) -> Iterator[str]:
        try:
            psps = check_routing(known, variables.get("payment-select-psp", {}))
        except Misconfigured as error:
            yield from (f"payment-select-psp: {each}" for each in str(error).split("; "))
            return
        for psp in (each for each in psps if each.enabled):
            for function, names in required.get(psp.name, {}).items():
                own = variables.get(function, {})
                for name in names:
                    if not own.get(name):
                        yield f"{function}: {name} is not set, and {psp.name} is enabled"
                if is_trial(own) != is_trial(variables.get("payment-select-psp", {})):
                    yield f"{function}: {TRIAL} is not as payment-select-psp has it, and {psp.name} is enabled"
                yield from (f"{function}: {each}" for each in mistakes(own, own))
        if not (kept := variables.get("payment-reconcile", {}).get(RETENTION)):
            yield f"payment-reconcile: {RETENTION} is not set: the days for which donors' data is kept, or {NEVER}"
        elif kept != NEVER and not (kept.isdecimal() and int(kept) > 0):
            yield f"payment-reconcile: {RETENTION} is {kept!r}; expected a number of days, or {NEVER}"

    return check


def stores_check(_environment: str, variables: Variables) -> Iterator[str]:
    """A check for `StateMachine(checks=[...])`: each table and bus that a function's code opens has a name.

    The code of `payment-select-psp` is select_psp/handler.py.
    """
    for function in sorted(variables):
        handler = _HANDLERS / function.removeprefix("payment-").replace("-", "_") / "handler.py"
        if not handler.exists():
            yield f"{function}: {handler.parent.name}/handler.py is not in handlers, so its stores cannot be checked"
        for name in sorted(_opened_stores(handler)):
            if not variables[function].get(name):
                yield f"{function}: {name} is not set, and its code uses it"


def _opened_stores(handler: Path) -> set[str]:
    """Return the variables of the stores in a function's modules, and in those of handlers that they import."""
    seen: set[Path] = set()
    waiting, opened = [handler], set()
    while waiting:
        file = waiting.pop()
        if file not in seen:
            seen.add(file)
            imported, names = _read(file)
            waiting += imported
            opened |= names
    return opened


@cache  # functions share modules
def _read(file: Path) -> tuple[list[Path], set[str]]:
    """Return the files of handlers that a file may import, and the variables of the stores that it opens.

    Read from the text, which the formatter keeps in one form: parsing all handlers takes a second.
    """
    if not file.exists():
        return [], set()
    text = "\n" + file.read_text(encoding="utf-8")
    imported: list[Path] = []
    for module, names in re.findall(r"\n[ \t]*from (handlers[\w.]*) import (\([^)]*\)|[^\n#]*)", text):
        imported += _files([module, *(f"{module}.{each}" for each in re.findall(r"\w+", names))])
    return imported, set(re.findall(r'\bstore_name\("(\w+)"\)', text))


_HANDLERS = Path(__file__).parents[1]


def _files(modules: Iterable[str]) -> Iterator[Path]:
    for module in modules:
        path = _HANDLERS.parent.joinpath(*module.split("."))
        yield from (path.with_suffix(".py"), path / "__init__.py", path.parent / "__init__.py")
