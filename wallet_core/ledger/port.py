"""The port behind which a decision becomes durable."""

from collections.abc import Sequence
from typing import Protocol

from wallet_core.ledger.commands import Command
from wallet_core.ledger.outcomes import Outcome


class Ledger(Protocol):
    """Where money moves.

    Every implementation passes `wallet_core.testing.contracts.LedgerContract`.
    """

    async def post(self, commands: Sequence[Command]) -> list[Outcome]:
        """Decide and record the commands in order, in one transaction; one outcome each.

        Returns after commit. A command that breaks a rule is Declined and disturbs no other. A command whose
        idempotency key is settled gets its first outcome again. Raises Unavailable when nothing was recorded,
        OutcomeUnknown when that cannot be told.
        """
        ...
