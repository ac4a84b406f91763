"""Four people with wallets and movements, and an admin, put in through the same use cases that everybody uses."""

from dataclasses import dataclass
from functools import partial
from typing import Final

from entrypoints.container import Container, opened
from entrypoints.settings import Settings
from wallet_core.administration.audit import OPERATOR
from wallet_core.identity.entities import Role, User
from wallet_core.ids import UserId, WalletId
from wallet_core.wallets.entities import Wallet
from wallet_core.wallets.movements import Asked, Movements, Recipient

PASSWORD: Final = "correct horse battery"  # noqa: S105 - printed for everybody who runs the demo


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody in the demo: what they hold at first, by currency, in minor units."""

    name: str
    email: str
    funds: dict[str, int]


PEOPLE: Final = (
    Person("Ada Lovelace", "ada@example.com", {"USD": 250_00, "EUR": 80_00}),
    Person("Grace Hopper", "grace@example.com", {"USD": 120_00}),
    Person("Srinivasa Ramanujan", "srinivasa@example.com", {"INR": 9_000_00, "USD": 40_00}),
    Person("Katsuko Saruhashi", "katsuko@example.com", {"JPY": 30_000, "USD": 15_00}),
)
ADMIN: Final = Person("Hedy Lamarr", "hedy@example.com", {})

_TRANSFERS: Final = (
    (0, 1, "USD", 18_40, "Concert tickets"),
    (1, 2, "USD", 7_25, "Coffee beans"),
    (2, 3, "USD", 12_00, "Birthday present"),
    (3, 0, "USD", 5_00, "Change"),
    (1, 0, "USD", 99_00, "More than the day allows together with the rest"),
)
_WITHDRAWAL: Final = (0, "USD", 20_00, "Checking account")


async def seed(settings: Settings) -> None:
    """Put the people and their movements into a database that is empty."""
    async with opened(settings) as container:
        await container.postgres_ledger().open_system_accounts(
            gateways=container.gateways(), currencies=settings.currencies, ids=container.ids()
        )
        wallets: list[tuple[UserId, WalletId]] = []
        for person in PEOPLE:
            user_id = await _sign_up(container, person, Role.USER)
            wallets.append((user_id, await _open(container, user_id, person)))
        await _sign_up(container, ADMIN, Role.ADMIN)
        await _move(container.movements(), wallets)


async def _sign_up(container: Container, person: Person, role: Role) -> UserId:
    signed_up = await container.people().sign_up(
        name=person.name,
        password=PASSWORD,
        email=person.email,
        phone=None,
        role=role,
        verified=True,
        keep=partial(container.administration().add_admin, by=OPERATOR, reason="For the demo")
        if role is Role.ADMIN
        else None,
    )
    if not isinstance(signed_up, User):
        raise RuntimeError(f"{person.name} is there already.")  # noqa: TRY004 - no type is wrong, the database is
    return signed_up.id


async def _open(container: Container, user_id: UserId, person: Person) -> WalletId:
    """A wallet with an account and funds in each of the person's currencies."""
    wallet_id: WalletId | None = None
    for currency, amount in person.funds.items():
        if wallet_id is None:
            wallet = await container.wallets().open(user_id, name=None, currency=currency)
            if not isinstance(wallet, Wallet):
                raise RuntimeError(f"The demo cannot open a wallet in {currency}: {wallet}.")
            wallet_id = wallet.id
        else:
            await container.wallets().open_account(user_id, wallet_id, currency)
        await container.movements().add_funds(_asked(user_id, wallet_id, currency, amount), gateway="sandbox")
    if wallet_id is None:
        raise RuntimeError(f"{person.name} holds nothing.")
    return wallet_id


async def _move(movements: Movements, wallets: list[tuple[UserId, WalletId]]) -> None:
    for sender, recipient, currency, amount, note in _TRANSFERS:
        await movements.transfer(
            _asked(*wallets[sender], currency, amount), to=Recipient(wallet_id=wallets[recipient][1]), note=note
        )
    person, currency, amount, destination = _WITHDRAWAL
    await movements.withdraw(_asked(*wallets[person], currency, amount), destination=destination)


def _asked(user_id: UserId, wallet_id: WalletId, currency: str, amount: int) -> Asked:
    return Asked(user_id=user_id, wallet_id=wallet_id, currency=currency, amount=amount, key=None)
