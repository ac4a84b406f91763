"""What wallets ask of the world."""

from collections.abc import Mapping
from typing import Protocol

from wallet_core.ids import UserId, WalletId
from wallet_core.ledger.accounts import Account
from wallet_core.ledger.commands import LimitKind
from wallet_core.ledger.limits import Caps, ChosenCaps, Limit
from wallet_core.wallets.entities import Wallet, WalletRefusal

GrantedCaps = Mapping[LimitKind, Caps]
"""What the operator allows by default in one currency."""


class WalletRepository(Protocol):
    """Where wallets are kept.

    Every implementation passes `wallet_core.testing.contracts.WalletRepositoryContract`.
    """

    async def open(
        self, wallet: Wallet, account: Account, granted: GrantedCaps, *, wallets_max: int
    ) -> Wallet | WalletRefusal:
        """Keep a new wallet with its first account; a person's first wallet becomes their default one.

        Opens the person's limits in that currency too, unless they have them. Refuses with NAME_TAKEN or TOO_MANY,
        and with NOT_FOUND when there is no such person.
        """
        ...

    async def open_account(self, account: Account, granted: GrantedCaps) -> Account | WalletRefusal:
        """Let a wallet of that person hold one more currency. Refuses with NOT_FOUND or CURRENCY_HELD."""
        ...

    async def of(self, user_id: UserId) -> list[Wallet]:
        """The person's wallets, oldest first."""
        ...

    async def find(self, user_id: UserId, wallet_id: WalletId) -> Wallet | None:
        """That wallet, when it is that person's."""
        ...

    async def account(self, user_id: UserId, wallet_id: WalletId, currency: str | None) -> Account | None:
        """The account in that currency, or in the wallet's own, when the wallet is that person's and holds it."""
        ...

    async def change(
        self, user_id: UserId, wallet_id: WalletId, *, name: str | None, default: bool | None
    ) -> Wallet | WalletRefusal:
        """Rename the wallet or make it the default one. Refuses with NOT_FOUND or NAME_TAKEN."""
        ...

    async def recipient(self, *, email: str | None = None, phone: str | None = None) -> WalletId | None:
        """The default wallet of the person who has shown that they are reached by that address (in any case)."""
        ...

    async def is_settled(self, user_id: UserId, key: str) -> bool:
        """Whether what the person asked for under that idempotency key is kept: asked again, it moves nothing."""
        ...


class LimitRepository(Protocol):
    """Where limits are read and lowered.

    Every implementation passes `wallet_core.testing.contracts.LimitRepositoryContract`.
    """

    async def of(self, user_id: UserId, currency: str) -> list[Limit]:
        """The person's limits in that currency; none where they hold no account in it."""
        ...

    async def choose(
        self, user_id: UserId, currency: str, chosen: Mapping[LimitKind, ChosenCaps], *, granted: GrantedCaps
    ) -> bool:
        """Set what the person allows themselves, in force for whatever is decided after it; None changes nothing.

        Opens the person's limits in that currency as `granted`, unless they have them. All of it or, when one is above
        what the operator granted, none of it: then False.
        """
        ...
