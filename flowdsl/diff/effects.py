"""Which Tasks may change something outside of the execution."""

from __future__ import annotations

import re
from typing import Final

from ..asl.resource import parse_resource
from ..asl.tree import Node

READS: Final = re.compile(
    r"(?:batchGet|get|list|describe|head|query|scan|search|lookup|select|filter|estimate|check|validate|preview)"
    r"(?=[A-Z]|$)"
)
"""How the names of actions begin that change nothing."""


def has_effects(node: Node) -> bool:
    """True if a Task may change something: all but calls of the AWS that only read."""
    if node.type != "Task":
        return False
    resource = parse_resource(str(node.fields.get("Resource", "")))
    if resource.kind in ("integration", "sdk") and resource.integration != "lambda":
        return not READS.match(resource.action)
    return True
