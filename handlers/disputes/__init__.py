"""Disputes: donors' banks that take a donation back, which somebody may contest."""

from handlers.disputes.record import Dispute
from handlers.disputes.store import listed

__all__ = ["Dispute", "listed"]
