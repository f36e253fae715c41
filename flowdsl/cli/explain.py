"""`flowdsl explain`."""

from __future__ import annotations

from pathlib import Path

import click

from . import output
from .options import complete_codes, complete_states, substitution_option


@click.command()
@click.argument("what", required=False, metavar="[CODE|FILE]", shell_complete=complete_codes)
@click.option(
    "--state",
    metavar="NAME",
    shell_complete=complete_states,
    help="The state to explain: what it compiles to, and what comes next.",
)
@substitution_option
def explain(what: str | None, *, state: str | None, substitutions: dict[str, str]) -> None:
    """Explain the code of a finding, or show what a state compiles to.

    \b
        flowdsl explain FD401                                a bad and a good example
        flowdsl explain payment_flow.py --state TakePayment  its ASL, its place, the states after it

    Without FILE, --state is one of the flow in pyproject.toml.
    """
    from .. import project
    from ..server.explain import explain_code, explain_state, is_code

    if state is None:
        if what is None or not is_code(what):
            raise click.UsageError("give a code such as FD401, or a state with --state")
        click.echo(explain_code(what))
        return
    if what is not None and is_code(what):
        raise click.UsageError("--state needs a file, not a code")
    machines = project.load_flows(Path(what) if what else None, substitutions)
    click.echo(output.json_text(explain_state(machines, state)))
