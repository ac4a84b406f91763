"""What changes about a person's account that they have to hear of. Each is kept in the transaction of the change."""

from collections.abc import Sequence

from wallet_core.events.kinds import EventKind, StateChange
from wallet_core.identity.entities import User
from wallet_core.identity.second_factor import SecondFactor
from wallet_core.identity.session import Session
from wallet_core.ids import UserId


def password_changed(user_id: UserId) -> StateChange:
    """Their password is another one."""
    return StateChange(kind=EventKind.PASSWORD_CHANGED, user_id=user_id)


def addresses_changed(before: User, after: User) -> Sequence[StateChange]:
    """Addresses that they were shown to read are theirs no longer; whoever reads what is sent there is to hear of it.

    Nobody else: claiming an address of somebody and leaving it again is no way to write to them.
    """
    changes: list[StateChange] = []
    if before.email is not None and before.email_verified_at is not None and after.email_verified_at is None:
        changes.append(_address_changed(before.id, "email address", "mail", before.email))
    if before.phone is not None and before.phone_verified_at is not None and after.phone_verified_at is None:
        changes.append(_address_changed(before.id, "phone number", "sms", before.phone))
    return changes


def new_device(session: Session) -> StateChange:
    """They logged in where they never had before."""
    return StateChange(
        kind=EventKind.DEVICE_NEW, user_id=session.user_id, subject_id=session.id, facts={"device": session.device}
    )


def session_stolen(session: Session) -> StateChange:
    """A refresh token was used twice, and its session was ended."""
    return StateChange(kind=EventKind.SESSION_STOLEN, user_id=session.user_id, subject_id=session.id)


def second_factor_on(factor: SecondFactor) -> StateChange:
    """Codes are asked for from now on."""
    return StateChange(kind=EventKind.SECOND_FACTOR_ON, user_id=factor.user_id, subject_id=factor.id)


def second_factor_off(factor: SecondFactor) -> StateChange:
    """No codes are asked for any more."""
    return StateChange(kind=EventKind.SECOND_FACTOR_OFF, user_id=factor.user_id, subject_id=factor.id)


def recovery_code_used(factor: SecondFactor, left: int) -> StateChange:
    """One of the codes on paper is gone."""
    return StateChange(
        kind=EventKind.RECOVERY_CODE_USED, user_id=factor.user_id, subject_id=factor.id, facts={"left": left}
    )


def _address_changed(user_id: UserId, what: str, channel: str, former: str) -> StateChange:
    facts = {"what": what, "channel": channel, "former": former}
    return StateChange(kind=EventKind.ADDRESS_CHANGED, user_id=user_id, facts=facts)
