"""The fields of a state whose query language is JSONPath, made ready to run.

Source: ASL specification, "Paths", "Payload Template", "Input and output processing".
"""

from __future__ import annotations

from collections.abc import Callable

from ...author.fields import Spec
from ...author.kinds import POSITIVE_SECONDS
from ...expr.choice import compile_rule
from ...expr.errors import StatesError
from ...expr.path.jsonpath import compile_path, compile_reference
from ...expr.scope import Evaluate, Scope
from ...expr.template import compile_expression, compile_template
from ..core import Fiber
from ..history import JSON, text
from ..times import until_timestamp
from .flow import (
    Body,
    CatchFlow,
    DataFlow,
    Evaluated,
    Finish,
    Items,
    Limit,
    Number,
    Transform,
    concurrency,
    nothing,
    parse_number,
    same,
    unchanged,
)
from .items import iterable


class JSONPath:
    """QueryLanguage for JSONPath."""

    def flow(self, state: Body, *, merges: bool = True, payload: str | None = None) -> DataFlow:
        """`merges` is for states with a result of their own, which ResultPath puts into the raw input."""
        finish = self._finish(state, merges)
        effective = self.input(state, payload)
        identity = effective is same and finish is unchanged
        return DataFlow(effective, finish, identity)

    def input(self, state: Body, payload: str | None = None) -> Transform:
        path = _path(state, "InputPath")
        template = compile_template(state[payload]) if payload is not None and payload in state else None
        if template is None:
            return path
        if path is same:
            return template
        chosen = template
        return lambda value, scope: chosen(path(value, scope), scope)

    def _finish(self, state: Body, merges: bool) -> Finish:
        selector = compile_template(state["ResultSelector"]) if "ResultSelector" in state else None
        put = _result_path(state) if merges else None
        out = _path(state, "OutputPath")
        assign = compile_template(state["Assign"]) if "Assign" in state else None
        if selector is None and put is None and out is same and assign is None:
            return unchanged

        def finish(raw: JSON, result: JSON, scope: Scope) -> tuple[JSON, dict[str, JSON] | None]:
            if selector is not None:
                result = selector(result, scope)
            assigned = assign(result, scope) if assign is not None else None
            return out(result if put is None else put(raw, result), scope), assigned

        return finish

    def catch(self, catcher: Body, index: int) -> CatchFlow:  # noqa: ARG002 - JSONata's
        put = _result_path(catcher)
        assign = compile_template(catcher["Assign"]) if "Assign" in catcher else None

        def caught(raw: JSON, error: JSON, scope: Scope) -> tuple[JSON, dict[str, JSON] | None]:
            assigned = assign(error, scope) if assign is not None else None
            return (error if put is None else put(raw, error)), assigned

        return caught

    def text(self, state: Body, field: str) -> Evaluate:
        """Error and Cause of a Fail state, literal or by path."""
        path_field = f"{field}Path"
        if path_field in state:
            path = state[path_field]
            find = compile_expression(path, path_field)

            def target(value: JSON, scope: Scope) -> str:
                target = find(value, scope)
                if not isinstance(target, str):
                    cause = f"The {path_field} field must refer to a string, and '{path}' refers to: {text(target)}"
                    raise StatesError("States.Runtime", cause)
                return target

            return target
        literal = state.get(field)
        return lambda value, scope: literal

    def rule(self, rule: Body, index: int) -> Callable[[JSON, Scope], bool]:  # noqa: ARG002 - JSONata's
        return compile_rule(dict(rule))

    def rule_flow(self, state: Body, rule: Body, index: int) -> DataFlow:  # noqa: ARG002 - JSONata's
        """A chosen rule has its own Assign; OutputPath is the state's."""
        assigns = {"Assign": rule["Assign"]} if "Assign" in rule else {}
        return self.flow(
            {**{key: state[key] for key in ("InputPath", "OutputPath") if key in state}, **assigns}, merges=False
        )

    def limit(self, state: Body, spec: Spec) -> Limit:
        if spec.path is None or spec.path not in state:
            literal = state[spec.name]
            return lambda value, fiber: literal
        path, kind = state[spec.path], spec.kind
        what = "a valid positive integer" if kind is POSITIVE_SECONDS else kind.what
        find, enter = compile_path(path), _path(state, "InputPath")

        def limit(value: JSON, fiber: Fiber) -> JSON:
            target = find(enter(value, fiber.scope), fiber.scope)
            if not kind.accepts(target):
                written = target if isinstance(target, str) else text(target)
                cause = f"The {spec.path} parameter does not reference {what}: {path} == {written}"
                raise StatesError("States.Runtime", cause)
            return target

        return limit

    def until(self, state: Body) -> Callable[[JSON, Fiber], float]:
        """When a Wait ends. Source of the messages: recorded executions."""
        if "Seconds" in state:
            seconds = state["Seconds"]
            return lambda value, fiber: fiber.now + seconds
        if "Timestamp" in state:
            when = until_timestamp(state["Timestamp"])
            return lambda value, fiber: when
        field = "SecondsPath" if "SecondsPath" in state else "TimestampPath"
        path = state[field]
        find = compile_path(path)

        def target(value: JSON, fiber: Fiber) -> JSON:
            try:
                return find(value, fiber.scope)
            except StatesError:
                raise _wait_error(f"The {field} parameter does not reference an input value: {path}") from None

        def after(value: JSON, fiber: Fiber) -> float:
            seconds = target(value, fiber)
            if type(seconds) is not int or seconds >= 2**63:
                raise _wait_error(
                    f"The SecondsPath parameter cannot be parsed as a long value: {path} == {_as_text(seconds)}"
                )
            if seconds < 0:
                raise _wait_error(f"The SecondsPath parameter references a negative value: {path} == {seconds}")
            return fiber.now + seconds

        def at(value: JSON, fiber: Fiber) -> float:
            timestamp = target(value, fiber)
            try:
                return until_timestamp(timestamp)
            except ValueError:
                raise _wait_error(
                    "The TimestampPath parameter does not reference a valid ISO-8601 extended offset date-time format "
                    f"string: {path} == {_as_text(timestamp)}"
                ) from None

        return after if field == "SecondsPath" else at

    def credentials(self, state: Body) -> Callable[[JSON, Fiber], JSON] | None:
        if "Credentials" not in state:
            return None
        template, enter = compile_template(state["Credentials"]), _path(state, "InputPath")
        return lambda value, fiber: template(enter(value, fiber.scope), fiber.scope)

    def items(self, state: Body) -> Items:
        path = state.get("ItemsPath", "$")
        find = same if path == "$" else compile_path(path)

        def items(raw: JSON, effective: JSON, fiber: Fiber) -> JSON:  # noqa: ARG001 - as Items says
            target = find(effective, fiber.scope)
            if not iterable(target):
                raise StatesError("States.Runtime", f'Reference path "{path}" must point to array.')
            return target

        written = state.get("ItemSelector", state.get("Parameters"))
        template = None if written is None else compile_template(written)
        select = None if template is None else lambda raw, effective, fiber: template(effective, fiber.scope)
        most = self.number(state, "MaxConcurrency", "integer")
        return Items(items, select, lambda value, fiber: concurrency(most(value, fiber)))

    def payload(self, part: Body, path: str) -> Evaluated:  # noqa: ARG002 - JSONata's
        template = compile_template(part.get("Parameters", {}))
        return lambda value, fiber: template(value, fiber.scope)

    def value(self, part: Body, field: str, path: str) -> Evaluated | None:  # noqa: ARG002 - JSONata's
        if field not in part:
            return None
        template = compile_template(part[field])
        return lambda value, fiber: template(value, fiber.scope)

    def number(self, part: Body, field: str, kind: str, path: str = "") -> Number:
        """A number of a Map, literal or by path; `kind` is `integer` or `float`."""
        if f"{field}Path" not in part:
            literal = part.get(field)
            return lambda value, fiber: literal
        path = part[f"{field}Path"]
        find = compile_path(path)

        def number(value: JSON, fiber: Fiber) -> float:
            target = find(value, fiber.scope)
            parsed = parse_number(target, kind)
            if parsed is None:
                cause = (
                    f'The {field}Path field refers to value "{_as_text(target)}" which is not a valid {kind}: {path}'
                )
                raise StatesError("States.Runtime", cause)
            return parsed

        return number


def _wait_error(cause: str) -> StatesError:
    return StatesError("States.Runtime", cause)


def _as_text(value: JSON) -> str:
    return value if isinstance(value, str) else text(value)


def _path(state: Body, field: str) -> Transform:
    written = state.get(field, "$")
    if written is None:
        return nothing
    return same if written == "$" else compile_path(written)


def _result_path(state: Body) -> Callable[[JSON, JSON], JSON] | None:
    """Return how ResultPath puts a result into the raw input; None if the result replaces it."""
    written = state.get("ResultPath", "$")
    if written is None:
        return lambda raw, result: raw
    if written == "$":
        return None
    return compile_reference(written).put
