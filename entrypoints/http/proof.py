"""What is done only after somebody has proved, a short while ago, who they are."""

from aiohttp import web

from entrypoints.http.authentication import caller
from entrypoints.http.problems import Problem
from wallet_core.identity.sessions import Sessions


async def require_proof(request: web.Request, sessions: Sessions) -> None:
    """Let only those go on who have proved who they are within five minutes. Raises the problem `reauth_required`."""
    if not await sessions.is_proved(caller(request)):
        raise Problem("reauth_required")
