"""The invoker that calls AWS's APIs at an endpoint of the user: an emulator, or AWS itself.

Source: Step Functions Developer Guide, "Integrating services" and "Discover service integration patterns".
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from typing import Any

from attrs import define, evolve, field

from ...asl.integration_records import Job, value_at
from ...asl.integrations import find_action
from ...asl.resource import SDK
from ...base.diagnostics import FlowError
from ...base.json import json_text
from ...engine import Call, Failed, Later, Reply, Succeeded
from ..hosts import Hosts
from .catalogue import operation
from .data import ArgumentError, as_iso, as_millis, from_response, to_request
from .endpoints import Endpoints
from .failures import error_prefix, failure
from .http_tasks import gateway_invoke, http_invoke
from .optimised import prepare_arguments, read_result

JSON = Any


@define
class Services:
    """Answers every Task that an API of AWS answers: `arn:aws:states:::sqs:sendMessage`,
    `arn:aws:states:::aws-sdk:s3:getObject`, the ARN of a Lambda function.

    Endpoints says where calls go, Hosts for `http:invoke` and `apigateway:invoke`. Each attempt of a Task is one call,
    which is not retried. `.waitForTaskToken` makes the call and waits for the token; `.sync` asks every `poll_seconds`
    of real time, for at most `patience_seconds`, whether the job has ended. Activities wait for a worker.

    Raises FlowError for an API that botocore does not know, and if no endpoint is configured or none answers.
    """

    endpoints: Endpoints
    hosts: Hosts = field(factory=dict)
    poll_seconds: float = 1.0
    patience_seconds: float = 300.0
    sleep: Callable[[float], None] = field(default=time.sleep, repr=False)

    @property
    def configured(self) -> bool:
        """True if there is an endpoint for any service."""
        return self.endpoints.configured

    def answers(self, call: Call) -> bool:
        """True if a host or an endpoint is configured for calls like this one."""
        return bool(self.hosts) if call.integration in _BY_HOST else self.configured

    @classmethod
    def at(cls, url: str | None = None, urls: Mapping[str, str] | None = None, hosts: Hosts | None = None) -> Services:
        """For an endpoint of all services, or one for each; without any, for those in the environment."""
        return cls(Endpoints(url, urls or {}), hosts or {})

    def __call__(self, call: Call) -> Reply:
        if call.integration == "activity":
            return Reply.pending()
        if call.integration == "lambda" and call.action == "function":
            return self._function(call)
        if call.integration in _BY_HOST:
            return _BY_HOST[call.integration](call, self.hosts)
        action = find_action(call.integration, call.action)
        job = action.job if action is not None and call.pattern.startswith("sync") else None
        if call.pattern.startswith("sync") and job is None:
            raise FlowError.of(
                f"state {call.state_name!r} waits for {call.resource}, and flowdsl does not know how to poll this job",
                code="FD934",
                hint="give the state a mock",
            )
        answer = self._call(call)
        if isinstance(answer, Failed):
            return Reply.of(answer)
        if job is None:
            return Reply.succeeded(answer)
        describe = evolve(call, action=job.action, arguments=job.describe(call.arguments, answer))
        return self._poll(call, answer, lambda: self._ended(call, job, answer, describe))

    def _function(self, call: Call) -> Reply:
        """Call the function whose ARN is the Resource: its return value is the result."""
        arguments = {"FunctionName": call.resource, "Payload": json_text(call.arguments)}
        answer = self._call(evolve(call, action="invoke", arguments=arguments))
        if isinstance(answer, Failed):
            return Reply.of(answer)
        return Reply.succeeded(answer["Payload"])

    def _call(self, call: Call) -> dict[str, JSON] | Failed:
        wanted = operation(call.integration, call.action)
        action = find_action(call.integration, call.action)
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
            request = to_request(wanted, prepare_arguments(call, action))
            response = getattr(client, xform_name(wanted.name))(**request)
            result = from_response(wanted, response, as_iso if wanted.sdk else as_millis)
        except ClientError as error:
            return Failed(*failure(wanted, error.response))
        except (ArgumentError, ParamValidationError) as error:
            arguments = json_text(call.arguments)
            cause = f"The Parameters '{arguments}' could not be used to start the Task: [{error}]"
            return Failed("States.Runtime", cause, refused=True)
        except (ConnectionClosedError, ReadTimeoutError, ResponseStreamingError) as error:
            # The service may have carried out the call: the task fails, and Retry and Catch decide.
            return Failed(f"{error_prefix(wanted)}.SdkClientException", str(error))
        except (BotoCoreError, ResponseParserError, KeyError) as error:
            # No connection, or not an answer of this API (XML of another shape raises KeyError).
            raise FlowError.of(
                f"state {call.state_name!r} calls {call.resource}: {error}",
                code="FD933",
                hint="start the emulator, or correct the endpoint",
            ) from None
        return result if wanted.sdk else read_result(action, result, response)

    def _poll(self, call: Call, started: JSON, look: Callable[[], Succeeded | Failed | None]) -> Reply:
        """Wait until `look` returns how the job ended; it returns None while the job runs."""
        limit = min(self.patience_seconds, call.timeout_seconds or self.patience_seconds)
        start = time.monotonic()
        while True:
            ended = look()
            seconds = time.monotonic() - start
            if ended is not None:
                return Reply.pending(started, Later(seconds, ended))
            if seconds + self.poll_seconds > limit:
                return Reply.pending(started)
            self.sleep(self.poll_seconds)

    def _ended(self, call: Call, job: Job, started: dict[str, JSON], describe: Call) -> Succeeded | Failed | None:
        """How a job ended, with its description as the result; None while it runs."""
        description = self._call(describe)
        if isinstance(description, Failed):
            is_missing = str(description.error).endswith(".ResourceNotFoundException")
            return Succeeded(_plain(started)) if is_missing and job.succeeds_when_missing else description
        state = value_at(_plain(description), job.result)
        status = value_at(state, job.status)
        if status not in (*job.succeeded, *job.failed):
            return None
        outcome = {job.wrapper: state} if job.wrapper else _parse_texts(state) if call.pattern == "sync:2" else state
        if status in job.succeeded and not job.has_failed(state):
            return Succeeded(outcome)
        return Failed("States.TaskFailed", json_text(outcome))


def _parse_texts(execution: dict[str, JSON]) -> JSON:
    """The description of an execution with input and output as JSON values, as `.sync:2` returns it."""
    return {key: json.loads(value) if key in ("Input", "Output") else value for key, value in execution.items()}


def _plain(answer: dict[str, JSON]) -> dict[str, JSON]:
    """The answer without the metadata, which only the call that starts a job adds."""
    return {key: value for key, value in answer.items() if key not in ("SdkHttpMetadata", "SdkResponseMetadata")}


_BY_HOST: Mapping[str, Callable[[Call, Hosts], Reply]] = {"apigateway": gateway_invoke, "http": http_invoke}
"""Integrations whose calls go to a host that the Task names."""
