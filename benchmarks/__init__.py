"""Measures what the service does in a second, beside what SQL alone does, on servers of its own."""
