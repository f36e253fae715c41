"""MiniStack 1.5.33 with corrections, so that it runs the payment flow's definition as AWS does.

    .ministack/bin/python tests/cloud/emulator.py

It runs in MiniStack's own environment. What is corrected, and AWS's documentation of it:

- Parallel states in JSONata: Arguments, Output and Assign are evaluated (Step Functions Developer Guide, "Transforming
  data with JSONata in Step Functions").
- TimeoutSeconds may be a JSONata expression ("Task workflow state": "TimeoutSeconds").
- An exception of a Python handler has its class's name as errorType, which Retry and Catch match (Lambda Developer
  Guide, "Lambda function errors in Python").
- DescribeAlarms has the Metrics that PutMetricAlarm was given (CloudWatch API Reference, "MetricAlarm").
"""

from __future__ import annotations

import threading
from typing import Any

from ministack.app import main
from ministack.core import lambda_runtime
from ministack.services import cloudwatch, lambda_svc
from ministack.services import stepfunctions as states
from starter import end_with_starter

_raised = threading.local()
_run_branches = states._run_parallel_branches
_execute_task = states._execute_task
_execute_function = lambda_svc._execute_function_warm
_invoke = lambda_runtime.Worker.invoke
_put_alarm = cloudwatch._put_metric_alarm
TRACE = '"trace": traceback.format_exc()'
"""What the script that calls a Python handler tells of an exception, besides its text."""


def run_branches(state: dict[str, Any], document: Any, execution: Any, context: Any) -> tuple[Any, Any]:
    if states._state_query_language(state, context) != "JSONata":
        return _run_branches(state, document, execution, context)
    arguments = states._apply_jsonata_arguments(state, document, context)
    results, following = _run_branches(state, arguments, execution, context)
    output = states._apply_jsonata_output(state, document, context, result=results, default=results)
    states._apply_state_assign(state, document, context, result=results)
    return output, following


def execute_task(state: dict[str, Any], document: Any, execution: Any, context: Any) -> tuple[Any, Any]:
    if str(state.get("TimeoutSeconds", "")).startswith("{%"):
        seconds = states._jsonata_state_field(state, "TimeoutSeconds", "number", document, context)
        state = {**state, "TimeoutSeconds": seconds}
    return _execute_task(state, document, execution, context)


def invoke(*arguments: Any, **options: Any) -> dict[str, Any]:
    answer = _invoke(*arguments, **options)
    _raised.name = answer.get("type", "")
    return answer


def execute_function(*arguments: Any, **options: Any) -> dict[str, Any]:
    _raised.name = ""
    answer = _execute_function(*arguments, **options)
    if _raised.name and answer.get("error") and answer["body"].get("errorType") == "Runtime.HandlerError":
        answer["body"]["errorType"] = _raised.name
    return answer


def put_alarm(parameters: Any, data: Any, *options: Any) -> Any:
    answer = _put_alarm(parameters, data, *options)
    alarm = cloudwatch._alarms.get(data.get("AlarmName")) if data else None
    if alarm is not None and "Metrics" in data:
        alarm["Metrics"] = data["Metrics"]
    return answer


if __name__ == "__main__":
    end_with_starter()
    cloudwatch._put_metric_alarm = put_alarm
    states._run_parallel_branches = run_branches
    states._execute_task = execute_task
    lambda_svc._execute_function_warm = execute_function
    lambda_runtime.Worker.invoke = invoke
    script = lambda_runtime._PYTHON_WORKER_SCRIPT
    assert TRACE in script, "another version of MiniStack"
    lambda_runtime._PYTHON_WORKER_SCRIPT = script.replace(TRACE, f'"type": type(e).__name__, {TRACE}')
    main()
