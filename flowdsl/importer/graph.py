"""The states of one graph as code: its chains, and what gets a variable."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial
from typing import Any, Protocol

import attrs

from ..author.fields import Language
from ..base.diagnostics import AslPath
from . import code as c
from .code import Code
from .idioms import first_state, with_guards, with_loops
from .layout import Chain, Guarded, Item, Jump, Layout, Loop, Step, Stop, in_a_row, items_within, lay_out
from .naming import snake
from .outs import with_outs, writers_before
from .proof import level_of
from .source import Imported
from .statements import Statements
from .states import Context, Level, NotSaid, catchers_code, field_of, merged_field, state_code
from .values import Place, template

_INLINE = 96
"""A state in a longer line gets a variable."""


@attrs.define
class Options:
    """The idioms that may be used; verification takes them away where they do not say the same."""

    has_helpers: bool = True
    has_guards: bool = True
    has_loops: bool = True
    has_outs: bool = True
    has_defaults: bool = True
    has_chains: bool = True
    """False for states in a row that name the next one themselves."""


class Surroundings(Protocol):
    """The machine around a graph."""

    source: Imported
    options: Options
    statements: Statements
    language: Language
    levels: dict[AslPath, Level]
    comments: dict[AslPath, list[str]]
    """Those that have no place yet."""
    defaults: Mapping[str, Any]

    def context(self, at: AslPath) -> Context:
        """What a state at the path needs to know."""


class GraphWriter:
    """The states of one graph."""

    def __init__(self, machine: Surroundings, at: AslPath, graph: Mapping[str, Any]) -> None:
        self.machine = machine
        self.at = at
        self.states: Mapping[str, dict[str, Any]] = graph["States"]
        options = machine.options
        self.levels = {name: self._level(name, state) for name, state in self.states.items()}
        layout = lay_out(graph) if options.has_chains else in_a_row(graph)
        if options.has_loops:
            layout = with_loops(layout, self.states)
        if options.has_guards:
            layout = with_guards(layout, self.states)
        self.layout: Layout = layout
        self.guarded = {
            step.name
            for chain in (layout.main, *layout.shared.values())
            for item in items_within(chain)
            if isinstance(item, Guarded)
            for step in items_within(item.steps)
            if isinstance(step, Step)
        }
        self.outs = writers_before(graph, self._into()) if options.has_outs else {}
        self.read = self._read()
        self.jumped = {
            item.target
            for chain in (layout.main, *layout.shared.values())
            for item in items_within(chain)
            if isinstance(item, Jump) and item.target not in layout.shared
        }

    def _level(self, name: str, state: dict[str, Any]) -> Level:
        path = (*self.at, "States", name)
        context = Context(self.machine.language, self.machine.source.functions, lambda *_: c.Text("None"))
        level = level_of(name, state, context)
        self.machine.levels[path] = level
        return level

    def _into(self) -> dict[str, str]:
        """The fields into which states put their results."""
        fields: dict[str, str] = {}
        for name, state in self.states.items():
            if self.levels[name] != Level.IDIOM or state["Type"] not in ("Task", "Map", "Parallel", "Pass"):
                continue
            key = field_of(state.get("ResultPath"))
            if key is None and "Output" in state:
                key = self._merged(state)
            if key is not None and c.is_attribute(key):
                fields[name] = key
        return fields

    def _merged(self, state: dict[str, Any]) -> str | None:
        if state.get("QueryLanguage", self.machine.language) != "JSONata":
            return None
        merged = merged_field(template(state["Output"], Place("JSONata")))
        return merged[0] if merged else None

    # Chains

    def flow(self) -> Code:
        statements = self.machine.statements
        # In reading order: the main chain first, then what several steps lead to.
        main = self.codes(self.layout.main)
        for head, chain in self.layout.shared.items():
            codes = self.codes(chain)
            if len(codes) > 1 or not statements.has(("state", self.at, head)):
                statements.add(("chain", self.at, head), snake(head), self._chained(codes))
        return self._chained(main)

    def _chained(self, codes: list[Code]) -> Code:
        return codes[0] if len(codes) == 1 else c.call("chain", *codes)

    def codes(self, chain: Chain) -> list[Code]:
        return [self.item(item) for item in chain]

    def item(self, item: Item) -> Code:
        match item:
            case Jump(target=target):
                ends = self.states[target]["Type"] in ("Succeed", "Fail")  # naming it again is the same as a goto
                kind = "steps" if ends or target in self.layout.shared else "goto"
                return c.Ref(kind, (self.at, target))
            case Stop():
                return c.call("end")
            case Loop():
                return self._loop(item)
            case Guarded():
                return self._guard(item)
            case Step():
                return self._step(item)
        raise AssertionError(item)

    def _step(self, step: Step) -> Code:
        """The state itself, or its variable."""
        state = self.states[step.name]
        arms = {key: self.codes(arm) for key, arm in step.arms.items()}
        path = (*self.at, "States", step.name)
        code = self._state(step.name, state, arms)
        comment = self.machine.comments.get(path)
        is_wanted = comment is not None or step.name in self.jumped or step.name in self.read
        is_choice = state["Type"] == "Choice"  # it shows the order of the steps, so it stays in its chain
        if (is_choice and comment is None) or not (is_wanted or len(c.one_line(code)) > _INLINE):
            return code
        self.machine.comments.pop(path, None)
        variable = c.Ref("state", (self.at, step.name))
        alone, guards = code, None
        if isinstance(code, c.PythonCall) and code.function == c.Api("guard"):
            # A raw state with its catchers: `goto` needs the state alone.
            (_, alone), *guards = code.arguments
        self.machine.statements.add(("state", self.at, step.name), snake(step.name), alone, comment or ())
        return variable if guards is None else c.PythonCall(c.Api("guard"), (("", variable), *guards))

    def _read(self) -> set[str]:
        """The states whose results others read by `.out`."""
        read: set[str] = set()
        for reader, fields in self.outs.items():
            text = repr(self.states[reader]) if fields else ""
            read |= {
                writer
                for field, writer in fields.items()
                if re.search(rf"(\$|\$states\.input)\.{re.escape(field)}\b", text)
            }
        return read

    def _state(self, name: str, state: dict[str, Any], arms: dict[tuple[str, int], list[Code]]) -> Code:
        level = self.levels[name]
        without = set()
        if name in self.guarded and state["Type"] in ("Task", "Map", "Parallel"):
            without.add("Catch")
        if state["Type"] == "Task" and level != Level.RAW:
            without |= {key for key in self.machine.defaults if key in state}
        context = self.machine.context((*self.at, "States", name))
        code = state_code(name, state, level, context, arms, frozenset(without))
        if not self.machine.options.has_chains and isinstance(code, c.PythonCall) and state.keys() & {"Next", "End"}:
            way = ("next", c.constant(state["Next"])) if "Next" in state else ("end", c.Text("True"))
            return code if level == Level.RAW else c.PythonCall(code.function, (*code.arguments, way))
        fields = self.outs.get(name, {})
        if level == Level.RAW or "InputPath" in state:
            return code
        return self._read_outs(state, code, fields)

    def _read_outs(self, state: dict[str, Any], code: Code, fields: Mapping[str, str]) -> Code:
        """Paths of the state's own, not of the states inside it, as `.out`."""
        if not fields or not isinstance(code, c.PythonCall):
            return code
        located = {field: (self.at, writer) for field, writer in fields.items()}
        change = partial(with_outs, fields=located)  # type: ignore[arg-type]
        if state["Type"] == "Choice":
            return c.PythonCall(
                code.function, tuple((key, self._rule_outs(value, change)) for key, value in code.arguments)
            )
        skipped = ("processor", "iterator", "catch")
        is_parallel = state["Type"] == "Parallel"
        arguments = [
            (key, value if key in skipped or (is_parallel and not key) else change(value))
            for key, value in code.arguments
        ]
        return c.PythonCall(code.function, tuple(arguments))

    def _rule_outs(self, rule: Code, change: Any) -> Code:
        if not isinstance(rule, c.PythonCall) or rule.function != c.Api("when"):
            return rule
        (first, *rest) = rule.arguments
        return c.PythonCall(rule.function, ((first[0], change(first[1])), *rest))

    # Idioms

    def _loop(self, loop: Loop) -> Code:
        state = self.states[loop.choice]
        arms: dict[tuple[str, int], list[Code]] = {("Choices", 1): self.codes(loop.failed or [])}
        rules = self._state(loop.choice, state, arms)
        until, *others = [value for key, value in _arguments(rules)[1:] if not key]
        keywords: dict[str, Code] = {"until": _arguments(until)[0][1]}
        if loop.failed is not None:
            keywords["failed"] = others.pop(0)
        steps = self.codes(loop.steps)
        between = self.codes(loop.between)
        first = first_state(loop.steps[0])
        if loop.counter:
            test = _arguments(others[0])[0][1]
            variable = c.Text(f"var.{loop.counter}")
            if not isinstance(test, c.Binary) or test.sign != "<" or test.left != variable:
                raise NotSaid(loop.choice)
            keywords["at_most"] = test.right
            keywords["counter"] = variable
            otherwise = self.codes(loop.otherwise or [])
            keywords["otherwise"] = otherwise[0] if len(otherwise) == 1 else c.Items(tuple(otherwise))
        if loop.choice != f"{first}.Repeat":
            keywords["name"] = c.constant(loop.choice)
        pause = loop.between[0] if len(loop.between) == 1 else None
        if isinstance(pause, Step) and pause.name == f"{first}.Wait" and len(steps) == 1:
            wait = self._state(pause.name, self.states[pause.name], {})
            if [key for key, _ in _arguments(wait)] == ["", "seconds"]:
                return c.call("poll", *steps, every=_arguments(wait)[1][1], **keywords)
        if between:
            keywords["between"] = between[0] if len(between) == 1 else c.Items(tuple(between))
        return c.call("repeat", *steps, **keywords)

    def _guard(self, guard: Guarded) -> Code:
        steps = self._chained(self.codes(guard.steps))
        state = self.states[guard.first]
        arms = {key: self.codes(arm) for key, arm in guard.arms.items()}
        context = self.machine.context((*self.at, "States", guard.first))
        return c.call("guard", steps, *catchers_code(state, context, arms))


def _arguments(code: Code) -> tuple[tuple[str, Code], ...]:
    """The arguments of a call."""
    return code.arguments if isinstance(code, c.PythonCall) else ()
