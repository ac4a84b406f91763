"""Moving money, from what is asked to what the gateway and the books see."""

import pytest

from wallet_core.faults import OutcomeUnknown
from wallet_core.ids import WalletId
from wallet_core.ledger.accounts import Account, AccountStatus
from wallet_core.ledger.outcomes import Declined, Posted, Reason
from wallet_core.testing.books import InMemoryBooks
from wallet_core.testing.builders import a_deposit, a_user, a_wallet, an_account, granted_caps, new_id
from wallet_core.testing.gateways import RecordingGateway
from wallet_core.wallets.movements import Asked, Movements, Recipient


@pytest.fixture
def books() -> InMemoryBooks:
    return InMemoryBooks(gateways=("recording",))


@pytest.fixture
def gateway() -> RecordingGateway:
    return RecordingGateway("recording")


@pytest.fixture
def movements(books: InMemoryBooks, gateway: RecordingGateway) -> Movements:
    return Movements(
        books.ledger, books.wallets, gateways={"recording": gateway}, payout_gateway="recording", ids=new_id
    )


@pytest.fixture
async def ada(books: InMemoryBooks) -> Account:
    """An account with 100.00 in it."""
    user = a_user(name="Ada")
    await books.users.add(user, "hash")
    wallet = a_wallet(user_id=user.id)
    account = an_account(user_id=user.id, wallet_id=wallet.id)
    await books.wallets.open(wallet, account, granted_caps(), wallets_max=5)
    await books.ledger.post([a_deposit(account, amount=100_00, gateway="recording")])
    return account


def asked(account: Account, *, amount: int, key: str | None = None) -> Asked:
    assert account.user_id is not None
    return Asked(user_id=account.user_id, wallet_id=account.wallet_id, currency="USD", amount=amount, key=key)


async def test_added_funds_are_collected_and_credited(
    movements: Movements, gateway: RecordingGateway, ada: Account
) -> None:
    outcome = await movements.add_funds(asked(ada, amount=5_00), gateway="recording")

    assert isinstance(outcome, Posted)
    assert [payment.amount for payment in gateway.collected] == [5_00]
    assert outcome.transaction.destination is not None
    assert outcome.transaction.destination.balance_after == 105_00


async def test_nothing_is_collected_for_a_wallet_that_cannot_be_credited(
    movements: Movements, gateway: RecordingGateway, books: InMemoryBooks, ada: Account
) -> None:
    await books.set_status(ada.wallet_id, AccountStatus.FROZEN)

    outcome = await movements.add_funds(asked(ada, amount=5_00), gateway="recording")

    assert isinstance(outcome, Declined)
    assert outcome.reason is Reason.WALLET_FROZEN
    assert gateway.collected == []


async def test_a_refused_withdrawal_pays_nothing_out(
    movements: Movements, gateway: RecordingGateway, ada: Account
) -> None:
    outcome = await movements.withdraw(asked(ada, amount=100_01), destination="bank")

    assert isinstance(outcome, Declined)
    assert gateway.paid_out == []


async def test_a_payout_that_failed_is_made_by_the_retry_and_only_once(
    movements: Movements, gateway: RecordingGateway, books: InMemoryBooks, ada: Account
) -> None:
    gateway.is_available = False
    with pytest.raises(OutcomeUnknown):
        await movements.withdraw(asked(ada, amount=40_00, key="rent"), destination="bank")
    gateway.is_available = True

    outcomes = [await movements.withdraw(asked(ada, amount=40_00, key="rent"), destination="bank") for _ in range(2)]

    assert [outcome.replayed for outcome in outcomes] == [True, True]
    assert [payment.amount for payment in gateway.paid_out] == [40_00]
    assert books.findings() == []


async def test_an_address_that_nobody_answers_to_declines_the_transfer(movements: Movements, ada: Account) -> None:
    outcome = await movements.transfer(
        asked(ada, amount=1_00, key="k"), to=Recipient(email="nobody@example.org"), note=None
    )

    assert isinstance(outcome, Declined)
    assert outcome.reason is Reason.RECIPIENT_UNAVAILABLE
    assert outcome.transaction is not None


async def test_a_retry_is_the_same_though_the_address_leads_elsewhere_by_then(
    movements: Movements, books: InMemoryBooks, ada: Account
) -> None:
    grace = a_user(name="Grace", email="grace@example.org")
    await books.users.add(grace, "hash")
    first, second = (a_wallet(user_id=grace.id, name=name) for name in ("One", "Two"))
    for wallet in (first, second):
        account = an_account(user_id=grace.id, wallet_id=wallet.id)
        await books.wallets.open(wallet, account, granted_caps(), wallets_max=5)
    to = Recipient(email="grace@example.org")
    sent = await movements.transfer(asked(ada, amount=1_00, key="k"), to=to, note=None)
    await books.wallets.change(grace.id, second.id, name=None, default=True)

    again = await movements.transfer(asked(ada, amount=1_00, key="k"), to=to, note=None)

    assert again == sent
    assert again.replayed
    assert again.transaction is not None
    assert again.transaction.destination is not None
    assert again.transaction.destination.wallet_id == WalletId(first.id)
