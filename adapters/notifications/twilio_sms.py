"""Text messages by Twilio, over the library that Twilio makes, which comes with the extra `twilio`."""

import logging
from typing import Any, Final, assert_never

from aiohttp import ClientSession, ClientTimeout, encode_basic_auth, hdrs

from wallet_core.faults import Fault, Unavailable
from wallet_core.notifications.messages import Mail, Message, Sms
from wallet_core.notifications.ports import Undeliverable

ANSWER_SECONDS_MAX: Final = 6.0
_SERVICE_PREFIX: Final = "MG"
_TOO_MANY: Final = 429
_REFUSED: Final = range(400, 500)
_MENDABLE: Final = (401, 403, _TOO_MANY)
"""Refusals that say nothing of the message: the account is what has to be seen to."""


_log = logging.getLogger(__name__)


class TwilioMissing(Fault):
    """Text messages are to go by Twilio, and its library is not installed."""


class TwilioCourier:
    """A Courier of text messages. Mail is not taken.

    `sender` is a number of the account's (E.164) or one of its messaging services. Raises TwilioMissing.
    """

    def __init__(
        self,
        *,
        account: str,
        token: str,
        sender: str,
        url: str | None = None,
        answer_seconds_max: float = ANSWER_SECONDS_MAX,
    ) -> None:
        """`url` is where the API is, where that is not with Twilio."""
        try:
            from twilio.base.exceptions import TwilioRestException
            from twilio.http import AsyncHttpClient
            from twilio.http.response import Response
            from twilio.rest import Client
        except ImportError:
            raise TwilioMissing("TWILIO_ACCOUNT_SID is set and the extra `twilio` is not installed.") from None
        authorization = encode_basic_auth(account, token)
        limit = ClientTimeout(total=answer_seconds_max)

        class Link(AsyncHttpClient):  # type: ignore[misc] # the library has no types
            """A connection of its own for each message, to wherever the API is. The library's own way leaves sessions
            open that fail, and logs whom a message is for.
            """

            async def request(
                self, method: str, asked: str, *, data: Any = None, headers: Any = None, **_: object
            ) -> object:
                to = asked if url is None else url + asked[asked.index("/", len("https://")) :]
                said = {**(headers or {}), hdrs.AUTHORIZATION: authorization}
                async with (
                    ClientSession(timeout=limit) as session,
                    session.request(method, to, data=data, headers=said, allow_redirects=False) as response,
                ):
                    return Response(response.status, await response.text(), response.headers)

        self._client = Client(account, token, http_client=Link(_log, is_async=True))
        self._refusal = TwilioRestException
        self._sender = {"messaging_service_sid" if sender.startswith(_SERVICE_PREFIX) else "from_": sender}

    async def deliver(self, message: Message) -> None:
        """As Courier.deliver."""
        match message:
            case Sms():
                await self._send(message)
            case Mail():
                raise Undeliverable("Twilio takes no mail.")
            case _:
                assert_never(message)

    async def _send(self, sms: Sms) -> None:
        try:
            await self._client.messages.create_async(to=sms.to, body=sms.body, **self._sender)
        except self._refusal as refused:
            # Never in its own words: they name the number.
            raise _fault_of(refused.status) from None
        except Exception as error:  # noqa: BLE001 - the library lets through whatever its HTTP client raises
            raise Unavailable(f"Twilio does not answer: {type(error).__name__}.") from None


def _fault_of(status: int) -> Unavailable | Undeliverable:
    said = f"Twilio refuses a text message ({status})."
    return Undeliverable(said) if status in _REFUSED and status not in _MENDABLE else Unavailable(said)
