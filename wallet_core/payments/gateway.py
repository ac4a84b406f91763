"""What a payment gateway does."""

from dataclasses import dataclass
from typing import Protocol

from wallet_core.ids import TransactionId, UserId


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment:
    """Money to collect from a person or to pay out to them. `amount` is in minor units.

    `idempotency_key` is the same for every attempt at the same payment, so that it is made once.
    """

    transaction_id: TransactionId
    user_id: UserId
    currency: str
    amount: int
    idempotency_key: str
    destination: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """The payment was made. `reference` is the gateway's name for it."""

    reference: str


class PaymentGateway(Protocol):
    """A way for money to come in and go out.

    Every implementation passes `wallet_core.testing.contracts.PaymentGatewayContract`.
    """

    @property
    def name(self) -> str:
        """What requests call it."""
        ...

    async def collect(self, payment: Payment) -> Settled:
        """Take the money from the person. Raises Unavailable when nothing was taken."""
        ...

    async def pay_out(self, payment: Payment) -> Settled:
        """Give the money to the person. Raises Unavailable when nothing was paid."""
        ...
