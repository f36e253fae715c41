"""The invoker that calls AWS's APIs at an endpoint of the user's: an emulator, or AWS itself.

Source: Step Functions Developer Guide, "Integrating services" and "Discover service integration patterns".
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from attrs import define, evolve, field

from ...base.diagnostics import FlowError
from ...base.json import json_text
from ...engine import Call, Failed, Later, Reply, Succeeded
from ..hosts import Hosts
from .catalogue import SDK, operation
from .data import ArgumentError, as_iso, as_millis, from_response, to_request
from .emr import RENAMED, carry_out
from .endpoints import Endpoints
from .failures import error_prefix, failure
from .http_tasks import gateway_invoke, http_invoke
from .jobs import Job, at, job_of
from .kubernetes import ended_job, kubernetes_call, start_job
from .optimised import WITHOUT_METADATA, judge_result, prepare_arguments, with_metadata

JSON = Any


@define
class Services:
    """Answers every Task that an API of AWS answers: `arn:aws:states:::sqs:sendMessage`,
    `arn:aws:states:::aws-sdk:s3:getObject`, the ARN of a Lambda function.

    Where calls go: see Endpoints; for `http:invoke`, `apigateway:invoke`, `eks:call` and `eks:runJob` see Hosts. Each
    attempt of a Task is one call, which is not tried again. `.waitForTaskToken` makes the call and waits for the token;
    `.sync` looks every `poll_seconds` of real time, for at most `patience_seconds`, whether the job has ended.
    Activities wait for a worker.

    Raises FlowError for an API that botocore doesn't know, where no endpoint is configured or none answers there.
    """

    endpoints: Endpoints
    hosts: Hosts = field(factory=dict)
    poll_seconds: float = 1.0
    patience_seconds: float = 300.0
    sleep: Callable[[float], None] = field(default=time.sleep, repr=False)

    @property
    def configured(self) -> bool:
        """Whether any endpoint is."""
        return self.endpoints.configured

    def answers(self, call: Call) -> bool:
        """Whether anything is configured for calls such as this."""
        return bool(self.hosts) if (call.integration, call.action) in (*_BY_HTTP, _HTTP_TASK) else self.configured

    @classmethod
    def at(cls, url: str | None = None, urls: Mapping[str, str] | None = None, hosts: Hosts | None = None) -> Services:
        """For an endpoint of all services, or one for each; without any, for those in the environment."""
        return cls(Endpoints(url, urls or {}), hosts or {})

    def __call__(self, call: Call) -> Reply:
        if call.integration == "activity":
            return Reply.pending()
        if call.integration == "lambda" and call.action == "function":
            return self._function(call)
        if (call.integration, call.action) == _HTTP_TASK:
            return http_invoke(call, self.hosts)
        by_http = _BY_HTTP.get((call.integration, call.action))
        if by_http is not None:
            found = by_http(call, self.hosts)
            if isinstance(found, Failed):
                return Reply.of(found)
            if call.pattern != "sync":
                return Reply.succeeded(found)
            return self._look_after(call, found, lambda: ended_job(call, found, self.hosts))
        job = job_of(call.integration, call.action) if call.pattern.startswith("sync") else None
        if call.pattern.startswith("sync") and job is None:
            raise FlowError.of(
                f"the state {call.state_name!r} waits for {call.resource}, and flowdsl does not know how to look after "
                "such a job",
                code="FD934",
                hint="give the state a mock",
            )
        answer = self._call(call)
        if isinstance(answer, Failed):
            return Reply.of(answer)
        if job is None:
            return Reply.succeeded(answer)
        looking = evolve(call, action=job.action, arguments=job.wanted(call.arguments, answer))
        return self._look_after(call, answer, lambda: self._ended(call, job, answer, looking))

    def _function(self, call: Call) -> Reply:
        """The ARN of a function as Resource: what the function returns is the result."""
        arguments = {"FunctionName": call.resource, "Payload": json_text(call.arguments)}
        answer = self._call(evolve(call, action="invoke", arguments=arguments))
        if isinstance(answer, Failed):
            return Reply.of(answer)
        return Reply.succeeded(answer["Payload"])

    def _call(self, call: Call) -> dict[str, JSON] | Failed:
        renamed = RENAMED.get(call.action) if call.integration == "elasticmapreduce" else None
        if renamed is not None and isinstance(call.arguments, dict):
            ask = partial(self._asked, call)
            return carry_out(renamed, call.arguments, ask)
        wanted = operation(call.integration, call.action)
        from botocore import xform_name
        from botocore.exceptions import (
            BotoCoreError,
            ClientError,
            ConnectionClosedError,
            ParamValidationError,
            ReadTimeoutError,
            ResponseStreamingError,
        )
        from botocore.parsers import ResponseParserError

        client = self.endpoints.client(wanted, call.integration.removeprefix(SDK), call.region)
        try:
            request = to_request(wanted, call.arguments if wanted.sdk else prepare_arguments(call))
            response = getattr(client, xform_name(wanted.name))(**request)
            result = from_response(wanted, response, as_iso if wanted.sdk else as_millis)
        except ClientError as error:
            return Failed(*failure(wanted, error.response))
        except (ArgumentError, ParamValidationError) as error:
            given = json_text(call.arguments)
            cause = f"The Parameters '{given}' could not be used to start the Task: [{error}]"
            return Failed("States.Runtime", cause, refused=True)
        except (ConnectionClosedError, ReadTimeoutError, ResponseStreamingError) as error:
            # Whether the call was carried out is not known: a failure of the task, for Retry and Catch.
            return Failed(f"{error_prefix(wanted)}.SdkClientException", str(error))
        except (BotoCoreError, ResponseParserError, KeyError) as error:
            # No call, or an answer that is none of this API's (a KeyError where it is XML of another shape).
            raise FlowError.of(
                f"the state {call.state_name!r} calls {call.resource}: {error}",
                code="FD933",
                hint="start the emulator, or correct the endpoint",
            ) from None
        if wanted.sdk:
            return result
        judged = judge_result(call, result)
        if isinstance(judged, Failed) or (call.integration, call.action) in WITHOUT_METADATA:
            return judged
        return with_metadata(judged, response)

    def _asked(self, call: Call, action: str, arguments: dict[str, JSON]) -> dict[str, JSON] | Failed:
        return self._call(evolve(call, action=action, arguments=arguments))

    def _look_after(self, call: Call, started: JSON, look: Callable[[], Succeeded | Failed | None]) -> Reply:
        """Wait for the end of a job, which `look` tells, or gives None."""
        limit = min(self.patience_seconds, call.timeout_seconds or self.patience_seconds)
        begun = time.monotonic()
        while True:
            ended = look()
            seconds = time.monotonic() - begun
            if ended is not None:
                return Reply.pending(started, Later(seconds, ended))
            if seconds + self.poll_seconds > limit:
                return Reply.pending(started)
            self.sleep(self.poll_seconds)

    def _ended(self, call: Call, job: Job, started: dict[str, JSON], looking: Call) -> Succeeded | Failed | None:
        """How a job has ended; its description is the result."""
        described = self._call(looking)
        if isinstance(described, Failed):
            is_gone = job.gone and str(described.error).endswith(".ResourceNotFoundException")
            return Succeeded(_plain(started)) if is_gone else described
        status = at(at(described, job.result), job.status)
        if status not in (*job.succeeded, *job.failed):
            return None
        outcome = _outcome(call, job, described)
        if job.keeps:
            outcome = {**{name: started[name] for name in job.keeps if name in started}, **outcome}
        if status in job.succeeded and not _exited_badly(at(described, job.result)):
            return Succeeded(outcome)
        return Failed("States.TaskFailed", json_text(outcome))


def _exited_badly(job: JSON) -> bool:
    """Whether a container of an ECS task ended with another exit code than 0."""
    containers = job.get("Containers") if isinstance(job, dict) else None
    return isinstance(containers, list) and any(container.get("ExitCode") for container in containers)


def _outcome(call: Call, job: Job, described: dict[str, JSON]) -> JSON:
    result = at(_plain(described), job.result)
    if job.within:
        return {job.within: result}
    if call.pattern == "sync:2":
        return {key: json.loads(value) if key in ("Input", "Output") else value for key, value in result.items()}
    return result


def _plain(answer: dict[str, JSON]) -> dict[str, JSON]:
    """An answer without what only the call that starts a job adds."""
    return {key: value for key, value in answer.items() if key not in ("SdkHttpMetadata", "SdkResponseMetadata")}


_BY_HTTP: dict[tuple[str, str], Callable[[Call, Hosts], dict[str, JSON] | Failed]] = {
    ("apigateway", "invoke"): gateway_invoke,
    ("eks", "call"): kubernetes_call,
    ("eks", "runJob"): start_job,
}
"""Calls to APIs that aren't AWS's own, but for HTTP Tasks."""
_HTTP_TASK = ("http", "invoke")
