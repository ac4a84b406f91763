"""Moving money in, out and across: from what a person asks to a command for the ledger."""

from collections.abc import Mapping
from dataclasses import dataclass

from wallet_core.faults import OutcomeUnknown, Unavailable
from wallet_core.ids import IdGenerator, TransactionId, UserId, WalletId
from wallet_core.ledger.accounts import AccountStatus
from wallet_core.ledger.commands import Command, Deposit, Transfer, Withdraw
from wallet_core.ledger.outcomes import Outcome, Posted
from wallet_core.ledger.port import Ledger
from wallet_core.payments.gateway import Payment, PaymentGateway
from wallet_core.wallets.ports import WalletRepository


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipient:
    """Who is to receive: a wallet's id, or the address of a person whose default wallet it is."""

    wallet_id: WalletId | None = None
    email: str | None = None
    phone: str | None = None

    def __str__(self) -> str:
        return str(self.wallet_id or self.email or self.phone)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What every request to move money says. `amount` is in minor units, `key` the idempotency key.

    `request_id` names the request, for whoever looks into it later.
    """

    user_id: UserId
    wallet_id: WalletId
    currency: str
    amount: int
    key: str | None
    request_id: str | None = None


class Movements:
    """Adds funds, withdraws and transfers."""

    def __init__(
        self,
        ledger: Ledger,
        wallets: WalletRepository,
        *,
        gateways: Mapping[str, PaymentGateway],
        payout_gateway: str,
        ids: IdGenerator,
    ) -> None:
        self._ledger = ledger
        self._wallets = wallets
        self._gateways = gateways
        self._payout_gateway = gateways[payout_gateway]
        self._ids = ids

    @property
    def gateways(self) -> frozenset[str]:
        """The names of the gateways that funds can be added by."""
        return frozenset(self._gateways)

    async def add_funds(self, asked: Asked, *, gateway: str) -> Outcome:
        """Collect money by a gateway and credit it.

        Nothing is collected for a wallet that cannot be credited; the ledger says why it cannot.
        """
        transaction_id = self._new_id()
        account = await self._wallets.account(asked.user_id, asked.wallet_id, asked.currency)
        reference = None
        if account is not None and account.status is AccountStatus.ACTIVE:
            settled = await self._gateways[gateway].collect(_payment(asked, transaction_id))
            reference = settled.reference
        return await self._post(
            Deposit(
                id=transaction_id,
                user_id=asked.user_id,
                key=asked.key,
                wallet_id=asked.wallet_id,
                currency=asked.currency,
                amount=asked.amount,
                request_id=asked.request_id,
                gateway=gateway,
                reference=reference,
            )
        )

    async def withdraw(self, asked: Asked, *, destination: str | None) -> Outcome:
        """Debit the wallet, then pay out what was debited.

        Money that left the books once is paid once: a retry of a withdrawal whose payout failed makes the payout again,
        under the same key, and the gateway knows that key. Raises OutcomeUnknown when the debit stands and the payout
        is still to be made.
        """
        transaction_id = self._new_id()
        outcome = await self._post(
            Withdraw(
                id=transaction_id,
                user_id=asked.user_id,
                key=asked.key,
                wallet_id=asked.wallet_id,
                currency=asked.currency,
                amount=asked.amount,
                request_id=asked.request_id,
                destination=destination,
            )
        )
        if isinstance(outcome, Posted):
            try:
                await self._payout_gateway.pay_out(_payment(asked, outcome.transaction.id, destination))
            except Unavailable as error:
                raise OutcomeUnknown("The payout is still to be made.") from error
        return outcome

    async def transfer(self, asked: Asked, *, to: Recipient, note: str | None) -> Outcome:
        """Move money to another wallet. An address that nobody answers to declines it."""
        to_wallet_id = to.wallet_id
        if to_wallet_id is None:
            to_wallet_id = await self._wallets.recipient(email=to.email, phone=to.phone)
        return await self._post(
            Transfer(
                id=self._new_id(),
                user_id=asked.user_id,
                key=asked.key,
                wallet_id=asked.wallet_id,
                currency=asked.currency,
                amount=asked.amount,
                request_id=asked.request_id,
                to=str(to),
                to_wallet_id=to_wallet_id,
                note=note,
            )
        )

    async def is_settled(self, user_id: UserId, key: str) -> bool:
        """Whether a movement of that person is kept under that key: asked for again, it moves nothing."""
        return await self._wallets.is_settled(user_id, key)

    async def _post(self, command: Command) -> Outcome:
        return (await self._ledger.post([command]))[0]

    def _new_id(self) -> TransactionId:
        return TransactionId(self._ids())


def _payment(asked: Asked, transaction_id: TransactionId, destination: str | None = None) -> Payment:
    key = f"{asked.user_id}:{asked.key}" if asked.key is not None else str(transaction_id)
    return Payment(
        transaction_id=transaction_id,
        user_id=asked.user_id,
        currency=asked.currency,
        amount=asked.amount,
        idempotency_key=key,
        destination=destination,
    )
