"""What AWS refused, as one clear error: the permission that lacks, as a policy to paste, or what to do about it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any, Final

from ..base.diagnostics import FlowError
from .aws import CallError, credentials_error
from .permissions import EVENTS, LOGGING
from .statements import Statement, merge, trust

PERMISSIONS: Final = "FD983"
"""The code of errors about permissions that the user lacks."""
DENIED: Final = frozenset(
    ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AuthorizationError", "KMSAccessDeniedException")
)
"""Codes of errors about permissions: the user's, or those of a role that is handed on."""
_PREFIXES: Final = {"tagging": "tag"}
"""IAM's names of services that are not the API's."""
_LACKS: Final = re.compile(r"not authorized to perform: ([\w-]+:\w+)(?: on resource: (\S+))?")
_ROLE_LACKS: Final[tuple[tuple[str, Any], ...]] = (
    ("cannot be assumed", trust("lambda.amazonaws.com")),
    ("authorized to assume", trust("states.amazonaws.com")),
    ("authorized to access the Log Destination", LOGGING.json()),
    ("authorized to create managed-rule", Statement.of(EVENTS, "arn:aws:events:*:*:rule/StepFunctions*").json()),
)
"""Texts with which AWS refuses a role, and what the role needs then.

Sources: terraform-provider-aws issues 7893 and 17682; terraform-aws-step-functions issue 41.
"""
_DENIES: Final = re.compile(r"with an explicit deny in (an? [\w -]+\w)")
_ALLOWS_NOT: Final = re.compile(r"because no ([\w -]+\w) allows the")
"""What AWS names as the policy that refuses. Source: IAM User Guide, "Troubleshoot access denied error messages"."""
ROLE_REFUSED: Final = tuple(text for text, _ in _ROLE_LACKS)


def is_permission(error: CallError) -> bool:
    """True if the user's credentials lack a permission."""
    return error.code in DENIED and _LACKS.search(error.message) is not None


def _needed(error: CallError, *, exact: bool) -> Statement:
    """The statement that allows a call: AWS names the action, which may be another than the call, as iam:PassRole."""
    match = _LACKS.search(error.message)
    action = match[1] if match else f"{_PREFIXES.get(error.service, error.service)}:{error.operation}"
    resource = (match[2] if match and exact else None) or "*"
    return Statement.of([action], resource)


def missing_permissions(errors: Iterable[CallError], *, subject: str = "", exact: bool = False) -> FlowError:
    """An error with the policy that the user lacks, to paste; `exact`: for just the resources that AWS names."""
    errors = [*errors]
    statements = merge(_needed(each, exact=exact) for each in errors)
    policy = {"Version": "2012-10-17", "Statement": [each.json() for each in statements]}
    actions = sorted({action for each in statements for action in each.actions})
    ways = dict.fromkeys(_way(each.message) for each in errors)
    return FlowError.of(
        f"{subject}your credentials lack permissions: {', '.join(actions)}",
        code=PERMISSIONS,
        hint="; ".join(ways) + " (with narrower resources if you like):\n" + json.dumps(policy, indent=2),
    )


def _way(message: str) -> str:
    """How the user gets the permission: more of it does not help against a denial or a boundary."""
    if denies := _DENIES.search(message):
        return f"{denies[1]} denies it, which no permission outweighs: have that changed to let this through"
    missing = _ALLOWS_NOT.search(message)
    if missing and missing[1] not in ("identity-based policy", "resource-based policy"):
        return f"have this allowed by the {missing[1]} too"
    return "have this added to them"


def refused(error: CallError, subject: str = "", hint: str = "") -> FlowError:
    """The error for a refused call; `subject` is what it is about, `hint` what to do if nothing better is known."""
    about = f"{subject}: " if subject else ""
    if is_permission(error):
        return missing_permissions([error], subject=about, exact=bool(subject))
    if credentials := credentials_error(error, subject):
        return credentials
    message = f"{about}{error.service}:{error.operation} failed: {error.code}: {error.message}"
    return FlowError.of(message, code="FD984", hint=hint or "run the command again; if it fails again, see its cause")


def role_hint(error: CallError) -> str | None:
    """What the role needs if AWS refuses it for good: flowdsl gave it that, so something else takes it away."""
    return next(_role_hints(error), None)


def _role_hints(error: CallError) -> Iterator[str]:
    for text, needed in _ROLE_LACKS:
        if text in error.message:
            kind = "trust policy" if "Version" in needed else "policies"
            yield (
                f"the role's {kind} must have what follows; if it is there, look for a permissions boundary or a"
                f" service control policy that denies it, then deploy again:\n{json.dumps(needed, indent=2)}"
            )
