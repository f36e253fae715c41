"""State machines of templates, with the functions that they call."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..asl.tree import Tree
from ..author.functions import Function
from ..author.invocation import INVOKE
from ..base.diagnostics import Diagnostic
from ..base.source import display_path
from ..project.settings import find_root
from ..templates import Machine, Template, TemplateFunction, choose_machine, read_template
from .source import Imported

_DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    "sam": {"timeout": 3, "memory": 128, "architecture": "x86_64"},
    "cloudformation": {"timeout": 3, "memory": 128, "architecture": "x86_64"},
    "serverless": {"timeout": 6, "memory": 1024, "architecture": "x86_64"},
}
"""What a function has if the template does not say it. Sources: AWS::Lambda::Function; Serverless Framework,
"Serverless.yml Reference"."""


_NAMING = ("Resource", "FunctionName")


def read_machine(path: Path, text: str, machine: str | None, substitutions: Mapping[str, str]) -> Imported:
    """A state machine of a template. Raises FlowError, also if there are several and none is chosen."""
    template = read_template(path, substitutions, text=text)
    chosen = choose_machine(template, machine)
    root = find_root(path.resolve().parent)
    functions: dict[str, Mapping[str, Any]] = {}
    warnings = [*chosen.problems, *chosen.notes, *template.notes]
    definition = _with_functions(template, chosen, root, functions, warnings)
    return Imported(
        chosen.name,
        definition,
        display_path(path),
        type=chosen.type,
        locate=chosen.locate,
        twice=chosen.twice,
        functions=functions,
        comments=chosen.comments,
        notes=tuple(map(_line, warnings)),
        warnings=tuple(warnings),
    )


def _line(diagnostic: Diagnostic) -> str:
    where = f"{diagnostic.span.file}:{diagnostic.span.line}: " if diagnostic.span else ""
    return f"{where}{diagnostic.message}: {diagnostic.hint}" if diagnostic.hint else where + diagnostic.message


def _with_functions(
    template: Template,
    machine: Machine,
    root: Path,
    functions: dict[str, Mapping[str, Any]],
    warnings: list[Diagnostic],
) -> dict[str, Any]:
    """The definition with the ARNs of functions in place of the references to them, if flowdsl can package them."""
    arns: dict[str, str] = {}
    for node in Tree(machine.definition):
        resource = _called(node.fields)
        if resource is None:
            continue
        function = template.function_at(machine, resource)
        if function is None:
            continue
        keywords = _keywords(template, function, root)
        if keywords is None:
            if resource not in arns:
                warnings.append(_not_packaged(function))
            arns.setdefault(resource, resource)
            continue
        functions[function.name] = keywords
        arns[resource] = f"arn:aws:lambda:${{AWS::Region}}:${{AWS::AccountId}}:function:{function.name}"
    definition: dict[str, Any] = _replaced(machine.definition, arns)
    return definition


def _called(task: Mapping[str, Any]) -> str | None:
    """What names the Lambda function that a Task may call."""
    resource = task.get("Resource")
    if task.get("Type") != "Task" or not isinstance(resource, str):
        return None
    if _plain(resource).startswith(INVOKE):
        arguments = task.get("Parameters", task.get("Arguments"))
        name = arguments.get("FunctionName") if isinstance(arguments, dict) else None
        return name if isinstance(name, str) else None
    return resource


def _plain(resource: str) -> str:
    """The Resource of an integration as flows have it: deploy writes the partition of its environment."""
    return resource.replace("arn:${AWS::Partition}:states:::", "arn:aws:states:::", 1)


def _replaced(value: Any, arns: Mapping[str, str]) -> Any:
    """The value with these names of functions replaced, at any depth."""
    if isinstance(value, dict):
        return {
            key: _plain(arns.get(item, item)) if key in _NAMING and isinstance(item, str) else _replaced(item, arns)
            for key, item in value.items()
        }
    return [_replaced(item, arns) for item in value] if isinstance(value, list) else value


def _keywords(template: Template, function: TemplateFunction, root: Path) -> Mapping[str, Any] | None:
    """The keywords of the flow's `Function`; None if its code is not Python or not in the project."""
    place = function.place
    if place is None or function.code is None or function.code.name.startswith("asset."):
        return None
    file, _, attribute = place.rpartition(":")
    folder = function.code
    if folder.resolve() == root:
        folder = Path(file).parent
    source = os.path.relpath(folder, root)
    if source.startswith(os.pardir):
        return None
    module = ".".join(Path(file).relative_to(folder).with_suffix("").parts)
    default = _DEFAULTS[template.kind]
    keywords: dict[str, Any] = {
        "handler": f"{module}.{attribute}",
        "architecture": function.architecture or default["architecture"],
        "timeout": function.timeout or default["timeout"],
        "memory": function.memory or default["memory"],
        "environment": {key: value for key, value in function.environment.items() if "${" not in value},
    }
    if function.runtime:
        keywords["python"] = function.runtime.removeprefix("python")
    own = Function("x")
    return {"source": source} | {key: value for key, value in keywords.items() if getattr(own, key) != value}


def _not_packaged(function: TemplateFunction) -> Diagnostic:
    what = function.runtime or "not on this computer"
    message = f"function {function.id} stays a reference to the template: its code is {what}"
    hint = f"deploy it as before, and give its ARN: --substitution {function.id}.Arn=…"
    if function.code is not None and function.code.name.startswith("asset."):
        message = f"function {function.id} stays a reference to the template: its code is an asset that CDK copied"
        hint = "declare a Function in the flow, with the folder that it was copied from"
    elif function.runtime.startswith("python"):
        message = (
            f"function {function.id} stays a reference to the template: {function.handler or 'its code'} is not here"
        )
        hint = "correct its folder or handler in the template, or declare a Function in the flow"
    return Diagnostic("FD724", message, (), "warning", function.span, hint)
