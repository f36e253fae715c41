"""What a mock's target selects, and the calls that a definition may make."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, cast

from attrs import frozen

from ..asl.resource import FunctionName, Pattern, names_function, parse_resource
from ..asl.tree import Tree
from ..base.words import did_you_mean
from ..calls.buckets import is_for_bucket
from ..engine import Call


def find_target(call: Call, targets: Collection[str]) -> str | None:
    """Return the most specific of the targets that select the call: its state, function, Resource or
    `service:action`."""
    if call.state_name in targets:
        return call.state_name
    function = call.function
    if function is not None:
        matches = [target for target in targets if names_function(target, function)]
        if matches:
            return max(matches, key=len)
    return next((name for name in (call.resource, parse_resource(call.resource).operation) if name in targets), None)


@frozen
class Calls:
    """The calls that the states of some definitions may make."""

    calls: tuple[Call, ...]
    handlers: tuple[FunctionName, ...]
    """The functions of the project, any of which a state may call that chooses its function when it runs."""

    def is_selected_by(self, target: str) -> bool:
        """True if a mock with this target can answer a call."""
        if any(find_target(call, (target,)) for call in self.calls):
            return True
        chooses = any(call.integration == "lambda" and is_open(call) for call in self.calls)
        return chooses and any(names_function(target, each) for each in self.handlers)

    @property
    def known(self) -> list[str]:
        """The targets to suggest: states, then functions."""
        functions = {call.function.qualified for call in self.calls if call.function is not None and not is_open(call)}
        return [
            *dict.fromkeys(call.state_name for call in self.calls),
            *sorted(functions | {f.text for f in self.handlers}),
        ]

    def missing(self, target: str, machine: str) -> str:
        """The message for a target that selects no call."""
        near = did_you_mean(target, self.known) or (f"it has: {', '.join(self.known)}" if self.known else None)
        hint = f"; {near}" if near else ""
        return f"state machine {machine!r} has no Task or function {target!r}{hint}"


def is_open(call: Call) -> bool:
    """True if the call's function is known only when it runs."""
    return call.function is None or call.function.text.startswith("{%")


def calls_of(definitions: Iterable[Mapping[str, Any]]) -> Iterator[Call]:
    """Yield the calls that the definitions may make, with arguments as they are written."""
    for definition in definitions:
        for node in Tree(definition):
            for resource, arguments in _calls_of_state(node.fields):
                parsed = parse_resource(resource)
                pattern = cast(Pattern, parsed.pattern)
                place = ("", "", 0.0)
                yield Call(resource, parsed.integration, parsed.action, arguments, node.name, *place, pattern=pattern)


def _calls_of_state(state: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the resources that the state calls with their arguments: a Task's, and those of a Map's ItemReader and
    ResultWriter."""
    for part in (state, state.get("ItemReader"), state.get("ResultWriter")):
        if isinstance(part, Mapping) and "Resource" in part:
            resource, arguments = str(part["Resource"]), part.get("Parameters", part.get("Arguments"))
            yield resource, arguments
            if part.get("ReaderConfig", {}).get("Transformation") == "LOAD_AND_FLATTEN":
                yield f"{resource.rpartition(':')[0]}:getObject", arguments  # of each object that is listed


def suggest_answer(call: Call) -> str:
    """Suggest how to answer a call without a mock."""
    mock = f"mock it: flow.mock({call.state_name!r}, returns={{...}})"
    if is_for_bucket(call):
        bucket = call.arguments.get("Bucket") if isinstance(call.arguments, dict) else None
        mock = f"mock it: flow.mock({parse_resource(call.resource).operation!r}, returns={_OF_S3[call.action]})"
        return f"{mock}, or pass a folder for its bucket: Runner.of(buckets={{{bucket!r}: folder}})"
    if call.integration == "activity":
        return f"{mock}, or answer as its worker: flow.answer({call.state_name!r}, {{...}}, after=30)"
    if call.pattern == "waitForTaskToken":
        return f"answer its task token: flow.answer({call.state_name!r}, {{...}}, after=30); for the call alone, {mock}"
    if call.integration == "states" and call.action == "startExecution":
        return f"{mock}, or pass the state machine that it starts: Runner.of(machines=[...])"
    return mock


_OF_S3 = {"getObject": '{"Body": "..."}', "putObject": "{}", "listObjectsV2": '{"Contents": [...]}'}
"""An example result for each action that a folder can answer."""
