"""State machines, their versions, aliases and executions: a part of the AWS in memory."""

import copy
import json
from collections.abc import Mapping
from typing import Any

from tests.deploy.memory_common import PLACE, START, RefusedError, get


class Machines:
    """The calls of Step Functions; `Memory` has the state."""

    # Step Functions

    def machine(self, arn: str) -> dict[str, Any]:
        name = arn.split(":")[6]
        machine = self.machines.get(name)
        if machine and machine["status"] == "DELETING" and not self.running(name):
            del self.machines[name]
            machine = None
        if machine is None:
            raise RefusedError("StateMachineDoesNotExist", f"State Machine Does Not Exist: '{arn}'")
        return machine

    def running(self, name: str) -> list[str]:
        return [
            arn
            for arn, each in self.executions.items()
            if each["machine"] == name and each["status"] in ("RUNNING", "PENDING_REDRIVE")
        ]

    def _check_machine(self, settings: Mapping[str, Any]) -> None:
        message = (
            "Neither the global service principal states.amazonaws.com, nor the regional one is authorized to assume"
        )
        self.assume(
            settings["roleArn"], "states.amazonaws.com", "AccessDeniedException", f"{message} the provided role."
        )
        assert settings["encryptionConfiguration"], "an update keeps what it leaves out"
        logging = settings["loggingConfiguration"]
        for each in logging["destinations"]:
            arn = each["cloudWatchLogsLogGroup"]["logGroupArn"]
            if not arn.endswith(":*"):
                raise RefusedError("InvalidLoggingConfiguration", f"Invalid Log Destination: {arn}")
            if not self.allows(settings["roleArn"], "logs:CreateLogDelivery", "*"):
                message = "The state machine IAM Role is not authorized to access the Log Destination"
                raise RefusedError("AccessDeniedException", message)
            self.group(arn.removesuffix(":*").split(":", 6)[6])

    def states_CreateStateMachine(
        self,
        name: str,
        definition: str,
        type: str,
        tags: Any = (),
        publish: bool = False,
        versionDescription: str | None = None,
        **settings: Any,
    ) -> Any:
        if name in self.machines:
            try:
                self.machine(PLACE.arn("states", f"stateMachine:{name}"))
            except RefusedError:
                pass
            else:
                deleting = self.machines[name]["status"] == "DELETING"
                code = "StateMachineDeleting" if deleting else "StateMachineAlreadyExists"
                raise RefusedError(code, f"State Machine {name}")
        if versionDescription and not publish:
            raise RefusedError("ValidationException", "Version description can only be set when publish is set to true")
        self._check_machine(settings)
        json.loads(definition)
        arn = PLACE.arn("states", f"stateMachine:{name}")
        self.machines[name] = {
            "type": type,
            "status": "ACTIVE",
            "now": {"definition": definition, **settings},
            "revision": 0,
            "versions": {},
            "last": 0,
            "aliases": {},
            "tags": {each["key"]: each["value"] for each in tags},
        }
        self.tagged_at[arn] = self.clock.now()
        answer = {"stateMachineArn": arn, "creationDate": self.clock.now()}
        if publish:
            answer["stateMachineVersionArn"] = self._publish(arn)
        return answer

    def states_ValidateStateMachineDefinition(self, definition: str, type: str, severity: str, maxResults: int) -> Any:
        assert set(json.loads(definition)) >= {"StartAt", "States"}
        assert "\ue000" not in definition
        shown = [each for each in self.diagnostics if severity == "WARNING" or each["severity"] == "ERROR"]
        return {
            "result": "FAIL" if any(each["severity"] == "ERROR" for each in shown) else "OK",
            "diagnostics": shown[:maxResults],
        }

    def _publish(self, arn: str) -> str:
        machine = self.machine(arn)
        for number, version in machine["versions"].items():
            if version["revision"] == machine["revision"]:
                return f"{arn}:{number}"
        if len(machine["versions"]) >= 1000:
            raise RefusedError("ServiceQuotaExceededException", "Maximum number of versions reached")
        machine["last"] += 1
        version = {**copy.deepcopy(machine["now"]), "revision": machine["revision"], "created": self.clock.now()}
        machine["versions"][machine["last"]] = version
        return f"{arn}:{machine['last']}"

    def states_UpdateStateMachine(
        self,
        stateMachineArn: str,
        publish: bool = False,
        versionDescription: str | None = None,
        **settings: Any,
    ) -> Any:
        machine = self.machine(stateMachineArn)
        if machine["status"] == "DELETING":
            raise RefusedError("StateMachineDeleting", stateMachineArn)
        if not {"definition", "roleArn"} & settings.keys():
            raise RefusedError("MissingRequiredParameter", "either the definition or the role ARN must be specified")
        if versionDescription and not publish:
            raise RefusedError("ValidationException", "Version description can only be set when publish is set to true")
        after = {**machine["now"], **settings}
        self._check_machine(after)
        json.loads(after["definition"])
        machine["now"] = after
        machine["revision"] += 1
        answer = {"updateDate": self.clock.now(), "revisionId": str(machine["revision"])}
        if publish:
            answer["stateMachineVersionArn"] = self._publish(stateMachineArn)
        return answer

    def states_PublishStateMachineVersion(
        self, stateMachineArn: str, revisionId: str | None = None, description: str = ""
    ) -> Any:
        machine = self.machine(stateMachineArn)
        if revisionId is not None and revisionId != self._revision(machine):
            raise RefusedError("ConflictException", "The revisionId does not match the current revision")
        return {"stateMachineVersionArn": self._publish(stateMachineArn), "creationDate": self.clock.now()}

    def _revision(self, machine: dict[str, Any]) -> str:
        return str(machine["revision"]) if machine["revision"] else "INITIAL"

    def states_DescribeStateMachine(self, stateMachineArn: str) -> Any:
        machine, number = self.machine(stateMachineArn), stateMachineArn.split(":")[7:]
        state = machine["now"]
        if number:
            state = get(machine["versions"], int(number[0]), "StateMachineDoesNotExist", stateMachineArn)
        answer = {key: value for key, value in state.items() if key not in ("revision", "created")}
        answer |= {
            "stateMachineArn": stateMachineArn,
            "name": stateMachineArn.split(":")[6],
            "status": machine["status"],
            "type": machine["type"],
            "creationDate": START,
        }
        if machine["revision"]:
            answer["revisionId"] = self._revision(machine)
        return answer

    def states_ListTagsForResource(self, resourceArn: str) -> Any:
        assert resourceArn.count(":") == 6, "versions have no tags"
        return {"tags": [{"key": key, "value": value} for key, value in self.machine(resourceArn)["tags"].items()]}

    def states_TagResource(self, resourceArn: str, tags: Any) -> None:
        assert resourceArn.count(":") == 6, "versions have no tags"
        self.machine(resourceArn)["tags"] |= {each["key"]: each["value"] for each in tags}

    def states_UntagResource(self, resourceArn: str, tagKeys: Any) -> None:
        for key in tagKeys:
            self.machine(resourceArn)["tags"].pop(key, None)

    def states_ListStateMachineVersions(self, stateMachineArn: str, nextToken: str = "") -> Any:
        listed = [
            {"stateMachineVersionArn": f"{stateMachineArn}:{number}", "creationDate": version["created"]}
            for number, version in sorted(self.machine(stateMachineArn)["versions"].items(), reverse=True)
        ]
        return {"stateMachineVersions": listed}

    def states_DeleteStateMachineVersion(self, stateMachineVersionArn: str) -> None:
        arn, _, number = stateMachineVersionArn.rpartition(":")
        machine = self.machine(arn)
        if any(stateMachineVersionArn in routes["routes"] for routes in machine["aliases"].values()):
            raise RefusedError("ConflictException", "Version to be deleted must not be referenced by an alias.")
        machine["versions"].pop(int(number), None)

    def _check_routes(self, machine: dict[str, Any], routes: Any) -> dict[str, int]:
        weights = {each["stateMachineVersionArn"]: each["weight"] for each in routes}
        if not 1 <= len(routes) <= 2 or len(weights) != len(routes) or sum(weights.values()) != 100:
            raise RefusedError("ValidationException", "routingConfiguration")
        for arn in weights:
            if int(arn.rpartition(":")[2]) not in machine["versions"]:
                raise RefusedError("ResourceNotFound", arn)
        return weights

    def states_CreateStateMachineAlias(self, name: str, routingConfiguration: Any, description: str = "") -> Any:
        arn = routingConfiguration[0]["stateMachineVersionArn"].rpartition(":")[0]
        machine = self.machine(arn)
        routes = self._check_routes(machine, routingConfiguration)
        if name in machine["aliases"] and machine["aliases"][name]["routes"] != routes:
            raise RefusedError("ConflictException", f"{name} exists with other routes")
        assert len(description) <= 256
        machine["aliases"][name] = {"routes": routes, "description": description, "updated": self.clock.now()}
        return {"stateMachineAliasArn": f"{arn}:{name}", "creationDate": self.clock.now()}

    def _alias(self, arn: str) -> dict[str, Any]:
        machine, name = self.machine(arn.rpartition(":")[0]), arn.rpartition(":")[2]
        return get(machine["aliases"], name, "ResourceNotFound", arn)

    def states_UpdateStateMachineAlias(
        self, stateMachineAliasArn: str, routingConfiguration: Any, description: str = ""
    ) -> Any:
        alias = self._alias(stateMachineAliasArn)
        machine = self.machine(stateMachineAliasArn.rpartition(":")[0])
        assert len(description) <= 256
        alias |= {
            "routes": self._check_routes(machine, routingConfiguration),
            "description": description,
            "updated": self.clock.now(),
        }
        return {"updateDate": self.clock.now()}

    def states_DescribeStateMachineAlias(self, stateMachineAliasArn: str) -> Any:
        alias = self._alias(stateMachineAliasArn)
        return {
            "stateMachineAliasArn": stateMachineAliasArn,
            "name": stateMachineAliasArn.rpartition(":")[2],
            "description": alias["description"],
            "routingConfiguration": [
                {"stateMachineVersionArn": arn, "weight": weight} for arn, weight in alias["routes"].items()
            ],
            "updateDate": alias["updated"],
        }

    def states_ListStateMachineAliases(self, stateMachineArn: str, nextToken: str = "") -> Any:
        aliases = self.machine(stateMachineArn)["aliases"]
        return {
            "stateMachineAliases": [
                {"stateMachineAliasArn": f"{stateMachineArn}:{name}", "creationDate": START} for name in aliases
            ]
        }

    def states_DeleteStateMachine(self, stateMachineArn: str) -> None:
        name = stateMachineArn.split(":")[6]
        if name in self.machines:
            self.machines[name]["status"] = "DELETING"

    # Executions

    def start(self, name: str, machine: str, alias: str | None = "live") -> str:
        """Start an execution as somebody would; it stays in its first state until `end`."""
        arn = PLACE.arn("states", f"stateMachine:{machine}")
        if alias is None:
            return self._start(name, arn, None, None)
        found = get(self.machine(arn)["aliases"], alias, "StateMachineDoesNotExist", f"{arn}:{alias}")
        started: dict[str, int] = found.setdefault("started", {})
        # The version that is furthest behind its share.
        total = sum(started.values()) + 1
        version = max(found["routes"], key=lambda each: found["routes"][each] * total - 100 * started.get(each, 0))
        started[version] = started.get(version, 0) + 1
        return self._start(name, arn, version, f"{arn}:{alias}")

    def _start(self, name: str, arn: str, version: str | None, alias: str | None) -> str:
        found, machine = self.machine(arn), arn.split(":")[6]
        state = found["versions"][int(version.rpartition(":")[2])] if version else found["now"]
        execution = PLACE.arn("states", f"execution:{machine}:{name}")
        self.executions[execution] = {
            "name": name,
            "machine": machine,
            "status": "RUNNING",
            "version": version,
            "alias": alias,
            "definition": state["definition"],
            "roleArn": state["roleArn"],
            "started": self.clock.now(),
            "stopped": None,
            "input": "{}",
        }
        return execution

    def end(self, execution: str, status: str = "SUCCEEDED") -> None:
        self.executions[execution] |= {"status": status, "stopped": self.clock.now()}

    def states_StartExecution(self, stateMachineArn: str, input: str = "{}", name: str = "") -> Any:
        """By the ARN of the state machine, of a version or of an alias, which shares out its starts by weight."""
        arn, qualifier = ":".join(stateMachineArn.split(":")[:7]), ":".join(stateMachineArn.split(":")[7:])
        machine = self.machine(arn)
        name = name or f"e{len(self.executions)}"
        if not qualifier.isdigit():
            return {"executionArn": self.start(name, arn.split(":")[6], qualifier or None), "startDate": START}
        get(machine["versions"], int(qualifier), "StateMachineDoesNotExist", stateMachineArn)
        return {"executionArn": self._start(name, arn, stateMachineArn, None), "startDate": START}

    def states_ListExecutions(
        self, stateMachineArn: str, statusFilter: str, maxResults: int = 100, nextToken: str = ""
    ) -> Any:
        machine = self.machine(stateMachineArn)
        if machine["type"] == "EXPRESS":
            raise RefusedError("StateMachineTypeNotSupported", "not supported for EXPRESS")
        listed = []
        for arn, each in self.executions.items():
            if each["machine"] == stateMachineArn.split(":")[6] and each["status"] == statusFilter:
                item = {"executionArn": arn, "stateMachineArn": stateMachineArn, "name": each["name"]}
                item |= {"status": each["status"], "startDate": each["started"]}
                item |= {"stateMachineVersionArn": each["version"]} if each["version"] else {}
                item |= {"stopDate": each["stopped"]} if each["stopped"] else {}
                listed.append(item)
        return {"executions": listed}

    def states_DescribeStateMachineForExecution(self, executionArn: str) -> Any:
        execution = get(self.executions, executionArn, "ExecutionDoesNotExist", executionArn)
        return {
            "stateMachineArn": PLACE.arn("states", f"stateMachine:{execution['machine']}"),
            "name": execution["machine"],
            "definition": execution["definition"],
            "roleArn": execution["roleArn"],
            "updateDate": START,
        }

    def states_GetExecutionHistory(
        self, executionArn: str, reverseOrder: bool, maxResults: int, includeExecutionData: bool
    ) -> Any:
        execution = self.executions[executionArn]
        first = json.loads(execution["definition"])["StartAt"]
        details = {"name": first, **({"input": execution["input"]} if includeExecutionData else {})}
        entered = {"timestamp": START, "type": "TaskStateEntered", "id": 2, "stateEnteredEventDetails": details}
        return {"events": [entered]}

    def states_StopExecution(self, executionArn: str, error: str = "", cause: str = "") -> Any:
        self.end(executionArn, "ABORTED")
        return {"stopDate": self.clock.now()}
