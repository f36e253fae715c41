"""Seeded bugs: how many `flowdsl check` finds, and at which line: `python -m benchmarks.mutations [SEED] [COUNT]`.

Each bug is one small change of a flow in Python that is right: a misspelt field, error or parameter, a value of another
kind, an argument that is gone, two handlers in the wrong order. Correct edits, such as a state that is renamed
everywhere, must stay without a finding. A bug counts as found if the check says something new, and as found at the line
if it says so at one of the lines that the change is about. With `--missed` it prints what was missed.
"""

from __future__ import annotations

import ast
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from flowdsl import project
from flowdsl.base.diagnostics import Diagnostic, FlowError

ROOT = Path(__file__).parent.parent
FLOWS = (
    "payment_flow.py",
    *(f"examples/{name}/flow.py" for name in ("approval", "trip_saga", "csv_import", "job_poller")),
    "benchmarks/seeded/orders_flow.py",
)
KNOWN_ROOTS = {"state_input", "context", "error_output", "out", "var", "result"}


class Edit(NamedTuple):
    """A change of a file: what kind, the lines where a colleague would look, and the text after it."""

    kind: str
    lines: frozenset[int]
    text: str
    what: str


class Source:
    """A flow's text with the places of its syntax."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tree = ast.parse(text)
        self.starts = [0]
        for line in text.splitlines(keepends=True):
            self.starts.append(self.starts[-1] + len(line.encode()))
        self.raw = text.encode()

    def offset(self, line: int, column: int) -> int:
        return self.starts[line - 1] + column

    def place(self, node: ast.expr | ast.keyword | ast.stmt) -> tuple[int, int]:
        return self.offset(node.lineno, node.col_offset), self.offset(node.end_lineno or 0, node.end_col_offset or 0)

    def of(self, node: ast.expr | ast.keyword) -> str:
        start, end = self.place(node)
        return self.raw[start:end].decode()

    def replaced(self, *changes: tuple[int, int, str]) -> str:
        raw = self.raw
        for start, end, text in sorted(changes, reverse=True):
            raw = raw[:start] + text.encode() + raw[end:]
        return raw.decode()

    def without(self, keyword: ast.keyword) -> str:
        start, end = self.place(keyword)
        while self.raw[end : end + 1] in (b",", b" ", b"\n"):
            end += 1
        if self.raw[end : end + 1] == b")" and self.raw[start - 2 : start] == b", ":
            start -= 2
        return self.replaced((start, end, ""))


def misspelt(word: str, chance: random.Random) -> str:
    """The word with two letters swapped, one left out or one doubled."""
    while True:
        at = chance.randrange(1, max(2, len(word) - 1))
        new = chance.choice(
            (
                word[:at] + word[at + 1 :],
                word[:at] + word[at] + word[at:],
                word[:at] + word[at : at + 2][::-1] + word[at + 2 :],
            )
        )
        if new != word and new:
            return new


def calls(source: Source) -> Iterator[tuple[ast.Call, str]]:
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Call):
            function = node.func
            yield node, function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def chain_of(node: ast.expr) -> list[str]:
    names: list[str] = []
    while isinstance(node, ast.Attribute):
        names.append(node.attr)
        node = node.value
    return [*names, node.id][::-1] if isinstance(node, ast.Name) else []


def bugs(source: Source, chance: random.Random) -> Iterator[Edit]:
    yield from _fields(source, chance)
    yield from _texts(source, chance)
    yield from _arguments(source, chance)
    yield from _orders(source)
    yield from _values(source, chance)


def _fields(source: Source, chance: random.Random) -> Iterator[Edit]:
    """A misspelt field of the input, of a variable, of a result or of the context object."""
    assigned = {
        each.attr
        for call, _ in calls(source)
        for keyword in call.keywords
        if keyword.arg in ("into", "counter")
        for each in [keyword.value]
        if isinstance(each, ast.Attribute)
    }
    inner = {id(node.value) for node in ast.walk(source.tree) if isinstance(node, ast.Attribute)}
    targets = {
        id(keyword.value)
        for call, _ in calls(source)
        for keyword in call.keywords
        if keyword.arg in ("into", "counter")
    }
    for node in ast.walk(source.tree):
        if not isinstance(node, ast.Attribute) or id(node) in inner or id(node) in targets:
            continue
        names = chain_of(node)
        names = names[1:] if names[:1] == ["f"] else names
        root = next((name for name in names[:2] if name in KNOWN_ROOTS), None)
        if root is None or names[-1] in KNOWN_ROOTS or (root == "result" and "# results are typed" not in source.text):
            continue
        if root == "var" and names[-1] not in assigned and len(names) > 2:
            continue
        if len(names[-1]) < 3:
            continue
        end = source.place(node)[1]
        new = misspelt(names[-1], chance)
        text = source.replaced((end - len(names[-1]), end, new))
        yield Edit(f"field of {root}", frozenset({node.end_lineno or 0}), text, f"{'.'.join(names)} → {new}")


def _texts(source: Source, chance: random.Random) -> Iterator[Edit]:
    """A misspelt text: an error, a value that is compared, a `:value` of DynamoDB, a state."""
    for call, name in calls(source):
        if name in ("retry", "catch"):
            for each in call.args:
                if isinstance(each, ast.Constant) and isinstance(each.value, str) and each.value != "States.ALL":
                    new = misspelt(each.value, chance)
                    text = source.replaced((*source.place(each), repr(new)))
                    yield Edit("error name", frozenset({each.lineno}), text, f"{each.value} → {new}")
            if name == "retry" and call.args:
                for wrong in ("States.BranchFailed", "SQS.QueueDoesNotExistException", "CardWasStolen"):
                    text = source.replaced((*source.place(call.args[0]), repr(wrong)))
                    yield Edit("other error", frozenset({call.args[0].lineno}), text, wrong)
        for keyword in call.keywords:
            value = keyword.value
            if keyword.arg in ("UpdateExpression", "ConditionExpression") and isinstance(value, ast.Constant):
                new = str(value.value).replace(":", ":x", 1)
                if new != value.value:
                    text = source.replaced((*source.place(value), repr(new)))
                    yield Edit("DynamoDB value", frozenset({value.lineno}), text, new)
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Compare) and len(node.comparators) == 1:
            each = node.comparators[0]
            if isinstance(each, ast.Constant) and isinstance(each.value, str) and len(each.value) > 2:
                new = misspelt(each.value, chance)
                text = source.replaced((*source.place(each), repr(new)))
                yield Edit("compared value", frozenset({each.lineno}), text, f"{each.value} → {new}")
                text = source.replaced((*source.place(each), "7"))
                yield Edit("compared kind", frozenset({each.lineno}), text, f"{each.value} → 7")
            elif isinstance(each, ast.Constant) and isinstance(each.value, int):
                text = source.replaced((*source.place(each), repr("many")))
                yield Edit("compared kind", frozenset({each.lineno}), text, f"{each.value} → 'many'")


def _arguments(source: Source, chance: random.Random) -> Iterator[Edit]:
    """An argument that is gone, misspelt or of another kind."""
    for call, name in calls(source):
        owner = chain_of(call.func)
        is_service = "aws" in owner[:2]
        for keyword in call.keywords:
            if keyword.arg is None:
                continue
            lines = frozenset({keyword.lineno, call.lineno})
            start, _ = source.place(keyword)
            if is_service or name in ("Task", "Map", "Wait", "retry", "catch", "Pass", "StateMachine", "Function"):
                new = misspelt(keyword.arg, chance)
                text = source.replaced((start, start + len(keyword.arg), new))
                yield Edit("keyword", lines, text, f"{keyword.arg} → {new}")
            if is_service and keyword.arg[0].isupper() and keyword.arg in _REQUIRED:
                yield Edit("missing argument", lines, source.without(keyword), keyword.arg)
            if name == "Task" and (
                keyword.arg == "wait_for_task_token" or (keyword.arg == "timeout" and "token" in source.of(call))
            ):
                yield Edit("missing argument", lines, source.without(keyword), keyword.arg)
            if keyword.arg in ("execution_type", "csv_header_location", "input_type"):
                yield Edit("missing argument", lines | {call.lineno - 1}, source.without(keyword), keyword.arg)
            number = keyword.value
            if (
                isinstance(number, ast.Constant)
                and isinstance(number.value, int)
                and not isinstance(number.value, bool)
            ):
                for wrong in ("-1", '"5"'):
                    text = source.replaced((*source.place(number), wrong))
                    yield Edit("number", frozenset({number.lineno}), text, f"{keyword.arg}={wrong}")
            if keyword.arg in ("seconds", "items") and isinstance(keyword.value, ast.Attribute):
                wrong = _OTHER_KIND.get(source.of(keyword.value))
                if wrong:
                    text = source.replaced((*source.place(keyword.value), wrong))
                    yield Edit("kind of field", frozenset({keyword.value.lineno}), text, f"{keyword.arg}={wrong}")
            if name == "Task" and keyword.arg == "into" and isinstance(call.args[0], ast.Constant):
                reads = _readers(source, call)
                if reads:
                    where = lines | reads
                    yield Edit("missing into", where, source.without(keyword), str(call.args[0].value))


_REQUIRED = {
    "TableName",
    "Key",
    "QueueUrl",
    "MessageBody",
    "JobName",
    "JobQueue",
    "JobDefinition",
    "Bucket",
    "Message",
    "Jobs",
    "RequestItems",
}
_OTHER_KIND = {
    "take_payment.out.delay_seconds": "take_payment.out.status",
    "submit.out.delay": "submit.out.reference",
    "state_input.lines": "state_input.customer",
}


def _readers(source: Source, call: ast.Call) -> frozenset[int]:
    """The lines that read `.out` of the Task that this call makes."""
    for statement in ast.walk(source.tree):
        if isinstance(statement, ast.Assign) and statement.value is call and isinstance(statement.targets[0], ast.Name):
            name = statement.targets[0].id
            return frozenset(
                node.end_lineno or 0
                for node in ast.walk(source.tree)
                if isinstance(node, ast.Attribute) and chain_of(node)[:2] == [name, "out"]
            )
    return frozenset()


def _orders(source: Source) -> Iterator[Edit]:
    """Handlers in the wrong order, and a step that leads to the wrong state."""
    for call, name in calls(source):
        for keyword in call.keywords:
            value = keyword.value
            if keyword.arg == "retry" and isinstance(value, ast.List) and len(value.elts) > 1:
                last = source.of(value.elts[-1])
                first = source.of(value.elts[0])
                if last in ("storing", "any_error", "psp_errors", "insist"):
                    text = source.replaced((*source.place(value.elts[0]), last), (*source.place(value.elts[-1]), first))
                    yield Edit("order of handlers", frozenset({value.lineno}), text, f"{last} first")
        if name == "goto" and call.args and isinstance(call.args[0], ast.Name):
            text = source.replaced((*source.place(call.args[0]), '"Nowhere"'))
            yield Edit("target", frozenset({call.lineno}), text, "goto('Nowhere')")


def _values(source: Source, chance: random.Random) -> Iterator[Edit]:
    """Numbers and texts in the author's own names."""
    for statement in source.tree.body:
        if (
            isinstance(statement, ast.Assign)
            and source.text.count("PSP_FUNCTION")
            and "PSP_FUNCTION, PSP_STEP" in source.of(statement.targets[0])
        ):
            text = source.replaced((*source.place(statement.value), "60, 50"))
            users = {k.lineno for call, _ in calls(source) for k in call.keywords if source.of(k.value) == "PSP_STEP"}
            yield Edit("limits", frozenset({statement.lineno, *users}), text, "step below function")
    for call, _ in calls(source):
        path = chain_of(call.func)
        if "aws" in path[:2] and len(path) > 3 and path[-1] in ("sync", "wait_for_task_token"):
            inner = call.func
            assert isinstance(inner, ast.Attribute)
            start, end = source.place(inner.value)[1], source.place(inner)[1]
            yield Edit(
                "pattern",
                frozenset({call.lineno, call.end_lineno or 0, *_token(call)}),
                source.replaced((start, end, "")),
                path[-1],
            )
        elif "aws" in path[:2] and len(path) > 2:
            end = source.place(call.func)[1]
            new = misspelt(path[-1], chance)
            yield Edit("operation", frozenset({call.lineno}), source.replaced((end - len(path[-1]), end, new)), new)


