"""The sandbox and the gateway for tests keep the same promises."""

import pytest

from adapters.payment_gateways.sandbox import SandboxGateway
from wallet_core.faults import Unavailable
from wallet_core.testing.contracts.gateways import PaymentGatewayContract, a_payment
from wallet_core.testing.gateways import RecordingGateway


class TestSandboxGateway(PaymentGatewayContract):
    @pytest.fixture
    def gateway(self) -> SandboxGateway:
        return SandboxGateway()

    def test_requests_call_it_sandbox(self, gateway: SandboxGateway) -> None:
        assert gateway.name == "sandbox"

    async def test_another_process_gives_a_payment_the_same_reference(self, gateway: SandboxGateway) -> None:
        here, there = await gateway.collect(a_payment("k1")), await SandboxGateway().collect(a_payment("k1"))

        assert here == there


class TestRecordingGateway(PaymentGatewayContract):
    @pytest.fixture
    def gateway(self) -> RecordingGateway:
        return RecordingGateway()

    async def test_it_keeps_each_payment_once(self, gateway: RecordingGateway) -> None:
        first, second = a_payment("k1"), a_payment("k2", amount=7)

        for payment in (first, first, second):
            await gateway.collect(payment)
        await gateway.pay_out(second)

        assert gateway.collected == [first, second]
        assert gateway.paid_out == [second]
        assert gateway.attempts == 4

    async def test_while_it_is_not_available_nothing_is_paid(self, gateway: RecordingGateway) -> None:
        gateway.is_available = False

        with pytest.raises(Unavailable):
            await gateway.collect(a_payment("k1"))
        with pytest.raises(Unavailable):
            await gateway.pay_out(a_payment("k1"))
        gateway.is_available = True
        await gateway.collect(a_payment("k1"))

        assert gateway.collected == [a_payment("k1")]
        assert gateway.paid_out == []
