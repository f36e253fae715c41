"""Reading documents by path: the Jayway dialect, its outcomes and its words."""

from __future__ import annotations

from typing import Any

import pytest

from flowdsl.engine import Reply, execute, prepare
from flowdsl.expr.errors import StatesError
from flowdsl.expr.path.jsonpath import compile_field_path, compile_path, parse_path
from flowdsl.expr.path.tree import Index, Name, PathSyntaxError, Root
from flowdsl.expr.scope import Scope

PAIR = {"a": {"v": 1}, "b": {"v": 2}}
STORE: dict[str, Any] = {
    "store": {
        "book": [
            {"author": "Rees", "price": 8.95, "tags": ["a"]},
            {"author": "Waugh", "price": 12.99, "isbn": "0-553"},
            {"author": "Melville", "price": 8, "isbn": None},
        ],
        "bicycle": {"price": 19.95},
    },
    "limit": 10,
    "items": [1, 2, 3, "3", True, None],
    "store.book": "dotted",
    'a\\"b': "kept",
    "empty": [],
    "huge": [1e308, 1],
    "text": "abc",
    "nothing": None,
    "named": [{"name": "/eggs/cooked/like", "value": "poached"}, {"name": "two words", "value": 2}, PAIR],
}
SCOPE = Scope({"Execution": {"Id": "arn"}}, {"order": {"lines": [{"id": 7}]}})

FOUND = [
    ("$", STORE),
    ("$.limit", 10),
    ("$['store']['bicycle'].price", 19.95),
    ('$["limit"]', 10),
    ("$.store.book[0].author", "Rees"),
    ("$.store.book[-1].author", "Melville"),
    ("$.items[9]", None),  # AWS: an index outside the array is null in a payload template
    ("$.items[-9]", None),
    ("$.store.book[*].author", ["Rees", "Waugh", "Melville"]),
    ("$..author", ["Rees", "Waugh", "Melville"]),
    ("$..book[2].author", ["Melville"]),
    ("$..book[0,1].author", ["Rees", "Waugh"]),
    ("$.store..[0]", [{"author": "Rees", "price": 8.95, "tags": ["a"]}, "a"]),
    ("$.store..[0].author", ["Rees", "Waugh", "Melville"]),  # as Jayway: all items, where the index is not last
    ("$.store.book[?(@.isbn =~ /0.*|/)].price", [8.95, 12.99, 8]),  # what is missing is an empty text
    ("$.items[0,9]", [1, None]),
    ("$.items[:2]", [1, 2]),
    ("$.items[1:3]", [2, 3]),
    ("$.items[-2:]", [True, None]),
    ("$.items[:-4]", [1, 2]),
    ("$.items[1:-1]", []),  # Jayway counts only a lone start or end from the array's end
    ("$.items[0:3:2]", [1, 2, 3]),  # Jayway reads no step
    ("$.empty[0:]", []),
    ("$.store.*.price", [19.95]),
    ("$.store.book[0]['author','price']", {"author": "Rees", "price": 8.95}),
    ("$.store.book[?(@.isbn)].author", ["Waugh"]),  # null is as good as missing
    ("$.store.book[?(!@.isbn)].author", ["Rees", "Melville"]),
    ("$.store.book[?(@.price < 13 && @.isbn)].author", ["Waugh"]),
    ("$.store.book[?(@.isbn == null)].price", [8]),
    ("$.store.book[?(@.price == '8.0')].price", [8]),
    ("$.store.book[?(@.price == ' 8')].price", []),  # Java reads no number there
    ("$.store.book[?(10 == '1_0')].price", []),
    ("$.store.book[?(@.price != 'nan')].price", [8.95, 12.99, 8]),
    ("$.store.book[?(@.tags[*])].author", ["Rees"]),
    ("$.store.book[?(@.tags[?(@ == 'b')])].author", ["Rees"]),  # Jayway: an empty list is there
    ("$.store.book[?(@.price[0] != 1)]", []),  # what cannot be applied fails the whole filter
    ("$.store.book[?(!@.author[0])]", []),
    ("$[?(@..price)].limit", []),  # some object in it has no price
    ("$.store.bicycle[?(@..price)].price", [19.95]),
    ("$.store.book[?(@.price > 10 || @.author == 'Rees')].author", ["Rees", "Waugh"]),
    ("$.store.book[?(@.price <= $['limit'])].author", ["Rees", "Melville"]),
    ("$.store.book[?(@.author =~ /.*L.*/i)].author", ["Melville"]),
    ("$.store.book[?(@.author in ['Rees', 'Waugh'])].price", [8.95, 12.99]),
    ("$.store.book[?(@.author nin ['Rees', 'Waugh'])].price", [8]),
    ("$.store.book[?(@.author==Waugh)].price", [12.99]),
    ("$.named[?(@.name==/eggs/cooked/like)].value", ["poached"]),  # github.com/getmoto/moto/issues/7825
    ("$.named[?(@.name == /eggs/cooked/like && @.value==poached)].value", ["poached"]),
    ("$.named[?((@.name==/eggs/cooked/like) || @.value == 2)].value", ["poached", 2]),
    ("$.named[?(@.name != /eggs/cooked/like )].value", [2]),
    ("$.named[?(@.name==/eggs/)].value", []),
    ("$.named[?(@.name =~ /.eggs.*/)].value", ["poached"]),
    ("$.named[?(@.name==two words)].value", [2]),
    ("$.named[2]['a','b'].v", [1, 2]),  # Jayway: each of them, then the next step
    ("$.named[2]['a','b']", {"a": {"v": 1}, "b": {"v": 2}}),
    ("$.named[2]['a','none'].v", [1]),
    ("$.items[?(@ == '3')]", [3, "3"]),
    ("$.items[?(@ == null)]", [None]),
    ("$.store.book[*].tags[?(@ == a)]", ["a"]),
    ("$.store.book[?(@.tags contains 'a')].author", ["Rees"]),
    ("$.store.book[?(@.tags size 1)].author", ["Rees"]),
    ("$.store.book[?(@.isbn == null)].author", ["Melville"]),
    ("$.store.book[?(@.missing != 1)].author", ["Rees", "Waugh", "Melville"]),
    ("$.store.bicycle[?(@.price > 1)]", [{"price": 19.95}]),
    ("$.items[?(@ == 3)]", [3, "3"]),  # Jayway compares numbers with numeric strings
    ("$.items[?(@ === 3)]", [3]),
    ("$.items[?(@ == true)]", [True]),
    ("$.items[?(@ >= 2)]", [2, 3]),
    ("$.items.length()", 6),
    ("$.store.book[*].price.max()", [None, None, None]),
    ("$.empty.sum()", None),
    ("$..price.sum()", 49.89),
    ("$.store..price.min()", [None, None, None, None]),  # each price has a minimum only where it is a list
    ("$.sum($.limit, $.store.book[*].price, 1)", 40.94),
    ('$.concat($.text, $.items, "!")', "abc3!"),
    ("$..book.length()", 3),
    ("$.huge.stddev()", 0.0),
    ("$.sum($.huge, $.huge)", None),  # no number that JSON has
    ("$[(@.length-1)]", None),
    (r"$.store\.book", "dotted"),
    ("$['a\\\"b']", "kept"),  # recorded: a backslash in a quoted name stays
    ("$.[*]['x','y']", [{}]),
    ("$.missing[*].x", []),  # recorded: an indefinite path below nothing is an empty list
    ("$.missing.items[1:5].x", []),
    ("$.nothing", None),
    ("$$.Execution.Id", "arn"),
    ("$order.lines[0].id", 7),
    ("$order", {"lines": [{"id": 7}]}),
]


