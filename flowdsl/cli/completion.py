"""`flowdsl completion`."""

from __future__ import annotations

import click


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print the script that completes flowdsl's commands and options in a shell.

    \b
        bash    echo 'eval "$(flowdsl completion bash)"' >> ~/.bashrc
        zsh     echo 'eval "$(flowdsl completion zsh)"' >> ~/.zshrc
        fish    flowdsl completion fish > ~/.config/fish/completions/flowdsl.fish
    """
    from click.shell_completion import get_completion_class

    shell_class = get_completion_class(shell)
    if shell_class is None:
        raise click.UsageError(f"click cannot complete in {shell}")
    click.echo(shell_class(ctx.find_root().command, {}, "flowdsl", "_FLOWDSL_COMPLETE").source())
