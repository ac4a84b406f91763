"""The contract suites: one class a port, run alike by the in-memory adapter and by every real one."""
