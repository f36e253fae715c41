"""Write flowdsl/author/aws.json and aws.pyi from botocore's models: `python scripts/aws_stubs.py`.

aws.json: what `aws` has to know when a flow is read. aws.pyi: the types of the optimised integrations, for completion.
Reading every model takes about a minute.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from flowdsl.asl.apis import api_names, capitalize, decapitalize
from flowdsl.asl.integration_records import Action, Service
from flowdsl.asl.integrations import SERVICES
from flowdsl.author.integrations import camel_case
from flowdsl.calls.services.failures import class_name

TABLE = ROOT / "flowdsl" / "author" / "aws.json"
STUBS = ROOT / "flowdsl" / "author" / "aws.pyi"

_OWN: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "apigateway:invoke": (
        ("ApiEndpoint", "Method"),
        ("Headers", "Stage", "Path", "QueryParameters", "RequestBody", "AllowNullValues", "AuthType"),
    ),
    "http:invoke": (
        ("ApiEndpoint", "Method"),
        ("Authentication", "InvocationConfig", "Headers", "QueryParameters", "RequestBody", "Transform"),
    ),
    "eks:call": (
        ("ClusterName", "CertificateAuthority", "Endpoint", "Method", "Path"),
        ("QueryParameters", "RequestBody"),
    ),
    "eks:runJob": (("ClusterName", "CertificateAuthority", "Endpoint", "Job"), ("Namespace", "LogOptions")),
}
"""Integrations with parameters of Step Functions' own: required and optional ones."""
_ANY_JSON = frozenset({"Body", "Input", "Message", "MessageBody", "Payload", "RequestBody"})
"""Texts that Step Functions makes of any JSON."""
_TYPES = {
    "string": "Text",
    "integer": "Whole",
    "long": "Whole",
    "float": "Real",
    "double": "Real",
    "boolean": "Flag",
    "timestamp": "Time",
    "list": "Items",
    "map": "Fields",
    "structure": "Fields",
}


def sdk_names(service_id: str) -> list[str]:
    """A service in the Resource of an SDK integration; the SDK for Java leaves `service` off some."""
    name = service_id.lower().replace(" ", "").replace("-", "")
    return [name, name.removesuffix("service")] if name.endswith("service") else [name]


def snake(operation: str) -> str:
    from botocore import xform_name

    return str(xform_name(operation))


@cache
def model_of(api: str) -> dict[str, Any] | None:
    """What botocore knows of an API."""
    from botocore.exceptions import UnknownServiceError
    from botocore.loaders import create_loader

    try:
        model: dict[str, Any] = create_loader().load_service_model(api, "service-2")
    except UnknownServiceError:
        return None
    return model


def service_id(api: str, model: dict[str, Any]) -> str:
    return str(model["metadata"].get("serviceId", api))


def table(apis: list[str] | None = None) -> dict[str, Any]:
    """What aws.json holds, of all APIs or of those that botocore names so."""
    prefixes: dict[str, str] = {}
    irregular: dict[str, dict[str, str]] = {}
    for api in apis or sorted({*api_names().values()}):
        model = model_of(api)
        if model is None:
            continue
        odd = {snake(name): decapitalize(name) for name in model["operations"] if is_irregular(name)}
        for name in sdk_names(service_id(api, model)):
            prefix = class_name(service_id(api, model))
            if prefix != capitalize(name):
                prefixes[name] = prefix
            if odd:
                irregular[name] = odd
    return {"optimised": optimised(), "prefixes": prefixes, "irregular": irregular}


def is_irregular(operation: str) -> bool:
    return camel_case(snake(operation)) != decapitalize(operation)


def optimised() -> dict[str, Any]:
    entries: dict[str, Any] = {}
    for service in SERVICES.values():
        entry: dict[str, Any] = {"actions": {name: [*action.patterns] for name, action in service.actions.items()}}
        model = model_of(service.api)
        if model:
            entry["errors"] = service.error_prefix or class_name(service_id(service.api, model))
            entry["sdk"] = sdk_names(service_id(service.api, model))[-1]
        entries[service.name] = entry
    return entries


