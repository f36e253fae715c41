"""What has to be set where the payment flow is deployed, for `flowdsl check` and `flowdsl plan`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

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

    return check
