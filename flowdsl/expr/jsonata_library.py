"""jsonata-python, made to behave as the service does: JSONata 2.0.6, of which it is a port of a port.

Source: Step Functions Developer Guide, "Transforming data with JSONata in Step Functions"; the reference implementation
of that version. Importing this module imports the library, so it waits for the first expression that is compiled.
"""

from __future__ import annotations

import copy
import json
import math
import operator
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from jsonata import jexception, utils
from jsonata.functions import Functions
from jsonata.jsonata import Jsonata
from jsonata.parser import Parser

from .jsonata_builtins import corrected, text_of
from .jsonata_errors import MEMORY, STACK_OVERFLOW, TIMEOUT, JsonataSyntaxError, Thrown, Unsupported, thrown
from .jsonata_functions import FUNCTIONS, Function
from .jsonata_patterns import matched
from .jsonata_shortcuts import MAX_WHOLE, converting, remembering, whole
from .jsonata_signatures import MismatchError, fitted

Frame = Jsonata.Frame
JException = jexception.JException
Symbol = Parser.Symbol
TEMPLATES: Final = jexception.JException.error_codes
"""The library's texts of errors."""
NULL: Final = utils.Utils.NULL_VALUE
"""JSON's null, which the library tells from undefined, its None."""
MAX_DEPTH: Final = 100
"""How deep an evaluation may nest."""
MAX_SECONDS: Final = 5.0
"""How long one expression may run (real time, whatever the engine's clock says)."""
MAX_RANGE: Final = 873_782
"""Numbers that `[1..n]` may make: one more has been seen to exceed the memory of an expression."""
MAX_TEXT: Final = 8 * MAX_RANGE
"""Characters that `&` may join, if a number takes as much as eight: 2^22 have been seen to be kept, 2^23 not."""
TOO_LONG_A_RANGE: Final = 10_000_000
"""From here on the language itself refuses a range."""
HIGHER_ORDER: Final = frozenset(("each", "filter", "map", "sift", "single"))
ARITIES: Final = {"string": 1, "zip": 0}
"""How many arguments `$map` and its like give to a function; for the others, as many as its signature has."""

_LETTERS: Final = {bool: "b", str: "s", int: "n", float: "n", list: "a", dict: "o", type(NULL): "l", type(None): "m"}


def kind_of(value: Any) -> str:
    """The letter that stands for the kind of a value in a signature."""
    letter = _LETTERS.get(value.__class__)
    if letter is None:
        letter = "a" if isinstance(value, list) else "o" if isinstance(value, dict) else "f"
    return letter


def is_number(value: Any) -> bool:
    if kind_of(value) != "n" or value != value:
        return False
    if math.isinf(value):
        raise jexception.JException("D1001", 0, None)
    return True


@contextmanager
def current() -> Iterator[None]:
    """The library has one current expression in a thread; afterwards it is again that of whoever else uses it."""
    before = vars(Jsonata.CURRENT).get("jsonata")
    try:
        yield
    finally:
        if before is None:
            vars(Jsonata.CURRENT).pop("jsonata", None)
        else:
            Jsonata.CURRENT.jsonata = before


