"""What the text of a handler without annotations tells of its event and its result."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent, indent

import pytest

from flowdsl.author.functions import Function
from flowdsl.check.dataflow.annotations import read_declarations
from flowdsl.check.dataflow.shapes import ANY, ObjectShape, ScalarShape, Shape, UnionShape
from flowdsl.project import load, review

TASK = ("States", "T")


def described(shape: Shape) -> object:
    """A shape as a value that can be written down: `?` marks what may be missing."""
    match shape:
        case ScalarShape(kind, values):
            return {*values} if values is not None else kind
        case ObjectShape(fields):
            return {(name if member.always else f"{name}?"): described(member.shape) for name, member in fields.items()}
        case UnionShape(ways):
            return [described(each) for each in ways]
        case _:
            return None if shape == ANY else "list"


def declared(tmp_path: Path, code: str) -> tuple[object, object]:
    """What is known of the event and the result of `handler` in this code."""
    (tmp_path / "handler.py").write_text(code)
    function = Function("f", ".")
    data = read_declarations(None, {TASK: [function]}, tmp_path)
    ((_, event, _),) = data.events[TASK]
    return described(event), described(data.results[TASK])


RESULTS: dict[str, tuple[str, object]] = {
    "an object": (
        "return {'id': event['id'], 'n': len(event), 'text': f'{event}'}",
        {"id": None, "n": "number", "text": "string"},
    ),
    "constants": ("return {'ok': True, 'code': 'A'}", {"ok": {True}, "code": {"A"}}),
    "a name": ("status = 'a' if event else 'b'\nreturn {'status': status}", {"status": {"a", "b"}}),
    "a name with two values": (
        "status = 'paid'\nif event:\n    status = 'declined'\nreturn {'status': status}",
        {"status": {"paid", "declined"}},
    ),
    "several returns": ("if event:\n    return {'a': 1}\nreturn {'a': 2, 'b': 'x'}", {"a": {1, 2}, "b?": {"x"}}),
    "nothing": ("x = 1", None),
    "a comparison and a sum": (
        "return {'is': event['a'] > 1, 'sum': sum(event['b']), 'both': len(event) + 1}",
        {"is": "boolean", "sum": "number", "both": "number"},
    ),
    "inside": ("return {'a': {'b': str(event)}, 'l': [1, 2]}", {"a": {"b": "string"}, "l": "list"}),
    "a literal that is returned": ("answer = {'a': 1}\nreturn answer", {"a": {1}}),
    # What is not certain is unknown.
    "computed": ("return compute(event)", None),
    "merged": ("return {**event, 'a': 1}", None),
    "a computed key": ("return {event: 1}", None),
    "changed in place": ("answer = {'a': 1}\nanswer['b'] = 2\nreturn answer", None),
    "updated": ("answer = {'a': 1}\nanswer.update(b=2)\nreturn answer", None),
    "handed on": ("answer = {'a': 1}\nfill(answer)\nreturn answer", None),
    "counted up": ("n = 0\nn += event['n']\nreturn {'n': n}", {"n": None}),
    "from a loop": ("for n in event['l']:\n    pass\nreturn {'n': n}", {"n": None}),
    "the event itself": ("event = {'a': 1}\nreturn event", None),
    "a part that may be anything": ("return {'a': event.get('a')}", {"a": None}),
    "a generator": ("yield {'a': 1}", None),
    "changed inside": ("answer = {'a': {}}\nanswer['a']['b'] = 2\nreturn answer", None),
    "a list that grows": ("answer = {'a': []}\nanswer['a'].append(2)\nreturn answer", None),
    "changed by another name": ("a = {'a': 1}\nb = a\nb['c'] = 2\nreturn a", None),
    "changed by a function inside": (
        "status = 'open'\ndef close():\n    nonlocal status\n    status = 'closed'\nclose()\nreturn {'status': status}",
        {"status": None},
    ),
    "from a pattern": (
        "status = 'a'\nmatch event:\n    case {'status': status}:\n        pass\nreturn {'status': status}",
        {"status": None},
    ),
    "the name of an error": (
        "x = 'a'\ntry:\n    go()\nexcept OSError as x:\n    pass\nreturn {'x': x}",
        {"x": None},
    ),
    "an import": ("x = 'a'\nif event:\n    import y as x\nreturn {'x': x}", {"x": None}),
    "by :=": ("x = 'a'\nif (x := event['b']):\n    pass\nreturn {'x': x}", {"x": None}),
    "one of two that is changed": ("a = {} if event else {'a': 1}\na['b'] = 2\nreturn a", None),
    # What a flow may tell apart by another field.
    "null on one way": (
        "if event:\n    return {'ok': True, 'n': 1}\nreturn {'ok': False, 'n': None}",
        {"ok": {True, False}, "n": None},
    ),
    "null at first": ("n = None\nif event:\n    n = len(event)\nreturn {'n': n}", {"n": None}),
    "of two kinds": ("if event:\n    return {'v': 'x'}\nreturn {'v': 1}", {"v": None}),
    "a part of a part": ("if event:\n    return {'d': {'a': 1}}\nreturn {'d': {}}", {"d": {"a?": {1}}}),
    "the end": ("if event:\n    return {'a': 1}", None),
    "the end after a loop": ("for each in event:\n    return {'a': 1}", None),
    "None, or an object": ("if event:\n    return None\nreturn {'a': 1}", None),
    "an end on both ways": ("if event:\n    return {'a': 1}\nelse:\n    raise ValueError", {"a": {1}}),
    "a try that ends": ("try:\n    return {'a': 1}\nexcept OSError:\n    raise", {"a": {1}}),
    "a text that grows": ("a = ''\n" + "a = a + 'x'\n" * 200 + "return {'a': a}", {"a": None}),
    "an error that is suppressed": ("with suppress(KeyError):\n    return {'a': event['b']}", None),
    "a text with values": ("return {'a': '{}!'.format(event)}", {"a": "string"}),
    "of a formatter": ("return {'a': Report().format(event)}", {"a": None}),
    "changed through a function inside": (
        "answer = {'a': 1}\ndef get():\n    return answer\nget()['b'] = 2\nreturn answer",
        None,
    ),
    "one way of two": ("if event:\n    return {'a': 1}\nreturn other()", None),
}


@pytest.mark.parametrize("name", RESULTS)
def test_results(tmp_path: Path, name: str) -> None:
    body, expected = RESULTS[name]
    assert declared(tmp_path, f"def handler(event, context):\n{indent(body, '    ')}\n")[1] == expected


EVENTS: dict[str, tuple[str, object]] = {
    "keys": ("x = event['a'] + event['b']", {"a": None, "b": None}),
    "inside": (
        "return event['order']['lines'][0]['sku'], event['order']['id']",
        {"order": {"id": None, "lines": None}},
    ),
    "by another name": ("order = event['order']\nreturn {'id': order['id']}", {"order": {"id": None}}),
    "in a text": ("return f\"{event['a']:>5}\"", {"a": None}),
    "in arguments": ("print(event['a'], end=event['b'])", {"a": None, "b": None}),
    "in a test": ("if event['a'] > 1:\n    raise ValueError(event['b'])\nreturn event['c']", {"a": None, "c": None}),
    "in a with": ("with connect(event['a']) as c:\n    c.send(event['b'])", {"a": None, "b": None}),
    "before a return": ("if event['a']:\n    return 1\nreturn event['b']", {"a": None}),
    "the list of a loop": ("for each in event['rows']:\n    send(event['to'])", {"rows": None}),
    # What need not be there.
    "with a default": ("return event.get('a', 1)", None),
    "asked for": ("if 'a' in event:\n    pass\nreturn event['a']", None),
    "asked for elsewhere": ("x = event['a']\nreturn event.get('a')", None),
    "set before": ("event['a'] = 1\nreturn event['a']", None),
    "defaulted": ("event.setdefault('a', 1)\nreturn event['a']", None),
    "tried": ("try:\n    return event['a']\nexcept KeyError:\n    return 1", None),
    "suppressed": ("with suppress(KeyError):\n    print(event['a'])", None),
    "on one way": ("return event['a'] if flag else event.other", None),
    "after or": ("return flag or event['a']", None),
    "in a function inside": ("return lambda: event['a']", None),
    "for each of none": ("return [event['a'] for _ in rows]", None),
    "of another event": ("event = json.loads(event)\nreturn event['a']", None),
    "an index": ("return event[0]", None),
    # What somebody may have filled in.
    "one of two targets": ("event, meta = unwrap(event)\nreturn event['a']", None),
    "a second name": ("e = event = json.loads(event)\nreturn event['a']", None),
    "by :=": ("x = (event := load())\nreturn event['a']", None),
    "of a with": ("with a() as (event, x):\n    return event['a']", None),
    "updated": ("event.update(load(event))\nreturn event['a']", None),
    "passed on": ("apply_defaults(event)\nreturn event['a']", None),
    "set in a loop": ("for k, v in D.items():\n    event.setdefault(k, v)\nreturn event['a']", None),
    "set by a name": ("event[k] = 1\nreturn event['a']", None),
    "defaulted by a name": ("event.setdefault(KEY, 1)\nreturn event['a']", None),
    "kept under another name": ("e = event\ne['a'] = 1\nreturn event['a']", None),
    "deleted from": ("del event['a']\nreturn event['b']", None),
    "set inside": ("event['o']['t'] = 1\nreturn event['o']['t']", {"o": None}),
    "a part that is passed on": ("fill(event['o'])\nreturn event['o']['t']", {"o": None}),
    "a part that is set by its name": ("o = event['o']\no['t'] = 1\nreturn o['t']", {"o": None}),
    "a part that has a default": ("o = event['o']\nx = o.get('t')\nreturn o['t'], o['u']", {"o": {"u": None}}),
    "suppressed by a logger": ("with logger.catch():\n    print(event['a'])", None),
    "in the message of an assert": ("assert event.get('a'), event['b']\nreturn event['c']", {"c": None}),
    "passed on in a dict": ("fill({'event': event})\nreturn event['a']", None),
    "kept in a dict": ("all = {'event': event}\nfill(all)\nreturn event['a']", None),
    "got by a function inside": ("def get():\n    return event\nget()['a'] = 1\nreturn event['a']", None),
    "passed to another print": ("def info(e):\n    e['a'] = 1\ninfo(event)\nreturn event['a']", None),
    "after continue": ("while True:\n    if x:\n        break\nreturn event['a']", None),
    # What only looks.
    "logged": ("logger.info('got', extra={'event': event})\nprint(json.dumps(event))\nreturn event['a']", {"a": None}),
    "logged in a dict": ("logger.info({'event': event})\nreturn event['a']", {"a": None}),
    "returned in a dict": ("return {'event': event, 'a': event['a']}", {"a": None}),
    "spread": ("return {**event, 'b': event['a']}", {"a": None}),
}


@pytest.mark.parametrize("name", EVENTS)
def test_events(tmp_path: Path, name: str) -> None:
    body, expected = EVENTS[name]
    assert declared(tmp_path, f"def handler(event, context):\n{indent(body, '    ')}\n")[0] == expected


@pytest.mark.parametrize(
    ("signature", "is_known"),
    [
        ("def handler(event: dict, context) -> dict:", True),
        ("def handler(event: dict[str, Any], context: object) -> dict[str, Any]:", True),
        ("@logger.inject_lambda_context(log_event=False)\ndef handler(event, context):", True),
        ("@tracer.capture_lambda_handler\n@metrics.log_metrics\ndef handler(event, context):", True),
        ("@event_parser(model=Order)\ndef handler(event, context):", False),
        ("def handler(event: Order, context) -> Answer:", False),
        ("async def handler(event, context):", False),
        ("@own\ndef handler(event, context):", False),
        ("def own(f: F) -> F: ...\n\n@own\ndef handler(event, context):", True),
        ("def own(f: Callable[P, R]) -> Callable[P, R]: ...\n\n@own\ndef handler(event, context):", True),
        ("def own(f: Callable[P, R]) -> Callable[P, str]: ...\n\n@own\ndef handler(event, context):", False),
        ("def own(f: Callable[..., R]) -> Callable[..., R]: ...\n\n@own\ndef handler(event, context):", False),
        ("def own(f: Handler) -> Handler: ...\n\n@own\ndef handler(event, context):", False),
        ("def own(f: 'F') -> 'F': ...\n\n@own\ndef handler(event, context):", False),
        ("def own(f): ...\n\n@own\ndef handler(event, context):", False),
        ("def own(name: F) -> F: ...\n\n@own('x')\ndef handler(event, context):", False),
    ],
)
def test_signatures(tmp_path: Path, signature: str, is_known: bool) -> None:
    variables = "F = TypeVar('F', bound=Handler)\nP = ParamSpec('P')\nR = TypeVar('R')\n"
    variables += "Handler = Callable[[dict, Any], dict]\n"
    event, result = declared(tmp_path, f"{variables}{signature}\n    return {{'id': event['id']}}\n")
    assert (event, result) == (({"id": None}, {"id": None}) if is_known else (None, None))


DECLARED = """
from typing import Annotated, NotRequired, ReadOnly, Required, TypedDict

