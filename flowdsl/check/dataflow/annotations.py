"""The declarations of authors: the machine's input and the functions' results, as shapes.

A handler's annotations are read from its text: importing it would need what it depends on. attrs classes, dataclasses,
TypedDicts, enums of strings, Literal and lists are known; everything else is unknown.
"""

from __future__ import annotations

import ast
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache, partial
from itertools import chain
from pathlib import Path
from typing import Any

from ...author.functions import Function
from ...base.bindings import bindings_of
from ...base.diagnostics import AslPath
from ...base.named import NamedTuple
from ...base.reads import is_file
from ...base.record import Record, field
from ...base.unsaved import read_source, stamp
from .shapes import (
    ANY,
    BOOLEAN,
    FLOAT,
    NOWHERE,
    NULL,
    NUMBER,
    STRING,
    ArrayShape,
    Member,
    ObjectShape,
    ScalarShape,
    Shape,
    Source,
    kind_of,
    merged,
)

MAX_DEPTH = 12
_SCALARS = {"str": STRING, "int": NUMBER, "float": FLOAT, "bool": BOOLEAN, "None": NULL}
_LISTS = {"list", "List", "Sequence", "Iterable", "tuple", "Tuple"}
_MAPPINGS = {"dict", "Dict", "Mapping", "MutableMapping"}
_WRAPPERS = {"Annotated", "Required", "NotRequired", "Final", "ReadOnly"}
_DECORATORS = {"define", "frozen", "mutable", "s", "attrs", "dataclass", "dataclasses"}
_STRING_ENUMS = {"StrEnum"}
_PASSING = {"inject_lambda_context", "capture_lambda_handler", "log_metrics", "idempotent", "validator"}
"""Decorators of Powertools for AWS Lambda that hand event and result on as they are."""


class Taken(NamedTuple):
    """What the handler of a function takes as event: as it is declared, or else as it is read."""

    function: str
    event: Shape
    reads: Callable[[], Shape]
    """Returns what the handler reads in any case."""


class Data(Record):
    """The shape of the execution's input, and of the functions' results by the ASL path of the Task that calls them."""

    input: Shape = ANY
    results: Mapping[AslPath, Shape] = field(factory=dict)
    functions: Mapping[AslPath, tuple[Function, ...]] = field(factory=dict)
    """The functions that the Task at an ASL path may call."""
    events: Mapping[AslPath, tuple[Taken, ...]] = field(factory=dict)
    """What their handlers take."""
    root: Path | None = None
    """The folder below which the functions' sources are."""


def read_declarations(input: Any, callees: Mapping[AslPath, Iterable[Function]], root: Path) -> Data:
    """Read the machine's `input` type and the return annotations of the functions in `root`. Never raises.

    `callees` are the functions that the Task at an ASL path may call: its result is that of any of them.
    """
    results = {path: merged(tuple(_result(each, root) for each in functions)) for path, functions in callees.items()}
    functions = {path: tuple(each) for path, each in callees.items()}
    events = {path: tuple(_taken(one, root) for one in each) for path, each in functions.items()}
    return Data(_of_type(input), results, functions, events, root)


def _of_type(cls: Any) -> Shape:
    """Return the shape of a class in the flow's own file, read from its text like those of handlers."""
    module = sys.modules.get(getattr(cls, "__module__", ""))
    file = getattr(module, "__file__", None)
    if not isinstance(cls, type) or cls.__module__ == "builtins" or file is None:
        return _SCALARS.get(getattr(cls, "__name__", ""), ANY)
    own = _module(Path(file), Path(file).parent)
    return _named(cls.__name__, own, 0, _INPUT) if own else ANY


def _result(function: Function, root: Path) -> Shape:
    module, handler = _handler(function, root)
    if module is None or handler is None:
        return ANY
    source = Source(f"the result of {function.name}")
    if handler.returns and not _says_nothing(handler.returns):
        return _shape(handler.returns, module, 0, source)
    from .inferred import result_of

    return _inferred(partial(result_of, handler, module.bound, source), handler)


