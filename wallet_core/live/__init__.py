"""What people are told while it happens: their balances, their transactions, and what else concerns them."""
