"""What people are told, all of it in one place: plain text, a subject for mail and a short form for text messages."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from wallet_core.events.kinds import Facts
from wallet_core.money import Currencies
from wallet_core.notifications.notices import NoticeKind

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


def transfer_received(amount: str, sender: str) -> Letter:
    """That somebody has sent them money."""
    return Letter(
        subject=f"You received {amount}",
        text=f"{sender} sent you {amount}. It is in your wallet.",
        brief=f"{sender} sent you {amount}.",
    )


def deposit_received(amount: str) -> Letter:
    """That an admin has put money into their wallet."""
    return Letter(
        subject=f"You received {amount}",
        text=f"{amount} was added to your wallet by the people who run Wallet.",
        brief=f"{amount} was added to your wallet.",
    )


def wallet_frozen(wallet: str) -> Letter:
    """That nothing goes into a wallet or out of it."""
    return Letter(
        subject="A wallet of yours was frozen",
        text=f"{wallet} was frozen by the people who run Wallet: until that is undone nothing goes in or out. "
        "What it holds is still yours.\n\nAsk them if you do not know why.",
        brief=f"{wallet} was frozen.",
    )


def wallet_unfrozen(wallet: str) -> Letter:
    """That a wallet can be used again."""
    return Letter(
        subject="A wallet of yours can be used again",
        text=f"{wallet} is no longer frozen.",
        brief=f"{wallet} is no longer frozen.",
    )


def person_deactivated() -> Letter:
    """That they cannot log in any more."""
    return Letter(
        subject="Your account at Wallet was deactivated",
        text="Your account was deactivated: nobody can log in to it, and its wallets neither send nor receive. "
        "What they hold is still yours.\n\nThe people who run Wallet can activate it again.",
        brief="Your Wallet account was deactivated.",
    )


def person_activated() -> Letter:
    """That they can log in again."""
    return Letter(
        subject="Your account at Wallet is active again",
        text="Your account was activated again: you can log in as before.",
        brief="Your Wallet account is active again.",
    )


def letter_of(kind: str, facts: Facts, currencies: Currencies) -> Letter:
    """What is said of a notice. Raises LookupError and ValueError where its facts do not say what they must."""
    return _LETTERS[NoticeKind(kind)](facts, currencies)


def _amount(facts: Facts, currencies: Currencies) -> str:
    code = str(facts["currency"])
    return f"{currencies[code].format(int(facts['amount']))} {code}"


def _wallet(facts: Facts) -> str:
    return f"Your wallet “{facts['wallet']}”" if "wallet" in facts else "A wallet of yours"


_LETTERS: Final[Mapping[NoticeKind, Callable[[Facts, Currencies], Letter]]] = MappingProxyType(
    {
        NoticeKind.TRANSFER_RECEIVED: lambda facts, known: transfer_received(_amount(facts, known), str(facts["from"])),
        NoticeKind.DEPOSIT_RECEIVED: lambda facts, known: deposit_received(_amount(facts, known)),
        NoticeKind.WALLET_FROZEN: lambda facts, _: wallet_frozen(_wallet(facts)),
        NoticeKind.WALLET_UNFROZEN: lambda facts, _: wallet_unfrozen(_wallet(facts)),
        NoticeKind.PERSON_DEACTIVATED: lambda _facts, _: person_deactivated(),
        NoticeKind.PERSON_ACTIVATED: lambda _facts, _: person_activated(),
        NoticeKind.PASSWORD_CHANGED: lambda _facts, _: password_changed(),
        NoticeKind.ADDRESS_CHANGED: lambda facts, _: address_changed(str(facts["what"])),
        NoticeKind.DEVICE_NEW: lambda facts, _: new_device(str(facts["device"])),
        NoticeKind.SESSION_STOLEN: lambda _facts, _: session_stolen(),
        NoticeKind.SECOND_FACTOR_ON: lambda _facts, _: second_factor_on(),
        NoticeKind.SECOND_FACTOR_OFF: lambda _facts, _: second_factor_off(),
        NoticeKind.RECOVERY_CODE_USED: lambda facts, _: recovery_code_used(int(facts["left"])),
    }
)
"""One for each kind of notice."""
