"""The in-memory hasher and tokens keep the same promises as the real ones."""

import pytest

from wallet_core.testing.clock import SettableClock
from wallet_core.testing.contracts.security import (
    AccessTokensContract,
    CommonPasswordsContract,
    PasswordHasherContract,
)
from wallet_core.testing.ids import SequentialIds
from wallet_core.testing.security import InMemoryAccessTokens, InMemoryCommonPasswords, InMemoryPasswordHasher


class TestInMemoryPasswordHasher(PasswordHasherContract):
    @pytest.fixture
    def hasher(self) -> InMemoryPasswordHasher:
        return InMemoryPasswordHasher(callers_max=self.callers_max)

    @pytest.fixture
    def earlier_hasher(self) -> InMemoryPasswordHasher:
        return InMemoryPasswordHasher(cost=10)


class TestInMemoryCommonPasswords(CommonPasswordsContract):
    @pytest.fixture
    def common(self) -> InMemoryCommonPasswords:
        return InMemoryCommonPasswords()


class TestInMemoryAccessTokens(AccessTokensContract):
    @pytest.fixture
    def clock(self) -> SettableClock:
        return SettableClock()

    @pytest.fixture
    def tokens(self, clock: SettableClock) -> InMemoryAccessTokens:
        return InMemoryAccessTokens(clock=clock)

    @pytest.fixture
    def foreign_tokens(self, clock: SettableClock) -> InMemoryAccessTokens:
        return InMemoryAccessTokens(clock=clock)


def test_sequential_ids_increase_are_of_version_7_and_never_change() -> None:
    ids = SequentialIds()

    made = [ids() for _ in range(1_000)]

    assert made == sorted(set(made))
    assert {(each.version, each.variant) for each in made} == {(7, "specified in RFC 4122")}
    assert made[0] == SequentialIds()()
