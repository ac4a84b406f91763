"""Mistakes about sessions: who is let in for too long, or too short, or on old knowledge."""

from typing import Final

from tests.teeth.mistakes import Edit, mutant

_QUERIES: Final = "sql/queries/sessions.sql"
_SESSIONS: Final = "wallet_core/identity/sessions.py"
_MEMORY: Final = "wallet_core/identity/session_memory.py"
_WATCH: Final = "wallet_core/identity/session_watch.py"
_CONTRACT: Final = "tests/contracts/test_postgres.py::TestPostgresSessionRepository"
_USE_CASES: Final = "tests/core/test_sessions.py"
_PROCESSES: Final = "tests/core/test_session_watch.py"

SESSIONS: Final = (
    mutant(
        "the role that counts is the token's",
        Edit(
            "entrypoints/http/authentication.py",
            "active if active.role in allowed else",
            "active if claims.role in allowed or active.role in allowed else",
        ),
        tests=("tests/http/test_roles.py", "-k", "knows"),
    ),
    mutant(
        "what a process remembers is never too old",
        Edit(_SESSIONS, "            and self._watch.is_current()\n", ""),
        tests=(_PROCESSES, "-k", "a_second_old"),
    ),
    mutant(
        "each check on old knowledge looks for itself",
        Edit(_WATCH, "                if self._answered > begun:\n                    return\n", ""),
        tests=(_PROCESSES, "-k", "share_a_look"),
    ),
    mutant(
        "what is heard while a session is being read is lost",
        Edit(_MEMORY, "        if heard is not None:\n", "        if heard is None:\n"),
        tests=(_PROCESSES, "-k", "while_the_session_is_read"),
    ),
    mutant(
        "what asks in the background keeps a session alive",
        Edit(
            _SESSIONS,
            "            if not background:\n                self._memory.note_use(known, now)\n"
            "            return known.active\n        return await",
            "            self._memory.note_use(known, now)\n            return known.active\n        return await",
        ),
        tests=(_USE_CASES, "-k", "background"),
    ),
    mutant(
        "a refresh keeps a session alive",
        Edit(_QUERIES, "refreshes = refreshes + 1 WHERE", "refreshes = refreshes + 1, last_seen_at = :now WHERE"),
        tests=(_CONTRACT, "-k", "no_use_of_the_session"),
    ),
    mutant(
        "a use is written when others have missed it already",
        Edit(_SESSIONS, "                await self._watch.write_now([known])\n", "                pass\n"),
        tests=(_PROCESSES, "-k", "soon_miss"),
    ),
    mutant(
        "what an end of a process leaves unwritten is lost",
        Edit(_WATCH, "await self.write(everything=True)", "await self.write()"),
        tests=(_PROCESSES, "-k", "when_a_process_stops"),
    ),
    mutant(
        "a refresh token may be used again for ever",
        Edit("wallet_core/identity/refreshing.py", "now - presented.spent_at > GRACE", "now < presented.spent_at"),
        tests=(_CONTRACT, "-k", "after_the_grace"),
    ),
    mutant(
        "a refresh token in two hands ends nothing",
        Edit(
            "adapters/postgres/sessions.py",
            "                    await self._ended(connection, session.id, SessionEnd.REFRESH_REUSED, now, None)\n",
            "                    pass\n",
        ),
        tests=(_CONTRACT, "-k", "after_the_grace"),
    ),
    mutant(
        "refresh tokens are kept as they are",
        Edit("adapters/security/refresh_tokens.py", "return hashlib.sha256(read).digest() if", "return read if"),
        tests=("tests/sessions/test_refreshing.py", "-k", "hash_alone and without"),
    ),
    mutant(
        "a successor is anybody's to derive",
        Edit(
            "adapters/security/refresh_tokens.py",
            'hmac.digest(self._key, token.encode("ascii"), "sha256")',
            'hashlib.sha256(token.encode("ascii")).digest()',
        ),
        tests=("tests/contracts/test_session_news.py", "-k", "Derived"),
    ),
    mutant(
        "somebody who is just being deactivated logs in",
        Edit(_QUERIES, "CAST(:password_hash AS text))\n   FOR SHARE;", "CAST(:password_hash AS text));"),
        tests=("tests/adapters/test_postgres_sessions.py", "-k", "waits"),
    ),
    mutant(
        "whoever turns codes on is logged in to without one",
        Edit(_QUERIES, "IS NULL OR second_factor = CAST(:second_factor AS boolean))", "IS DISTINCT FROM NULL OR true)"),
        tests=(_CONTRACT, "-k", "was_turned_on_since"),
    ),
    mutant(
        "people end sessions of others",
        Edit(_QUERIES, "IS NULL OR user_id = CAST(:owner AS uuid))", "IS NULL OR CAST(:owner AS uuid) IS NOT NULL)"),
        tests=(_CONTRACT, "-k", "somebody_else"),
    ),
)
