"""What every payment gateway promises."""

import asyncio
from dataclasses import replace

from wallet_core.ids import TransactionId, UserId
from wallet_core.payments.gateway import Payment, PaymentGateway
from wallet_core.testing.ids import SequentialIds


class PaymentGatewayContract:
    """What every PaymentGateway promises. Subclass it and provide the fixture `gateway`."""

    def test_it_has_a_name_that_a_request_can_carry(self, gateway: PaymentGateway) -> None:
        assert gateway.name
        assert gateway.name == gateway.name.strip().lower()
        assert gateway.name.isascii()

    async def test_a_payment_gets_a_reference(self, gateway: PaymentGateway) -> None:
        collected = await gateway.collect(a_payment("k1"))
        paid_out = await gateway.pay_out(a_payment("k2"))

        assert collected.reference
        assert paid_out.reference

    async def test_another_attempt_at_a_payment_gets_the_same_reference(self, gateway: PaymentGateway) -> None:
        payment = a_payment("k1")
        another_attempt = replace(payment, transaction_id=TransactionId(SequentialIds(first=77)()))

        collected = [await gateway.collect(payment), await gateway.collect(another_attempt)]
        paid_out = [await gateway.pay_out(payment), await gateway.pay_out(another_attempt)]

        assert collected[0] == collected[1]
        assert paid_out[0] == paid_out[1]

    async def test_attempts_at_one_payment_at_the_same_time_are_one_payment(self, gateway: PaymentGateway) -> None:
        settled = await asyncio.gather(*(gateway.collect(a_payment("k1")) for _ in range(20)))

        assert len({each.reference for each in settled}) == 1

    async def test_each_payment_has_a_reference_of_its_own(self, gateway: PaymentGateway) -> None:
        keys = ["k1", "k2", "K1", "k1 ", "", "\N{PILE OF POO}", "k" * 300, "nul\0", "lone \ud800"]

        collected = [await gateway.collect(a_payment(key)) for key in keys]
        paid_out = [await gateway.pay_out(a_payment(key)) for key in keys]

        assert len({settled.reference for settled in (*collected, *paid_out)}) == 2 * len(keys)

    async def test_a_reference_does_not_show_the_idempotency_key(self, gateway: PaymentGateway) -> None:
        settled = await gateway.collect(a_payment("told-to-nobody"))

        assert "told-to-nobody" not in settled.reference


def a_payment(key: str, *, amount: int = 1_000) -> Payment:
    """A payment of 10.00 USD under that idempotency key."""
    ids = SequentialIds()
    return Payment(
        transaction_id=TransactionId(ids()),
        user_id=UserId(ids()),
        currency="USD",
        amount=amount,
        idempotency_key=key,
    )
