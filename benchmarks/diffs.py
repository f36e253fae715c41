"""Labelled pairs for `flowdsl diff`: how many it tells right: `python -m benchmarks.diffs [SEED] [COUNT]`.

`--missed` prints the others, `--double` makes two edits a pair.

Each pair is a definition and the same after one edit. The generator knows what it did and writes the label; the diff
sees the two definitions only. A pair counts as right if the diff reports exactly the label, as pairs of kind and state:
nothing missing and nothing more. Definitions are those of tests/conformance_data that AWS accepts, and the flows of
this project.
"""

from __future__ import annotations

import copy
import json
import random
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from flowdsl import project
from flowdsl.asl.tree import Node, Tree
from flowdsl.diff.compare import compare
from flowdsl.diff.model import Side

ROOT = Path(__file__).parent.parent
FLOWS = (
    "payment_flow.py",
    "refund_flow.py",
    *(f"examples/{name}/flow.py" for name in ("approval", "trip_saga", "csv_import", "job_poller")),
)
WORDS = ("Amber", "Basil", "Cedar", "Dune", "Ember", "Fjord", "Grove", "Harbor", "Iris", "Juniper", "Kestrel", "Lagoon")
FUNCTION = "arn:aws:lambda:eu-west-1:123456789012:function:"


class Pair(NamedTuple):
    kind: str
    old: dict[str, Any]
    new: dict[str, Any]
    label: frozenset[tuple[str, str]]
    """Kind and state of each change that the diff is to report; of a swap one of the two states is enough."""
    either: str = ""
    """The other state of a swap."""


def definitions() -> list[dict[str, Any]]:
    """The definitions that are edited, those with three states at least."""
    from tests.conformance_data import definitions as recorded

    values = [case["definition"] for case in recorded() if case["expected"] == "valid"]
    for name in FLOWS:
        values += [each.definition for each in project.load(ROOT / name)]
    return [value for value in values if isinstance(value, dict) and sum(1 for _ in Tree(value)) >= 3]


# The places of names


def refer(states: dict[str, Any], machine: dict[str, Any], name: str, other: str) -> int:
    """Let all that leads to a state of a machine lead to another one; how many."""
    count = 0
    if machine.get("StartAt") == name:
        machine["StartAt"] = other
        count += 1
    for state in states.values():
        for holder, key in holders(state):
            if holder.get(key) == name:
                holder[key] = other
                count += 1
    return count


def holders(state: dict[str, Any]) -> Iterator[tuple[dict[str, Any], str]]:
    """The objects of a state that name the next one, with their keys."""
    for key in ("Next", "Default"):
        if key in state:
            yield state, key
    for field in ("Choices", "Catch"):
        for each in state.get(field, ()):
            if "Next" in each:
                yield each, "Next"


def fresh(rng: random.Random, tree: Tree) -> str:
    while True:
        name = f"{rng.choice(WORDS)}{rng.choice(WORDS)}{rng.randrange(100)}"
        if name not in tree.names:
            return name


def wanted(rng: random.Random, tree: Tree, test: Callable[[Node], bool]) -> Node | None:
    nodes = [node for node in tree if test(node)]
    return rng.choice(nodes) if nodes else None


# Edits: each changes the definition in place and returns the label, or None if it cannot be made


Label = frozenset[tuple[str, str]]
Edit = Callable[[random.Random, Tree], "Label | tuple[Label, str] | None"]


def rename(rng: random.Random, tree: Tree) -> Label | None:
    node = wanted(rng, tree, lambda each: len(tree.names[each.name]) == 1)
    if node is None:
        return None
    name = fresh(rng, tree)
    states = node.machine.fields["States"]
    items = [(name if key == node.name else key, value) for key, value in states.items()]
    if rng.random() < 0.3:
        rng.shuffle(items)
    states.clear()
    states.update(items)
    refer(states, node.machine.fields, node.name, name)
    return frozenset({("renamed", name)})


def new_state(rng: random.Random, node: Node) -> dict[str, Any]:
    """A state that fits the query language, and is not one that the definition has."""
    number = rng.randrange(1_000_000)
    jsonata = node.language == "JSONata"
    options: list[dict[str, Any]] = [
        {"Type": "Wait", "Seconds": 1 + number},
        {"Type": "Pass", "Output": {"n": number}}
        if jsonata
        else {"Type": "Pass", "Result": number, "ResultPath": "$.n"},
        {"Type": "Task", "Resource": f"{FUNCTION}work-{number}"},
        {"Type": "Pass"},
    ]
    return rng.choice(options)