def _taken(function: Function, root: Path) -> Taken:
    """Return what the handler's first parameter is declared to be, as far as that is JSON: no class of the author's
    own, which Lambda would not make, but a TypedDict."""
    module, handler = _handler(function, root)
    arguments = [*handler.args.posonlyargs, *handler.args.args] if handler else []
    if module is None or handler is None or not arguments:
        return Taken(function.name, ANY, lambda: ANY)

    def read() -> Shape:
        from .inferred import event_of

        return _inferred(partial(event_of, handler, module.bound), handler)

    annotation = arguments[0].annotation
    is_declared = annotation is not None and not _says_nothing(annotation)
    event = _shape(annotation, module, 0, _EVENT) if annotation is not None and is_declared else read()
    return Taken(function.name, event, read)


def _inferred(infer: Callable[[], Shape], handler: ast.FunctionDef) -> Shape:
    from .inferred import is_readable

    try:
        return infer() if is_readable(handler) else ANY
    except RecursionError:  # Generated code may have a thousand branches in one.
        return ANY


def _says_nothing(annotation: ast.expr) -> bool:
    """True if the code itself tells more: `Any`, or a dict of unknown keys."""
    name = _last(annotation.value if isinstance(annotation, ast.Subscript) else annotation)
    return name in ("dict", "Dict", "Mapping", "MutableMapping", "Any", "object")


_INPUT = Source("the execution's input", "input")
_EVENT = Source("the event", "event")


def _handler(function: Function, root: Path) -> tuple[_Module | None, ast.FunctionDef | None]:
    name, _, attribute = function.handler.rpartition(".")
    module = _module(root.joinpath(function.source, *name.split(".")).with_suffix(".py"), root)
    if module is None or module.bound[attribute] != 1:
        return module, None  # It may be another one that Lambda calls.
    handler = module.functions.get(attribute)
    passes = handler is not None and all(_passes(each, module) for each in handler.decorator_list)
    return module, handler if passes else None


def _passes(decorator: ast.expr, module: _Module) -> bool:
    """True if a decorator hands event and result on as they are: one that returns the very type that it takes, by its
    annotations. A type that is no variable says nothing: any other function from a dict to a dict has it, too."""
    if _last(decorator) in _PASSING:
        return True
    if not isinstance(decorator, ast.Name):
        return False
    name, where = _imported(decorator.id, module) or (decorator.id, module)
    function = where.functions.get(name)
    takes = function.args.args[0].annotation if function and function.args.args else None
    returns = function.returns if function else None
    if function is None or takes is None or returns is None or ast.unparse(takes) != ast.unparse(returns):
        return False
    variables = {name for name, value in where.aliases.items() if _last(value) in ("TypeVar", "ParamSpec")}
    variables |= {each.name for each in getattr(function, "type_params", ())}  # from Python 3.12 on
    parts = [each for each in ast.walk(takes) if isinstance(each, ast.Name | ast.Constant)]
    return all(_last(each) in {*variables, "Callable"} for each in parts)


class _Module(Record, eq=False, frozen=False):
    """A Python file as text: its classes and functions, and the origin of its imported names."""

    path: Path
    root: Path
    classes: dict[str, ast.ClassDef] = field(factory=dict)
    functions: dict[str, ast.FunctionDef] = field(factory=dict)
    aliases: dict[str, ast.expr] = field(factory=dict)
    imports: dict[str, tuple[str, str]] = field(factory=dict)
    """Local name → (dotted module, name in it)."""
    bound: Counter[str] = field(factory=Counter)
    """How often the file gives a name a value."""


def _module(path: Path, root: Path) -> _Module | None:
    return _read_module(path, root, stamp(path))


@lru_cache(1000)
def _read_module(path: Path, root: Path, _stamp: object) -> _Module | None:
    try:
        tree = ast.parse(read_source(path))
    except (OSError, SyntaxError, ValueError, RecursionError):
        return None
    module = _Module(path, root, bound=bindings_of(tree))
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            module.classes[node.name] = node
        elif isinstance(node, ast.FunctionDef):
            module.functions[node.name] = node
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            module.aliases[node.targets[0].id] = node.value
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value:
            module.aliases[node.target.id] = node.value
        elif isinstance(node, ast.ImportFrom):
            source = _absolute(node, path, root)
            module.imports.update({alias.asname or alias.name: (source, alias.name) for alias in node.names})
    return module


