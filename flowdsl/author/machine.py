"""The state machine: a flow, wired and written in its query language."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any, Literal

from ..base.arguments import WrongArgument
from ..base.diagnostics import AslPath, Diagnostic
from ..base.source import Caller, Span
from . import kinds
from .defaults import Defaults
from .expressions import Expression
from .fields import UNSET, Language, Unset, asl, by_asl_name, element, field, sugar
from .flow import Flow, Step, WiredStates, as_flow, describe
from .functions import Function
from .graphs import Graph
from .places import locate, unknown_settings
from .repeat import overwritten
from .tokens import tokens_in
from .watching import Alarm, Schedule
from .wiring import start_of, wire

Check = Callable[[str, Mapping[str, Mapping[str, str]]], Iterable[str]]


@element
class StateMachine(Graph):
    """A whole state machine: `StateMachine("payment", chain(...))`.

    `type` is STANDARD or EXPRESS, `timeout` the execution's time limit in seconds, `input` the type of the execution's
    input (for the checker). The constructor does not fail on a mistake in the flow: it adds it to `problems`.
    """

    name: str = field(kw_only=False)
    flow: Step | list[Step] | tuple[Step, ...] | Unset = sugar(default=UNSET, kw_only=False)
    comment: str | Unset = asl("Comment", kinds.STRING, default=UNSET)
    query_language: Language | Unset = asl("QueryLanguage", kinds.LANGUAGE, default=UNSET)
    version: str | Unset = asl("Version", kinds.STRING, default=UNSET)
    timeout: int | timedelta | Unset = asl("TimeoutSeconds", kinds.POSITIVE_SECONDS, default=UNSET)
    type: Literal["STANDARD", "EXPRESS"] = field(default="STANDARD", kw_only=True)
    input: Any = field(default=None, kw_only=True, eq=False)
    defaults: Defaults | None = field(default=None, kw_only=True, eq=False, repr=False)
    """What its states have unless they have their own."""
    problems: list[Diagnostic] = field(factory=list, init=False, eq=False, repr=False)
    related: Sequence[Function] = field(default=(), kw_only=True, eq=False, repr=False)
    """Functions that no state calls but that belong to the flow, such as the one that answers a task token."""
    schedules: Sequence[Schedule] = field(default=(), kw_only=True, eq=False, repr=False)
    """What is invoked again and again where the flow is deployed; the functions are related ones."""
    alarms: Sequence[Alarm] = field(default=(), kw_only=True, eq=False, repr=False)
    """What rings where the flow is deployed."""
    checks: Sequence[Check] = field(default=(), kw_only=True, eq=False, repr=False)
    """The project's own checks: each yields what is wrong in an environment, given its name and the variables of each
    function there. `flowdsl check` calls them for all environments, `flowdsl plan` for its own."""
    functions: dict[str, Function] = field(factory=dict, init=False, eq=False, repr=False)
    """The Lambda functions that the flow may call and the related ones, by name."""
    callees: dict[AslPath, tuple[Function, ...]] = field(factory=dict, init=False, eq=False, repr=False)
    """The functions that the Task at an ASL path may call."""
    conditions: dict[AslPath, Expression] = field(factory=dict, init=False, eq=False, repr=False)
    """The condition of the rule at an ASL path, as the author wrote it."""
    links: dict[AslPath, Caller | None] = field(factory=dict, init=False, eq=False, repr=False)
    """The place of the `goto` that names the target at an ASL path."""

    def __post_init__(self) -> None:
        if not isinstance(self.name, str):
            what = f"a StateMachine takes its name first, not {describe(self.name)}"
            raise WrongArgument(what, 'write StateMachine("payment", chain(...))', "#0", "name")
        if tokens_in(self.name):
            self._problem("name", "the name of a machine must be constant text", "name it when the file is read")
        if self.type not in ("STANDARD", "EXPRESS"):
            self._problem("type", f"there is no type {self.type!r}", 'write type="STANDARD" or type="EXPRESS"')
        if self.flow is UNSET:
            return
        if isinstance(self.flow, StateMachine):
            raise WrongArgument("the flow is another StateMachine", "give it the chain itself", "#1", "flow")
        flow = as_flow(self.flow, "#1", "flow")
        object.__setattr__(self, "flow", UNSET)
        for keyword, empty in (("start_at", UNSET), ("states", {})):
            if getattr(self, keyword):
                self._problem(keyword, f"{keyword}= and the flow exclude each other", f"remove {keyword}=")
            object.__setattr__(self, keyword, empty)
        if self.defaults is not None and not isinstance(self.defaults, Defaults):
            what = f"defaults= takes Defaults(...), not {describe(self.defaults)}"
            self._problem("defaults", what, "write defaults=Defaults(retry=..., timeout=...)")
            object.__setattr__(self, "defaults", None)
        if self.defaults:
            self.defaults.check(self._report)
        for part, name in overwritten(flow):
            span = part.origin.span(("into", "assign"), (name,)) if part.origin else None
            what = f"var.{name} is set here too, in which a loop of the flow counts its tries"
            hint = "use another variable, or name that of the loop: counter=var.turn"
            self.problems.append(Diagnostic("FD212", what, (), span=span, hint=hint))
        self._take_settings(flow)
        object.__setattr__(self, "start_at", start_of(flow))
        wire(self, flow)
        for function in (*self.related, *(each.function for each in self.schedules)):
            if self.functions.setdefault(function.name, function) is function:
                self.problems.extend(unknown_settings(function))

    def _take_settings(self, flow: Flow) -> None:
        """Take over the settings of the only block; report those of blocks among other steps."""
        known = by_asl_name(type(self))
        for block in (step for step in flow.items if isinstance(step, WiredStates)):
            for name, value in block.settings.items():
                spec = known.get(name)
                if spec is not None and getattr(self, spec.attribute) is not UNSET:
                    continue
                if len(flow.items) == 1 and spec is not None:
                    object.__setattr__(self, spec.attribute, value)
                elif len(flow.items) == 1:
                    object.__setattr__(self, "extras", {**self.extras, name: value})
                elif name != "Comment":
                    keyword = spec.attribute if spec else name
                    message = f"the {name} of the block at {block.name!r} does not apply to the whole machine"
                    hint = f"set it for the machine: StateMachine(..., {keyword}={value!r})"
                    span = block.origin.span() if block.origin else None
                    self.problems.append(Diagnostic("FD217", message, (), "warning", span, hint))

    def _problem(self, keyword: str, message: str, hint: str) -> None:
        names = ("#0", "name") if keyword == "name" else (keyword,)
        span = self.origin.span(names) if self.origin else None
        self.problems.append(Diagnostic("FD212", message, (), span=span, hint=hint))

    def _report(self, path: AslPath, message: str, hint: str, origin: Caller | None) -> None:
        span = origin.span(tuple(map(str, path))) if origin else None
        self.problems.append(Diagnostic("FD212", message, (), span=span, hint=hint))

    def span(self, path: AslPath, needle: str | float | None = None) -> Span | None:
        """The place where the author wrote the value at an ASL path, or None if it is unknown.

        `needle` is a name or a constant in the value, to find the line of a long one."""
        return locate(self, path, self.links, needle)
