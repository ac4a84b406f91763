"""Requests that nobody thought of, made from the document that the service publishes, and judged by it."""
