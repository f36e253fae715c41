"""Time to draw large definitions, seconds of one core, the best of three: `python -m benchmarks.pictures`.

With `--stability` how much a picture changes when a state is put between two others, over recorded definitions of eight
states and more: the part of all pairs of states that are still above, below, left or right of each other, without and
with the earlier picture to keep to.
"""

from __future__ import annotations

import copy
import random
import statistics
import sys
import time
from itertools import combinations
from typing import Any

from flowdsl.asl.tree import Tree
from flowdsl.graph.layout import lay_out
from flowdsl.graph.output import draw
from flowdsl.graph.picture import Point, key
from flowdsl.graph.subject import Subject

ROUNDS = 3
FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:work"


def chain(count: int, prefix: str = "S") -> dict[str, Any]:
    """Tasks in a row, with a Choice that leads back after every fifth."""
    states: dict[str, Any] = {}
    for number in range(count):
        onward = f"{prefix}{number + 1}"
        if number % 6 == 5 and number + 1 < count:
            back = {"Variable": "$.again", "BooleanEquals": True, "Next": f"{prefix}{number - 3}"}
            states[f"{prefix}{number}"] = {"Type": "Choice", "Choices": [back], "Default": onward}
            continue
        task = {"Type": "Task", "Resource": FUNCTION, "Retry": [{"ErrorEquals": ["States.ALL"]}]}
        states[f"{prefix}{number}"] = {**task, **({"Next": onward} if number + 1 < count else {"End": True})}
    return {"StartAt": f"{prefix}0", "States": states}


def nested(width: int, depth: int, prefix: str = "S") -> dict[str, Any]:
    """The same with Maps in Maps: every fourth state, down to this depth."""
    machine = chain(width, prefix)
    for number, (name, state) in enumerate(machine["States"].items()):
        if depth and number % 4 == 1 and state["Type"] == "Task":
            way = {key: state[key] for key in ("Next", "End") if key in state}
            machine["States"][name] = {"Type": "Map", "ItemProcessor": nested(width, depth - 1, name + "_"), **way}
    return machine


def measure(definition: dict[str, Any], form: Any) -> float:
    times = []
    for _ in range(ROUNDS):
        start = time.process_time()
        draw(Subject(name="large", definition=definition), form)
        times.append(time.process_time() - start)
    return min(times)


def centres(definition: dict[str, Any], like: dict[str, Point] | None = None) -> dict[Any, tuple[float, float]]:
    """The middle of each state, by its path."""
    boxes = lay_out(Tree(definition), like=like).boxes
    return {box.path: (box.rect.x + box.rect.width / 2, box.rect.y + box.rect.height / 2) for box in boxes}


def kept(old: dict[Any, tuple[float, float]], new: dict[Any, tuple[float, float]]) -> float:
    """The part of the pairs of states, of those 20 pixels apart or more, that have the same order in both pictures."""
    same: list[bool] = []
    for one, other in combinations([path for path in old if path in new], 2):
        for axis in (0, 1):
            before, after = (places[one][axis] - places[other][axis] for places in (old, new))
            if abs(before) > 20:
                same.append(before * after > 0)
    return sum(same) / len(same) if same else 1.0


def stability(count: int = 60) -> list[tuple[float, float]]:
    """The part that is kept by itself, and with the earlier picture to keep to, for each of so many changes."""
    from benchmarks.diffs import definitions, insert

    rng = random.Random(1)
    values = [each for each in definitions() if sum(1 for _ in Tree(each)) >= 8]
    shares: list[tuple[float, float]] = []
    while len(shares) < count:
        old = rng.choice(values)
        tree = Tree(copy.deepcopy(old))
        if insert(rng, tree):
            before = centres(old)
            like = {key(path): Point(*at) for path, at in before.items()}
            after = (centres(tree.root.fields), centres(tree.root.fields, like))
            shares.append((kept(before, after[0]), kept(before, after[1])))
    return shares


def main() -> None:
    if "--stability" in sys.argv:
        for name, shares in zip(("alone", "like the earlier picture"), zip(*stability(), strict=True), strict=True):
            whole = f"all of them in {shares.count(1.0)} of {len(shares)}"
            print(f"pairs of states in the same order, {name}: {statistics.mean(shares):.1%}; {whole}")
        return
    machines = {"1,000 states in a row": chain(1000), "nested Maps, three levels": nested(20, 3)}
    print("| definition | states | SVG | HTML | Mermaid |\n| --- | ---: | ---: | ---: | ---: |")
    for name, definition in machines.items():
        cells = " | ".join(f"{measure(definition, form):.2f} s" for form in ("svg", "html", "mermaid"))
        print(f"| {name} | {sum(1 for _ in Tree(definition)):,} | {cells} |")


if __name__ == "__main__":
    main()
