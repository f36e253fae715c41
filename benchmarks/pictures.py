"""Time to draw large definitions: `python benchmarks/pictures.py`, seconds of one core, the best of three."""

from __future__ import annotations

import time
from typing import Any

from flowdsl.asl.tree import Tree
from flowdsl.graph.output import draw
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


def main() -> None:
    machines = {"1,000 states in a row": chain(1000), "nested Maps, three levels": nested(20, 3)}
    print("| definition | states | SVG | HTML | Mermaid |\n| --- | ---: | ---: | ---: | ---: |")
    for name, definition in machines.items():
        cells = " | ".join(f"{measure(definition, form):.2f} s" for form in ("svg", "html", "mermaid"))
        print(f"| {name} | {sum(1 for _ in Tree(definition)):,} | {cells} |")


if __name__ == "__main__":
    main()
