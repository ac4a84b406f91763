"""Sessions: what a log-in begins."""

from wallet_core.identity.entities import AccessToken, Device, User
from wallet_core.identity.ports import AccessTokens
from wallet_core.ids import IdGenerator, SessionId


class Sessions:
    """Starts sessions."""

    def __init__(self, tokens: AccessTokens, *, ids: IdGenerator) -> None:
        self._tokens = tokens
        self._ids = ids

    async def start(self, user: User, device: Device) -> AccessToken:
        """A new session of that person on that device."""
        del device
        return self._tokens.issue(user_id=user.id, session_id=SessionId(self._ids()), role=user.role)
