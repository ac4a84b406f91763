"""Adapters: one folder a technology, each behind a port of the core."""