def insert(rng: random.Random, tree: Tree) -> Label | None:
    node = wanted(rng, tree, lambda each: "Next" in each.fields and each.machine.find(each.fields["Next"]) is not None)
    if node is None:
        return None
    name = fresh(rng, tree)
    state = {**new_state(rng, node), "Next": node.fields["Next"]}
    if node.language != tree.language:
        state["QueryLanguage"] = node.language
    states = node.machine.fields["States"]
    items = [*states.items()]
    items.insert(rng.randrange(len(items) + 1), (name, state))
    states.clear()
    states.update(items)
    node.fields["Next"] = name
    return frozenset({("added", name)})


def remove(rng: random.Random, tree: Tree) -> Label | None:
    def can_go(each: Node) -> bool:
        onward = each.fields.get("Next")
        is_plain = each.type in ("Task", "Pass", "Wait") and "Catch" not in each.fields
        return is_plain and each.machine.find(onward) not in (None, each) and len(tree.names[each.name]) == 1

    node = wanted(rng, tree, can_go)
    if node is None:
        return None
    states = node.machine.fields["States"]
    del states[node.name]
    refer(states, node.machine.fields, node.name, node.fields["Next"])
    return frozenset({("removed", node.name)})


def swap(rng: random.Random, tree: Tree) -> tuple[Label, str] | None:
    """Two states in a row change places."""

    def can_swap(each: Node) -> bool:
        other = each.machine.find(each.fields.get("Next"))
        if other is None or other is each or other.type not in ("Task", "Pass", "Wait", "Map", "Parallel"):
            return False
        before = [edge for edge in each.machine.edges if edge.name == other.name and edge.kind != "retry"]
        if len(before) != 1 or each.type not in ("Task", "Pass", "Wait", "Map", "Parallel"):
            return False
        back = {name for holder, key in holders(other.fields) if (name := holder[key])}
        plain = [{k: v for k, v in one.fields.items() if k not in ("Next", "End", "Comment")} for one in (each, other)]
        return each.name not in back and plain[0] != plain[1]

    node = wanted(rng, tree, can_swap)
    if node is None:
        return None
    states = node.machine.fields["States"]
    other = node.fields["Next"]
    second = states[other]
    onward = {key: second.pop(key) for key in ("Next", "End") if key in second}
    del node.fields["Next"]
    refer(states, node.machine.fields, node.name, other)
    node.fields.update(onward)
    second["Next"] = node.name
    return frozenset({("moved", node.name)}), other


def retry(rng: random.Random, tree: Tree) -> Label | None:
    node = wanted(rng, tree, lambda each: each.type in ("Task", "Map", "Parallel"))
    if node is None:
        return None
    retriers = node.fields.setdefault("Retry", [])
    way = rng.randrange(4)
    if not retriers or way == 0:
        retriers.insert(0, {"ErrorEquals": [f"Busy{rng.randrange(1000)}"], "MaxAttempts": rng.randrange(1, 9)})
    elif way == 1:
        retriers.pop(rng.randrange(len(retriers)))
    else:
        one = rng.choice(retriers)
        if one.get("MaxAttempts", 3) == 0:
            one["MaxAttempts"] = rng.randrange(1, 9)
        elif way == 2:
            one["MaxAttempts"] = one.get("MaxAttempts", 3) + rng.randrange(1, 9)
        else:
            one["IntervalSeconds"] = one.get("IntervalSeconds", 1) + rng.randrange(1, 9)
            if "MaxDelaySeconds" in one:
                one["MaxDelaySeconds"] += 10
    return frozenset({("retry", node.name)})


def condition(rng: random.Random, tree: Tree) -> Label | None:
    node = wanted(rng, tree, lambda each: each.type == "Choice" and bool(each.fields.get("Choices")))
    if node is None:
        return None
    rules = node.fields["Choices"]
    rule = rng.choice(rules)
    way = rng.randrange(3)
    if way == 0:
        target = rule["Next"]
        test = (
            {"Condition": f"{{% $states.input.x{rng.randrange(1000)} > 1 %}}"}
            if node.language == "JSONata"
            else {"Variable": f"$.x{rng.randrange(1000)}", "NumericGreaterThan": 1}
        )
        rules.insert(rng.randrange(len(rules) + 1), {**test, "Next": target})
        return frozenset({("condition", node.name)})
    if "Condition" in rule:
        text = str(rule["Condition"]).strip()
        if not text.startswith("{%"):
            return None
        rule["Condition"] = f"{{% $not({text[2:-2].strip()}) %}}"
        return frozenset({("condition", node.name)})
    change_rule(rng, rule)
    return frozenset({("condition", node.name)})


