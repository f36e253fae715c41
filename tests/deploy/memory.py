"""An AWS in memory, as its documentation describes it, for the calls that a deployment makes.

Each call is checked against botocore's model, so it has the parameters that AWS takes and the answer has the members
that AWS gives. Time passes only when somebody sleeps. What is eventually consistent lags behind: roles cannot be
assumed at once, functions are pending, the tag index misses what is new.

Sources: API references of Lambda, IAM, CloudWatch Logs, Step Functions and the Resource Groups Tagging API; Lambda
Developer Guide, "Lambda function states"; Step Functions Developer Guide, "State machine versions", "State machine
aliases", "Read consistency", "Redriving executions".
"""

import copy
import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from attrs import define, field

from flowdsl.deploy.aws import AwsError
from tests.deploy.memory_common import (
    PLACE,
    READS,
    Clock,
    ConnectionLostError,
    RefusedError,
    get,
    matches,
    operation,
    sha,
)
from tests.deploy.memory_machines import Machines


@define
class Memory(Machines):
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
    """`before`: it is refused; `after`: it is carried out and the answer is lost; `throttle`: refused, once."""
    watch: Callable[["Memory"], None] = lambda _: None
    """Called after each call."""
    roles: dict[str, dict[str, Any]] = field(factory=dict)
    functions: dict[str, dict[str, Any]] = field(factory=dict)
    groups: dict[str, dict[str, Any]] = field(factory=dict)
    machines: dict[str, dict[str, Any]] = field(factory=dict)
    tables: dict[str, dict[str, Any]] = field(factory=dict)
    queues: dict[str, dict[str, Any]] = field(factory=dict)
    topics: dict[str, dict[str, str]] = field(factory=dict)
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
        if number == self.fail_at and self.fault != "after":
            code = "ThrottlingException" if self.fault == "throttle" else "InternalFailure"
            raise AwsError(code, "injected", service, name)
        if f"{service}:{name}" in self.denied:
            message = f"User: arn:aws:iam::1:user/me is not authorized to perform: {service}:{name}"
            raise AwsError("AccessDeniedException", message, service, name)
        try:
            answer = getattr(self, f"{service}_{name}")(**arguments) or {}
        except RefusedError as refusal:
            raise AwsError(refusal.code, refusal.message, service, name) from None
        output = operation(service, name).output_shape
        known = set(output.members) if output else set()
        assert answer.keys() <= known, f"{service}:{name} answers {answer.keys() - known}"
        self.watch(self)
        if number == self.fail_at:
            raise ConnectionLostError
        return copy.deepcopy(answer)

    def changes(self) -> list[str]:
        return [f"{service}:{name}" for service, name in self.log if not name.startswith(READS)]

    # STS, tags

    def sts_GetCallerIdentity(self) -> Any:
        return {"Account": PLACE.account, "Arn": "arn:aws:iam::123456789012:user/me", "UserId": "me"}

    def tagging_GetResources(self, TagFilters: Any, PaginationToken: str = "") -> Any:
        resources = {PLACE.arn("lambda", f"function:{name}"): each["tags"] for name, each in self.functions.items()}
        resources |= {PLACE.arn("logs", f"log-group:{name}"): each["tags"] for name, each in self.groups.items()}
        resources |= {PLACE.arn("states", f"stateMachine:{name}"): each["tags"] for name, each in self.machines.items()}
        listed = [
            {"ResourceARN": arn, "Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}
            for arn, tags in resources.items()
            if self.age(arn) >= self.index_lag and all(tags.get(each["Key"]) in each["Values"] for each in TagFilters)
        ]
        return {"ResourceTagMappingList": listed, "PaginationToken": ""}

    def age(self, arn: str) -> float:
        return (self.clock.now() - self.tagged_at.setdefault(arn, self.clock.now())).total_seconds()

    # IAM

    def role(self, name: str) -> dict[str, Any]:
        return get(self.roles, name, "NoSuchEntity", f"The role with name {name} cannot be found.")

    def iam_CreateRole(
        self, RoleName: str, AssumeRolePolicyDocument: str, Path: str = "/", Description: str = "", Tags: Any = ()
    ) -> Any:
        if RoleName in self.roles:
            raise RefusedError("EntityAlreadyExists", f"Role with name {RoleName} already exists.")
        self.roles[RoleName] = {
            "path": Path,
            "trust": json.loads(AssumeRolePolicyDocument),
            "inline": {},
            "attached": [],
            "tags": {each["Key"]: each["Value"] for each in Tags},
            "created": self.clock.now(),
        }
        return {"Role": self._described(RoleName)}

    def _described(self, name: str) -> dict[str, Any]:
        role = self.role(name)
        return {
            "RoleName": name,
            "Path": role["path"],
            "RoleId": "AROA",
            "Arn": PLACE.role(name, role["path"]),
            "CreateDate": role["created"],
            "AssumeRolePolicyDocument": role["trust"],
            "Tags": [{"Key": key, "Value": value} for key, value in role["tags"].items()],
        }

    def iam_GetRole(self, RoleName: str) -> Any:
        return {"Role": self._described(RoleName)}

    def iam_ListRoles(self, PathPrefix: str, Marker: str = "") -> Any:
        names = [name for name, role in self.roles.items() if role["path"].startswith(PathPrefix)]
        return {"Roles": [self._described(name) for name in names], "IsTruncated": False}

    def iam_UpdateAssumeRolePolicy(self, RoleName: str, PolicyDocument: str) -> None:
        self.role(RoleName)["trust"] = json.loads(PolicyDocument)

    def iam_TagRole(self, RoleName: str, Tags: Any) -> None:
        self.role(RoleName)["tags"] |= {each["Key"]: each["Value"] for each in Tags}

    def iam_UntagRole(self, RoleName: str, TagKeys: Any) -> None:
        for key in TagKeys:
            self.role(RoleName)["tags"].pop(key, None)

    def iam_PutRolePolicy(self, RoleName: str, PolicyName: str, PolicyDocument: str) -> None:
        document = json.loads(PolicyDocument)
        if not document["Statement"] or not all(each["Resource"] for each in document["Statement"]):
            raise RefusedError("MalformedPolicyDocument", "Policy statement must contain resources.")
        inline = {**self.role(RoleName)["inline"], PolicyName: document}
        count = sum(len(json.dumps(each, separators=(",", ":"))) for each in inline.values())
        if count > 10_240:
            raise RefusedError("LimitExceeded", f"Maximum policy size of 10240 bytes exceeded for role {RoleName}")
        self.role(RoleName)["inline"] = inline

    def iam_GetRolePolicy(self, RoleName: str, PolicyName: str) -> Any:
        document = get(self.role(RoleName)["inline"], PolicyName, "NoSuchEntity", "no such policy")
        return {"RoleName": RoleName, "PolicyName": PolicyName, "PolicyDocument": document}

    def iam_ListRolePolicies(self, RoleName: str, Marker: str = "") -> Any:
        return {"PolicyNames": [*self.role(RoleName)["inline"]], "IsTruncated": False}

    def iam_ListAttachedRolePolicies(self, RoleName: str, Marker: str = "") -> Any:
        attached = [{"PolicyName": arn.rpartition("/")[2], "PolicyArn": arn} for arn in self.role(RoleName)["attached"]]
        return {"AttachedPolicies": attached, "IsTruncated": False}

    def iam_DeleteRolePolicy(self, RoleName: str, PolicyName: str) -> None:
        get(self.role(RoleName)["inline"], PolicyName, "NoSuchEntity", "no such policy")
        del self.role(RoleName)["inline"][PolicyName]

    def iam_DeleteRole(self, RoleName: str) -> None:
        role = self.role(RoleName)
        if role["inline"] or role["attached"]:
            raise RefusedError("DeleteConflict", "Cannot delete entity, must delete policies first.")
        del self.roles[RoleName]

    def assume(self, arn: str, principal: str, code: str, message: str) -> None:
        """Refuse for a role that is not there, not trusted or too new."""
        role = self.roles.get(arn.rpartition("/")[2])
        trusts = role and any(each["Principal"].get("Service") == principal for each in role["trust"]["Statement"])
        new = role and (self.clock.now() - role["created"]).total_seconds() < self.assumable_after
        if self.never_assumable or not trusts or new:
            raise RefusedError(code, message)

    def allows(self, arn: str, action: str, resource: str) -> bool:
        """Whether a role's policies allow an action on a resource now."""
        role = self.roles.get(arn.rpartition("/")[2])
        statements = [
            each for document in (role or {"inline": {}})["inline"].values() for each in document["Statement"]
        ]
        return any(
            action in each["Action"] and any(matches(pattern, resource) for pattern in each["Resource"])
            for each in statements
        )

    # Logs

    def logs_CreateLogGroup(self, logGroupName: str, tags: Any = None) -> None:
        if logGroupName in self.groups:
            raise RefusedError("ResourceAlreadyExistsException", "The specified log group already exists")
        self.groups[logGroupName] = {"retention": None, "tags": dict(tags or {})}
        self.tagged_at[PLACE.arn("logs", f"log-group:{logGroupName}")] = self.clock.now()

    def group(self, name: str) -> dict[str, Any]:
        return get(self.groups, name, "ResourceNotFoundException", "The specified log group does not exist.")

    def logs_PutRetentionPolicy(self, logGroupName: str, retentionInDays: int) -> None:
        self.group(logGroupName)["retention"] = retentionInDays

    def logs_DescribeLogGroups(self, logGroupNamePrefix: str, nextToken: str = "") -> Any:
        return {
            "logGroups": [
                {"logGroupName": name, **({"retentionInDays": each["retention"]} if each["retention"] else {})}
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

    # Tables, queues, topics

    def table(self, name: str) -> dict[str, Any]:
        name = name.rpartition("/")[2]
        return get(self.tables, name, "ResourceNotFoundException", f"Requested resource not found: Table: {name}")

    def dynamodb_CreateTable(self, TableName: str, Tags: Any, **settings: Any) -> Any:
        if TableName in self.tables:
            raise RefusedError("ResourceInUseException", f"Table already exists: {TableName}")
        tags = {each["Key"]: each["Value"] for each in Tags}
        self.tables[TableName] = {"settings": settings, "tags": tags, "changed": self.clock.now()}
        return {}

    def dynamodb_DescribeTable(self, TableName: str) -> Any:
        table = self.table(TableName)
        settings = {key: value for key, value in table["settings"].items() if key != "BillingMode"}
        age = (self.clock.now() - table["changed"]).total_seconds()
        status = "ACTIVE" if age >= self.settles_after else "CREATING"
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

    def dynamodb_DeleteTable(self, TableName: str) -> None:
        if self.table(TableName)["settings"]["DeletionProtectionEnabled"]:
            raise RefusedError("ValidationException", "Resource cannot be deleted as it is currently protected")
        del self.tables[TableName]

    def queue(self, url: str) -> dict[str, Any]:
        return get(self.queues, url.rpartition("/")[2], "QueueDoesNotExist", "The specified queue does not exist.")

    def sqs_CreateQueue(self, QueueName: str, Attributes: Any, tags: Any) -> Any:
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

    def sqs_DeleteQueue(self, QueueUrl: str) -> None:
        self.queue(QueueUrl)
        del self.queues[QueueUrl.rpartition("/")[2]]

    def topic(self, arn: str) -> dict[str, str]:
        return get(self.topics, arn.rpartition(":")[2], "NotFound", "Topic does not exist")

    def sns_CreateTopic(self, Name: str, Tags: Any) -> Any:
        self.topics[Name] = {each["Key"]: each["Value"] for each in Tags}
        return {"TopicArn": PLACE.arn("sns", Name)}

    def sns_GetTopicAttributes(self, TopicArn: str) -> Any:
        self.topic(TopicArn)
        return {"Attributes": {"TopicArn": TopicArn}}

    def sns_ListTagsForResource(self, ResourceArn: str) -> Any:
        return {"Tags": [{"Key": key, "Value": value} for key, value in self.topic(ResourceArn).items()]}

    def sns_TagResource(self, ResourceArn: str, Tags: Any) -> None:
        self.topic(ResourceArn).update({each["Key"]: each["Value"] for each in Tags})

    def sns_DeleteTopic(self, TopicArn: str) -> None:
        self.topics.pop(TopicArn.rpartition(":")[2], None)

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