@pytest.mark.parametrize(("path", "value"), FOUND, ids=[path for path, _ in FOUND])
def test_finds(path: str, value: Any) -> None:
    document = [1, 2, None] if path.startswith("$[(") else STORE
    assert compile_path(path)(document, SCOPE) == value


NO_OBJECT = (
    "Expected to find an object with property ['x'] in path {} but found '{}'. This is not a json object according to "
    "the JsonProvider: 'com.jayway.jsonpath.spi.json.JacksonJsonNodeJsonProvider'."
)
MISSING = [
    ("$.nope", "No results for path: $['nope']"),
    ("$.nope.deep", "Missing property in path $['nope']"),
    ("$.store.nope.x", "Missing property in path $['store']['nope']"),
    ("$.limit[0]", "Filter: [0] can only be applied to arrays. Current context is: 10"),
    ("$.store[0].x", "Filter: [0]['x'] can only be applied to arrays. Current context is: "),
    ("$.items[9][0]", "The path $['items'][9] is null"),
    ("$.items[9][?(@.a)]", "Filter: [?] can not be applied to primitives. Current context is: null"),
    ("$.nothing[0]", "The path $['nothing'] is null"),
    ("$.items[5][0]", "Filter: [0] can only be applied to arrays. Current context is: null"),
    ("$.text[?(@.a)]", "Filter: [?] can not be applied to primitives. Current context is: abc"),
    ("$.items[3][0]", 'Filter: [0] can only be applied to arrays. Current context is: "3"'),
    ("$.text.x", NO_OBJECT.format("$['text']", "java.lang.String")),
    ("$.limit.x", NO_OBJECT.format("$['limit']", "java.lang.Integer")),
    ("$.nothing.x", NO_OBJECT.format("$['nothing']", "null")),
    ("$.items[0].x", NO_OBJECT.format("$['items'][0]", "com.fasterxml.jackson.databind.node.IntNode")),
    ("$.items.x", NO_OBJECT.format("$['items']", "com.fasterxml.jackson.databind.node.ArrayNode")),
    ("$.items[9].x", NO_OBJECT.format("$['items'][9]", "null")),
    ("$$.Nope", "No results for path: $['Nope']"),
    ("$nope", "No results for path: $['nope']"),
]


