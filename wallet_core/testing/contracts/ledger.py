"""What every ledger promises, whole."""

from wallet_core.testing.contracts.ledger_idempotency import KeyRules, ReplayRules
from wallet_core.testing.contracts.ledger_limits import LimitRules, WindowRules
from wallet_core.testing.contracts.ledger_movements import BatchRules, MovementRules
from wallet_core.testing.contracts.ledger_races import RaceRules
from wallet_core.testing.contracts.ledger_refusals import (
    PrecedenceRules,
    RecordedRefusalRules,
    StandingRules,
    UnrecordedRefusalRules,
)


class LedgerContract(
    MovementRules,
    BatchRules,
    UnrecordedRefusalRules,
    RecordedRefusalRules,
    StandingRules,
    PrecedenceRules,
    ReplayRules,
    KeyRules,
    LimitRules,
    WindowRules,
    RaceRules,
):
    """What every Ledger promises.

    Subclass it and provide the fixtures `clock`, a SettableClock, and `books`, a BooksUnderTest whose ledger goes by
    that clock. A ledger is observed through the repositories beside it, and through nothing else.
    """
