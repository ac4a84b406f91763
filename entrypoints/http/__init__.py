"""The HTTP contract over the core: routes, schemas, errors."""
