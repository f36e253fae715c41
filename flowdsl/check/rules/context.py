"""The context object: fields that it does not have, and those that only some states have.

Source: Step Functions Developer Guide, "Accessing execution data from the Context object in Step Functions".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from ...asl.resource import parse_resource
from ...asl.tree import Node
from ...base.diagnostics import AslPath
from ...base.named import NamedTuple
from ...base.patterns import regex
from ...base.words import did_you_mean
from ...expr.path.tree import Name, Root
from ..findings import Findings
from ..registry import Code, Rule
from ..subject import Subject
from .paths import paths_of

_ANY: Final = None
"""A field with any fields of its own."""
_SCALAR: Final[Mapping[str, Any]] = {}
CONTEXT: Final[Mapping[str, Any]] = {
    "Execution": {
        **dict.fromkeys(("Id", "Name", "RoleArn", "StartTime", "RedriveCount", "RedriveTime"), _SCALAR),
        "Input": _ANY,
    },
    "State": dict.fromkeys(("EnteredTime", "Name", "RetryCount"), _SCALAR),
    "StateMachine": dict.fromkeys(("Id", "Name"), _SCALAR),
    "Task": {"Token": _SCALAR},
    "Map": {"Item": {"Index": _SCALAR, "Key": _SCALAR, "Source": _SCALAR, "Value": _ANY}},
}
"""The fields of the context object. A state machine's Comment, version and alias are not in it."""
_PLAIN: Final = regex(r"\{%\s*\$states\.context((?:\.[A-Za-z_]\w*)*)\s*%\}")


class _Read(NamedTuple):
    names: tuple[str, ...]
    state: Node
    key: str
    path: AslPath
    is_sure: bool
    """True if the state fails if there is no value."""


def check_context(subject: Subject, findings: Findings) -> None:
    for read in _reads(subject):
        if not _check_names(read, findings):
            continue
        first = read.names[:1]
        if first == ("Map",) and not _has_item(read.state):
            report = _reporter(read, findings)
            report("FD311", "context.Map exists only inside a Map state", read.path)
        elif first == ("Task",) and not _has_token(read.state):
            # A published definition reads it in a Task that does not wait, and Step Functions saves that.
            is_saved = read.state.type == "Task" and not findings.python
            report = findings.warning if is_saved else _reporter(read, findings)
            hint = findings.either('let the Resource end in ".waitForTaskToken"', "add wait_for_task_token=True")
            message = f"state {read.state.name!r} has no task token: it does not wait for a callback"
            report("FD311", message, read.path, hint=hint)


def _reads(subject: Subject) -> Iterator[_Read]:
    for each in subject.fields:
        state = each.state
        if state is None or not each.may_read:
            continue
        for text, path in _texts(each.value, each.path):
            if state.language == "JSONata":
                if "context" in text and text.startswith("{%"):
                    yield from _of_expression(text, state, each.key, path)
            elif "$$" in text and (str(path[-1]).endswith(".$") or each.kind.shape == "path"):
                yield from _of_paths(text, state, each.key, path)
    for compared in subject.compared:
        if compared.text.startswith("$$"):
            yield from _of_paths(compared.text, compared.state, "Choices", compared.path)


def _texts(value: Any, path: AslPath) -> Iterator[tuple[str, AslPath]]:
    """Yield the texts in a value with their paths."""
    todo = [(value, path)]
    while todo:
        each, at = todo.pop()
        if isinstance(each, str):
            yield each, at
        elif isinstance(each, dict):
            todo.extend((inner, (*at, key)) for key, inner in each.items())
        elif isinstance(each, list):
            todo.extend((inner, (*at, index)) for index, inner in enumerate(each))


def _of_paths(text: str, state: Node, key: str, path: AslPath) -> Iterator[_Read]:
    for parsed in paths_of(text):
        if parsed.root is Root.CONTEXT:
            names: list[str] = []
            for step in parsed.steps:
                if not isinstance(step, Name) or len(step.names) != 1:
                    break
                names.append(step.names[0])
            yield _Read(tuple(names), state, key, path, key != "Choices")


def _of_expression(text: str, state: Node, key: str, path: AslPath) -> Iterator[_Read]:
    if plain := _PLAIN.fullmatch(text):
        yield _Read(tuple(plain[1].split(".")[1:]), state, key, path, True)
        return
    from .jsonata import read_text

    for each in getattr(read_text(text[2:-2].strip()), "reads", ()):
        if each.name == "states" and each.fields[:1] == ("context",):
            yield _Read(each.fields[1:], state, key, path, False)


def _check_names(read: _Read, findings: Findings) -> bool:
    """Report the first name that does not exist; return True if all do."""
    known: Mapping[str, Any] | None = CONTEXT
    for index, name in enumerate(read.names):
        if known is _ANY:
            return True
        if name not in known:
            owner = ".".join(("context", *read.names[:index]))
            fields = f"it has {', '.join(known)}" if known else "it has no fields"
            report, message = _reporter(read, findings), f"{owner} has no field {name!r}; {fields}"
            report("FD310", message, read.path, hint=did_you_mean(name, known), needle=name)
            return False
        known = known[name]
    return True


def _reporter(read: _Read, findings: Findings) -> Callable[..., None]:
    return findings.failure if read.is_sure else findings.warning


def _has_item(state: Node) -> bool:
    return state.type == "Map" or any(each.type == "Map" for each in state.ancestors)


def _has_token(state: Node) -> bool:
    """The token exists where an answer is awaited, `.sync` included; what is not known may have one."""
    text = state.fields.get("Resource")
    if state.type != "Task":
        return False
    resource = parse_resource(text) if isinstance(text, str) else None
    return resource is None or bool(resource.pattern) or resource.kind not in ("function", "integration", "sdk")


RULES = (
    Rule(
        check_context,
        (
            Code("FD310", "error or warning", "A field that the context object does not have"),
            Code("FD311", "error or warning", "A part of the context object that exists only elsewhere"),
        ),
    ),
)
