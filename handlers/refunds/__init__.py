"""Refunds of donations: their records, apart from those of the donations."""

from handlers.refunds.conclusion import conclude
from handlers.refunds.record import Refund, RefundConflict
from handlers.refunds.store import begin, finish, listed, of_donation

__all__ = ["Refund", "RefundConflict", "begin", "conclude", "finish", "listed", "of_donation"]