@pytest.mark.parametrize(("path", "reason"), MISSING, ids=[path for path, _ in MISSING])
def test_says_what_is_missing(path: str, reason: str) -> None:
    with pytest.raises(StatesError) as caught:
        compile_path(path)(STORE, SCOPE)
    assert caught.value.error == "States.Runtime"
    assert caught.value.cause is not None
    assert caught.value.cause.startswith(f"Invalid path '{path}' : {reason}")


def test_names_the_field_and_the_input() -> None:
    with pytest.raises(StatesError) as caught:
        compile_field_path("$.a", "b.$")({"c": [1.5, "é"]}, SCOPE)
    assert caught.value.cause == (
        "The JSONPath '$.a' specified for the field 'b.$' could not be found in the input '{\"c\":[1.5,\"é\"]}'"
    )


@pytest.mark.parametrize("path", ["$", "$.a", "$.a[*]", "$..a", "$[0]"])
def test_no_path_leads_into_null(path: str) -> None:
    cause = "Unable to apply Path transformation to null or empty input."
    for evaluate in (compile_path(path), compile_field_path(path, "b.$")):
        with pytest.raises(StatesError, match=f"^States.Runtime: {cause}$"):
            evaluate(None, SCOPE)


@pytest.mark.parametrize("path", ["$$.Execution.Id", "$order.lines[0].id"])
def test_other_roots_are_read_beside_null(path: str) -> None:
    assert compile_path(path)(None, SCOPE) in ("arn", 7)


def test_names_the_context_object_where_that_was_searched() -> None:
    with pytest.raises(StatesError, match="could not be found in the input") as caught:
        compile_field_path("$$.a", "b.$")({}, SCOPE)
    assert (caught.value.cause or "").endswith("""in the input '{"Execution":{"Id":"arn"}}'""")


WRONG = [
    ("", 0),
    ("a", 0),
    ("$.", 2),
    ("$.a[", 4),
    ("$.a[b]", 4),
    ("$.a['b]", 4),
    ("$.a[1", 5),
    ("$.a b", 3),
    ("$.a[?(@.b ==)]", 12),
    ("$.a[?(@.b ~ 1)]", 10),
    ("$.a[?(@.b == /c/d]", 17),
    ("$.a[:]", 4),
    ("$.a[\u0661]", 4),
    ("$.nope()", 2),
    ("$.length().a", 10),
    ("$.a[?(@ =~ /(/)]", 11),
    ("$.a[?(@ =~ /x* */x)]", 11),
    ("$.\\", 2),
]


@pytest.mark.parametrize(("path", "offset"), WRONG, ids=[path for path, _ in WRONG])
def test_refuses_what_is_no_path(path: str, offset: int) -> None:
    with pytest.raises(PathSyntaxError) as caught:
        parse_path(path)
    assert caught.value.offset == offset


def test_exposes_the_parsed_form() -> None:
    path = parse_path("$order.lines[0]")
    assert (path.root, path.variable) == (Root.VARIABLE, "order")
    assert path.steps == (Name(("lines",)), Index((0,)))
    assert path.is_definite
    assert not parse_path("$..a").is_definite
    assert not parse_path("$.a[0,1]").is_definite
    assert parse_path("$.a['b','c']").is_definite


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("$", True),
        ("$.a[0]['b']", True),
        ("$$.a", True),
        ("$v.a", True),
        ("$.a[*]", False),
        ("$.a[1:]", False),
    ],
)
def test_reference_paths(path: str, expected: bool) -> None:
    assert parse_path(path).is_reference is expected


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("$.a[0]", {}),
        ("$.a[0]", {"a": []}),
        ("$.a[0]", {"a": {}}),
        ("$.a[1]", {"a": [1]}),
        ("$.a[0].b", {}),
        ("$[0]", {}),
    ],
)
def test_no_result_goes_into_an_array_that_is_missing_or_too_short(path: str, value: Any) -> None:
    """Objects are made, array items are not. Source: ASL specification, "ResultPath"."""
    definition = {"StartAt": "S", "States": {"S": {"Type": "Pass", "Result": 1, "ResultPath": path, "End": True}}}
    result = execute(prepare(definition), value, invoke=lambda call: Reply.succeeded(None))
    assert (result.status, result.error) == ("FAILED", "States.ResultPathMatchFailure")


@pytest.mark.parametrize(
    ("path", "value", "output"),
    [
        ("$.a[0]", {"a": [5]}, {"a": [1]}),
        ("$.a[0].b.c", {"a": [{}]}, {"a": [{"b": {"c": 1}}]}),
        ("$.a.b", {}, {"a": {"b": 1}}),
    ],
)
def test_a_result_goes_into_an_item_that_is_there(path: str, value: Any, output: Any) -> None:
    definition = {"StartAt": "S", "States": {"S": {"Type": "Pass", "Result": 1, "ResultPath": path, "End": True}}}
    assert execute(prepare(definition), value, invoke=lambda call: Reply.succeeded(None)).output == output
