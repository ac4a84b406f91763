"""Who is in charge: states of wallets and people, what operators grant, and the record of who changed what and why."""
