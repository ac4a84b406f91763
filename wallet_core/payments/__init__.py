"""The ways in and out: what a payment gateway does for a wallet."""
