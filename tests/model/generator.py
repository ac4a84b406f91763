"""What is asked next: chance, out of a seed, nudged to where things go wrong."""

import random
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from tests.model.naive import NaiveBooks
from tests.model.operations import (
    EXPONENTS,
    GRANTED,
    By,
    ChangePerson,
    HoldCurrency,
    Kind,
    Look,
    LookBack,
    LowerLimits,
    MakeDefault,
    Move,
    OpenWallet,
    Operation,
    PassTime,
    SetStanding,
    SignUp,
    Standing,
    To,
)
from wallet_core.testing.strategies import TIME_ZONES

_CURRENCIES: Final = tuple(EXPONENTS)
_NAMES: Final = ("Main", "MAIN", "Savings", "Trip", "Rent", "rent", "Car", "Boat")
_WHALES: Final = "KWD"
"""The currency in which so much is added that it stops fitting."""
_AMOUNT_MAX: Final = 10**18 - 1
_HOLDING_MAX: Final = 10**15
_FIRST_PEOPLE: Final = 3
_NO_WALLET: Final = 1_000_000
_REFUSED_SHARE: Final = 0.33
_DRAWS_MAX: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """What kind of run it is. `weights` says how often each kind of operation is drawn.

    `keyless` is the share of movements without an idempotency key, `whales` that of enormous deposits, `hot` that of
    movements asked of one and the same account.
    """

    weights: Mapping[type[Operation], float]
    people_max: int
    gateways: tuple[str, ...]
    keyless: float
    whales: float
    hot: float


