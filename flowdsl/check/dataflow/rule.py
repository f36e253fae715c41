"""Data flow: what each state adds to the document and removes from it on every route, and reads that find no value.

Only what is known is reported: an undeclared input, the result of a service and a filter are unknown, and reading from
them is not reported. Source: ASL specification, "Input and Output Processing".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from heapq import heappop, heappush
from typing import TYPE_CHECKING, Any, Final

from ...asl.resource import parse_resource
from ...asl.tree import Machine, Node, Tree
from ...base.diagnostics import AslPath, Diagnostic
from ...base.named import NamedTuple
from ...base.record import field
from ...expr.path.tree import Root
from ..conditions import formulas_of
from ..findings import Findings
from ..registry import Code, Rule
from ..rules.paths import as_path
from ..subject import Subject
from .comparisons import check_comparison, check_presence, split
from .events import is_read, misfits, payload_of
from .items import batch_of, context_of, item_of, item_read_by, result_written_by
from .kinds import FIELDS, misfit
from .narrowing import Values, place_of
from .parts import (
    caught_error,
    dicts,
    first_keys,
    in_order,
    is_expression,
    keys_of,
    reads_answer,
    tests_of,
    with_assigned,
)
from .reader import Reader, asked_for
from .replaced import MERGING, placed_results, replaced_kinds, unknown_result
from .shapes import (
    ANY,
    MAX_DEPTH,
    MAYBE,
    NOWHERE,
    NUMBER,
    ArrayShape,
    Member,
    Missing,
    ObjectShape,
    Pairs,
    Shape,
    Source,
    allow,
    look,
    merge,
    merged,
    of_value,
    put,
)

if TYPE_CHECKING:
    from .annotations import Data, Taken

MAX_NESTING = 40
MAX_UPDATES = 40
"""How often the shape at a state may change before it counts as unknown: a loop may extend it for ever."""
PARTS, PARTS_OF_STATE = 20_000, 60
"""How many parts of shapes are merged at their full depth, and more for each state. Loops that put results into each
other would otherwise take minutes; what more of them differs below a depth of 6, then of 2, counts as unknown."""


def check_dataflow(subject: Subject, findings: Findings) -> None:
    """Follow the document through the machine, starting with what the author declared."""
    if findings.has_broken_routes:
        return
    flow = follow(subject.tree, subject.data, findings, subject.text)
    if flow.budget <= 0:
        return
    for state in subject.tree:
        findings.diagnostics.extend(flow.reports.get(state, ()))


def follow(tree: Tree, data: Data | None, findings: Findings | None = None, text: str = "") -> _Flow:
    """Follow the document on all routes: afterwards `before` is what is known in front of each state that can be
    reached, unless the budget ran out; with `findings`, `reports` are the problems of each state on its last visit."""
    start, results, events = (data.input, data.results, data.events) if data else (ANY, {}, {})
    count = sum(1 for _ in tree)
    machines = {machine.path: machine for machine in tree.machines}
    budget, parts = 40 * count + 500, PARTS + PARTS_OF_STATE * count
    flow = _Flow(is_declared=data is not None, results=results, events=events, machines=machines, budget=budget)
    flow.asks, flow.text, flow.most_parts = findings, text, parts
    flow.placed = placed_results(tree)
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
    variables: Shape | None = None
    """The variables in front of the state, if the route says more of them."""


class _Flow(Reader, frozen=False, kw_only=True):
    results: Mapping[AslPath, Shape]
    """The results of the functions that a Task calls, by the Task's path."""
    events: Mapping[AslPath, tuple[Taken, ...]]
    """What the handlers of these functions take, by the Task's path."""
    machines: dict[AslPath, Machine]
    budget: int
    """How many states may still be visited; at 0, the rule gives up without a report."""
    merged_parts: int = 0
    """How many parts of shapes were merged where routes meet."""
    most_parts: int = PARTS
    """How many of them are merged at their full depth."""
    placed: frozenset[str] = frozenset()
    """The names of the fields in which states put their results."""
    arrivals: dict[Node, dict[Node, Known]] = field(factory=dict)
    """What is known on the way to a state, by the state that it comes from."""
    current: Node | None = None
    text: str = ""
    """The definition as text, or nothing."""
    asks: Findings | None = None
    """The findings so far, if problems are to be reported."""
    before: dict[Node, Known] = field(factory=dict)
    reports: dict[Node, list[Diagnostic]] = field(factory=dict)
    """The problems of each state on its last visit, when all that is known had come there."""

    def run(self, machine: Machine, start: Known, depth: int) -> Shape:
        """Visit the states of a machine until no shape changes; return its merged outputs."""
        first = machine.fields.get("StartAt")
        if not isinstance(first, str) or first not in machine.states or depth > MAX_NESTING:
            return ANY
        known: dict[str, Known] = {first: start}
        updates: dict[str, int] = {}
        most = MAX_UPDATES + 2 * len(machine.states)
        ends: dict[str, Shape] = {}
        order = in_order(machine.states[first])
        todo, waiting = [(0, first)], {first}
        while todo and self.budget > 0:
            _, name = heappop(todo)
            waiting.discard(name)
            self.budget -= 1
            state = machine.states[name]
            self.before[state] = known[name]
            for target, document, variables, _ in self.leave(state, known[name], depth):
                if target is None:
                    ends[name] = document
                    continue
                old = known.get(target)
                new = Known(document, variables)
                self.arrivals.setdefault(machine.states[target], {})[state] = new
                if old is not None:
                    new = self.merge(old, new)
                if old is None or new.document is not old.document or new.variables is not old.variables:
                    updates[target] = updates.get(target, 0) + 1
                    known[target] = new if updates[target] <= most else Known(ANY, ANY)
                    if target not in waiting:
                        waiting.add(target)
                        heappush(todo, (order.get(target, 0), target))
        return merged(tuple(ends.values())) if ends else ANY

    def merge(self, old: Known, new: Known) -> Known:
        """What is known where two routes meet; the later the less, if there is very much to merge."""
        pairs: Pairs = {}
        excess = self.merged_parts // self.most_parts
        above = 0 if excess == 0 else MAX_DEPTH - (6 if excess == 1 else 2)
        document = merge(old.document, new.document, above, pairs)
        variables = merge(old.variables, new.variables, above, pairs)
        self.merged_parts += len(pairs)
        return Known(document, variables)

    # One state.

    def leave(self, state: Node, known: Known, depth: int) -> list[Route]:
        """Return the routes out of a state, with the shape of the document on each."""
        outer, self.variables = self.variables, known.variables
        before, around, self.current = self.findings, self.current, state
        if self.asks is not None:
            self.findings = Findings(self.reports.setdefault(state, []), self.asks.python)
            self.findings.diagnostics.clear()
        if not state.type:
            routes = [Route(edge.name, ANY) for edge in state.transitions if isinstance(edge.name, str)]
        else:
            pass_on = self.jsonata if state.language == "JSONata" else self.jsonpath
            routes = list(pass_on(state, known.document, depth))
        self.variables, self.findings, self.current = outer, before, around
        names = state.machine.states
        return [
            Route(target, document, with_assigned(known.variables if narrowed is None else narrowed, assigned))
            for target, document, assigned, narrowed in routes
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
                source = Source(f"the Parameters of {state.name!r}")
                effective = self.template(fields["Parameters"], selected, (*path, "Parameters"), source)
            if state.type == "Task":
                self.send(state, effective, "Parameters" if "Parameters" in fields else "")
                self.check_arguments(state, "Parameters", effective)
            assigning = result = self.result(state, selected, effective, depth)
            if "ResultSelector" in fields:
                source = Source(f"the ResultSelector of {state.name!r}")
                result = self.template(fields["ResultSelector"], result, (*path, "ResultSelector"), source)
            keys = keys_of(as_path(fields.get("ResultPath", "$")))
            if result == ANY and state.type == "Task" and "Parameters" in fields and keys is not None:
                result = unknown_result(state, look(document, keys)[0], fields["Parameters"], self.placed)
            output = self.place(fields.get("ResultPath", "$"), document, result, state)
            self.check_replaced(state, document, keys or (), result, ANY)
        if state.type == "Choice":
            yield from self.choice(state, selected)
            return
        assigned = self.assign(fields, ANY if "ResultSelector" in fields else assigning, path)
        self.check_replaced(state, ANY, (), ANY, assigned)
        output = self.select(fields, "OutputPath", output, path)
        yield from self.onward(state, output, assigned)
        for index, catcher in enumerate(dicts(fields.get("Catch"))):
            error = caught_error(state)
            target = catcher.get("Next")
            if isinstance(target, str):
                assigned = self.assign(catcher, error, (*path, "Catch", index))
                yield Route(target, self.place(catcher.get("ResultPath", "$"), document, error, state), assigned)

    def assign(self, fields: Mapping[str, Any], document: Shape, path: AslPath) -> Shape:
        """Return the variables that an Assign with payload templates sets."""
        if not isinstance(fields.get("Assign"), dict):
            return ANY
        return self.template(fields["Assign"], document, (*path, "Assign"), NOWHERE)

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
            return ObjectShape({}, True, Source(f"null as {key}"))
        return self.read(document, fields[key], (*path, key))

    def place(self, result_path: Any, document: Shape, result: Shape, state: Node) -> Shape:
        """Apply ResultPath."""
        if result_path is None:
            return document
        keys = keys_of(as_path(result_path))
        return ANY if keys is None else put(document, keys, result, Source(f"the result of {state.name!r}"))

    def result(self, state: Node, selected: Shape, effective: Shape, depth: int) -> Shape:
        fields = state.fields
        if state.type == "Pass":
            return (
                of_value(fields["Result"], Source(f"the Result of {state.name!r}")) if "Result" in fields else effective
            )
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
        return self.map_items(state, items, selected, depth)

    def map_items(self, state: Node, items: Shape, document: Shape, depth: int) -> Shape:
        """Return the result of a Map that goes through `items`, or through what its reader reads."""
        fields, path, outer = state.fields, state.path, self.item
        arguments = "Arguments" if state.language == "JSONata" else "Parameters"
        reader, batcher, writer = (
            part if isinstance(part := fields.get(key), dict) else {}
            for key in ("ItemReader", "ItemBatcher", "ResultWriter")
        )
        for key, part in (("ItemReader", reader), ("ResultWriter", writer)):
            if arguments in part:
                self.check_place(state, part[arguments], document, (*path, key, arguments))
        self.item = item = item_read_by(reader) if reader else item_of(items)
        selector = next((key for key in ("ItemSelector", "Parameters") if key in fields), None)
        if selector is not None:
            source = Source(f"the {selector} of {state.name!r}")
            item = self.value(state, fields[selector], document, (*path, selector), source)
        if batcher:
            added = batcher.get("BatchInput")
            at, source = (*path, "ItemBatcher", "BatchInput"), Source(f"the BatchInput of {state.name!r}")
            item = batch_of(batcher, item, self.value(state, added, document, at, source), state)
        key = "ItemProcessor" if "ItemProcessor" in fields else "Iterator"
        output = self.inner((*path, key), item, depth)
        self.item = outer
        return result_written_by(writer) if writer else ArrayShape(output)

    def check_place(self, state: Node, arguments: Any, document: Shape, path: AslPath) -> None:
        """Check the arguments that say where in S3 a reader reads, or a writer writes."""
        shape = self.value(state, arguments, document, path, NOWHERE)
        if self.findings is not None:
            from .arguments import texts_of_other_kinds

            for wrong in texts_of_other_kinds(arguments, shape, path, state.language, ("Bucket", "Key", "Prefix")):
                self.report_kind(wrong.message, wrong.path)

    def value(self, state: Node, value: Any, document: Shape, path: AslPath, source: Source) -> Shape:
        """Return the shape of a payload template, or of a value with JSONata in it."""
        if state.language == "JSONata":
            return self.expression(value, {"input": document, "context": context_of(self.item)}, path, source)
        return self.template(value, document, path, source)

    def inner(self, path: AslPath, start: Shape, depth: int) -> Shape:
        """Return the output of a branch or an item processor."""
        machine = self.machines.get(path)
        if machine is None:
            return ANY
        if not machine.is_distributed:
            return self.run(machine, Known(start, self.variables), depth + 1)
        outer, self.item = self.item, ANY  # A child execution has a context object of its own.
        output = self.run(machine, Known(start, ANY), depth + 1)
        self.item = outer
        return output

    def call(self, state: Node) -> Shape:
        """Return the result of a Task: what the function declares, as Lambda or the integration returns it."""
        text = state.fields.get("Resource")
        resource = parse_resource(text) if isinstance(text, str) else None
        if resource is None:
            return ANY
        if resource.operation and resource.operation != "lambda:invoke" and reads_answer(state, self.text):
            from .answers import answer_of  # reads the model of an API

            return answer_of(resource)
        if resource.pattern:
            return ANY
        if resource.kind == "function":
            return self.results.get(state.path, ANY)
        if resource.operation == "lambda:invoke":
            payload = self.results.get(state.path, ANY)
            return ObjectShape({**_ANSWER_OF_LAMBDA, "Payload": Member(payload)}, True, Source("the answer of Lambda"))
        return ANY

    def route_without(self, text: str, name: str) -> tuple[str, str, str] | None:
        match = re.match(r"\$[\w.]+", text)
        state = self.current
        place = place_of(match[0], state.language) if match and state is not None else None
        if place is None or state is None or name not in (place[0], *place[1]):
            return None
        variable, keys = place
        keys = keys[: keys.index(name) + 1] if name in keys else keys

        def missing(known: Known) -> Missing | None:
            return look(known.variables, (variable, *keys))[1] if variable else look(known.document, keys)[1]

        seen: set[Node] = set()
        while state not in seen:
            seen.add(state)
            ways = [
                (source, wrong) for source, known in self.arrivals.get(state, {}).items() if (wrong := missing(known))
            ]
            never = [source for source, wrong in ways if not wrong.sometimes]
            source = never[0] if never else ways[0][0] if ways else None
            if source is None:
                return None
            if never or not missing(self.before[source]):
                between = f"add a Pass between {source.name!r} and {state.name!r} that sets it"
                hint = between if source.type in ("Choice", "Wait") else f"let state {source.name!r} set it"
                return source.name, state.name, hint
            state = source
        return None

    def check_replaced(
        self, state: Node, document: Shape, keys: tuple[str | int, ...], result: Shape, assigned: Shape
    ) -> None:
        """Report a result that takes the place of a value of another kind."""
        for path, message in replaced_kinds(state, document, keys, result, self.variables, assigned):
            if self.findings is not None:
                is_output = path[-1] == "ResultPath" and state.language == "JSONata" and not self.findings.python
                path = (*state.path, "Output") if is_output else path
                what = "variable" if "Assign" in path else "field"
                own = f"give the result a {what} of its own"
                hint = self.findings.either(own, f"{own}, with another into=…")
                self.findings.warning("FD807", message, path, hint=hint)

    def check_arguments(self, state: Node, key: str, shape: Shape) -> None:
        """Report arguments of a service that are of another kind than its API takes."""
        text = state.fields.get("Resource")
        resource = parse_resource(text) if isinstance(text, str) and key in state.fields else None
        if self.findings is None or resource is None or resource.kind not in ("integration", "sdk"):
            return
        from .arguments import wrong_arguments  # few values of arguments are of a known kind

        for wrong in wrong_arguments(resource, state.fields[key], shape, (*state.path, key), state.language):
            self.report_kind(wrong.message, wrong.path)

    def send(self, state: Node, arguments: Shape, key: str) -> None:
        """Check the event of a Task's function; `key` is the field with the arguments, if there is one."""
        handlers = self.events.get(state.path, ())
        if self.findings is None or all(each.event == ANY for each in handlers):
            return
        resource = parse_resource(str(state.fields.get("Resource")))
        event: Shape = arguments
        path: AslPath = (*state.path, key) if key else state.path
        if resource.operation == "lambda:invoke":
            payload = payload_of(arguments)
            if payload is None:
                return
            event, path = payload.shape, (*path, "Payload")
        seen: set[str] = set()
        for name, wanted, reads in handlers:
            for wrong in misfits(event, wanted):
                if wrong.message not in seen:
                    seen.add(wrong.message)
                    keys = wrong.keys[: wrong.keys.index("[]")] if "[]" in wrong.keys else wrong.keys
                    message = f"the handler of {name!r} cannot take this event: {wrong.message}"
                    needle = keys[-1] if keys else None
                    # An annotation may ask for more than is read; what is read and missing is a KeyError.
                    fails = wrong.lacks and is_read(reads(), wrong.lacks)
                    report = self.findings.failure if fails else self.findings.warning
                    report("FD806", message, (*path, *keys), hint=wrong.hint, needle=needle)

    # Choice.

    def choice(self, state: Node, selected: Shape) -> Iterator[Route]:
        tests = list(tests_of(state))
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
            self.may_be_skipped = at != (*state.path, "Choices", 0)
            value = self.read(after, variable, (*at, "Variable"))
            for name, operand in rule.items():
                other = self.read(after, operand, (*at, name)) if name.endswith("Path") else None
                check_comparison(value, variable, name, operand, other, (*at, name), self.findings)
        self.may_be_skipped = False
        formulas = formulas_of(state.fields, "JSONPath")
        left = Values(selected, self.variables)
        check_presence(state, formulas, left, self.findings)
        for index, rule in enumerate(dicts(state.fields.get("Choices"))):
            here, left = split(left, formulas[index], rule, "JSONPath")
            if isinstance(rule.get("Next"), str):
                output = self.select(state.fields, "OutputPath", here.document, state.path)
                assigned = self.assign(rule, here.document, (*state.path, "Choices", index))
                yield Route(rule["Next"], output, assigned, here.variables)
        if isinstance(state.fields.get("Default"), str):
            output = self.select(state.fields, "OutputPath", left.document, state.path)
            assigned = self.assign(state.fields, left.document, state.path)
            yield Route(state.fields["Default"], output, assigned, left.variables)

    # JSONata.

    def jsonata(self, state: Node, document: Shape, depth: int) -> Iterator[Route]:
        fields, path = state.fields, state.path
        known: dict[str, Shape] = {"input": document, "context": context_of(self.item)}
        values = {
            key: self.expression(fields[key], known, (*path, key), NOWHERE)
            for key in fields
            if key not in _READ_ELSEWHERE
        }
        for key, shape in values.items():
            if key in FIELDS and is_expression(fields[key]):
                self.check_kind(key, shape, (*path, key))
        if state.type == "Choice":
            rules = dicts(fields.get("Choices"))
            for rule in rules:
                for keys in asked_for(rule.get("Condition")):
                    document = allow(document, keys)
            formulas = formulas_of(fields, "JSONata")
            left, before = Values(known["input"], self.variables), self.variables
            check_presence(state, formulas, left, self.findings)
            known["input"] = document
            for index, rule in enumerate(rules):
                at = (*path, "Choices", index, "Condition")
                self.may_be_skipped = index > 0
                condition = self.expression(rule.get("Condition"), known, at, NOWHERE)
                if is_expression(rule.get("Condition")) and (wrong := misfit(condition, "boolean")):
                    self.report_kind(f"a condition must be {wrong}", at)
                self.may_be_skipped = False
                here, left = split(left, formulas[index], rule, "JSONata")
                if isinstance(rule.get("Next"), str):
                    self.variables = here.variables
                    inside = {**known, "input": here.document}
                    output, assigned = self.output(rule, inside, here.document, (*path, "Choices", index), state)
                    self.variables = before
                    yield Route(rule["Next"], output, assigned, here.variables)
            if isinstance(fields.get("Default"), str):
                self.variables = left.variables
                inside = {**known, "input": left.document}
                output, assigned = self.output(fields, inside, left.document, path, state)
                self.variables = before
                yield Route(fields["Default"], output, assigned, left.variables)
            return
        result = document
        if state.type == "Task":
            self.send(state, values.get("Arguments", document), "Arguments" if "Arguments" in fields else "")
            self.check_arguments(state, "Arguments", values.get("Arguments", ANY))
            result = self.call(state)
        elif state.type == "Parallel":
            result = self.result(state, document, values.get("Arguments", document), depth)
        elif state.type == "Map":
            result = self.map_items(state, values.get("Items", document), document, depth)
        after = {**known, "result": result}
        if result == ANY and state.type == "Task" and "Arguments" in fields:
            result = unknown_result(state, document, fields["Arguments"], self.placed)
        output, assigned = self.output(fields, after, result, path, state)
        self.check_replaced(state, ANY, (), ANY, assigned)
        merging = isinstance(text := fields.get("Output"), str) and text.startswith(MERGING)
        if merging and isinstance(output, ObjectShape):
            for name, member in output.fields.items():
                if member.shape is not look(document, (name,))[0]:
                    self.check_replaced(state, document, (name,), member.shape, ANY)
        yield from self.onward(state, output, assigned)
        for index, catcher in enumerate(dicts(fields.get("Catch"))):
            if isinstance(catcher.get("Next"), str):
                error = caught_error(state)
                caught = {**known, "errorOutput": error}
                yield Route(catcher["Next"], *self.output(catcher, caught, error, (*path, "Catch", index), state))

    def output(
        self, fields: Mapping[str, Any], known: Mapping[str, Shape], default: Shape, path: AslPath, state: Node
    ) -> tuple[Shape, Shape]:
        """Return the output and the variables of Output and Assign."""
        assigned: Shape = ANY
        if isinstance(fields.get("Assign"), dict):
            assigned = self.expression(fields["Assign"], known, (*path, "Assign"), NOWHERE)
        if "Output" not in fields:
            return default, assigned
        source = Source(f"the Output of {state.name!r}")
        return self.expression(fields["Output"], known, (*path, "Output"), source), assigned


_ANSWER_OF_LAMBDA: Final = {
    "Payload": MAYBE,
    "StatusCode": Member(NUMBER),
    **dict.fromkeys(("ExecutedVersion", "FunctionError", "LogResult", "SdkHttpMetadata", "SdkResponseMetadata"), MAYBE),
}
_READ_ELSEWHERE: Final = frozenset(
    {
        *("Assign", "Output", "Choices", "Retry", "Catch", "Branches"),
        *("ItemProcessor", "Iterator", "ItemReader", "ItemSelector", "ItemBatcher", "ResultWriter"),
    }
)
"""The fields of a JSONata state whose expressions are read with more than the input, or inside of it."""


RULES = (
    Rule(
        check_dataflow,
        (
            Code("FD801", "error or warning", "Reading what no route produces"),
            Code("FD802", "warning", "Reading what only some routes produce"),
            Code("FD803", "warning", "A comparison that is never true"),
            Code("FD804", "warning", "Reading what a Catch has replaced"),
            Code("FD805", "error or warning", "A value of the wrong kind"),
            Code("FD807", "warning", "A result that replaces a value of another kind"),
            Code("FD808", "warning", "Reading what an unknown result has replaced"),
            Code("FD806", "error or warning", "An event that the handler does not take"),
        ),
    ),
)