def _token(call: ast.Call) -> set[int]:
    return {node.lineno for node in ast.walk(call) if isinstance(node, ast.Name) and node.id == "task_token"}


def correct(source: Source, chance: random.Random) -> Iterator[Edit]:
    """Edits that leave the flow right."""
    nothing: frozenset[int] = frozenset()
    names = {
        target.id
        for each in source.tree.body
        if isinstance(each, ast.Assign)
        for target in each.targets
        if isinstance(target, ast.Name) and target.id != "machine"
    }
    parameters = {node.arg for node in ast.walk(source.tree) if isinstance(node, ast.arg)}
    for name in sorted(names - parameters):
        places = [
            source.place(node) for node in ast.walk(source.tree) if isinstance(node, ast.Name) and node.id == name
        ]
        text = source.replaced(*((start, end, f"{name}_2") for start, end in places))
        yield Edit("renamed", nothing, text, name)
    states = {
        call.args[0].value: call.args[0]
        for call, name in calls(source)
        if name in ("Task", "Pass", "Choice", "Wait", "Map", "Parallel")
        and call.args
        and isinstance(call.args[0], ast.Constant)
        and isinstance(call.args[0].value, str)
    }
    for name, node in states.items():
        yield Edit("state renamed", nothing, source.replaced((*source.place(node), repr(name + "Again"))), name)
    for call, name in calls(source):
        if len(call.keywords) > 1 and all(each.arg for each in call.keywords):
            one, other = chance.sample(call.keywords, 2)
            text = source.replaced((*source.place(one), source.of(other)), (*source.place(other), source.of(one)))
            yield Edit("keywords reordered", nothing, text, name)
        if name == "chain" and call.args and not isinstance(call.args[0], ast.Starred):
            start, _ = source.place(call.args[-1])
            prefix = "f." if "import flowdsl as f" in source.text else "flowdsl."
            at = source.text.index("\nimport ") if "\nimport " in source.text else source.text.index("\nfrom ")
            step = f'{prefix}Pass("Added{chance.randrange(10**6)}", comment="nothing"), '
            text = source.replaced((start, start, step), (at + 1, at + 1, "" if prefix == "f." else "import flowdsl\n"))
            yield Edit("step added", nothing, text, name)
    for statement in source.tree.body[1:]:
        start, _ = source.place(statement)
        yield Edit("comment added", nothing, source.replaced((start, start, "# A comment.\n")), "")


