"""What is wrong with the environments of pyproject.toml, before anything runs: by the project's own checks, which judge
what each of them gives the functions, and by those of every project.

def check(environment: str, variables: Mapping[str, Mapping[str, str]]) -> Iterator[str]:
    if "API_KEY" not in variables["pay"]:
        yield "pay: API_KEY is not set"

machine = StateMachine("payment", flow, checks=[check])

A message that begins with a function's name, as this one, points to its settings in pyproject.toml, one that begins
with `file:line: ` to that file.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from ..author.machine import StateMachine
from ..author.resources import Resource
from ..base.diagnostics import Diagnostic
from ..base.interrupts import pass_on_interrupt
from ..base.patterns import regex
from ..base.source import Span, display_path
from ..base.words import did_you_mean, join_words
from .environments import Environment, FunctionSettings
from .loaded import Loaded
from .mistakes import author_error, split_place
from .settings import find, find_line, find_root


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
            mistakes += [_mistake(each, environment, variables, root) for each in problems]
    return mistakes


def _mistake(message: str, environment: Environment, variables: Mapping[str, object], root: Path) -> Diagnostic:
    """A mistake that a check has found, at the file that the message names or at the setting in pyproject.toml."""
    table = ["environments", environment.name]
    function = message.partition(": ")[0]
    if function in variables:
        table += ["functions", function]
    at = split_place(message, root)
    if at is None:
        variable = re.match(r"\w+", message.partition(": ")[2])
        names = [*table, "environment", variable[0]] if function in variables and variable else table
        at = span_of_setting(root, names), message
    span, rest = at
    hint = f"the settings are in pyproject.toml: [tool.flowdsl.{'.'.join(table)}]"
    return Diagnostic("FD709", f"environment {environment.name}: {rest}", span=span, hint=hint)


def environment_problems(loaded: list[Loaded], environments: Iterable[Environment] | None = None) -> list[Diagnostic]:
    """What every project's environments are checked for, by default all of this project's: settings of functions that
    do not exist, alarms that notify no topic, secrets in plain text."""
    root = find_root(loaded[0].file.parent)
    settings = find(root)
    machines = [each.machine for each in loaded if each.machine]
    functions = {name for each in machines for name, function in each.functions.items() if function.source}
    # The settings may be of functions of a flow that is not loaded.
    is_whole = {each.resolve() for each in settings.flows} == {each.file.resolve() for each in loaded}
    problems = []
    for environment in settings.environments.values() if environments is None else environments:
        where, table = f"environment {environment.name}: ", ("environments", environment.name)
        for name in sorted(environment.functions.keys() - functions) if is_whole else ():
            hint = did_you_mean(name, functions) or f"the flow's functions: {join_words(sorted(functions))}"
            span = span_of_setting(root, (*table, "functions", name))
            problems.append(Diagnostic("FD980", f"{where}function {name!r} is not in the flow", span=span, hint=hint))
        if environment.notify is None and any(each.alarms for each in machines):
            message = f"{where}the flow's alarms notify no topic: notify is not set"
            hint = 'name the SNS topics, notify = ["arn:aws:sns:…"], or say that there are none, notify = []'
            span = span_of_setting(root, table)
            problems.append(Diagnostic("FD713", message, severity="warning", span=span, hint=hint))
        for name, own in environment.functions.items():
            for variable, value in own.environment.items():
                if isinstance(value, str) and _is_secret(variable, value):
                    span = span_of_setting(root, (*table, "functions", name, "environment", variable))
                    message = f"{where}{name}: {variable} looks like a secret in plain text"
                    reference = f'{variable} = {{ secret = "…" }}'
                    hint = f"store it in Secrets Manager or the Parameter Store, and refer to it: {reference}"
                    problems.append(Diagnostic("FD714", message, severity="warning", span=span, hint=hint))
    return problems


_SECRET_NAME = regex(r"(?i)(?:.*_)?(?:API_?KEY|(?:HMAC|PRIVATE|SECRET|ACCESS)_KEY|ACCESS_TOKEN|SECRET|PASSWORD|PASSWD)")
"""Names of variables that are always secrets."""
_MAYBE_SECRET_NAME = regex(r"(?i)(?:.*_)?(?:KEY|TOKEN|CREDENTIALS?)")
"""Names of variables that are secrets if the value looks like one: a PARTITION_KEY is none."""
_RANDOM = regex(r"(?=.*\d)(?=.*[A-Za-z])[\w+/=.~-]{16,}")
_SECRET_VALUE = regex(
    r"(?:sk|rk)_(?:org_)?(?:live|test)_\w|whsec_\w|(?:AKIA|ASIA)[A-Z0-9]{16}|gh[pousr]_\w{30}|xox[abpr]-\w|-----BEGIN "
)
"""How secrets of Stripe, AWS, GitHub and Slack, and private keys, begin."""
_REFERENCE = regex(r"(?:secretsmanager|ssm):.|arn:|\w+://")


def _is_secret(variable: str, value: str) -> bool:
    value = value.strip()
    if not value or _REFERENCE.match(value):
        return False
    if _SECRET_VALUE.match(value) or _SECRET_NAME.fullmatch(variable):
        return True
    return bool(_MAYBE_SECRET_NAME.fullmatch(variable) and _RANDOM.fullmatch(value))


def span_of_setting(root: Path, names: Sequence[str]) -> Span:
    """The line of a setting in pyproject.toml, or of the innermost table around it that is there."""
    file = root / "pyproject.toml"
    return Span(display_path(file), find_line(file.read_text(encoding="utf-8"), names))