def _absolute(node: ast.ImportFrom, path: Path, root: Path) -> str:
    if not node.level:
        return node.module or ""
    try:
        inside = path.parent.relative_to(root).parts
    except ValueError:
        return ""
    return ".".join([*inside[: len(inside) - node.level + 1], *((node.module or "").split("."))]).rstrip(".")


def _imported(name: str, module: _Module) -> tuple[str, _Module] | None:
    source, original = module.imports.get(name, ("", ""))
    if not source:
        return None
    base = module.root.joinpath(*source.split("."))
    for path in (base.with_suffix(".py"), base / "__init__.py"):
        if is_file(path):
            other = _module(path, module.root)
            return (original, other) if other else None
    return None


def _named(name: str, module: _Module, depth: int, source: Source) -> Shape:
    if name in _SCALARS:
        return _SCALARS[name]
    if name in _LISTS:
        return ArrayShape(ANY)
    if name in _MAPPINGS:
        return ObjectShape({}, False, source)
    if depth > MAX_DEPTH:
        return ANY
    if name in module.classes:
        return _class(module.classes[name], module, depth + 1, source)
    if name in module.aliases:
        return _shape(module.aliases[name], module, depth + 1, source)
    imported = _imported(name, module)
    return _named(*imported, depth + 1, source) if imported else ANY


def _shape(node: ast.expr, module: _Module, depth: int, source: Source) -> Shape:
    """Return the shape of an annotation."""
    if depth > MAX_DEPTH:
        return ANY
    if isinstance(node, ast.Name):
        return _named(node.id, module, depth, source)
    if isinstance(node, ast.Call) and _last(node) == "TypedDict":
        return _functional(node, module, depth + 1, source)
    if isinstance(node, ast.Constant):
        return NULL if node.value is None else _text(node.value, module, depth, source)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        return _alternatives(node, module, depth + 1, source)
    if isinstance(node, ast.Subscript):
        return _subscript(_last(node.value), node.slice, module, depth + 1, source)
    return ANY


def _alternatives(node: ast.expr, module: _Module, depth: int, source: Source) -> Shape:
    """Return the shape of `A | B`: objects that a Literal tells apart stay so, for conditions on it to choose one."""
    parts = [node]
    while isinstance(parts[0], ast.BinOp) and isinstance(parts[0].op, ast.BitOr):
        parts[:1] = [parts[0].left, parts[0].right]
    shapes = [_shape(each, module, depth, source) for each in parts]
    objects = [each for each in shapes if isinstance(each, ObjectShape)]
    if any(_are_told_apart(name, objects) for name in (objects[0].fields if len(objects) > 1 else ())):
        shapes = [
            each._replace(source=Source(f"{each.source} ({ast.unparse(part)})", each.source.kind))
            if isinstance(each, ObjectShape)
            else each
            for each, part in zip(shapes, parts, strict=True)
        ]
    return merged(tuple(shapes))


def _are_told_apart(name: str, objects: list[ObjectShape]) -> bool:
    """True if no two of the objects can have the same value in this field."""
    members = [each.fields.get(name) for each in objects]
    values = [
        each.shape.values or () for each in members if each and each.always and isinstance(each.shape, ScalarShape)
    ]
    return len(values) == len(objects) and all(values) and len({*chain(*values)}) == sum(map(len, values))


def _text(value: Any, module: _Module, depth: int, source: Source) -> Shape:
    """A forward reference."""
    if not isinstance(value, str):
        return ANY
    try:
        return _shape(ast.parse(value, mode="eval").body, module, depth + 1, source)
    except (SyntaxError, ValueError):
        return ANY


