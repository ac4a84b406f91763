"""The books as a child would keep them: numbers in dictionaries, and everything else counted anew from the log.

It follows the documents, shares no line with the library's decisions, and keeps no running total that it can recount.
"""

from datetime import UTC, date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from tests.model.answers import REFUSALS_KEPT_A_DAY, Answer, End, Kept, Leg, Person, Place, Purse, Use, Wallet
from tests.model.operations import (
    GRANTED,
    PAYOUT,
    WALLETS_MAX,
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
)

BALANCE_MAX: Final = 9_223_372_036_854_775_807
HOLDING_MAX: Final = 1_000_000_000_000_000
_LIMIT_NAMES: Final = {Kind.TRANSFER: "transfer", Kind.WITHDRAW: "withdrawal"}


class NaiveBooks:
    """People, wallets, the log, and what each operation must be answered."""

    def __init__(self) -> None:
        self.people: dict[int, Person] = {}
        self.wallets: dict[int, Wallet] = {}
        self.system: dict[tuple[str, str], Purse] = {}
        self.log: list[Kept] = []
        self.settled: dict[tuple[int, str], Kept] = {}
        self.moved: dict[tuple[int, Kind, str], list[tuple[date, int]]] = {}
        self.day_begun_in: dict[tuple[int, Kind, str], str] = {}
        self.asked = 0
        self.refused = 0
        self.chosen: dict[tuple[int, Kind, str], list[int | None]] = {}
        self._starts: dict[tuple[date, str], datetime] = {}

    def do(self, number: int, operation: Operation, now: datetime) -> Answer:
        """Carry out the operation of that number, and say what it is answered."""
        match operation:
            case Move():
                answer = self.judge(number, operation, now)
                self.keep(operation, answer)
                return answer
            case SignUp():
                return self._sign_up(operation)
            case OpenWallet():
                return self._open_wallet(operation)
            case ChangePerson():
                person = self.people[operation.person]
                person.name = operation.name or person.name
                person.time_zone = operation.time_zone or person.time_zone
            case LowerLimits():
                return self._lower_limits(operation)
            case SetStanding():
                self.wallets[operation.wallet].standing = operation.standing
            case HoldCurrency() | MakeDefault() | Look() | LookBack():
                return self._in_own_wallet(operation)
            case PassTime():
                pass
        return Answer()

    def judge(self, number: int, move: Move, now: datetime) -> Answer:
        """What the movement must be answered at that moment. Changes nothing."""
        if move.key is not None:
            earlier = self.settled.get((move.person, move.key))
            if earlier is not None and earlier.move.body != move.body:
                return Answer(code="idempotency_key_reused")
            if earlier is not None:
                return Answer(code=earlier.reason, details=earlier.details, kept=earlier, replayed=True)
        wallet = self.wallets.get(move.wallet)
        if wallet is None or wallet.owner != move.person:
            return Answer(code="wallet_not_found")
        if move.currency not in wallet.purses:
            return Answer(code="currency_not_held")
        other = self.other_end(move)
        if other == move.wallet:
            return Answer(code="same_wallet")
        reason, details = self._objection(move, wallet, other, now)
        if reason is not None:
            return self._refusal(number, move, other, now, reason, details)
        return self._movement(number, move, other, now)

    def keep(self, move: Move, answer: Answer) -> None:
        """Let what follows see that the movement was answered so."""
        self.asked += 1
        self.refused += answer.code is not None
        if answer.replayed:
            return
        if answer.refused_on is not None:
            self.purse(move.wallet, move.currency).refusals[answer.refused_on] += 1
        kept = answer.kept
        if kept is None:
            return
        self.log.append(kept)
        if move.key is not None:
            self.settled[move.person, move.key] = kept
        for leg in answer.legs:
            purse = self.purse(leg.place, move.currency)
            purse.balance, purse.entries = leg.balance, leg.entries
        if answer.legs and move.kind is not Kind.DEPOSIT:
            key = (move.person, move.kind, move.currency)
            moved = self.moved.setdefault(key, [])
            if not moved or moved[-1][0] != kept.day:
                self.day_begun_in[key] = self.people[move.person].time_zone
            moved.append((kept.day, move.amount))

    def purse(self, place: Place, currency: str) -> Purse:
        """What a wallet holds in a currency that it holds, or the system's wallet in any."""
        if isinstance(place, int):
            return self.wallets[place].purses[currency]
        return self.system.setdefault((place, currency), Purse())

    def other_end(self, move: Move) -> Place | None:
        """Where the money comes from or goes to, as far as there is such a wallet."""
        if move.kind is Kind.DEPOSIT:
            return f"gateway:{move.words}"
        if move.kind is Kind.WITHDRAW:
            return PAYOUT
        assert move.to is not None
        by, number = move.to
        if by is By.SYSTEM:
            return PAYOUT
        if by is By.WALLET:
            return number if number in self.wallets else None
        if by in (By.EMAIL, By.PHONE):
            own = (place for place, wallet in self.wallets.items() if wallet.owner == number and wallet.is_default)
            return next(own, None)
        return None

    def uses(self, person: int, kind: Kind, currency: str, now: datetime) -> tuple[Use, Use]:
        """The day's and the month's use of a person's limit, counted from all they ever moved."""
        moved = self.moved.get((person, kind, currency), [])
        today, time_zone = self._window(person, kind, currency, now)
        month = (today.year, today.month)
        next_month = date(today.year + today.month // 12, today.month % 12 + 1, 1)
        daily, monthly = (
            granted if chosen is None else min(granted, chosen)
            for granted, chosen in zip(
                GRANTED[currency], self.chosen.get((person, kind, currency), (None, None)), strict=True
            )
        )
        day_used = sum(amount for day, amount in moved if day == today)
        month_used = sum(amount for day, amount in moved if (day.year, day.month) == month)
        return (
            Use("daily", daily, day_used, self._start_of(today + timedelta(days=1), time_zone)),
            Use("monthly", monthly, month_used, self._start_of(next_month, time_zone)),
        )

    def business_date(self, person: int, kind: Kind, currency: str, now: datetime) -> date:
        """The day on which a movement of theirs counts."""
        return self._window(person, kind, currency, now)[0]

    def _window(self, person: int, kind: Kind, currency: str, now: datetime) -> tuple[date, str]:
        """The day that counts, and where: the last movement's until it is over there, then the one where they are."""
        home = self.people[person].time_zone
        here = now.astimezone(ZoneInfo(home)).date()
        moved = self.moved.get((person, kind, currency))
        if not moved:
            return here, home
        last, begun_in = moved[-1][0], self.day_begun_in[person, kind, currency]
        there = now.astimezone(ZoneInfo(begun_in)).date()
        return (last, begun_in) if there <= last else (max(here, there), home)

    def lines(self, place: int, count: int | None = None) -> list[tuple[str, Kept]]:
        """What a wallet's history shows, newest first: which way the money was to go, and the line of the log."""
        lines: list[tuple[str, Kept]] = []
        for kept in reversed(self.log):
            if len(lines) == count:
                break
            kind = kept.move.kind
            if kind is not Kind.DEPOSIT and kept.source is not None and kept.source.place == place:
                lines.append(("out", kept))
            seen = kept.reason is None or kind is Kind.DEPOSIT
            if seen and kind is not Kind.WITHDRAW and kept.destination is not None and kept.destination.place == place:
                lines.append(("in", kept))
        return lines

    def _sign_up(self, asked: SignUp) -> Answer:
        if asked.email_of != asked.person:
            return Answer(code="email_taken")
        self.people[asked.person] = Person(name=f"Person {asked.person}")
        return Answer()

    def _open_wallet(self, asked: OpenWallet) -> Answer:
        own = [wallet for wallet in self.wallets.values() if wallet.owner == asked.person]
        if len(own) >= WALLETS_MAX:
            return Answer(code="too_many_wallets")
        if any(wallet.name.lower() == asked.name.lower() for wallet in own):
            return Answer(code="wallet_name_taken")
        wallet = Wallet(owner=asked.person, name=asked.name, currency=asked.currency, is_default=not own)
        wallet.purses[asked.currency] = Purse()
        self.wallets[asked.wallet] = wallet
        return Answer()

    def _lower_limits(self, asked: LowerLimits) -> Answer:
        wanted = (asked.daily, asked.monthly)
        if any(own is not None and own > most for own, most in zip(wanted, GRANTED[asked.currency], strict=True)):
            return Answer(code="limit_too_high")
        chosen = self.chosen.setdefault((asked.person, asked.outgoing, asked.currency), [None, None])
        chosen[:] = [earlier if own is None else own for earlier, own in zip(chosen, wanted, strict=True)]
        return Answer()

    def _in_own_wallet(self, asked: HoldCurrency | MakeDefault | Look | LookBack) -> Answer:
        wallet = self.wallets.get(asked.wallet)
        if wallet is None or wallet.owner != asked.person:
            return Answer(code="wallet_not_found")
        match asked:
            case HoldCurrency():
                if asked.currency in wallet.purses:
                    return Answer(code="currency_held")
                wallet.purses[asked.currency] = Purse()
            case MakeDefault():
                for other in self.wallets.values():
                    if other.owner == asked.person:
                        other.is_default = other is wallet
            case Look():
                purse = wallet.purses.get(asked.currency)
                if purse is None:
                    return Answer(code="wallet_not_found")
                return Answer(shown=(purse.balance, purse.entries))
            case LookBack():
                return Answer(shown=self.lines(asked.wallet, asked.lines))
        return Answer()

    def _objection(
        self, move: Move, wallet: Wallet, other: Place | None, now: datetime
    ) -> tuple[str | None, dict[str, object]]:
        """The first rule that stands against it, in the order in which they are documented."""
        if wallet.standing is not Standing.ACTIVE:
            return ("wallet_frozen" if wallet.standing is Standing.FROZEN else "account_deactivated"), {}
        unwilling = self._unwilling(move, other) if move.kind is Kind.TRANSFER else None
        if unwilling is not None:
            return unwilling, {}
        if move.kind is not Kind.DEPOSIT:
            if wallet.purses[move.currency].balance < move.amount:
                return "insufficient_funds", {}
            for use in self.uses(move.person, move.kind, move.currency, now):
                if use.used + move.amount > use.limit:
                    return "limit_exceeded", _limit_details(move.kind, use)
        assert other is not None
        source, destination = (other, move.wallet) if move.kind is Kind.DEPOSIT else (move.wallet, other)
        lowest = self.purse(source, move.currency).balance - move.amount
        highest = self.purse(destination, move.currency).balance + move.amount
        if lowest < -BALANCE_MAX or highest > (BALANCE_MAX if move.kind is Kind.WITHDRAW else HOLDING_MAX):
            return "balance_too_large", {}
        return None, {}

    def _unwilling(self, move: Move, other: Place | None) -> str | None:
        """Why the recipient of a transfer cannot take it, as far as that is the sender's to know."""
        if not isinstance(other, int):
            return "recipient_unavailable"
        if move.currency not in self.wallets[other].purses:
            # A standing is that of an account: where there is none in this currency, there is none to ask about.
            return "currency_mismatch"
        return None if self.wallets[other].standing is Standing.ACTIVE else "recipient_unavailable"

    def _refusal(
        self, number: int, move: Move, other: Place | None, now: datetime, reason: str, details: dict[str, object]
    ) -> Answer:
        today = now.astimezone(UTC).date()
        purse = self.purse(move.wallet, move.currency)
        refused_before = purse.refusals[today]
        if isinstance(other, int) and move.currency not in self.wallets[other].purses:
            other = None
        kept = self._line(number, move, now, reason, details, self._end(move.wallet), self._end(other))
        # A flood of refusals fills no history: beyond so many a day they are counted and forgotten.
        is_kept = refused_before < REFUSALS_KEPT_A_DAY
        return Answer(
            code=reason,
            details=details,
            kept=kept if is_kept else None,
            refused_on=today,
            refusals=(purse.refusals_kept + is_kept, refused_before + 1),
        )

    def _movement(self, number: int, move: Move, other: Place | None, now: datetime) -> Answer:
        assert other is not None
        sign = 1 if move.kind is Kind.DEPOSIT else -1
        own_leg = self._leg(move.wallet, move.currency, sign * move.amount)
        other_leg = self._leg(other, move.currency, -sign * move.amount)
        own, opposite = self._end(move.wallet, own_leg.balance), self._end(other, other_leg.balance)
        kept = self._line(number, move, now, None, {}, own, opposite)
        return Answer(kept=kept, legs=(own_leg, other_leg))

    def _line(
        self,
        number: int,
        move: Move,
        now: datetime,
        reason: str | None,
        details: dict[str, object],
        own: End | None,
        other: End | None,
    ) -> Kept:
        source, destination = (other, own) if move.kind is Kind.DEPOSIT else (own, other)
        is_counted = move.kind is not Kind.DEPOSIT
        return Kept(
            number=number,
            move=move,
            reason=reason,
            details=details,
            source=source,
            destination=destination,
            at=now,
            day=self.business_date(move.person, move.kind, move.currency, now)
            if is_counted
            else now.astimezone(UTC).date(),
        )

    def _leg(self, place: Place, currency: str, amount: int) -> Leg:
        purse = self.purse(place, currency)
        return Leg(place, amount, purse.balance + amount, purse.entries + 1)

    def _end(self, place: Place | None, balance_after: int | None = None) -> End | None:
        if place is None:
            return None
        holder = self.people[self.wallets[place].owner].name if isinstance(place, int) else None
        return End(place, holder, balance_after)

    def _start_of(self, day: date, time_zone: str) -> datetime:
        """The first second of a day, found by looking at the clock on the wall there."""
        found = self._starts.get((day, time_zone))
        if found is not None:
            return found
        zone, noon = ZoneInfo(time_zone), datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
        before, after = -2 * 86_400, 2 * 86_400
        while after - before > 1:
            middle = (before + after) // 2
            if (noon + timedelta(seconds=middle)).astimezone(zone).date() < day:
                before = middle
            else:
                after = middle
        start = self._starts[day, time_zone] = noon + timedelta(seconds=after)
        return start


def _limit_details(kind: Kind, use: Use) -> dict[str, object]:
    return {
        "kind": _LIMIT_NAMES[kind],
        "window": use.window,
        "limit": use.limit,
        "used": use.used,
        "remaining": max(use.limit - use.used, 0),
        "resets_at": use.resets_at,
    }
