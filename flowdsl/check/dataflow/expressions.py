"""The shape of a JSONata expression's value, and the names that it reads but that do not exist.

JSONata maps a name over a list, and gives one item without its list: such a value is a sequence here, of which only the
items are known. What this module does not know, such as the result of most functions, has an unknown shape.

Source: docs.jsonata.org ("Predicate Queries", "Processing Model", "Transform").
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final, TypeAlias

from ...base.named import NamedTuple
from ...base.record import Record, evolve
from ...expr.jsonata.tree import Node, steps, walk
from ..conditions import Atom, formula_of_condition, parts_of
from .kinds import (
    ARITHMETIC,
    ORDER,
    RESULTS,
    TAKES,
    misfit,
    misfit_sometimes,
    never_among,
    never_equal,
    operand_problem,
    operand_problem_sometimes,
)
from .narrowing import Values, narrow_within, place_within
from .shapes import (
    ANY,
    BOOLEAN,
    NOWHERE,
    NULL,
    NUMBER,
    STRING,
    ArrayShape,
    Member,
    Missing,
    ObjectShape,
    ScalarShape,
    Shape,
    Source,
    UnionShape,
    UnknownShape,
    item_of_many,
    look,
    merge,
    merged,
    one_or_many,
)

MAX_DEPTH: Final = 60
"""The greatest depth of an expression; deeper parts are unknown."""
MOST_TEXT: Final = 80
"""How many characters of an expression a message has."""
_ASKING: Final = frozenset({"exists", "type", "lookup", "keys", "spread", "boolean"})
"""Functions that may test whether a value exists."""

Report: TypeAlias = Callable[[Missing, str], None]


class Complaint(NamedTuple):
    """What is wrong in an expression; `needle` is a name or a constant of the part that it is about."""

    code: str
    message: str
    needle: str | float | None
    hint: str | None = None
    is_sure: bool = True
    """True if it is so on every route."""


Complain: TypeAlias = Callable[[Complaint], None]


class Value(NamedTuple):
    """The value of a part of an expression.

    A sequence has none, one or several values of the shape. A value that is not `sure` may be undefined.
    """

    shape: Shape
    is_sequence: bool = False
    sure: bool = True


UNKNOWN: Final = Value(ANY, sure=False)
Scope: TypeAlias = dict[str, Value]
"""The variables that the expression can read, `states` among them."""


def asked_parts(root: Node, text: str) -> list[str]:
    """Return the parts of an expression that it tests whether they exist, as text without spaces."""
    asked: list[str] = []
    bound: dict[str, str] = {}

    def source(node: Node) -> str:
        return "".join(text[node.start : node.end].split())

    for node in walk(root):
        if node.kind == "bind":
            bound[f"${node.value}"] = source(node.parts[0])
        elif node.kind in ("call", "partial") and node.parts[0].value in _ASKING:
            asked.extend(map(source, node.parts[1:2]))
        elif node.kind == "condition" and node.parts[0].kind in ("path", "variable", "name", "filter"):
            asked.append(source(node.parts[0]))
    return asked + [bound[each] for each in asked if each in bound]


def is_asked(part: str, asked: Iterable[str]) -> bool:
    """Return True if a part of an expression, or what leads to it, is one of those that are asked for."""
    part = "".join(part.split())
    return any(
        part == each or part.startswith((f"{each}.", f"{each}[")) or each.startswith((f"{part}.", f"{part}["))
        for each in asked
    )


def asked_paths(root: Node) -> Iterator[tuple[str, ...]]:
    """Yield the paths below `$states` that an expression asks for, such as ("input", "coupon") of `$exists(…)`."""
    for node in walk(root):
        if node.kind == "call" and node.parts[0].value in _ASKING:
            asked = steps(node.parts[1]) if len(node.parts) > 1 else []
            if len(asked) > 1 and asked[0].kind == "variable" and asked[0].value == "states":
                yield tuple(each.value for each in asked[1:] if each.kind in ("name", "string"))


def take_step(value: Value, name: str) -> tuple[Value, Missing | None]:
    """Return the field `name` of a value, or of each item of a list, and the field if it may be missing."""
    shape, is_sequence = value.shape, value.is_sequence
    while isinstance(shape, ArrayShape):
        shape, is_sequence = shape.item, True
    if isinstance(shape, UnionShape):
        steps = [take_step(Value(each, is_sequence, value.sure), name) for each in shape.ways if each != NULL]
        wrong = [missing for _, missing in steps if missing is not None]
        present = [each for each, missing in steps if missing is None or missing.sometimes]
        if not present:
            return UNKNOWN, wrong[0] if wrong else None
        result = Value(
            merged(tuple(each.shape for each in present)),
            any(each.is_sequence for each in present),
            not wrong and len(steps) == len(shape.ways) and all(each.sure for each in present),
        )
        return result, wrong[0]._replace(sometimes=True) if wrong else None
    if isinstance(shape, UnknownShape):
        return Value(ANY, is_sequence, False), None
    inner, missing = look(shape, (name,))
    member = shape.fields.get(name) if isinstance(shape, ObjectShape) else None
    return Value(inner, is_sequence, value.sure and member is not None and member.always), missing


def as_shape(value: Value) -> Shape:
    """Return the shape of a value outside the expression: a sequence may be a list or a single item."""
    return one_or_many(value.shape) if value.is_sequence else value.shape


class Evaluator(Record):
    """Evaluates one expression in shapes. `source` names the objects that it makes in messages."""

    text: str
    source: Source
    variable: Callable[[str], Value]
    report: Report
    complain: Complain = lambda complaint: None

    def value(self, node: Node, scope: Scope, context: Value = UNKNOWN, depth: int = 0) -> Value:
        """Return the value of a node; `context` is what a bare name is read from."""
        if depth > MAX_DEPTH:
            return UNKNOWN
        depth += 1
        match node.kind:
            case "string":
                return Value(ScalarShape("string", frozenset({node.value})))
            case "number":
                return Value(ScalarShape("number", _number(self.text[node.start : node.end])))
            case "value":
                return Value(ScalarShape("null" if node.value == "null" else "boolean"))
            case "variable" if node.value in ("", "$"):
                return context if not node.value else UNKNOWN
            case "variable":
                return scope[node.value] if node.value in scope else self.variable(node.value)
            case "name":
                return self.read(context, node.value, node)
            case "path":
                return self.path(node, scope, context, depth)
            case "filter":
                return self.filtered(node, self.value(node.parts[0], scope, context, depth), scope, depth)
            case "keep":
                return Value(ArrayShape(_item(self.value(node.parts[0], scope, context, depth))))
            case "sort":
                items = _item(self.value(node.parts[0], scope, context, depth))
                self.values(node.parts[1:], scope, Value(items), depth)
                return Value(items, True, False)
            case "array":
                parts = self.values(node.parts, scope, context, depth)
                kept = zip(node.parts, parts, strict=True)
                items = merged(tuple(part.shape if each.kind == "array" else _item(part) for each, part in kept))
                is_fixed = all(
                    part.sure and not part.is_sequence and isinstance(part.shape, ObjectShape | ScalarShape)
                    for part in parts
                )
                return Value(ArrayShape(items, tuple(part.shape for part in parts) if is_fixed else None))
            case "object":
                return self.object(node, scope, context, depth)
            case "block":
                inside = dict(scope)
                return (self.values(node.parts, inside, context, depth) or [UNKNOWN])[-1]
            case "bind":
                scope[node.value] = self.value(node.parts[0], scope, context, depth)
                return scope[node.value]
            case "focus" | "index":
                scope[node.value] = UNKNOWN
                return self.value(node.parts[0], scope, context, depth)
            case "condition":
                test, *sides = node.parts
                self.value(test, scope, context, depth)
                ways = [
                    self.value_if(test, holds, side, scope, context, depth)
                    for side, holds in zip(sides, (True, False), strict=False)
                ]
                if len(ways) < 2:
                    return UNKNOWN
                return Value(merge(as_shape(ways[0]), as_shape(ways[1])), sure=all(way.sure for way in ways))
            case "call":
                return self.call(node, [], scope, context, depth)
            case "lambda":
                self.value(node.parts[0], {**scope, **dict.fromkeys(node.parameters, UNKNOWN)}, UNKNOWN, depth)
            case "binary" if node.value == "~>":
                return self.applied(node, scope, context, depth)
            case "binary" | "unary":
                return self.operation(node, scope, context, depth)
            case "transform" | "group":
                pass  # Their names are read from values that are known elsewhere.
            case _:
                self.values(node.parts, scope, context, depth)
        return UNKNOWN

    def values(self, nodes: Iterable[Node], scope: Scope, context: Value, depth: int) -> list[Value]:
        return [self.value(node, scope, context, depth) for node in nodes]

    def value_if(self, test: Node, holds: bool, node: Node, scope: Scope, context: Value, depth: int) -> Value:
        """Return the value of a node that is read only if a test holds, or only if it does not."""
        formula = formula_of_condition(test, self.text)
        places = [place_within(each.subject) for each in parts_of(formula) if isinstance(each, Atom)]
        names = {place[0] for place in places if place is not None}
        known = {name: scope[name] if name in scope else self.variable(name) for name in names if name}
        single = {name: Member(value.shape) for name, value in known.items() if not value.is_sequence}
        left = narrow_within(Values(context.shape, ObjectShape(single, False)), formula, holds)
        if not context.is_sequence:
            context = context._replace(shape=left.document)
        if not isinstance(left.variables, ObjectShape):
            return self.value(node, scope, context, depth)
        inside = {name: known[name]._replace(shape=left.variables.fields[name].shape) for name in single}
        outside = {name: scope.pop(name, None) for name in inside}
        scope.update(inside)
        result = self.value(node, scope, context, depth)
        for name, value in outside.items():
            if scope.get(name) is not inside[name]:  # The node binds it.
                continue
            del scope[name]
            if value is not None:
                scope[name] = value
        return result

    def operation(self, node: Node, scope: Scope, context: Value, depth: int) -> Value:
        """Return the value of an operator, and report operands that it cannot have."""
        operator = node.value
        if operator in ("and", "or"):
            left_part, right_part = node.parts
            self.value(left_part, scope, context, depth)
            self.value_if(left_part, operator == "and", right_part, scope, context, depth)
            return Value(BOOLEAN)
        values = self.values(node.parts, scope, context, depth)
        sure = all(each.sure for each in values)
        if len(values) == 2 and not any(each.is_sequence for each in values):
            left, right = (each.shape for each in values)
            if operator in ("=", "!=") and (never := never_equal(left, right)):
                always = "never" if operator == "=" else "always"
                message = f"{self.excerpt(node)} is {always} true: {never[0]}"
                self.complain(Complaint("FD803", message, self.needle(node), never[1]))
            elif operator == "in" and (never := never_among(left, right)):
                message = f"{self.excerpt(node)} is never true: {never[0]}"
                self.complain(Complaint("FD803", message, self.needle(node), never[1]))
            elif problem := operand_problem(operator, left, right):
                self.complain(Complaint("FD805", f"{self.excerpt(node)}: {problem}", self.needle(node)))
            elif problem := operand_problem_sometimes(operator, left, right):
                message = f"{self.excerpt(node)}: {problem}"
                self.complain(Complaint("FD805", message, self.needle(node), is_sure=False))
        if operator in ARITHMETIC:
            return Value(NUMBER, sure=sure)
        if operator == "&":
            return Value(STRING)
        if operator in ORDER or operator in ("=", "!=", "in"):
            return Value(BOOLEAN, sure=operator not in ORDER or sure)
        return UNKNOWN

    def needle(self, node: Node) -> str | float | None:
        """The constant in a part, or else its last name: what leads to its line in the author's file."""
        parts = [*walk(node)]
        for each in parts:
            if each.kind == "string":
                return each.value
            if each.kind == "number" and (values := _number(self.text[each.start : each.end])):
                return next(iter(values))
        names = [each.value for each in parts if each.kind == "name"]
        return names[-1] if names else None

    def excerpt(self, node: Node) -> str:
        text = self.text[node.start : node.end]
        return text if len(text) <= MOST_TEXT else text[: MOST_TEXT - 1] + "…"

    def read(self, base: Value, name: str, node: Node) -> Value:
        """Read a name; report it with the text of the node if it does not exist."""
        value, missing = take_step(base, name)
        if missing is not None:
            self.report(missing, self.excerpt(node))
        return value

    def path(self, node: Node, scope: Scope, context: Value, depth: int) -> Value:
        first, *rest = steps(node)
        value = (
            self.read(context, first.value, first)
            if first.kind == "string"
            else self.value(first, scope, context, depth)
        )
        for each in rest:
            value = self.next_step(each, value, node, scope, depth)
        return value

    def next_step(self, node: Node, base: Value, whole: Node, scope: Scope, depth: int) -> Value:
        """Return the value of a step after `base`: of each of its items, if it is a list."""
        if node.kind in ("name", "string"):
            return self.read(base, node.value, evolve(whole, end=node.end))
        if node.kind in ("filter", "keep") and depth < MAX_DEPTH:
            inner = self.next_step(node.parts[0], base, whole, scope, depth + 1)
            return (
                self.filtered(node, inner, scope, depth) if node.kind == "filter" else Value(ArrayShape(_item(inner)))
            )
        many = base.is_sequence or isinstance(base.shape, ArrayShape)
        value = self.value(node, scope, Value(_item(base), sure=base.sure), depth)
        return Value(_item(value), True, False) if many else value._replace(sure=value.sure and base.sure)

    def filtered(self, node: Node, base: Value, scope: Scope, depth: int) -> Value:
        """Return the values that a predicate or an index selects."""
        condition, item = node.parts[1], _item(base)
        self.value(condition, scope, Value(item), depth)
        number = condition.parts[0] if condition.kind == "unary" else condition
        if number.kind != "number":
            formula = formula_of_condition(condition, self.text)
            kept = narrow_within(Values(item, ObjectShape({}, False)), formula, True)
            return Value(kept.document, True, False)
        index = _number(self.text[number.start : number.end])
        if isinstance(base.shape, ArrayShape) and base.shape.items is not None and not base.is_sequence and index:
            at = int(next(iter(index)))
            shape, missing = look(base.shape, (-at if condition.kind == "unary" else at,))
            if missing is not None:
                self.report(missing, self.excerpt(node))
            return Value(shape, False, base.sure and missing is None)
        return Value(item, base.is_sequence, base.sure and isinstance(base.shape, ObjectShape | ScalarShape))

    def object(self, node: Node, scope: Scope, context: Value, depth: int) -> Value:
        fields: dict[str, Member] = {}
        is_closed = True
        for key, each in zip(node.parts[::2], node.parts[1::2], strict=True):
            value = self.value(each, scope, context, depth)
            if key.kind == "string":
                fields[key.value] = Member(as_shape(value), value.sure)
            else:
                self.value(key, scope, context, depth)
                is_closed = False
        return Value(ObjectShape(fields, is_closed, self.source))

    # Functions.

    def call(self, node: Node, before: list[Value], scope: Scope, context: Value, depth: int) -> Value:
        """Return the result of a call; `before` are arguments that `~>` puts before its own."""
        function, *arguments = node.parts
        name = function.value if function.kind == "variable" and function.value not in scope else ""
        if name == "merge" and not before and len(arguments) == 1 and arguments[0].kind == "array":
            return merge_fields(self.values(arguments[0].parts, scope, context, depth))
        values = before + self.values((each for each in arguments if each.kind != "lambda"), scope, context, depth)
        lambdas = [each for each in arguments if each.kind == "lambda"]
        item = _item(values[0]) if values else ANY
        knows_items = name in ("filter", "map", "sort", "single")
        result = UNKNOWN
        for each in lambdas:
            count = 2 if name == "sort" else int(knows_items)
            parameters = {
                parameter: Value(item) if at < count else UNKNOWN for at, parameter in enumerate(each.parameters)
            }
            result = self.value(each.parts[0], {**scope, **parameters}, UNKNOWN, depth)
        if name == "filter":
            return Value(self.kept(lambdas[0], item) if lambdas else item, True, False)
        if name == "map":
            return Value(as_shape(result), True, False)
        if name == "single":
            return Value(item)
        if name in ("sort", "reverse", "shuffle", "distinct"):
            return Value(ArrayShape(item), sure=False)
        if name == "append" and len(values) == 2:
            return Value(ArrayShape(merge(item, _item(values[1]))))
        if name == "lookup" and len(values) == 2 and not lambdas:
            return _looked_up(*values)
        self.check_arguments(name, node, values if not lambdas else values[:1])
        return Value(RESULTS[name], sure=False) if name in RESULTS else UNKNOWN

    def kept(self, test: Node, item: Shape) -> Shape:
        """Return the shape of the items for which a lambda holds."""
        if not test.parameters:
            return item
        variables = ObjectShape({test.parameters[0]: Member(item)}, False)
        left = narrow_within(Values(ANY, variables), formula_of_condition(test.parts[0], self.text), True).variables
        return left.fields[test.parameters[0]].shape if isinstance(left, ObjectShape) else item

    def check_arguments(self, name: str, node: Node, values: list[Value]) -> None:
        """Report arguments of the wrong kind of a function of JSONata."""
        for each, wanted in zip(values, TAKES.get(name, ()), strict=False):
            shape = _item(each) if each.is_sequence else each.shape
            if each.is_sequence and wanted in ("numbers", "texts"):  # A single value counts as a list.
                shape = ArrayShape(shape)
            if wrong := misfit(shape, wanted):
                self.complain(Complaint("FD805", f"{self.excerpt(node)}: ${name} takes {wrong}", self.needle(node)))
            elif wrong := misfit_sometimes(shape, wanted):
                message = f"{self.excerpt(node)}: ${name} takes {wrong}"
                self.complain(Complaint("FD805", message, self.needle(node), is_sure=False))

    def applied(self, node: Node, scope: Scope, context: Value, depth: int) -> Value:
        """Return the value of `left ~> right`, where right is a call or a transform."""
        left, right = node.parts
        value = self.value(left, scope, context, depth)
        if right.kind == "call":
            return self.call(right, [value], scope, context, depth)
        if right.kind == "transform":
            return self.transformed(right, value, scope, depth)
        self.value(right, scope, context, depth)
        return UNKNOWN

    def transformed(self, node: Node, value: Value, scope: Scope, depth: int) -> Value:
        """Return the value with the changes of `|place|update, delete|`."""
        place, update, *rest = node.parts
        target = self.value(place, scope, value, depth)
        item = Value(_item(target))
        change = self.value(update, scope, item, depth)
        self.values(rest, scope, item, depth)
        names = [each.value for each in steps(place)]
        if rest or value.is_sequence or any(each.kind not in ("name", "variable") for each in steps(place)):
            return UNKNOWN
        return value._replace(shape=_changed(value.shape, [name for name in names if name], change))


