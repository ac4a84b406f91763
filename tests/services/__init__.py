"""Real servers for the tests, and databases on them."""
