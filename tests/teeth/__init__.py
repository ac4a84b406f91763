"""Whether the tests bite: mistakes that a ledger can be made with, each tried on a copy of the tree."""
