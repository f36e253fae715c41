"""One state as a call of the authoring API.

At the level IDIOM it says what an author would say (`into=`, `output=`, a call of `aws`), at FIELDS each ASL field is
its keyword, at RAW it is `raw(...)`. `proved` compiles the state alone and compares: the first level that gives the
same fields is taken.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from enum import IntEnum
from typing import Any

import attrs

from ..author.defaults import lambda_transient
from ..author.fields import Language, Spec, by_asl_name
from ..author.graphs import Branch, Processor
from ..author.serial import dump
from ..author.states import (
    LAMBDA_SERVICE_ERRORS,
    STATES,
    Catcher,
    Credentials,
    ItemBatcher,
    ItemReader,
    ReaderConfig,
    ResultWriter,
    Retrier,
    Rule,
    WriterConfig,
)
from . import code as c
from .calls import call_code, function_code
from .code import Code
from .layout import ArmKey
from .paths import Dollar, path_code, split_path
from .values import Place, condition, expression, is_query, pair, queried, template

Arms = Mapping[ArmKey, list[Code]]
Keywords = dict[str, Code]
_PARTS = (Credentials, ItemReader, ItemBatcher, ResultWriter, ReaderConfig, WriterConfig)
_KEY = re.compile(r"[^$.\[\]]+")
_INPUT, _RESULT = "{% $states.input %}", "{% $states.result %}"


class Level(IntEnum):
    IDIOM = 0
    FIELDS = 1
    RAW = 2


class NotSaid(Exception):  # noqa: N818 - another level says it
    """The level has no words for a field."""


@attrs.frozen
class Context:
    """What is around a state."""

    language: Language
    functions: Mapping[str, Mapping[str, Any]]
    inner: Callable[[tuple[str | int, ...], dict[str, Any], Language], Code]
    """The code of a branch or processor, from its path in the state."""


def state_code(
    name: str, state: dict[str, Any], level: Level, context: Context, arms: Arms, without: frozenset[str] = frozenset()
) -> Code:
    """The state as a call; `without` are the fields that something around the state says. Raises NotSaid."""
    language = state.get("QueryLanguage", context.language)
    fields = {key: value for key, value in state.items() if key not in ("Type", "Next", "End", *without)}
    writer = _Writer(name, state["Type"], fields, language, level, context, arms)
    # The rules of a Choice lead to steps, which have their place in the flow: it is never raw.
    return writer.raw() if level == Level.RAW and state["Type"] != "Choice" else writer.code()


class _Writer:
    def __init__(
        self,
        name: str,
        kind: str,
        fields: dict[str, Any],
        language: Language,
        level: Level,
        context: Context,
        arms: Arms,
    ) -> None:
        self.name = name
        self.kind = kind
        self.fields = fields
        self.language = language
        self.level = level
        self.context = context
        self.arms = arms
        self.cls = STATES[kind]

    def take(self, key: str) -> Any:
        return self.fields.pop(key)

    def code(self) -> Code:
        """The call with its arguments in the order in which an author writes them."""
        values: list[Code] = [c.constant(self.name)]
        keywords: Keywords = {}
        if "Comment" in self.fields:
            keywords["comment"] = c.constant(self.take("Comment"))
        function = self.kind
        if self.kind == "Fail" and not keywords and self.fields.keys() <= {"Error", "Cause", "ErrorPath", "CausePath"}:
            function = "fail"
        if self.kind == "Task":
            self.called(values, keywords)
        elif self.kind == "Choice":
            values.extend(self.rules())
            keywords |= self.otherwise()
        elif self.kind == "Parallel":
            values.extend(self.branches())
        elif self.kind == "Map":
            self.mapped(keywords)
        if self.level == Level.IDIOM:
            self.shaped(keywords)
        handlers = {key: self.fields.pop(key) for key in ("Retry", "Catch") if key in self.fields}
        extras = {}
        if self.kind == "Pass" and self.fields.keys() >= {"Parameters", "Result"}:
            extras["Result"] = self.take("Result")  # an author may not write both
        for key in [*self.fields]:
            value = self.take(key)
            try:
                keywords |= self.field(self.cls, key, value, self.dollar(key))
            except NotSaid:
                extras[key] = value
        for key, value in handlers.items():
            keywords |= self.handlers(key, value)
        if extras:
            keywords["extras"] = c.constant(extras)
        return c.call(function, *values, **keywords)

    def raw(self) -> Code:
        """The state as JSON; a `guard` has its catchers, whose steps have their place in the flow."""
        catchers = self.fields.pop("Catch", [])
        state = c.call("raw", c.constant(self.name), c.constant({"Type": self.kind, **self.fields}))
        codes = [catcher_code(catcher, index, self) for index, catcher in enumerate(catchers)]
        return c.call("guard", state, *codes) if codes else state

    def dollar(self, key: str) -> Dollar:
        """What `$` means in a field under JSONPath."""
        sees_result = key == "ResultSelector" or (key == "Assign" and self.kind in ("Task", "Map", "Parallel"))
        return "result" if sees_result else "state_input"

    # Fields as they are

    def field(self, cls: type[Any], key: str, value: Any, dollar: Dollar) -> Keywords:
        """One ASL field as a keyword."""
        spec = by_asl_name(cls).get(key)
        if spec is None:
            raise NotSaid(key)
        if key == spec.path and key != spec.name:
            code = expression(value, Place("JSONPath", dollar)) if isinstance(value, str) else None
            if code is None:
                raise NotSaid(key)
            return {spec.attribute: code}
        return {spec.attribute: self.value(spec, value, dollar)}

    def value(self, spec: Spec, value: Any, dollar: Dollar) -> Code:
        shape = spec.kind.shape
        if shape == "template":
            return template(value, Place(self.language, dollar))
        if shape == "path":
            return self.path(spec, value)
        if shape == "part" and spec.kind.of in _PARTS and isinstance(value, dict):
            return self.part(spec.kind.of, value)
        if self.language == "JSONata" and is_query(value):
            return queried(value)
        if shape == "scalar":
            return duration(value) if spec.kind.is_duration else c.constant(value)
        raise NotSaid(spec.name)

    def path(self, spec: Spec, value: Any) -> Code:
        if isinstance(value, str) and value != "$" and spec.name != "OutputPath":
            code = path_code(value, "state_input")
            if code is not None and expression(value, Place("JSONPath")) is not None:
                return code
        return c.constant(value)

    def part(self, cls: type[Any], fields: dict[str, Any]) -> Code:
        """A part of a state, such as an ItemReader."""
        values: list[Code] = []
        keywords: Keywords = {}
        fields = dict(fields)
        if cls in (ItemReader, ResultWriter) and "Resource" in fields:
            resource = fields.pop("Resource")
            key = "Parameters" if self.language == "JSONPath" else "Arguments"
            call = None
            if self.level == Level.IDIOM and isinstance(fields.get(key), dict):
                call = call_code(resource, fields[key], Place(self.language), self.context.functions, for_map=True)
            if call is not None:
                del fields[key]
            values.append(call if call is not None else c.constant(resource))
        for key, value in fields.items():
            keywords |= self.field(cls, key, value, "state_input")
        return c.call(cls.__name__, *values, **keywords)

    # Rules and handlers

    def rules(self) -> list[Code]:
        return [self.rule(index, rule) for index, rule in enumerate(self.take("Choices"))]

    def rule(self, index: int, rule: dict[str, Any]) -> Code:
        own = {key: value for key, value in rule.items() if key not in ("Next", "Comment", "Assign", "Output")}
        test = condition(own, self.language) if self.level != Level.RAW else c.constant(own)
        values = [test, *self.arms.get(("Choices", index), [])]
        keywords: Keywords = {}
        for key in ("Comment", "Assign", "Output"):
            if key in rule:
                keywords |= self.field(Rule, key, rule[key], "state_input")
        return c.call("when", *values, **keywords)

    def otherwise(self) -> Keywords:
        if "Default" not in self.fields:
            return {"otherwise": c.Text("None")}
        self.take("Default")
        steps = self.arms.get(("Default", 0), [])
        if not steps:
            return {}
        return {"otherwise": steps[0] if len(steps) == 1 else c.Items(tuple(steps))}

    def handlers(self, key: str, parts: list[Any]) -> Keywords:
        make = self.retrier if key == "Retry" else self.catcher
        codes = [make(index, part) for index, part in enumerate(parts)]
        return {key.lower(): codes[0] if len(codes) == 1 else c.Items(tuple(codes))}

    def retrier(self, _index: int, retrier: dict[str, Any]) -> Code:
        return retrier_code(retrier)

    def catcher(self, index: int, catcher: dict[str, Any]) -> Code:
        return catcher_code(catcher, index, self)

    # What a state calls and runs

    def called(self, values: list[Code], keywords: Keywords) -> None:
        """The function or the call of a service that a Task makes."""
        resource = self.take("Resource")
        key = "Parameters" if self.language == "JSONPath" else "Arguments"
        place = Place(self.language)
        function = function_code(resource, self.context.functions)
        values.append(function or c.constant(resource))
        if self.level != Level.IDIOM:
            return
        if ":lambda:" in resource and ":function:" in resource:
            if key in self.fields:
                keywords["payload"] = template(self.take(key), place)
            elif isinstance(path := self.fields.get("InputPath"), str) and path != "$":
                code = expression(path, place)
                if code is not None:
                    keywords["payload"] = code
                    self.take("InputPath")
            return
        is_empty = self.fields.get(key) == {}  # a call without arguments gets the state's input instead
        call = None if is_empty else call_code(resource, self.fields.get(key, {}), place, self.context.functions)
        if call is not None:
            self.fields.pop(key, None)
            values[-1] = call
        elif key in self.fields:
            keywords["arguments"] = template(self.take(key), place)

    def branches(self) -> list[Code]:
        return [
            self.graph(Branch, ("Branches", index), branch, {}) for index, branch in enumerate(self.take("Branches"))
        ]

    def graph(self, cls: type[Any], at: tuple[str | int, ...], graph: dict[str, Any], keywords: Keywords) -> Code:
        others = {key: value for key, value in graph.items() if key not in ("StartAt", "States")}
        if cls is Processor and "ProcessorConfig" in others:
            config = others.pop("ProcessorConfig")
            for key, keyword in (("Mode", "mode"), ("ExecutionType", "execution_type")):
                if key in config:
                    keywords[keyword] = c.constant(config[key])
            if not config or config.keys() - {"Mode", "ExecutionType"}:
                raise NotSaid("ProcessorConfig")
        if others:
            raise NotSaid(f"{'/'.join(map(str, at))} with {', '.join(others)}")
        return self.context.inner(at, graph, self.context.language)

    def mapped(self, keywords: Keywords) -> None:
        place = Place(self.language)
        if "ItemsPath" in self.fields:
            keywords |= self.field(self.cls, "ItemsPath", self.take("ItemsPath"), "state_input")
        if "Items" in self.fields:
            keywords["items"] = template(self.take("Items"), place)
        for key in ("ItemReader", "ItemSelector", "ItemBatcher"):
            if key in self.fields:
                keywords |= self.field(self.cls, key, self.take(key), "state_input")
        for key, keyword in (("ItemProcessor", "processor"), ("Iterator", "iterator")):
            if key in self.fields:
                config: Keywords = {}
                keywords[keyword] = self.graph(Processor, (key,), self.take(key), config)
                keywords |= config
                if config and keyword == "iterator":
                    raise NotSaid("ProcessorConfig of an Iterator")

    # What its result is, and where that goes

    def shaped(self, keywords: Keywords) -> None:
        if self.kind in ("Task", "Map", "Parallel", "Pass"):
            if self.language == "JSONata":
                self.by_jsonata(keywords)
            elif self.kind == "Pass":
                self.pass_by_path(keywords)
            else:
                self.by_path(keywords)
        if self.kind == "Parallel" and "arguments" not in keywords:
            key = "Parameters" if self.language == "JSONPath" else "Arguments"
            if key in self.fields:
                keywords["arguments"] = template(self.take(key), Place(self.language))

    def into(self, keywords: Keywords) -> None:
        """ResultPath as `into`."""
        place = self.fields.get("ResultPath", "$")
        if place is None:
            keywords["into"] = c.Api("DISCARD")
            self.take("ResultPath")
        elif (key := field_of(place)) is not None:
            keywords["into"] = c.constant(key)
            self.take("ResultPath")

    def by_path(self, keywords: Keywords) -> None:
        fields = self.fields
        assign = fields.get("Assign")
        if fields.get("ResultPath", "") is None and isinstance(assign, dict) and len(assign) == 1:
            ((key, value),) = assign.items()
            if "ResultSelector" not in fields and is_variable(key.removesuffix(".$")):
                name, shape = pair(key, value, Place("JSONPath", "result"))
                if not name.endswith(".$") and reads(shape, "result"):
                    if shape != c.Text("result"):
                        keywords["output"] = shape
                    keywords["into"] = variable(name)
                    del fields["Assign"], fields["ResultPath"]
                    return
        if "ResultSelector" in fields and fields.get("ResultPath", "") is not None:
            keywords["output"] = template(self.take("ResultSelector"), Place("JSONPath", "result"))
        elif "OutputPath" in fields and "ResultPath" not in fields and "ResultSelector" not in fields:
            path = fields["OutputPath"]
            code = expression(path, Place("JSONPath", "result")) if isinstance(path, str) and path != "$" else None
            if code is not None and reads(code, "result"):
                keywords["output"] = code
                self.take("OutputPath")
        self.into(keywords)

    def pass_by_path(self, keywords: Keywords) -> None:
        fields = self.fields
        if "Result" in fields and "Parameters" not in fields:
            keywords["output"] = c.constant(self.take("Result"))
        elif "Parameters" in fields and "Result" not in fields:
            keywords["output"] = template(self.take("Parameters"), Place("JSONPath"))
        elif isinstance(path := fields.get("InputPath"), str) and path != "$" and "Result" not in fields:
            code = expression(path, Place("JSONPath"))
            if code is not None:
                keywords["output"] = code
                self.take("InputPath")
        self.into(keywords)

    def by_jsonata(self, keywords: Keywords) -> None:
        fields = self.fields
        output, assign = fields.get("Output"), fields.get("Assign")
        if output == _INPUT and self.kind != "Pass":
            self.take("Output")
            if isinstance(assign, dict) and len(assign) == 1:
                ((name, value),) = assign.items()
                shape = template(value, Place("JSONata"))
                if is_variable(name) and reads(shape, "result"):
                    if shape != c.Text("result"):
                        keywords["output"] = shape
                    keywords["into"] = variable(name)
                    del fields["Assign"]
                    return
            keywords["into"] = c.Api("DISCARD")
            return
        if output is not None:
            merged = merged_field(template(output, Place("JSONata")))
            if merged is not None:
                key, value = merged
                plain = c.Text("state_input" if self.kind == "Pass" else "result")
                if value != plain:
                    keywords["output"] = value
                keywords["into"] = c.constant(key)
                self.take("Output")


def field_of(place: Any) -> str | None:
    """The field that a ResultPath names, if it is one of the document's own."""
    parts = split_path(place) if isinstance(place, str) else None
    if parts is None or parts[0] != "$" or len(parts[1]) != 1 or not isinstance(parts[1][0], str):
        return None
    return parts[1][0] if _KEY.fullmatch(parts[1][0]) else None


