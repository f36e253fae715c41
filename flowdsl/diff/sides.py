"""A state machine as a side of a comparison: from a flow, from a build, and from the process that compiled it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from attrs import asdict, astuple, frozen

from ..author.functions import Function
from ..base.diagnostics import FlowError
from ..base.document import read_json
from ..base.source import display_path
from ..package import assembly, manifest
from ..package.handler import handler_string
from ..project import Loaded, find
from .model import FunctionFacts, Permission, Side

CANNOT_COMPARE: Final = "FD972"


@frozen
class Rights:
    """What a state machine and its functions may do; see `Side`."""

    derived: frozenset[Permission] | None
    declared: frozenset[Permission] | None


Derive = Callable[[Loaded], Rights]
"""Derives permissions as deployments do."""


def side_of(loaded: Loaded, derive: Derive) -> Side:
    """A loaded state machine, with its functions' code as it is now."""
    rights = derive(loaded)
    root = find(loaded.file.parent).root
    functions = loaded.machine.functions if loaded.machine else None
    return Side(
        name=loaded.name,
        definition=loaded.definition,
        type=loaded.type if loaded.machine else None,
        derived=rights.derived,
        declared=rights.declared if loaded.machine else None,
        functions={name: _facts(each, root) for name, each in functions.items()} if functions is not None else None,
    )


def _facts(function: Function, root: Path) -> FunctionFacts:
    if not function.source:
        return FunctionFacts()
    settings = {
        "handler": handler_string(function),
        "runtime": f"python{function.python}",
        "architecture": function.architecture,
        "timeout": function.timeout_seconds,
        "memory": function.memory,
        **_environment(function.environment),
    }
    try:
        code = {"inputs": assembly.digest_of(function, root)}
    except (FlowError, ImportError, OSError):  # `flowdsl check` says what is wrong with the function
        code = {}
    return FunctionFacts(code, settings)


def _environment(values: Mapping[str, Any]) -> dict[str, str]:
    """Variables by digest: their values are not to be shown."""
    digests = {name: hashlib.sha256(str(value).encode()).hexdigest()[:8] for name, value in values.items()}
    return {f"variable {name}": f"digest {digest}" for name, digest in digests.items()}


def sides_of_build(folder: Path, derive: Derive) -> list[Side]:
    """The state machines of a folder that `flowdsl build` wrote. Raises FlowError if it cannot be read."""
    build = manifest.read(folder)
    if build is None:
        raise FlowError.of(
            f"{display_path(folder)} is not the folder of a build",
            code=CANNOT_COMPARE,
            hint="run flowdsl build, or give a file",
        )
    functions = {name: _packaged(each) for name, each in build.functions.items()}
    sides = []
    for name in build.definitions:
        file = folder / name
        try:
            text = file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            raise FlowError.of(
                f"{display_path(file)} cannot be read, which is a part of the build",
                code=CANNOT_COMPARE,
                hint="run flowdsl build again",
            ) from None
        definition = read_json(text, display_path(file)).value
        own = name.removesuffix(".asl.json")
        loaded = Loaded(file, own, definition if isinstance(definition, dict) else {}, text)
        sides.append(Side(name=own, definition=definition, derived=derive(loaded).derived, functions=functions))
    return sides


def _packaged(one: manifest.Packaged) -> FunctionFacts:
    settings = {
        "handler": one.handler,
        "runtime": one.runtime,
        "architecture": one.architecture,
        "timeout": one.timeout,
        "memory": one.memory,
        **_environment(one.environment),
    }
    return FunctionFacts({"contents": one.contents, "inputs": one.inputs}, settings)


# Between processes


def as_text(sides: Iterable[Side]) -> str:
    """Sides as JSON, for another process."""
    return json.dumps([_value(side) for side in sides])


def _value(side: Side) -> dict[str, Any]:
    functions = side.functions
    return {
        "name": side.name,
        "definition": side.definition,
        "type": side.type,
        "functions": None if functions is None else {name: asdict(each) for name, each in functions.items()},
        "derived": _listed(side.derived),
        "declared": _listed(side.declared),
    }


def _listed(permissions: frozenset[Permission] | None) -> list[dict[str, str]] | None:
    return None if permissions is None else [asdict(each) for each in sorted(permissions, key=astuple)]


def from_text(text: str) -> list[Side]:
    """The sides that another process wrote."""
    return [_side(value) for value in json.loads(text)]


def _side(value: dict[str, Any]) -> Side:
    functions = value["functions"]
    known = {key: _permissions(value[key]) for key in ("derived", "declared")}
    return Side(
        name=value["name"],
        definition=value["definition"],
        type=value["type"],
        functions=None if functions is None else {name: FunctionFacts(**each) for name, each in functions.items()},
        **known,
    )


def _permissions(values: Any) -> frozenset[Permission] | None:
    return None if values is None else frozenset(Permission(**each) for each in values)
