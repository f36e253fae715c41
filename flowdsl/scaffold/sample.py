"""An input, and results of the Tasks, with which an existing definition runs: guessed from what its states read.

Nothing says what the functions of a definition return. But its paths say which fields it reads, and its Choice states
with what it compares them. So a first test can take a route that succeeds, and its author replaces the values.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

from attrs import frozen

from ..asl.resource import parse_resource
from ..asl.tree import Node, Tree
from ..base.diagnostics import FlowError
from ..engine import Event, Result
from ..project import Loaded, Project
from ..run.local import Answers, run

Steps = tuple[str | int, ...]
"""A path below a value: names of fields, and 0 for any element of an array."""
Reads = dict[Steps, list[Any]]
"""The paths that are read, each with values that fit what they are compared with."""
Choose = Callable[[Steps, Sequence[Any]], Any]
"""Chooses one of the values for a path, of which there may be none."""

_STEPS = r"((?:\.[A-Za-z_]\w*|\[[^\]]*\])*)"
_JSONPATH = re.compile(rf"(?<![\w$])\$(\$\.Execution\.Input\b|\$\.Map\.Item\.Value\b|[A-Za-z_]\w*)?{_STEPS}(?![\w($])")
_JSONATA = re.compile(
    r"\$(states\.(?:input|result|context\.Execution\.Input|context\.Map\.Item\.Value)\b|(?!states\b)[A-Za-z_]\w*)"
    rf"{_STEPS}(?![\w(])(?:\s*(!?=|[<>]=?)\s*('[^']*'|\"[^\"]*\"|-?\d+(?:\.\d+)?|true\b|false\b))?"
)
_MERGED = re.compile(r"""['"](\w+)['"]\s*:\s*\$states\.result\s*[,}]""")
_PATH_FIELDS = ("InputPath", "OutputPath", "ItemsPath", "SecondsPath", "TimestampPath", "Variable")
_NOT_OWN = frozenset({"Branches", "ItemProcessor", "Iterator", "Catch", "Retry", "ResultSelector", "ResultPath"})
_GUESSES = 12
"""How many combinations of values are tried."""
_MOST_EVENTS = 1000
"""Of an execution; a longer one is given up."""


@frozen
class Sample:
    """An execution that succeeds: its input, the results by Task, the answers to callbacks, and its states in order."""

    input: Any
    results: Mapping[str, Any]
    callbacks: Mapping[str, Any]
    states: tuple[str, ...]


def find_sample(machine: Loaded) -> Sample | None:
    """An execution of the machine that succeeds, or None if a few guesses find none. Calls nothing outside."""
    tree = Tree(machine.definition)
    if any(node.fields.keys() & {"ItemReader", "ResultWriter"} for node in tree):
        return None  # it takes files in S3
    read = _Read(tree)
    for guess in range(_GUESSES):
        choose = partial(_choose, guess)
        results, callbacks = read.results(choose)
        sample = _succeeds(machine, read.value(read.documents[()], choose), results, callbacks)
        if sample is not None:
            return _without_unread(machine, sample)
    return None


def _succeeds(machine: Loaded, start: Any, results: Mapping[str, Any], callbacks: Mapping[str, Any]) -> Sample | None:
    visited: list[str] = []

    def note(_: Result, event: Event) -> None:
        if event.type.endswith("StateEntered") and event.details:
            visited.append(event.details["name"])
        if event.id > _MOST_EVENTS:
            raise _TooLongError

    answers = Answers(mocks=results, callbacks=callbacks)
    try:
        result = run(machine, start, project=Project(Path.cwd()), answers=answers, on_event=note)
    except (FlowError, _TooLongError):
        return None
    if result.status != "SUCCEEDED":
        return None
    return Sample(start, _visited(results, visited), _visited(callbacks, visited), tuple(visited))


def _without_unread(machine: Loaded, sample: Sample) -> Sample:
    """The same route without fields of the input that it can do without, such as those that a Task adds."""
    for name in [*sample.input] if isinstance(sample.input, dict) else []:
        less = {key: value for key, value in sample.input.items() if key != name}
        shorter = _succeeds(machine, less, sample.results, sample.callbacks)
        if shorter is not None and shorter.states == sample.states:
            sample = shorter
    return sample


def _choose(guess: int, steps: Steps, fits: Sequence[Any]) -> Any:
    """One of the values for a path: the first, and in later guesses any, the same each time."""
    default: list[Any] = ["text", 1]
    if guess == 0:
        return [*fits, *default][0]
    return Random(f"{guess} {steps}").choice(fits or default)  # noqa: S311 - no secret


def _visited(answers: Mapping[str, Any], visited: Collection[str]) -> dict[str, Any]:
    return {name: answer for name, answer in answers.items() if name in visited}


class _TooLongError(Exception):
    """The execution seems to repeat its states for ever."""


