"""What runs and watches a deployed flow: functions that are invoked on a schedule, and alarms.

    sweep = Function("payment-reconcile", "handlers/reconcile", timeout=900)
    machine = StateMachine(
        "payment",
        flow,
        schedules=[Schedule("sweep", sweep, every=timedelta(minutes=15))],
        alarms=[
            Alarm("payment-failing", Executions("payment")),
            Alarm("payment-sweep-failing", Functions(sweep), silence=True),
            Alarm("payment-open-work", Metric("payments", "OpenWork", sweep)),
        ],
    )

`flowdsl deploy` and `flowdsl build --template` make them; a local run ignores them.
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

from ..base.record import Record, field
from .functions import Function
from .resources import Executions, Functions


class Schedule(Record):
    """Invokes a function of the flow again and again, with `{}` as its event, by EventBridge Scheduler."""

    name: str
    function: Function
    every: timedelta = field(kw_only=True)
    """Whole minutes, at least one."""

    def __init__(self, name: str, function: Function, *, every: timedelta) -> None:
        """Raises TypeError for a name or an interval that AWS does not take."""
        super().__init__(name, function, every=every)
        if not re.fullmatch(r"[0-9A-Za-z_.-]{1,64}", name):
            raise TypeError(f"a schedule's name has at most 64 letters, digits, '-', '_' and '.': {name!r}")
        if not isinstance(function, Function):
            raise TypeError(f"schedule {name!r} takes the Function that it invokes: Schedule('sweep', sweep, every=…)")
        if not isinstance(every, timedelta) or every < timedelta(minutes=1) or every % timedelta(minutes=1):
            raise TypeError(f"schedule {name!r}: every= takes whole minutes, such as timedelta(minutes=15): {every!r}")

    @property
    def expression(self) -> str:
        """The interval as EventBridge Scheduler writes it: `rate(15 minutes)`."""
        minutes = self.every // timedelta(minutes=1)
        return f"rate({minutes} minute{'s' * (minutes > 1)})"


class Metric(Record):
    """A CloudWatch metric that a function writes itself, with the dimension `function_name` (the deployed name).

    A log line in CloudWatch's embedded metric format needs no permissions:
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
    """

    namespace: str
    name: str
    function: Function


class Alarm(Record):
    """A CloudWatch alarm, told to the topics that the environment's `notify` names.

    It watches executions of a state machine of this project that fail, time out or are aborted; errors of functions;
    or the highest value of a metric. It rings if there are more than `above` of them `within` that time: with
    `datapoints=3, periods=16` only if that is so in 3 of the last 16 periods of that length, which one burst is not.
    With `silence` it also rings if there was nothing at all to measure: the functions were not invoked, the metric was
    not written.
    """

    name: str
    of: Executions | Functions | Metric
    above: float = field(default=0, kw_only=True)
    within: timedelta = field(default=timedelta(minutes=5), kw_only=True)
    silence: bool = field(default=False, kw_only=True)
    datapoints: int = field(default=1, kw_only=True)
    periods: int = field(default=1, kw_only=True)

    def __init__(
        self,
        name: str,
        of: Executions | Functions | Metric,
        *,
        above: float = 0,
        within: timedelta = timedelta(minutes=5),
        silence: bool = False,
        datapoints: int = 1,
        periods: int = 1,
    ) -> None:
        """Raises TypeError for what CloudWatch does not take."""
        super().__init__(name, of, above=above, within=within, silence=silence, datapoints=datapoints, periods=periods)
        if not re.fullmatch(r"[^\x00-\x1f:/]{1,200}", name):
            raise TypeError(f"an alarm's name has 1 to 200 characters, without ':' and '/': {name!r}")
        if not isinstance(of, Executions | Functions | Metric):
            raise TypeError(f"alarm {name!r} watches Executions(…), Functions(…) or Metric(…), not {_word(of)}")
        if isinstance(of, Functions) and not 1 <= len(of.names) <= 5:
            raise TypeError(f"alarm {name!r} watches 1 to 5 functions; declare one alarm for each")
        minute = timedelta(minutes=1)
        if not isinstance(within, timedelta) or not minute <= within <= timedelta(days=1) or within % minute:
            raise TypeError(f"alarm {name!r}: within= takes whole minutes, at most a day: {within!r}")
        if not 1 <= datapoints <= periods:
            raise TypeError(
                f"alarm {name!r}: datapoints= is a number of the periods=, at least 1: {datapoints} of {periods}"
            )
        # PutMetricAlarm, EvaluationPeriods, in the CloudWatch API Reference.
        if within * periods > timedelta(days=7 if within >= timedelta(hours=1) else 1):
            raise TypeError(
                f"alarm {name!r}: periods= of {within} take at most a day, or 7 days if each has an hour or more"
            )
        if silence and isinstance(of, Executions):
            reason = "a flow that nobody starts is no fault"
            raise TypeError(f"alarm {name!r}: silence= is for functions and metrics; {reason}")


def _word(value: Any) -> str:
    return type(value).__name__