class E(TypedDict):
    a: int
    b: NotRequired[int]
    c: Annotated[NotRequired[int], "c"]
    d: ReadOnly[NotRequired[int]]

class R(TypedDict, total=False):
    a: Annotated[Required[int], "a"]
    b: int
"""


@pytest.mark.parametrize("decorator", ["", "@tracer.capture_lambda_handler\n", "@in_a_response\n"])
def test_annotations_of_a_decorated_handler(tmp_path: Path, decorator: str) -> None:
    found = declared(tmp_path, f"{DECLARED}\n{decorator}def handler(event: E, context) -> R: ...\n")
    event = {"a": "number", "b?": "number", "c?": "number", "d?": "number"}
    assert found == ((None, None) if "response" in decorator else (event, {"a": "number", "b?": "number"}))


@pytest.mark.parametrize(
    "after",
    [
        "handler = wrap(handler)",
        "from .real import handler",
        "import real as handler",
        "class handler: pass",
        "async def handler(event): ...",
        "handler, other = wrap(handler), 1",
        "main = handler = wrap(handler)",
        "if fast:\n    handler = wrap(handler)",
        "try:\n    from fast import handler\nexcept ImportError:\n    pass",
        "for handler in wrap(handler): pass",
        "def setup():\n    global handler\n    handler = 1",
        "del handler",
    ],
)
def test_a_handler_that_is_replaced(tmp_path: Path, after: str) -> None:
    code = f"def handler(event, context):\n    return {{'id': event['id']}}\n\n{after}\n"
    assert declared(tmp_path, code) == (None, None)


@pytest.mark.parametrize("before", ["def len(x):\n    return x", "import mine as len", "from mine import *"])
def test_names_of_the_file_hide_builtins(tmp_path: Path, before: str) -> None:
    code = f"{before}\n\ndef handler(event, context):\n    return {{'n': len(event)}}\n"
    assert declared(tmp_path, code)[1] == {"n": None}


@pytest.mark.parametrize(
    ("body", "event"),
    [
        (
            "if event['k'] == 0:\n    return {}\n"
            + "elif event['k'] == 1:\n    return {}\n" * 1500
            + "else:\n    return {}",
            {"k": None},
        ),
        ("return event" + "['a']" * 1500, None),
        ("e = event\n" + "".join(f"e{n} = e{n - 1 or ''}\n" for n in range(1, 1500)) + "return e1499['x']", None),
    ],
)
def test_a_handler_with_more_levels_than_python_follows_is_unknown(tmp_path: Path, body: str, event: object) -> None:
    assert declared(tmp_path, f"def handler(event, context):\n{indent(body, '    ')}\n") == (event, None)


FLOW = """
import flowdsl as f

