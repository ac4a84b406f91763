"""From a letter to the message that carries it."""

from typing import Protocol
from uuid import UUID

from wallet_core.identity.entities import User
from wallet_core.money import Currencies
from wallet_core.notifications.deliveries import Delivery
from wallet_core.notifications.letters import Letter, letter_of
from wallet_core.notifications.messages import Mail, Message, Sms
from wallet_core.notifications.notices import Channel
from wallet_core.notifications.ports import Notifier


class Stationery(Protocol):
    """What a letter looks like as mail.

    Every implementation passes `wallet_core.testing.contracts.StationeryContract`.
    """

    def mail(self, letter: Letter, *, to: str, reference: UUID | None = None) -> Mail:
        """The letter, in plain text and as HTML in which nothing of it is anything but text."""
        ...


class Post:
    """Addresses letters that say what is kept nowhere: codes and links."""

    def __init__(self, notifier: Notifier, stationery: Stationery) -> None:
        self._notifier = notifier
        self._stationery = stationery

    def to_person(self, user: User, letter: Letter) -> None:
        """Where they are sure to read it: at a verified address, mail before text messages.

        Who has none is not told: whatever they gave may be the address of somebody else, who is not to be bothered.
        """
        if user.email is not None and user.email_verified_at is not None:
            self.to_email(user.email, letter)
        elif user.phone is not None and user.phone_verified_at is not None:
            self.to_phone(user.phone, letter)

    def to_email(self, email: str, letter: Letter) -> None:
        """By mail."""
        self._notifier.send(self._stationery.mail(letter, to=email))

    def to_phone(self, phone: str, letter: Letter) -> None:
        """By text message."""
        self._notifier.send(Sms(to=phone, body=letter.brief))


class Secretary:
    """Writes the message of a delivery."""

    def __init__(self, stationery: Stationery, currencies: Currencies) -> None:
        self._stationery = stationery
        self._currencies = currencies

    def write(self, delivery: Delivery) -> Message:
        """What is to be delivered. Raises LookupError and ValueError where there is nothing that could be said."""
        letter = letter_of(delivery.kind, delivery.facts, self._currencies)
        match delivery.channel:
            case Channel.MAIL:
                return self._stationery.mail(letter, to=delivery.recipient, reference=delivery.id)
            case Channel.SMS:
                return Sms(to=delivery.recipient, body=letter.brief)
