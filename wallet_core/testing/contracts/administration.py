"""What every administration repository promises, in the words of the two modules that it is put together from."""

from wallet_core.testing.contracts.administration_grants import (
    AdjustmentRules,
    AdminRules,
    GrantRules,
    SessionEndRules,
)
from wallet_core.testing.contracts.administration_states import PersonStateRules, WalletStateRules


class AdministrationRepositoryContract(
    WalletStateRules, PersonStateRules, GrantRules, AdminRules, AdjustmentRules, SessionEndRules
):
    """What every AdministrationRepository promises.

    Subclass it and provide the fixture `books`, a BooksUnderTest.
    """
