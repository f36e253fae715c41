"""Captures: donations whose amount was reserved first, and is taken or released later."""

from handlers.captures.record import Capture, CaptureConflict
from handlers.captures.store import begin, find, finish, listed

__all__ = ["Capture", "CaptureConflict", "begin", "find", "finish", "listed"]