def findings(folder: Path, flow: str, text: str) -> list[Diagnostic]:
    """What the check says of a flow with this text, in a folder of its own with the project's other files."""
    file = folder / Path(flow).name
    file.write_text(text)
    (folder / "pyproject.toml").touch()
    handlers = (ROOT / flow).parent / "handlers"
    if handlers.is_dir():
        (folder / "handlers").symlink_to(handlers)
    for name in [each for each in sys.modules if each.startswith(("flow:", "payment_flow:", "orders_flow:"))]:
        del sys.modules[name]  # the loader knows a flow by its place below pyproject.toml
    try:
        return [each for loaded in project.load(file) for each in project.diagnose(loaded)]
    except FlowError as error:
        return [*error.diagnostics]
    except Exception as error:  # noqa: BLE001 - it is counted
        return [Diagnostic("CRASH", repr(error))]


def measure(
    make: Callable[[Source, random.Random], Iterator[Edit]], seed: int, count: int
) -> list[tuple[str, Edit, list[Diagnostic]]]:
    chance = random.Random(seed)  # the seed makes a run repeatable
    edits = [(flow, each) for flow in FLOWS for each in make(Source((ROOT / flow).read_text()), chance)]
    chance.shuffle(edits)
    results = []
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder)
        known: dict[str, set[tuple[str, str]]] = {}
        for index, (flow, edit) in enumerate([*((flow, None) for flow in FLOWS), *edits[:count]]):
            own = base / str(index)
            own.mkdir()
            text = edit.text if edit else (ROOT / flow).read_text()
            reported = findings(own, flow, text)
            if edit is None:
                known[flow] = {(each.code, each.message) for each in reported}
                continue
            results.append((flow, edit, [each for each in reported if (each.code, each.message) not in known[flow]]))
    return results


