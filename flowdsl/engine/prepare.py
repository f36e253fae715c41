"""A definition made ready to run: everything parsed, once, into closures.

`prepare` reads an ASL definition as a dict. A definition that the checker accepts can be prepared; what it would
refuse raises FlowError here, with the place in the definition.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, Literal

from attrs import define, field

from ..author.kinds import POSITIVE_SECONDS
from ..base.diagnostics import AslPath, Diagnostic, FlowError
from .execution import Fiber, Steps
from .history import JSON
from .interpreter import run_block
from .shapes import refuse_other_kinds
from .states.retry import Outcome

Type = Literal["STANDARD", "EXPRESS"]

_CONTEXT = re.compile(r"\$\$|\$states(?!\.(?:input|result|errorOutput)\b)")
"""Where an expression may read the context object."""


@define(eq=False)
class State:
    """One state, ready to run: either `step`, which needs nothing from outside, or `run`, which may wait."""

    name: str
    type: str
    reads_context: bool
    """Whether any expression of it reads the context object."""
    retries: bool
    """Whether it may have Retry, so that the context object counts its attempts."""
    entered: str
    exited: str
    step: Callable[[Fiber, JSON], Outcome] | None = field(default=None, repr=False)
    run: Callable[[Fiber, JSON], Steps] = field(default=None, repr=False)


@define(eq=False)
class Block:
    """A state machine within the machine: the top level, a branch, an item processor."""

    start_at: str
    states: dict[str, State] = field(repr=False)
    path: AslPath = ()


@define(eq=False)
class Program:
    """A prepared state machine. It holds nothing of any execution, so it may run any number of times at once."""

    name: str
    type: Type
    definition: Mapping[str, Any] = field(repr=False)
    block: Block
    timeout_seconds: float | None = None

    def begin(self, fiber: Fiber, value: JSON) -> Steps:
        return run_block(fiber, self.block, value)


def prepare(definition: Mapping[str, Any], *, name: str = "StateMachine", type: Type = "STANDARD") -> Program:
    """Parse a definition for running. Raises FlowError where it is no definition that could run."""
    language = definition.get("QueryLanguage", "JSONPath")
    seconds = definition.get("TimeoutSeconds")
    if seconds is not None and not POSITIVE_SECONDS.accepts(seconds):
        raise _refused(f"TimeoutSeconds must be {POSITIVE_SECONDS.what}, not {seconds!r}", ("TimeoutSeconds",))
    return Program(name, type, definition, prepare_block(definition, language, ()), seconds)


def prepare_block(definition: Mapping[str, Any], language: str, path: AslPath) -> Block:
    """The same for a state machine, a branch or an item processor at this place of a definition."""
    bodies = _required(definition, "States", path)
    if not isinstance(bodies, dict) or not all(isinstance(body, dict) for body in bodies.values()):
        raise _refused("States must be an object of objects", (*path, "States"))
    states: dict[str, State] = {}
    block = Block(_required(definition, "StartAt", path), states, path)
    for name, body in bodies.items():
        at = (*path, "States", name)
        try:
            states[name] = _prepare_state(name, body, language, at)
            targets = _targets(body)
        except FlowError:
            raise
        except (ValueError, TypeError, KeyError, AttributeError, IndexError, RecursionError) as error:
            problem = f"missing field {error}" if isinstance(error, KeyError) else str(error)
            raise _refused(f"the state {name!r} cannot be run: {problem}", at) from error
        for target in targets:
            if not isinstance(target, str) or target not in bodies:
                raise _refused(f"no state named {target!r}", at)
    if not isinstance(block.start_at, str) or block.start_at not in states:
        raise _refused(f"no state named {block.start_at!r}", (*path, "StartAt"))
    return block


def _refused(message: str, path: AslPath) -> FlowError:
    return FlowError(Diagnostic("FD900", message, path))


def _required(definition: Mapping[str, Any], key: str, path: AslPath) -> Any:
    try:
        return definition[key]
    except (KeyError, TypeError):
        raise _refused(f"{key} is missing", path) from None


def _targets(body: Mapping[str, Any]) -> list[str]:
    """The names of all states that a state may go to."""
    found = [body[key] for key in ("Next", "Default") if key in body]
    found += [rule["Next"] for key in ("Choices", "Catch") for rule in body.get(key, ()) if "Next" in rule]
    return found


def _prepare_state(name: str, body: dict[str, Any], language: str, path: AslPath) -> State:
    from .states.prepare import PREPARERS, fill

    kind = _required(body, "Type", path)
    if not isinstance(kind, str) or kind not in PREPARERS:
        raise _refused(f"no state type {kind!r}", (*path, "Type"))
    refuse_other_kinds(kind, body, body.get("QueryLanguage", language), path)
    # Branches and items see the context themselves, each in its own scope.
    own = {key: value for key, value in body.items() if key not in ("Branches", "ItemProcessor", "Iterator")}
    written = json.dumps(own)
    state = State(
        name=name,
        type=kind,
        reads_context=_CONTEXT.search(written) is not None,
        retries=kind in ("Task", "Parallel", "Map"),
        entered=f"{kind}StateEntered",
        exited=f"{kind}StateExited",
    )
    fill(state, body, language, path)
    return state
