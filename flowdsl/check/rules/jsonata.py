"""JSONata expressions: delimiters, syntax, what Step Functions does not support, where `$states` has what.

Source: Step Functions Developer Guide, "Transforming data with JSONata in Step Functions"; what the service answers.
jlens parses; if it is not installed, expressions stay unread, and one warning says so.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from ...asl.placeholders import has_placeholder
from ...asl.tree import Node
from ...author.states import Catcher
from ...base.diagnostics import AslPath, FlowError
from ...base.named import NamedTuple
from ...base.patterns import regex
from ...base.words import abbreviate, did_you_mean
from ..findings import Findings
from ..registry import Code, Rule
from ..subject import FieldUse, Subject, VariableRead
from ..wording import path_in_python
from .paths import looks_dynamic

if TYPE_CHECKING:
    from ...expr.jsonata.reader import Expression

_PLAIN = regex(r"\$([A-Za-z_]\w*(?:\.(?!and\b|or\b|in\b)[A-Za-z_]\w*)*)")
"""An expression that is a path of names: the commonest, which needs no parser."""
_STATES = regex(r"\$states\.(?:input|result|context|errorOutput)\b")
_CALL = regex(r"\$([A-Za-z]\w*)\(")
INVALID, UNSUPPORTED = "INVALID_JSONATA_EXPRESSION", "UNSUPPORTED_JSONATA_EXPRESSION"
STATES_FIELDS = ("input", "result", "errorOutput", "context")


class _Place(NamedTuple):
    state: Node
    path: AslPath
    key: str
    cls: type[Any]
    offset: int


def _reads(each: FieldUse) -> bool:
    return each.spec.jsonata or each.kind.shape == "template"


def check_jsonata(subject: Subject, findings: Findings) -> None:
    """Check every expression, and list the variables that they read in `subject.reads`."""
    reads = subject.reads
    missing = False
    for each in subject.fields:
        if each.language != "JSONata" or each.state is None or not _reads(each):
            continue
        for text, path in _strings(each.value, each.path, findings):
            delimited = _delimited(text, path, findings)
            if delimited is None:
                _check_text(text, path, subject, findings)
                continue
            expression, offset = delimited
            place = _Place(each.state, path, each.key, each.cls, offset)
            if plain := _PLAIN.fullmatch(expression):
                root, *names = plain[1].split(".")
                if root != "states" and root not in subject.variable_names and root in functions():
                    message = f"${root} is a function, which nothing calls here, and no variable"
                    hint = f"write ${root}(…), or assign the variable {root!r}"
                    findings.failure("FD757", message, path, hint=hint, needle=root)
                    continue
                _read(root, names, place, reads, findings)
                continue
            read = None if has_placeholder(expression) else read_text(expression)
            if isinstance(read, _Wrong):
                at = offset + min(read.offset, len(expression))
                message = f"invalid JSONata: {read.message} (at offset {at} of the string)"
                findings.error("FD751", message, path, aws=INVALID, aws_message=read.message)
            elif read is not None:
                _examine(read, place, reads, findings)
            elif not has_placeholder(expression):
                missing = missing or _warn_missing(path, findings)


def _warn_missing(path: AslPath, findings: Findings) -> bool:
    if not findings.has("FD750"):
        hint = 'run: pip install "flowdsl[jsonata]"'
        findings.warning("FD750", "jlens is not installed, so JSONata expressions are not checked", path, hint=hint)
    return True


def _strings(value: Any, path: AslPath, findings: Findings) -> Iterator[tuple[str, AslPath]]:
    todo = [(value, path)]
    while todo:
        value, at = todo.pop()
        if isinstance(value, str):
            yield value, at
        elif isinstance(value, list):
            todo.extend((item, (*at, index)) for index, item in enumerate(value))
        elif isinstance(value, dict):
            for key, item in value.items():
                todo.append((item, (*at, key)))
                if key.endswith(".$"):
                    message = f"{key!r} has no effect in JSONata: the key keeps its .$, and the value remains text"
                    hint = f'write "{key[:-2]}": ' + findings.either('"{% … %}"', 'jsonata("…")')
                    findings.warning("FD759", message, (*at, key), hint=hint)


def _delimited(text: str, path: AslPath, findings: Findings) -> tuple[str, int] | None:
    """The expression between `{%` and `%}` and its offset; None where the string is plain text."""
    starts, ends = text.startswith("{%"), text.endswith("%}")
    if starts and ends and len(text) >= 4:
        inner = text[2:-2]
        return inner.strip(), 2 + len(inner) - len(inner.lstrip())
    if starts or ends:
        what = "end with %}" if starts else "start with {%"
        message = f"an expression must {what}: {abbreviate(text)}"
        findings.error("FD752", message, path, aws=INVALID)
    elif text.strip().startswith("{%") and text.strip().endswith("%}"):
        # The service takes it as text (recorded), which nobody means.
        message = f"leading or trailing spaces turn this into plain text: {abbreviate(text)}"
        findings.warning("FD752", message, path, hint="remove the spaces before {% and after %}")
    elif "{%" in text and "%}" in text.partition("{%")[2] and not has_placeholder(text):
        message = f"text around an expression turns all of it into plain text: {abbreviate(text)}"
        findings.warning("FD752", message, path, hint="make it one expression: {% 'text ' & $states.input.name %}")
    return None


def _is_expression(text: str) -> bool:
    """True if a text that names $states is JSONata as a whole, and not a sentence about it."""
    return "{%" not in text and not isinstance(read_text(text), _Wrong)


def _check_text(text: str, path: AslPath, subject: Subject, findings: Findings) -> None:
    """Warn of a plain text that looks like a path."""
    call = _CALL.match(text)
    is_call = call is not None and text.endswith(")") and call[1] in functions()
    plain = _PLAIN.fullmatch(text) if text.startswith("$") else None
    is_variable = plain is not None and plain[1].partition(".")[0] in subject.variable_names
    if is_call or is_variable or (_STATES.search(text) and _is_expression(text)):
        expression = text
        python = f'jsonata("{text}")'
    elif text.startswith("$.") and looks_dynamic(text):
        expression = f"$states.input{text[1:]}"
        python = f"{path_in_python(text)} without quotes"
    else:
        return
    hint = findings.either(f'"{{% {expression} %}}"', python)
    message = f"{abbreviate(text)} is plain text, not the value at that path"
    findings.warning("FD305", message, path, hint=f"to insert the value, write {hint}")


class _Wrong(NamedTuple):
    message: str
    offset: int


@cache
def read_text(expression: str) -> Expression | _Wrong | None:
    """Read an expression; _Wrong if it does not parse, None if the parser is not installed."""
    from ...expr.jsonata import JsonataSyntaxError
    from ...expr.jsonata.reader import read_expression

    try:
        return read_expression(expression)
    except JsonataSyntaxError as error:
        return _Wrong(error.message, error.offset)
    except RecursionError:
        return _Wrong("nested too deeply", 0)
    except (ImportError, FlowError):
        return None


@cache
def functions() -> frozenset[str]:
    """The names of all functions that an expression can call."""
    from ...expr.jsonata.functions import KNOWN

    return KNOWN


def _examine(expression: Expression, place: _Place, reads: list[VariableRead], findings: Findings) -> None:
    from ...expr.jsonata.errors import MAX_DEPTH
    from ...expr.jsonata.tree import evaluated_depth

    for each in expression.top_level:
        findings.error(
            "FD753",
            f"{each.name!r} at the top level is undefined: an expression has no input of its own",
            place.path,
            hint={"$": "write $states.input", "states": "write $states"}.get(
                each.name, f"write $states.input.{each.name}"
            ),
            aws=UNSUPPORTED,
            aws_message=f"Reference to '{each.name}' at the top level is not supported.",
        )
    if (depth := evaluated_depth(expression.tree)) > MAX_DEPTH:
        message = f"this expression nests {depth} levels deep, and Step Functions evaluates {MAX_DEPTH} levels at most"
        chains = findings.either("a chain of + by $sum, one of & by $join", "a sum by fn.sum, a text by fn.join")
        hint = f"calculate a part of it in an earlier state, or replace {chains}"
        findings.failure("FD751", message, place.path, hint=hint)
    if expression.roots:
        message, hint = "$$ is undefined: an expression has no input of its own", "write $states.input"
        findings.error("FD753", message, place.path, hint=hint, aws=UNSUPPORTED, aws_message="JSONata '$$' not allowed")
    for each in expression.reads:
        _read(each.name, each.fields, place, reads, findings)
    for each in expression.calls:
        if each.name == "eval":
            hint = "write $parse(…) to read JSON from text"
            findings.error("FD753", "$eval is not supported", place.path, hint=hint, aws=UNSUPPORTED)
        elif each.name not in (known := functions()):
            message = f"unknown function ${each.name} (at offset {place.offset + each.offset} of the string)"
            findings.failure("FD755", message, place.path, hint=did_you_mean(each.name, known))


def _read(name: str, fields: Sequence[str], place: _Place, reads: list[VariableRead], findings: Findings) -> None:
    """What `$name.field` reads."""
    if name == "states":
        if fields:
            _states_field(fields[0], place, findings)
    elif name != "eval":
        reads.append(VariableRead(name, place.state, place.path, "JSONata", place.cls is Catcher))


def _states_field(name: str, place: _Place, findings: Findings) -> None:
    """What `$states` has where. Source: Developer Guide, "Transforming data", "Reserved variable: $states"."""
    if name not in STATES_FIELDS:
        hint = did_you_mean(name, STATES_FIELDS) or "valid fields: input, result, errorOutput, context"
        findings.error("FD754", f"unknown field {name!r} of $states", place.path, hint=hint, aws=INVALID)
        return
    after = place.key in ("Output", "Assign")
    in_catch = place.cls is Catcher
    if name == "errorOutput" and not in_catch:
        message = "$states.errorOutput is available only in the Output and Assign of a Catch"
        findings.error("FD754", message, place.path, aws=INVALID)
    elif name == "result" and not after:
        message = f"$states.result is not available in {place.key}"
        hint = "use $states.input; the result is available in Output and Assign"
        findings.error("FD754", message, place.path, hint=hint, aws=INVALID)
    elif name == "result" and (in_catch or place.state.type not in ("Task", "Parallel", "Map")):
        where = "a Catch" if in_catch else f"a {place.state.type} state"
        findings.warning("FD754", f"{where} has no $states.result", place.path)


RULES = (
    Rule(
        check_jsonata,
        (
            Code("FD750", "warning", "JSONata is not checked"),
            Code("FD751", "error", "JSONata that cannot be parsed, or that nests too deeply"),
            Code("FD752", "error or warning", "An expression without its delimiters"),
            Code("FD753", "error", "JSONata that Step Functions does not support"),
            Code("FD754", "error or warning", "A part of `$states` that is not available"),
            Code("FD755", "error", "Unknown function"),
            Code("FD759", "warning", "`.$` in a JSONata state"),
        ),
        also=("FD305", "FD757"),
    ),
)
