"""Names of things. Every id is a UUID of version 7, made by the application, so that ids sort by age."""

from typing import NewType, Protocol
from uuid import UUID

UserId = NewType("UserId", UUID)
WalletId = NewType("WalletId", UUID)
AccountId = NewType("AccountId", UUID)
TransactionId = NewType("TransactionId", UUID)
SessionId = NewType("SessionId", UUID)
ChallengeId = NewType("ChallengeId", UUID)
FactorId = NewType("FactorId", UUID)
AuditId = NewType("AuditId", UUID)
NotificationId = NewType("NotificationId", UUID)
DeliveryId = NewType("DeliveryId", UUID)


class IdGenerator(Protocol):
    """Makes ids that were never given before."""

    def __call__(self) -> UUID:
        """A new UUIDv7."""
        ...
