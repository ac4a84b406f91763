"""What people are told, all of it in one place: plain text, a subject for mail and a short form for text messages."""

from dataclasses import dataclass, field

from wallet_core.identity.entities import User
from wallet_core.notifications.messages import Mail, Sms
from wallet_core.notifications.ports import Notifier

_NOT_YOU = "If this was not you, set a new password at once: ask for one under “Forgot password”."


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """Something to tell, whoever it is told."""

    subject: str
    text: str = field(repr=False)
    brief: str = field(repr=False)
    """The same in few words."""


def address_code(code: str, minutes: int) -> Letter:
    """The code that shows that somebody reads what is sent to an address."""
    return Letter(
        subject="Your code for Wallet",
        text=f"Your code is {code}. It is good for {minutes} minutes.\n\n"
        "Enter it where you were asked for it. If you did not ask for a code, you need not do anything.",
        brief=f"{code} is your code for Wallet. It is good for {minutes} minutes.",
    )


def password_reset(link: str, minutes: int) -> Letter:
    """The way to a new password."""
    return Letter(
        subject="Set a new password for Wallet",
        text=f"Follow this link to set a new password; it works once, for {minutes} minutes:\n\n{link}\n\n"
        "If you did not ask for it, you need not do anything: your password stays as it is.",
        brief=f"Set a new password for Wallet, within {minutes} minutes: {link}",
    )


def password_changed() -> Letter:
    """That the password is another one now."""
    return Letter(
        subject="Your password for Wallet was changed",
        text=f"Your password was changed, and you were logged out everywhere else.\n\n{_NOT_YOU}",
        brief="Your password for Wallet was changed. If this was not you, set a new one at once.",
    )


def address_changed(what: str) -> Letter:
    """To the former one: that an address (`what` names its kind) is another one now."""
    return Letter(
        subject=f"Your {what} for Wallet was changed",
        text=f"Your account has another {what} now, and no longer this one.\n\n{_NOT_YOU}",
        brief=f"Your Wallet account has another {what} now. If this was not you, set a new password at once.",
    )


def signup_refused() -> Letter:
    """To somebody whose address was given by whoever tried to sign up with it, or to make it theirs."""
    return Letter(
        subject="You have an account at Wallet",
        text="Somebody tried to use this address for an account, and it is yours already.\n\n"
        "If it was you, log in instead; “Forgot password” helps where you do not remember yours. "
        "If it was not, you need not do anything.",
        brief="Somebody tried to use this number for an account at Wallet, and it is yours already. Log in instead.",
    )


def session_stolen() -> Letter:
    """That a refresh token was used twice, and its session was ended."""
    return Letter(
        subject="You were logged out of Wallet",
        text="What keeps you logged in was used from two places, so one of them may not have been you. That log-in was "
        f"ended on both.\n\n{_NOT_YOU}",
        brief="A log-in to Wallet was used from two places and was ended. If this was not you, set a new password.",
    )


def new_device(device: str) -> Letter:
    """That somebody logged in where nobody had before."""
    return Letter(
        subject="A new device logged in to Wallet",
        text=f"Somebody logged in to your account on a device that is new to it: {device or 'unknown'}.\n\n{_NOT_YOU}",
        brief="A new device logged in to your Wallet account. If this was not you, set a new password at once.",
    )


def second_factor_on() -> Letter:
    """That codes are asked for from now on."""
    return Letter(
        subject="Your second factor for Wallet is on",
        text=f"From now on, codes of your authenticator app are asked for besides your password.\n\n{_NOT_YOU}",
        brief="The second factor of your Wallet account was turned on.",
    )


def second_factor_off() -> Letter:
    """That no codes are asked for any more."""
    return Letter(
        subject="Your second factor for Wallet is off",
        text=f"Your password alone opens your account now.\n\n{_NOT_YOU}",
        brief="The second factor of your Wallet account was turned off. If this was not you, set a new password.",
    )


def recovery_code_used(left: int) -> Letter:
    """That one of the codes on paper is gone."""
    return Letter(
        subject="A recovery code for Wallet was used",
        text=f"Somebody logged in with one of your recovery codes. You have {left} left.\n\n{_NOT_YOU}",
        brief=f"A recovery code of your Wallet account was used; {left} are left.",
    )


class Post:
    """Addresses letters."""

    def __init__(self, notifier: Notifier) -> None:
        self._notifier = notifier

    def to_person(self, user: User, letter: Letter) -> None:
        """Where they are sure to read it: at a verified address, mail before text messages.

        Who has none is not told: whatever they gave may be the address of somebody else, who is not to be bothered
        with each of their log-ins.
        """
        if user.email is not None and user.email_verified_at is not None:
            self.to_email(user.email, letter)
        elif user.phone is not None and user.phone_verified_at is not None:
            self.to_phone(user.phone, letter)

    def to_email(self, email: str, letter: Letter) -> None:
        """By mail."""
        self._notifier.send(Mail(to=email, subject=letter.subject, body=f"Hello,\n\n{letter.text}\n\nWallet\n"))

    def to_phone(self, phone: str, letter: Letter) -> None:
        """By text message."""
        self._notifier.send(Sms(to=phone, body=letter.brief))
