"""Data flow: what each state adds to the document and removes from it on every route, and reads that find no value.

Only what is known is reported: an undeclared input, the result of a service and a filter are unknown, and reading from
them is not reported. Source: ASL specification, "Input and Output Processing".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from ...asl.resource import parse_resource
from ...asl.tree import Machine, Node, Tree
from ...base.diagnostics import AslPath
from ...base.record import field
from ...base.words import abbreviate, did_you_mean
from ...expr.path.tree import Root
from ..findings import Findings
from ..registry import Code, Rule
from ..rules.paths import as_path
from ..subject import Subject
from .kinds import FIELDS, misfit
from .reader import Reader, asked_for, first_keys, keys_of
from .shapes import (
    ANY,
    NUMBER,
    STRING,
    ArrayShape,
    Member,
    ObjectShape,
    ScalarShape,
    Shape,
    allow,
    merge,
    merged,
    of_value,
    put,
)

if TYPE_CHECKING:
    from .annotations import Data

MAX_NESTING = 40
MAX_UPDATES = 40
"""How often the shape at a state may change before it counts as unknown: a loop may extend it for ever."""


def check_dataflow(subject: Subject, findings: Findings) -> None:
    """Follow the document through the machine, starting with what the author declared."""
    if findings.has_broken_routes:
        return
    flow = follow(subject.tree, subject.data)
    if flow.budget <= 0:
        return
    flow.findings = findings
    for state in subject.tree:
        if state in flow.before:
            list(flow.leave(state, flow.before[state], MAX_NESTING))


def follow(tree: Tree, data: Data | None) -> _Flow:
    """Follow the document on all routes: afterwards `before` is what is known in front of each state that can be
    reached, unless the budget ran out."""
    start, results = (data.input, data.results) if data else (ANY, {})
    budget = 40 * sum(1 for _ in tree) + 500
    machines = {machine.path: machine for machine in tree.machines}
    flow = _Flow(is_declared=data is not None, results=results, machines=machines, budget=budget)
    flow.run(tree.root, Known(start, ObjectShape({}, False)), 0)
    return flow


class Known(NamedTuple):
    """What is known on a route: the document, and the variables as an object."""

    document: Shape
    variables: Shape


class Route(NamedTuple):
    """A way out of a state; without a target, the end of the machine."""

    target: str | None
    document: Shape
    assigned: Shape = ANY
    """The variables that the state assigns on this route, as an object."""


class _Flow(Reader, frozen=False, kw_only=True):
    results: Mapping[AslPath, Shape]
    """The results of the functions that a Task calls, by the Task's path."""
    machines: dict[AslPath, Machine]
    budget: int
    """How many states may still be visited; at 0, the rule gives up without a report."""
    before: dict[Node, Known] = field(factory=dict)
    outputs: dict[AslPath, Shape] = field(factory=dict)

    def run(self, machine: Machine, start: Known, depth: int) -> Shape:
        """Visit the states of a machine until no shape changes; return its merged outputs."""
        first = machine.fields.get("StartAt")
        if not isinstance(first, str) or first not in machine.states or depth > MAX_NESTING:
            return ANY
        known: dict[str, Known] = {first: start}
        updates: dict[str, int] = {}
        most = MAX_UPDATES + 2 * len(machine.states)
        ends: dict[str, Shape] = {}
        todo = {first: None}
        while todo and self.budget > 0:
            name = next(iter(todo))
            del todo[name]
            self.budget -= 1
            state = machine.states[name]
            self.before[state] = known[name]
            for target, document, variables in self.leave(state, known[name], depth):
                if target is None:
                    ends[name] = document
                    continue
                old = known.get(target)
                new = Known(document, variables)
                if old is not None:
                    new = Known(merge(old.document, document), merge(old.variables, variables))
                if old is None or new.document is not old.document or new.variables is not old.variables:
                    updates[target] = updates.get(target, 0) + 1
                    known[target] = new if updates[target] <= most else Known(ANY, ANY)
                    todo[target] = None
        return merged(tuple(ends.values())) if ends else ANY

    # One state.

    def leave(self, state: Node, known: Known, depth: int) -> list[Route]:
        """Return the routes out of a state, with the shape of the document on each."""
        outer, self.variables = self.variables, known.variables
        if not state.type:
            routes = [Route(edge.name, ANY) for edge in state.transitions if isinstance(edge.name, str)]
        else:
            pass_on = self.jsonata if state.language == "JSONata" else self.jsonpath
            routes = list(pass_on(state, known.document, depth))
        self.variables = outer
        names = state.machine.states
        return [
            Route(target, document, _with(known.variables, assigned))
            for target, document, assigned in routes
            if target is None or target in names
        ]

    def jsonpath(self, state: Node, document: Shape, depth: int) -> Iterator[Route]:
        fields, path = state.fields, state.path
        for key in fields:
            if key.endswith("Path") and key not in ("InputPath", "OutputPath", "ResultPath", "ItemsPath"):
                shape = self.read(document, fields[key], (*path, key))
                self.check_kind(key.removesuffix("Path"), shape, (*path, key))
        selected = self.select(fields, "InputPath", document, path)
        output = selected
        assigning = selected
        if state.type in ("Task", "Pass", "Parallel", "Map"):
            effective = selected
            if "Parameters" in fields and state.type != "Map":
                effective = self.template(
                    fields["Parameters"], selected, (*path, "Parameters"), f"the Parameters of {state.name!r}"
                )
            assigning = result = self.result(state, selected, effective, depth)
            if "ResultSelector" in fields:
                source = f"the ResultSelector of {state.name!r}"
                result = self.template(fields["ResultSelector"], result, (*path, "ResultSelector"), source)
            output = self.place(fields.get("ResultPath", "$"), document, result, state)
        if state.type == "Choice":
            yield from self.choice(state, selected)
            return
        assigned = self.assign(fields, ANY if "ResultSelector" in fields else assigning, path)
        output = self.select(fields, "OutputPath", output, path)
        yield from self.onward(state, output, assigned)
        for index, catcher in enumerate(_dicts(fields.get("Catch"))):
            error = ObjectShape(
                {"Error": Member(STRING), "Cause": Member(STRING)},
                True,
                f"the error that {state.name!r} caught",
            )
            target = catcher.get("Next")
            if isinstance(target, str):
                assigned = self.assign(catcher, error, (*path, "Catch", index))
                yield Route(target, self.place(catcher.get("ResultPath", "$"), document, error, state), assigned)

    def assign(self, fields: Mapping[str, Any], document: Shape, path: AslPath) -> Shape:
        """Return the variables that an Assign with payload templates sets."""
        if not isinstance(fields.get("Assign"), dict):
            return ANY
        return self.template(fields["Assign"], document, (*path, "Assign"), "")

    def onward(self, state: Node, output: Shape, assigned: Shape) -> Iterator[Route]:
        if state.type == "Succeed" or state.fields.get("End") is True:
            yield Route(None, output)
        elif isinstance(state.fields.get("Next"), str):
            yield Route(state.fields["Next"], output, assigned)

    def select(self, fields: Mapping[str, Any], key: str, document: Shape, path: AslPath) -> Shape:
        """Apply InputPath or OutputPath."""
        if key not in fields:
            return document
        if fields[key] is None:
            return ObjectShape({}, True, f"null as {key}")
        return self.read(document, fields[key], (*path, key))

    def place(self, result_path: Any, document: Shape, result: Shape, state: Node) -> Shape:
        """Apply ResultPath."""
        if result_path is None:
            return document
        keys = keys_of(as_path(result_path))
        return ANY if keys is None else put(document, keys, result, f"the result of {state.name!r}")

    def result(self, state: Node, selected: Shape, effective: Shape, depth: int) -> Shape:
        fields = state.fields
        if state.type == "Pass":
            return of_value(fields["Result"], f"the Result of {state.name!r}") if "Result" in fields else effective
        if state.type == "Task":
            return self.call(state)
        if state.type == "Parallel":
            branches = fields.get("Branches")
            count = len(branches) if isinstance(branches, list) else 0
            paths: list[AslPath] = [(*state.path, "Branches", index) for index in range(count)]
            shapes = tuple(self.inner(path, effective, depth) for path in paths)
            return ArrayShape(merged(shapes), shapes)
        items = selected
        if "ItemsPath" in fields and "ItemReader" not in fields:  # With a reader it leads into what that reads.
            items = self.read(selected, fields["ItemsPath"], (*state.path, "ItemsPath"))
            self.check_kind("Items", items, (*state.path, "ItemsPath"))
        item = items.item if isinstance(items, ArrayShape) else ANY
        key = "ItemSelector" if "ItemSelector" in fields else "Parameters"
        if key in fields:
            item = self.template(fields[key], selected, (*state.path, key), f"the {key} of {state.name!r}")
        for key, name in (("ItemBatcher", "BatchInput"), ("ItemReader", "Parameters"), ("ResultWriter", "Parameters")):
            part = fields.get(key)
            if isinstance(part, dict) and name in part:
                self.template(part[name], selected, (*state.path, key, name), "")
        return self.map_items(state, item, depth)

    def map_items(self, state: Node, item: Shape, depth: int) -> Shape:
        """Return the result of a Map whose processor gets `item`."""
        if "ItemReader" in state.fields and not {"ItemSelector", "Parameters"} & state.fields.keys():
            item = ANY
        batcher = state.fields.get("ItemBatcher")
        if isinstance(batcher, dict):
            item = _batch(batcher, item, state)
        key = "ItemProcessor" if "ItemProcessor" in state.fields else "Iterator"
        output = self.inner((*state.path, key), item, depth)
        return ANY if "ResultWriter" in state.fields else ArrayShape(output)

    def inner(self, path: AslPath, start: Shape, depth: int) -> Shape:
        """Return the output of a branch or an item processor; while reporting, the output of the last visit."""
        machine = self.machines.get(path)
        if machine is None:
            return ANY
        if self.findings is None:
            variables = ANY if machine.is_distributed else self.variables
            self.outputs[path] = self.run(machine, Known(start, variables), depth + 1)
        return self.outputs.get(path, ANY)

    def call(self, state: Node) -> Shape:
        """Return the result of a Task: what the function declares, as Lambda or the integration returns it."""
        text = state.fields.get("Resource")
        resource = parse_resource(text) if isinstance(text, str) else None
        if resource is None:
            return ANY
        if resource.operation and resource.operation != "lambda:invoke" and _reads_answer(state):
            from .answers import answer_of  # reads the model of an API

            return answer_of(resource)
        if resource.pattern:
            return ANY
        if resource.kind == "function":
            return self.results.get(state.path, ANY)
        if resource.operation == "lambda:invoke":
            payload = self.results.get(state.path, ANY)
            return ObjectShape(
                {"Payload": Member(payload), "StatusCode": Member(NUMBER)}, False, "the answer of Lambda"
            )
        return ANY

    # Choice.

    def choice(self, state: Node, selected: Shape) -> Iterator[Route]:
        tests = list(_tests(state))
        asked = {rule["Variable"] for rule, _ in tests if "IsPresent" in rule and isinstance(rule.get("Variable"), str)}
        after = selected
        for text in asked:
            path = as_path(text)
            if path is not None and path.root is Root.INPUT:
                after = allow(after, first_keys(path))
        for rule, at in tests:
            variable = rule.get("Variable")
            if not isinstance(variable, str) or "IsPresent" in rule:
                continue
            value = self.read(after, variable, (*at, "Variable"))
            for name, operand in rule.items():
                if name.endswith("Path"):
                    self.read(after, operand, (*at, name))
                else:
                    self.compare(value, variable, name, operand, (*at, name))
        output = self.select(state.fields, "OutputPath", after, state.path)
        for index, rule in enumerate(_dicts(state.fields.get("Choices"))):
            if isinstance(rule.get("Next"), str):
                yield Route(rule["Next"], output, self.assign(rule, after, (*state.path, "Choices", index)))
        if isinstance(state.fields.get("Default"), str):
            yield Route(state.fields["Default"], output, self.assign(state.fields, after, state.path))

    def compare(self, value: Shape, variable: str, name: str, operand: Any, path: AslPath) -> None:
        """Report a comparison that is never true for the known value."""
        from ...expr.operators import OPERATORS

        operator, equals = OPERATORS.get(name), name.endswith(("StringEquals", "NumericEquals"))
        if self.findings is None or operator is None or not isinstance(value, ScalarShape):
            return
        name = self.findings.either(name, _in_python(variable, name, operand))
        wanted = {"timestamp": "string"}.get(operator.kind, operator.kind)
        if wanted in ("string", "number", "boolean") and wanted != value.kind:
            self.findings.warning("FD803", f"{name} is never true: {variable} is a {value.kind}", path)
        elif (
            operator.kind in ("string", "number")
            and equals
            and value.values is not None
            and operand not in value.values
        ):
            known = ", ".join(sorted(map(abbreviate, value.values)))
            message = f"{name} is never true: {variable} is never {abbreviate(operand)}, only {known}"
            hint = did_you_mean(operand, map(str, value.values)) if isinstance(operand, str) else None
            self.findings.warning("FD803", message, path, hint=hint)

    # JSONata.

    def jsonata(self, state: Node, document: Shape, depth: int) -> Iterator[Route]:
        fields, path = state.fields, state.path
        known: dict[str, Shape] = {"input": document}
        for key in fields.keys() - _READ_ELSEWHERE:
            shape = self.expression(fields[key], known, (*path, key), "")
            if key in FIELDS and str(fields[key]).startswith("{%"):
                self.check_kind(key, shape, (*path, key))
        if state.type == "Choice":
            rules = _dicts(fields.get("Choices"))
            for rule in rules:
                for keys in asked_for(rule.get("Condition")):
                    document = allow(document, keys)
            known = {"input": document}
            for index, rule in enumerate(rules):
                if isinstance(rule.get("Next"), str):
                    at = (*path, "Choices", index, "Condition")
                    condition = self.expression(rule.get("Condition"), known, at, "")
                    if str(rule.get("Condition")).startswith("{%") and (wrong := misfit(condition, "boolean")):
                        self.report_kind(f"a condition must be {wrong}", at)
                    output, assigned = self.output(rule, known, document, (*path, "Choices", index), state)
                    yield Route(rule["Next"], output, assigned)
            if isinstance(fields.get("Default"), str):
                yield Route(fields["Default"], *self.output(fields, known, document, path, state))
            return
        result = document
        if state.type == "Task":
            result = self.call(state)
        elif state.type == "Parallel":
            arguments = (
                self.expression(fields["Arguments"], known, (*path, "Arguments"), "")
                if "Arguments" in fields
                else document
            )
            result = self.result(state, document, arguments, depth)
        elif state.type == "Map":
            items = self.expression(fields["Items"], known, (*path, "Items"), "") if "Items" in fields else document
            item = items.item if isinstance(items, ArrayShape) else ANY
            result = self.map_items(state, ANY if "ItemSelector" in fields else item, depth)
        after = {**known, "result": result}
        yield from self.onward(state, *self.output(fields, after, result, path, state))
        for index, catcher in enumerate(_dicts(fields.get("Catch"))):
            if isinstance(catcher.get("Next"), str):
                error = ObjectShape(
                    {"Error": Member(STRING), "Cause": Member(STRING)},
                    True,
                    f"the error that {state.name!r} caught",
                )
                caught = {**known, "errorOutput": error}
                yield Route(catcher["Next"], *self.output(catcher, caught, error, (*path, "Catch", index), state))

    def output(
        self, fields: Mapping[str, Any], known: Mapping[str, Shape], default: Shape, path: AslPath, state: Node
    ) -> tuple[Shape, Shape]:
        """Return the output and the variables of Output and Assign."""
        assigned: Shape = ANY
        if isinstance(fields.get("Assign"), dict):
            assigned = self.expression(fields["Assign"], known, (*path, "Assign"), "")
        if "Output" not in fields:
            return default, assigned
        return self.expression(fields["Output"], known, (*path, "Output"), f"the Output of {state.name!r}"), assigned