class Generator:
    """Draws operations. Of one seed and one history it always draws the same.

    For the first `still` operations time passes by moments alone, so that a day sees as much as others see in months.
    """

    def __init__(self, books: NaiveBooks, *, seed: str, profile: Profile, still: int = 0) -> None:
        self._books = books
        self._profile = profile
        self._still = still
        self._random = random.Random(seed)
        self._kinds = tuple(profile.weights)
        self._weights = tuple(profile.weights.values())
        self._keyed: list[Move] = []
        self._people = 0
        self._wallets = 0
        self._keys = 0

    def next(self, now: datetime) -> Operation:
        """The next operation, for books that stand as the naive ones do at that moment."""
        books = self._books
        self._still -= 1
        if len(books.people) < _FIRST_PEOPLE:
            return self._sign_up()
        if len(books.wallets) < _FIRST_PEOPLE:
            return self._open_wallet(list(books.people)[len(books.wallets)], _CURRENCIES[-len(books.wallets)])
        kind = self._random.choices(self._kinds, self._weights)[0]
        if kind is Move:
            return self._move(now)
        if kind is SignUp:
            return self._sign_up()
        if kind is OpenWallet:
            people = list(books.people)
            return self._open_wallet(people[self._early(len(people))], self._random.choice(_CURRENCIES))
        if kind is PassTime:
            return PassTime(by=self._jump())
        if kind is SetStanding:
            return self._set_standing()
        return self._about_a_wallet(kind)

    def _about_a_wallet(self, kind: type[Operation]) -> Operation:
        chance, wallet = self._random, self._some_wallet()
        person = self._owner_or_stranger(wallet)
        currency = chance.choice(_CURRENCIES)
        if kind is HoldCurrency and self._books.wallets[wallet].standing is Standing.DEACTIVATED:
            return self._set_standing()  # whoever is deactivated asks for nothing
        if kind is HoldCurrency:
            return HoldCurrency(person=person, wallet=wallet, currency=currency)
        if kind is MakeDefault:
            return MakeDefault(person=person, wallet=wallet)
        if kind is Look:
            return Look(person=person, wallet=wallet, currency=currency)
        if kind is LookBack:
            return LookBack(person=person, wallet=wallet, lines=chance.randint(1, 8))
        if kind is ChangePerson and chance.random() < 0.5:
            return ChangePerson(person=person, name=f"Person {person} the {chance.randint(2, 99)}.")
        if kind is ChangePerson:
            return ChangePerson(person=person, time_zone=chance.choice(TIME_ZONES))
        assert kind is LowerLimits
        return self._lower_limits(person, currency)

    def _sign_up(self) -> SignUp:
        books, chance = self._books, self._random
        self._people += 1
        is_new = len(books.people) < self._profile.people_max and chance.random() < 0.8
        if is_new or not books.people:
            return SignUp(person=self._people, email_of=self._people)
        return SignUp(person=self._people, email_of=chance.choice(list(books.people)))

    def _open_wallet(self, person: int, currency: str) -> OpenWallet:
        self._wallets += 1
        name = self._random.choice(_NAMES)
        return OpenWallet(person=person, wallet=self._wallets, name=name, currency=currency)

    def _set_standing(self) -> SetStanding:
        chance = self._random
        barred = [number for number, each in self._books.wallets.items() if each.standing is not Standing.ACTIVE]
        if barred and chance.random() < 0.85:
            return SetStanding(wallet=chance.choice(barred), standing=Standing.ACTIVE)
        return SetStanding(
            wallet=chance.choice(list(self._books.wallets)),
            standing=chance.choice((Standing.FROZEN, Standing.DEACTIVATED, Standing.ACTIVE)),
        )

    def _lower_limits(self, person: int, currency: str) -> LowerLimits:
        chance, granted = self._random, GRANTED[currency]
        outgoing = chance.choice((Kind.TRANSFER, Kind.WITHDRAW))
        daily: int | None
        monthly: int | None
        daily, monthly = granted
        roll = chance.random()
        if roll < 0.1:
            daily += 1
        elif roll < 0.2:
            monthly += chance.randint(1, 1_000)
        elif roll < 0.5:
            daily, monthly = chance.choice(
                (
                    (chance.randint(daily // 5, daily), None),
                    (None, chance.randint(monthly // 5, monthly)),
                    (chance.randint(daily // 9, daily), chance.randint(monthly // 9, monthly)),
                )
            )
        return LowerLimits(person=person, outgoing=outgoing, currency=currency, daily=daily, monthly=monthly)

    def _jump(self) -> timedelta:
        chance = self._random
        roll = chance.random()
        if self._still > 0 or roll < 0.5:
            return timedelta(microseconds=chance.randint(1, 60_000_000))
        if roll < 0.85:
            return timedelta(seconds=chance.randint(60, 6 * 3_600))
        if roll < 0.98:
            return timedelta(seconds=chance.randint(3_600, 2 * 86_400))
        return timedelta(days=chance.randint(2, 70))

    def _move(self, now: datetime) -> Move:
        chance = self._random
        if self._keyed and chance.random() < 0.13:
            return self._again()
        move = self._whale() if chance.random() < self._profile.whales else self._ordinary(now)
        if self._books.refused > _REFUSED_SHARE * self._books.asked:
            move = self._rather_granted(move, now)
        if move.key is not None:
            self._keyed.append(move)
        return move

    def _rather_granted(self, move: Move, now: datetime) -> Move:
        """The movement, or another one where it would be refused: of refusals there were enough for now."""
        for _ in range(_DRAWS_MAX):
            if self._books.judge(0, move, now).code is None:
                break
            move = self._ordinary(now)
        return move

    def _whale(self) -> Move:
        holding = [place for place, each in self._books.wallets.items() if _WHALES in each.purses] or [1]
        wallet = self._random.choice(holding[:2])
        return Move(
            kind=Kind.DEPOSIT,
            person=self._books.wallets[wallet].owner,
            wallet=wallet,
            currency=_WHALES,
            amount=self._random.randint(_HOLDING_MAX // 4, _HOLDING_MAX // 2),
            key=self._key(),
            words=self._random.choice(self._profile.gateways),
        )

    def _ordinary(self, now: datetime) -> Move:
        chance = self._random
        is_hot = chance.random() < self._profile.hot
        number = 1 if is_hot else self._some_wallet()
        wallet = self._books.wallets[number]
        currency = wallet.currency if is_hot else chance.choice(list(wallet.purses))
        person = wallet.owner
        purse = wallet.purses[currency]
        deposits = 0.8 if purse.balance < 100 else 0.3
        kind = chance.choices((Kind.DEPOSIT, Kind.WITHDRAW, Kind.TRANSFER), (deposits, 0.2, 0.5))[0]
        amount = self._amount(kind, person, purse.balance, currency, now)
        roll = chance.random()
        if roll < 0.015:
            person = chance.choice(list(self._books.people))
        elif roll < 0.02:
            number = _NO_WALLET + chance.randint(0, 9)
        elif roll < 0.05:
            currency = chance.choice(_CURRENCIES)
        return Move(
            kind=kind,
            person=person,
            wallet=number,
            currency=currency,
            amount=amount,
            key=None if chance.random() < self._profile.keyless else self._key(),
            to=self._recipient(number, currency) if kind is Kind.TRANSFER else None,
            words=self._words(kind),
            names_currency=currency != wallet.currency or chance.random() < 0.5,
        )

    def _amount(self, kind: Kind, person: int, balance: int, currency: str, now: datetime) -> int:
        chance = self._random
        roll = chance.random()
        if kind is Kind.DEPOSIT:
            return chance.randint(1, 4_000)
        if roll < 0.8:
            return chance.randint(1, max(min(balance, 1_500), 1))
        if roll < 0.84:
            amount = balance
        elif roll < 0.9:
            amount = balance + chance.randint(1, 50)
        elif roll < 0.97:
            uses = self._books.uses(person, kind, currency, now)
            amount = min(use.limit - use.used for use in uses) + chance.randint(0, 1)
        else:
            amount = chance.randint(1, 30_000)
        return min(max(amount, 1), _AMOUNT_MAX - 1)

    def _recipient(self, own: int, currency: str) -> To:
        chance, books = self._random, self._books
        roll = chance.random()
        if roll < 0.12:
            return To(By.EMAIL, chance.choice(list(books.people)))
        if roll < 0.18:
            return To(By.PHONE, chance.choice(list(books.people)))
        if roll < 0.19:
            return To(By.WALLET, own)
        if roll < 0.22:
            return To(chance.choice((By.NOBODY, By.NOWHERE)), chance.randint(0, 9))
        if roll < 0.23:
            return To(By.SYSTEM)
        if roll < 0.26:
            return To(By.WALLET, self._some_wallet())
        holding = [place for place, each in books.wallets.items() if currency in each.purses and place != own]
        return To(By.WALLET, chance.choice(holding or list(books.wallets)))

    def _words(self, kind: Kind) -> str | None:
        chance = self._random
        if kind is Kind.DEPOSIT:
            return chance.choice(self._profile.gateways)
        return chance.choice((None, None, "rent", "for you"))

    def _again(self) -> Move:
        """An earlier movement once more: the same, or another one under its key."""
        chance, keyed = self._random, self._keyed
        earlier = chance.choice(keyed[-60:] if chance.random() < 0.7 else keyed)
        if chance.random() < 0.65:
            return earlier
        match chance.randint(0, 5):
            case 0:
                return replace(earlier, currency=chance.choice(_CURRENCIES), names_currency=True)
            case 1:
                own = [place for place, each in self._books.wallets.items() if each.owner == earlier.person]
                return replace(earlier, wallet=chance.choice(own or [earlier.wallet]), names_currency=True)
            case 2 if earlier.kind is not Kind.DEPOSIT:
                return replace(earlier, words=None if earlier.words else "something else")
            case 3 if earlier.kind is Kind.TRANSFER:
                return replace(earlier, to=self._recipient(earlier.wallet, earlier.currency))
            case 4 if earlier.kind is not Kind.WITHDRAW:
                return replace(earlier, kind=Kind.WITHDRAW, to=None, words=None)
            case _:
                return replace(earlier, amount=earlier.amount + 1)

    def _key(self) -> str:
        """Mostly a new one; now and then one that somebody, perhaps another person, has used."""
        if self._keyed and self._random.random() < 0.01:
            key = self._random.choice(self._keyed).key
            assert key is not None
            return key
        self._keys += 1
        return f"key-{self._keys}"

    def _some_wallet(self) -> int:
        """A wallet; the older, the likelier, so that some see much happen."""
        wallets = list(self._books.wallets)
        return wallets[self._early(len(wallets))]

    def _early(self, count: int) -> int:
        """A place among so many, the earlier the likelier."""
        return int(count * self._random.random() ** 3)

    def _owner_or_stranger(self, wallet: int) -> int:
        if self._random.random() < 0.03:
            return self._random.choice(list(self._books.people))
        return self._books.wallets[wallet].owner
