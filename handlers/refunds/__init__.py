"""Refunds of donations: their records, apart from those of the donations."""

from handlers.refunds.record import Refund, RefundConflict
from handlers.refunds.store import begin, finish, listed, of_donation

__all__ = ["Refund", "RefundConflict", "begin", "finish", "listed", "of_donation"]
