"""From the Data Science SDK to flowdsl and back."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ..asl.placeholders import fill_placeholders, find_placeholders, substitute
from ..author.fields import UNSET
from ..author.flow import WiredStates
from ..author.machine import StateMachine
from ..author.serial import dump, load
from ..author.states import Stepping
from ..base.diagnostics import FlowError
from ..base.interrupts import pass_on_interrupt
from ..base.record import evolve
from ..base.source import caller
from .reading import read_sdk


def from_sdk(value: Any) -> WiredStates:
    """The states of a Workflow, Graph, Chain or State of the Data Science SDK as a step of a flow.

    A state of the SDK that ends goes on to what follows in the flow; all others lead where the SDK has them. If nothing
    else is in the flow, the machine takes over the workflow's comment, version and timeout. Raises FlowError if the SDK
    cannot write the value as JSON; `read_sdk` tells more about a value.
    """
    read = read_sdk(value)
    machine = load(read.definition)
    states = [*machine.states.values()]
    start = read.definition["StartAt"]
    states.sort(key=lambda state: state.name != start)
    # What follows the block, or the end of the machine, decides.
    opened = [evolve(state, end=UNSET) if _ends(state) else state for state in states]
    settings = {key: item for key, item in read.definition.items() if key not in ("StartAt", "States")}
    return WiredStates(tuple(opened), settings=settings, problems=read.problems, origin=caller())


def _ends(state: Any) -> bool:
    return isinstance(state, Stepping) and state.end is True


def to_sdk(
    machine: StateMachine | Mapping[str, Any],
    *,
    role: str,
    name: str | None = None,
    client: Any = None,
    region: str | None = None,
    account: str | None = None,
    substitutions: Mapping[str, str] | None = None,
    **workflow: Any,
) -> Any:
    """A Workflow of the Data Science SDK, for notebooks: `create()`, `update(...)`, `execute()`, `render_graph()`.

    `machine` is a state machine or a definition (then with a `name`); `role` is the ARN of the role that it has. The
    definition is kept as it is, also where the SDK has no words for it. `${AWS::Region}` and `${AWS::AccountId}` are
    filled in: with `region` and `account`, or else with the region of the client and the account in the role's ARN;
    `substitutions` fills others by name. Further arguments are those of Workflow, such as `tags` and `client`.

    Raises FlowError if the SDK (or a fork with workflows) is not installed, if a placeholder has no value, or for an
    EXPRESS machine, because the SDK makes STANDARD ones only.
    """
    try:
        from stepfunctions.steps.states import FrozenGraph
        from stepfunctions.workflow import Workflow
    except Exception as error:
        pass_on_interrupt(error)
        raise FlowError.of(
            f"the Data Science SDK cannot be imported: {error}",
            code="FD726",
            hint='install it with: pip install "flowdsl[stepfunctions]"; the fork stepfunctions-asl has no workflows',
        ) from error
    if isinstance(machine, StateMachine):
        if machine.type != "STANDARD":
            hint = "use flowdsl deploy for EXPRESS state machines"
            raise FlowError.of("the Data Science SDK makes STANDARD state machines only", code="FD726", hint=hint)
        definition, name = dump(machine), name or machine.name
    else:
        definition = dict(machine)
    if not name:
        raise FlowError.of(
            "a definition has no name", code="FD726", hint='write to_sdk(definition, name="payment", ...)'
        )
    graph = FrozenGraph(definition=definition)
    graph.fields = {}  # the SDK does not set it, and its repr() needs it
    notebook_workflow = Workflow(name=name, definition=graph, role=role, client=client, **workflow)
    for attribute, key in (("comment", "Comment"), ("version", "Version"), ("timeout_seconds", "TimeoutSeconds")):
        setattr(notebook_workflow, attribute, definition.get(key))
    graph.definition = _filled(
        definition,
        region or notebook_workflow.client.meta.region_name,
        account or (re.findall(r"^arn:[^:]*:iam::(\d{12}):", role) or [""])[0],
        substitutions or {},
    )
    return notebook_workflow


def _filled(definition: dict[str, Any], region: str, account: str, substitutions: Mapping[str, str]) -> dict[str, Any]:
    definition = substitute(definition, substitutions)
    if account:
        definition = fill_placeholders(definition, region=region, account=account)
    for name, _ in find_placeholders(definition):
        hint = f'give it: to_sdk(..., substitutions={{"{name}": "…"}})'
        if name.startswith("AWS::"):
            hint = "give region= and account=, or a role with its full ARN"
        raise FlowError.of(f"the placeholder ${{{name}}} has no value", code="FD726", hint=hint)
    return definition
