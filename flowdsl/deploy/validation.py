"""What AWS says of the definitions that a plan would send, before anything is changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from attrs import evolve

from .aws import Aws, CallError, credentials_error
from .errors import DENIED
from .model import AwsCall, Plan, Problem, Ref, Text

MOST = 100
"""Diagnostics that are asked for: the most that AWS gives."""


def validate(plan: Plan, types: Mapping[str, str], aws: Aws) -> Plan:
    """The plan with AWS's errors as problems and its warnings as notes. `types` are those of the state machines.
    Raises FlowError if AWS refuses the credentials.

    Many roles that may deploy lack states:ValidateStateMachineDefinition, and emulators lack the call: that is a note.
    """
    notes, problems = [*plan.notes], [*plan.problems]
    for call in plan.calls:
        if call.service == "states" and "definition" in call.arguments:
            for each in _ask(plan, call, types, aws):
                if isinstance(each, Problem):
                    problems.append(each)
                else:
                    notes.append(each)
    return evolve(plan, notes=tuple(notes), problems=tuple(problems))


def _ask(plan: Plan, call: AwsCall, types: Mapping[str, str], aws: Aws) -> Iterator[str | Problem]:
    arguments = {
        "definition": _preview(call.arguments["definition"], plan),
        "type": types[call.resource.rpartition(" ")[2]],
        "severity": "WARNING",
        "maxResults": MOST,
    }
    try:
        answer = aws.call("states", "ValidateStateMachineDefinition", arguments)
    except CallError as error:
        if credentials := credentials_error(error):
            raise credentials from error
        why = "your credentials lack states:ValidateStateMachineDefinition" if error.code in DENIED else error.code
        yield f"{call.resource}: AWS did not validate the definition: {why}"
        return
    for each in answer.get("diagnostics", ()):
        where = f" at {each['location']}" if each.get("location") else ""
        text = f"the definition of {call.resource}: {each['code']}{where}: {each['message']}"
        if each["severity"] == "ERROR":
            yield Problem(f"AWS refuses {text}", "correct the flow, then build and plan again")
        else:
            yield f"AWS warns of {text}"


def _preview(definition: str | Text, plan: Plan) -> str:
    """The definition with a number where a version is not known before it is published."""
    if isinstance(definition, str):
        return definition
    return "".join(_version(part, plan) if isinstance(part, Ref) else part for part in definition.parts)


def _version(ref: Ref, plan: Plan) -> str:
    if ref.key == "Version":
        return "1"
    machine = ref.call.removesuffix(".machine")
    return f"{plan.stack.place.arn('states', f'stateMachine:{machine}')}:1"
