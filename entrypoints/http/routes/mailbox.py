"""`/dev/mailbox`: the messages that would have left the service, for whoever develops. Production has none."""

import base64
import hashlib
import re
from html import escape
from pathlib import Path
from typing import Any, Final

from aiohttp import hdrs, web

from entrypoints.http.problems import json_response
from entrypoints.http.schemas.fields import written_timestamp
from entrypoints.http.security_headers import CONTENT_SECURITY_POLICY
from wallet_core.notifications.messages import Mail, Received, Sms
from wallet_core.notifications.ports import Mailbox

SHOWN_MAX: Final = 100

_STYLE: Final = (Path(__file__).parents[1] / "static" / "page.css").read_text(encoding="utf-8")
_STYLE_HASH: Final = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_POLICY: Final = (
    f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_LINK: Final = re.compile(r"https?://[^\s<>\"']+")


def mailbox_routes(mailbox: Mailbox) -> list[web.RouteDef]:
    """`/dev/mailbox` as a page, and `/dev/mailbox/messages` as JSON, with `?to=` for one address."""

    async def show_mailbox(_: web.Request) -> web.Response:
        messages = await mailbox.newest(SHOWN_MAX)
        return web.Response(
            text=_page(messages),
            headers={hdrs.CONTENT_TYPE: "text/html; charset=utf-8", CONTENT_SECURITY_POLICY: _POLICY},
        )

    async def list_messages(request: web.Request) -> web.Response:
        messages = await mailbox.newest(SHOWN_MAX, to=request.query.get("to"))
        return json_response({"data": [_view(each) for each in messages]})

    return [web.get("/dev/mailbox", show_mailbox), web.get("/dev/mailbox/messages", list_messages)]


def _view(received: Received) -> dict[str, Any]:
    message = received.message
    return {
        "id": str(received.id),
        "channel": "sms" if isinstance(message, Sms) else "mail",
        "to": message.to,
        "subject": message.subject if isinstance(message, Mail) else None,
        "body": message.body,
        "received_at": written_timestamp(received.received_at),
    }


def _page(messages: list[Received]) -> str:
    shown = "\n".join(map(_article, messages)) or "<p>Nothing has been sent yet.</p>"
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>Mailbox</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style></head>\n'
        "<body><main><h1>Mailbox</h1>"
        "<p>What this service would have sent, newest first. Reload to see more.</p>\n"
        f"{shown}\n</main></body></html>\n"
    )


def _article(received: Received) -> str:
    message = received.message
    subject = f"<h2>{escape(message.subject)}</h2>" if isinstance(message, Mail) else "<h2>Text message</h2>"
    moment = written_timestamp(received.received_at)
    return (
        f'<article><header><span>To {escape(message.to)}</span><time datetime="{moment}">{moment}</time></header>'
        f"{subject}<pre>{_linked(message.body)}</pre></article>"
    )


def _linked(text: str) -> str:
    """The text with what looks like a link made one; nothing in it is HTML."""
    written, at = [], 0
    for link in _LINK.finditer(text):
        url = escape(link[0])
        written += [escape(text[at : link.start()]), f'<a href="{url}" rel="noreferrer">{url}</a>']
        at = link.end()
    return "".join([*written, escape(text[at:])])
