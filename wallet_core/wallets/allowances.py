"""What a person may move out, as they read it and lower it."""

from collections.abc import Mapping
from datetime import date

from wallet_core.clock import Clock
from wallet_core.ids import UserId
from wallet_core.ledger.commands import LimitKind
from wallet_core.ledger.limits import Caps, ChosenCaps, Limit
from wallet_core.wallets.ports import GrantedCaps, LimitRepository


class Allowances:
    """A person's limits. Currencies without default limits are not enabled."""

    def __init__(self, limits: LimitRepository, *, granted: Mapping[str, GrantedCaps], clock: Clock) -> None:
        self._limits = limits
        self._granted = granted
        self._clock = clock

    async def of(self, user_id: UserId, currency: str, *, time_zone: str) -> list[Limit]:
        """The limits in an enabled currency as they stand now, one for each kind; the default ones until it is held."""
        now = self._clock()
        held = {limit.kind: limit for limit in await self._limits.of(user_id, currency)}
        return [
            held.get(kind, _untouched(user_id, kind, currency, caps, time_zone)).at(now)
            for kind, caps in self._granted[currency].items()
        ]

    async def choose(self, user_id: UserId, currency: str, chosen: Mapping[LimitKind, ChosenCaps]) -> bool:
        """Lower limits in an enabled currency; False, and nothing changed, where one is above what was granted."""
        if not any(caps.daily is not None or caps.monthly is not None for caps in chosen.values()):
            return True
        return await self._limits.choose(user_id, currency, chosen, granted=self._granted[currency])


def _untouched(user_id: UserId, kind: LimitKind, currency: str, granted: Caps, time_zone: str) -> Limit:
    return Limit(user_id=user_id, kind=kind, currency=currency, granted=granted, time_zone=time_zone, day=date.min)
