"""Messages to other systems: delays, redirects, receipts, events.

Locally a message is a row of a SQLite file, unique by kind and key. In production PAYMENTS_EVENT_BUS names an
EventBridge bus, whose rules route each kind to its receiver (the web front-end, the mailer, the data warehouse).
EventBridge may deliver twice
(https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-service-event-delivery.html), and a repeated function
sends again: receivers recognise duplicates by `detail.key`.
"""

from handlers.outbox.message import Message, NotDelivered
from handlers.outbox.sending import send

__all__ = ["Message", "NotDelivered", "send"]
