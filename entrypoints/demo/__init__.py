"""Everything on one machine, with people and movements in it: what `make demo` runs."""
