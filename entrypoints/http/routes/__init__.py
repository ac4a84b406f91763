"""The operations: a class for each subject, whose `routes()` lists what it serves."""
