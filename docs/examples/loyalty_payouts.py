"""Another Python service that pays people out of its own wallet, on `wallet_core` alone.

It imports the library, not the service: which ledger it is given decides where the money is. Here that is memory;
in production it is `PostgresLedger`, or whatever passes `wallet_core.testing.contracts.LedgerContract`.

    python -m docs.examples.loyalty_payouts
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from wallet_core.ids import IdGenerator, TransactionId, WalletId
from wallet_core.ledger.accounts import Account
from wallet_core.ledger.commands import Transfer
from wallet_core.ledger.outcomes import Declined, Posted
from wallet_core.ledger.port import Ledger
from wallet_core.testing.books import InMemoryBooks
from wallet_core.testing.builders import a_deposit, a_user, a_wallet, an_account, granted_caps, new_id


@dataclass(frozen=True, slots=True)
class Winner:
    """Who gets how many cents, and for which month."""

    wallet_id: WalletId
    cents: int
    month: str


async def pay(ledger: Ledger, *, purse: Account, winners: Sequence[Winner], ids: IdGenerator) -> dict[WalletId, str]:
    """Pay each winner once, however often this runs for the same month; says what became of each.

    A refusal is as final as a payment: the same key gets it again, so that nobody is paid by a retry of last month's
    run. Whoever is to be tried once more gets another key.
    """
    payer = purse.user_id
    if payer is None:
        raise ValueError("A purse has an owner.")
    outcomes = await ledger.post(
        [
            Transfer(
                id=TransactionId(ids()),
                user_id=payer,
                key=f"loyalty-{winner.month}-{winner.wallet_id}",
                wallet_id=purse.wallet_id,
                currency=purse.currency,
                amount=winner.cents,
                to=str(winner.wallet_id),
                to_wallet_id=winner.wallet_id,
                note=f"Loyalty, {winner.month}",
            )
            for winner in winners
        ]
    )
    told: dict[WalletId, str] = {}
    for winner, outcome in zip(winners, outcomes, strict=True):
        match outcome:
            case Posted(replayed=False):
                told[winner.wallet_id] = "paid"
            case Posted():
                told[winner.wallet_id] = "paid before"
            case Declined(reason=reason):
                told[winner.wallet_id] = f"not paid: {reason}"
    return told


async def main() -> dict[WalletId, str]:
    """A purse with 50.00, three winners, and a run that is repeated by mistake."""
    books = InMemoryBooks()
    accounts = []
    for name in ("Shop", "Ada", "Grace", "Katsuko"):
        user = a_user(name=name)
        await books.users.add(user, "no password")
        wallet = a_wallet(user_id=user.id)
        account = an_account(user_id=user.id, wallet_id=wallet.id)
        await books.wallets.open(wallet, account, granted_caps(daily=40_00), wallets_max=1)
        accounts.append(account)
    purse, *others = accounts
    await books.ledger.post([a_deposit(purse, amount=50_00)])

    winners = [Winner(account.wallet_id, cents=15_00, month="2026-11") for account in others]
    await pay(books.ledger, purse=purse, winners=winners[:1], ids=new_id)
    told = await pay(books.ledger, purse=purse, winners=winners, ids=new_id)

    assert books.findings() == []  # noqa: S101 - an example says what holds
    return told


if __name__ == "__main__":
    for result in asyncio.run(main()).values():
        print(result)  # noqa: T201 - an example shows its result
