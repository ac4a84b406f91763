"""Long random lives of a service, each step held against a model too simple to be wrong in the same way."""
