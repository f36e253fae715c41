"""TakePayment by card at Adyen."""
