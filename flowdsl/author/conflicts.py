"""Keywords that exclude each other, and parts of the wrong class: reported, then left out.

What is left can be written, so that every mistake of a flow comes in one run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from ..base.diagnostics import AslPath
from ..base.record import Record, evolve
from ..base.source import Caller
from .expressions import DISCARD
from .fields import UNSET, Element, Spec, pascal, per_class, specs
from .flow import End, Flow, Goto, Guard, WiredStates, describe
from .functions import Function
from .graphs import Graph
from .states import (
    Building,
    Calling,
    Catcher,
    Choice,
    ItemReader,
    Map,
    Parallel,
    Pass,
    ResultWriter,
    Retrier,
    Rule,
    State,
    Task,
    Working,
)

Report = Callable[[AslPath, str, str, Caller | None], None]
"""Called with the path inside the state, what is wrong, what to write instead, and the place if it is a closer one."""
T = TypeVar("T", bound=Element)


class _Group(Record):
    """Keywords of a class of which an author may use one."""

    cls: type[Any]
    keywords: tuple[str, ...]
    what: str
    """Completes "a= and b= both …"."""


_GROUPS = (
    _Group(Building, ("into", "result_path"), "set where the result goes"),
    _Group(Working, ("output", "result_selector"), "shape the result"),
    _Group(Catcher, ("into", "result_path"), "set where the error goes"),
    _Group(Task, ("payload", "arguments", "parameters"), "set what the call gets"),
    _Group(Task, ("payload", "input_path"), "set what the function gets"),
    _Group(Calling, ("arguments", "parameters"), "set what the state gets"),
    _Group(ItemReader, ("arguments", "parameters"), "set what is read"),
    _Group(ResultWriter, ("arguments", "parameters"), "set where the results go"),
    _Group(Pass, ("output", "result", "parameters"), "give the Pass its result"),
    _Group(Choice, ("otherwise", "default"), "set where the Choice leads when no rule matches"),
    _Group(Parallel, ("branches", "named"), "list the branches"),
    _Group(Parallel, ("named", "result_selector"), "give the result its fields"),
)


def without_conflicts(element: T, report: Report, path: AslPath = ()) -> T:
    """The element with one of the keywords that exclude each other, and with parts of the right classes only."""
    written = vars(element)  # what the author did not write is not in it
    for group in _groups(type(element)):
        if len(written.keys() & group.keywords) < 2:
            continue
        first, *others = [key for key in group.keywords if getattr(element, key) is not UNSET] or [""]
        for other in others:
            message = f"{first}= and {other}= both {group.what}"
            report((*path, _field(element, other)), message, f"remove {first}= or {other}=", None)
            element = evolve(element, **{other: UNSET})
    element = _drops_or_shapes(element, report, path)
    for spec in _parts_of(type(element)):
        value = written.get(spec.attribute, UNSET)
        kept = value if value is UNSET else _parts(value, spec, report, (*path, spec.name))
        if kept is not value:
            element = evolve(element, **{spec.attribute: kept})
    if isinstance(element, Retrier | Catcher):
        element = _errors(element, report, path)
    return _of_kind(element, report) if isinstance(element, State) else element


@per_class
def _groups(cls: type[Any]) -> tuple[_Group, ...]:
    return tuple(group for group in _GROUPS if issubclass(cls, group.cls))


@per_class
def _parts_of(cls: type[Any]) -> tuple[Spec, ...]:
    """The fields that take parts."""
    return tuple(spec for spec in specs(cls).values() if spec.kind.of)


def _field(element: Element, keyword: str) -> str:
    """The ASL name of a keyword, or its name as ASL would spell it."""
    spec = specs(type(element)).get(keyword)
    return spec.name if spec else pascal(keyword)


def _drops_or_shapes(element: T, report: Report, path: AslPath) -> T:
    """DISCARD beside a keyword that shapes what is dropped."""
    if getattr(element, "into", UNSET) is not DISCARD:
        return element
    shaping = ("output", "result", "parameters") if isinstance(element, Pass) else ("output", "result_selector")
    for keyword in shaping:
        if getattr(element, keyword, UNSET) is not UNSET:
            message = f"into=DISCARD drops the result that {keyword}= shapes"
            report((*path, _field(element, keyword)), message, f'remove {keyword}=, or write into="..."', None)
            element = evolve(element, **{keyword: UNSET})
    return element


_MAKERS: dict[type[Any], str] = {Retrier: "retry(...)", Catcher: "catch(...)", Rule: "when(...)"}


def _parts(value: Any, spec: Spec, report: Report, path: AslPath) -> Any:
    """The value of a field that takes parts, as a tuple, without those of another class."""
    wanted = spec.kind.of
    if wanted is None or isinstance(value, Mapping):
        return value
    maker = _MAKERS.get(wanted, f"{wanted.__name__}(...)")
    keyword = spec.attribute if spec.attribute != "choices" else "a Choice"

    def fits(item: Any, at: AslPath) -> bool:
        if isinstance(item, wanted | Mapping):
            return True
        hint = f"write {maker}" if wanted is not Rule else "write when(condition, steps...)"
        origin = item.origin if isinstance(item, Element | Flow | Guard | WiredStates | Goto | End) else None
        report(at, f"{keyword} takes {maker}, not {describe(item)}", hint, origin)
        return False

    if spec.kind.shape == "part":
        if not fits(value, path):
            return UNSET
        return without_conflicts(value, report, path)
    items = value if isinstance(value, list | tuple) else (value,)
    kept = [(index, item) for index, item in enumerate(items) if fits(item, (*path, index))]
    return tuple(
        without_conflicts(item, report, (*path, index)) if isinstance(item, Element) else item for index, item in kept
    )


def _errors(part: Any, report: Report, path: AslPath) -> Any:
    """A retrier or catcher whose error names are text."""
    names = part.errors
    if not isinstance(names, tuple) or all(isinstance(name, str) for name in names):
        return part
    flat = [each for name in names for each in (name if isinstance(name, list | tuple | set) else (name,))]
    call = "retry" if isinstance(part, Retrier) else "catch"
    wanted = ", ".join(f'"{each}"' for each in flat if isinstance(each, str)) or '"PaymentDeclined"'
    wrong = next(name for name in names if not isinstance(name, str))
    index = next(index for index, name in enumerate(names) if name is wrong)
    hint = f"write {call}({wanted})" if call == "retry" else f"write catch([{wanted}], steps...)"
    what = f"an error is a name or an exception class, not {describe(wrong)}"
    if call == "catch" and isinstance(wrong, State | Flow | Goto | Guard | WiredStates | End):
        hint = 'name the errors first: catch("States.ALL", steps...)'
    report((*path, "ErrorEquals", index), what, hint, None)
    return evolve(part, errors=tuple(each for each in flat if isinstance(each, str)) or ("States.ALL",))


def _of_kind(state: Any, report: Report) -> Any:
    """Branches, processors and defaults of the wrong kind."""
    if isinstance(state, Choice) and isinstance(state.default, Goto | State | Flow | End):
        wanted = describe(state.default) if isinstance(state.default, Goto | End) else "steps"
        report(("Default",), "default= is the name of a state", f"write otherwise={wanted}", None)
        return evolve(state, default=UNSET)
    if isinstance(state, Parallel):
        return _branches(state, report)
    if isinstance(state, Map) and state.processor is not UNSET and not _runs(state.processor):
        what = f"a processor is a state or a chain, not {describe(state.processor)}"
        hint = (
            'write processor=Task("Each", function)'
            if isinstance(state.processor, Function)
            else "write processor=chain(...)"
        )
        report(("ItemProcessor",), what, hint, None)
        return evolve(state, processor=_stand_in(state))
    return state


def _stand_in(state: State) -> State:
    """What takes the place of a branch that is left out, so that nothing is reported as missing."""
    return Pass(f"{state.name}.Branch"[:80], origin=state.origin)


def _branches(state: Parallel, report: Report) -> Parallel:
    """The Parallel without branches that cannot run."""

    def runs(at: str | int, branch: Any) -> bool:
        if not _runs(branch):
            hint = "write the branches one after the other; use chain(...) for steps in a row"
            if isinstance(branch, Function):
                hint = 'call it with a Task: Task("Name", function)'
            report(("Branches", at), f"a branch is a state or a chain, not {describe(branch)}", hint, None)
        return _runs(branch)

    if isinstance(state.branches, list | tuple):
        branches = tuple(each for index, each in enumerate(state.branches) if runs(index, each))
        return evolve(state, branches=branches or (_stand_in(state),) if state.branches else ())
    if isinstance(state.named, Mapping):
        named = {key: each for key, each in state.named.items() if runs(key, each)}
        return evolve(state, named=named or ({"": _stand_in(state)} if state.named else {}))
    if state.named is not UNSET:
        hint = 'write named={"receipt": ..., "totals": ...}'
        report(("Branches",), f"named= is a dict of branches by name, not {describe(state.named)}", hint, None)
        return evolve(state, named=UNSET, branches=(_stand_in(state),))
    return evolve(state, named=UNSET)


def _runs(value: Any) -> bool:
    """True if a value can be a branch, or what a Map does for each item."""
    return isinstance(value, Flow | State | Graph | Guard | WiredStates)
