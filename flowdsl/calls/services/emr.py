"""`elasticmapreduce`: actions that Step Functions names otherwise than Amazon EMR.

Source: Step Functions Developer Guide, "Create and manage Amazon EMR clusters with Step Functions".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from attrs import frozen

from ...engine import Failed

JSON = Any
Result = dict[str, JSON]
Ask = Callable[[str, Result], "Result | Failed"]
"""An action of the API and its arguments → its answer."""


@frozen
class Renamed:
    """What an action is in the API. `arguments` makes its arguments of the Task's, and may ask the API for more;
    `result` makes the Task's result of the answer."""

    action: str
    arguments: Callable[[Result, Ask], Result | Failed]
    result: Callable[[Result], Result] = dict


def carry_out(renamed: Renamed, arguments: Result, ask: Ask) -> Result | Failed:
    made = renamed.arguments(arguments, ask)
    if isinstance(made, Failed):
        return made
    answer = ask(renamed.action, made)
    return answer if isinstance(answer, Failed) else renamed.result(answer)


def _fields(**renames: str) -> Callable[[Result, Ask], Result]:
    """The same arguments with some renamed; a name with `[]` behind it takes a list of the one value."""

    def arguments(given: Result, _: Ask) -> Result:
        made = {}
        for name, value in given.items():
            wanted = renames.get(name, name)
            made[wanted.removesuffix("[]")] = [value] if wanted.endswith("[]") else value
        return made

    return arguments


def _one(many: str, one: str) -> Callable[[Result], Result]:
    """The result with the only member of a list in place of the list."""

    def result(answer: Result) -> Result:
        found = answer.get(many) or [None]
        return {**{name: value for name, value in answer.items() if name != many}, one: found[0]}

    return result


def _by_name(kind: str, listing: str, found: str, put: Callable[[Result], Result]) -> Callable[..., Result | Failed]:
    """The arguments for a fleet or a group that is named, once its id is looked up."""

    def arguments(given: Result, ask: Ask) -> Result | Failed:
        cluster, name = given.get("ClusterId"), given.get(f"{kind}Name")
        listed = ask(listing, {"ClusterId": cluster})
        if isinstance(listed, Failed):
            return listed
        ids = [each.get("Id") for each in listed.get(found, ()) if each.get("Name") == name]
        if not ids:
            cause = f"The cluster {cluster} has no {kind} of the name {name}."
            return Failed("ElasticMapReduce.AmazonElasticMapReduceException", cause)
        changed = given.get(kind)
        return {"ClusterId": cluster, **put({f"{kind}Id": ids[0], **(changed if isinstance(changed, dict) else {})})}

    return arguments


def _created(answer: Result) -> Result:
    return {("ClusterId" if name == "JobFlowId" else name): value for name, value in answer.items()}


RENAMED: Mapping[str, Renamed] = {
    "createCluster": Renamed("runJobFlow", _fields(), _created),
    "terminateCluster": Renamed("terminateJobFlows", _fields(ClusterId="JobFlowIds[]")),
    "setClusterTerminationProtection": Renamed("setTerminationProtection", _fields(ClusterId="JobFlowIds[]")),
    "addStep": Renamed("addJobFlowSteps", _fields(ClusterId="JobFlowId", Step="Steps[]"), _one("StepIds", "StepId")),
    "cancelStep": Renamed("cancelSteps", _fields(StepId="StepIds[]"), _one("CancelStepsInfoList", "CancelStepsInfo")),
    "modifyInstanceFleetByName": Renamed(
        "modifyInstanceFleet",
        _by_name("InstanceFleet", "listInstanceFleets", "InstanceFleets", lambda fleet: {"InstanceFleet": fleet}),
    ),
    "modifyInstanceGroupByName": Renamed(
        "modifyInstanceGroups",
        _by_name("InstanceGroup", "listInstanceGroups", "InstanceGroups", lambda group: {"InstanceGroups": [group]}),
    ),
}
"""By the action in `arn:aws:states:::elasticmapreduce:…`."""
