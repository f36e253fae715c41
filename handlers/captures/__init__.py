"""Captures: requests to take or release the reserved amount of a donation."""

from handlers.captures.record import Capture, CaptureConflict
from handlers.captures.store import begin, find, finish, listed

__all__ = ["Capture", "CaptureConflict", "begin", "find", "finish", "listed"]
