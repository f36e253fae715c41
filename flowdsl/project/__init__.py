"""The project around a flow: settings of pyproject.toml, loading flows, reviewing them.

    from pathlib import Path
    from flowdsl.project import load, review

    machines = load(Path("payment_flow.py"))
    assert not review(machines)

`load` reads the state machines of a file in Python, JSON or YAML, or of a template; `find` reads `[tool.flowdsl]`;
`review` is what `flowdsl check` says.
"""

from .discovery import flow_files
from .loaded import Loaded
from .loading import definitions, functions, load, load_flows
from .review import clashes, diagnose, locate_state, review
from .settings import Project, default_flow, default_flows, find

__all__ = [
    "Loaded",
    "Project",
    "clashes",
    "default_flow",
    "default_flows",
    "definitions",
    "diagnose",
    "find",
    "flow_files",
    "functions",
    "load",
    "load_flows",
    "locate_state",
    "review",
]
