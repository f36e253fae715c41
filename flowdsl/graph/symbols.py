"""The symbols of the eight state types and of retries and catches: lines in a square of 20 by 20 pixels."""

from __future__ import annotations

from typing import Final

# A hand that works, an hourglass, an arrow through, a fork, lanes, a stack of cards, a tick, a cross, a question mark.
SYMBOLS: Final = {
    "Task": "M10 3.2v2.1M10 14.7v2.1M3.2 10h2.1M14.7 10h2.1M5.2 5.2l1.5 1.5M13.3 13.3l1.5 1.5M5.2 14.8l1.5-1.5"
    "M13.3 6.7l1.5-1.5M14.2 10a4.2 4.2 0 1 1-8.4 0a4.2 4.2 0 1 1 8.4 0M11.2 10a1.2 1.2 0 1 1-2.4 0a1.2 1.2 0 1 1 2.4 0",
    "Wait": "M16.5 10a6.5 6.5 0 1 1-13 0a6.5 6.5 0 1 1 13 0M10 6.2v4l2.7 1.8",
    "Pass": "M3.5 10h12M11.5 5.8l4.2 4.2l-4.2 4.2",
    "Choice": "M10 16.5v-5.5L5 6M10 11l5-5M5 10v-4h4M11 6h4v4",
    "Parallel": "M5 4v9.5M10 4v9.5M15 4v9.5M3.2 11.8L5 13.9l1.8-2.1M8.2 11.8l1.8 2.1l1.8-2.1M13.2 11.8l1.8 2.1l1.8-2.1"
    "M4 17h12",
    "Map": "M3.5 8.5h9v8h-9zM6 8.5v-2.5h9v8h-2.5M8.5 6v-2.5h9v8h-2.5",
    "Succeed": "M4.5 10.5l3.8 3.8l7.4-8.2",
    "Fail": "M5.5 5.5l9 9M14.5 5.5l-9 9",
    "": "M7 7.4a3 3 0 1 1 4.6 2.5c-1 .7-1.6 1.2-1.6 2.4M10 15.4v.1",
}

RETRY: Final = "M8.6 3.2a3.6 3.6 0 1 0 .6 2.6M9.2 1.6v2.1h-2.1"
"""In a square of 10 by 10, as the next ones."""
NO_RETRY: Final = "M1.6 5a3.4 3.4 0 1 0 6.8 0a3.4 3.4 0 1 0-6.8 0M2.7 7.3l4.6-4.6"
CATCH: Final = "M6 .8l-3.6 4.8h2.8l-1.2 3.6l3.6-4.8h-2.8z"
