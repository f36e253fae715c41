"""Alarms and schedules: a part of the AWS in memory.

Sources: CloudWatch API Reference (PutMetricAlarm: "If you are using this operation to update an existing alarm, any
tags you specify in this parameter are ignored"; DescribeAlarms: without AlarmTypes no composite alarms); EventBridge
Scheduler API Reference and User Guide ("Deleting a schedule group").
"""

from collections.abc import Mapping
from typing import Any

from tests.deploy.memory_common import PLACE, RefusedError, get


def _tags(listed: Any) -> dict[str, str]:
    return {each["Key"]: each["Value"] for each in listed}


def _pairs(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]


class Watching:
    """The calls of CloudWatch and EventBridge Scheduler; `Memory` has the state."""

    def cloudwatch_DescribeAlarms(
        self, AlarmNames: Any, AlarmTypes: Any = ("MetricAlarm",), MaxRecords: int = 50
    ) -> Any:
        assert len(AlarmNames) <= MaxRecords <= 100
        answer: dict[str, Any] = {"MetricAlarms": [], "CompositeAlarms": []}
        for name in AlarmNames:
            kind = "CompositeAlarm" if name.startswith("all-") else "MetricAlarm"
            own = self.metric_alarms.get(name)
            if own is not None and "MetricAlarm" in AlarmTypes:
                answer["MetricAlarms"].append({"AlarmName": name, "StateValue": "OK", **own["settings"]})
            elif name in self.alarms and kind in AlarmTypes:
                answer[f"{kind}s"].append({"AlarmName": name, "StateValue": self.alarms[name]})
        return answer

    def cloudwatch_PutMetricAlarm(self, AlarmName: str, Tags: Any = (), **settings: Any) -> None:
        if ("Metrics" in settings) == ("MetricName" in settings):
            raise RefusedError("InvalidParameterCombination", "Metrics, or MetricName and its parameters")
        for each in settings.get("Metrics", ()):
            if "MetricStat" in each:
                each["AccountId"] = PLACE.account  # an example of what AWS adds
        own = self.metric_alarms.setdefault(AlarmName, {"tags": _tags(Tags)})
        own["settings"] = {"ActionsEnabled": True, "InsufficientDataActions": [], **settings}

    def alarm(self, arn: str) -> dict[str, Any]:
        return get(self.metric_alarms, arn.rpartition(":")[2], "ResourceNotFoundException", "Unknown alarm.")

    def cloudwatch_ListTagsForResource(self, ResourceARN: str) -> Any:
        return {"Tags": _pairs(self.alarm(ResourceARN)["tags"])}

    def cloudwatch_TagResource(self, ResourceARN: str, Tags: Any) -> None:
        self.alarm(ResourceARN)["tags"].update(_tags(Tags))

    def cloudwatch_UntagResource(self, ResourceARN: str, TagKeys: Any) -> None:
        for key in TagKeys:
            self.alarm(ResourceARN)["tags"].pop(key, None)

    def cloudwatch_DeleteAlarms(self, AlarmNames: Any) -> None:
        for name in AlarmNames:
            get(self.metric_alarms, name, "ResourceNotFound", "Unknown alarm.")
            del self.metric_alarms[name]

    def schedule_group(self, name: str) -> dict[str, Any]:
        missing = f"Schedule group {name} does not exist."
        group = get(self.schedule_groups, name.rpartition("/")[2], "ResourceNotFoundException", missing)
        deleted = group.get("deleted")
        if deleted and (self.clock.now() - deleted).total_seconds() > self.settles_after:
            del self.schedule_groups[name.rpartition("/")[2]]
            raise RefusedError("ResourceNotFoundException", missing)
        return group

    def scheduler_CreateScheduleGroup(self, Name: str, Tags: Any = ()) -> Any:
        try:
            self.schedule_group(Name)
        except RefusedError:
            self.schedule_groups[Name] = {"tags": _tags(Tags), "schedules": {}}
            return {"ScheduleGroupArn": PLACE.arn("scheduler", f"schedule-group/{Name}")}
        raise RefusedError("ConflictException", f"Schedule group {Name} already exists.")

    def scheduler_GetScheduleGroup(self, Name: str) -> Any:
        group = self.schedule_group(Name)
        arn = PLACE.arn("scheduler", f"schedule-group/{Name}")
        return {"Arn": arn, "Name": Name, "State": "DELETING" if group.get("deleted") else "ACTIVE"}

    def scheduler_DeleteScheduleGroup(self, Name: str) -> None:
        """With all its schedules; it takes a while."""
        self.schedule_group(Name)["deleted"] = self.clock.now()

    def scheduler_ListTagsForResource(self, ResourceArn: str) -> Any:
        return {"Tags": _pairs(self.schedule_group(ResourceArn)["tags"])}

    def scheduler_TagResource(self, ResourceArn: str, Tags: Any) -> None:
        self.schedule_group(ResourceArn)["tags"].update(_tags(Tags))

    def scheduler_UntagResource(self, ResourceArn: str, TagKeys: Any) -> None:
        for key in TagKeys:
            self.schedule_group(ResourceArn)["tags"].pop(key, None)

    def scheduler_ListSchedules(self, GroupName: str, NextToken: str = "0") -> Any:
        """A page has one, so that readers have to ask for more."""
        names = sorted(self.schedule_group(GroupName)["schedules"])
        start = int(NextToken)
        more = {"NextToken": str(start + 1)} if start + 1 < len(names) else {}
        return {"Schedules": [{"Name": name, "GroupName": GroupName} for name in names[start : start + 1]], **more}

    def scheduler_GetSchedule(self, GroupName: str, Name: str) -> Any:
        schedules = self.schedule_group(GroupName)["schedules"]
        found = get(schedules, Name, "ResourceNotFoundException", f"Schedule {Name} does not exist.")
        return {"Name": Name, "GroupName": GroupName, "ScheduleExpressionTimezone": "UTC", **found}

    def scheduler_CreateSchedule(self, GroupName: str, Name: str, **settings: Any) -> Any:
        if Name in self.schedule_group(GroupName)["schedules"]:
            raise RefusedError("ConflictException", f"Schedule {Name} already exists.")
        self._put_schedule(GroupName, Name, settings)
        return {"ScheduleArn": PLACE.arn("scheduler", f"schedule/{GroupName}/{Name}")}

    def scheduler_UpdateSchedule(self, GroupName: str, Name: str, **settings: Any) -> Any:
        self.scheduler_GetSchedule(GroupName, Name)
        self._put_schedule(GroupName, Name, settings)
        return {"ScheduleArn": PLACE.arn("scheduler", f"schedule/{GroupName}/{Name}")}

    def _put_schedule(self, group: str, name: str, settings: dict[str, Any]) -> None:
        role = settings["Target"]["RoleArn"].rpartition("/")[2]
        age = (self.clock.now() - self.roles[role]["created"]).total_seconds() if role in self.roles else -1.0
        if self.never_assumable or age < self.assumable_after:
            text = "The execution role you provide must allow AWS EventBridge Scheduler to assume the role."
            raise RefusedError("ValidationException", text)
        self.schedule_group(group)["schedules"][name] = settings

    def scheduler_DeleteSchedule(self, GroupName: str, Name: str) -> None:
        self.scheduler_GetSchedule(GroupName, Name)
        del self.schedule_group(GroupName)["schedules"][Name]
