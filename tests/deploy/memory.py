"""An AWS in memory, as its documentation describes it, for the calls that a deployment makes.

Each call is checked against botocore's model, so it has the parameters that AWS takes and the answer has the members
that AWS gives. Time passes only when somebody sleeps. What is eventually consistent lags behind: roles cannot be
assumed at once, functions are pending, the tag index misses what is new.

Sources: API references of Lambda, IAM, CloudWatch Logs, Step Functions and the Resource Groups Tagging API; Lambda
Developer Guide, "Lambda function states"; Step Functions Developer Guide, "State machine versions", "State machine
aliases", "Read consistency", "Redriving executions".
"""

import contextlib
import copy
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from attrs import define, field

from flowdsl.deploy.aws import CallError
from tests.deploy.memory_common import (
    PLACE,
    READS,
    Clock,
    ConnectionLostError,
    RefusedError,
    get,
    needed_by_caller,
    operation,
    sha,
)
from tests.deploy.memory_machines import Machines
from tests.deploy.memory_roles import Roles
from tests.deploy.memory_watching import Watching


@define
class Memory(Machines, Roles, Watching):
    """The state of an account in one region."""

    clock: Clock = field(factory=Clock)
    assumable_after: float = 8.0
    """Seconds after which a new role can be assumed."""
    settles_after: float = 3.0
    """Seconds for which a function is being created or updated."""
    index_lag: float = 20.0
    """Seconds after which the tag index knows what was tagged."""
    never_assumable: bool = False
    denied: frozenset[str] = frozenset()
    """Actions that the credentials lack, such as `lambda:CreateFunction`."""
    log: list[tuple[str, str]] = field(factory=list)
    fail_at: int | None = None
    """The number of the call, from 0, that fails."""
    fault: str = "before"
    """`before`: it is refused; `after`: it is carried out and the answer is lost; `throttle`: refused, once; `expire`:
    the credentials have expired, from this call on."""
    watch: Callable[["Memory"], None] = lambda _: None
    """Called after each call."""
    roles: dict[str, dict[str, Any]] = field(factory=dict)
    policies: dict[str, dict[str, Any]] = field(factory=dict)
    """Managed policies by ARN."""
    alarms: dict[str, str] = field(factory=dict)
    """The states of CloudWatch alarms; a composite one's name begins with "all-"."""
    metric_alarms: dict[str, dict[str, Any]] = field(factory=dict)
    """Alarms that were put, with their settings and tags."""
    schedule_groups: dict[str, dict[str, Any]] = field(factory=dict)
    diagnostics: list[dict[str, str]] = field(factory=list)
    """What ValidateStateMachineDefinition answers for a definition that is valid JSON."""
    functions: dict[str, dict[str, Any]] = field(factory=dict)
    groups: dict[str, dict[str, Any]] = field(factory=dict)
    machines: dict[str, dict[str, Any]] = field(factory=dict)
    tables: dict[str, dict[str, Any]] = field(factory=dict)
    queues: dict[str, dict[str, Any]] = field(factory=dict)
    deleted_queues: dict[str, datetime] = field(factory=dict)
    topics: dict[str, dict[str, str]] = field(factory=dict)
    buses: dict[str, dict[str, str]] = field(factory=dict)
    executions: dict[str, dict[str, Any]] = field(factory=dict)
    tagged_at: dict[str, datetime] = field(factory=dict)

    # Calls

    def call(self, service: str, name: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        from botocore.validate import ParamValidator

        number = len(self.log)
        self.log.append((service, name))
        shape = operation(service, name).input_shape
        report = ParamValidator().validate(dict(arguments), shape) if shape else None
        assert report is None or not report.has_errors(), f"{service}:{name}: {report.generate_report()}"
        if self.fault == "expire" and self.fail_at is not None and number >= self.fail_at:
            raise CallError(
                "ExpiredTokenException", "The security token included in the request is expired", service, name
            )
        if number == self.fail_at and self.fault != "after":
            code = "ThrottlingException" if self.fault == "throttle" else "InternalFailure"
            raise CallError(code, "injected", service, name)
        for action, resource in needed_by_caller(service, name, arguments):
            if action in self.denied:
                message = f"User: arn:aws:iam::1:user/me is not authorized to perform: {action} on resource: {resource}"
                message += f" because no identity-based policy allows the {action} action"
                raise CallError("AccessDeniedException", message, service, name)
        try:
            answer = getattr(self, f"{service}_{name}")(**arguments) or {}
        except RefusedError as refusal:
            raise CallError(refusal.code, refusal.message, service, name) from None
        output = operation(service, name).output_shape
        known = set(output.members) if output else set()
        assert answer.keys() <= known, f"{service}:{name} answers {answer.keys() - known}"
        self.watch(self)
        if number == self.fail_at:
            raise ConnectionLostError
        return copy.deepcopy(answer)

    def is_at_aws(self, _service: str) -> bool:
        """As AWS, with its quotas."""
        return True

    def changes(self) -> list[str]:
        return [f"{service}:{name}" for service, name in self.log if not name.startswith(READS)]

    # STS, tags

    def sts_GetCallerIdentity(self) -> Any:
        return {"Account": PLACE.account, "Arn": "arn:aws:iam::123456789012:user/me", "UserId": "me"}

    def tagging_GetResources(self, TagFilters: Any, PaginationToken: str = "") -> Any:
        resources = {PLACE.arn("lambda", f"function:{name}"): each["tags"] for name, each in self.functions.items()}
        resources |= {PLACE.arn("logs", f"log-group:{name}"): each["tags"] for name, each in self.groups.items()}
        resources |= {PLACE.arn("states", f"stateMachine:{name}"): each["tags"] for name, each in self.machines.items()}
        alarms = {PLACE.arn("cloudwatch", f"alarm:{name}"): each["tags"] for name, each in self.metric_alarms.items()}
        groups = {
            PLACE.arn("scheduler", f"schedule-group/{name}"): each["tags"]
            for name, each in self.schedule_groups.items()
        }
        resources |= alarms | groups
        listed = [
            {"ResourceARN": arn, "Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}
            for arn, tags in resources.items()
            if self.age(arn) >= self.index_lag and all(tags.get(each["Key"]) in each["Values"] for each in TagFilters)
        ]
        return {"ResourceTagMappingList": listed, "PaginationToken": ""}

    def age(self, arn: str) -> float:
        return (self.clock.now() - self.tagged_at.setdefault(arn, self.clock.now())).total_seconds()

    # Logs

    def logs_CreateLogGroup(self, logGroupName: str, tags: Any = None, kmsKeyId: str = "") -> None:
        if logGroupName in self.groups:
            raise RefusedError("ResourceAlreadyExistsException", "The specified log group already exists")
        self.groups[logGroupName] = {"retention": None, "tags": dict(tags or {}), "key": kmsKeyId}
        self.tagged_at[PLACE.arn("logs", f"log-group:{logGroupName}")] = self.clock.now()

    def group(self, name: str) -> dict[str, Any]:
        return get(self.groups, name, "ResourceNotFoundException", "The specified log group does not exist.")

    def logs_PutRetentionPolicy(self, logGroupName: str, retentionInDays: int) -> None:
        self.group(logGroupName)["retention"] = retentionInDays

    def logs_AssociateKmsKey(self, logGroupName: str, kmsKeyId: str) -> None:
        self.group(logGroupName)["key"] = kmsKeyId

    def logs_DisassociateKmsKey(self, logGroupName: str) -> None:
        self.group(logGroupName)["key"] = ""

    def logs_DescribeLogGroups(self, logGroupNamePrefix: str, nextToken: str = "") -> Any:
        return {
            "logGroups": [
                {
                    "logGroupName": name,
                    **({"retentionInDays": each["retention"]} if each["retention"] else {}),
                    **({"kmsKeyId": each["key"]} if each["key"] else {}),
                }
                for name, each in self.groups.items()
                if name.startswith(logGroupNamePrefix)
            ]
        }

    def logs_ListTagsForResource(self, resourceArn: str) -> Any:
        return {"tags": self.group(resourceArn.split(":", 6)[6])["tags"]}

    def logs_TagResource(self, resourceArn: str, tags: Any) -> None:
        self.group(resourceArn.split(":", 6)[6])["tags"] |= tags

    def logs_UntagResource(self, resourceArn: str, tagKeys: Any) -> None:
        for key in tagKeys:
            self.group(resourceArn.split(":", 6)[6])["tags"].pop(key, None)

    def logs_DeleteLogGroup(self, logGroupName: str) -> None:
        self.group(logGroupName)
        del self.groups[logGroupName]

    # Tables, queues, topics, event buses

    def table(self, name: str) -> dict[str, Any]:
        name = name.rpartition("/")[2]
        deleted = self.tables.get(name, {}).get("deleted")
        if deleted and (self.clock.now() - deleted).total_seconds() >= self.settles_after:
            del self.tables[name]
        return get(self.tables, name, "ResourceNotFoundException", f"Requested resource not found: Table: {name}")

    def dynamodb_CreateTable(self, TableName: str, Tags: Any, **settings: Any) -> Any:
        with contextlib.suppress(RefusedError):
            self.table(TableName)  # forgets one that is gone by now
        if TableName in self.tables:
            what = "is being deleted" if self.tables[TableName].get("deleted") else "already exists"
            raise RefusedError("ResourceInUseException", f"Table {what}: {TableName}")
        tags = {each["Key"]: each["Value"] for each in Tags}
        self.tables[TableName] = {"settings": settings, "tags": tags, "changed": self.clock.now()}
        return {}

    def dynamodb_DescribeTimeToLive(self, TableName: str) -> Any:
        attribute = self.table(TableName).get("expires")
        if attribute is None:
            return {"TimeToLiveDescription": {"TimeToLiveStatus": "DISABLED"}}
        return {"TimeToLiveDescription": {"TimeToLiveStatus": "ENABLED", "AttributeName": attribute}}

    def dynamodb_UpdateTimeToLive(self, TableName: str, TimeToLiveSpecification: Any) -> Any:
        """Another attribute only after it was disabled: DynamoDB API Reference, UpdateTimeToLive."""
        table = self.table(TableName)
        assert TimeToLiveSpecification["Enabled"]
        if table.get("expires"):
            raise RefusedError("ValidationException", "TimeToLive is active on a different AttributeName")
        table["expires"] = TimeToLiveSpecification["AttributeName"]
        return {"TimeToLiveSpecification": TimeToLiveSpecification}

    def dynamodb_DescribeTable(self, TableName: str) -> Any:
        table = self.table(TableName)
        settings = {key: value for key, value in table["settings"].items() if key != "BillingMode"}
        age = (self.clock.now() - table["changed"]).total_seconds()
        status = "DELETING" if table.get("deleted") else "ACTIVE" if age >= self.settles_after else "CREATING"
        return {"Table": {"TableName": TableName, "TableStatus": status, **settings}}

    def dynamodb_UpdateTable(self, TableName: str, AttributeDefinitions: Any, GlobalSecondaryIndexUpdates: Any) -> Any:
        table = self.table(TableName)
        if (self.clock.now() - table["changed"]).total_seconds() < self.settles_after:
            raise RefusedError("ResourceInUseException", f"Table is being updated: {TableName}")
        (update,) = GlobalSecondaryIndexUpdates
        indexes = [*table["settings"].get("GlobalSecondaryIndexes", ()), update["Create"]]
        table["settings"] |= {"AttributeDefinitions": AttributeDefinitions, "GlobalSecondaryIndexes": indexes}
        table["changed"] = self.clock.now()
        return {}

    def dynamodb_ListTagsOfResource(self, ResourceArn: str) -> Any:
        return {"Tags": [{"Key": key, "Value": value} for key, value in self.table(ResourceArn)["tags"].items()]}

    def dynamodb_TagResource(self, ResourceArn: str, Tags: Any) -> None:
        self.table(ResourceArn)["tags"] |= {each["Key"]: each["Value"] for each in Tags}

    def dynamodb_UntagResource(self, ResourceArn: str, TagKeys: Any) -> None:
        for key in TagKeys:
            self.table(ResourceArn)["tags"].pop(key, None)

    def dynamodb_DeleteTable(self, TableName: str) -> None:
        if self.table(TableName)["settings"]["DeletionProtectionEnabled"]:
            raise RefusedError("ValidationException", "Resource cannot be deleted as it is currently protected")
        self.tables[TableName]["deleted"] = self.clock.now()

    def queue(self, url: str) -> dict[str, Any]:
        return get(self.queues, url.rpartition("/")[2], "QueueDoesNotExist", "The specified queue does not exist.")

    def sqs_CreateQueue(self, QueueName: str, Attributes: Any, tags: Any) -> Any:
        deleted = self.deleted_queues.get(QueueName)
        if deleted and (self.clock.now() - deleted).total_seconds() < 60:
            message = (
                "You must wait 60 seconds after deleting a queue before you can create another with the same name."
            )
            raise RefusedError("AWS.SimpleQueueService.QueueDeletedRecently", message)
        is_fifo = Attributes.get("FifoQueue") == "true"
        name = QueueName.removesuffix(".fifo") if is_fifo else QueueName
        if not name.replace("-", "").replace("_", "").isalnum():
            raise RefusedError(
                "InvalidParameterValue", "Can only include alphanumeric characters, hyphens, underscores."
            )
        self.queues[QueueName] = {"attributes": dict(Attributes), "tags": dict(tags)}
        return self.sqs_GetQueueUrl(QueueName)

    def sqs_GetQueueUrl(self, QueueName: str) -> Any:
        self.queue(QueueName)
        return {"QueueUrl": f"https://sqs.{PLACE.region}.amazonaws.com/{PLACE.account}/{QueueName}"}

    def sqs_GetQueueAttributes(self, QueueUrl: str, AttributeNames: Any) -> Any:
        return {"Attributes": self.queue(QueueUrl)["attributes"]}

    def sqs_SetQueueAttributes(self, QueueUrl: str, Attributes: Any) -> None:
        self.queue(QueueUrl)["attributes"] |= Attributes

    def sqs_ListQueueTags(self, QueueUrl: str) -> Any:
        return {"Tags": self.queue(QueueUrl)["tags"]}

    def sqs_TagQueue(self, QueueUrl: str, Tags: Any) -> None:
        self.queue(QueueUrl)["tags"] |= Tags

    def sqs_UntagQueue(self, QueueUrl: str, TagKeys: Any) -> None:
        for key in TagKeys:
            self.queue(QueueUrl)["tags"].pop(key, None)

    def sqs_DeleteQueue(self, QueueUrl: str) -> None:
        self.queue(QueueUrl)
        self.deleted_queues[QueueUrl.rpartition("/")[2]] = self.clock.now()
        del self.queues[QueueUrl.rpartition("/")[2]]

    def topic(self, arn: str) -> dict[str, str]:
        return get(self.topics, arn.rpartition(":")[2], "NotFound", "Topic does not exist")

    def sns_CreateTopic(self, Name: str, Tags: Any, Attributes: Any = None) -> Any:
        if Name.endswith(".fifo") != ((Attributes or {}).get("FifoTopic") == "true"):
            raise RefusedError("InvalidParameter", "Invalid parameter: Topic Name")
        self.topics[Name] = {each["Key"]: each["Value"] for each in Tags}
        return {"TopicArn": PLACE.arn("sns", Name)}

    def sns_GetTopicAttributes(self, TopicArn: str) -> Any:
        self.topic(TopicArn)
        return {"Attributes": {"TopicArn": TopicArn}}

    def sns_ListTagsForResource(self, ResourceArn: str) -> Any:
        return {"Tags": [{"Key": key, "Value": value} for key, value in self.topic(ResourceArn).items()]}

    def sns_TagResource(self, ResourceArn: str, Tags: Any) -> None:
        self.topic(ResourceArn).update({each["Key"]: each["Value"] for each in Tags})

    def sns_UntagResource(self, ResourceArn: str, TagKeys: Any) -> None:
        for key in TagKeys:
            self.topic(ResourceArn).pop(key, None)

    def sns_DeleteTopic(self, TopicArn: str) -> None:
        self.topics.pop(TopicArn.rpartition(":")[2], None)

    def bus(self, name: str) -> dict[str, str]:
        return get(self.buses, name.rpartition("/")[2], "ResourceNotFoundException", "Event bus does not exist.")

    def events_CreateEventBus(self, Name: str, Tags: Any) -> Any:
        if Name in self.buses:
            raise RefusedError("ResourceAlreadyExistsException", f"Event bus {Name} already exists.")
        self.buses[Name] = {each["Key"]: each["Value"] for each in Tags}
        return {"EventBusArn": PLACE.arn("events", f"event-bus/{Name}")}

    def events_DescribeEventBus(self, Name: str) -> Any:
        self.bus(Name)
        return {"Name": Name, "Arn": PLACE.arn("events", f"event-bus/{Name}")}

    def events_ListTagsForResource(self, ResourceARN: str) -> Any:
        return {"Tags": [{"Key": key, "Value": value} for key, value in self.bus(ResourceARN).items()]}

    def events_TagResource(self, ResourceARN: str, Tags: Any) -> None:
        self.bus(ResourceARN).update({each["Key"]: each["Value"] for each in Tags})

    def events_UntagResource(self, ResourceARN: str, TagKeys: Any) -> None:
        for key in TagKeys:
            self.bus(ResourceARN).pop(key, None)

    def events_DeleteEventBus(self, Name: str) -> None:
        self.buses.pop(Name, None)

    # Lambda

    def function(self, name: str) -> dict[str, Any]:
        name = name.split(":")[6] if name.startswith("arn:") else name
        return get(self.functions, name, "ResourceNotFoundException", f"Function not found: {name}")

    def _settled(self, function: dict[str, Any]) -> bool:
        return (self.clock.now() - function["changed"]).total_seconds() >= self.settles_after

    def _configuration(self, name: str, function: dict[str, Any], version: dict[str, Any]) -> dict[str, Any]:
        arn = PLACE.arn("lambda", f"function:{name}")
        answer = {**version["settings"], "FunctionName": name, "Version": version["number"], "FunctionArn": arn}
        if version["number"] != "$LATEST":
            answer["FunctionArn"] += f":{version['number']}"
        settled = self._settled(function)
        created = function["created"] == function["changed"] and not settled
        answer |= {
            "State": "Pending" if created else "Active",
            "LastUpdateStatus": "InProgress" if not settled and not created else "Successful",
            # The revision changes once more when an update has settled.
            "RevisionId": f"{function['revision']}{'' if settled else '-pending'}",
        }
        return answer

    def _latest(self, name: str) -> dict[str, Any]:
        function = self.function(name)
        return self._configuration(name, function, {"settings": function["settings"], "number": "$LATEST"})

    def _changing(self, name: str, revision: str | None) -> dict[str, Any]:
        function = self.function(name)
        if not self._settled(function):
            message = f"The operation cannot be performed at this time. An update is in progress for resource: {name}"
            raise RefusedError("ResourceConflictException", message)
        if revision is not None and revision != self._latest(name)["RevisionId"]:
            message = "The RevisionId provided does not match the latest RevisionId for the function"
            raise RefusedError("PreconditionFailedException", message)
        return function

    def _changed(self, function: dict[str, Any]) -> None:
        function["changed"] = self.clock.now()
        function["revision"] += 1

    def lambda_CreateFunction(
        self, FunctionName: str, Code: Any, Role: str, PackageType: str, Tags: Any, **settings: Any
    ) -> Any:
        if FunctionName in self.functions:
            raise RefusedError("ResourceConflictException", f"Function already exist: {FunctionName}")
        message = "The role defined for the function cannot be assumed by Lambda."
        self.assume(Role, "lambda.amazonaws.com", "InvalidParameterValueException", message)
        now = self.clock.now()
        self.functions[FunctionName] = {
            "settings": {**settings, "Role": Role, "CodeSha256": sha(Code["ZipFile"]), "PackageType": "Zip"},
            "versions": [],
            "last": 0,
            "aliases": {},
            "tags": dict(Tags),
            "created": now,
            "changed": now,
            "revision": 1,
            "concurrency": None,
        }
        self.tagged_at[PLACE.arn("lambda", f"function:{FunctionName}")] = now
        return self._latest(FunctionName)

    def lambda_GetFunction(self, FunctionName: str) -> Any:
        function = self.function(FunctionName)
        answer = {"Configuration": self._latest(FunctionName), "Tags": function["tags"]}
        if function["concurrency"] is not None:
            answer["Concurrency"] = {"ReservedConcurrentExecutions": function["concurrency"]}
        return answer

    def lambda_GetFunctionConfiguration(self, FunctionName: str, Qualifier: str = "$LATEST") -> Any:
        function = self.function(FunctionName)
        if Qualifier == "$LATEST":
            return self._latest(FunctionName)
        version = next((each for each in function["versions"] if each["number"] == Qualifier), None)
        if version is None:
            raise RefusedError("ResourceNotFoundException", f"Function not found: {FunctionName}:{Qualifier}")
        return {**self._configuration(FunctionName, function, version), "State": "Active"}

    def lambda_UpdateFunctionCode(
        self, FunctionName: str, ZipFile: bytes, Architectures: Any, RevisionId: str | None = None
    ) -> Any:
        function = self._changing(FunctionName, RevisionId)
        function["settings"] |= {"CodeSha256": sha(ZipFile), "Architectures": Architectures}
        self._changed(function)
        return self._latest(FunctionName)

    def lambda_UpdateFunctionConfiguration(
        self, FunctionName: str, RevisionId: str | None = None, **settings: Any
    ) -> Any:
        function = self._changing(FunctionName, RevisionId)
        message = "The role defined for the function cannot be assumed by Lambda."
        self.assume(settings["Role"], "lambda.amazonaws.com", "InvalidParameterValueException", message)
        function["settings"] |= settings
        self._changed(function)
        return self._latest(FunctionName)

    def lambda_PublishVersion(
        self, FunctionName: str, CodeSha256: str, RevisionId: str | None = None, Description: str = ""
    ) -> Any:
        function = self._changing(FunctionName, RevisionId)
        if CodeSha256 != function["settings"]["CodeSha256"]:
            message = f"CodeSHA256 ({CodeSha256}) is different from current CodeSHA256 in $LATEST"
            raise RefusedError("InvalidParameterValueException", message)
        versions = function["versions"]
        if not versions or versions[-1]["settings"] != function["settings"]:
            function["last"] += 1
            versions.append({"number": str(function["last"]), "settings": copy.deepcopy(function["settings"])})
        return self._configuration(FunctionName, function, versions[-1])

    def lambda_ListVersionsByFunction(self, FunctionName: str, Marker: str = "") -> Any:
        function = self.function(FunctionName)
        versions = [self._configuration(FunctionName, function, each) for each in function["versions"]]
        page = int(Marker or 0)
        every = [self._latest(FunctionName), *versions]
        answer = {"Versions": every[page : page + 3]}  # AWS has 50 on a page
        return {**answer, "NextMarker": str(page + 3)} if page + 3 < len(every) else answer

    def lambda_ListAliases(self, FunctionName: str, Marker: str = "") -> Any:
        aliases = self.function(FunctionName)["aliases"]
        return {"Aliases": [{"Name": name, "FunctionVersion": version} for name, version in aliases.items()]}

    def lambda_CreateAlias(self, FunctionName: str, Name: str, FunctionVersion: str) -> Any:
        function = self.function(FunctionName)
        if Name in function["aliases"]:
            raise RefusedError("ResourceConflictException", f"Alias already exists: {Name}")
        self.lambda_GetFunctionConfiguration(FunctionName, FunctionVersion)
        function["aliases"][Name] = FunctionVersion
        return {"Name": Name, "FunctionVersion": FunctionVersion}

    def lambda_UpdateAlias(self, FunctionName: str, Name: str, FunctionVersion: str) -> Any:
        self.lambda_GetFunctionConfiguration(FunctionName, FunctionVersion)
        self.function(FunctionName)["aliases"][Name] = FunctionVersion
        return {"Name": Name, "FunctionVersion": FunctionVersion}

    def lambda_DeleteAlias(self, FunctionName: str, Name: str) -> None:
        self.function(FunctionName)["aliases"].pop(Name, None)

    def lambda_DeleteFunction(self, FunctionName: str, Qualifier: str | None = None) -> None:
        function = self.function(FunctionName)
        if Qualifier is None:
            del self.functions[FunctionName]
            return
        if Qualifier in function["aliases"].values():
            raise RefusedError("ResourceConflictException", "Unable to delete version because an alias points to it")
        function["versions"] = [each for each in function["versions"] if each["number"] != Qualifier]

    def lambda_PutFunctionConcurrency(self, FunctionName: str, ReservedConcurrentExecutions: int) -> Any:
        self.function(FunctionName)["concurrency"] = ReservedConcurrentExecutions
        return {"ReservedConcurrentExecutions": ReservedConcurrentExecutions}

    def lambda_DeleteFunctionConcurrency(self, FunctionName: str) -> None:
        self.function(FunctionName)["concurrency"] = None

    def lambda_TagResource(self, Resource: str, Tags: Any) -> None:
        self.function(Resource)["tags"] |= Tags

    def lambda_UntagResource(self, Resource: str, TagKeys: Any) -> None:
        for key in TagKeys:
            self.function(Resource)["tags"].pop(key, None)
