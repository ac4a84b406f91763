"""A payment gateway that remembers what it was asked for."""

from wallet_core.faults import Unavailable
from wallet_core.payments.gateway import Payment, Settled


class RecordingGateway:
    """A PaymentGateway that makes every payment once and keeps it in `collected` or `paid_out`.

    `attempts` counts the calls, so that a test can tell a payment made once from one asked for once. While
    `is_available` is False nothing is made and every call raises Unavailable.
    """

    def __init__(self, name: str = "recording") -> None:
        self._name = name
        self._references: dict[tuple[str, str], str] = {}
        self.collected: list[Payment] = []
        self.paid_out: list[Payment] = []
        self.attempts = 0
        self.is_available = True

    @property
    def name(self) -> str:
        """As PaymentGateway.name."""
        return self._name

    async def collect(self, payment: Payment) -> Settled:
        """As PaymentGateway.collect."""
        return self._settle("in", payment, self.collected)

    async def pay_out(self, payment: Payment) -> Settled:
        """As PaymentGateway.pay_out."""
        return self._settle("out", payment, self.paid_out)

    def _settle(self, direction: str, payment: Payment, made: list[Payment]) -> Settled:
        self.attempts += 1
        if not self.is_available:
            raise Unavailable("The gateway does not answer.")
        key = (direction, payment.idempotency_key)
        if key not in self._references:
            made.append(payment)
            self._references[key] = f"{self._name}-{direction}-{len(made)}"
        return Settled(reference=self._references[key])
