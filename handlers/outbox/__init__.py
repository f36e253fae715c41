"""What other systems hear from us: delays, redirects, receipts, events.

On the desk a message is a row of a SQLite file, once for its kind and key. In production PAYMENTS_EVENT_BUS
names an EventBridge bus, whose rules take each kind where it belongs (the web front-end, the mailer, the
data warehouse). EventBridge may deliver twice
(https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-service-event-delivery.html), and so may a
function that is run again: `detail.key` is what receivers tell repetitions by.
"""

from handlers.outbox.message import Message, NotDelivered
from handlers.outbox.sending import send

__all__ = ["Message", "NotDelivered", "send"]
