"""Schedules and alarms: what is wanted of them, how they are read, and the calls that create, change and delete them.

They have no data, so a deployment removes those that left the flow. The schedules of a state machine are in a group,
because EventBridge Scheduler tags only groups (Scheduler API Reference, TagResource).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from ..author.resources import Executions, Functions, Resource
from ..author.watching import Alarm, Schedule
from ..base.record import field
from .kinds import Ask, LiveStore, ResourceKind, Store, from_tags
from .model import AwsCall, Problem, Role, Stack
from .statements import Statement, trust
from .tags import pairs

UNSUCCESSFUL: Final = ("ExecutionsFailed", "ExecutionsTimedOut", "ExecutionsAborted")
"""Of AWS/States. Source: Step Functions Developer Guide, "Monitoring Step Functions metrics using CloudWatch"."""


class MetricAlarm(Resource):
    """An alarm; `settings` are those of PutMetricAlarm but for the name and tags."""

    service = "cloudwatch"

    settings: Mapping[str, Any] = field(factory=dict, kw_only=True)


class ScheduleGroup(Resource):
    """The schedules of a state machine: the settings of CreateSchedule but for name and group, by name."""

    service = "scheduler"

    schedules: Mapping[str, Mapping[str, Any]] = field(factory=dict, kw_only=True)


# What is wanted


def alarm_of(alarm: Alarm, stack: Stack, names: Mapping[str, str], notify: tuple[str, ...]) -> Store:
    """The deployed alarm. `names` are the deployed names of functions and machines, `notify` the topics it tells."""
    seconds = int(alarm.within.total_seconds())
    name = stack.named(alarm.name)
    common = {
        "AlarmDescription": f"Declared by {stack.name}",
        "AlarmActions": [*notify],
        "OKActions": [*notify],
        "Threshold": float(alarm.above),
        "ComparisonOperator": "GreaterThanThreshold",
        "EvaluationPeriods": alarm.periods,
        **({"DatapointsToAlarm": alarm.datapoints} if alarm.periods > 1 else {}),
        "TreatMissingData": "breaching" if alarm.silence else "notBreaching",
    }
    if isinstance(alarm.of, Executions):
        machine = names.get(alarm.of.machine, alarm.of.machine)
        arn = stack.place.arn("states", f"stateMachine:{machine}")
        metrics = [("AWS/States", metric, {"StateMachineArn": arn}) for metric in UNSUCCESSFUL]
        measured = _together(metrics, "Sum", seconds)
    elif isinstance(alarm.of, Functions):
        functions = [names.get(each, each) for each in alarm.of.names]
        measured = _together([("AWS/Lambda", "Errors", {"FunctionName": each}) for each in functions], "Sum", seconds)
        if alarm.silence:
            # FILL would hide that nothing was measured.
            measured["Metrics"][-1]["Expression"] = "+".join(f"m{number}" for number in range(len(functions)))
    else:
        function = names.get(alarm.of.function.name, alarm.of.function.name)
        measured = {
            "Namespace": alarm.of.namespace,
            "MetricName": alarm.of.name,
            "Dimensions": [{"Name": "function_name", "Value": function}],
            "Statistic": "Maximum",
            "Period": seconds,
        }
    return Store(name, MetricAlarm(name, settings={**common, **measured}), KINDS[MetricAlarm])


def _together(metrics: list[tuple[str, str, dict[str, str]]], statistic: str, seconds: int) -> dict[str, Any]:
    """The sum of metrics; AWS writes those without a value seldom or never, so nothing counts as 0.

    Source: CloudWatch User Guide, "Using math expressions with CloudWatch metrics", FILL.
    """
    queries: list[dict[str, Any]] = [
        {
            "Id": f"m{number}",
            "MetricStat": {
                "Metric": {
                    "Namespace": namespace,
                    "MetricName": name,
                    "Dimensions": [{"Name": key, "Value": value} for key, value in dimensions.items()],
                },
                "Period": seconds,
                "Stat": statistic,
            },
            "ReturnData": False,
        }
        for number, (namespace, name, dimensions) in enumerate(metrics)
    ]
    total = "+".join(f"FILL(m{number},0)" for number in range(len(metrics)))
    return {"Metrics": [*queries, {"Id": "all", "Expression": total, "Label": "all", "ReturnData": True}]}


def schedules_of(
    machine: str, schedules: tuple[Schedule, ...], stack: Stack, names: Mapping[str, str]
) -> tuple[Store, Role]:
    """The group of a machine's schedules, and the role with which EventBridge Scheduler invokes their functions.

    Source of the trust's conditions: EventBridge Scheduler User Guide, "Confused deputy prevention".
    """
    group, role = stack.named(machine), stack.role_named(f"{machine}-schedules")
    invoked = sorted({names.get(each.function.name, each.function.name) for each in schedules})
    arns = [stack.place.arn("lambda", f"function:{each}") for each in invoked]
    confused_deputy = {
        "StringEquals": {
            "aws:SourceAccount": stack.place.account,
            "aws:SourceArn": stack.place.arn("scheduler", f"schedule-group/{group}"),
        }
    }
    wanted = {
        each.name: {
            "ScheduleExpression": each.expression,
            "FlexibleTimeWindow": {"Mode": "OFF"},
            "State": "ENABLED",
            "Target": {
                "Arn": stack.place.arn("lambda", f"function:{names.get(each.function.name, each.function.name)}"),
                "RoleArn": stack.place.role(role, stack.role_path),
                "Input": "{}",
                # The next run does the same, so a missed one is not made up for.
                "RetryPolicy": {"MaximumEventAgeInSeconds": 300, "MaximumRetryAttempts": 1},
            },
        }
        for each in schedules
    }
    statements = (Statement.of("lambda:InvokeFunction", *arns),)
    own = Role(role, f"schedules/{group}", trust("scheduler.amazonaws.com", confused_deputy), statements)
    return Store(group, ScheduleGroup(group, schedules=wanted), KINDS[ScheduleGroup]), own


# Alarms


def _read_alarm(store: Store, arn: str, ask: Ask) -> LiveStore | None:
    answer = ask("cloudwatch", "DescribeAlarms", AlarmNames=[store.name], AlarmTypes=["MetricAlarm"]) or {}
    alarm = next(iter(answer.get("MetricAlarms", ())), None)
    if alarm is None:
        return None
    tags = (ask("cloudwatch", "ListTagsForResource", ResourceARN=arn) or {}).get("Tags", ())
    return LiveStore(store.name, arn, alarm, from_tags(tags))


def _create_alarm(store: Store, alarm: MetricAlarm, _stack: Stack, tags: Mapping[str, str]) -> AwsCall:
    arguments = {"AlarmName": store.name, **alarm.settings, "Tags": pairs(tags)}
    return AwsCall("cloudwatch", "PutMetricAlarm", arguments, store.label, "new")


def _change_alarm(store: Store, alarm: MetricAlarm, live: LiveStore) -> Iterator[AwsCall | Problem]:
    """PutMetricAlarm overwrites the whole alarm and ignores tags of one that exists (CloudWatch API Reference)."""
    changed = [key for key, value in alarm.settings.items() if not _same(live.attributes.get(key), value)]
    kinds = ("Metrics", "MetricName", "DatapointsToAlarm")
    changed += [key for key in kinds if live.attributes.get(key) and key not in alarm.settings]
    if changed:
        arguments = {"AlarmName": store.name, **alarm.settings}
        yield AwsCall("cloudwatch", "PutMetricAlarm", arguments, store.label, ", ".join(sorted(changed)))


def _same(live: Any, wanted: Any) -> bool:
    """Whether a live value has all that is wanted; AWS adds defaults, such as an AccountId of metrics."""
    if isinstance(wanted, Mapping):
        return isinstance(live, Mapping) and all(_same(live.get(key), each) for key, each in wanted.items())
    if isinstance(wanted, list):
        live = live or []
        return len(live) == len(wanted) and all(_same(one, other) for one, other in zip(live, wanted, strict=True))
    return bool(live == wanted)


def _alarm_properties(store: Store, alarm: MetricAlarm, _stack: Stack, tags: list[dict[str, str]]) -> dict[str, Any]:
    return {"AlarmName": store.name, **alarm.settings, "Tags": tags}


# Schedules


def _read_group(store: Store, arn: str, ask: Ask) -> LiveStore | None:
    answer = ask("scheduler", "GetScheduleGroup", Name=store.name)
    if answer is None or answer.get("State") == "DELETING":
        return None
    tags = (ask("scheduler", "ListTagsForResource", ResourceArn=arn) or {}).get("Tags", ())
    schedules: dict[str, Any] = {}
    more: dict[str, str] = {}
    while True:
        page = ask("scheduler", "ListSchedules", GroupName=store.name, **more) or {}
        for each in page.get("Schedules", ()):
            schedule = ask("scheduler", "GetSchedule", GroupName=store.name, Name=each["Name"])
            schedules |= {each["Name"]: schedule} if schedule else {}
        if not page.get("NextToken"):
            return LiveStore(store.name, arn, {"schedules": schedules}, from_tags(tags))
        more = {"NextToken": page["NextToken"]}


def _create_group(store: Store, _group: ScheduleGroup, _stack: Stack, tags: Mapping[str, str]) -> AwsCall:
    return AwsCall("scheduler", "CreateScheduleGroup", {"Name": store.name, "Tags": pairs(tags)}, store.label, "new")


def _change_group(store: Store, group: ScheduleGroup, live: LiveStore) -> Iterator[AwsCall | Problem]:
    known = live.attributes.get("schedules", {})
    for name, settings in group.schedules.items():
        place = {"GroupName": store.name, "Name": name}
        before, label = known.get(name), f"schedule {store.name}/{name}"
        if before is None:
            yield AwsCall("scheduler", "CreateSchedule", {**place, **settings}, label, settings["ScheduleExpression"])
        elif changed := [key for key, value in settings.items() if not _same(before.get(key), value)]:
            # UpdateSchedule resets what it is not given (EventBridge Scheduler API Reference).
            yield AwsCall("scheduler", "UpdateSchedule", {**place, **settings}, label, ", ".join(changed))
    for name in sorted(known.keys() - group.schedules.keys()):
        arguments = {"GroupName": store.name, "Name": name}
        label = f"schedule {store.name}/{name}"
        yield AwsCall("scheduler", "DeleteSchedule", arguments, label, "no longer part of the flow")


def _fill_group(store: Store, group: ScheduleGroup) -> Iterator[AwsCall | Problem]:
    return _change_group(store, group, LiveStore(store.name, "", {}, {}))


def _group_properties(store: Store, _group: ScheduleGroup, _stack: Stack, tags: list[dict[str, str]]) -> dict[str, Any]:
    return {"Name": store.name, "Tags": tags}


KINDS: Final[Mapping[type[Resource], ResourceKind]] = {
    MetricAlarm: ResourceKind(
        word="alarm",
        names=(r"[^\x00-\x1f:/]{1,255}", "at most 255 characters, and neither ':' nor '/'"),
        arn="alarm:",
        value=lambda store, stack: store.name,
        read=_read_alarm,
        create=_create_alarm,
        change=_change_alarm,
        delete=("DeleteAlarms", "AlarmNames"),
        template=("AWS::CloudWatch::Alarm", _alarm_properties),
        has_data=False,
        takes_list=True,
    ),
    ScheduleGroup: ResourceKind(
        word="schedule group",
        names=(r"[A-Za-z0-9_.-]{1,64}", "at most 64 letters, digits, '-', '_' and '.'"),
        arn="schedule-group/",
        value=lambda store, stack: store.name,
        read=_read_group,
        create=_create_group,
        change=_change_group,
        delete=("DeleteScheduleGroup", "Name"),
        template=("AWS::Scheduler::ScheduleGroup", _group_properties),
        has_data=False,
        then=_fill_group,
    ),
}


def leftover(kind: str, name: str) -> Store | None:
    """The store of a tagged resource that may have left the flow: an `alarm`, or a `schedule-group`."""
    if kind == "alarm":
        return Store(name, MetricAlarm(name), KINDS[MetricAlarm])
    return Store(name, ScheduleGroup(name), KINDS[ScheduleGroup]) if kind == "schedule-group" else None
