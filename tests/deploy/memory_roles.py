"""Roles and their policies: a part of the AWS in memory."""

import json
from collections.abc import Mapping
from typing import Any

from tests.deploy.memory_common import PLACE, RefusedError, get, matches


class Roles:
    """The calls of IAM; `Memory` has the state."""

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

    def iam_CreatePolicy(
        self, PolicyName: str, PolicyDocument: str, Path: str = "/", Description: str = "", Tags: Any = ()
    ) -> Any:
        arn = f"arn:aws:iam::{PLACE.account}:policy{Path}{PolicyName}"
        if arn in self.policies:
            raise RefusedError("EntityAlreadyExists", f"A policy called {PolicyName} already exists.")
        self.policies[arn] = {"path": Path, "versions": []}
        self.iam_CreatePolicyVersion(arn, PolicyDocument, SetAsDefault=True)
        return {"Policy": {"Arn": arn}}

    def iam_CreatePolicyVersion(self, PolicyArn: str, PolicyDocument: str, SetAsDefault: bool) -> Any:
        document = json.loads(PolicyDocument)
        if len(json.dumps(document, separators=(",", ":"))) > 6_144:
            raise RefusedError("LimitExceeded", "Cannot exceed quota for PolicySize: 6144")
        self.policies[PolicyArn]["versions"].append(document)
        return {"PolicyVersion": {"VersionId": f"v{len(self.policies[PolicyArn]['versions'])}"}}

    def iam_ListPolicies(self, Scope: str, PathPrefix: str, Marker: str = "") -> Any:
        listed = [
            {"Arn": arn, "Path": each["path"], "DefaultVersionId": f"v{len(each['versions'])}"}
            for arn, each in self.policies.items()
            if each["path"].startswith(PathPrefix)
        ]
        return {"Policies": listed, "IsTruncated": False}

    def iam_GetPolicyVersion(self, PolicyArn: str, VersionId: str) -> Any:
        policy = get(self.policies, PolicyArn, "NoSuchEntity", "no such policy")
        return {"PolicyVersion": {"Document": policy["versions"][int(VersionId[1:]) - 1], "VersionId": VersionId}}

    def iam_AttachRolePolicy(self, RoleName: str, PolicyArn: str) -> None:
        get(self.policies, PolicyArn, "NoSuchEntity", f"Policy {PolicyArn} does not exist")
        attached = self.role(RoleName)["attached"]
        if PolicyArn not in attached:
            if len(attached) >= 10:
                raise RefusedError("LimitExceeded", "Cannot exceed quota for PoliciesPerRole: 10")
            attached.append(PolicyArn)

    def iam_DetachRolePolicy(self, RoleName: str, PolicyArn: str) -> None:
        if PolicyArn not in self.role(RoleName)["attached"]:
            raise RefusedError("NoSuchEntity", f"Policy {PolicyArn} was not found.")
        self.role(RoleName)["attached"].remove(PolicyArn)

    def iam_DeletePolicy(self, PolicyArn: str) -> None:
        get(self.policies, PolicyArn, "NoSuchEntity", "no such policy")
        if any(PolicyArn in role["attached"] for role in self.roles.values()):
            raise RefusedError("DeleteConflict", "Cannot delete a policy attached to entities.")
        del self.policies[PolicyArn]

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

    def statements(self, arn: str) -> list[dict[str, Any]]:
        """All statements of a role."""
        role: Mapping[str, Any] = self.roles.get(arn.rpartition("/")[2], {"inline": {}, "attached": []})
        attached = [self.policies[each]["versions"][-1] for each in role["attached"] if each in self.policies]
        return [each for document in [*role["inline"].values(), *attached] for each in document["Statement"]]

    def allows(self, arn: str, action: str, resource: str, context: Mapping[str, str] | None = None) -> bool:
        """Whether a role's policies allow an action on a resource now; `context` has the values of conditions."""
        return any(
            action in each["Action"]
            and any(matches(pattern, resource) for pattern in each["Resource"])
            and all(
                matches(pattern, value) if operator.endswith("Like") else pattern == value
                for operator, keys in each.get("Condition", {}).items()
                for key, pattern in keys.items()
                for value in [(context or {}).get(key, "")]
            )
            for each in self.statements(arn)
        )
