"""How often a client may do something, by the library `limits`: counted in Redis, and in the process without it."""
