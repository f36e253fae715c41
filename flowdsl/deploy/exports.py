"""The files of `flowdsl build --template`: a CloudFormation template, and each definition for other tools."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from ..base.record import evolve
from ..project import Loaded
from ..project.environments import Environment
from . import pinning
from .model import Machine, Stack, Wanted
from .statements import policy
from .template import Exported, anywhere, code_prefix, export, make_template
from .wanted import assemble

TEMPLATE: Final = "template.json"
_MARK: Final = "\ue004"
"""A character of the private use area around the name of a substitution, while the definition is data."""


def files(stack: Stack, environment: Environment, machines: list[Loaded], build: Path) -> dict[str, str]:
    """The files' texts by name, of the build in a folder: `template.json`, and for each machine NAME
    `NAME.template.asl.json` and `NAME.substitutions.json`. Raises FlowError."""
    stack_anywhere = anywhere(stack)
    wanted = assemble(stack_anywhere, environment, machines, build)
    written = {TEMPLATE: _json(make_template(wanted, alarms=environment.alarms))}
    marked = evolve(environment, substitutions={name: f"{_MARK}{name}{_MARK}" for name in environment.substitutions})
    named = assemble(stack_anywhere, marked, machines, build)
    here = assemble(stack, environment, machines, build)
    for loaded, machine, deployed in zip(machines, named.machines, here.machines, strict=True):
        exported = export(machine, named)
        text = exported.text
        used = [name for name in environment.substitutions if f"{_MARK}{name}{_MARK}" in text]
        for name in used:
            text = text.replace(f"{_MARK}{name}{_MARK}", f"${{{name}}}")
        own = {name: environment.substitutions[name] for name in used}
        written[f"{loaded.name}.template.asl.json"] = text
        written[f"{loaded.name}.substitutions.json"] = _json(
            {
                **_substitutions(exported, own, stack, deployed, here),
                "pins": {name: pinning.alias_of(machine, named.functions) for name in sorted(machine.dynamic)},
                "code_prefix": code_prefix(wanted),
            }
        )
    return written


def _substitutions(
    exported: Exported, own: Mapping[str, str], stack: Stack, machine: Machine, wanted: Wanted
) -> dict[str, Any]:
    """What the names in a definition stand for in the environment, and what else a machine of it needs."""
    place = stack.place
    region = {"AWSRegion": place.region, "AWSAccountId": place.account}
    functions = {name: place.arn("lambda", f"function:{each}") for name, each in exported.functions.items()}
    machines = {name: place.arn("states", f"stateMachine:{each}") for name, each in exported.machines.items()}
    (role,) = (each for each in wanted.roles if each.name == machine.role)
    return {
        "substitutions": {
            **{name: value for name, value in region.items() if name in exported.values},
            **functions,
            **machines,
            **own,
        },
        "functions": dict(exported.functions),
        "machines": dict(exported.machines),
        "policy": policy(role.statements),
    }


def _json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"
