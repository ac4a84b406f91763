"""Mistakes that let somebody in who means harm, or let out what is nobody's business."""

from typing import Final

from tests.teeth.mistakes import Edit, mutant

_QUERIES: Final = "sql/queries/throttling.sql"
_CORE: Final = "wallet_core/identity/throttling.py"
_COUNTERS: Final = "tests/contracts/test_throttling.py"

PROTECTION: Final = (
    mutant(
        "who has to wait may try all the same",
        Edit(_QUERIES, " WHERE kept.free_at <= clock_timestamp()\nRETURNING", " WHERE true\nRETURNING"),
        tests=(_COUNTERS, "-k", "PostgresFailure"),
    ),
    mutant(
        "every failure on an account is the first",
        Edit(_QUERIES, "ELSE kept.failures + 1 END AS failures", "ELSE 1 END AS failures"),
        tests=(_COUNTERS, "-k", "PostgresFailure"),
    ),
    mutant(
        "an address gets a fourth message in an hour",
        Edit(_QUERIES, "< CAST(:most AS bigint)", "<= CAST(:most AS bigint)"),
        tests=(_COUNTERS, "-k", "PostgresMessage"),
    ),
    mutant(
        "while Redis is away nobody is limited",
        Edit(
            "adapters/throttling/windows.py",
            "            self._skipped_until = self._monotonic() + PAUSE_SECONDS\n            return await alone()",
            "            self._skipped_until = self._monotonic() + PAUSE_SECONDS\n            return None",
        ),
        tests=("tests/adapters/test_client_limits.py", "-k", "row_18"),
    ),
    mutant(
        "the proof of one person's device is everybody's",
        Edit(_CORE, 'of("device", device_id.hex, subject)[', 'of("device", device_id.hex)['),
        tests=("tests/core/test_throttling.py", "-k", "nobody_elses"),
    ),
    mutant(
        "one person's log-ins are counted on nobody's account",
        Edit(_CORE, "        for key in counted.keys:\n            wait", "        for key in ():\n            wait"),
        tests=("tests/core/test_throttling.py", "-k", "held_up"),
    ),
    mutant(
        "one account may be logged in to without end",
        Edit(
            _CORE,
            "await self._clients.take(self._right_ones, name)",
            "await self._clients.wait(self._right_ones, name)",
        ),
        tests=("tests/core/test_throttling.py", "-k", "logged_in_to_often"),
    ),
    mutant(
        "clients say themselves where they come from",
        Edit("entrypoints/http/client_address.py", "for hop in reversed(", "for hop in list("),
        tests=("tests/http/test_client_address.py",),
    ),
    mutant(
        "other sites' pages use the cookie",
        Edit("entrypoints/http/cross_origin.py", "and not _is_own(request)", "and not request.headers"),
        tests=("tests/http/test_cross_origin.py", "-k", "row_65"),
    ),
    mutant(
        "an answer from below the application says nothing to browsers",
        Edit("entrypoints/http/wire.py", "        self._headers.add(response)\n", ""),
        tests=("tests/http/test_security_headers.py", "-k", "no_operation"),
    ),
    mutant(
        "the words of an error are logged with the address in them",
        Edit("entrypoints/log_setup.py", "return _PERSONAL.sub(REDACTED, text)", "return text"),
        tests=("tests/entrypoints/test_log_setup.py",),
    ),
)
