"""What every sealer and every column of sealed values promises."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from uuid import UUID

import pytest

from wallet_core.identity.sealing import Place, Resealed, SealBroken, SealedColumn, SealedValue, Sealer
from wallet_core.testing.builders import new_id

Ring = Callable[..., Sealer]
"""Makes a sealer of the keys with those ids, the first of which seals; a key of one id is the same each time."""

Put = Callable[[bytes], Awaitable[UUID]]
"""Puts a sealed value into a new row, whose id it returns."""

ReadAll = Callable[[], Awaitable[Mapping[UUID, bytes]]]
"""Everything that the column holds, by the ids of its rows."""

PLACE = Place("second_factors", "secret", UUID("019bc173-0000-7000-8000-000000000001"))


class SealerContract:
    """What every Sealer promises.

    Subclass it and provide the fixture `ring`, a Ring.
    """

    @pytest.mark.parametrize("plain", [b"", b"a", b"JBSWY3DPEHPK3PXP", b"\0" * 1_000, bytes(range(256))])
    def test_what_is_sealed_is_opened_again(self, ring: Ring, plain: bytes) -> None:
        sealer = ring("k1")

        assert sealer.unseal(sealer.seal(plain, PLACE), PLACE) == plain

    def test_what_is_sealed_does_not_show(self, ring: Ring) -> None:
        assert b"a very secret secret" not in ring("k1").seal(b"a very secret secret", PLACE)

    def test_the_same_is_sealed_differently_each_time(self, ring: Ring) -> None:
        sealer = ring("k1")

        assert len({sealer.seal(b"secret", PLACE) for _ in range(100)}) == 100

    @pytest.mark.parametrize(
        "elsewhere",
        [
            replace(PLACE, row_id=UUID("019bc173-0000-7000-8000-000000000002")),
            replace(PLACE, column="other"),
            replace(PLACE, table="others"),
        ],
    )
    def test_it_opens_in_its_own_place_alone(self, ring: Ring, elsewhere: Place) -> None:
        sealer = ring("k1")

        with pytest.raises(SealBroken):
            sealer.unseal(sealer.seal(b"secret", PLACE), elsewhere)

    def test_a_change_to_any_byte_shows(self, ring: Ring) -> None:
        sealer = ring("k1")
        sealed = sealer.seal(b"secret", PLACE)

        for position in range(len(sealed)):
            changed = bytearray(sealed)
            changed[position] ^= 1
            with pytest.raises(SealBroken):
                sealer.unseal(bytes(changed), PLACE)

    def test_what_is_cut_off_or_was_never_sealed_does_not_open(self, ring: Ring) -> None:
        sealer = ring("k1")
        sealed = sealer.seal(b"secret", PLACE)

        for broken in (
            *(sealed[:end] for end in range(len(sealed))),
            sealed + b"\0",
            b"secret",
            b":",
            b"k1:" + b"x" * 99,
        ):
            with pytest.raises(SealBroken):
                sealer.unseal(broken, PLACE)

    def test_any_key_of_the_ring_opens_and_the_first_one_seals(self, ring: Ring) -> None:
        old = ring("k1").seal(b"secret", PLACE)

        new = ring("k2", "k1").seal(b"secret", PLACE)

        assert ring("k2", "k1").unseal(old, PLACE) == b"secret"
        assert ring("k2").unseal(new, PLACE) == b"secret"

    def test_a_key_that_left_the_ring_opens_nothing(self, ring: Ring) -> None:
        old = ring("k1").seal(b"secret", PLACE)

        with pytest.raises(SealBroken):
            ring("k2").unseal(old, PLACE)

    def test_the_mark_tells_the_first_key_from_every_other(self, ring: Ring) -> None:
        sealers = [ring(key_id) for key_id in ("k", "k1", "k12", "1k")]

        for sealer in sealers:
            marked = [other.seal(b"secret", PLACE).startswith(sealer.mark) for other in sealers]
            assert marked == [other is sealer for other in sealers]

    def test_a_refusal_does_not_show_what_was_sealed(self, ring: Ring) -> None:
        sealed = ring("k1").seal(b"hush-hush", PLACE)

        with pytest.raises(SealBroken) as refused:
            ring("k2").unseal(sealed, PLACE)

        assert "hush" not in str(refused.value)
        assert str(PLACE) in str(refused.value)

    def test_there_is_no_ring_without_a_key(self, ring: Ring) -> None:
        with pytest.raises(ValueError, match="at least one key"):
            ring()


class SealedColumnContract:
    """What every SealedColumn promises.

    Subclass it and provide the fixtures `column`, empty; `put`, a Put; and `read_all`, a ReadAll.
    """

    async def test_values_are_counted_and_listed_by_the_mark_that_they_lack(
        self, column: SealedColumn, put: Put
    ) -> None:
        old = [await put(b"k1:%d" % number) for number in range(3)]
        for sealed in (b"k2:a", b"k2:b"):
            await put(sealed)

        found = await column.page_without(b"k2:", after=None, limit=10)

        assert found == [SealedValue(row_id, b"k1:%d" % number) for number, row_id in enumerate(old)]
        assert await column.count_without(b"k2:") == 3
        assert await column.count_without(b"k1:") == 2

    async def test_a_value_shorter_than_the_mark_lacks_it(self, column: SealedColumn, put: Put) -> None:
        await put(b"k")

        assert await column.count_without(b"k1:") == 1

    async def test_an_empty_column_has_no_pages(self, column: SealedColumn) -> None:
        assert await column.page_without(b"k1:", after=None, limit=10) == []
        assert await column.count_without(b"k1:") == 0

    async def test_pages_follow_each_other_by_the_ids_of_rows(self, column: SealedColumn, put: Put) -> None:
        rows = sorted([await put(b"k1:") for _ in range(5)])

        first = await column.page_without(b"k2:", after=None, limit=2)
        second = await column.page_without(b"k2:", after=first[-1].row_id, limit=2)
        third = await column.page_without(b"k2:", after=second[-1].row_id, limit=2)

        assert [value.row_id for value in (*first, *second, *third)] == rows
        assert await column.page_without(b"k2:", after=rows[-1], limit=2) == []

    async def test_values_are_replaced_where_nobody_changed_them_meanwhile(
        self, column: SealedColumn, put: Put, read_all: ReadAll
    ) -> None:
        one, changed, other = [await put(b"k1:old") for _ in range(3)]
        await column.replace([Resealed(changed, b"k1:old", b"k1:newer")])
        nobody = new_id()

        replaced = await column.replace([Resealed(row, b"k1:old", b"k2:new") for row in (other, changed, nobody, one)])

        assert replaced == 2
        assert await read_all() == {one: b"k2:new", changed: b"k1:newer", other: b"k2:new"}

    async def test_nothing_to_replace_is_nothing(self, column: SealedColumn, put: Put, read_all: ReadAll) -> None:
        row_id = await put(b"k1:old")

        assert await column.replace([]) == 0
        assert await read_all() == {row_id: b"k1:old"}