def change_rule(rng: random.Random, rule: dict[str, Any]) -> None:
    """Another operand, or the opposite."""
    own = {key: rule.pop(key) for key in [*rule] if key not in ("Next", "Comment", "Assign", "Output")}
    key = next((each for each in own if each not in ("Variable", "And", "Or", "Not")), "")
    if key and not key.endswith("Path") and not key.startswith("Is") and isinstance(own[key], int | float | str):
        value = own[key]
        if isinstance(value, bool):
            own[key] = not value
        elif isinstance(value, int | float):
            own[key] = value + rng.randrange(1, 50)
        elif "Timestamp" not in key:
            own[key] = f"{value}{rng.randrange(100)}"
        else:
            own = {"Not": own}
        rule.update(own)
    elif "Not" in own:
        rule.update(own["Not"])
    else:
        rule["Not"] = own


def route(rng: random.Random, tree: Tree) -> Label | None:
    node = wanted(rng, tree, lambda each: "Next" in each.fields and len(each.machine.states) > 3)
    if node is None:
        return None
    others = [
        name
        for name, each in node.machine.states.items()
        if name not in (node.fields["Next"], node.name) and each is not node
    ]
    node.fields["Next"] = rng.choice(others)
    return frozenset({("route", node.name)})


def timeout(rng: random.Random, tree: Tree) -> Label | None:
    node = wanted(rng, tree, lambda each: each.type == "Task" and "TimeoutSecondsPath" not in each.fields)
    if node is None or not isinstance(node.fields.get("TimeoutSeconds", 1), int):
        return None
    node.fields["TimeoutSeconds"] = node.fields.get("TimeoutSeconds", 100) + rng.randrange(1, 100)
    return frozenset({("timeout", node.name)})


def data(rng: random.Random, tree: Tree) -> Label | None:
    node = wanted(rng, tree, lambda each: each.type in ("Task", "Pass", "Parallel", "Map"))
    if node is None:
        return None
    number = rng.randrange(1000)
    if node.language == "JSONata":
        node.fields["Output"] = {f"result{number}": "{% $states.input %}"}
    else:
        node.fields["ResultPath"] = f"$.result{number}"
    return frozenset({("data", node.name)})


# Neutral edits: several at once


def neutral(rng: random.Random, tree: Tree) -> Label:
    tricks = [shuffle_states, shuffle_fields, comments, defaults, error_names, spelling]
    for trick in rng.sample(tricks, rng.randrange(2, 5)):
        trick(rng, tree)
    shuffle_states(rng, tree)
    return frozenset()


def shuffled(rng: random.Random, value: dict[str, Any]) -> None:
    items = [*value.items()]
    rng.shuffle(items)
    value.clear()
    value.update(items)


def shuffle_states(rng: random.Random, tree: Tree) -> None:
    for machine in tree.machines:
        shuffled(rng, machine.fields["States"])


def shuffle_fields(rng: random.Random, tree: Tree) -> None:
    for node in tree:
        shuffled(rng, node.fields)
        for field in ("Choices", "Retry", "Catch"):
            for each in node.fields.get(field, ()):
                shuffled(rng, each)


def comments(rng: random.Random, tree: Tree) -> None:
    places = [machine.fields for machine in tree.machines] + [node.fields for node in tree]
    for place in rng.sample(places, min(len(places), 4)):
        if "Comment" in place and rng.random() < 0.5:
            del place["Comment"]
        else:
            place["Comment"] = f"why {rng.randrange(100)}"


def defaults(rng: random.Random, tree: Tree) -> None:
    for node in tree:
        for retrier in node.fields.get("Retry", ()):
            if retrier.get("MaxAttempts") != 0:
                retrier.setdefault("BackoffRate", 2.0)
                retrier.setdefault("IntervalSeconds", 1)
                retrier.setdefault("MaxAttempts", 3)
        if node.language == "JSONPath" and node.type in ("Task", "Pass", "Parallel", "Map"):
            node.fields.setdefault("ResultPath", "$")
            node.fields.setdefault("InputPath", "$")
        if node.type == "Map" and "MaxConcurrencyPath" not in node.fields:
            node.fields.setdefault("MaxConcurrency", 0)
        if rng.random() < 0.3:
            node.fields.setdefault("QueryLanguage", node.language)


def error_names(rng: random.Random, tree: Tree) -> None:
    for node in tree:
        for field in ("Retry", "Catch"):
            for each in node.fields.get(field, ()):
                rng.shuffle(each["ErrorEquals"])


