"""`${Substitutions}`: placeholders that are filled in when a definition is deployed.

Source: AWS::StepFunctions::StateMachine, "DefinitionSubstitutions"; CloudFormation Template Reference, "Pseudo
parameters".
"""

from __future__ import annotations

import json
import re
from typing import Any

PLACEHOLDER = re.compile(r"\$\{[^{}]*\}")


def has_placeholder(value: Any) -> bool:
    """Return True for a string that contains a `${Substitution}`: its value is unknown before the deployment."""
    return isinstance(value, str) and "${" in value and PLACEHOLDER.search(value) is not None


def is_placeholder(value: Any) -> bool:
    """Return True for a string that is one `${Substitution}` and no more: it may become any JSON scalar."""
    return isinstance(value, str) and PLACEHOLDER.fullmatch(value) is not None


def fill_placeholders(definition: dict[str, Any], *, region: str, account: str) -> dict[str, Any]:
    """Return a copy of the definition with CloudFormation's pseudo parameters replaced for a region and account.

    `${AWS::Region}`, `${AWS::AccountId}` and `${AWS::Partition}` are replaced; other placeholders stay.
    """
    text = json.dumps(definition)
    for name, value in (("Region", region), ("AccountId", account), ("Partition", _partition(region))):
        text = text.replace(f"${{AWS::{name}}}", value)
    return json.loads(text)  # type: ignore[no-any-return]


def _partition(region: str) -> str:
    return {"cn": "aws-cn", "us-gov": "aws-us-gov"}.get(region.rpartition("-")[0].rpartition("-")[0], "aws")