def _batch(batcher: Mapping[str, Any], item: Shape, state: Node) -> Shape:
    """Return what a child execution gets: a batch. Source: Developer Guide, "ItemBatcher"."""
    fields = {"Items": Member(ArrayShape(item))}
    if "BatchInput" in batcher:
        added = batcher["BatchInput"]
        shape: Shape = ANY
        if isinstance(added, dict):
            names = (name.removesuffix(".$") if state.language == "JSONPath" else name for name in added)
            shape = ObjectShape(dict.fromkeys(names, Member(ANY)), True, f"the BatchInput of {state.name!r}")
        fields["BatchInput"] = Member(shape)
    return ObjectShape(fields, True, f"a batch of {state.name!r}")


_ANSWER = re.compile(r"\$states\.result\b|\$\.")


def _reads_answer(state: Node) -> bool:
    """True if the state itself reads fields of its result: only then the model of the API is worth reading."""
    keys = ("Output", "Assign") if state.language == "JSONata" else ("ResultSelector", "Assign")
    return any(_ANSWER.search(text) for key in keys for text in _texts(state.fields.get(key)))


def _texts(value: Any) -> Iterator[str]:
    todo = [value]
    while todo:
        each = todo.pop()
        if isinstance(each, str):
            yield each
        elif isinstance(each, dict | list):
            todo.extend(each.values() if isinstance(each, dict) else each)


