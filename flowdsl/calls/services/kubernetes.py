"""`eks:call` and `eks:runJob`: the Kubernetes API of a cluster.

Source: Step Functions Developer Guide, "Create and manage Amazon EKS clusters with Step Functions", "Kubernetes API
integrations"; Kubernetes API reference, Job and "read log of the specified Pod". That a refused call fails as
`EKS.409`: state machines that others published.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from attrs import evolve

from ...base.json import json_text
from ...engine import Call, Failed, Succeeded
from ..hosts import Hosts, headers_of, host_of
from .http_tasks import as_object, refused, required, seconds_of
from .web import LostAnswerError, Pairs, RefusedError, Request, body_text, pairs, parsed, send, url

JSON = Any
Result = dict[str, JSON]


def kubernetes_call(call: Call, hosts: Hosts, read: Callable[[str], JSON] = parsed) -> Result | Failed:
    """Call the API of a cluster; `read` makes a value of its answer's text.

    Raises FlowError for an Endpoint that is not configured.
    """
    try:
        arguments = as_object(call.arguments)
        method = required(arguments, "Method")
        called = url(required(arguments, "Endpoint"))._replace(path=required(arguments, "Path"))
    except RefusedError as error:
        return refused(call, error)
    host = host_of(hosts, called, call.state_name)
    body = arguments.get("RequestBody")
    headers: Pairs = [("Accept", "application/json")]
    if body is not None:
        patch = "application/strategic-merge-patch+json" if method == "PATCH" else "application/json"
        headers.append(("Content-Type", patch))
    headers += headers_of(host).items()
    query = [*pairs(arguments.get("QueryParameters"))]
    content = None if body is None else body_text(body)
    try:
        answer = send(host, Request(method, called, query, headers, content), seconds=seconds_of(call))
        if not 200 <= answer.status < 300:
            return Failed(f"EKS.{answer.status}", answer.text)
        return answer.shown(read)
    except RefusedError as error:
        return refused(call, error)
    except LostAnswerError as lost:
        return Failed("EKS.SdkClientException", str(lost))
    except ValueError:
        return Failed("States.Runtime", "The response body is no text", refused=True)


def start_job(call: Call, hosts: Hosts) -> Result | Failed:
    """`eks:runJob`: create the Job."""
    arguments = as_object(call.arguments)
    job = arguments.get("Job")
    if job is None:
        return refused(call, RefusedError("The field 'Job' is required but was missing"))
    return kubernetes_call(_within(call, "POST", "apis/batch/v1", "jobs", RequestBody=job), hosts)


def ended_job(call: Call, started: Result, hosts: Hosts) -> Succeeded | Failed | None:
    """How the Job has ended, None while it runs. The result is what the API says of it, with the logs of its pods where
    LogOptions wants them."""
    name = _job_name(started)
    found = kubernetes_call(_within(call, "GET", "apis/batch/v1", f"jobs/{quote(name, safe='')}"), hosts)
    if isinstance(found, Failed):
        return found
    status = as_object(as_object(found["ResponseBody"]).get("status"))
    conditions = status.get("conditions")
    held = [
        str(each.get("type"))
        for each in (conditions if isinstance(conditions, list) else ())
        if isinstance(each, dict) and each.get("status") == "True"
    ]
    if "Complete" not in held and "Failed" not in held:
        return None
    options = as_object(as_object(call.arguments).get("LogOptions"))
    if options.get("RetrieveLogs"):
        found = {**found, "logs": _logs(call, name, options, hosts)}
    return Succeeded(found) if "Complete" in held else Failed("States.TaskFailed", json_text(found))


def _job_name(started: Result) -> str:
    metadata = as_object(as_object(started.get("ResponseBody")).get("metadata"))
    return str(metadata.get("name", ""))


def _within(call: Call, method: str, group: str, rest: str, **more: JSON) -> Call:
    """A call of the API in the Job's namespace."""
    arguments = as_object(call.arguments)
    path = f"/{group}/namespaces/{arguments.get('Namespace') or 'default'}/{rest}"
    kept = {key: arguments[key] for key in ("Endpoint",) if key in arguments}
    return evolve(call, arguments={**kept, "Method": method, "Path": path, **more})


def _logs(call: Call, job: str, options: Result, hosts: Hosts) -> Result:
    """What the containers of the Job's pods have written; an error stands in place of a log that cannot be had."""
    query = {"labelSelector": [f"job-name={job}"]}
    listed = kubernetes_call(_within(call, "GET", "api/v1", "pods", QueryParameters=query), hosts)
    if isinstance(listed, Failed):
        return {"error": listed.error, "cause": listed.cause}
    pods: Result = {}
    items = as_object(listed["ResponseBody"]).get("items")
    for pod in items if isinstance(items, list) else ():
        name = str(as_object(as_object(pod).get("metadata")).get("name", ""))
        containers = as_object(as_object(pod).get("spec")).get("containers")
        names = [str(as_object(each).get("name", "")) for each in (containers if isinstance(containers, list) else ())]
        pods[name] = {"containers": {each: _log(call, name, each, options, hosts) for each in names}}
    return {"pods": pods}


def _log(call: Call, pod: str, container: str, options: Result, hosts: Hosts) -> Result:
    query = {**as_object(options.get("LogParameters")), "container": [container]}
    asked = _within(call, "GET", "api/v1", f"pods/{quote(pod, safe='')}/log", QueryParameters=query)
    found = kubernetes_call(asked, hosts, str if options.get("RawLogs") else parsed)
    if isinstance(found, Failed):
        return {"error": found.error, "cause": found.cause}
    return {"log": found["ResponseBody"]}
