"""What a handler without annotations reads of its event and returns, as far as its text tells for certain.

Read like annotations, without importing: what is computed elsewhere, changed in place or passed on is unknown.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Final

from .events import READS
from .shapes import (
    ANY,
    BOOLEAN,
    NULL,
    NUMBER,
    STRING,
    ArrayShape,
    Member,
    ObjectShape,
    ScalarShape,
    Shape,
    merged,
    of_value,
)

MAX_DEPTH: Final = 12
PASSING: Final = frozenset({"inject_lambda_context", "capture_lambda_handler", "log_metrics"})
"""Decorators of Powertools for AWS Lambda that hand event and result on as they are."""
_CALLS: Final[Mapping[str, Shape]] = {
    **dict.fromkeys(("str", "repr"), STRING),
    **dict.fromkeys(("len", "int", "float", "round", "abs"), NUMBER),
    **dict.fromkeys(("bool", "any", "all", "isinstance"), BOOLEAN),
    **dict.fromkeys(("list", "sorted"), ArrayShape(ANY)),
}
_TEXT_METHODS: Final = frozenset({"isoformat", "strftime", "hexdigest", "format", "upper", "lower"})
_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)


def is_readable(handler: ast.FunctionDef) -> bool:
    """True if what the function reads and returns is what Lambda hands over and gets."""
    names = {_last(each) for each in handler.decorator_list}
    return names <= PASSING and not any(isinstance(node, ast.Yield | ast.YieldFrom) for node in _own_nodes(handler))


def _last(node: ast.expr) -> str:
    node = node.func if isinstance(node, ast.Call) else node
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _walk(body: list[ast.stmt]) -> Iterator[ast.AST]:
    """The nodes of a function's own code, without those of functions inside it."""
    todo: list[ast.AST] = [*body]
    while todo:
        node = todo.pop()
        yield node
        if not isinstance(node, _SCOPES):
            todo += ast.iter_child_nodes(node)


@lru_cache(100)  # asked for several times for each handler
def _own_nodes(handler: ast.FunctionDef) -> tuple[ast.AST, ...]:
    return tuple(_walk(handler.body))


# What it returns


def result_of(handler: ast.FunctionDef, module: set[str], source: str) -> Shape:
    """The shape of what the handler returns. `module` are the names that its file defines, `source` is for messages."""
    returns = [node for node in _own_nodes(handler) if isinstance(node, ast.Return)]
    if not returns:
        return ANY if isinstance(handler.body[-1], ast.Raise | ast.While | ast.Expr) else NULL
    values = _Values(handler, module, source)
    shapes = [NULL if each.value is None else values.of(each.value) for each in returns]
    return _any_of(shapes, source)


def _any_of(shapes: list[Shape], source: str) -> Shape:
    """One of several results: a field that only some have may be there, for the text does not tell when."""
    objects = [each for each in shapes if isinstance(each, ObjectShape)]
    if ANY in shapes:
        return ANY
    if len(objects) != len(shapes) or len(objects) < 2:
        return merged(tuple(shapes))
    fields: dict[str, Member] = {}
    for name in dict.fromkeys(name for each in objects for name in each.fields):
        members = [each.fields[name] for each in objects if name in each.fields]
        is_always = len(members) == len(objects) and all(each.always for each in members)
        fields[name] = Member(merged(tuple(each.shape for each in members)), is_always)
    return ObjectShape(fields, all(each.closed for each in objects), source)


class _Values:
    """The shapes of expressions in a function."""

    def __init__(self, handler: ast.FunctionDef, module: set[str], source: str) -> None:
        self.source = source
        self.assigned: dict[str, list[ast.expr] | None] = {}
        """The values of names; None if a name gets one otherwise than by `name = value`, or its value is changed."""
        arguments = handler.args
        parameters = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg]
        self.assigned.update({each.arg: None for each in parameters if each})
        plain: set[ast.AST] = set()
        nodes = _own_nodes(handler)
        for node in nodes:
            if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
                plain.add(node.targets[0])
                values = self.assigned.setdefault(node.targets[0].id, [])
                if values is not None:
                    values.append(node.value)
        for node in nodes:
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store | ast.Del) and node not in plain:
                self.assigned[node.id] = None
            elif isinstance(node, ast.Global | ast.Nonlocal):
                self.assigned.update(dict.fromkeys(node.names))
        self.own = module | {*self.assigned}
        only_read = {node.value for node in nodes if isinstance(node, ast.Return | ast.Subscript) and _is_read(node)}
        for node in ast.walk(handler):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node not in only_read:
                values = self.assigned.get(node.id)
                if values and any(isinstance(each, ast.Dict | ast.List) for each in values):
                    self.assigned[node.id] = None

    def of(self, node: ast.expr, depth: int = 0) -> Shape:
        if depth > MAX_DEPTH:
            return ANY
        match node:
            case ast.Constant(value=str() | bool() | int() | float() | None as value):
                return of_value(value)
            case ast.JoinedStr():
                return STRING
            case ast.Dict():
                return self.dict(node, depth)
            case ast.List() | ast.Tuple():
                if any(isinstance(each, ast.Starred) for each in node.elts):
                    return ArrayShape(ANY)
                items = tuple(self.of(each, depth + 1) for each in node.elts)
                return ArrayShape(merged(items), items)
            case ast.ListComp():
                return ArrayShape(ANY)
            case ast.Compare() | ast.UnaryOp(op=ast.Not()):
                return BOOLEAN
            case ast.IfExp():
                return _any_of([self.of(node.body, depth + 1), self.of(node.orelse, depth + 1)], self.source)
            case ast.BinOp():
                sides = [self.of(each, depth + 1) for each in (node.left, node.right)]
                kinds = {each.kind if isinstance(each, ScalarShape) else "" for each in sides}
                return NUMBER if kinds == {"number"} else STRING if kinds == {"string"} else ANY
            case ast.Call(func=ast.Name(id=name)) if name not in self.own:
                is_sum = name == "sum" and len(node.args) == 1 and not node.keywords
                return NUMBER if is_sum else _CALLS.get(name, ANY)
            case ast.Call(func=ast.Attribute(attr=name)) if name in _TEXT_METHODS:
                return STRING
            case ast.Name(id=name):
                values = self.assigned.get(name)
                return _any_of([self.of(each, depth + 1) for each in values], self.source) if values else ANY
        return ANY

    def dict(self, node: ast.Dict, depth: int) -> Shape:
        fields: dict[str, Member] = {}
        for key, value in zip(node.keys, node.values, strict=True):
            if not isinstance(key, ast.Constant) or not isinstance(key.value, str):
                return ANY  # `**other`, or a key that is computed
            fields[key.value] = Member(self.of(value, depth + 1))
        return ObjectShape(fields, True, self.source)


