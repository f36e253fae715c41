"""Metrics that the flow's alarms watch: log lines in CloudWatch's embedded metric format."""

from __future__ import annotations

import os

from handlers.configuration import is_on_lambda

NAMESPACE = "payments"


def report(name: str, value: int) -> None:
    """Write the value of a metric of this function; does nothing outside of Lambda."""
    if is_on_lambda():
        from aws_lambda_powertools.metrics import MetricUnit, single_metric

        with single_metric(name=name, unit=MetricUnit.Count, value=value, namespace=NAMESPACE) as metric:
            metric.add_dimension(name="function_name", value=os.environ["AWS_LAMBDA_FUNCTION_NAME"])