def spelling(_rng: random.Random, tree: Tree) -> None:
    """Paths in brackets, expressions with other white space."""
    for node in tree:
        for field in ("InputPath", "OutputPath", "ItemsPath"):
            value = node.fields.get(field)
            if isinstance(value, str) and value.startswith("$.") and value[2:].isidentifier():
                node.fields[field] = f"$['{value[2:]}']"
        for rule in node.fields.get("Choices", ()):
            variable, text = rule.get("Variable"), rule.get("Condition")
            if isinstance(variable, str) and variable.startswith("$.") and variable[2:].isidentifier():
                rule["Variable"] = f"$['{variable[2:]}']"
            if isinstance(text, str) and text.startswith("{%"):
                rule["Condition"] = f"{{%   {text[2:-2].strip()} %}}"
        if node.type == "Map" and "Iterator" in node.fields and "ItemProcessor" not in node.fields:
            node.fields["ItemProcessor"] = node.fields.pop("Iterator")


EDITS: dict[str, Edit] = {
    each.__name__: each for each in (rename, insert, remove, swap, retry, condition, neutral, route, timeout, data)
}


def doubles(seed: int, count: int) -> Iterator[Pair]:
    """Pairs of this seed with two edits each, of different states; of swaps only the first edit can be one."""
    rng = random.Random(seed)
    first = pairs(seed, 1_000_000)
    second = [name for name in EDITS if name not in ("neutral", "swap")]
    changed = 0
    while changed < count:
        pair = next(first)
        kind = rng.choice(second)
        new = copy.deepcopy(pair.new)
        tree = Tree(new)
        label = EDITS[kind](rng, tree)
        if not isinstance(label, frozenset) or pair.kind == "neutral":
            continue
        names = {name for _, name in (*pair.label, *label)} | {pair.either} - {""}
        if len(names) < len(pair.label) + len(label) + bool(pair.either):
            continue
        if kind == "rename" and any(name not in Tree(tree.root.fields).names for name in names - {"", *removed(pair)}):
            continue  # it renamed the state of the first edit
        changed += 1
        yield Pair(f"{pair.kind}+{kind}", pair.old, tree.root.fields, pair.label | label, pair.either)


def removed(pair: Pair) -> set[str]:
    return {name for kind, name in pair.label if kind == "removed"}


def pairs(seed: int, count: int) -> Iterator[Pair]:
    """Pairs of this seed, each kind in turn."""
    rng = random.Random(seed)
    values = definitions()
    kinds = [*EDITS]
    changed = 0
    while changed < count:
        kind = kinds[changed % len(kinds)]
        old = rng.choice(values)
        new = copy.deepcopy(old)
        tree = Tree(new)
        label = EDITS[kind](rng, tree)
        new = tree.root.fields  # a tree has the whole machine's fields as its own, and shares all that is inside
        if label is None or (new == old and kind != "neutral"):
            continue
        changed += 1
        names, either = label if isinstance(label, tuple) else (label, "")
        yield Pair(kind, old, new, names, either)


def is_right(pair: Pair) -> bool:
    comparison = compare(Side(name="m", definition=pair.old), Side(name="m", definition=pair.new))
    reported = {(change.kind, change.state) for change in comparison.changes}
    options = [pair.label]
    if pair.either:
        options.append(frozenset({label for label in pair.label if label[0] != "moved"} | {("moved", pair.either)}))
    if pair.kind == "neutral":
        return not reported and (bool(comparison.neutral) or json.dumps(pair.old) == json.dumps(pair.new))
    return reported in options


def main(arguments: list[str]) -> None:
    numbers = [int(each) for each in arguments if each.isdigit()]
    seed, count = [*numbers, *(0, 100)[len(numbers) :]]
    right: Counter[str] = Counter()
    total: Counter[str] = Counter()
    for pair in (doubles if "--double" in arguments else pairs)(seed, count):
        total[pair.kind] += 1
        if is_right(pair):
            right[pair.kind] += 1
        elif "--missed" in arguments:
            comparison = compare(Side(name="m", definition=pair.old), Side(name="m", definition=pair.new))
            reported = sorted((change.kind, change.state, change.text) for change in comparison.changes)
            sys.stdout.write(f"{pair.kind}: {sorted(pair.label)}, not {reported}\n")
            if "--json" in arguments:
                sys.stdout.write(json.dumps(pair.old, indent=1) + "\n" + json.dumps(pair.new, indent=1) + "\n")
    for kind in total:
        sys.stdout.write(f"{kind:<20} {right[kind]:>4} of {total[kind]}\n")
    sys.stdout.write(f"{'all':<20} {sum(right.values()):>4} of {sum(total.values())}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