def main() -> None:
    words = [each for each in sys.argv[1:] if not each.startswith("-")]
    seed, count = int(words[0]) if words else 1, int(words[1]) if len(words) > 1 else 300
    sys.path.insert(0, str(ROOT))
    totals: Counter[str] = Counter()
    kinds: Counter[tuple[str, str]] = Counter()
    for flow, edit, new in measure(bugs, seed, count):
        at_line = any(each.span is not None and each.span.line in edit.lines for each in new)
        totals.update(bugs=1, found=bool(new), exact=at_line, crashes=any(each.code == "CRASH" for each in new))
        kinds.update({(edit.kind, "bugs"): 1, (edit.kind, "found"): bool(new), (edit.kind, "line"): at_line})
        if "--missed" in sys.argv and not at_line:
            messages = "; ".join(
                f"{each.code} line {each.span.line if each.span else '?'} {each.message[:80]}" for each in new
            )
            print(f"{flow}:{sorted(edit.lines)} {edit.kind}: {edit.what}: {messages or 'MISSED'}")
    for kind in sorted({kind for kind, _ in kinds}):
        print(
            f"{kind:20} {kinds[kind, 'bugs']:4} bugs {kinds[kind, 'found']:4} found {kinds[kind, 'line']:4} at the line"
        )
    print(
        f"found {totals['found']} of {totals['bugs']} ({totals['found'] / totals['bugs']:.1%}), "
        f"at the line {totals['exact']} of {totals['found']} ({totals['exact'] / max(1, totals['found']):.1%})"
    )
    edits = measure(correct, seed, count)
    alarms = [(flow, edit, new) for flow, edit, new in edits if new]
    for flow, edit, new in alarms:
        print(f"false alarm: {flow} {edit.kind} {edit.what}: {new[0].code} {new[0].message}")
    print(f"{len(alarms)} false alarms in {len(edits)} correct edits; {totals['crashes']} crashes")


if __name__ == "__main__":
    main()