def _is_read(node: ast.Return | ast.Subscript) -> bool:
    return isinstance(node, ast.Return) or isinstance(node.ctx, ast.Load)


# What it reads


def event_of(handler: ast.FunctionDef) -> Shape:
    """The keys that the handler reads of its event in every run that succeeds, as an object that may have others."""
    arguments = [*handler.args.posonlyargs, *handler.args.args]
    if not arguments:
        return ANY
    reader = _Reader(arguments[0].arg)
    reader.body(handler.body)
    for node in ast.walk(handler) if reader.read else ():
        reader.forget(node)
    return reader.shape()


class _Reader:
    def __init__(self, event: str) -> None:
        self.names: dict[str, tuple[str, ...]] = {event: ()}
        """Names of the event and of parts of it, with the keys that lead there."""
        self.read: dict[tuple[str, ...], None] = {}

    def body(self, statements: list[ast.stmt]) -> bool:
        """Collect what these statements read in any case; False if they may have returned."""
        for statement in statements:
            match statement:
                case ast.If(test=test) | ast.While(test=test):
                    self.expression(test)
                case ast.For(iter=value) | ast.Match(subject=value):
                    self.expression(value)
                case ast.With(items=items):
                    for item in items:
                        self.expression(item.context_expr)
                case ast.Try() | ast.FunctionDef() | ast.ClassDef() | ast.AsyncFunctionDef():
                    pass
                case ast.Assign(targets=[ast.Name(id=name)], value=value):
                    self.expression(value)
                    self.names.pop(name, None)
                    keys = self.keys(value)
                    if keys:
                        self.names[name] = keys
                case _:
                    for child in ast.iter_child_nodes(statement):
                        if isinstance(child, ast.expr):
                            self.expression(child)
            if isinstance(statement, ast.With) and not self.is_suppressing(statement) and not self.body(statement.body):
                return False
            nodes = [*_walk([statement])]
            if any(isinstance(each, ast.Return) for each in nodes):
                return False
            for node in nodes if not isinstance(statement, ast.Assign) else ():
                if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                    self.names.pop(node.id, None)
        return True

    def is_suppressing(self, statement: ast.With) -> bool:
        return any(_last(item.context_expr) in ("suppress", "raises") for item in statement.items)

    def keys(self, node: ast.AST) -> tuple[str, ...] | None:
        """The keys of `event["a"]["b"]`; None for anything else."""
        if isinstance(node, ast.Name):
            return self.names.get(node.id)
        if not isinstance(node, ast.Subscript):
            return None
        before = self.keys(node.value)
        key = node.slice
        if before is None or not isinstance(key, ast.Constant) or not isinstance(key.value, str):
            return None
        return (*before, key.value)

    def expression(self, node: ast.expr) -> None:
        keys = self.keys(node)
        if keys and isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load):
            self.read[keys] = None
        match node:
            case ast.Lambda():
                return
            case ast.BoolOp():
                self.expression(node.values[0])
            case ast.IfExp():
                self.expression(node.test)
            case ast.ListComp() | ast.SetComp() | ast.GeneratorExp() | ast.DictComp():
                self.expression(node.generators[0].iter)
            case _:
                for child in ast.walk(node) if isinstance(node, ast.JoinedStr) else ast.iter_child_nodes(node):
                    if isinstance(child, ast.keyword):
                        self.expression(child.value)
                    elif isinstance(child, ast.expr) and child is not node:
                        self.expression(child)

    def forget(self, node: ast.AST) -> None:
        """What is asked for, set or deleted somewhere need not be there."""
        name: object = None
        match node:
            case ast.Compare(left=ast.Constant(value=name), ops=[ast.In() | ast.NotIn()]):
                pass
            case ast.Subscript(slice=ast.Constant(value=name), ctx=ast.Store() | ast.Del()):
                pass
            case ast.Call(func=ast.Attribute(attr="get" | "setdefault" | "pop"), args=[ast.Constant(value=name), *_]):
                pass
        if name is not None:
            self.read = {keys: None for keys in self.read if name not in keys}

    def shape(self) -> Shape:
        return _object({*self.read}) if self.read else ANY


def _object(reads: set[tuple[str, ...]]) -> Shape:
    fields = {}
    for name in sorted({keys[0] for keys in reads}):
        inside = {keys[1:] for keys in reads if keys[0] == name and len(keys) > 1}
        fields[name] = Member(_object(inside) if inside else ANY)
    return ObjectShape(fields, False, READS)
