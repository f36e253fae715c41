"""`flowdsl`, and `python -m flowdsl`."""

from __future__ import annotations

import gc

COLLECT_AFTER = 50_000
"""How many new objects there are before Python looks for circles of garbage among them. Its own default is 700 or
2,000, by its version: with that it looks through all that was imported again and again, while a command makes few
circles."""


def main() -> None:
    """Import the command line and run it.

    Until it is imported, Ctrl-C ends the process as the system does it, without a traceback: nothing is to be cleaned
    up yet. What comes before this function is Python's own start, apart from a few lines of this package.
    """
    gc.set_threshold(COLLECT_AFTER)
    try:
        import signal  # it takes a while

        is_usual = signal.getsignal(signal.SIGINT) is signal.default_int_handler
        if is_usual:
            signal.signal(signal.SIGINT, signal.SIG_DFL)
    except KeyboardInterrupt:
        raise SystemExit(130) from None
    from .cli import main as run

    if is_usual:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        run()
    finally:
        gc.freeze()  # The process ends: its memory goes as a whole.


if __name__ == "__main__":
    main()
