"""Every keyword that an author writes shows in the definition, or a problem says why it does not.

The values are made from the declarations of the fields, so that a new keyword is tested as soon as it is declared.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import combinations, islice
from typing import Any, get_args

import attrs
import pytest

import flowdsl as f
from flowdsl.author.fields import Language, Spec, fields_of, specs
from flowdsl.author.graphs import Branch, Processor
from flowdsl.author.states import (
    STATES,
    Catcher,
    ProcessorConfig,
    ReaderConfig,
    Retrier,
    Rule,
    WriterConfig,
)
from flowdsl.check import check

HELLO = f.Function("hello", "handlers/hello")
LANGUAGES: tuple[Language, ...] = get_args(Language)
ANY = f.state_input.any
INNER = Branch(start_at="Inner", states={"Inner": f.Succeed("Inner")})

SPECIAL: dict[str, Callable[[str], list[Any]]] = {
    "into": lambda mark: [mark, f.var[mark], f.DISCARD],
    "steps": lambda mark: [(f.Pass(mark),)],
    "otherwise": lambda mark: [f.Pass(mark), [f.Pass(mark), f.end()]],
    "branches": lambda mark: [(f.Pass(mark),)],
    "named": lambda mark: [{mark: f.Pass(mark)}],
    "processor": lambda mark: [f.Pass(mark)],
    "iterator": lambda mark: [INNER],
    "mode": lambda mark: ["INLINE", "DISTRIBUTED"],
    "execution_type": lambda mark: ["EXPRESS"],
    "payload": lambda mark: [{"key": mark}, f.state_input[mark]],
    "wait_for_task_token": lambda mark: [True],
    "output": lambda mark: [{"key": mark}, {"key": f.result[mark]}, f.result[mark], f.state_input[mark]],
    "arguments": lambda mark: [{"key": mark}, {"key": f.state_input[mark]}, f.state_input[mark]],
    "assign": lambda mark: [{mark: 1}, {"name": f.result[mark]}],
    "next": lambda mark: ["Elsewhere"],
    "default": lambda mark: ["Elsewhere"],
    "query_language": lambda mark: ["JSONata"],
    "choices": lambda mark: [(f.when(mark == ANY),)],
    "condition": lambda mark: [mark == ANY],
    "errors": lambda mark: [(mark,)],
}
"""Values for the keywords that are not an ASL field of the same meaning."""
BY_SHAPE: dict[str, Callable[[str], list[Any]]] = {
    "template": lambda mark: [{"key": mark}, {"key": f.state_input[mark]}],
    "path": lambda mark: [f"$.{mark}", f.state_input[mark]],
}


def values(cls: type[Any], name: str, mark: str) -> list[Any]:
    """Values of a keyword in which the text `mark` shows, if the kind of value has room for it."""
    if name in SPECIAL:
        return SPECIAL[name](mark)
    spec = specs(cls)[name]
    if spec.kind.shape in BY_SHAPE:
        return BY_SHAPE[spec.kind.shape](mark)
    if spec.kind.of:
        return [*islice(parts(spec.kind.of, mark), 2)]
    return scalars(spec, mark)


def scalars(spec: Spec, mark: str) -> list[Any]:
    candidates: list[Any] = [*spec.kind.words, mark, 7, 7.5, True, [mark], ["7"], {"key": mark}, "2030-01-31T12:00:00Z"]
    fitting = [each for each in candidates if spec.kind.accepts(each)]
    assert fitting, f"no value for {spec.name}"
    found = fitting[:1]
    if spec.path:
        found.append(f.state_input[mark])
    if spec.kind.is_duration:
        found.append(timedelta(minutes=2))
    return found


BASES: dict[type[Any], list[dict[str, Any]]] = {
    f.Task: [
        {"resource": HELLO},
        {"resource": f.dynamic(f.state_input.arn, allowed=[HELLO])},
        {"resource": "arn:aws:lambda:eu-west-1:123456789012:function:hello"},
        {"resource": "arn:aws:states:::sqs:sendMessage"},
        {"resource": "arn:aws:states:::batch:submitJob.sync"},
        {"resource": f.aws.sqs.send_message(QueueUrl="https://queue", MessageBody="text")},
        {"resource": "arn:aws:states:eu-west-1:123456789012:activity:approve"},
    ],
    f.Choice: [{"choices": (f.when(ANY == 1, f.Pass("Rule")),)}],
    f.Wait: [{}, {"seconds": 1}],
    f.Map: [{"processor": f.Pass("Item")}, {}],
    f.Parallel: [{"branches": (f.Pass("Left"), f.Pass("Right"))}, {"named": {"left": f.Pass("Left")}}],
    Retrier: [{"errors": ("Error",)}],
    Catcher: [{"errors": ("Error",)}],
    Rule: [{"condition": ANY == 1}],
    f.Credentials: [{"role_arn": "arn:aws:iam::123456789012:role/other"}],
    f.ItemReader: [{"resource": "arn:aws:states:::s3:getObject"}],
    f.ResultWriter: [{"resource": "arn:aws:states:::s3:putObject"}],
    f.ItemBatcher: [{"max_items": 5}],
}
"""What else an object of the class needs, in a few ways."""


def parts(cls: type[Any], mark: str) -> Iterator[Any]:
    """Objects of a class of parts with a mark in them."""
    base = BASES.get(cls, [{}])[0]
    for name in keywords(cls):
        for value in values(cls, name, mark):
            yield cls(**{**base, name: value})


def keywords(cls: type[Any]) -> list[str]:
    """The keywords of a class that say something of the flow."""
    no_meaning = {"name", "extras", "origin", "resource"}
    return [name for name, each in fields_of(cls).items() if each.init and name not in no_meaning]


WRAPPED: dict[type[Any], Callable[[Any], Any]] = {
    Retrier: lambda part: f.Task("S", HELLO, retry=part),
    Catcher: lambda part: f.Task("S", HELLO, catch=[part]),
    Rule: lambda part: f.Choice("S", part),
    f.Credentials: lambda part: f.Task("S", HELLO, credentials=part),
    f.ItemReader: lambda part: f.Map("S", processor=f.Pass("Item"), mode="DISTRIBUTED", item_reader=part),
    f.ItemBatcher: lambda part: f.Map("S", processor=f.Pass("Item"), mode="DISTRIBUTED", item_batcher=part),
    f.ResultWriter: lambda part: f.Map("S", processor=f.Pass("Item"), mode="DISTRIBUTED", result_writer=part),
    ReaderConfig: lambda part: WRAPPED[f.ItemReader](f.ItemReader("arn:aws:states:::s3:getObject", config=part)),
    WriterConfig: lambda part: WRAPPED[f.ResultWriter](f.ResultWriter("arn:aws:states:::s3:putObject", config=part)),
    ProcessorConfig: lambda part: f.Map(
        "S", processor=Processor(start_at="Inner", states={"Inner": f.Succeed("Inner")}, config=part)
    ),
}
"""A state with the part in it."""
CLASSES: list[type[Any]] = [*STATES.values(), *WRAPPED]


@attrs.frozen
class Written:
    """A machine with an object of a class in it, and its definition as text."""

    machine: f.StateMachine
    text: str

    def has_problems(self) -> bool:
        if self.machine.problems:
            return True
        return any(each.severity == "error" for each in check(json.loads(self.text), python=True))


def write(make: Callable[[dict[str, Any]], f.StateMachine], fields: dict[str, Any]) -> Written:
    machine = make(fields)
    return Written(machine, json.dumps(f.dump(machine)))


def in_a_flow(step: Any, **fields: Any) -> f.StateMachine:
    """A machine in which every route can be taken, whatever the step does."""
    elsewhere = f.when(ANY == 1, f.Pass("Elsewhere"), f.end())
    route = f.Choice("Route", elsewhere, f.when(ANY == 2, f.goto("After")))
    return f.StateMachine("m", f.chain(route, step, f.Pass("After")), **fields)


def is_lost(name: str, value: Any, both: Written, without: Written) -> bool:
    """True if a keyword changes nothing, or its value is not in the definition, and no problem says so."""
    mark = f"mark_{name}"
    shows = both.text != without.text and (mark in both.text or mark not in repr(value))
    return not shows and not both.has_problems()


def hold_the_rule(
    make: Callable[[dict[str, Any]], f.StateMachine], base: dict[str, Any], keywords: dict[str, list[Any]]
) -> None:
    """Each keyword alone with every kind of value; pairs with every kind if one of them is lowered, else with one."""
    plain = write(make, base)
    paired: list[tuple[str, Any, Written]] = []
    for name, values in keywords.items():
        for index, value in enumerate(values):
            written = write(make, {**base, name: value})
            assert not is_lost(name, value, written, plain), (base, {name: value})
            if name in SPECIAL or index == 0:
                paired.append((name, value, written))
    for (one, first, with_one), (two, second, with_two) in combinations(paired, 2):
        if one == two:
            continue
        both = write(make, {**base, one: first, two: second})
        lost = is_lost(one, first, both, with_two) or is_lost(two, second, both, with_one)
        assert not lost, (base, {one: first, two: second})


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_every_keyword_of_a_state_or_a_part(cls: type[Any], language: Language) -> None:
    def make(fields: dict[str, Any]) -> f.StateMachine:
        state = WRAPPED[cls](cls(**fields)) if cls in WRAPPED else cls("S", **fields)
        return in_a_flow(state, query_language=language)

    for base in BASES.get(cls, [{}]):
        hold_the_rule(make, base, {name: values(cls, name, f"mark_{name}") for name in keywords(cls)})


FUNCTIONS: dict[str, tuple[Callable[[dict[str, Any], Language], f.StateMachine], dict[str, Any], dict[str, list[Any]]]]
FUNCTIONS = {
    "retry": (
        lambda fields, language: in_a_flow(f.Task("S", HELLO, retry=f.retry("E", **fields)), query_language=language),
        {},
        {name: values(Retrier, name, f"mark_{name}") for name in keywords(Retrier) if name != "errors"},
    ),
    "catch": (
        lambda fields, language: in_a_flow(f.Task("S", HELLO, catch=f.catch("E", **fields)), query_language=language),
        {},
        {name: values(Catcher, name, f"mark_{name}") for name in keywords(Catcher) if name not in ("errors", "steps")},
    ),
    "when": (
        lambda fields, language: in_a_flow(f.Choice("S", f.when(ANY == 3, **fields)), query_language=language),
        {},
        {name: values(Rule, name, f"mark_{name}") for name in keywords(Rule) if name not in ("condition", "steps")},
    ),
    "repeat": (
        lambda fields, language: in_a_flow(f.repeat(f.Pass("S"), **fields), query_language=language),
        {"until": ANY == 3},
        {
            "until": [ANY == "mark_until"],
            "failed": [ANY == "mark_failed", f.when(ANY == 4, f.Pass("mark_failed"))],
            "at_most": [7, f.state_input.mark_at_most],
            "counter": [f.var.mark_counter],
            "otherwise": [f.Pass("mark_otherwise")],
            "between": [f.Pass("mark_between")],
            "name": ["mark_name"],
        },
    ),
    "poll": (
        lambda fields, language: in_a_flow(f.poll(f.Pass("S"), **fields), query_language=language),
        {"until": ANY == 3, "every": 5},
        {
            "every": [timedelta(hours=1), f.state_input.mark_every],
            "failed": [ANY == "mark_failed"],
            "at_most": [7],
            "counter": [f.var.mark_counter],
            "otherwise": [f.Pass("mark_otherwise")],
            "waits_first": [True],
            "name": ["mark_name"],
        },
    ),
    "Defaults": (
        lambda fields, language: in_a_flow(f.Task("S", HELLO), query_language=language, defaults=f.Defaults(**fields)),
        {},
        {
            "retry": [f.retry("mark_retry"), [f.lambda_transient]],
            "catch": [f.catch("E", f.Pass("mark_catch"))],
            "timeout": [7, timedelta(hours=1)],
        },
    ),
    "StateMachine": (
        lambda fields, language: f.StateMachine("m", f.Pass("S"), **{"query_language": language, **fields}),
        {},
        {
            "comment": ["mark_comment"],
            "version": ["1.0"],
            "timeout": [7, timedelta(hours=1)],
            "start_at": ["mark_start_at"],
            "states": [{"mark_states": f.Pass("mark_states")}],
            "type": ["EXPRES"],
        },
    ),
}
"""How to make a machine with the keywords of a function, those that it needs, and values of all."""
NOT_IN_A_DEFINITION = {
    *("name", "flow", "input", "related", "defaults", "query_language", "origin", "extras"),
    "checks",  # tests/deploy/test_checks_of_the_project.py
    *("schedules", "alarms"),  # tests/deploy/test_watching.py
}
"""Keywords of a StateMachine for other uses, or with tests of their own."""


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("function", FUNCTIONS)
def test_every_keyword_of_a_function(function: str, language: Language) -> None:
    make, base, keywords = FUNCTIONS[function]
    hold_the_rule(lambda fields: _or_refused(make, fields, language), base, keywords)


def _or_refused(make: Any, fields: dict[str, Any], language: Language) -> f.StateMachine:
    """The machine; what Python refuses at once is a problem too."""
    try:
        machine: f.StateMachine = make(fields, language)
    except TypeError as error:
        machine = f.StateMachine("m", f.Pass("S"))
        machine.problems.append(f.Diagnostic("FD703", str(error)))
    return machine


def test_no_keyword_of_a_function_is_left_out() -> None:
    from inspect import signature

    for name, (_, base, tested) in FUNCTIONS.items():
        parameters = signature(getattr(f, name)).parameters.values()
        own = {each.name for each in parameters if each.kind == each.KEYWORD_ONLY}
        if name == "StateMachine":
            own = {name for name, each in fields_of(f.StateMachine).items() if each.init} - NOT_IN_A_DEFINITION
        assert own - {"origin"} <= {*base, *tested}, name