def _subscript(name: str, inside: ast.expr, module: _Module, depth: int, source: Source) -> Shape:
    parts = inside.elts if isinstance(inside, ast.Tuple) else [inside]
    if name in _LISTS:
        return ArrayShape(_shape(parts[0], module, depth, source))
    if name in _MAPPINGS and len(parts) == 2:
        return ObjectShape({}, False, source, _shape(parts[1], module, depth, source))
    if name in _WRAPPERS:
        return _shape(parts[0], module, depth, source)
    if name == "Literal":
        values = [part.value for part in parts if isinstance(part, ast.Constant)]
        kinds = {kind_of(value) for value in values}
        return ScalarShape(kinds.pop(), frozenset(values)) if len(kinds) == 1 and len(values) == len(parts) else ANY
    return ANY


def _last(node: ast.expr) -> str:
    """`Literal` of `typing.Literal`."""
    if isinstance(node, ast.Call):
        node = node.func
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _class(node: ast.ClassDef, module: _Module, depth: int, source: Source) -> Shape:
    bases = [_last(base) for base in node.bases]
    if _STRING_ENUMS & {*bases} or {"str", "Enum"} <= {*bases}:
        return _enum(node)
    is_typed_dict = "TypedDict" in bases
    if source.kind == "event" and not is_typed_dict and not any(base in module.classes for base in bases):
        return ANY
    decorated = _DECORATORS & {_last(each) for each in node.decorator_list}
    fields: dict[str, Member] = {}
    known = is_typed_dict or bool(decorated)
    for base in bases:
        inherited = ANY if base in ("TypedDict", "Generic", "Protocol") else _named(base, module, depth, source)
        if isinstance(inherited, ObjectShape):
            fields, known = {**fields, **inherited.fields}, True
        elif base not in ("TypedDict", "Generic"):
            return ANY
    if not known:
        return ANY
    total = _is_total(node.keywords)
    for statement in node.body:
        if not isinstance(statement, ast.AnnAssign) or not isinstance(statement.target, ast.Name):
            continue
        outer = _last(statement.annotation.value) if isinstance(statement.annotation, ast.Subscript) else ""
        if outer == "ClassVar" or _last(statement.annotation) == "ClassVar":
            continue
        may_be_left_out = statement.value is not None and source.kind == "input"
        name = statement.target.id
        fields[name] = _member(name, statement.annotation, total, module, depth, source, may_be_left_out)
    return ObjectShape(fields, True, source)


def _functional(node: ast.Call, module: _Module, depth: int, source: Source) -> Shape:
    """Return the shape of `TypedDict("Name", {…})`."""
    keys = node.args[1] if len(node.args) == 2 else None
    if not isinstance(keys, ast.Dict):
        return ANY
    total, fields = _is_total(node.keywords), dict[str, Member]()
    for key, value in zip(keys.keys, keys.values, strict=True):
        if not isinstance(key, ast.Constant) or not isinstance(key.value, str):
            return ANY
        fields[key.value] = _member(key.value, value, total, module, depth, source)
    return ObjectShape(fields, True, source)


def _is_total(keywords: list[ast.keyword]) -> bool:
    return not any(each.arg == "total" and ast.unparse(each.value) == "False" for each in keywords)


def _member(
    name: str,
    annotation: ast.expr,
    total: bool,
    module: _Module,
    depth: int,
    source: Source,
    may_be_left_out: bool = False,
) -> Member:
    """Return a field as its annotation and the `total` of its class have it."""
    around, inner = set[str](), annotation
    while isinstance(inner, ast.Subscript) and _last(inner.value) in _WRAPPERS:
        around.add(_last(inner.value))
        inner = inner.slice.elts[0] if isinstance(inner.slice, ast.Tuple) else inner.slice
    always = "NotRequired" not in around and (total or "Required" in around) and not may_be_left_out
    shape = _shape(annotation, module, depth, source.field(name))
    return Member(shape, always, NOWHERE if always or may_be_left_out else source)


def _enum(node: ast.ClassDef) -> Shape:
    values: list[str] = []
    for statement in node.body:
        if isinstance(statement, ast.Assign):
            value = statement.value
            if not isinstance(value, ast.Constant) or not isinstance(value.value, str):
                return STRING
            values.append(value.value)
    return ScalarShape("string", frozenset(values)) if values else STRING