class _Read:
    """What the states read: by document (that of the machine, and the item of each Map), and by Task of its result."""

    def __init__(self, tree: Tree) -> None:
        self.nodes = [node for node in tree if node.type]
        self.documents: dict[tuple[str | int, ...], Reads] = {(): {}}
        self.of_results: dict[str, Reads] = {}
        self.variables: dict[str, Reads] = {}
        for node in self.nodes:
            if node.type == "Map":
                self.documents[node.path] = {}
        for node in self.nodes:
            self._read(node)
        for node in self.nodes:  # a variable is what was assigned to it
            for name, value in (node.fields.get("Assign") or {}).items():
                self._assign(node, name.removesuffix(".$"), value)
        for node in self.nodes:
            if node.type == "Map":
                self._read_items(node)

    def _document(self, node: Node) -> Reads:
        maps = [each.path for each in node.ancestors if each.type == "Map"]
        return self.documents[maps[0] if maps else ()]

    def _read(self, node: Node) -> None:
        below = _steps(str(node.fields.get("InputPath") or "$").removeprefix("$"))
        for key, value, compared in _texts(node.fields, _NOT_OWN):
            pattern = _JSONATA if node.language == "JSONata" else _JSONPATH
            if node.language == "JSONPath" and not (key.endswith((".$", "Path")) or key in _PATH_FIELDS):
                continue
            if node.language == "JSONata" and not value.startswith("{%"):
                continue
            for match in pattern.finditer(value):
                root, steps = match[1] or "", _steps(match[2])
                fits = compared or _literals(*match.groups()[2:4] or (None, None))
                fits = _BY_FIELD.get(key, fits)
                self._add(node, root, steps, fits, below if not root and key != "InputPath" else ())
        for key, value, _ in _texts({"ResultSelector": node.fields.get("ResultSelector")}, frozenset()):
            for match in _JSONPATH.finditer(value) if key.endswith(".$") else ():
                if not match[1]:
                    self.of_results.setdefault(node.name, {}).setdefault(_steps(match[2]), [])

    def _add(self, node: Node, root: str, steps: Steps, fits: list[Any], below: Steps) -> None:
        maps = [each.path for each in node.ancestors if each.type == "Map"]
        if root.endswith("Execution.Input"):
            reads = self.documents[()]
        elif root.endswith("Map.Item.Value"):
            reads = self.documents[node.path if node.type == "Map" else maps[0] if maps else ()]
        elif root == "states.result" or (not root and node.type == "Task" and "Assign" in node.fields and not steps):
            reads = self.of_results.setdefault(node.name, {})
        elif root in ("", "states.input"):
            reads = self._document(node)
        else:
            reads = self.variables.setdefault(root, {})
        reads.setdefault((*below, *steps), []).extend(fits)

    def _assign(self, node: Node, name: str, value: Any) -> None:
        text = value.strip("{}% ") if isinstance(value, str) else ""
        match = _as_path(node, text)
        for steps, fits in [*self.variables.get(name, {}).items()] if match else []:
            root = match[1] or ("states.result" if node.type == "Task" else "")  # type: ignore[index]
            if root in ("", "states.input", "states.result"):
                self._add(node, root, (*_steps(match[2]), *steps), fits, ())  # type: ignore[index]

    def _read_items(self, node: Node) -> None:
        """An array of one item, which has what the processor reads."""
        fields = node.fields
        if "ItemReader" in fields or ("Items" in fields and not isinstance(fields["Items"], str)):
            return
        text = str(fields.get("ItemsPath") or fields.get("Items") or "$").strip("{}% ")
        match = _as_path(node, text)
        if match and match[1] in (None, "states.input"):
            self._document(node).setdefault(_steps(match[2]), []).append(_Items(node.path))

    # Values

    def value(self, reads: Reads, choose: Choose) -> Any:
        return _build(self._with_items(reads, choose), choose)

    def _with_items(self, reads: Reads, choose: Choose) -> Reads:
        return {
            steps: [
                [self.value(self.documents[fit.path], choose)] if isinstance(fit, _Items) else fit
                for fit in sorted(fits, key=lambda fit: not isinstance(fit, _Items))
            ]
            for steps, fits in reads.items()
        }

    def results(self, choose: Choose) -> tuple[dict[str, Any], dict[str, Any]]:
        """The results of the Tasks, and the answers to the callbacks of those that wait for one."""
        results: dict[str, Any] = {}
        callbacks: dict[str, Any] = {}
        for node in self.nodes:
            if node.type != "Task":
                continue
            result = self._result(node, choose)
            resource = parse_resource(str(node.fields.get("Resource")))
            if resource.pattern == "waitForTaskToken" or resource.kind == "activity":
                callbacks[node.name] = result
                result = {}
            if resource.kind != "activity":
                results[node.name] = result
        return results, callbacks

    def _result(self, node: Node, choose: Choose) -> Any:
        own = self.value(self.of_results.get(node.name, {}), choose)
        document = self.value(self._document(node), choose)
        if node.language == "JSONata":
            output = node.fields.get("Output", "{% $states.result %}")
            merged = [_at(document, (name,)) for name in _MERGED.findall(output)] if isinstance(output, str) else []
            whole = [document] if str(output).strip("{}% ") == "$states.result" else []
            return _merged(own, *merged, *whole)
        if "ResultSelector" in node.fields or node.fields.get("ResultPath", "$") is None:
            return own
        return _merged(own, _at(document, _steps(str(node.fields.get("ResultPath", "$")).removeprefix("$"))))


