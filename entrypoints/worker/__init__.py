"""The worker: it tells people what happened, and does what has to be done now and then. Any number of them share it."""
