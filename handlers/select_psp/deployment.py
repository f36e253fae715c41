"""What has to be set where the payment flow is deployed, for `flowdsl check` and `flowdsl plan`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from handlers.configuration import NEVER, RETENTION
from handlers.document import Misconfigured
from handlers.select_psp.selection import check_routing

Variables = Mapping[str, Mapping[str, str]]
"""The environment variables of each function, by the function's name in the flow."""


def deployment_check(
    functions: Iterable[str], required: Mapping[str, Mapping[str, Iterable[str]]]
) -> Callable[[str, Variables], Iterator[str]]:
    """Return a check for `StateMachine(checks=[...])`: the routing is what SelectPsp accepts on Lambda, and what a PSP
    that may be chosen needs is set: variables by function, by the PSP's name."""
    known = sorted(functions)

    def check(_environment: str, variables: Variables) -> Iterator[str]:
        try:
            psps = check_routing(known, variables.get("payment-select-psp", {}))
        except Misconfigured as error:
            yield from (f"payment-select-psp: {each}" for each in str(error).split("; "))
            return
        for psp in (each for each in psps if each.enabled):
            for function, names in required.get(psp.name, {}).items():
                for name in names:
                    if not variables.get(function, {}).get(name):
                        yield f"{function}: {name} is not set, and {psp.name} is enabled"
        if not (kept := variables.get("payment-reconcile", {}).get(RETENTION)):
            yield f"payment-reconcile: {RETENTION} is not set: the days for which donors' data is kept, or {NEVER}"
        elif kept != NEVER and not (kept.isdecimal() and int(kept) > 0):
            yield f"payment-reconcile: {RETENTION} is {kept!r}; expected a number of days, or {NEVER}"

    return check


def stores_check(_environment: str, variables: Variables) -> Iterator[str]:
    """A check for `StateMachine(checks=[...])`: each table and bus that a function's code opens has a name."""
    for function in sorted(variables):
        for name in sorted(_opened_stores(function)):
            if not variables[function].get(name):
                yield f"{function}: {name} is not set, and its code uses it"


def _opened_stores(function: str) -> set[str]:
    """Return the variables of the stores in a function's modules, and in those of handlers that they import."""
    import ast

    folder = function.removeprefix("payment-").replace("-", "_")
    seen: set[Path] = set()
    waiting, opened = [_HANDLERS / folder / "handler.py"], set()
    while waiting:
        file = waiting.pop()
        if file in seen or not file.exists():
            continue
        seen.add(file)
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("handlers"):
                waiting += _files([node.module, *(f"{node.module}.{each.name}" for each in node.names)])
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "store_name":
                opened |= {each.value for each in node.args if isinstance(each, ast.Constant)}
    return {str(each) for each in opened}


_HANDLERS = Path(__file__).parents[1]


def _files(modules: Iterable[str]) -> Iterator[Path]:
    for module in modules:
        path = _HANDLERS.parent.joinpath(*module.split("."))
        yield from (path.with_suffix(".py"), path / "__init__.py", path.parent / "__init__.py")