def _as_path(node: Node, text: str) -> re.Match[str] | None:
    """The root and the steps of an expression that is a path and nothing else."""
    if node.language == "JSONata":
        return re.fullmatch(rf"\$(states\.(?:input|result)){_STEPS}", text)
    return _JSONPATH.fullmatch(text)


@frozen
class _Items:
    """Stands for an array with one item of the Map at this path."""

    path: tuple[str | int, ...]


_BY_TYPE: Mapping[str, list[Any]] = {
    "IsNumeric": [1],
    "IsBoolean": [True],
    "IsTimestamp": ["2030-01-01T00:00:00Z"],
}
_BY_FIELD: Mapping[str, list[Any]] = {
    "SecondsPath": [1],
    "Seconds": [1],
    "TimestampPath": ["2030-01-01T00:00:00Z"],
    "Timestamp": ["2030-01-01T00:00:00Z"],
}


def _texts(value: Any, without: frozenset[str], key: str = "") -> Iterator[tuple[str, str, list[Any]]]:
    """The strings of a state with the keys they are at; for the variable of a choice rule, values that match it."""
    if isinstance(value, dict):
        compared = _compared(value) if "Variable" in value else []
        for inner, item in value.items():
            if inner == "Variable" and isinstance(item, str):
                yield inner, item, compared
            elif inner not in without:
                yield from _texts(item, without, inner)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item, without, key)
    elif isinstance(value, str):
        yield key, value, []


def _compared(rule: Mapping[str, Any]) -> list[Any]:
    for key, value in rule.items():
        if key.startswith(("String", "Numeric", "Boolean", "Timestamp")) and not key.endswith("Path"):
            name = key.removeprefix("String").removeprefix("Numeric")
            sign = {"Equals": "=", "GreaterThan": ">", "LessThan": "<", "GreaterThanEquals": ">="}.get(name, "=")
            return _literals(sign, value)
    for key, fits in _BY_TYPE.items():
        if rule.get(key) is True:
            return [*fits]
    return []


def _literals(sign: str | None, value: Any) -> list[Any]:
    """Values for which `x SIGN value` is true, and after them one for which it is not."""
    if isinstance(value, str) and value[:1] in "'\"" and value[-1:] == value[:1] and len(value) > 1:
        value = value[1:-1]
    elif sign and isinstance(value, str) and re.fullmatch(r"-?\d+(\.\d+)?|true|false", value):
        value = {"true": True, "false": False}.get(value) if value in ("true", "false") else float(value)
    if sign is None or value is None:
        return []
    if isinstance(value, bool):
        return [value, not value]
    if isinstance(value, int | float):
        value = int(value) if value == int(value) else value
        return {">": [value + 1, value], "<": [value - 1, value]}.get(sign, [value, value + 1])
    return ["other", value] if sign == "!=" else [value]


def _steps(text: str) -> Steps:
    parts = re.findall(r"\.([A-Za-z_]\w*)|\[(['\"]?)([^\]]*?)\2\]", text)
    return tuple(name or (inner if quote else 0) for name, quote, inner in parts)


def _build(reads: Reads, choose: Choose) -> Any:
    """A value that has all these paths."""
    result: Any = {}
    for steps, fits in sorted(reads.items(), key=lambda read: len(read[0])):
        distinct = [fit for index, fit in enumerate(fits) if fit not in fits[:index] and not isinstance(fit, _Items)]
        leaf = choose(steps, distinct)
        if steps or isinstance(leaf, list):
            result = _put(result, steps, leaf)
    return result


def _put(value: Any, steps: Steps, leaf: Any) -> Any:
    if not steps:
        return leaf if not isinstance(value, dict) or isinstance(leaf, list) or not value else value
    first, *rest = steps
    if first == 0:
        inner = value[0] if isinstance(value, list) and value else {}
        return [_put(inner, (*rest,), leaf)]
    base = value if isinstance(value, dict) else {}
    return {**base, first: _put(base.get(first, {}), (*rest,), leaf)}


def _at(value: Any, steps: Steps) -> Any:
    for step in steps:
        value = value.get(step, {}) if isinstance(value, dict) else {}
    return value


def _merged(*values: Any) -> Any:
    result: Any = {}
    for value in values:
        result = {**result, **value} if isinstance(result, dict) and isinstance(value, dict) else value or result
    return result
