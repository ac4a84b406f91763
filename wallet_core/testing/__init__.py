"""What the library ships for tests: in-memory adapters, a clock one can set, and the contract suites."""