def stubs() -> str:
    """The text of aws.pyi."""
    lines = [
        '"""The optimised integrations with their parameters. Written by scripts/aws_stubs.py: do not edit."""',
        "",
        "from collections.abc import Mapping, Sequence",
        "from datetime import datetime",
        "from typing import Literal",
        "",
        "from .expressions import Expression, Value",
        "from .functions import Function",
        "from .integrations import Action, AwsError, Errors, Integration, Sdk, Service",
        "",
        "Text = str | Expression",
        "Whole = int | Expression",
        "Real = float | Expression",
        "Flag = bool | Expression",
        "Time = str | datetime | Expression",
        "Items = Sequence[Value] | Expression",
        "Fields = Mapping[str, Value] | Expression",
        "",
        "sdk: Sdk",
        "",
        "def __getattr__(name: str) -> Service: ...",
        "",
    ]
    for service in SERVICES.values():
        lines += _service(service)
    return "\n".join(lines)


def _service(service: Service) -> Iterator[str]:
    own = "_" + "".join(part.capitalize() for part in service.name.split("-"))
    attribute = service.name.replace("-", "_") + ("_" if service.name == "lambda" else "")
    model = model_of(service.api)
    fields = []
    for action in service.actions.values():
        parameters = _parameters(service, action)
        kind = "Action"
        if parameters is not None:
            kind = own + capitalize(action.name)
            patterns = " ".join(action.patterns)
            keywords = {"__call__": "", "sync": "sync", "wait_for_task_token": "waitForTaskToken"}
            yield f"class {kind}:"
            for name in (name for name, pattern in keywords.items() if pattern in patterns):
                yield f"    def {name}("
                yield "        self,"
                yield "        *,"
                yield from parameters
                yield "    ) -> Integration: ..."
            yield ""
        fields.append(f"    {snake(action.name)}: {kind}")
    errors = sorted(name for name, shape in model["shapes"].items() if shape.get("exception")) if model else []
    if errors:
        yield f"class {own}Errors(Errors):"
        yield from (f"    {error}: AwsError" for error in errors)
        yield ""
        fields.append("    @property")
        fields.append(f"    def errors(self) -> {own}Errors: ...")
    yield f"class {own}(Service):"
    yield from fields
    yield ""
    yield f"{attribute}: {own}"
    yield ""


def _parameters(service: Service, action: Action) -> list[str] | None:
    """The lines of a signature, the required parameters first."""
    where = f"{service.name}:{action.name}"
    if where in _OWN:
        needed, others = _OWN[where]
        types = dict.fromkeys((*needed, *others), "Value")
    else:
        model = model_of(action.api or service.api) if action.calls_api else None
        operation = model["operations"].get(capitalize(action.name)) if model else None
        if model is None or operation is None or "input" not in operation:
            return None
        structure = model["shapes"][operation["input"]["shape"]]
        shapes = {capitalize(name): model["shapes"][each["shape"]] for name, each in structure["members"].items()}
        types = {name: "Value" if name in _ANY_JSON else _type(shape) for name, shape in shapes.items()}
        types |= dict.fromkeys(action.added, "Value")
        if service.name == "lambda":
            types["FunctionName"] += " | Function"
        needed = tuple(capitalize(name) for name in structure.get("required", ()))
    return [
        *(f"        {name}: {types[name]}," for name in needed),
        *(f"        {name}: {kind} = ...," for name, kind in sorted(types.items()) if name not in needed),
    ]


def _type(shape: dict[str, Any]) -> str:
    words = shape.get("enum", [])
    if words and len(words) <= 30:
        return f"Literal[{', '.join(json.dumps(word) for word in words)}] | Text"
    return _TYPES.get(shape["type"], "Value")


if __name__ == "__main__":
    TABLE.write_text(json.dumps(table(), indent=1, sort_keys=True) + "\n")
    STUBS.write_text(stubs())