class Expression(Jsonata):  # type: ignore[misc] # the library has no types
    """The interpreter of one expression."""

    def run(self, frame: Any, millis: int) -> Any:
        """The value at this time, in milliseconds since 1970."""
        running = copy.copy(self)  # for another thread may evaluate it at another time
        running.timestamp = millis
        with current():
            Jsonata.CURRENT.jsonata = running
            return running.eval(running.ast, None, frame)

    def evaluate_binary(self, expr: Any, input: Any, environment: Any) -> Any:
        """What goes wrong inside `and` and `or` is said of them."""
        name = expr.value
        if name not in ("and", "or"):
            return super().evaluate_binary(expr, input, environment)
        first = self.eval(expr.lhs, input, environment)
        try:
            if self.boolize(first) is (name == "or"):
                return bool(name == "or")
            return self.boolize(self.eval(expr.rhs, input, environment))
        except MismatchError as error:
            error.named = name
            raise
        except jexception.JException as error:
            if error.error in ("T2001", "T2002", "T2010"):
                error.current = name
            elif error.error == "T2009":
                error.extra = name
            raise

    def evaluate_numeric_expression(self, lhs: Any, rhs: Any, op: Any) -> Any:
        """In doubles, as in JavaScript: 1.5 % 1 is 0.5, 1 / 0 is infinite; the service writes that as a name."""
        for value, code in ((lhs, "T2001"), (rhs, "T2002")):
            if value is not None and not is_number(value):
                raise jexception.JException(code, -1, op, value)
        return None if lhs is None or rhs is None else _arithmetic(op, lhs, rhs)

    def evaluate_includes_expression(self, lhs: Any, rhs: Any) -> Any:
        """True is not 1, and arrays and objects are only themselves."""
        if lhs is None or rhs is None:
            return False
        kind = kind_of(lhs)
        return any(
            item is lhs or (kind in "nsb" and kind_of(item) == kind and item == lhs)
            for item in (rhs if isinstance(rhs, list) else [rhs])
        )

    def evaluate_string_concat(self, lhs: Any, rhs: Any) -> str:
        made = (text_of(kind_of, lhs) or "") + (text_of(kind_of, rhs) or "")
        if len(made) > MAX_TEXT:
            raise Thrown(f": {MEMORY}")
        return made

    def evaluate_step(self, expr: Any, input: Any, *others: Any) -> Any:
        """Nothing, of the one value that a predicate has left of `[1, 2][0].a`."""
        return super().evaluate_step(expr, input, *others) if isinstance(input, list | str) else None

    def evaluate_group_expression(self, expr: Any, input: Any, environment: Any) -> Any:
        """Of an empty array as of nothing, but without making it one of nothing: it may be the state's input."""
        return super().evaluate_group_expression(expr, [None] if input == [] else input, environment)

    def reduce_tuple_stream(self, stream: Any) -> Any:
        """The language's own slip: an item of a joined path that is alone in its group is in no other group."""
        reduced = stream
        if isinstance(stream, list):
            reduced = {}
            for item in stream:
                for name, value in item.items():
                    reduced[name] = Functions.append(reduced.get(name), value)
        reduced.setdefault("@", None)
        return reduced

    def evaluate_transform_expression(self, *its: Any) -> Any:
        """Held to its signature as any function; what it changes is a copy, by way of its text."""
        transform = super().evaluate_transform_expression(*its)

        def changed(value: Any) -> Any:
            return transform.call(None, [value and json.loads(text_of(kind_of, value) or "null")])

        return Checked(transform, changed)

    def evaluate_range_expression(self, lhs: Any, rhs: Any) -> Any:
        for value, code in ((lhs, "T2003"), (rhs, "T2004")):
            if value is not None and not (kind_of(value) == "n" and value == value // 1):
                raise jexception.JException(code, -1, value)
        if lhs is None or rhs is None or lhs > rhs:
            return None
        size = int(rhs) - int(lhs) + 1
        if size > TOO_LONG_A_RANGE:
            raise jexception.JException("D2014", -1, size)
        if size > MAX_RANGE:
            raise Thrown(f": {MEMORY}")
        return utils.Utils.create_sequence_from_iter(range(int(lhs), int(rhs) + 1))

    def evaluate_function(self, expr: Any, *others: Any) -> Any:
        """The call names a function of the expression's own that does not take its arguments."""
        try:
            return super().evaluate_function(expr, *others)
        except MismatchError as error:
            if error.named is None:
                procedure = expr.procedure
                error.named = procedure.steps[0].value if procedure.type == "path" else procedure.value
            raise

    def validate_arguments(self, signature: Any, args: Any, context: Any) -> Any:
        """For functions of the expression's own; Checked does it for the others, however they are called."""
        declared = signature.signature if isinstance(signature, Parser.Symbol) else None
        return args if declared is None else fitted(declared, args, context, kind_of)

    def apply_inner(self, proc: Any, *others: Any) -> Any:
        if kind_of(proc) != "f":
            raise jexception.JException("T1006", 0)
        if isinstance(proc, re.Pattern):
            return first_match(proc.finditer(*others[0][:1])) if others[0] and isinstance(others[0][0], str) else None
        return super().apply_inner(proc, *others)


def first_match(found: Iterator[re.Match[str]]) -> Any:
    """What a regular expression gives that is called as a function; `next` gives the next one."""
    first = next(found, None)
    return first and {**matched(first), "next": Jsonata.JLambda(lambda: first_match(found))}


class Matcher(Jsonata.JFunction):  # type: ignore[misc] # as above
    """A regular expression called as a function. The library asks `signature` for its arity."""

    def __init__(self, pattern: re.Pattern[str]) -> None:
        super().__init__(None, "<s:o>")
        self.pattern = pattern

    def call(self, input: Any, args: Any) -> Any:  # noqa: ARG002 - as the library names it
        return first_match(self.pattern.finditer(args[0])) if isinstance(args[0], str) else None


class Checked(Jsonata.JFunction):  # type: ignore[misc] # as above
    """A function of the library, held to its signature. The library asks `signature` for its arity."""

    def __init__(self, function: Any, corrected: Callable[..., Any] | None) -> None:
        super().__init__(None, None)
        self.function_name = function.function_name
        self.signature = self
        self.checked = function
        self.corrected = corrected

    def call(self, input: Any, args: Any) -> Any:
        try:
            taken = fitted(self.checked.signature, args, input, kind_of)
        except MismatchError as error:
            error.named = self.function_name
            raise
        if self.function_name in HIGHER_ORDER:
            taken = [Matcher(value) if isinstance(value, re.Pattern) else value for value in taken]
        if self.corrected is None:
            return self.checked.call(input, taken)
        return self.corrected(*taken)

    def set_function_name(self, name: str) -> None:
        """A function keeps its name where an argument is bound to it."""

    def get_number_of_args(self) -> int:
        return int(self.checked.signature.get_number_of_args())

    def get_min_number_of_args(self) -> int:
        return ARITIES.get(self.function_name, self.get_number_of_args())


class Added(Jsonata.JFunction):  # type: ignore[misc] # as above
    """A function of ours. The library asks its `signature` how many arguments `$map` may give it: one."""

    def __init__(self, name: str, function: Function) -> None:
        super().__init__(None, "<x:x>")
        self.name = name
        self.added = function

    def call(self, input: Any, args: Any) -> Any:  # noqa: ARG002 - as the library names it
        found = self.added.apply(*self.added.check(self.name, args))
        return NULL if found is None and self.name == "parse" and args[0] is not None else found


def like(items: list[Any], made: list[Any]) -> list[Any]:
    return utils.Utils.create_sequence_from_iter(made) if utils.Utils.is_sequence(items) else made


def _functions() -> Any:
    """The frame with the library's functions, held to their signatures, and those of ours."""
    own = Jsonata.static_frame.bindings
    better = corrected({name: _spread(function) for name, function in own.items()}, kind_of, Functions.func_apply, like)
    made = Frame(None)
    for name, function in own.items():
        made.bindings[name] = Checked(function, better.get(name))
    for name, added in FUNCTIONS.items():
        made.bindings[name] = Added(name, added)
    del made.bindings["eval"]  # The service does not support $eval.
    return made


def parse(text: str) -> Any:
    try:
        with current():
            expression = Expression(text)
    except jexception.JException as error:
        code, _, sentence = thrown(error, jexception.JException.error_codes).partition(": ")
        raise JsonataSyntaxError(code[2:] or str(error.error), sentence, max(error.location, 0)) from None
    except Exception as error:  # noqa: BLE001 - slips of the library, and regular expressions that Python refuses
        raise JsonataSyntaxError("S0500", str(error), 0) from None
    if "??" in text or "?:" in text:
        refuse_later_operators(text, expression.ast)
    return expression


def refuse_later_operators(text: str, ast: Any) -> None:
    """`??` and `?:` came with JSONata 2.1; in 2.0.6 a condition ends where it begins."""
    for node in _nodes(ast):
        operator = text[node.position - 2 : node.position] if node.type == "condition" else ""
        if operator in ("??", "?:"):
            sentence = f'The symbol "{operator[1]}" cannot be used as a unary operator'
            raise JsonataSyntaxError("S0211", sentence, node.position)


def wrap(ast: Any) -> Any:
    instance = parse("null")
    instance.ast = ast
    return instance


def guard(frame: Any) -> None:
    depth = 0
    deadline = time.monotonic() + MAX_SECONDS

    def enter(*_: Any) -> None:
        nonlocal depth
        depth += 1
        if depth > MAX_DEPTH:
            raise Thrown(f": {STACK_OVERFLOW}. Depth={depth} max={MAX_DEPTH}")
        if time.monotonic() > deadline:
            raise Thrown(f": {TIMEOUT}")

    def leave(*_: Any) -> None:
        nonlocal depth
        depth -= 1

    frame.bindings["__evaluate_entry"] = enter
    frame.bindings["__evaluate_exit"] = leave


def _nodes(ast: Any) -> Iterator[Any]:
    """Every node of a tree, once."""
    seen: set[int] = set()
    todo = [ast]
    while todo:
        node = todo.pop()
        if isinstance(node, list | tuple):
            todo.extend(node)
        elif isinstance(node, Symbol) and id(node) not in seen:
            seen.add(id(node))
            yield node
            todo.extend(vars(node).values())


def _spread(function: Any) -> Callable[..., Any]:
    """A function of the library, called with its arguments one by one."""
    return lambda *arguments: function.call(None, arguments)


def to_json(value: Any) -> Any:
    """Plain JSON values: no null of the library's, whole floats as integers; what needs no change is kept."""
    kind = value.__class__
    if kind is int:
        return value if -MAX_WHOLE < value < MAX_WHOLE else _double(value)
    if kind is str or kind is bool or value is None:
        return value
    if value is NULL:
        return None
    if kind is float:
        if not math.isfinite(value):
            return {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}[repr(value)]
        return whole(value)
    if isinstance(value, dict):
        changed = {key: made for key, item in value.items() if (made := to_json(item)) is not item}
        return {**value, **changed} if changed else value
    if isinstance(value, list):
        made = [to_json(item) for item in value]
        return value if kind is list and all(map(operator.is_, made, value)) else made
    raise Unsupported


def _arithmetic(op: str, lhs: float, rhs: float) -> float:
    """The result of JavaScript's operator; of whole numbers exactly while JavaScript's is exact."""
    if lhs.__class__ is int and rhs.__class__ is int and op in _EXACT and abs(found := _EXACT[op](lhs, rhs)) < _SAFE:
        return found
    left, right = _double(lhs), _double(rhs)
    if op in _EXACT:
        found = _EXACT[op](left, right)
    elif op == "%":
        found = math.fmod(left, right) if right else math.nan
    elif right:
        found = left / right
    else:
        found = math.nan if left == 0 else math.copysign(math.inf, left) * math.copysign(1, right)
    return int(found) if found.is_integer() and abs(found) < _SAFE else found


_EXACT: Final[dict[str, Callable[[float, float], float]]] = {"+": operator.add, "-": operator.sub, "*": operator.mul}
_SAFE: Final = 2**53


def _double(value: float) -> float:
    try:
        return float(value)
    except OverflowError:
        raise Thrown(f". D1001: Number out of range: {value}") from None


FUNCTIONS_FRAME: Final = _functions()
KNOWN: Final = frozenset(Jsonata.static_frame.bindings) | frozenset(FUNCTIONS)
"""The names of all functions."""
from_json: Final = remembering(converting(lambda value: NULL if value is None else whole(value), float, type(None)))
"""JSON null as the null of the library, and 1.0 as 1; the rest is kept."""
