"""What keeps a measurement from counting."""


class BenchFailed(Exception):
    """A row did not do what it says, or the books do not balance; the message says which and why."""
