"""What a change may do to executions in flight, to effects that must happen at most once, and to stored data.

What it rests on:

- An execution keeps the definition and the role with which it started (API reference, UpdateStateMachine), and a
  redriven one, too (RedriveExecution). But it uses the role's policies and the functions' code as they are when it
  comes to a state, unless the definition names versions.
- A call whose error does not say whether it was carried out, such as a timeout, may be carried out twice if it is
  repeated (Developer Guide, "Handling errors in Step Functions workflows").
- An Express workflow may run more than once for one start (Developer Guide, "Choosing workflow type").
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from typing import Any, Final

from attrs import evolve

from ..asl.resource import parse_resource
from ..asl.tree import Node, Tree
from ..base.words import join_words
from . import meaning
from .around import short_resource
from .documents import Documents
from .effects import READS, has_effects
from .matching import Matching, called
from .model import Change, FunctionFacts, Side, Touch

_NOT_RUN: Final = frozenset({"Lambda.TooManyRequestsException", "Lambda.ThrottlingException", "States.Permissions"})
"""Errors after which the call was certainly not carried out."""
_TIMEOUTS: Final = frozenset({"States.Timeout", "States.HeartbeatTimeout", "States.ALL"})
_KEY: Final = re.compile(
    r"(?:id|key|token|reference|nonce|idempotency\w*|deduplication\w*|attempt|execution\w*)(?:\.\$)?",
    re.IGNORECASE,
)
"""The names of arguments by which a called service tells a repeated call."""
_KEY_WORDS: Final = re.compile(
    r"(?:Execution|State|Task)\.(?:Id|Name|StartTime|EnteredTime|Token|RetryCount)|uuid|UUID|random", re.IGNORECASE
)
"""What keys are made of: fields of the context object, and random values."""
_STORES: Final[Mapping[str, str]] = {
    "dynamodb": "items of the table",
    "s3": "objects in the bucket",
    "sqs": "messages in the queue",
    "sns": "messages of the topic",
    "events": "events",
    "eventbridge": "events",
    "kinesis": "records of the stream",
    "firehose": "records of the stream",
    "rdsdata": "rows",
}
_STORED_ACTIONS: Final = frozenset({"PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem", "TransactWriteItems"})


def touched(
    changes: Iterable[Change], old: Side, new: Side, trees: tuple[Tree, Tree], matching: Matching
) -> Iterator[Change]:
    """The changes with what each may do."""
    weigh = _Weigher(old, new, trees, matching)
    for change in changes:
        touches = [*dict.fromkeys(weigh.of(change))]
        yield evolve(change, touches=tuple(touches)) if touches else change


class _Weigher:
    def __init__(self, old: Side, new: Side, trees: tuple[Tree, Tree], matching: Matching) -> None:
        self.old, self.new = old, new
        self.old_tree, self.new_tree = trees
        self.matching = matching
        self.documents = Documents(trees, matching)
        self._loops = tuple(
            {node for machine in tree.machines for part in machine.cycles() for node in part} for tree in trees
        )

    def of(self, change: Change) -> Iterator[Touch]:
        one = self.old_tree.node_at(change.old) if change.old else None
        other = self.new_tree.node_at(change.new) if change.new else None
        match change.kind:
            case "added" if other is not None:
                yield from self._added(other)
            case "removed" if one is not None:
                yield from self._removed(one)
            case "renamed" if one is not None and other is not None:
                yield from self._renamed(one)
            case "moved" if one is not None and other is not None:
                yield from self._moved(one, other)
            case "retry" if other is not None:
                yield from self._retry(change, other)
            case "timeout" if other is not None:
                yield from self._timeout(change, other)
            case "call" | "type" if other is not None:
                yield from self._call(change, other)
            case "data" if other is not None:
                yield from self._data(change, other)
            case "map" if other is not None:
                yield from self._map(change, other)
            case "machine":
                yield from self._machine(change)
            case "permission":
                yield from self._permission(change)
            case "function":
                yield from self._function(change)
        if change.kind in ("route", "catch", "condition", "added", "moved"):
            yield from self._repeats(one, other)
        if change.kind in ("added", "removed", "moved", "type", "data", "catch"):
            yield from self.documents.touches(one, other)

    # States

    def _added(self, node: Node) -> Iterator[Touch]:
        for inner in (node, *_inside(node)):
            retries = inner.fields.get("Retry")
            for retrier in retries if isinstance(retries, list) else ():
                if isinstance(retrier, Mapping) and has_effects(inner) and _may_repeat(retrier) and inner is node:
                    yield _repeated(inner, retrier)

    def _removed(self, node: Node) -> Iterator[Touch]:
        if has_effects(node):
            target = self._gone(node)
            if target:
                text = (
                    f"executions in flight and redrives still run {node.name} and need {target}: "
                    "keep it until they have ended, as flowdsl deploy does"
                )
                yield Touch("in flight", text)
        yield from self._stores(node, "no longer written")

    def _gone(self, node: Node) -> str:
        """What a removed Task calls and nothing else does."""
        name = called(node)
        if not name:
            return "the right to call it"
        still = {called(each) for each in self.new_tree if each.type == "Task"}
        return "" if name in still else f"{name}, and the right to call it"

    def _renamed(self, node: Node) -> Iterator[Touch]:
        if "State.Name" in meaning.token(node.fields):
            text = f"{node.name} hands its own name on ($$.State.Name): what is made of it has another name now"
            yield Touch("at most once", text)

    def _moved(self, old: Node, new: Node) -> Iterator[Touch]:
        was, now = ({each.type for each in node.ancestors} for node in (old, new))
        effects = [each.name for each in (new, *_inside(new)) if has_effects(each)]
        if "Map" in now and "Map" not in was and effects:
            yield Touch("at most once", f"{join_words(effects)}: called once for each item now")

    def _retry(self, change: Change, node: Node) -> Iterator[Touch]:
        effects = [each for each in (node, *_inside(node)) if has_effects(each)]
        if not effects:
            return
        before = change.before if isinstance(change.before, Mapping) else None
        after = change.after if isinstance(change.after, Mapping) else None
        if after is None or not _may_repeat(after):
            if isinstance(change.after, list) and _differ_in_attempts(change.after):
                text = f"an error may be repeated by another retrier now: {node.name}"
                yield Touch("at most once", text)
            return
        if before is not None and _attempts(after) <= _attempts(before) and _errors(after) <= _errors(before):
            return
        yield _repeated(effects[0] if node.type == "Task" else node, after)

    def _timeout(self, change: Change, node: Node) -> Iterator[Touch]:
        if not has_effects(node):
            return
        before, after = change.before, change.after
        is_shorter = after is not None and (
            not isinstance(before, int | float) or not isinstance(after, int | float) or after < before
        )
        if is_shorter and _repeats_timeouts(node):
            text = f"{node.name} is given up earlier while what it calls may still be at work, and is called again"
            yield Touch("at most once", text)
        pattern = parse_resource(str(node.fields.get("Resource", ""))).pattern
        if is_shorter and pattern == "waitForTaskToken":
            yield Touch("at most once", f"an answer to {node.name} that comes after its timeout is refused")

    def _call(self, change: Change, node: Node) -> Iterator[Touch]:
        if change.kind == "call" and "Credentials" not in str(change.new) and has_effects(node):
            text = (
                f"what {node.name} calls now does not know what the old target carried out: an execution that is "
                "started again may have its effect twice"
            )
            yield Touch("at most once", text)
            target = self._gone(self.matching.old[node]) if node in self.matching.old else ""
            if target:
                text = f"executions in flight and redrives still call {target}: keep it until they have ended"
                yield Touch("in flight", text)

    def _data(self, change: Change, node: Node) -> Iterator[Touch]:
        field = change.new[-1] if change.new else ""
        if field in ("Parameters", "Arguments", "InputPath") and has_effects(node):
            changed = [*_changed_leaves(change.before, change.after)]
            keys = [
                where
                for where, values in changed
                if _is_key(where) or any(_KEY_WORDS.search(str(each)) for each in values)
            ]
            if keys:
                text = f"{join_words(keys[:3])} may be how a repeated call of {node.name} is recognised"
                yield Touch("at most once", text)
            yield from self._stores(node, "changed")
        if field in ("ResultWriter",):
            yield Touch("stored data", f"{node.name}: results are written elsewhere or in another form")

    def _stores(self, node: Node, what: str) -> Iterator[Touch]:
        resource = parse_resource(str(node.fields.get("Resource", "")))
        if resource.kind not in ("integration", "sdk") or READS.match(resource.action):
            return
        stored = _STORES.get(resource.service)
        if stored:
            yield Touch("stored data", f"{stored} that {node.name} writes: {what}")

    def _map(self, change: Change, node: Node) -> Iterator[Touch]:
        effects = [each.name for each in _inside(node) if has_effects(each)]
        before, after = change.before, change.after
        is_config = change.new is not None and change.new[-1] == "ProcessorConfig"
        if effects and is_config and "EXPRESS" in str(after) and "EXPRESS" not in str(before):
            yield Touch("at most once", f"Express executions may run more than once: {join_words(effects[:3])}")
        if change.new and change.new[-1] == "Label":
            yield Touch("in flight", f"the ARN of {node.name}'s Map Run changes: what names it must follow")

    def _machine(self, change: Change) -> Iterator[Touch]:
        if change.after == "EXPRESS":
            effects = [node.name for node in self.new_tree if has_effects(node)]
            yield Touch("at most once", f"Express executions may run more than once: {join_words(effects[:3])}")
            yield Touch("in flight", "executions cannot be redriven, and their history is only in logs")
        if "type STANDARD" in change.text or "type EXPRESS" in change.text:
            yield Touch("in flight", "the type of a state machine cannot be changed: it is made anew")

    # Routes

    def _repeats(self, one: Node | None, other: Node | None) -> Iterator[Touch]:
        """A loop that is new: what is in it may be called again."""
        node = other or one
        if node is not None and node in self._loops[1] and self._new_in_loop:
            yield Touch("at most once", f"{join_words(self._new_in_loop[:3])} can run again in the same execution now")

    @cached_property
    def _new_in_loop(self) -> list[str]:
        """Tasks with effects that are in a loop now and were in none."""
        return [
            node.name
            for node in self.new_tree
            if node in self._loops[1]
            and has_effects(node)
            and node in self.matching.old
            and self.matching.old[node] not in self._loops[0]
        ]

    # Around the machine

    def _permission(self, change: Change) -> Iterator[Touch]:
        values = change.after or change.before or []
        if change.before and values[0]["who"] is None:
            text = "executions in flight and redrives may still need it: flowdsl deploy keeps it until they have ended"
            yield Touch("in flight", text)
        stored = [each for each in values if each["who"] and _is_write(each["action"])]
        if stored:
            resources = dict.fromkeys(short_resource(each["resource"]) for each in stored)
            way = "may write to" if change.after else "may no longer write to"
            yield Touch("stored data", f"{stored[0]['who']} {way} {join_words([*resources][:4])}")

    def _function(self, change: Change) -> Iterator[Touch]:
        if isinstance(change.before, str) and change.after is None:
            yield Touch("in flight", f"executions in flight and redrives may still call {change.before}")
            return
        if not isinstance(change.before, dict):
            return
        if "function" in change.before:
            yield from self._settings(change)
            return
        text = "executions in flight get to the new code with their old documents, unless the definition names versions"
        yield Touch("in flight", text)
        writers = sorted(
            {
                each.who
                for permissions in (self.old.declared, self.new.declared)
                for each in permissions or ()
                if each.who in change.before and _is_write(each.action)
            }
        )
        if writers:
            more = f" and {len(writers) - 4} more" if len(writers) > 4 else ""
            names = ", ".join(writers[:4]) if more else join_words(writers)
            yield Touch("stored data", f"{names}{more} may write")

    def _settings(self, change: Change) -> Iterator[Touch]:
        name = change.before["function"]
        if change.before.get("timeout") != change.after.get("timeout"):
            impatient = self._outlives(name)
            if impatient:
                text = f"{name} may still be at work when {impatient} gives it up and calls it again"
                yield Touch("at most once", text)

    def _outlives(self, name: str) -> str:
        """A Task that gives a function up before it ends, and repeats it."""
        facts = (self.new.functions or {}).get(name, FunctionFacts())
        limit = facts.settings.get("timeout")
        for node in self.new_tree:
            own = node.fields.get("TimeoutSeconds")
            is_less = isinstance(own, int | float) and isinstance(limit, int | float) and own < limit
            if called(node) == name and is_less and _repeats_timeouts(node):
                return node.name
        return ""


def _is_write(action: str) -> bool:
    return action.rpartition(":")[2] in _STORED_ACTIONS


def _inside(node: Node) -> Iterator[Node]:
    for machine in node.machines:
        for each in machine.states.values():
            yield each
            yield from _inside(each)


def _attempts(retrier: Mapping[str, Any]) -> float:
    most = retrier.get("MaxAttempts", 3)
    return most if isinstance(most, int | float) else 3


def _errors(retrier: Mapping[str, Any]) -> frozenset[str]:
    names = retrier.get("ErrorEquals")
    return frozenset(each for each in names if isinstance(each, str)) if isinstance(names, list) else frozenset()


def _may_repeat(retrier: Mapping[str, Any]) -> bool:
    """True if it repeats calls that may have been carried out."""
    return _attempts(retrier) > 0 and not _errors(retrier) <= _NOT_RUN


def _differ_in_attempts(retriers: list[Any]) -> bool:
    return len({_attempts(each) > 0 for each in retriers if isinstance(each, Mapping)}) > 1


def _repeated(node: Node, retrier: Mapping[str, Any]) -> Touch:
    errors = ", ".join(sorted(_errors(retrier)))
    text = f"{node.name} may be carried out again after {errors}: it must recognise a repeated call"
    return Touch("at most once", text)


def _repeats_timeouts(node: Node) -> bool:
    retriers = node.fields.get("Retry")
    for retrier in retriers if isinstance(retriers, list) else ():
        if isinstance(retrier, Mapping) and _errors(retrier) & {
            "States.Timeout",
            "States.ALL",
            "States.HeartbeatTimeout",
        }:
            return _attempts(retrier) > 0
    return False


def _changed_leaves(before: Any, after: Any) -> Iterator[tuple[str, tuple[Any, ...]]]:
    old, new = dict(meaning.leaves(before)), dict(meaning.leaves(after))
    for where in dict.fromkeys([*old, *new]):
        if where not in old or where not in new or not meaning.same(old[where], new[where]):
            yield where, tuple(side[where] for side in (old, new) if where in side)


def _is_key(where: str) -> bool:
    """True if an argument's own name says that it identifies something."""
    last = re.sub(r"\[\d+\]", "", where).removesuffix(".$").rpartition(".")[2]
    if last in ("Name", "name") or last.endswith("JobName"):
        return True  # of an execution or a job: a second one of the same name is refused
    words = re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", last)
    return bool(words) and bool(_KEY.fullmatch(words[-1]) or _KEY.fullmatch(words[0]))
