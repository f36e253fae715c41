"""The Lambda functions of the payment flow, a folder each, and what they share."""
