"""What a template contains, as frozen values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

import attrs

from ..asl.placeholders import PLACEHOLDER
from ..base.diagnostics import AslPath, Diagnostic, FlowError
from ..base.patterns import regex
from ..base.source import Span, display_path
from ..base.words import did_you_mean, join_words, one_line

Type = Literal["STANDARD", "EXPRESS"]
Kind = Literal["cloudformation", "sam", "serverless"]


@attrs.frozen
class TemplateFunction:
    """A Lambda function of a template."""

    id: str
    """Its name in the template, readable: a logical id without CDK's hash, or the key of serverless.yml."""
    name: str
    """The function's name on AWS, if the template says it as plain text, or else `id`."""
    handler: str = ""
    """As the template has it, such as `app.handler` or `src/charge.handler`."""
    code: Path | None = None
    """The folder (or zip) of the code, absolute; None if it is not on this computer."""
    runtime: str = ""
    """Such as `python3.13`; empty if the template does not say it as plain text."""
    timeout: int | None = None
    """In seconds."""
    memory: int | None = None
    """In MB."""
    environment: Mapping[str, str] = attrs.field(factory=dict)
    """The variables with plain text as their value, or text with placeholders."""
    architecture: str | None = None
    span: Span | None = None

    @property
    def place(self) -> str | None:
        """Where the handler is, as `--handler` takes it: `/…/charge/app.py:handler`. None if it is not Python, or not
        on this computer."""
        module, _, attribute = self.handler.rpartition(".")
        if self.code is None or not module or (self.runtime and not self.runtime.startswith("python")):
            return None
        # Lambda takes both `src/app.handler` and `src.app.handler`.
        for path in (module, module.replace(".", "/")):
            file = self.code / f"{path}.py"
            if file.is_file():
                return f"{file}:{attribute}"
        return None


@attrs.frozen
class Machine:
    """A state machine of a template."""

    id: str
    """Its name in the template, readable: a logical id without CDK's hash, or the key of serverless.yml."""
    name: str
    """The state machine's name on AWS, if the template says it as plain text, or else `id`."""
    definition: dict[str, Any]
    """The ASL as JSON values. What is known is filled in; other placeholders keep their names."""
    type: Type = "STANDARD"
    role: str | None = None
    """The ARN of the role, or a reference such as `${Role.Arn}`; None if the template makes one."""
    substitutions: Mapping[str, str] = attrs.field(factory=dict)
    """What the placeholders that stay in the definition stand for, by name: `{"ScoreArn": "${Score.Arn}"}`."""
    literals: frozenset[str] = frozenset()
    """Names in `${…}` that are plain text for AWS, such as `keep` of Fn::Sub's `${!keep}`."""
    locate: Callable[..., Span | None] = attrs.field(default=lambda *_: None, repr=False, eq=False)
    """Returns the place of an ASL path in the template, or in the file that it names; also takes the key at its end."""
    comments: Mapping[AslPath, tuple[str, ...]] = attrs.field(factory=dict)
    """YAML's comments, at the ASL path that each stands before or beside."""
    twice: tuple[AslPath, ...] = ()
    """The paths of duplicate keys."""
    problems: tuple[Diagnostic, ...] = attrs.field(default=(), repr=False)
    """Warnings about the definition itself, such as a placeholder that nothing replaces."""
    notes: tuple[Diagnostic, ...] = attrs.field(default=(), repr=False)
    """What the template says about the state machine beside its definition, which has to be said elsewhere."""

    def origin_of(self, name: str) -> str:
        """What a placeholder stands for, as far as the template says it: `Score.Arn` for `ScoreArn`."""
        seen = {name}
        while (target := _only_placeholder(self.substitutions.get(name, ""))) and target not in seen:
            name = target
            seen.add(name)
        return name


@attrs.frozen
class Template:
    """A template's state machines and Lambda functions, in the template's order."""

    file: Path
    kind: Kind
    machines: tuple[Machine, ...]
    functions: tuple[TemplateFunction, ...] = ()
    notes: tuple[Diagnostic, ...] = attrs.field(default=(), repr=False)
    """What is in the template beside state machines and functions, and has to do with them."""

    def function_at(self, machine: Machine, resource: str) -> TemplateFunction | None:
        """The function that a Task's Resource or FunctionName means: `${ScoreArn}`, an ARN with a placeholder or a
        name at its end, or the name alone. None if it is not in this template."""
        text = resource.split(":function:")[-1] if resource.startswith("arn:") else resource
        name = _only_placeholder(text)
        if name is None:
            plain = PLACEHOLDER.sub("", text).partition(":")[0]
            return next((each for each in self.functions if plain in (each.name, each.id)), None)
        base = machine.origin_of(name).partition(".")[0]
        return next((each for each in self.functions if each.id == base), None)

    def handlers(self, machine: Machine) -> dict[str, str]:
        """The handlers of the functions that a state machine's placeholders and ARNs may name, as `--handler` takes
        them, by each name that a call may use."""
        places = {each.id: each.place for each in self.functions}
        names = {each.name: each.place for each in self.functions} | places
        for name in machine.substitutions:
            names[name] = places.get(machine.origin_of(name).partition(".")[0])
        names |= {f"{each}.Arn": place for each, place in places.items()}
        return {name: place for name, place in names.items() if place}


def choose_machine(template: Template, name: str | None) -> Machine:
    """The state machine of this name or id; without a name the only one. Raises FlowError, which lists them."""
    if name is None and len(template.machines) == 1:
        return template.machines[0]
    for machine in template.machines:
        if name is not None and name in (machine.name, machine.id):
            return machine
    names = [each.name for each in template.machines]
    file = display_path(template.file)
    if name is None:
        raise FlowError.of(
            f"{file} has several state machines",
            code="FD721",
            hint=one_line(f"choose one with --machine: {', '.join(names)}"),
        )
    near = did_you_mean(name, names) or f"choose one of {join_words(names, 'or')}"
    raise FlowError.of(f"{file} has no state machine {name!r}", code="FD721", hint=near)


_ONE = regex(r"\$\{([^{}]+)\}(?::[^:${}]+)?")
"""One placeholder, perhaps with a qualifier: `${Score.Arn}:live`."""


def _only_placeholder(text: str) -> str | None:
    match = _ONE.fullmatch(text)
    return match[1] if match else None
