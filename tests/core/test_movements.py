"""Adding funds, withdrawing and sending, on the books in memory and a gateway that remembers."""

import pytest

from wallet_core.faults import OutcomeUnknown, Unavailable
from wallet_core.ledger.accounts import Account, AccountStatus
from wallet_core.ledger.outcomes import Reason
from wallet_core.testing.books import InMemoryBooks
from wallet_core.testing.builders import GATEWAY, a_user, new_id
from wallet_core.testing.contracts.books import a_person, a_wallet_of, balances, owner, posted, refusal
from wallet_core.testing.gateways import RecordingGateway
from wallet_core.wallets.movements import Asked, Movements, Recipient


@pytest.fixture
def books() -> InMemoryBooks:
    return InMemoryBooks()


@pytest.fixture
def gateway() -> RecordingGateway:
    return RecordingGateway(GATEWAY)


@pytest.fixture
def movements(books: InMemoryBooks, gateway: RecordingGateway) -> Movements:
    return Movements(books.ledger, books.wallets, gateways={GATEWAY: gateway}, payout_gateway=GATEWAY, ids=new_id)


def asked(account: Account, *, amount: int = 100, key: str | None = None) -> Asked:
    return Asked(user_id=owner(account), wallet_id=account.wallet_id, currency=account.currency, amount=amount, key=key)


async def test_what_the_gateway_collected_is_credited_under_its_reference(
    books: InMemoryBooks, gateway: RecordingGateway, movements: Movements
) -> None:
    alice = await a_person(books)

    outcome = posted(await movements.add_funds(asked(alice), gateway=GATEWAY))

    (payment,) = gateway.collected
    assert (payment.transaction_id, payment.amount) == (outcome.transaction.id, 100)
    assert outcome.transaction.reference == f"{GATEWAY}-in-1"
    assert await balances(books, alice) == [100]


async def test_funds_added_twice_under_one_key_are_collected_and_credited_once(
    books: InMemoryBooks, gateway: RecordingGateway, movements: Movements
) -> None:
    alice = await a_person(books)

    first = await movements.add_funds(asked(alice, key="k1"), gateway=GATEWAY)
    second = await movements.add_funds(asked(alice, key="k1"), gateway=GATEWAY)

    assert second == first
    assert len(gateway.collected) == 1
    assert await balances(books, alice) == [100]


@pytest.mark.parametrize("status", [AccountStatus.FROZEN, AccountStatus.DEACTIVATED])
async def test_nothing_is_collected_for_a_wallet_that_cannot_be_credited(
    books: InMemoryBooks, gateway: RecordingGateway, movements: Movements, status: AccountStatus
) -> None:
    alice = await a_person(books)
    await books.set_status(alice.wallet_id, status)

    outcome = await movements.add_funds(asked(alice), gateway=GATEWAY)

    assert refusal(outcome) in {Reason.WALLET_FROZEN, Reason.ACCOUNT_DEACTIVATED}
    assert gateway.attempts == 0


async def test_nothing_is_credited_when_nothing_was_collected(
    books: InMemoryBooks, gateway: RecordingGateway, movements: Movements
) -> None:
    alice = await a_person(books)
    gateway.is_available = False

    with pytest.raises(Unavailable):
        await movements.add_funds(asked(alice), gateway=GATEWAY)

    assert await balances(books, alice) == [0]


async def test_what_was_debited_is_paid_out(
    books: InMemoryBooks, gateway: RecordingGateway, movements: Movements
) -> None:
    alice = await a_person(books, balance=500)

    outcome = posted(await movements.withdraw(asked(alice, amount=200), destination="IBAN 1"))

    (payment,) = gateway.paid_out
    assert (payment.transaction_id, payment.amount, payment.destination) == (outcome.transaction.id, 200, "IBAN 1")
    assert await balances(books, alice) == [300]


async def test_what_was_refused_is_not_paid_out(
    books: InMemoryBooks, gateway: RecordingGateway, movements: Movements
) -> None:
    alice = await a_person(books)

    outcome = await movements.withdraw(asked(alice), destination=None)

    assert refusal(outcome) is Reason.INSUFFICIENT_FUNDS
    assert gateway.attempts == 0


async def test_a_payout_that_failed_is_made_by_a_retry_and_made_once(
    books: InMemoryBooks, gateway: RecordingGateway, movements: Movements
) -> None:
    alice = await a_person(books, balance=500)
    gateway.is_available = False
    with pytest.raises(OutcomeUnknown):
        await movements.withdraw(asked(alice, key="k1"), destination=None)
    gateway.is_available = True

    for _ in range(3):
        await movements.withdraw(asked(alice, key="k1"), destination=None)

    assert len(gateway.paid_out) == 1
    assert await balances(books, alice) == [400]


async def test_a_transfer_to_an_address_reaches_the_default_wallet(books: InMemoryBooks, movements: Movements) -> None:
    alice = await a_person(books, balance=500)
    user = a_user(email="bob@example.org")
    await books.users.add(user, "hash")
    bob = await a_wallet_of(books, user.id)

    outcome = posted(await movements.transfer(asked(alice), to=Recipient(email="Bob@example.org"), note="Lunch"))

    assert outcome.transaction.note == "Lunch"
    assert await balances(books, alice, bob) == [400, 100]


async def test_a_transfer_to_an_address_of_nobody_is_refused(books: InMemoryBooks, movements: Movements) -> None:
    alice = await a_person(books, balance=500)

    outcome = await movements.transfer(asked(alice), to=Recipient(phone="+41446681800"), note=None)

    assert refusal(outcome) is Reason.RECIPIENT_UNAVAILABLE
