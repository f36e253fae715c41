"""TakePayment by bank debit at GoCardless."""
