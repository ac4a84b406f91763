"""What a person holds and does: wallets, moving money, looking back, limits."""
