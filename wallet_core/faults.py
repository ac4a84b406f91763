"""Faults: what stands between a command and its answer. A broken rule is never one of these."""


class Fault(Exception):
    """Something outside the rules went wrong."""


class Unavailable(Fault):
    """A part that is needed does not answer. Nothing was changed; try again later."""


class Overloaded(Unavailable):
    """More work waits already than may. Nothing was changed; try again later."""


class OutcomeUnknown(Fault):
    """The answer to a commit was lost: the money moved or it did not. Ask again with the same idempotency key."""
