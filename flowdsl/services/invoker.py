"""The invoker that calls AWS's APIs at an endpoint of the user's: an emulator, or AWS itself.

Source: Step Functions Developer Guide, "Integrating services" and "Discover service integration patterns".
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from typing import Any

from attrs import define, evolve, field

from ..diagnostics import FlowError
from ..engine import Call, Failed, Later, Reply, Succeeded
from ..expr.java import json_text
from .catalogue import SDK, operation
from .data import ArgumentError, as_iso, as_millis, from_response, to_request
from .endpoints import Endpoints
from .failures import error_prefix, failure
from .jobs import Job, at, job_of
from .optimised import WITHOUT_METADATA, judge_result, prepare_arguments, with_metadata

JSON = Any


@define
class Services:
    """Answers every Task that an API of AWS answers: `arn:aws:states:::sqs:sendMessage`,
    `arn:aws:states:::aws-sdk:s3:getObject`, the ARN of a Lambda function.

    Where calls go: see Endpoints. Each attempt of a Task is one call, which is not tried again. `.waitForTaskToken`
    makes the call and waits for the token; `.sync` looks every `poll_seconds` of real time, for at most
    `patience_seconds`, whether the job has ended. Activities wait for a worker.

    Raises FlowError for an API that botocore doesn't know, where no endpoint is configured or none answers there.
    """

    endpoints: Endpoints
    poll_seconds: float = 1.0
    patience_seconds: float = 300.0
    sleep: Callable[[float], None] = field(default=time.sleep, repr=False)

    @property
    def configured(self) -> bool:
        """Whether any endpoint is."""
        return self.endpoints.configured

    @classmethod
    def at(cls, url: str | None = None, urls: Mapping[str, str] | None = None) -> Services:
        """For an endpoint of all services, or one for each; without any, for those in the environment."""
        return cls(Endpoints(url, urls or {}))

    def __call__(self, call: Call) -> Reply:
        if call.integration == "activity":
            return Reply.pending()
        if call.integration == "lambda" and call.action == "function":
            return self._function(call)
        if (call.integration, call.action) in _ELSEWHERE:
            raise _elsewhere(call)
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
            return Reply.failed(answer.error, answer.cause)
        return Reply.succeeded(answer) if job is None else self._look_after(call, job, answer)

    def _function(self, call: Call) -> Reply:
        """The ARN of a function as Resource: what the function returns is the result."""
        arguments = {"FunctionName": call.resource, "Payload": json_text(call.arguments)}
        answer = self._call(evolve(call, action="invoke", arguments=arguments))
        if isinstance(answer, Failed):
            return Reply.failed(answer.error, answer.cause)
        return Reply.succeeded(answer["Payload"])

    def _call(self, call: Call) -> dict[str, JSON] | Failed:
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
            return Failed("States.Runtime", f"The Parameters '{given}' could not be used to start the Task: [{error}]")
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

    def _look_after(self, call: Call, job: Job, started: dict[str, JSON]) -> Reply:
        """Wait for the end of a job; its description is the result."""
        looking = evolve(call, action=job.action, arguments=job.wanted(call.arguments, started))
        limit = min(self.patience_seconds, call.timeout_seconds or self.patience_seconds)
        begun = time.monotonic()
        while True:
            described = self._call(looking)
            seconds = time.monotonic() - begun
            if isinstance(described, Failed):
                return Reply.pending(started, Later(seconds, described))
            status = at(at(described, job.result), job.status)
            if status in job.succeeded and not _exited_badly(at(described, job.result)):
                return Reply.pending(started, Later(seconds, Succeeded(_outcome(call, job, described))))
            if status in (*job.failed, *job.succeeded):
                cause = json_text(_outcome(call, job, described))
                return Reply.pending(started, Later(seconds, Failed("States.TaskFailed", cause)))
            if seconds + self.poll_seconds > limit:
                return Reply.pending(started)
            self.sleep(self.poll_seconds)


def _exited_badly(job: JSON) -> bool:
    """Whether a container of an ECS task ended with another exit code than 0."""
    containers = job.get("Containers") if isinstance(job, dict) else None
    return isinstance(containers, list) and any(container.get("ExitCode") for container in containers)


def _outcome(call: Call, job: Job, described: dict[str, JSON]) -> JSON:
    plain = {key: value for key, value in described.items() if key not in ("SdkHttpMetadata", "SdkResponseMetadata")}
    result = at(plain, job.result)
    if call.pattern == "sync:2":
        return {key: json.loads(value) if key in ("Input", "Output") else value for key, value in result.items()}
    return result


_ELSEWHERE = {("apigateway", "invoke"), ("http", "invoke"), ("eks", "call"), ("eks", "runJob")}
"""Calls to APIs that aren't AWS's own."""


def _elsewhere(call: Call) -> FlowError:
    return FlowError.of(
        f"the state {call.state_name!r} calls {call.resource}, which is no API of AWS's own",
        code="FD935",
        hint="give the state a mock",
    )
