"""`flowdsl`, and `python -m flowdsl`."""

from __future__ import annotations

import _signal  # type: ignore[import-not-found] # what signal wraps: that takes a while to import
import gc

COLLECT_AFTER = 50_000
"""How many new objects there are before Python looks for circles of garbage among them. Its own default is 700 or
2,000, by its version: with that it looks through all that was imported again and again, while a command makes few
circles."""


def main() -> None:
    """Import the command line and run it.

    Until it is imported, and again when the command has ended, Ctrl-C ends the process as the system does it, without
    a traceback: nothing is to be cleaned up. What comes before this function is Python's own start, apart from a few
    lines of this package: there Ctrl-C prints Python's traceback.
    """
    is_usual = _signal.getsignal(_signal.SIGINT) is _signal.default_int_handler
    try:
        if is_usual:
            _signal.signal(_signal.SIGINT, _signal.SIG_DFL)
    except KeyboardInterrupt:
        raise SystemExit(130) from None
    gc.set_threshold(COLLECT_AFTER)
    from .base.interrupts import install_hooks
    from .cli import main as run

    if is_usual:
        install_hooks()
        _signal.signal(_signal.SIGINT, _signal.default_int_handler)
    try:
        run()
    finally:
        if is_usual:
            _signal.signal(_signal.SIGINT, _signal.SIG_DFL)
        gc.freeze()  # The process ends: its memory goes as a whole.


if __name__ == "__main__":
    main()
