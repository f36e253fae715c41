"""`flowdsl`, and `python -m flowdsl`."""

from __future__ import annotations

import signal


def main() -> None:
    """Import the command line and run it.

    Until it is imported, Ctrl-C ends the process as the system does it, without a traceback: nothing is to be cleaned
    up yet.
    """
    is_usual = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if is_usual:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from .cli import main as run

    if is_usual:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    run()


if __name__ == "__main__":
    main()
