"""Compile the payment flow and print its ASL: what the peers' scripts do."""

import payment_flow
from flowdsl import dump
from flowdsl.author.serial import text

print(text(dump(payment_flow.machine)), end="")
