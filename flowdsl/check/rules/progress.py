"""Loops that make no progress: the same call again at once, a counter that stands still, no way out but an error.

A call is the same if nothing in its arguments is written inside the loop. Source: Step Functions Developer Guide,
"Best practices", "Quotas" (25,000 events for an execution).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, Final, TypeAlias

from ...asl.tree import Machine, Node
from ...base.json import texts_in
from ...base.named import NamedTuple
from ...base.patterns import regex
from ..conditions import Atom, Formula, formulas_of, parts_of, path_of_part, values_of
from ..findings import Findings
from ..registry import Code, Rule
from ..subject import Subject

_ORDER: Final = frozenset({"<", "<=", ">", ">="})
_VARIABLE: Final = regex(r"\$([A-Za-z_]\w*)")
_FIELD: Final = regex(r"(?<![\w$])\$(?:states\.input)?(?:\.([A-Za-z_]\w*))?")
_MOVING: Final = regex(
    r"\$\$\.(?:State|Task)\b|states\.context\.(?:State|Task)\b|\$(?:now|millis|random|uuid)\(|States\.(?:UUID|MathRandom)"
)
_INPUT: Final = "{% $states.input %}"
_WHOLE: Final = "$"
"""The whole document, among the names of its fields."""
_Place: TypeAlias = tuple[str, tuple[str | int, ...]]
"""The variable, "" for the document, and the keys of a value."""


def check_progress(subject: Subject, findings: Findings) -> None:
    resources = dict(subject.tasks)
    for machine in subject.tree.machines:
        loops = machine.cycles()
        if not loops:
            continue
        reached = machine.reachable()
        for loop in loops:
            if loop[0] in reached:
                _check_way_out(loop, findings)
                _check_counters(machine, loop, findings)
                _check_returns(loop, findings)
                busy = [state for state in loop if _is_busy(state, resources)]
                for cycle in machine.cycles(busy):
                    _check_repetition(machine, cycle, findings)
                idle = [state for state in loop if state.type in ("Choice", "Wait", "Pass")]
                for cycle in machine.cycles(idle):
                    _check_tests(cycle, findings)


def _check_returns(loop: list[Node], findings: Findings) -> None:
    """Report a rule that leads back to its Choice by states that write nothing of what it and the rules before it
    test, unless an error that is caught ends the loop."""
    members = {*loop}
    for state in loop:
        formulas = formulas_of(state.fields, state.language) if state.type == "Choice" else []
        for index in range(len(formulas)):
            rule = state.fields["Choices"][index]
            name = rule.get("Next") if isinstance(rule, dict) else None
            target = state.machine.states.get(name) if isinstance(name, str) else None
            way = _way_back_to(state, target) if target in members else []
            if not way or "Assign" in rule or "Output" in rule:
                continue
            tested = _tested(state, formulas[: index + 1])
            if not tested:
                continue
            written = _written_by(way, with_catches=False)
            is_same = not _is_written(tested, written)
            ends = any(
                _catches_own(edge.fields) and edge.target not in members for each in way for edge in each.transitions
            )
            path = (*state.path, "Choices", index)
            is_new = not any(each.path[: len(state.path)] == state.path for each in findings.diagnostics)
            if is_same and is_new and not ends:
                names = " → ".join(each.name for each in (state, *way, state))
                message = f"the loop {names} never changes what the rule tests: it runs until something fails"
                findings.warning("FD952", message, path, hint="lead back to a state that changes it")


def _tested(state: Node, formulas: list[Formula | None]) -> list[_Place] | None:
    """Return the places that the first rules of a Choice test; None if they test something else, such as the time."""
    from ..dataflow.narrowing import place_of

    places: list[_Place] = []
    for formula, rule in zip(formulas, state.fields["Choices"], strict=False):
        if formula is None or any(map(_MOVING.search, texts_in(rule))):
            return None
        for test in parts_of(formula):
            for value in values_of(test) if isinstance(test, Atom) else ():
                place = place_of(value, state.language)
                if place is None:
                    return None
                places.append(place)
    return places


def _catches_own(catcher: Any) -> bool:
    """True for a Catch of errors that mean something in the flow, with which a Task may say that it is done: none that
    Step Functions or Lambda raises for any Task."""
    names = catcher.get("ErrorEquals")
    texts = [each for each in names if isinstance(each, str)] if isinstance(names, list) else []
    return any(not each.startswith(("States.", "Lambda.")) for each in texts)


def _way_back_to(choice: Node, target: Node | None) -> list[Node]:
    """The states that lead from the target of a rule back to its Choice without another one; [] if there is none."""
    way: list[Node] = []
    while target is not None and target is not choice:
        following = next((edge.target for edge in target.transitions if edge.kind == "next"), None)
        if target.type in ("Choice", "Succeed", "Fail") or target in way:
            return []
        way.append(target)
        target = following
    return way if target is choice else []


def _check_tests(cycle: list[Node], findings: Findings) -> None:
    """Report a loop that waits and counts, and tests beside the counter what a Task found before it, but does not look
    again. A setting that it tests may stay as it is."""
    written = _written_by(cycle)
    if not any(state.type == "Wait" for state in cycle) or _WHOLE in written.fields:
        return
    from ..dataflow.narrowing import place_of

    members = {*cycle}
    lookers = [
        (state, _written_by([state], with_catches=False))
        for state in cycle[0].machine.states.values()
        if state.type in ("Task", "Map", "Parallel") and members & {*state.following}
    ]
    for state in cycle:
        formulas = formulas_of(state.fields, state.language) if state.type == "Choice" else []
        for index, formula in enumerate(formulas):
            name = state.fields["Choices"][index].get("Next") if formula is not None else None
            if formula is None or not isinstance(name, str) or state.machine.states.get(name) not in members:
                continue
            tests = [test for test in parts_of(formula) if isinstance(test, Atom)]
            places = [(test.subject, [place_of(each, state.language) for each in values_of(test)]) for test in tests]
            known = [(text, [*filter(None, each)]) for text, each in places if None not in each]
            fixed = [(text, each) for text, each in known if not _is_written(each, written)]
            looker = next(
                ((text, by.name) for text, each in fixed for by, what in lookers if _is_written(each, what)), None
            )
            if looker is not None and len(fixed) < len(known):
                path = (*state.path, "Choices", index, *(("Condition",) if state.language == "JSONata" else ()))
                message = (
                    f"the loop through {state.name!r} waits for {looker[0]} to change, but nothing in it does that"
                )
                findings.warning("FD952", message, path, hint=f"lead back to {looker[1]!r}, which sets it")
                return


def _is_written(places: Iterable[_Place], written: _Written) -> bool:
    """True if states write one of the places, or a part of it."""
    return any(
        variable in written.variables if variable else {_WHOLE, *keys[:1]} & written.fields or not keys
        for variable, keys in places
    )


def _is_busy(state: Node, resources: dict[Node, Any]) -> bool:
    """True if an execution passes the state without waiting for a time or for somebody."""
    if state.type in ("Choice", "Pass") or (state.type == "Wait" and state.fields.get("Seconds") == 0):
        return True
    resource = resources.get(state)
    return resource is not None and not resource.pattern and resource.kind in ("function", "integration", "sdk")


class _Written(NamedTuple):
    """What states write: fields of the document (`$` is all of it), and variables."""

    fields: frozenset[str]
    variables: frozenset[str]


def _written_by(states: Iterable[Node], *, with_catches: bool = True) -> _Written:
    fields: set[str] = set()
    variables: set[str] = set()
    for state in states:
        for part in (state.fields, *(_parts(state) if with_catches else ())):
            variables.update(name.removesuffix(".$") for name in _assign(part))
        fields.update(_fields_written(state, with_catches))
    return _Written(frozenset(fields), frozenset(variables))


def _parts(state: Node) -> Iterator[dict[str, Any]]:
    for key in ("Catch", "Choices"):
        parts = state.fields.get(key)
        yield from (each for each in (parts if isinstance(parts, list) else []) if isinstance(each, dict))


def _assign(part: Any) -> dict[str, Any]:
    assign = part.get("Assign")
    return assign if isinstance(assign, dict) else {}


def _fields_written(state: Node, with_catches: bool) -> Iterator[str]:
    makes_result = state.type in ("Task", "Pass", "Parallel", "Map")
    if state.language == "JSONata":
        keeps = state.fields.get("Output") == _INPUT
        if not keeps and ("Output" in state.fields or (makes_result and state.type != "Pass")):
            yield _WHOLE
        for part in _parts(state) if with_catches else ():
            if part.get("Output") != _INPUT and ("Output" in part or "ErrorEquals" in part):
                yield _WHOLE
        return
    if "OutputPath" in state.fields:
        yield _WHOLE  # InputPath does not: ResultPath writes into what the state got.
    is_pass = state.type == "Pass" and not {"Result", "Parameters", "InputPath"} & state.fields.keys()
    places = [state.fields.get("ResultPath", "$")] if makes_result and not is_pass else []
    places += [part.get("ResultPath", "$") for part in _parts(state) if with_catches and "ErrorEquals" in part]
    for place in places:
        if isinstance(place, str):
            match = re.match(r"\$\.([A-Za-z_]\w*)", place)
            yield match[1] if match else _WHOLE


def _check_repetition(machine: Machine, cycle: list[Node], findings: Findings) -> None:
    """Report Tasks that are called again at once with the same arguments."""
    tasks = [state for state in cycle if state.type == "Task"]
    if len(tasks) != 1 or not any(state.type == "Choice" for state in cycle):
        return  # One of several may change what another one finds.
    written = _written_by(cycle)
    for task in tasks:
        key = "Arguments" if task.language == "JSONata" else "Parameters"
        if key not in task.fields:
            return  # It gets the whole document.
        for text in texts_in(task.fields[key]):
            if _MOVING.search(text) or written.variables & {*_VARIABLE.findall(text)}:
                return
            read = {match[1] or _WHOLE for match in _FIELD.finditer(text) if _reads_document(match, text)}
            if read and (_WHOLE in read | written.fields or read & written.fields):
                return
    way = machine.cycle_through(tasks[0])
    names = " → ".join(state.name for state in [*(way if {*way} <= {*cycle} else cycle), tasks[0]])
    message = f"the loop {names} repeats the same call at once: nothing waits, and nothing in its arguments changes"
    place = _returning(cycle, tasks[0]) or tasks[0].path
    findings.warning("FD957", message, place, hint="put a Wait into the loop, or use Retry, which waits and counts")


def _reads_document(match: re.Match[str], text: str) -> bool:
    """True for `$.a`, `$` and `$states.input`, not for `$variable` or `$function(`."""
    after = text[match.end() : match.end() + 1]
    return bool(match[1]) or "states.input" in match[0] or not (after.isalnum() or after in ("_", "$"))


def _returning(cycle: list[Node], task: Node) -> tuple[str | int, ...] | None:
    """The path of the rule or default that leads from a Choice back to the Task."""
    members = {*cycle}
    for state in cycle:
        for edge in state.transitions:
            if state.type == "Choice" and edge.target in members and _leads_to(edge.target, task, members):
                return edge.path[:-1] if edge.path[-1] == "Next" and "Choices" in edge.path else edge.path
    return None


def _leads_to(state: Node | None, task: Node, members: set[Node]) -> bool:
    seen: set[Node] = set()
    while state is not None and state is not task:
        following = [each for each in state.following if each in members]
        if state in seen or len(following) != 1 or state.type == "Choice":
            return False
        seen.add(state)
        state = following[0]
    return state is task


def _fields_set(machine: Machine) -> Iterator[tuple[str, Node, Any]]:
    """Yield the fields of the document that a Pass sets to a constant: as a path, with the state and the constant."""
    for state in machine.states.values():
        place = state.fields.get("ResultPath", "$")
        constant = state.fields.get("Parameters", state.fields.get("Result"))
        if state.type != "Pass" or state.language != "JSONPath" or not isinstance(place, str):
            continue
        if place == "$" and isinstance(constant, dict):
            yield from ((f"$.{name}", state, value) for name, value in constant.items())
        elif isinstance(constant, int | float):
            yield place, state, constant


def _check_counters(machine: Machine, loop: list[Node], findings: Findings) -> None:
    """Report a number that the loop compares and no state of the loop changes, although one sets it."""
    values: dict[str, list[tuple[Node, Any]]] = {}
    for state in machine.states.values():
        for part in (state.fields, *_parts(state)):
            for name, value in _assign(part).items():
                values.setdefault(f"${name.removesuffix('.$')}", []).append((state, value))
    members = {*loop}
    written = _written_by(loop).fields
    for name, state, value in _fields_set(machine):
        if not {_WHOLE, *name.split(".")[1:2]} & written:
            values.setdefault(name, []).append((state, value))
    for state in loop:
        if state.type != "Choice":
            continue
        for index, formula in enumerate(formulas_of(state.fields, state.language)):
            for test in parts_of(formula) if formula is not None else ():
                if not isinstance(test, Atom) or test.operator not in _ORDER or test.subject not in values:
                    continue
                inside = [value for where, value in values[test.subject] if where in members]
                outside = [value for where, value in values[test.subject] if where not in members]
                starts = any(isinstance(each, int | float) for each in outside)
                rule = state.fields["Choices"][index]
                stays = any(rule.get("Next") == each.name for each in loop)
                still = all(_stands_still(each, test.subject) for each in inside)
                if not starts or not (still or _moves_away(inside, test, stays)):
                    continue
                path = (*state.path, "Choices", index)
                path = (*path, "Condition") if state.language == "JSONata" else path_of_part(test, rule, path)
                name = test.subject.lstrip("$.")
                message = f"the loop compares {name} with {test.constant}, but "
                message += f"never changes it: {name} stands still" if still else f"{name} moves away from it"
                hint = f"assign it in the loop, such as {name} + 1"
                findings.warning("FD958", message, path, hint=hint, needle=name)
                return


def _moves_away(steps: list[Any], test: Atom, stays: bool) -> bool:
    """True if every step of a counter leads away from where the test would end the loop."""
    ends_above = (test.operator in ("<", "<=")) is stays
    signs = {_sign(each, test.subject) for each in steps}
    return signs == {-1 if ends_above else 1}


def _sign(value: Any, subject: str) -> int | None:
    """Return 1 for a step up by a constant, -1 for a step down, None for anything else."""
    text = value.removeprefix("{%").removesuffix("%}").replace(" ", "") if isinstance(value, str) else ""
    name = re.escape(subject)
    match = re.fullmatch(rf"\(?{name}([+-])[1-9]\d*\)?|States\.MathAdd\({name},(-?)[1-9]\d*\)", text)
    if match is None:
        return None
    return -1 if "-" in (match[1], match[2]) else 1


def _stands_still(value: Any, subject: str) -> bool:
    """True if an Assign gives a variable its own value."""
    if not isinstance(value, str):
        return True  # a constant, such as the first value again
    text = value.removeprefix("{%").removesuffix("%}").replace(" ", "")
    same = (subject, f"{subject}+0", f"{subject}-0", f"{subject}*1", f"States.MathAdd({subject},0)")
    return text in same or text in [f"({each})" for each in same]


def _check_way_out(loop: list[Node], findings: Findings) -> None:
    """Report a loop that only errors leave."""
    members = {*loop}
    if any(state.is_terminal for state in loop):
        return
    leaving = [edge for state in loop for edge in state.transitions if edge.target not in members]
    if leaving and all(edge.kind == "catch" for edge in leaving):
        names = ", ".join(repr(state.name) for state in loop[:4]) + " …" * (len(loop) > 4)
        if any(
            each.code == "FD956" and each.path[: len(s.path)] == s.path for each in findings.diagnostics for s in loop
        ):
            return
        message = f"only an error ends the loop of {names}: no rule and no Next leads out of it"
        findings.warning("FD959", message, loop[0].path, hint="test with a Choice whether it is done")


RULES = (
    Rule(
        check_progress,
        (
            Code("FD957", "warning", "A loop that repeats the same call at once"),
            Code("FD958", "warning", "A counter that never moves"),
            Code("FD959", "warning", "A loop that only an error ends"),
        ),
        also=("FD952",),
    ),
)
