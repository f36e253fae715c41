"""The checker: an ASL definition in, diagnostics with their places out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

import attrs

from ..asl.tree import Tree
from ..base.diagnostics import AslPath, Diagnostic
from ..base.source import Span
from ..base.words import abbreviate
from .findings import Findings
from .rules.fields import Given, check_fields
from .rules.graph import check_graph
from .rules.handlers import check_handlers
from .rules.maps import check_maps
from .rules.names import check_names

__all__ = ["Locate", "check", "check_text"]

if TYPE_CHECKING:
    from .dataflow.annotations import Data

Locate = Callable[[AslPath], Span | None]


def check(
    definition: Any,
    *,
    type: str = "STANDARD",
    locate: Locate | None = None,
    twice: Iterable[AslPath] = (),
    data: Data | None = None,
    problems: Iterable[Diagnostic] = (),
    python: bool = False,
) -> list[Diagnostic]:
    """Everything that is wrong with a definition, in the order in which it stands there.

    `definition` is ASL as JSON values; any value gets an answer. `type` is STANDARD or EXPRESS. `locate` gives the
    place of an ASL path in the author's file. `twice` are the keys that stand more than once in the file's text, which
    the values cannot show. `data` is what the author declared (`annotations.declared`): with it, reading what no route
    has produced is an error, without it a warning, for AWS accepts it. `problems` is what is known already, from the
    wiring of a flow: it is part of the answer, and what only follows from it is left out. `python` says that the author
    wrote Python, so that hints speak of keywords.
    """
    first = [*problems]
    findings = Findings([*first], python)
    keys = {*twice}
    for path in keys:
        if not any(path[:length] in keys for length in range(1, len(path))):
            _twice(path, findings)
    if not isinstance(definition, dict):
        message = f"a definition is a JSON object, not {abbreviate(definition)}"
        hint = 'write {"StartAt": …, "States": {…}}'
        findings.error("FD101", message, (), hint=hint, said="Definition must be a valid JSON object", at="")
    else:
        _check(definition, type, data, findings)
    return _placed(definition, _once(first, findings.found), locate)


def _once(first: list[Diagnostic], found: list[Diagnostic]) -> list[Diagnostic]:
    """What was found without what is known already: `first` says it better. A graph without states has no start."""
    known = {(each.code, each.path) for each in first}
    known |= {("FD104", each.path[:-1]) for each in first if each.code == "FD103" and each.path[-1:] == ("States",)}
    own = {id(each) for each in first}
    return [each for each in found if id(each) in own or (each.code, each.path) not in known]


def check_text(text: str, *, file: str = "definition.json", type: str = "STANDARD") -> list[Diagnostic]:
    """As `check`, of a definition as JSON text; `file` is the name that the places show."""
    from ..base.diagnostics import FlowError
    from ..base.document import read_json

    try:
        document = read_json(text, file)
    except FlowError as error:
        return [*error.diagnostics]
    return check(document.value, type=type, locate=document.span, twice=document.twice)


def _twice(path: AslPath, findings: Findings) -> None:
    name = path[-1]
    if path[-2:-1] == ("States",) and (len(path) == 2 or path[-3] in ("ItemProcessor", "Iterator") or len(path) > 3):
        hint = "a state's name is unique in the whole definition"
        findings.error("FD201", f"two states are named {name!r}", path, hint=hint, aws="DUPLICATE_STATE_NAME")
    else:
        message = f"the key {name!r} is there twice: only the last counts"
        findings.warning("FD107", message, path, hint="remove one of them")


_BROKEN = frozenset({"FD201", "FD401", "FD403"})
"""Where the routes themselves are wrong, nothing is said of what they carry."""
_MAX_CHARACTERS = 1_048_576
"""The length of a definition. Source: Step Functions API Reference, CreateStateMachine, `definition`."""


def _size(definition: dict[str, Any], findings: Findings) -> None:
    import json

    try:
        size = len(json.dumps(definition, ensure_ascii=False, separators=(",", ":"), default=str))
    except (ValueError, RecursionError):
        return
    if size > _MAX_CHARACTERS:
        message = f"the definition has {size:,} characters; AWS takes at most {_MAX_CHARACTERS:,}"
        findings.error("FD108", message, (), hint="move a part of it into a state machine of its own")


def _check(definition: dict[str, Any], type: str, data: Data | None, findings: Findings) -> None:
    _size(definition, findings)
    tree = Tree(definition)
    given = check_fields(tree, findings)
    check_graph(tree, findings)
    check_names(tree, findings)
    check_handlers(tree, findings)
    check_maps(tree, type, findings)
    kinds = {state.type for state in tree}
    if "Choice" in kinds:
        from .rules.choices import check_choices

        compared = check_choices(tree, findings)
    else:
        compared = []
    if compared or any(map(_has_expressions, given)):
        from .rules.paths import check_paths
        from .rules.variables import check_variables, jsonpath_reads

        check_paths(given, compared, findings)
        reads = jsonpath_reads(given, compared)
        if any(each.language == "JSONata" for each in given):
            from .rules.jsonata import check_jsonata

            reads += check_jsonata(given, findings)
        check_variables(tree, given, reads, findings)
        if not any(found.code in _BROKEN for found in findings.found):
            from .dataflow.rule import check_dataflow

            check_dataflow(tree, data, findings)
    if kinds & {"Choice", "Wait", "Task", "Map", "Parallel"}:
        from .rules.loops import check_loops

        check_loops(tree, type, findings)
    if "Task" in kinds:
        from .rules.tasks import check_tasks

        tasks = check_tasks(tree, type, findings)
        if any(resource.kind in ("sdk", "integration") for _, resource in tasks):
            from .rules.integrations import check_integrations

            check_integrations(tasks, findings)
    if findings.found or any(map(_is_marked, _comments(tree))):
        from .ignores import without_commented

        findings.found = without_commented(findings.found, tree)


def _comments(tree: Tree) -> Iterator[Any]:
    for machine in tree.machines:
        yield machine.fields.get("Comment")
        for state in machine.states.values():
            yield state.fields.get("Comment")


def _is_marked(comment: Any) -> bool:
    return isinstance(comment, str) and "flowdsl:" in comment


def _has_expressions(given: Given) -> bool:
    return given.kind.shape in ("path", "template") or given.spec.jsonata or given.key == "Result"


def _placed(definition: Any, found: list[Diagnostic], locate: Locate | None) -> list[Diagnostic]:
    """The diagnostics with their places, sorted by them."""
    orders: dict[int, dict[Any, int]] = {}
    placed: list[tuple[tuple[Any, ...], Diagnostic]] = []
    seen: set[tuple[str, AslPath, str]] = set()
    for diagnostic in found:
        key = (diagnostic.code, diagnostic.path, diagnostic.message)
        if key in seen:
            continue
        seen.add(key)
        if locate is not None and diagnostic.span is None:
            diagnostic = attrs.evolve(diagnostic, span=locate(diagnostic.path))
        span = diagnostic.span
        position = (span.file, span.line, span.column) if span else ("", 0, 0)
        placed.append(((*position, _order(definition, diagnostic.path, orders)), diagnostic))
    placed.sort(key=lambda each: each[0])
    return [diagnostic for _, diagnostic in placed]


def _order(value: Any, path: AslPath, orders: dict[int, dict[Any, int]]) -> tuple[int, ...]:
    """Where a path stands in the definition, as a value to sort by."""
    found: list[int] = []
    for step in path:
        if isinstance(value, dict):
            order = orders.get(id(value))
            if order is None:
                order = orders[id(value)] = {key: index for index, key in enumerate(value)}
            found.append(order.get(step, -1))
            value = value.get(step)
        elif isinstance(value, list) and isinstance(step, int) and step < len(value):
            found.append(step)
            value = value[step]
        else:
            break
    return tuple(found)
