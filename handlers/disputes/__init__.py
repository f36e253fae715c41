"""Disputes: a donor's bank takes a donation back, or may do so."""

from handlers.disputes.record import Dispute
from handlers.disputes.store import listed

__all__ = ["Dispute", "listed"]
