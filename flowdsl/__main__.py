"""`flowdsl`, and `python -m flowdsl`."""

from __future__ import annotations


def main() -> None:
    """Import the command line and run it.

    Until it is imported, Ctrl-C ends the process as the system does it, without a traceback: nothing is to be cleaned
    up yet. What comes before this function is Python's own start, apart from a few lines of this package.
    """
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
    run()


if __name__ == "__main__":
    main()
