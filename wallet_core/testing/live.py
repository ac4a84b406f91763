"""Live updates in memory: how things stand, read from `Records`."""

from collections.abc import Mapping, Sequence

from wallet_core.ids import NotificationId, UserId
from wallet_core.ledger.accounts import Account
from wallet_core.ledger.statements import Direction, StatementLine
from wallet_core.live.news import NOTIFICATIONS_MAX, AccountLine, Span, Standing
from wallet_core.notifications.inbox import Notification
from wallet_core.testing.records import Records


class InMemoryLiveRepository:
    """A LiveRepository over `Records`, which counts what it is asked."""

    def __init__(self, records: Records) -> None:
        self._records = records
        self.questions = 0

    async def standings(self, since: Mapping[UserId, NotificationId]) -> Mapping[UserId, Standing]:
        """As LiveRepository.standings."""
        self.questions += 1
        return {user_id: self._standing(user_id, after) for user_id, after in since.items()}

    async def lines(self, spans: Sequence[Span]) -> Sequence[AccountLine]:
        """As LiveRepository.lines."""
        self.questions += 1
        return [line for span in spans for line in self._lines(span)]

    async def notifications(self, ids: Sequence[NotificationId]) -> Sequence[Notification]:
        """As LiveRepository.notifications."""
        self.questions += 1
        kept = self._records.outbox.notifications
        return [kept[each].notification for each in sorted(ids) if each in kept]

    def _standing(self, user_id: UserId, after: NotificationId) -> Standing:
        told = self._records.outbox.notifications.values()
        newer = [each.notification.id for each in told if each.user_id == user_id and each.notification.id > after]
        accounts = [account for account in self._records.accounts.values() if account.user_id == user_id]
        return Standing(
            accounts=[_as_told(account) for account in accounts],
            notification_ids=sorted(newer, reverse=True)[:NOTIFICATIONS_MAX],
        )

    def _lines(self, span: Span) -> list[AccountLine]:
        legs = self._records.legs.get(span.account_id, [])[span.after : span.upto]
        lines = []
        for leg in legs:
            transaction = self._records.transactions[leg.transaction_id]
            pays = transaction.source is not None and transaction.source.account_id == span.account_id
            line = StatementLine(transaction=transaction, direction=Direction.OUT if pays else Direction.IN)
            lines.append(AccountLine(account_id=span.account_id, seq=leg.seq, line=line))
        return lines


def _as_told(account: Account) -> Account:
    """What live updates tell of an account: not who holds it, and nothing of refusals."""
    return Account(
        id=account.id,
        wallet_id=account.wallet_id,
        user_id=account.user_id,
        currency=account.currency,
        balance=account.balance,
        held=account.held,
        version=account.version,
        status=account.status,
    )
