"""Many at once, against two real server processes over HTTP."""