price = f.Task("Price", f.Function("price", "price"), into="price")
machine = f.StateMachine(
    "shop",
    f.chain(
        price,
        f.Task(
            "Charge",
            f.Function("charge", "charge"),
            payload={"card": f.state_input.card, PAYLOAD},
            into="payment",
        ),
    ),
    query_language="JSONata",
)
"""


TAGGED = """
from typing import Literal, TypedDict

class Card(TypedDict):
    kind: Literal["card", "wallet"]
    card: int

class Debit(TypedDict):
    kind: Literal["debit"]
    mandate: int

class Either(TypedDict):
    card: int

def handler(event, context) -> ANSWER: ...
"""
TELLING = """
import flowdsl as f

get = f.Task("Get", f.Function("get", "get"), into="got")
debit = f.Wait("Debit", seconds=get.out.mandate)
card = f.Wait("Card", seconds=get.out.card)
machine = f.StateMachine("m", f.chain(get, f.Choice("Which", f.when(TEST, card), otherwise=debit)))
"""


@pytest.mark.parametrize(
    ("answer", "test", "expected"),
    [
        ("Card | Debit", 'get.out.kind == "card"', ["FD802"]),  # A wallet has no mandate.
        ("Card | Debit", 'f.one_of(get.out.kind, "card", "wallet")', []),
        ("Card | Debit", 'get.out.kind != "debit"', []),
        ("Card | Debit", "get.out.other > 1", ["FD801", "FD802", "FD802"]),
        ("Either | Debit", 'get.out.kind != "debit"', ["FD802", "FD802", "FD802"]),
    ],
)
def test_alternatives_that_a_literal_tells_apart(tmp_path: Path, answer: str, test: str, expected: list[str]) -> None:
    (tmp_path / "get").mkdir()
    (tmp_path / "get" / "handler.py").write_text(TAGGED.replace("ANSWER", answer))
    (tmp_path / "flow.py").write_text(TELLING.replace("TEST", test))
    assert sorted(each.code for each in review(load(tmp_path / "flow.py"), packaging=False)) == expected


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        ('"cents": price.out.cents', []),
        ('"cents": price.out.amount', [("FD801", "error")]),
        ('"amount": price.out.cents', [("FD806", "error")]),
        ('"cents": price.out.cents.total', [("FD801", "error")]),
    ],
)
def test_a_flow_with_handlers_without_annotations(
    tmp_path: Path, payload: str, expected: list[tuple[str, str]]
) -> None:
    for name, body in (("price", "return {'cents': 100}"), ("charge", "print(event['card'], event['cents'])")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "handler.py").write_text(f"def handler(event, context):\n    {body}\n")
    (tmp_path / "flow.py").write_text(dedent(FLOW).replace("PAYLOAD", payload))
    found = review(load(tmp_path / "flow.py"), packaging=False)
    assert [(each.code, each.severity) for each in found] == expected


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        ('"cents": 1, "note": "a", "order": {"id": "a"}', []),
        ('"note": "a", "order": {"id": "a"}', ["error"]),  # a KeyError
        ('"cents": 1, "order": {"id": "a"}', ["warning"]),  # declared, and never read
        ('"cents": 1, "note": "a", "order": {}', ["error"]),
        ('"cents": "1", "note": "a", "order": {"id": "a"}', ["warning"]),
    ],
)
def test_what_an_annotated_handler_reads_and_does_not_get(tmp_path: Path, payload: str, expected: list[str]) -> None:
    (tmp_path / "charge").mkdir()
    (tmp_path / "charge" / "handler.py").write_text(ANNOTATED)
    (tmp_path / "flow.py").write_text(CHARGING.replace("PAYLOAD", payload))
    found = review(load(tmp_path / "flow.py"), packaging=False)
    assert [(each.code, each.severity) for each in found] == [("FD806", severity) for severity in expected]


ANNOTATED = """
from typing import NotRequired, TypedDict

class Order(TypedDict):
    id: str
    lines: NotRequired[list[str]]

class Charge(TypedDict):
    cents: int
    note: str
    order: Order

def handler(event: Charge, context):
    print(event["cents"], event["order"]["id"])
    if event["cents"] > 5:
        print(event["note"])
"""
CHARGING = """
import flowdsl as f

machine = f.StateMachine("m", f.Task("Charge", f.Function("charge", "charge"), payload={PAYLOAD}))
"""
