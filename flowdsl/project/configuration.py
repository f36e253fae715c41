"""A project's own checks of its configuration: what each environment gives the functions, judged before anything runs.

def check(environment: str, variables: Mapping[str, Mapping[str, str]]) -> Iterator[str]:
    if "API_KEY" not in variables["pay"]:
        yield "pay: API_KEY is not set"

machine = StateMachine("payment", flow, checks=[check])
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ..author.machine import StateMachine
from ..author.resources import Resource
from ..base.diagnostics import Diagnostic
from ..base.interrupts import pass_on_interrupt
from .environments import Environment, FunctionSettings
from .loaded import Loaded
from .mistakes import author_error
from .settings import find, find_root


def variables_in(machine: StateMachine, environment: Environment) -> dict[str, dict[str, str]]:
    """The environment variables of each function, as they are deployed, by the function's name in the flow.

    A secret is a reference, such as `secretsmanager:payments/stripe`; a resource has its name, without an instance's.
    """
    variables = {}
    for name, function in machine.functions.items():
        own = environment.functions.get(name, FunctionSettings())
        stores = [each for each in function.access if each.variable and isinstance(each.resource, Resource)]
        variables[name] = {
            **function.environment,
            **{key: str(value) for key, value in own.environment.items()},
            **{str(each.variable): f"{environment.prefix}{each.resource.name}" for each in stores},  # type: ignore[union-attr]
        }
    return variables


def configuration_mistakes(loaded: Loaded, environments: Iterable[Environment] | None = None) -> list[Diagnostic]:
    """What the flow's own checks find in the environments, by default in all of the project."""
    machine = loaded.machine
    if machine is None or not machine.checks:
        return []
    root = find_root(loaded.file.parent)
    if environments is None:
        environments = find(root).environments.values()
    mistakes = []
    for environment in environments:
        variables: Mapping[str, Mapping[str, str]] = variables_in(machine, environment)
        for check in machine.checks:
            try:
                problems = [*check(environment.name, variables)]
            except Exception as error:  # noqa: BLE001 - the author's code
                pass_on_interrupt(error)
                mistakes += author_error(error, loaded.file, root)
                continue
            hint = f"the settings are in pyproject.toml: [tool.flowdsl.environments.{environment.name}]"
            mistakes += [
                Diagnostic("FD709", f"environment {environment.name}: {each}", span=loaded.locate(()), hint=hint)
                for each in problems
            ]
    return mistakes
