"""The gateway of demonstrations and tests: no money exists, so every payment succeeds at once."""

from hashlib import blake2b
from typing import Final

from wallet_core.payments.gateway import Payment, Settled

SANDBOX: Final = "sandbox"


class SandboxGateway:
    """A PaymentGateway that collects from nobody and pays nobody.

    Its reference is derived from the idempotency key: another attempt at the same payment, in whatever process, gets
    the same one.
    """

    @property
    def name(self) -> str:
        """As PaymentGateway.name."""
        return SANDBOX

    async def collect(self, payment: Payment) -> Settled:
        """As PaymentGateway.collect; always settles."""
        return Settled(reference=_reference("in", payment))

    async def pay_out(self, payment: Payment) -> Settled:
        """As PaymentGateway.pay_out; always settles."""
        return Settled(reference=_reference("out", payment))


def _reference(direction: str, payment: Payment) -> str:
    """Hashed, because the key is the client's own text and a reference is shown and logged."""
    key = payment.idempotency_key.encode("utf-8", errors="surrogatepass")
    return f"{SANDBOX}-{direction}-{blake2b(key, digest_size=12).hexdigest()}"
