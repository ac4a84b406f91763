"""Who people are: signing up, proving a password, carrying a token."""