def merged_field(code: Code) -> tuple[str, Code] | None:
    """The field and the value of `fn.merge(state_input, {field: value})`."""
    if not isinstance(code, c.PythonCall) or code.function != c.Text("fn.merge") or len(code.arguments) != 2:
        return None
    (_, base), (_, added) = code.arguments
    if base != c.Text("state_input") or not isinstance(added, c.Dict) or len(added.pairs) != 1:
        return None
    key, value = added.pairs[0]
    return (key, value) if _KEY.fullmatch(key) else None


def reads(code: Code, root: str) -> bool:
    """True if the code has a path below a root such as `result` in it."""
    return any(isinstance(part, c.Text) and re.match(rf"{root}\b", part.text) for part in c.walk(code))


def is_variable(name: str) -> bool:
    return c.is_attribute(name)


def variable(name: str) -> Code:
    return c.Text(f"var.{name}")


def duration(value: Any) -> Code:
    """Seconds, as a timedelta if they are whole hours or days."""
    if isinstance(value, int) and not isinstance(value, bool) and value >= 3600:
        for unit, seconds in (("days", 86_400), ("hours", 3600)):
            if value % seconds == 0:
                return c.PythonCall(c.Text("timedelta"), ((unit, c.constant(value // seconds)),))
        if value % 60 == 0 and value >= 6000:
            return c.PythonCall(c.Text("timedelta"), (("minutes", c.constant(value // 60)),))
    return c.constant(value)


def error_code(name: Any) -> Code:
    status = re.fullmatch(r"States\.Http\.StatusCode\.([1-5]\d\d)", name) if isinstance(name, str) else None
    return c.call("Http", c.Text(status[1])) if status else c.constant(name)


def _lambda_transient() -> dict[str, Any]:
    from ..author.machine import StateMachine
    from ..author.states import Task

    machine = StateMachine("m", Task("T", "arn:aws:states:::sns:publish", retry=lambda_transient))
    retrier: dict[str, Any] = dump(machine)["States"]["T"]["Retry"][0]
    return retrier


_TRANSIENT = json.dumps(_lambda_transient(), sort_keys=True)


def retrier_code(retrier: dict[str, Any]) -> Code:
    if json.dumps(retrier, sort_keys=True) == _TRANSIENT:
        return c.Api("lambda_transient")
    keywords: Keywords = {}
    for key, value in retrier.items():
        spec = by_asl_name(Retrier).get(key)
        if spec is None:
            raise NotSaid(key)
        if key != "ErrorEquals":
            keywords[spec.attribute] = duration(value) if spec.kind.is_duration else c.constant(value)
    order = [spec.attribute for spec in by_asl_name(Retrier).values()]
    ordered = {key: keywords[key] for key in order if key in keywords}
    return c.PythonCall(c.Api("retry"), (*_errors(retrier["ErrorEquals"]), *ordered.items()))


def _errors(names: list[Any]) -> list[tuple[str, Code]]:
    """The errors of a retrier; three or more of Lambda's service are a slice of their list."""
    for first in range(len(LAMBDA_SERVICE_ERRORS) - 2):
        for last in range(first + 3, len(LAMBDA_SERVICE_ERRORS) + 1):
            if [*LAMBDA_SERVICE_ERRORS[first:last]] == names:
                ends = f"{first or ''}:{last if last < len(LAMBDA_SERVICE_ERRORS) else ''}"
                every = c.Api("LAMBDA_SERVICE_ERRORS")
                return [("*", every if ends == ":" else c.Slice(every, ends))]
    return [("", error_code(name)) for name in names]


def catcher_code(catcher: dict[str, Any], index: int, writer: _Writer) -> Code:
    errors = catcher["ErrorEquals"]
    named = error_code(errors[0]) if len(errors) == 1 else c.Items(tuple(map(error_code, errors)))
    fields = {key: value for key, value in catcher.items() if key not in ("ErrorEquals", "Next")}
    keywords: Keywords = {}
    if writer.level == Level.IDIOM:
        if writer.language == "JSONPath":
            place = fields.get("ResultPath", "$")
            assign = fields.get("Assign")
            single = next(iter(assign.items())) if isinstance(assign, dict) and len(assign) == 1 else None
            if place is None and single and single[1] == "$" and is_variable(single[0].removesuffix(".$")):
                keywords["into"] = variable(single[0].removesuffix(".$"))
                del fields["ResultPath"], fields["Assign"]
            elif place is None:
                keywords["into"] = c.Api("DISCARD")
                del fields["ResultPath"]
            elif (key := field_of(place)) is not None:
                keywords["into"] = c.constant(key)
                del fields["ResultPath"]
        elif "Output" in fields:
            _catch_output(fields, keywords)
    for key, value in fields.items():
        keywords |= writer.field(Catcher, key, value, "error_output")
    return c.call("catch", named, *writer.arms.get(("Catch", index), []), **keywords)


def catchers_code(state: Mapping[str, Any], context: Context, arms: Arms) -> list[Code]:
    """The catchers of a state, for the `guard` around it."""
    language = state.get("QueryLanguage", context.language)
    writer = _Writer("", state["Type"], {}, language, Level.IDIOM, context, arms)
    return [catcher_code(catcher, index, writer) for index, catcher in enumerate(state["Catch"])]


def _catch_output(fields: dict[str, Any], keywords: Keywords) -> None:
    """Output of a JSONata catcher as `into`."""
    place = Place("JSONata")
    assign = fields.get("Assign")
    if fields["Output"] == _INPUT:
        del fields["Output"]
        single = next(iter(assign.items())) if isinstance(assign, dict) and len(assign) == 1 else None
        if single and single[1] == "{% $states.errorOutput %}" and is_variable(single[0]):
            keywords["into"] = variable(single[0])
            del fields["Assign"]
        else:
            keywords["into"] = c.Api("DISCARD")
        return
    merged = merged_field(template(fields["Output"], place))
    if merged is not None:
        del fields["Output"]
        if merged[1] != c.Text("error_output"):
            keywords["output"] = merged[1]
        keywords["into"] = c.constant(merged[0])
