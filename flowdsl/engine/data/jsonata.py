"""The fields of a state whose query language is JSONata, made ready to run.

Source: Step Functions Developer Guide, "Transforming data with JSONata in Step Functions".
"""

from __future__ import annotations

from collections.abc import Callable

from ...author.fields import Spec
from ...author.kinds import COUNT, MAX_SECONDS, POSITIVE_SECONDS, SECONDS
from ...expr.delimiters import is_expression
from ...expr.jsonata import EvaluateJsonata, QueryEvaluationError, compile_jsonata
from ...expr.scope import Evaluate, Scope
from ..core import Fiber
from ..errors import WaitError
from ..history import JSON, text
from ..times import current_time, until_timestamp
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
    same,
    unchanged,
)
from .items import iterable

_Values = dict[str, JSON]


class JSONata:
    """QueryLanguage for JSONata."""

    def flow(self, state: Body, *, merges: bool = True, payload: str | None = None) -> DataFlow:  # noqa: ARG002 - JSONPath's
        """`$states` tells of the result of a Task, Parallel or Map alone: it is that of an API or a sub-workflow
        (Developer Guide, "Passing data between states with variables", "Reserved variable: $states")."""
        effective = same if payload is None else self._arguments(state)
        finish = _finish(state, "result" if state["Type"] in ("Task", "Parallel", "Map") else None, "")
        return DataFlow(effective, finish, effective is same and finish is unchanged)

    def input(self, state: Body) -> Transform:  # noqa: ARG002 - JSONPath's
        return same

    def _arguments(self, state: Body) -> Transform:
        if "Arguments" not in state:
            return same
        evaluate = _compile(state["Arguments"], "Arguments")
        return lambda value, scope: evaluate(_states(value, scope), scope.variables)

    def catch(self, catcher: Body, index: int) -> CatchFlow:
        return _finish(catcher, "errorOutput", f"Catch[{index}]/")

    def rule(self, rule: Body, index: int) -> Callable[[JSON, Scope], bool]:
        condition = rule["Condition"]
        if isinstance(condition, bool):
            return lambda value, scope: condition
        evaluate = _compile(condition, f"Choices[{index}]/Condition", "boolean")
        return lambda value, scope: evaluate(_states(value, scope), scope.variables) is True

    def rule_flow(self, state: Body, rule: Body, index: int) -> DataFlow:  # noqa: ARG002 - JSONPath's
        """A rule that is taken has its own Output and Assign; the state's are for Default."""
        return DataFlow(same, _finish(rule, None, f"Choices[{index}]/"))

    def text(self, state: Body, field: str) -> Evaluate:
        evaluate = _compile(state.get(field), field, "string")
        return lambda value, scope: evaluate(_states(value, scope), scope.variables)

    def limit(self, state: Body, spec: Spec) -> Limit:
        """The message follows the one for a Wait's Seconds."""
        field, kind = spec.name, spec.kind
        is_time = kind is POSITIVE_SECONDS
        what = f"an integer between 1 and {MAX_SECONDS}" if is_time else kind.what
        evaluate = _compile(state[field], field, "number" if is_time else None)

        def limit(value: JSON, fiber: Fiber) -> JSON:
            target = evaluate(_states(value, fiber.scope), fiber.variables)
            if not kind.accepts(target):
                raise QueryEvaluationError(f"The {field} field must be {what}: {text(target)}", field)
            return target

        return limit

    def until(self, state: Body) -> Callable[[JSON, Fiber], float]:
        field = "Seconds" if "Seconds" in state else "Timestamp"
        evaluate = _compile(state[field], field, "number" if field == "Seconds" else "string")

        def after(value: JSON, fiber: Fiber) -> float:
            seconds = evaluate(_states(value, fiber.scope), fiber.variables)
            if not SECONDS.accepts(seconds):
                what = f"The Seconds field must be an integer between 0 and {MAX_SECONDS}: {text(seconds)}"
                raise WaitError("States.QueryEvaluationError", what, field)
            return fiber.now + float(seconds)

        def at(value: JSON, fiber: Fiber) -> float:
            timestamp = evaluate(_states(value, fiber.scope), fiber.variables)
            try:
                return until_timestamp(timestamp)
            except ValueError:
                what = (
                    "The Timestamp field cannot be parsed as an ISO-8601 extended offset date-time format string: "
                    f"{timestamp}"
                )
                raise WaitError("States.QueryEvaluationError", what, field) from None

        return after if field == "Seconds" else at

    def credentials(self, state: Body) -> Callable[[JSON, Fiber], JSON] | None:
        if "Credentials" not in state:
            return None
        written = state["Credentials"]
        if is_expression(written):
            evaluate = _compile(written, "Credentials", "object")
            return lambda value, fiber: evaluate(_states(value, fiber.scope), fiber.variables)
        parts = {
            key: _compile(value, f"Credentials/{key}", "string" if key == "RoleArn" else None)
            for key, value in written.items()
        }

        def credentials(value: JSON, fiber: Fiber) -> JSON:
            states = _states(value, fiber.scope)
            return {key: part(states, fiber.variables) for key, part in parts.items()}

        return credentials

    def items(self, state: Body) -> Items:
        select = None
        if "ItemSelector" in state:
            selector = _compile(state["ItemSelector"], "ItemSelector")

            def select_item(raw: JSON, effective: JSON, fiber: Fiber) -> JSON:  # noqa: ARG001 - as Items says
                return selector(_states(raw, fiber.scope), fiber.variables)

            select = select_item
        most = self.number(state, "MaxConcurrency", "integer")
        evaluate = _compile(state["Items"], "Items") if "Items" in state else None
        as_array = _compile(state["Items"], "Items", "array") if "Items" in state else None

        def find(raw: JSON, effective: JSON, fiber: Fiber) -> JSON:  # noqa: ARG001 - as Items says
            if evaluate is None or as_array is None:
                if not iterable(raw):
                    raise QueryEvaluationError(f"Map state input must be an array but was: {text(raw)}", None)
                return raw
            items = evaluate(_states(raw, fiber.scope), fiber.variables)
            if not iterable(items):
                return as_array(_states(raw, fiber.scope), fiber.variables)  # raises the error about it
            return items

        return Items(find, select, lambda value, fiber: concurrency(most(value, fiber)))

    def payload(self, part: Body, path: str) -> Evaluated:
        evaluate = _compile(part.get("Arguments", {}), f"{path}/Arguments")
        return lambda value, fiber: evaluate(_states(value, fiber.scope), fiber.variables)

    def value(self, part: Body, field: str, path: str) -> Evaluated | None:
        if field not in part:
            return None
        evaluate = _compile(part[field], f"{path}{field}")
        return lambda value, fiber: evaluate(_states(value, fiber.scope), fiber.variables)

    def number(self, part: Body, field: str, kind: str, path: str = "") -> Number:
        written = part.get(field)
        if not is_expression(written):
            return lambda value, fiber: written
        evaluate = _compile(written, f"{path}{field}", "number")

        def number(value: JSON, fiber: Fiber) -> float | None:
            result: float = evaluate(_states(value, fiber.scope), fiber.variables)
            if kind == "integer" and not COUNT.accepts(result):
                raise QueryEvaluationError(f"The {field} field must be {COUNT.what}: {text(result)}", f"{path}{field}")
            return result

        return number


def _compile(value: JSON, field: str, expected: str | None = None) -> EvaluateJsonata:
    return compile_jsonata(value, field, expected, current_time)


def _states(value: JSON, scope: Scope) -> _Values:
    return {"input": value, "context": scope.context}


def _finish(body: Body, second: str | None, where: str) -> Finish:
    """`second` is what `$states` holds besides the input: `result`, `errorOutput` in a catcher, or nothing."""
    output = _compile(body["Output"], f"{where}Output") if "Output" in body else None
    assign = _compile(body["Assign"], f"{where}Assign") if "Assign" in body else None
    if output is None and assign is None:
        return unchanged

    def finish(raw: JSON, result: JSON, scope: Scope) -> tuple[JSON, dict[str, JSON] | None]:
        states = {"input": raw, "context": scope.context}
        if second is not None:
            states[second] = result
        assigned = None if assign is None else assign(states, scope.variables)
        return (result if output is None else output(states, scope.variables)), assigned

    return finish
