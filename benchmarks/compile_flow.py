"""Compile the payment flow and print its ASL: what the peers' scripts do."""

import payment_flow
from flowdsl import dump
from flowdsl.asl.text import canonical_text

print(canonical_text(dump(payment_flow.machine)), end="")
