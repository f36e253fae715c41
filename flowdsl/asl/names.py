"""Names that Step Functions accepts: of state machines, executions, states, Labels and variables.

Source: Step Functions Developer Guide, "Quotas"; API Reference, CreateStateMachine and StartExecution, `name`.
"""

from __future__ import annotations

from ..base.patterns import regex

MAX_NAME = 80
"""Characters in the name of a state, a state machine, an execution or a variable."""
MAX_LABEL = 40
"""Characters in the Label of a Map."""
FORBIDDEN = regex(r'[\s<>{}\[\]?*"#%\\^|~`$&,;:/\x00-\x1f\x7f-\x9f]')
"""A character that the names of resources cannot have; the names of states can."""
FORBIDDEN_IN_WORDS = 'spaces, control characters or any of <>{}[]?*"#%\\^|~`$&,;:/'


def is_machine_name(name: str) -> bool:
    """Return True for the name of a state machine.

    >>> is_machine_name("payment"), is_machine_name("the payment"), is_machine_name(".payment")
    (True, False, False)
    """
    return is_execution_name(name) and not name.startswith(".")


def is_execution_name(name: str) -> bool:
    """Return True for the name of an execution."""
    return 1 <= len(name) <= MAX_NAME and FORBIDDEN.search(name) is None


def is_state_name(name: str) -> bool:
    """Return True for the name of a state: any characters, but a limited number.

    >>> is_state_name("Paid?"), is_state_name("")
    (True, False)
    """
    return 1 <= len(name) <= MAX_NAME


def is_label(label: str) -> bool:
    """Return True for the Label of a Map."""
    return 1 <= len(label) <= MAX_LABEL and FORBIDDEN.search(label) is None


def is_variable_name(name: str) -> bool:
    """Return True for the name of a variable. `states` is reserved for `$states`.

    >>> is_variable_name("total"), is_variable_name("2nd"), is_variable_name("states")
    (True, False, False)
    """
    return len(name) <= MAX_NAME and name.isidentifier() and name != "states"
