"""The Lambda function for payments by Stripe."""