_READ_ELSEWHERE: Final = {"Assign", "Output", "Choices", "Retry", "Catch", "Branches", "ItemProcessor", "Iterator"}
"""The fields of a JSONata state whose expressions are read with more than the input, or inside of it."""


def _with(variables: Shape, assigned: Shape) -> Shape:
    """Add the assigned variables."""
    if not isinstance(assigned, ObjectShape) or not isinstance(variables, ObjectShape):
        return variables
    return ObjectShape({**variables.fields, **assigned.fields}, False)


def _tests(state: Node) -> Iterator[tuple[dict[str, Any], AslPath]]:
    """Yield the comparisons of a Choice, including those inside And, Or and Not."""
    rules = state.fields.get("Choices")
    todo: list[tuple[Any, AslPath]] = [
        (rule, (*state.path, "Choices", index)) for index, rule in enumerate(rules if isinstance(rules, list) else [])
    ]
    while todo:
        rule, path = todo.pop()
        if not isinstance(rule, dict):
            continue
        if "Variable" in rule:
            yield rule, path
        for word in ("And", "Or"):
            inner = rule.get(word)
            todo.extend((each, (*path, word, at)) for at, each in enumerate(inner if isinstance(inner, list) else []))
        if "Not" in rule:
            todo.append((rule["Not"], (*path, "Not")))


_SIGNS = {"Equals": "==", "LessThan": "<", "GreaterThan": ">", "LessThanEquals": "<=", "GreaterThanEquals": ">="}


def _in_python(variable: str, operator: str, operand: Any) -> str:
    """The comparison as authors write it in Python."""
    sign = _SIGNS.get(re.sub("String|Numeric|Boolean|Timestamp", "", operator))
    if sign:
        return f"{variable} {sign} {abbreviate(operand)}"
    return f"matches({variable}, {abbreviate(operand)})" if operator == "StringMatches" else operator


def _dicts(value: Any) -> list[dict[str, Any]]:
    return [each if isinstance(each, dict) else {} for each in value] if isinstance(value, list) else []


RULES = (
    Rule(
        check_dataflow,
        (
            Code("FD801", "error or warning", "Reading what no route produces"),
            Code("FD802", "warning", "Reading what only some routes produce"),
            Code("FD803", "warning", "A comparison that is never true"),
            Code("FD804", "warning", "Reading what a Catch has replaced"),
            Code("FD805", "error or warning", "A value of the wrong kind"),
        ),
    ),
)
