"""Mistakes about states and the audit: what a change does not reach, and what a seal does not cover."""

from typing import Final

from tests.teeth.mistakes import Edit, mutant

_ADAPTER: Final = "adapters/postgres/administration.py"
_CHAIN: Final = "wallet_core/administration/chain.py"
_CONTRACT: Final = "tests/contracts/test_postgres.py::TestPostgresAdministration"
_TAMPERING: Final = "tests/adapters/test_audit_chain.py"

ADMINISTRATION: Final = (
    mutant(
        "a freeze does not reach the accounts",
        Edit(
            _ADAPTER,
            'await self._queries["restate_accounts"].execute(connection, user_id=owner, wallet_id=wallet_id)',
            "pass",
        ),
        tests=(_CONTRACT, "-k", "refuses_whatever"),
    ),
    mutant(
        "admins who leave at once do not wait for each other",
        Edit("sql/queries/administration.sql", "'active' ORDER BY id FOR NO KEY UPDATE;", "'active' ORDER BY id;"),
        tests=(_CONTRACT, "-k", "leave_at_once"),
    ),
    mutant(
        "a new currency stands active",
        Edit(
            "sql/queries/wallets.sql",
            "CASE WHEN u.status = 'deactivated' THEN 'deactivated' ELSE w.status END",
            "'active'",
        ),
        tests=(_CONTRACT, "-k", "meanwhile or reaches_every"),
    ),
    mutant(
        "a replayed deposit is kept in the audit again",
        Edit(_ADAPTER, "if isinstance(outcome, Posted) and not outcome.replayed:", "if isinstance(outcome, Posted):"),
        tests=(_CONTRACT, "-k", "noted_once"),
    ),
    mutant(
        "the reason is not sealed",
        Edit(_CHAIN, "        _written(entry.after),\n        entry.reason,\n", "        _written(entry.after),\n"),
        tests=(_TAMPERING, "-k", "thousand"),
    ),
    mutant(
        "a seal does not cover the one before",
        Edit(_CHAIN, "hashlib.sha256(before + b", "hashlib.sha256(b"),
        tests=(_TAMPERING, "-k", "sealed_anew"),
    ),
    mutant(
        "what is sealed is what is above the last number",
        Edit(
            "sql/queries/audit.sql",
            " WHERE NOT EXISTS (SELECT FROM audit_seals s WHERE s.audit_id = a.id)\n",
            " WHERE a.place > (SELECT max(b.place) FROM audit b JOIN audit_seals s ON s.audit_id = b.id)\n",
        ),
        tests=(_TAMPERING, "-k", "become_visible"),
    ),
    mutant(
        "a formula is downloaded as one",
        Edit("entrypoints/http/inert_csv.py", 'frozenset("=+-@', 'frozenset("+-@'),
        tests=("tests/http/test_audit.py", "-k", "row_66"),
    ),
)