def _number(text: str) -> frozenset[float] | None:
    try:
        return frozenset({float(text)})
    except ValueError:
        return None


def merge_fields(values: Iterable[Value]) -> Value:
    """Return the object with the fields of all values: of the last one that has a field."""
    fields: dict[str, Member] = {}
    is_closed, source = True, NOWHERE
    for value in values:
        shape = as_shape(value)
        if not isinstance(shape, ObjectShape):
            fields, is_closed = {}, False  # It may have any field, also one of those before it.
            continue
        for name, member in shape.fields.items():
            old = fields.get(name)
            sure = member.always and value.sure
            if sure or old is None:
                fields[name] = member if value.sure else Member(member.shape, False, member.absent)
            else:
                fields[name] = Member(merge(old.shape, member.shape), old.always, old.absent)
        if not shape.closed:
            known: Mapping[str, Member] = shape.fields
            fields = {name: each if name in known else Member(ANY, each.always) for name, each in fields.items()}
        is_closed, source = is_closed and shape.closed, source or shape.source
    return Value(ObjectShape(fields, is_closed, source))


def _item(value: Value) -> Shape:
    """Return the shape of each item of a list or a sequence; a single value is its own item."""
    if isinstance(value.shape, ArrayShape):
        return value.shape.item
    many = item_of_many(value.shape) if isinstance(value.shape, UnionShape) else None
    return value.shape if many is None else many


def _looked_up(value: Value, key: Value) -> Value:
    """Return the field of an object whose name is a constant."""
    names = key.shape.values if isinstance(key.shape, ScalarShape) else None
    if names is None or len(names) != 1:
        return UNKNOWN
    return take_step(value, str(next(iter(names))))[0]._replace(sure=False)


def _changed(shape: Shape, names: list[str], change: Value) -> Shape:
    """Return the shape with the fields of `change` in the objects at a path of names."""
    if isinstance(shape, ArrayShape):
        return ArrayShape(_changed(shape.item, names, change))
    if not names:
        return merge_fields((Value(shape), change)).shape
    member = shape.fields.get(names[0]) if isinstance(shape, ObjectShape) else None
    if member is None or not isinstance(shape, ObjectShape):
        return shape
    inner = member._replace(shape=_changed(member.shape, names[1:], change))
    return shape._replace(fields={**shape.fields, names[0]: inner})
